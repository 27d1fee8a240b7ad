"""Calls customers for agents: ahead of who will be free, one for each, or for none, as each step of a campaign says.

It keeps the teams at work and what they share: the carrier, the desk, the clock's ticks. How many calls are placed is
decided in domain/pacing.py, which ones in engine/team.py; what becomes of a call is the switchboard's. The daemon
builds one, hands `on_event` to the carrier, and closes the carrier after `drain` has returned.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from functools import partial
from typing import Any

import structlog

from contactd.domain.calendar import find_zone
from contactd.domain.call import HowEnded, Limits, State
from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError, StoreError
from contactd.domain.happened import CallMoved
from contactd.engine import live_call
from contactd.engine.bus import Bus
from contactd.engine.callbook import CallBook, Dial
from contactd.engine.lists import CallList, key_of
from contactd.engine.live_call import Live
from contactd.engine.pacer import Dialling, Pacer
from contactd.engine.previews import Previews
from contactd.engine.roster import Roster
from contactd.engine.switchboard import Say, Switchboard
from contactd.engine.team import Team, Trunks
from contactd.store.attempts import Claimed
from contactd.store.calls import Unfinished
from contactd.telephony.base import Carrier, CarrierEvent

log = structlog.get_logger()

_TICK = 0.5
_ASLEEP = 4 * _TICK
_CARRIER_DOWN = 5.0
_LATE = timedelta(seconds=15)  # the carrier's own report may be that late before the call counts as lost

# What each team calls; asked each time, so a reload takes effect at once.
Teams = Callable[[], Mapping[str, Sequence[CallList]]]


@dataclass(frozen=True, slots=True)
class Line:
    """How calls are placed: the number shown, how long it rings, when a conversation has been forgotten, the pacing."""

    caller_id: str = ""
    ring_seconds: float = 30.0
    talk_seconds: float = 7200.0
    dialling: Dialling = field(default_factory=Dialling)

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
        say: Say,
        line: Line,
    ) -> None:
        self._roster = roster
        self._carrier = carrier
        self._book = book
        self._clock = clock
        self._bus = bus
        self._teams_now = teams
        self._line = line
        self._wake = asyncio.Event()
        self._draining = self._stopped = self._placing = False
        self._trunks = Trunks(line.caller_id, line.ring_seconds)
        self._teams: dict[str, Team] = {}
        self.desk = Switchboard(
            roster=roster,
            carrier=carrier,
            book=book,
            clock=clock,
            bus=bus,
            say=say,
            limits=line.limits(),
            moved=self._wake.set,
            watch=self._call_moved,
        )
        self.previews = Previews(roster, clock, bus, place=self._accepted, skip=self._skipped)

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
                    self._placing = True
                    for team in self._at_work():
                        await team.place()
                    self._placing = False
                    await self._wake.wait()
            finally:
                ticking.cancel()
                await self.desk.errands.abandon()

    async def drain(self, seconds: float) -> None:
        """Place nothing more; return when all calls have ended, or when the time is up: the rest stays recoverable."""
        self._draining = True
        self._trunks.rest_until = math.inf
        self.previews.withdraw()
        end = self._clock.monotonic() + seconds
        while (self._placing or self.desk or self.desk.errands) and self._clock.monotonic() < end:
            await self._clock.sleep(_TICK)
        self._stopped = True
        self._wake.set()

    def notify(self) -> None:
        """Look for work now: something was planned or resumed."""
        for team in self._teams.values():
            team.notify()
        self._wake.set()

    def status(self) -> dict[str, Any]:
        """Tell how things stand."""
        return {
            "in_flight": sum(team.in_flight() for team in self._teams.values()),
            "calls": dict(self.desk.states()),
            "draining": self._draining,
            "resting": self._clock.monotonic() < self._trunks.rest_until,
            **{name: self.desk.counts[name] for name in ("placed", "answered", "connected", "abandoned")},
        }

    # -- teams ---------------------------------------------------------------------------------------------------

    def _at_work(self) -> list[Team]:
        """List the teams, made when they first have something to call."""
        if self._draining:
            return []
        for name in self._teams_now():
            if name not in self._teams:
                self._teams[name] = self._team(name)
        return list(self._teams.values())

    def _team(self, name: str) -> Team:
        return Team(
            name,
            lists=lambda: self._teams_now().get(name, ()),
            roster=self._roster,
            carrier=self._carrier,
            book=self._book,
            clock=self._clock,
            desk=self.desk,
            pacer=Pacer(self._line.dialling, self._zone, self._clock.now),
            previews=self.previews,
            trunks=self._trunks,
            wake=self._wake.set,
        )

    def _zone(self, campaign: str) -> tzinfo:
        for lists in self._teams_now().values():
            for one in lists:
                if one.campaign.id == campaign:
                    return find_zone(one.campaign.timezone) or UTC
        return UTC

    def _call_moved(self, live: Live, before: State) -> None:
        team = self._teams.get(live.team)
        if team is not None:
            team.pacer.call_moved(live, before)

    def _accepted(self, claimed: Claimed, of: CallList, agent: str) -> None:
        self._teams[of.campaign.team].start(claimed, of, agent)

    def _skipped(self, claimed: Claimed, of: CallList, agent: str, why: str) -> None:
        self._teams[of.campaign.team].skip(claimed, agent, why)

    async def _tick_for_ever(self) -> None:
        last = self._clock.monotonic()
        while True:
            await self._clock.sleep(_TICK)
            now = self._clock.monotonic()
            # Whoever slept that long (a suspended machine) first hears what happened meanwhile, then counts the time.
            if now - last < _ASLEEP:
                self.desk.tick()
                self._roster.tick()
                self.previews.tick()
            else:
                self._roster.overslept(now - last)
            last = now
            self._wake.set()

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
        team, of = self._list_of(claimed)
        dial = Dial(claimed, kept.number, step=of.step) if of else Dial(claimed, kept.number)
        live = self.desk.take_up(dial, team, live_call.adopted(item, dial.step.mode), kept.caller_id)
        live.agent, live.carrier_ref = kept.agent, kept.carrier_ref
        log.info("call_adopted", reference=live.reference, state=live.call.state)
        if live.call.state is State.CONNECTED:
            self.desk.resume_conversation(live)

    def _list_of(self, claimed: Claimed) -> tuple[str, CallList | None]:
        for team, lists in self._teams_now().items():
            for one in lists:
                if one.key == key_of(claimed):
                    return team, one
        return "", None
