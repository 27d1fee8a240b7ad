"""Random customers, carriers and agents: each call is entered once, no agent has two, none is placed for nobody."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contactd.domain import agent as agents
from contactd.domain.call import Disposition
from contactd.domain.errors import ContactdError
from contactd.engine.calls.dialer import Line
from contactd.telephony.base import CallRequest, Carrier
from contactd.telephony.simulated import Options, draw
from contactd.telephony.simulated_agents import SimulatedAgents
from tests.clock import HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_scene
from tests.engine.unruly import Unruly

NAMES = ("anna", "berta", "clara")
TOWN = Options(answer=0.5, busy=0.05, machine=0.15, invalid=0.05, congestion=0.05, rejected=0.03, failed=0.02, talk=40)
CALLS = 25


async def walk(seed: int, noise: float) -> tuple[Scene, MemoryCallBook, Unruly]:
    """Let a shift of random calls go by."""
    random = Random(seed)
    clock = HandClock()
    book = MemoryCallBook(clock)
    book.plan(CALLS)
    made: list[Unruly] = []

    def wrap(carrier: Carrier) -> Carrier:
        made.append(Unruly(carrier, clock, random, noise))
        return made[0]

    scene = await a_scene(book, clock, agents=NAMES, wrap=wrap, line=Line("", 30, talk_seconds=200))
    unruly = made[0]
    unruly.scene, unruly.on_event = scene, scene.dialer.on_event

    def judge(request: CallRequest) -> None:
        if scene.dialer.desk.in_flight("") > len(scene.roster.free("")):
            unruly.wrong.append(f"{request.reference} was placed for nobody")

    unruly.judge = judge
    await scene.carrier.start(unruly.hear)
    scene.people = {n: draw(TOWN, f"{seed}/{n}") for n in range(1, CALLS + 1)}
    crew = SimulatedAgents(clock, seed=seed, wrap=15)
    crew.start(scene.dialer.desk, NAMES)
    scene.roster.listen(crew.agent_moved)
    async with scene.at_work():
        for _ in range(60):
            await clock.run(random.uniform(1, 20))
            _disturb(scene, random, noise)
            busy = Counter(live.agent for live in scene.dialer.desk.live() if live.agent)
            unruly.wrong += [f"{agent} has {count} calls" for agent, count in busy.items() if count > 1]
        for name in NAMES:
            scene.roster.resume(name)
        draining = asyncio.ensure_future(scene.dialer.drain(2000))
        await clock.run(400)
        assert draining.done()
    await unruly.close()
    await crew.close()
    return scene, book, unruly


def _disturb(scene: Scene, random: Random, noise: float) -> None:
    """Let an agent do something unexpected."""
    if random.random() >= noise:
        return
    name = random.choice(NAMES)
    roster, desk = scene.roster, scene.dialer.desk
    deeds: list[Callable[[], object]] = [
        partial(roster.pause, name),
        partial(desk.resume, name),
        partial(roster.sign_out, name),
        partial(desk.sign_in, name),
        partial(roster.apply, name, agents.Event.LOST),
        partial(roster.apply, name, agents.Event.FOUND),
    ]
    with contextlib.suppress(ContactdError):  # not possible at this moment, as the desk would say
        random.choice(deeds)()


# A smaller seed is no simpler walk: shrinking would only take time.
@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.4]))
def test_whatever_is_lost_doubled_or_late_each_call_is_entered_once_and_nobody_has_two(seed: int, noise: float) -> None:
    scene, book, unruly = asyncio.run(walk(seed, noise))
    assert unruly.wrong == []
    begun = {reference for reference, entries in book.entries.items() if entries}
    assert {reference: book.ends(reference) for reference in begun if len(book.ends(reference)) != 1} == {}
    placed = {reference for reference, _ in scene.orders("place")}
    assert placed <= begun
    assert len(scene.dialer.desk) == 0
    connected = [reference for reference in begun if book.ends(reference) == ["answered"]]
    assert {item.attempt_id for item in book.handed_in} <= {int(reference.split("-")[0]) for reference in connected}
    assert all(Disposition(item.disposition) for item in book.handed_in)
    if not noise:
        assert len(book.handed_in) == len(connected)
        assert begun == {f"{n}-1" for n in range(1, CALLS + 1)}
