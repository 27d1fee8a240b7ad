"""A call book without a database: as many calls as are asked for, each to somebody else, and what became of them.

It keeps the attempts' table: what the store would refuse is refused here.
"""

from collections import Counter, deque
from collections.abc import Collection, Mapping
from datetime import datetime

from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State, step
from contactd.domain.campaign import INBOUND, Step
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict
from contactd.engine.calls.callbook import Conclude, Dial, Wanted
from contactd.engine.calls.lists import Key, key_of
from contactd.engine.gate import Refused
from contactd.store.attempts import Claimed
from contactd.store.call_queue import CallBack
from contactd.store.calls import CallRow, HandedIn, Stage, Unfinished
from contactd.store.incoming import Arrival, Caller

# A range reserved for fiction (Bundesnetzagentur, Rufnummern für Drama), used over and over: nothing is called.
_NUMBER = "+4930231250{:02}"
_NUMBERS = 100
_ENDS = frozenset({Event.REJECTED, Event.CONFIRMED})


class MemoryBook:
    """`outcomes` counts how calls ended, `open` is the attempts that have not, `called` counts calls by campaign."""

    def __init__(self, clock: Clock, steps: Mapping[Key, Step]) -> None:
        self._clock = clock
        self._steps = steps
        self._again: deque[Claimed] = deque()
        self._last = 0
        self._campaigns: dict[int, str] = {}
        self.open: dict[int, State] = {}
        self.called: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.dispositions: Counter[str] = Counter()

    async def claim(self, wanted: Wanted) -> list[Claimed]:
        """Hand out who was given back, then people nobody has called yet."""
        found = [one for one in self._again if key_of(one) == wanted.key][: wanted.limit]
        for one in found:
            self._again.remove(one)
        found += [self._somebody(wanted.key) for _ in range(wanted.limit - len(found))]
        self.open.update((one.id, State.CLAIMED) for one in found)
        return found

    def campaign_of(self, attempt: int) -> str:
        """Tell for which campaign somebody is called."""
        return self._campaigns[attempt]

    def _somebody(self, key: Key) -> Claimed:
        self._last += 1
        number = self._last
        self._campaigns[number] = key[0]
        return Claimed(number, 1, number, number, *key, Channel.CALL, 1, 1, self._clock.now())

    async def begin(self, claimed: Claimed) -> Dial | Refused:
        """Let everybody be called."""
        self._follow(claimed.id, Event.BEGUN)
        self.called[claimed.campaign] += 1
        return Dial(claimed, _NUMBER.format(claimed.id % _NUMBERS), "de", self._steps[key_of(claimed)])

    async def release(self, claimed: Claimed, later: datetime | None = None) -> None:
        """Take back who was not called."""
        del later
        self._follow(claimed.id, Event.NOT_TAKEN if self.open[claimed.id] is State.SENDING else Event.RELEASED)
        self._again.append(claimed)

    async def skip(self, claimed: Claimed, agent: str, why: str, later: datetime) -> None:
        """Take back whom an agent would rather not call."""
        del agent, why, later
        self._follow(claimed.id, Event.SKIPPED)

    async def agree(self, item: CallBack) -> None:
        """Forget it: the rehearsal is over before."""

    async def dial(self, item: CallBack) -> Claimed:
        """Let whoever is dialled be somebody nobody has called yet."""
        del item
        claimed = self._somebody(next(iter(self._steps)))
        self.open[claimed.id] = State.CLAIMED
        return claimed

    async def arrived(self, arrival: Arrival) -> Caller:
        """Know nobody who would call."""
        self._last += 1
        self.open[self._last], self._campaigns[self._last] = State.ACCEPTED, ""
        claimed = Claimed(self._last, 1, 0, 0, "", INBOUND, Channel.CALL, 0, self._last, arrival.at)
        return Caller(claimed, next(iter(arrival.numbers), ""))

    async def missed(self, number: str) -> int:
        """Know nobody who would call."""
        del number
        return 0

    async def record(self, claimed: Claimed, stage: Stage) -> None:
        """Follow the attempt; its end is counted, and a second one refused."""
        if stage.transition is None:
            return
        event = stage.transition.event
        self._follow(claimed.id, event)
        if event in _ENDS or event is Event.NOT_TAKEN:
            self.outcomes[stage.transition.outcome] += 1
            del self.open[claimed.id], self._campaigns[claimed.id]

    async def hand_in(self, item: HandedIn, conclude: Conclude | None = None) -> None:
        """Count what agents say; nothing is to be done with it in a rehearsal."""
        del conclude
        self.dispositions[item.disposition] += 1

    async def unfinished(self, campaigns: Collection[str]) -> list[Unfinished]:
        """Have no past."""
        del campaigns
        return []

    async def strays(self, known: Collection[str]) -> list[Unfinished]:
        """Have no past anywhere."""
        del known
        return []

    async def past(self, campaign: str, since: datetime) -> list[CallRow]:
        """Have none to learn from either."""
        del campaign, since
        return []

    def _follow(self, attempt: int, event: Event) -> None:
        if attempt not in self.open:
            raise StoreConflict(f"attempt {attempt} has ended already")
        self.open[attempt] = step(self.open[attempt], event)
