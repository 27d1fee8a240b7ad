"""Calls customers for the agents who are free: one call for each (progressive), never more.

It decides when a call may begin and takes it through the gate; what becomes of the call is the switchboard's. The
daemon builds one, hands `on_event` to the carrier, and closes the carrier after `drain` has returned.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from contactd.domain.call import Call, Event, HowEnded, Limits, State
from contactd.domain.clock import Clock
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
    StoreConflict,
    StoreError,
)
from contactd.domain.happened import CallMoved
from contactd.engine import live_call
from contactd.engine.bus import Bus
from contactd.engine.callbook import CallBook, Dial
from contactd.engine.gate import Refused
from contactd.engine.live_call import CONGESTED, Live
from contactd.engine.roster import Roster
from contactd.engine.switchboard import Apology, Switchboard
from contactd.store.attempts import Claimed
from contactd.store.calls import Unfinished
from contactd.telephony.base import CallRequest, Carrier, CarrierEvent

log = structlog.get_logger()

_TICK = 0.5
_ASLEEP = 4 * _TICK
_POLL = (1.0, 5.0)  # between looks for work that nobody announced: the first, and the longest
_CARRIER_DOWN = 5.0
_LATE = timedelta(seconds=15)  # the carrier's own report may be that late before the call counts as lost

# Which campaigns the agents of a team call for; asked each time, so a reload takes effect at once.
Teams = Callable[[], Mapping[str, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class Line:
    """How calls are placed: the number shown, how long it rings, and when a conversation has been forgotten."""

    caller_id: str = ""
    ring_seconds: float = 30.0
    talk_seconds: float = 7200.0

    def limits(self) -> Limits:
        """Allow the carrier some patience beyond the ring time, and a waiting person none for a tick that is late."""
        ring = timedelta(seconds=self.ring_seconds)
        waiting = Limits().waiting - timedelta(seconds=_TICK)
        talk = timedelta(seconds=self.talk_seconds)
        return Limits(placed=ring + 2 * _LATE, ringing=ring + _LATE, waiting=waiting, connected=talk)


class Dialer:
    """All calls of one daemon; `run` works until `drain` has ended, `desk` is where agents work."""

    def __init__(
        self,
        *,
        roster: Roster,
        carrier: Carrier,
        book: CallBook,
        clock: Clock,
        bus: Bus,
        teams: Teams,
        apology: Apology,
        line: Line,
    ) -> None:
        self._roster = roster
        self._carrier = carrier
        self._book = book
        self._clock = clock
        self._bus = bus
        self._teams = teams
        self._line = line
        self._starting: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._draining = self._stopped = False
        self._rest_until = 0.0
        self._look_at: dict[str, float] = {}
        self._poll: dict[str, float] = {}
        self.desk = Switchboard(
            roster=roster,
            carrier=carrier,
            book=book,
            clock=clock,
            bus=bus,
            apology=apology,
            limits=line.limits(),
            moved=self._wake.set,
        )

    def on_event(self, event: CarrierEvent) -> None:
        """Hear from the carrier."""
        self.desk.on_event(event)

    async def run(self) -> None:
        """Settle what an earlier run left, then call until `drain` has ended."""
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(self._tick_for_ever())
            try:
                while not self._stopped and not await self._recover():
                    await self._clock.sleep(_CARRIER_DOWN)
                while not self._stopped:
                    self._wake.clear()
                    await self._place_all()
                    await self._wake.wait()
            finally:
                ticking.cancel()
                await self.desk.errands.abandon()

    async def drain(self, seconds: float) -> None:
        """Place nothing more; return when all calls have ended, or when the time is up: the rest stays recoverable."""
        self._draining = True
        end = self._clock.monotonic() + seconds
        while (self.desk or self.desk.errands) and self._clock.monotonic() < end:
            await self._clock.sleep(_TICK)
        self._stopped = True
        self._wake.set()

    def notify(self) -> None:
        """Look for work now: something was planned or resumed."""
        self._look_at.clear()
        self._wake.set()

    def status(self) -> dict[str, object]:
        """Tell how things stand."""
        return {
            "in_flight": sum(self._in_flight(team) for team in self._teams()),
            "calls": dict(self.desk.states()),
            "draining": self._draining,
            "resting": self._clock.monotonic() < self._rest_until,
            **{name: self.desk.counts[name] for name in ("placed", "answered", "connected", "abandoned")},
        }

    # -- placing -------------------------------------------------------------------------------------------------

    async def _tick_for_ever(self) -> None:
        last = self._clock.monotonic()
        while True:
            await self._clock.sleep(_TICK)
            now = self._clock.monotonic()
            # Whoever slept that long (a suspended machine) first hears what happened meanwhile, then counts the time.
            if now - last < _ASLEEP:
                self.desk.tick()
                self._roster.tick()
            last = now
            self._wake.set()

    def _in_flight(self, team: str) -> int:
        return self.desk.in_flight(team) + self._starting[team]

    def _room(self, team: str) -> int:
        """Answer how many calls may be begun now: one for each free agent, never more."""
        if self._draining or self._clock.monotonic() < self._rest_until:
            return 0
        return max(0, len(self._roster.free(team)) - self._in_flight(team))

    async def _place_all(self) -> None:
        for team, campaigns in self._teams().items():
            room = self._room(team)
            if not room or not campaigns or self._clock.monotonic() < self._look_at.get(team, 0.0):
                continue
            claims = await self._claim(campaigns, room)
            for claimed in claims:
                self._starting[team] += 1
                self.desk.errands.run(partial(self._start, claimed, team))
            self._look_again(team, enough=len(claims) == room)

    def _look_again(self, team: str, *, enough: bool) -> None:
        """Ask at once while there is plenty, less and less often while there is nothing."""
        self._poll[team] = 0.0 if enough else min(max(_POLL[0], self._poll.get(team, 0.0) * 2), _POLL[1])
        self._look_at[team] = self._clock.monotonic() + self._poll[team]

    async def _claim(self, campaigns: frozenset[str], limit: int) -> list[Claimed]:
        try:
            return await self._book.claim(campaigns, limit)
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="claim_call", error=str(error))
            return []

    async def _start(self, claimed: Claimed, team: str) -> None:
        """Pass the gate and place the call, if there is still an agent for it."""
        answer: Dial | Refused | None = None
        try:
            answer = await self._book.begin(claimed)
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="begin_call", attempt=claimed.id, error=str(error))
            await self.desk.insist(partial(self._book.release, claimed))
        finally:
            self._starting[team] -= 1
            self._wake.set()
        if not isinstance(answer, Dial):
            return
        if not self._room(team):  # the agent paused, or we are stopping: certainly not called
            await self.desk.insist(partial(self._book.release, claimed))
            return
        call = Call(claimed.reference, self._clock.now())
        await self._place(self.desk.take_up(answer, team, call, self._line.caller_id))

    async def _place(self, live: Live) -> None:
        claimed, reference = live.dial.claimed, live.reference
        request = CallRequest(reference, claimed.id, live.dial.number, live.caller_id, self._line.ring_seconds)
        self.desk.count(live, "placed")
        try:
            await self._carrier.place(request)
        except (ChannelUnavailable, ChannelMisconfigured) as error:
            log.warning("carrier_refused", reference=reference, error=str(error))
            seconds = error.retry_after if isinstance(error, ChannelUnavailable) else CONGESTED.total_seconds()
            self._rest_until = max(self._rest_until, self._clock.monotonic() + seconds)
            live.retry_after = timedelta(seconds=seconds)
            self.desk.feed(live, Event.NOT_TAKEN)
        except ChannelRejected as error:
            self.desk.feed(live, Event.INVALID if error.dead else Event.REJECTED)
        except ChannelUnclear as error:
            log.warning("carrier_unclear", reference=reference, error=str(error))
            self._lose_sight(live)
        except Exception:  # nobody foresaw it: it may be ringing
            log.exception("carrier_broke", reference=reference)
            self._lose_sight(live)

    def _lose_sight(self, live: Live) -> None:
        """Enter the doubt, unless the carrier was heard meanwhile; its events may still come, until the deadline."""
        if live.call.state is not State.ENDED and not live.call.taken:
            self.desk.enter(live, live_call.lost_sight(live, self._clock.now()))

    # -- after a crash -------------------------------------------------------------------------------------------

    async def _recover(self) -> bool:
        """Adopt the calls of an earlier run that are still up, enter the others as lost; False: ask again later."""
        try:
            left = await self._book.unfinished()
            up = set(await self._carrier.live()) if left else set()
        except (StoreError, ChannelError) as error:
            log.warning("calls_not_recovered", error=str(error))
            return False
        for item in left:
            if item.claimed.reference in up:
                self._adopt(item)
                continue
            log.warning("call_lost", reference=item.claimed.reference)
            stage = live_call.lost(item, self._clock.now())
            await self.desk.insist(partial(self._book.record, item.claimed, stage))
            self._bus.publish(CallMoved(item.claimed.reference, "ended", HowEnded.LOST.value))
        return True

    def _adopt(self, item: Unfinished) -> None:
        claimed, kept = item.claimed, item.row
        team = next((team for team, campaigns in self._teams().items() if claimed.campaign in campaigns), "")
        live = self.desk.take_up(Dial(claimed, kept.number), team, live_call.adopted(item), kept.caller_id)
        live.agent, live.carrier_ref = kept.agent, kept.carrier_ref
        log.info("call_adopted", reference=live.reference, state=live.call.state)
        if live.call.state is State.CONNECTED:
            self.desk.resume_conversation(live)
