"""Random customers, carriers and agents: each call is entered once, no agent has two, none is placed for nobody."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contactd.domain import agent as agents
from contactd.domain.call import Disposition
from contactd.domain.errors import ChannelRejected, ChannelUnavailable, ChannelUnclear, ContactdError
from contactd.engine.dialer import Line
from contactd.telephony.base import Announcement, CallRequest, Carrier, CarrierEvent, OnEvent
from contactd.telephony.simulated import Options, draw
from contactd.telephony.simulated_agents import SimulatedAgents
from tests.clock import HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_scene

NAMES = ("anna", "berta", "clara")
TOWN = Options(answer=0.5, busy=0.05, machine=0.15, invalid=0.05, congestion=0.05, rejected=0.03, failed=0.02, talk=40)
CALLS = 25
MISHAPS = (ChannelUnavailable("no trunk", retry_after=3), ChannelUnclear("time-out"), ChannelRejected("no"))


class Unruly:
    """A carrier that loses, doubles and delays what it reports, and fails at a share of what it is asked."""

    name = "unruly"

    def __init__(self, carrier: Carrier, clock: HandClock, random: Random, noise: float) -> None:
        self._carrier = carrier
        self._clock = clock
        self._random = random
        self._noise = noise
        self._late: set[asyncio.Task[None]] = set()
        self.on_event: OnEvent = lambda _: None
        self.scene: Scene | None = None
        self.wrong: list[str] = []

    def hear(self, event: CarrierEvent) -> None:
        """Pass a report on: not at all, twice, or later than the next one."""
        for _ in range(2 if self._random.random() < self._noise else 1):
            chance = self._random.random()
            if chance < self._noise / 2:
                continue
            if chance < self._noise:
                task = asyncio.get_running_loop().create_task(self._later(event))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
            else:
                self.on_event(event)

    async def _later(self, event: CarrierEvent) -> None:
        await self._clock.sleep(self._random.uniform(0, 20))
        self.on_event(event)

    async def start(self, on_event: OnEvent) -> None:
        """Pass on."""
        await self._carrier.start(on_event)

    async def close(self) -> None:
        """Pass on, and drop what is late."""
        for task in list(self._late):
            task.cancel()
        await self._carrier.close()

    async def place(self, request: CallRequest) -> None:
        """See that there is somebody for the call."""
        if self.scene is not None and self.scene.dialer.desk.in_flight("") > len(self.scene.roster.free("")):
            self.wrong.append(f"{request.reference} was placed for nobody")
        await self._perhaps(self._carrier.place(request))

    async def bridge(self, reference: str, agent_id: str) -> None:
        """See that the agent is kept for this call."""
        if self.scene is not None and self.scene.roster.find(agent_id).state is not agents.State.RESERVED:
            self.wrong.append(f"{reference} was bridged to {agent_id}, who was not reserved")
        await self._perhaps(self._carrier.bridge(reference, agent_id))

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.play(reference, announcement, ask=ask))

    async def hang_up(self, reference: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.hang_up(reference))

    async def hold(self, reference: str) -> None:
        """Pass on."""
        await self._carrier.hold(reference)

    async def retrieve(self, reference: str) -> None:
        """Pass on."""
        await self._carrier.retrieve(reference)

    async def seat(self, agent_id: str) -> None:
        """Pass on."""
        await self._carrier.seat(agent_id)

    async def unseat(self, agent_id: str) -> None:
        """Pass on."""
        await self._carrier.unseat(agent_id)

    async def live(self) -> list[str]:
        """Pass on."""
        return await self._carrier.live()

    async def _perhaps(self, order: Coroutine[None, None, None]) -> None:
        chance = self._random.random()
        if chance < self._noise / 4:
            order.close()
            raise self._random.choice(MISHAPS)
        await order
        if chance < self._noise / 2:
            raise ChannelUnclear("time-out")


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
