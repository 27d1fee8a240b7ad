"""A carrier that loses, doubles, delays and swaps what it reports, and fails; for the dialer's random walks."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from random import Random

from contactd.domain.errors import ChannelRejected, ChannelUnavailable, ChannelUnclear
from contactd.domain.phrase import Phrase
from contactd.telephony.base import Announcement, CallRequest, Carrier, CarrierEvent, Kind, OnEvent, Supervision
from tests.clock import HandClock
from tests.engine.dialing import Scene

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
        self.judge: Callable[[CallRequest], object] = lambda _: None
        self.wrong: list[str] = []

    def hear(self, event: CarrierEvent) -> None:
        """Pass a report on: not at all, twice, later than the next one, or as that the call is lost."""
        for _ in range(2 if self._random.random() < self._noise else 1):
            chance = self._random.random()
            if event.reference and chance < self._noise / 20:
                self.on_event(replace(event, kind=Kind.LOST))
                continue
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
        """Let the test see whether there is somebody for the call."""
        self.judge(request)
        await self._perhaps(self._carrier.place(request))

    async def bridge(self, reference: str, agent_id: str) -> None:
        """See that the agent is kept for this call."""
        if self.scene is not None:
            mine = [live.reference for live in self.scene.dialer.desk.live() if live.agent == agent_id]
            if mine != [reference] or not self.scene.roster.is_reserved(agent_id):
                self.wrong.append(f"{reference} was bridged to {agent_id}, who was not reserved for it")
        await self._perhaps(self._carrier.bridge(reference, agent_id))

    async def answer(self, reference: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.answer(reference))

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.play(reference, announcement, ask=ask))

    async def hang_up(self, reference: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.hang_up(reference))

    async def hold(self, reference: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.hold(reference))

    async def retrieve(self, reference: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.retrieve(reference))

    async def mute(self, agent_id: str, *, muted: bool) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.mute(agent_id, muted=muted))

    async def invite(self, reference: str, number: str, caller_id: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.invite(reference, number, caller_id))

    async def dismiss(self, reference: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.dismiss(reference))

    async def leave(self, reference: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.leave(reference))

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.supervise(agent_id, supervisor, how))

    async def unsupervise(self, supervisor: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.unsupervise(supervisor))

    async def record(self, reference: str, name: str, announcement: Announcement | None, *, ask: bool = False) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.record(reference, name, announcement, ask=ask))

    async def recordings(self) -> list[str]:
        """Pass on."""
        return await self._carrier.recordings()

    async def forget(self, name: str) -> None:
        """Pass on."""
        await self._carrier.forget(name)

    async def seat(self, agent_id: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.seat(agent_id))

    async def unseat(self, agent_id: str) -> None:
        """Pass on, mostly."""
        await self._perhaps(self._carrier.unseat(agent_id))

    async def live(self) -> list[str]:
        """Pass on."""
        return await self._carrier.live()

    async def own(self) -> list[str]:
        """Pass on."""
        return await self._carrier.own()

    def trouble(self) -> Phrase:
        """Pass on."""
        return self._carrier.trouble()

    async def _perhaps(self, order: Coroutine[None, None, None]) -> None:
        chance = self._random.random()
        if chance < self._noise / 4:
            order.close()
            raise self._random.choice(MISHAPS)
        await order
        if chance < self._noise / 2:
            raise ChannelUnclear("time-out")
