"""One team at the telephone: which of its calls are placed now, for whom, and why not more.

The dialer builds one for each team it owns. It claims calls, takes each through the gate and hands it to the carrier;
what becomes of the call is the switchboard's.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from contactd.domain import agent as agents
from contactd.domain.agent import Agent
from contactd.domain.call import Call, Event, State
from contactd.domain.clock import Clock
from contactd.domain.errors import (
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
    StoreConflict,
    StoreError,
)
from contactd.domain.pacing import Decision, Reason
from contactd.engine.calls import live_call
from contactd.engine.calls.callbook import CallBook, Dial, Wanted
from contactd.engine.calls.calls_up import CallsUp
from contactd.engine.calls.lists import CallList, Key, Turns
from contactd.engine.calls.live_call import Live
from contactd.engine.calls.pacer import Pacer, Staff
from contactd.engine.calls.previews import SKIPPED_FOR, Previews
from contactd.engine.calls.refusals import Refusals, Trunks
from contactd.engine.calls.roster import Roster
from contactd.engine.calls.switchboard import Switchboard
from contactd.engine.gate import Refused
from contactd.store.attempts import Claimed
from contactd.telephony.base import UNSERVED, CallRequest, Carrier

log = structlog.get_logger()

_POLL = (1.0, 5.0)  # seconds between looks for work that nobody announced: the first, and the longest
_STALE = 1.0  # seconds after which a decision is taken anew though nothing has moved
_LATER = timedelta(minutes=1)  # until one is tried again who has to wait for an agent, or calls us


class Team:
    """`lists` is asked each time, so that a reload takes effect at once; so is `owned`, whether the team is ours."""

    def __init__(
        self,
        name: str,
        *,
        lists: Callable[[], Sequence[CallList]],
        roster: Roster,
        carrier: Carrier,
        book: CallBook,
        clock: Clock,
        desk: Switchboard,
        pacer: Pacer,
        previews: Previews,
        trunks: Trunks,
        wake: Callable[[], None],
        owned: Callable[[], bool],
    ) -> None:
        self.name = name
        self.pacer = pacer
        self.refusals = Refusals(trunks, clock.monotonic)
        self.decisions: dict[Key, Decision] = {}
        self._lists = lists
        self._roster = roster
        self._carrier = carrier
        self._book = book
        self._clock = clock
        self._desk = desk
        self._previews = previews
        self._trunks = trunks
        self._wake = wake
        self._owned = owned
        self._turns = Turns()
        self._starting: Counter[Key] = Counter()  # calls being begun, those apart for which an agent is kept
        self._kept: dict[str, int] = {}  # by agent: the attempt that is being begun for them
        self._look_at: dict[Key, float] = {}
        self._poll: dict[Key, float] = {}
        self._departures = 0
        self._met = 0  # the revision of the roster
        self._touched, self._decided = True, 0.0
        self._known: set[str] = set()  # campaigns whose past was learned from
        roster.listen(self._agent_moved)

    @property
    def lists(self) -> Sequence[CallList]:
        """List what the team calls."""
        return self._lists()

    def in_flight(self) -> int:
        """Count the calls that will want an agent, those that are being begun among them."""
        return self._desk.in_flight(self.name) + self._starting_for_agents()

    def starting(self) -> int:
        """Count the calls that are being begun."""
        return self._starting.total() + len(self._kept)

    async def remember(self) -> bool:
        """Learn from the calls of the past; False: the store is away, ask again later."""
        for one in self._lists():
            if one.is_agentless or one.campaign.id in self._known:
                continue
            since = self._clock.now() - timedelta(seconds=self.pacer.span)
            try:
                rows = await self._book.past(one.campaign.id, since)
            except StoreError as error:
                log.warning("store_unavailable", while_doing="remember_calls", error=str(error))
                return False
            self.pacer.recall(one.campaign.id, one.step.max_abandon, rows)
            self._known.add(one.campaign.id)
        return True

    def notify(self) -> None:
        """Look for work now: something was planned or resumed."""
        self._look_at.clear()
        self._touched = True

    def touch(self) -> None:
        """Decide anew: a call or an agent has moved."""
        self._touched = True
        self._wake()

    async def place(self) -> None:
        """Hang up what would meet nobody, then place what there is room for; only if something moved, or a second ago.

        How likely each call is to be answered changes by time alone.
        """
        now, departures = self._clock.monotonic(), self._departures
        if (not self._touched and now < self._decided + _STALE) or not await self.remember():
            return
        self._touched, self._decided = False, now
        lists = [one for one in self._lists() if now >= self._look_at.get(one.key, 0.0)]
        for live in self._decide():
            self._desk.feed(live, Event.CANCELLED)
        if not lists or self.refusals.rests() or not self._owned():
            return
        for key, count in self._turns.share(lists, partial(self._room, self._trunks.left())).items():
            one = next(one for one in lists if one.key == key)
            claims = await self._claim(one, count)
            self._look_again(key, enough=len(claims) == count)
            for claimed in claims:
                self._begin(one, claimed, departures)
            if len(claims) < count:
                self.touch()  # what this list has left over is for the others

    def _decide(self) -> list[Live]:
        """Ask the pacing about every list; answers what is to be hung up, which it counts on no longer."""
        staff, calls, given_up = self._staff(), self._desk.up(self.name), list[Live]()
        for one in self._lists():
            if one.is_agentless:
                self.decisions[one.key] = self._room_without_agents(one, calls)
                continue
            for live in self.pacer.to_hang_up(one, staff, calls):
                calls.give_up(live)
                given_up.append(live)
            self.decisions[one.key] = self._ask(one, staff)
        return given_up

    def _ask(self, one: CallList, staff: Staff) -> Decision:
        calls, starting = self._desk.up(self.name), self._starting_for_agents()
        return self.pacer.decide(one, staff, calls, starting, self._trunks.left())

    def _staff(self) -> Staff:
        if self._met != self._roster.revision:
            self._met = self._roster.revision
            self.pacer.meet(self._roster.agents(self.name))
        return self.pacer.staff()

    def _room_without_agents(self, one: CallList, calls: CallsUp) -> Decision:
        used = calls.of(one.key) + self._starting[one.key]
        room = one.step.lines - used
        if one.step.mode == "ivr" and not self._roster.anybody(self.name):
            return Decision(0, Reason.NO_AGENT)
        return Decision(max(room, 0), Reason.LINES_FULL if room <= 0 else Reason.ENOUGH_RINGING)

    def _starting_for_agents(self) -> int:
        agentless = {one.key for one in self._lists() if one.is_agentless}
        return sum(count for key, count in self._starting.items() if key not in agentless)

    def _room(self, left: int | None, one: CallList, given: Mapping[Key, int]) -> int:
        """Answer how many calls more the list may place of the lines left, given what the others place."""
        place = self.decisions[one.key].place
        if left is not None and sum(given.values()) >= left:
            return 0
        if one.is_agentless:
            return place - given.get(one.key, 0)
        live = {other.key for other in self._lists() if not other.is_agentless}
        return place - sum(count for key, count in given.items() if key in live)

    def _look_again(self, key: Key, *, enough: bool) -> None:
        """Ask at once while there is plenty, less and less often while there is nothing."""
        self._poll[key] = 0.0 if enough else min(max(_POLL[0], self._poll.get(key, 0.0) * 2), _POLL[1])
        self._look_at[key] = self._clock.monotonic() + self._poll[key]

    async def _claim(self, one: CallList, limit: int) -> list[Claimed]:
        free = frozenset(agent.id for agent in self._roster.free(self.name))
        wanted = Wanted(one.key, limit, free, self.pacer.reach[one.campaign.id].table())
        try:
            claims = await self._book.claim(wanted)
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="claim_call", error=str(error))
            return []
        self._turns.served(one.key, len(claims))
        return claims

    def _begin(self, one: CallList, claimed: Claimed, departures: int) -> None:
        """Offer the call to an agent who looks at it first, or place it."""
        needs_agent = one.step.mode == "preview" or (claimed.kept_for and one.step.mode != "message")
        agent = (
            self._reserve(claimed.kept_for, claimed.language)
            if needs_agent and self._trunks.rest_until != math.inf
            else ""
        )
        if needs_agent and not agent:
            self._desk.errands.run(partial(self._give_back, claimed))
        elif one.step.mode == "preview":
            self._previews.offer(claimed, one, agent)
        else:
            self.start(claimed, one, agent, departures)

    def _reserve(self, agent_id: str = "", language: str = "") -> str:
        """Keep an agent for a call: the one it is for and no other, else whoever has waited longest."""
        if agent_id:
            free = any(agent.id == agent_id for agent in self._roster.free(self.name))
            return self._roster.apply(agent_id, agents.Event.RESERVED).id if free else ""
        found = self._roster.reserve(self.name, language)
        return found.id if found else ""

    # -- one call ------------------------------------------------------------------------------------------------

    def start(self, claimed: Claimed, one: CallList, agent: str = "", departures: int | None = None) -> None:
        """Begin a call, for an agent who has been reserved for it, or for whoever will be free.

        `departures`: how often agents had gone when it was decided, so that none is placed for those who go since.
        """
        if agent:
            self._kept[agent] = claimed.id
        departures = self._departures if departures is None else departures
        self._starting[one.key] += one.is_agentless or not agent
        self._desk.errands.run(partial(self._start, claimed, one, agent, departures))

    async def _start(self, claimed: Claimed, one: CallList, agent: str, departures: int) -> None:
        """Pass the gate and place the call, if there is still an agent for it."""
        dial = await self._pass_gate(claimed, one, agent)
        if dial is None:
            self._let_go(agent, claimed)
            return
        if dial.agent_first and not agent and one.step.mode != "message":
            agent = self._keep(dial)
        if not self._is_wanted(one, dial, agent, departures):
            self._let_go(agent, claimed)
            later = dial.agent_first or self._desk.is_called_by(claimed.customer_id)
            await self._give_back(claimed, self._clock.now() + _LATER if later else None)
            return
        self._kept.pop(agent, None)
        call = Call(claimed.reference, self._clock.now())
        shown = self._trunks.shown.to(dial.number, dial.step)
        await self._place(self._desk.take_up(dial, self.name, call, shown, agent))

    async def _pass_gate(self, claimed: Claimed, one: CallList, agent: str) -> Dial | None:
        """Commit the intent; None: the rules or the store would not, and nothing may be called."""
        answer: Dial | Refused | None = None
        try:
            answer = await self._book.begin(claimed)
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="begin_call", attempt=claimed.id, error=str(error))
            self._let_go(agent, claimed)
            await self._give_back(claimed)
        except Exception:
            self._let_go(agent, claimed)
            raise
        finally:
            self._starting[one.key] -= one.is_agentless or not agent
            self.touch()
        return answer if isinstance(answer, Dial) else None

    def _keep(self, dial: Dial) -> str:
        """Keep an agent for a number whose last call was abandoned."""
        agent = self._reserve(language=dial.language)
        if agent:
            self._kept[agent] = dial.claimed.id
        return agent

    def _is_wanted(self, one: CallList, dial: Dial, agent: str, departures: int) -> bool:
        """Tell whether the call may still be placed: its agent is there, or as many work as when it was decided.

        None is to a customer who calls us at this moment.
        """
        if self.refusals.rests() or not self._owned():
            return False
        if agent:
            kept = self._is_kept(agent, dial.claimed) and self._roster.find(agent).wish is None
            return kept and not self._desk.is_called_by(dial.claimed.customer_id)
        if (dial.agent_first and one.step.mode != "message") or self._desk.is_called_by(dial.claimed.customer_id):
            return False
        if one.is_agentless:
            return one.step.mode == "message" or self._roster.anybody(self.name)
        if departures == self._departures:
            return True
        return self._ask(one, self._staff()).place > 0

    async def _place(self, live: Live) -> None:
        claimed, reference = live.dial.claimed, live.reference
        detect = live.dial.step.detect
        request = CallRequest(
            reference,
            claimed.id,
            live.dial.number,
            live.caller_id,
            self._trunks.ring_seconds,
            detect="" if detect == "none" else detect,
        )
        self._desk.count(live, "placed")
        try:
            await self._carrier.place(request)
            self.refusals.took()
        except (ChannelUnavailable, ChannelMisconfigured) as error:
            log.warning("carrier_refused", reference=reference, error=str(error))
            if error.code == UNSERVED:  # the others are called
                self._desk.feed(live, Event.FAILED)
                return
            live.retry_after = timedelta(seconds=self.refusals.hear(error))
            self._desk.feed(live, Event.NOT_TAKEN)
        except ChannelRejected as error:
            self._desk.feed(live, Event.INVALID if error.dead else Event.REJECTED)
        except ChannelUnclear as error:
            log.warning("carrier_unclear", reference=reference, error=str(error))
            self._lose_sight(live)
        except Exception:  # nobody foresaw it: it may be ringing
            log.exception("carrier_broke", reference=reference)
            self._lose_sight(live)

    def _lose_sight(self, live: Live) -> None:
        """Enter the doubt, unless the carrier was heard meanwhile; its events may still come, until the deadline."""
        if live.call.state is not State.ENDED and not live.call.taken:
            self._desk.enter(live, live_call.lost_sight(live, self._clock.now()))

    async def _give_back(self, claimed: Claimed, later: datetime | None = None) -> None:
        await self._desk.insist(partial(self._book.release, claimed, later))

    def _is_kept(self, agent: str, claimed: Claimed) -> bool:
        """Tell whether an agent has been reserved ever since for this very call."""
        return self._kept.get(agent) == claimed.id and self._roster.is_reserved(agent)

    def _let_go(self, agent: str, claimed: Claimed) -> None:
        if self._is_kept(agent, claimed):
            self._roster.apply(agent, agents.Event.RELEASED)

    def skip(self, claimed: Claimed, agent: str, why: str) -> None:
        """Put off a call an agent would rather not place."""
        later = self._clock.now() + SKIPPED_FOR
        self._desk.errands.run(lambda: self._desk.insist(partial(self._book.skip, claimed, agent, why, later)))

    def _agent_moved(self, agent: Agent) -> None:
        if agent.state is not agents.State.RESERVED:
            self._kept.pop(agent.id, None)
        if agent.team != self.name:
            return
        if agent.state in _AWAY or agent.wish is not None:
            self._departures += 1
        live = self._desk.conversation_of(agent.id) if agent.state is agents.State.TALK else None
        self.pacer.agent_moved(agent, live.key[0] if live else "")
        if agent.state is not agents.State.RESERVED and agent.state is not agents.State.TALK:
            self.touch()


_AWAY = frozenset({agents.State.OFFLINE, agents.State.PHONE_WAIT, agents.State.PAUSE, agents.State.UNREACHABLE})
