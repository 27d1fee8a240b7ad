"""Calls customers for agents: ahead of who will be free, one for each, or for none, as each step of a campaign says.

It keeps the teams at work and what they share: the carrier, the desk, the clock's ticks. How many calls are placed is
decided in domain/pacing.py, which ones in engine/calls/team.py; what becomes of a call is the switchboard's. The daemon
builds one, hands `on_event` to the carrier, and closes the carrier after `drain` has returned.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from typing import Any

from contactd.domain.calendar import find_zone
from contactd.domain.call import State
from contactd.domain.call_limits import Limits
from contactd.domain.clock import Clock
from contactd.domain.phrase import Phrase
from contactd.engine.bus import Bus
from contactd.engine.calls.callbook import CallBook
from contactd.engine.calls.consultation import Consultation
from contactd.engine.calls.idleness import Look
from contactd.engine.calls.incoming import Incoming, Reception
from contactd.engine.calls.lists import CallList
from contactd.engine.calls.live_call import Live
from contactd.engine.calls.orders import Say, Tell
from contactd.engine.calls.ownership import Alone, Owner
from contactd.engine.calls.pacer import Dialling, Pacer
from contactd.engine.calls.previews import Previews
from contactd.engine.calls.redial import Redial
from contactd.engine.calls.refusals import Trunks
from contactd.engine.calls.roster import Roster
from contactd.engine.calls.shown import Shown
from contactd.engine.calls.switchboard import Switchboard
from contactd.engine.calls.takeover import TakeOver
from contactd.engine.calls.team import Team
from contactd.store.attempts import Claimed
from contactd.telephony.base import Carrier, CarrierEvent, Kind

_TICK = 0.5
# States of a call whose beginning may change how many others there are to be.
_TELLING = frozenset({State.WAITING, State.QUEUED, State.APOLOGISING, State.ENDED})
_ASLEEP = 4 * _TICK
_BRIDGE = timedelta(seconds=0.1)  # until two people hear each other, or one of them the message
_CARRIER_DOWN = 5.0
_LATE = timedelta(seconds=15)  # the carrier's own report may be that late before the call counts as lost

# What each team calls; asked each time, so a reload takes effect at once.
Teams = Callable[[], Mapping[str, Sequence[CallList]]]


@dataclass(frozen=True, slots=True)
class Line:
    """How calls are placed: numbers shown, how long it rings, when a conversation has been forgotten, the pacing.

    And how customers are received who call us.
    """

    caller_id: str = ""
    ring_seconds: float = 30.0
    talk_seconds: float = 7200.0
    dialling: Dialling = field(default_factory=Dialling)
    caller_ids: Mapping[str, str] = field(default_factory=dict)
    reception: Reception = field(default_factory=Reception)

    def limits(self) -> Limits:
        """Allow the carrier some patience beyond the ring time, and a waiting person what is left after a bridge."""
        ring = timedelta(seconds=self.ring_seconds)
        waiting = Limits().waiting - _BRIDGE
        talk = timedelta(seconds=self.talk_seconds)
        queued = self.reception.wait
        return Limits(placed=ring + 2 * _LATE, ringing=ring + _LATE, waiting=waiting, connected=talk, queued=queued)


class Dialer:
    """All calls of one daemon; `run` works until `drain` has ended, `desk` is where agents work.

    `levels`: how boldly campaigns are dialled. `owner` says which teams are ours; without one, all are.
    """

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
        tell: Tell,
        line: Line,
        owner: Owner | None = None,
    ) -> None:
        self._roster, self._carrier, self._book, self._clock = roster, carrier, book, clock
        self._teams_now, self._line, self.levels = teams, line, line.dialling.levels
        self._owner, self._wake = owner or Alone(), asyncio.Event()
        self._draining = self._stopped = self._placing = False
        self._trunks = Trunks(Shown(line.caller_id, line.caller_ids), line.ring_seconds, self._trunks_left)
        self._teams: dict[str, Team] = {}
        self._epochs: dict[str, int] = {}  # of the teams whose calls have been taken over
        self._strays_asked, self._ask_again, self._held_back = False, 0.0, list[CarrierEvent]()
        self.desk = self._switchboard(bus, say, tell)
        self.consultation = Consultation(self.desk, roster, carrier, bus)
        self._incoming = Incoming(roster, book, self.desk, clock, teams=teams, reception=line.reception)
        adopt = self._incoming.adopt
        self._take_over = TakeOver(carrier, book, self.desk, clock, bus, teams=teams, adopt_caller=adopt)
        self.redial = Redial(self.desk, roster, book, clock, teams=teams, start=self._accepted)
        self.previews = Previews(roster, clock, bus, place=self._accepted, skip=self._skipped)

    def _switchboard(self, bus: Bus, say: Say, tell: Tell) -> Switchboard:
        return Switchboard(
            roster=self._roster,
            carrier=self._carrier,
            book=self._book,
            clock=self._clock,
            bus=bus,
            say=say,
            tell=tell,
            limits=self._line.limits(),
            moved=self._wake.set,
            watch=self._call_moved,
            sure=self._be_sure,
        )

    def on_event(self, event: CarrierEvent) -> None:
        """Hear from the carrier; whoever has slept first finds out whether the call is still theirs."""
        if event.kind is Kind.EAR_GONE:
            self.consultation.ear_gone(event.details["agent"])
        elif self._held_back or self._owner.in_doubt():
            self._held_back.append(event)
        elif not self._incoming.hears(event) and not self._take_over.keeps(event):
            self.desk.on_event(event)

    async def run(self) -> None:
        """Take over what is ours, and call until `drain` has ended."""
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(self._tick_for_ever()),
                group.create_task(self._owner.run(self._ownership_told)),
            ]
            try:
                while not self._stopped:
                    self._wake.clear()
                    await self._recover()
                    self._placing = True
                    for team in self._at_work():
                        await team.place()
                    self._placing = False
                    await self._wake.wait()
            finally:
                for task in background:
                    task.cancel()
                await self.desk.errands.abandon()
        await self._owner.give_up()

    async def drain(self, seconds: float) -> None:
        """Place nothing more; return when all calls have ended, or when the time is up: the rest stays recoverable."""
        self._draining = self._incoming.draining = True
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
            "teams": sorted(self._epochs),
            "resting": self._rests(*self._teams),
            **{name: self.desk.counts[name] for name in ("placed", "answered", "connected", "abandoned", "incoming")},
        }

    def _rests(self, *teams: str) -> bool:
        """Answer whether all of these teams leave the carrier alone, or everybody does."""
        everybody = self._clock.monotonic() < self._trunks.rest_until
        known = [self._teams[name] for name in teams if name in self._teams]
        return everybody or (bool(known) and all(team.refusals.rests() for team in known))

    def looks(self) -> dict[str, Look]:
        """Show every team as far as its dialling is concerned."""
        counts = self._roster.counts()
        return {
            name: Look(
                lists=lists,
                staff=counts.get(name, {}),
                in_flight=self._teams[name].in_flight() if name in self._teams else 0,
                owned=True,
                draining=self._draining,
                carrier_rests=self._rests(name),
                trouble=self._carrier.trouble(),
                refusal=self._teams[name].refusals.words() if name in self._teams else Phrase(),
                decisions={
                    key: (decision.place, decision.reason.value)
                    for key, decision in (self._teams[name].decisions.items() if name in self._teams else ())
                },
            )
            for name, lists in self._teams_now().items()
        }

    # -- teams ---------------------------------------------------------------------------------------------------

    def _at_work(self) -> list[Team]:
        """List our teams."""
        return [] if self._draining else [self._team_of(name) for name in self._epochs]

    def _team_of(self, name: str) -> Team:
        """Give a team, made when it first has something to call."""
        if name not in self._teams:
            self._teams[name] = self._team(name)
        return self._teams[name]

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
            owned=lambda: self._owner.may_place(name),
        )

    def _trunks_left(self) -> int | None:
        most = self._line.dialling.trunks
        if most is None:
            return None
        starting = sum(team.starting() for team in self._teams.values())
        # Whoever looks at a call may accept it at any moment.
        return max(most - len(self.desk) - len(self.previews) - starting, 0)

    def _zone(self, campaign: str) -> tzinfo:
        for lists in self._teams_now().values():
            for one in lists:
                if one.campaign.id == campaign:
                    return find_zone(one.campaign.timezone) or UTC
        return UTC

    def _call_moved(self, live: Live, before: State) -> None:
        team = self._teams.get(live.team)
        if team is None:
            return
        if not live.call.inbound:  # the pacing foresees the calls we place
            team.pacer.call_moved(live, before)
        if live.call.state in _TELLING:
            team.touch()

    def _accepted(self, claimed: Claimed, of: CallList, agent: str) -> None:
        self._team_of(of.campaign.team).start(claimed, of, agent)

    def _skipped(self, claimed: Claimed, of: CallList, agent: str, why: str) -> None:
        self._team_of(of.campaign.team).skip(claimed, agent, why)

    async def _tick_for_ever(self) -> None:
        last = self._clock.monotonic()
        while True:
            await self._clock.sleep(_TICK)
            now = self._clock.monotonic()
            # Whoever slept that long (a suspended machine) first hears what happened meanwhile, then counts the time.
            if not self._owner.in_doubt() and now - last < _ASLEEP:
                self.desk.tick()
                self._roster.tick()
                self.previews.tick()
            else:
                self._roster.overslept(now - last)
            last = now
            self._wake.set()

    # -- what is ours --------------------------------------------------------------------------------------------

    async def _recover(self) -> None:
        """Take over the calls of each team that has become ours, before any is placed for it."""
        if self._draining or self._clock.monotonic() < self._ask_again:
            return
        if not self._strays_asked:
            self._strays_asked = await self._take_over.strays() and await self._take_over.end_unknown()
            if self._strays_asked:
                self._incoming.open()
        for name in self._teams_now():
            epoch = self._owner.epoch(name)
            if epoch is None or name in self._epochs:
                continue
            if not self._strays_asked or not await self._take_over.team(name):
                self._ask_again = self._clock.monotonic() + _CARRIER_DOWN
                return
            self._epochs[name] = epoch
        self._let_go()  # of what was lost meanwhile

    def _ownership_told(self) -> None:
        self._let_go()
        if not self._owner.in_doubt():
            held_back, self._held_back = self._held_back, []
            for event in held_back:
                self.on_event(event)
        self._wake.set()

    def _let_go(self) -> None:
        """Forget the calls of every team that is no longer ours; what becomes ours again is taken over again."""
        for name, epoch in list(self._epochs.items()):
            if self._owner.epoch(name) != epoch:
                del self._epochs[name]
                self.desk.let_go(name)

    async def _be_sure(self) -> None:
        """Wait until it is known what became of our teams while we slept."""
        while self._owner.in_doubt():
            await self._clock.sleep(_TICK)
