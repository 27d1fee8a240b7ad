"""A carrier that can be made to fail, around the simulated one; for the dialer's tests."""

from collections.abc import Awaitable, Callable

from contactd.domain.phrase import Phrase
from contactd.telephony.base import Announcement, CallRequest, Carrier, OnEvent, Supervision
from tests.engine.dialing import MemoryCallBook, Scene, a_scene


class Disturbed:
    """A carrier some of whose requests fail: `faults` maps an order to what is raised, before or after it is done."""

    name = "disturbed"

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.faults: dict[str, Exception] = {}
        self.after: set[str] = set()

    async def start(self, on_event: OnEvent) -> None:
        """Pass on."""
        await self._carrier.start(on_event)

    async def close(self) -> None:
        """Pass on."""
        await self._carrier.close()

    async def place(self, request: CallRequest) -> None:
        """Pass on, or fail."""
        await self._try("place", lambda: self._carrier.place(request))

    async def bridge(self, reference: str, agent_id: str) -> None:
        """Pass on, or fail."""
        await self._try("bridge", lambda: self._carrier.bridge(reference, agent_id))

    async def answer(self, reference: str) -> None:
        """Pass on, or fail."""
        await self._try("answer", lambda: self._carrier.answer(reference))

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Pass on, or fail."""
        await self._try("play", lambda: self._carrier.play(reference, announcement, ask=ask))

    async def hang_up(self, reference: str) -> None:
        """Pass on, or fail."""
        await self._try("hang_up", lambda: self._carrier.hang_up(reference))

    async def hold(self, reference: str) -> None:
        """Pass on, or fail."""
        await self._try("hold", lambda: self._carrier.hold(reference))

    async def retrieve(self, reference: str) -> None:
        """Pass on, or fail."""
        await self._try("retrieve", lambda: self._carrier.retrieve(reference))

    async def mute(self, agent_id: str, *, muted: bool) -> None:
        """Pass on, or fail."""
        await self._try("mute", lambda: self._carrier.mute(agent_id, muted=muted))

    async def invite(self, reference: str, number: str, caller_id: str) -> None:
        """Pass on, or fail."""
        await self._try("invite", lambda: self._carrier.invite(reference, number, caller_id))

    async def dismiss(self, reference: str) -> None:
        """Pass on, or fail."""
        await self._try("dismiss", lambda: self._carrier.dismiss(reference))

    async def leave(self, reference: str) -> None:
        """Pass on, or fail."""
        await self._try("leave", lambda: self._carrier.leave(reference))

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Pass on, or fail."""
        await self._try("supervise", lambda: self._carrier.supervise(agent_id, supervisor, how))

    async def unsupervise(self, supervisor: str) -> None:
        """Pass on, or fail."""
        await self._try("unsupervise", lambda: self._carrier.unsupervise(supervisor))

    async def record(self, reference: str, name: str, announcement: Announcement | None, *, ask: bool = False) -> None:
        """Pass on, or fail."""
        await self._try("record", lambda: self._carrier.record(reference, name, announcement, ask=ask))

    async def recordings(self) -> list[str]:
        """Pass on."""
        return await self._carrier.recordings()

    async def forget(self, name: str) -> None:
        """Pass on."""
        await self._carrier.forget(name)

    async def seat(self, agent_id: str) -> None:
        """Pass on, or fail."""
        await self._try("seat", lambda: self._carrier.seat(agent_id))

    async def unseat(self, agent_id: str) -> None:
        """Pass on, or fail."""
        await self._try("unseat", lambda: self._carrier.unseat(agent_id))

    async def live(self) -> list[str]:
        """Pass on, or fail."""
        if "live" in self.faults:
            raise self.faults["live"]
        return await self._carrier.live()

    async def own(self) -> list[str]:
        """Pass on."""
        return await self._carrier.own()

    def trouble(self) -> Phrase:
        """Pass on."""
        return self._carrier.trouble()

    async def _try(self, order: str, work: Callable[[], Awaitable[None]]) -> None:
        fault = self.faults.get(order)
        if fault is None or order in self.after:
            await work()
        if fault is not None:
            raise fault


async def disturbed(book: MemoryCallBook, *names: str) -> tuple[Scene, Disturbed]:
    """Build a scene whose carrier can be made to fail."""
    made: list[Disturbed] = []

    def wrap(carrier: Carrier) -> Carrier:
        made.append(Disturbed(carrier))
        return made[0]

    scene = await a_scene(book, book.clock, agents=names or ("anna",), wrap=wrap)
    return scene, made[0]
