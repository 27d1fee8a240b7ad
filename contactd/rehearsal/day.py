"""One rehearsal of the dialer: the real engine among made-up people and agents, on a clock that never waits."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from contactd.clock import SystemClock
from contactd.domain.account import Channel
from contactd.domain.agent import Agent
from contactd.domain.campaign import Campaign, Step
from contactd.engine.bus import Bus
from contactd.engine.calls.dialer import Dialer, Line
from contactd.engine.calls.lists import lists_of
from contactd.engine.calls.pacer import Dialling
from contactd.engine.calls.roster import Roster
from contactd.rehearsal.memory import MemoryBook
from contactd.rehearsal.people import Town
from contactd.rehearsal.scenario import Called, Scenario
from contactd.rehearsal.staff import Team
from contactd.rehearsal.tally import Tally
from contactd.rehearsal.virtual import VirtualClock, VirtualLoop
from contactd.telephony.base import Announcement
from contactd.telephony.simulated import Options, SimulatedCarrier

# A working Monday at nine in Berlin; every rehearsal begins on it, so that the same seed gives the same day.
_MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_STEP = "call"
_LOOKS = 200

Look = Callable[[float], None]  # hears the share of the day that is over
Figures = dict[str, float]


class _Carrier(SimulatedCarrier):
    """Tells when somebody hears a text, and forgets what it was asked."""

    def __init__(self, clock: VirtualClock, town: Town, tally: Tally) -> None:
        super().__init__(Options(), clock, customers=town)
        self._tally = tally

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Whoever hears the message waits no longer."""
        await super().play(reference, announcement, ask=ask)
        self._tally.served(reference)

    def _note(self, order: str, reference: str, detail: str = "") -> None:
        """Keep no ledger: a long day would fill the memory."""


class Day:
    """Everything of one rehearsal, built inside its loop."""

    def __init__(self, scenario: Scenario) -> None:
        loop = asyncio.get_running_loop()
        self.scenario = scenario
        self.clock = VirtualClock(_MORNING, loop)
        self.tally = Tally(loop.time, scenario.warm_up.total_seconds())
        called = {one.id: one for one in scenario.campaign}
        lists = lists_of(_campaign(one) for one in scenario.campaign)
        self.book = MemoryBook(self.clock, {one.key: one.step for group in lists.values() for one in group})
        self.town = Town(scenario, loop.time, lambda attempt: called[self.book.campaign_of(attempt)])
        agents = [Agent(f"agent-{number:04}", languages=("de",)) for number in range(1, scenario.agents + 1)]
        self.roster = Roster(agents, self.clock, wrap_limit=scenario.wrap.mean * 20)
        self.roster.listen(self.tally.agent_moved)
        bus = Bus()
        bus.listen(self.tally.heard)
        self.carrier = _Carrier(self.clock, self.town, self.tally)
        self.dialer = Dialer(
            roster=self.roster,
            carrier=self.carrier,
            book=self.book,
            clock=self.clock,
            bus=bus,
            teams=lambda: lists,
            say=Announcement,
            tell=lambda name, language, _: Announcement(name, language),
            line=_line(scenario),
        )
        self.team = Team(scenario, self.roster, self.clock)

    async def run(self, look: Look) -> Figures:
        """Work through the day; answer its figures."""
        seconds = self.scenario.warm_up.total_seconds() + self.scenario.hours * 3600
        await self.carrier.start(self.dialer.on_event)
        working = asyncio.ensure_future(self.dialer.run())
        self.team.start(self.dialer.desk)
        for part in range(_LOOKS):
            look(part / _LOOKS)
            await self.clock.sleep(seconds / _LOOKS)
            if working.done():
                working.result()
        self.tally.close()
        await self.team.close()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await self.carrier.close()
        look(1.0)
        return self.tally.figures() | {"people_taken_for_machines": self.town.mistaken}


def rehearse(scenario: Scenario, look: Look = lambda _: None) -> Figures:
    """Run a scenario from beginning to end; the figures tell how many times faster than the clock on the wall."""
    watch = SystemClock()
    begun = watch.monotonic()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        figures = runner.run(_day(scenario, look))
        passed = runner.get_loop().time()
    return figures | {"speedup": passed / max(watch.monotonic() - begun, 1e-6)}


async def _day(scenario: Scenario, look: Look) -> Figures:
    return await Day(scenario).run(look)


def _campaign(one: Called) -> Campaign:
    step = Step(_STEP, Channel.CALL, day=0, mode=one.mode, ratio=one.ratio, max_abandon=one.max_abandon)
    return Campaign(one.id, (step,), weight=one.weight, priority=one.priority)


def _line(scenario: Scenario) -> Line:
    asked = scenario.dialling
    return Line(
        ring_seconds=scenario.ring.gives_up.total_seconds(),
        talk_seconds=4 * 3600.0,
        dialling=Dialling(
            min_ring=asked.hang_up_after.total_seconds() or None,
            max_lines=asked.lines_per_agent,
            small_team=asked.small_team,
            trunks=asked.trunks or None,
        ),
    )
