"""Random shifts of two teams in all modes at once: whatever happens, the promises of the dialer hold.

Each call is entered once, no agent has two, no call two agents; whoever answered waits no longer than two seconds;
nothing is placed that the rules forbid, or for a team that nobody works for; at the end nobody is left reserved.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from contactd.domain.agent import Agent, Event
from contactd.domain.agent import State as AgentState
from contactd.domain.attempt import State as AttemptState
from contactd.domain.call import State
from contactd.domain.errors import ContactdError
from contactd.engine.calls.callbook import Dial, Wanted
from contactd.engine.calls.dialer import Line
from contactd.engine.calls.lists import CallList
from contactd.engine.calls.live_call import Live
from contactd.engine.gate import Refused
from contactd.store.attempts import Claimed
from contactd.store.calls import CallRow
from contactd.telephony.base import CallRequest, Carrier, CarrierEvent, Kind
from contactd.telephony.simulated import Options, draw
from contactd.telephony.simulated_agents import SimulatedAgents
from tests.clock import HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_list, a_scene, teams_of
from tests.engine.unruly import Unruly

MODES = ("preview", "progressive", "power", "predictive", "ivr", "message")
STAFF = {"": ("anna", "berta", "clara"), "north": ("nora", "nils")}
NAMES = tuple(name for names in STAFF.values() for name in names)
TOWN = Options(
    answer=0.5, busy=0.05, machine=0.15, invalid=0.05, congestion=0.05, rejected=0.03, failed=0.02, talk=40, presses=0.5
)
CALLS = 8  # of each list
STEPS = 40
OPEN = frozenset({AttemptState.CLAIMED, AttemptState.SENDING, AttemptState.UNCLEAR, AttemptState.ACCEPTED})
TALK = 200


class SlowBook(MemoryCallBook):
    """A call book that takes its time, so that much happens between a decision and its call."""

    def __init__(self, clock: HandClock, random: Random, noise: float) -> None:
        super().__init__(clock)
        self._random = random
        self._noise = noise

    async def claim(self, wanted: Wanted) -> list[Claimed]:
        """Claim, and answer later."""
        claims = await super().claim(wanted)
        await self._dawdle()
        return claims

    async def begin(self, claimed: Claimed) -> Dial | Refused:
        """Begin, and answer later."""
        answer = await super().begin(claimed)
        await self._dawdle()
        return answer

    async def _dawdle(self) -> None:
        if self._random.random() < self._noise:
            await self.clock.sleep(self._random.uniform(0, 8))


@dataclass
class Shift:
    """Everything about one shift; `wrong` collects what must not happen."""

    random: Random
    noise: float
    lists: list[CallList]
    book: MemoryCallBook
    scene: Scene
    unruly: Unruly
    refused: set[int] = field(default_factory=set)
    waits: dict[str, datetime] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        """List what must not happen and did."""
        return self.unruly.wrong

    def watch(self, live: Live, before: State) -> None:
        """See how long people wait."""
        now = self.scene.clock.now()
        if live.call.state is State.WAITING:
            self.waits[live.reference] = now
        elif before is State.WAITING and now - self.waits[live.reference] > timedelta(seconds=2):
            self.wrong.append(f"{live.reference} waited {now - self.waits[live.reference]}")

    def judge(self, request: CallRequest) -> None:
        """See whether a call may be placed."""
        live = next(live for live in self.scene.dialer.desk.live() if live.reference == request.reference)
        step = live.dial.step
        if request.attempt_id in self.refused:
            self.wrong.append(f"{request.reference} was placed against the rules")
        if step.mode != "message" and not self.scene.roster.anybody(live.team):
            self.wrong.append(f"{request.reference} was placed for a team nobody works for")
        if (step.mode == "preview" or (live.dial.agent_first and step.mode != "message")) and not live.agent:
            self.wrong.append(f"{request.reference} was placed without an agent")
        if live.dial.claimed.kept_for and step.mode not in ("preview", "message"):
            assert live.agent == live.dial.claimed.kept_for

    def look(self) -> None:
        """See that nobody has two calls, and that who is reserved is so for something."""
        calls = self.scene.dialer.desk.live()
        busy = Counter(live.agent for live in calls if live.agent)
        self.wrong.extend(f"{agent} has {count} calls" for agent, count in busy.items() if count > 1)
        for live in calls:
            if live.call.state in (State.BRIDGING, State.CONNECTED, State.HOLD):
                state = self.scene.roster.find(live.agent).state
                wanted = AgentState.RESERVED if live.call.state is State.BRIDGING else AgentState.TALK
                if state is not wanted:
                    self.wrong.append(f"{live.reference} is {live.call.state} with {live.agent}, who is {state}")
        for agent in self.scene.roster.agents():
            if agent.state is AgentState.RESERVED and not self.scene.dialer.previews.look_at(agent.id):
                kept = {name for team in self.scene.dialer._teams.values() for name in team._kept}  # noqa: SLF001 - what nobody shows
                if agent.id not in busy and agent.id not in kept:
                    self.wrong.append(f"{agent.id} is reserved for nothing")
        for name, team in self.scene.dialer._teams.items():  # noqa: SLF001 - what nobody shows
            states = Counter(agent.state for agent in self.scene.roster.agents(name) if agent.wish is None)
            talking, staff = states[AgentState.RESERVED] + states[AgentState.TALK], team._staff()  # noqa: SLF001 - as above
            there = (states[AgentState.READY], talking, states[AgentState.WRAP])
            if (staff.free, len(staff.talking), len(staff.wrapping)) != there:
                self.wrong.append(f"team {name!r} is {there}, the pacing sees {staff}")

    def act(self) -> None:
        """Let people do what they do: look at calls, put others on hold, and worse."""
        random, scene = self.random, self.scene
        previews = scene.dialer.previews
        for name in NAMES:
            if previews.look_at(name) is not None and random.random() < 0.7:
                random.choice([partial(previews.accept, name), partial(previews.skip, name, "no")])()
        for _ in range(3):
            if random.random() < self.noise:
                self._disturb()

    def _disturb(self) -> None:
        """Let an agent do something unexpected."""
        random, scene = self.random, self.scene
        desk, roster = scene.dialer.desk, scene.roster
        name = random.choice(NAMES)
        telephone = partial(CarrierEvent, "", at=scene.clock.now(), details={"agent": name})
        deeds: list[Callable[[], object]] = [
            partial(roster.pause, name),
            partial(desk.resume, name),
            partial(roster.sign_out, name),
            partial(desk.sign_in, name),
            partial(roster.apply, name, Event.LOST),
            partial(roster.heard, name),
            partial(scene.dialer.on_event, telephone(kind=Kind.AGENT_DOWN)),
            partial(scene.dialer.on_event, telephone(kind=Kind.AGENT_UP)),
            self._hold_or_retrieve,
            self._hold_or_retrieve,
        ]
        with contextlib.suppress(ContactdError):  # not possible at this moment, as the desk would say
            random.choice(deeds)()

    def _hold_or_retrieve(self) -> None:
        """Let an agent put whoever they talk to on hold, or take them back."""
        desk = self.scene.dialer.desk
        talks = [live for live in desk.live() if live.call.state in (State.CONNECTED, State.HOLD)]
        if not talks:
            return
        live = self.random.choice(talks)
        consultation = self.scene.dialer.consultation
        order = consultation.hold if live.call.state is State.CONNECTED else consultation.retrieve

        async def try_it() -> None:
            with contextlib.suppress(ContactdError):  # the carrier cannot, or the call is over
                await order(live.agent)

        desk.errands.run(try_it)


def draw_lists(random: Random) -> list[CallList]:
    """Give each team two lists in modes drawn at random."""
    return [
        a_list(
            f"{team or 'home'}-{place}",
            team,
            priority=random.choice([0, 0, 1]),
            weight=random.choice([1, 3]),
            mode=random.choice(MODES),
            machine=random.choice(["", "box"]),
            template="text",
            ratio=2.0,
            lines=3,
            preview=timedelta(seconds=30),
        )
        for team in STAFF
        for place in range(2)
    ]


async def a_shift(seed: int, noise: float) -> Shift:
    """Draw a shift: what each team calls and how, what the rules refuse, whose calls were abandoned or are kept."""
    random = Random(seed)
    clock = HandClock()
    book = SlowBook(clock, random, noise)
    lists = draw_lists(random)
    made: list[Unruly] = []

    def wrap(carrier: Carrier) -> Carrier:
        made.append(Unruly(carrier, clock, random, noise))
        return made[0]

    people = [Agent(name, team=team, languages=("de",)) for team, names in STAFF.items() for name in names]
    line = Line("", 30, talk_seconds=TALK)
    scene = await a_scene(book, clock, agents=people, teams=teams_of(*lists), wrap=wrap, line=line)
    shift = Shift(random, noise, lists, book, scene, made[0])
    shift.unruly.scene, shift.unruly.on_event, shift.unruly.judge = scene, scene.dialer.on_event, shift.judge
    await scene.carrier.start(shift.unruly.hear)
    pacing = scene.dialer.desk._watch  # noqa: SLF001 -- it is watched beside

    def watch(live: Live, before: State) -> None:
        shift.watch(live, before)
        if pacing is not None:
            pacing(live, before)

    scene.dialer.desk._watch = watch  # noqa: SLF001 - what nobody shows
    return shift


def plan(shift: Shift, seed: int) -> None:
    """Queue the calls, after the pacing has learned from a past."""
    random, now = shift.random, shift.scene.clock.now()
    for one in shift.lists:
        past = now - timedelta(days=1)
        rows = [
            CallRow(n, "", "", past, ringing_at=past, answered_at=past if n % 3 == 0 else None, ended_at=past,
                    how_ended="answered" if n % 3 == 0 else "no_answer")
            for n in range(90)
        ]  # fmt: skip
        shift.scene.dialer._teams[one.campaign.team].pacer.recall(one.campaign.id, 0.02, rows)  # noqa: SLF001 - what nobody shows
        shift.book.plan(CALLS - 1, one.campaign.id)
        shift.book.plan(1, one.campaign.id, kept_for=random.choice(["", *STAFF[one.campaign.team]]))
    ids = [claimed.id for claimed in shift.book.planned]
    shift.refused = {number for number in ids if random.random() < 0.1}
    shift.book.abandoned = {number for number in ids if random.random() < 0.2}
    shift.book.refuse = lambda claimed: Refused(claimed, "paid") if claimed.id in shift.refused else None
    shift.scene.people = {number: draw(TOWN, f"{seed}/{number}") for number in ids}
    shift.scene.dialer.notify()


async def go_through(seed: int, noise: float) -> Shift:
    """Let a shift go by."""
    shift = await a_shift(seed, noise)
    scene, clock = shift.scene, shift.scene.clock
    crew = SimulatedAgents(clock, seed=seed, wrap=15)
    crew.start(scene.dialer.desk, NAMES)
    scene.roster.listen(crew.agent_moved)
    async with scene.at_work():
        plan(shift, seed)
        for _ in range(STEPS):
            await clock.run(shift.random.uniform(0.3, 15))
            shift.look()
            shift.act()
        draining = asyncio.ensure_future(scene.dialer.drain(3000))
        await clock.run(3 * TALK + 100)
        assert draining.done()
    await shift.unruly.close()
    await crew.close()
    return shift


# A smaller seed is no simpler shift: shrinking would only take time.
@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.4]))
def test_whatever_happens_in_whatever_mode_the_promises_of_the_dialer_hold(seed: int, noise: float) -> None:
    with capture_logs() as logged:
        shift = asyncio.run(go_through(seed, noise))
    assert [entry for entry in logged if entry["event"] == "errand_broke"] == []
    assert shift.wrong == []
    book, scene = shift.book, shift.scene
    begun = {reference for reference, entries in book.entries.items() if entries}
    assert {reference: book.ends(reference) for reference in begun if len(book.ends(reference)) != 1} == {}
    assert {reference for reference, _ in scene.orders("place")} <= begun
    assert {reference: state for reference, state in book.states.items() if state in OPEN} == {}
    assert len(scene.dialer.desk) == 0
    assert len(scene.dialer.previews) == 0
    assert [agent.id for agent in scene.roster.agents() if agent.state in (AgentState.RESERVED, AgentState.TALK)] == []
