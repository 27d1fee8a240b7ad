"""The simulated carrier as a process of its own, reached by JSON lines over TCP; its calls go on when we die.

For rehearsals of crashes and of several daemons: the process is `tests/fakes/carrier_server.py`. Each request has a
number that its answer repeats; what has no number is a report.
"""

import asyncio
import contextlib
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog

from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnavailable, ChannelUnclear
from contactd.domain.phrase import Phrase
from contactd.telephony.base import Announcement, CallRequest, CarrierEvent, Kind, OnEvent, Supervision

log = structlog.get_logger()

_RECONNECT = 0.25  # seconds
_RETRY_AFTER = 1.0
_PATIENCE = 5.0


def encode(message: dict[str, Any]) -> bytes:
    """Write a message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def report(event: CarrierEvent) -> dict[str, Any]:
    """Write an event as a message."""
    return {
        "event": event.kind.value,
        "reference": event.reference,
        "at": event.at.isoformat(),
        "details": dict(event.details),
    }


class RemoteCarrier:
    """Keeps one connection to `address` (host:port); `patience` bounds the wait for an answer, in seconds."""

    name = "simulated-remote"

    def __init__(self, address: str, *, patience: float = _PATIENCE) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._patience = patience
        self._on_event: OnEvent | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    async def start(self, on_event: OnEvent) -> None:
        """Connect now if that is possible, and again whenever the connection is lost."""
        self._on_event = on_event
        tried = asyncio.Event()
        self._keeping = asyncio.get_running_loop().create_task(self._keep_connected(tried))
        await tried.wait()

    async def close(self) -> None:
        """Report nothing more and end the connection; the carrier's calls go on."""
        self._on_event = None
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping

    async def place(self, request: CallRequest) -> None:
        """Begin a call."""
        await self._ask(
            "place",
            request.reference,
            attempt_id=request.attempt_id,
            number=request.number,
            caller_id=request.caller_id,
            ring_seconds=request.ring_seconds,
            detect=request.detect,
        )

    async def answer(self, reference: str) -> None:
        """Pick up for somebody who calls us."""
        await self._ask("answer", reference)

    async def bridge(self, reference: str, agent_id: str) -> None:
        """Join the customer and the agent."""
        await self._ask("bridge", reference, agent_id=agent_id)

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Speak to the customer."""
        await self._ask("play", reference, text=announcement.text, language=announcement.language, ask=ask)

    async def hold(self, reference: str) -> None:
        """Put the customer on hold."""
        await self._ask("hold", reference)

    async def retrieve(self, reference: str) -> None:
        """Take the customer back."""
        await self._ask("retrieve", reference)

    async def mute(self, agent_id: str, *, muted: bool) -> None:
        """Mute the agent, or no more."""
        await self._ask("mute", agent_id=agent_id, muted=muted)

    async def invite(self, reference: str, number: str, caller_id: str) -> None:
        """Call a third person."""
        await self._ask("invite", reference, number=number, caller_id=caller_id)

    async def dismiss(self, reference: str) -> None:
        """Let them go."""
        await self._ask("dismiss", reference)

    async def leave(self, reference: str) -> None:
        """Take the agent out."""
        await self._ask("leave", reference)

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Let somebody hear."""
        await self._ask("supervise", agent_id=agent_id, supervisor=supervisor, how=how)

    async def unsupervise(self, supervisor: str) -> None:
        """And no more."""
        await self._ask("unsupervise", supervisor=supervisor)

    async def record(self, reference: str, name: str, announcement: Announcement | None, *, ask: bool = False) -> None:
        """Keep what is said."""
        text = None if announcement is None else asdict(announcement)
        await self._ask("record", reference, name=name, announcement=text, ask=ask)

    async def recordings(self) -> list[str]:
        """Name what is kept."""
        return [str(name) for name in await self._ask("recordings")]

    async def forget(self, name: str) -> None:
        """Delete it."""
        await self._ask("forget", name=name)

    async def seat(self, agent_id: str) -> None:
        """Have the agent's telephone brought up."""
        await self._ask("seat", agent_id=agent_id)

    async def unseat(self, agent_id: str) -> None:
        """Let the agent's telephone go."""
        await self._ask("unseat", agent_id=agent_id)

    async def hang_up(self, reference: str) -> None:
        """End the call."""
        await self._ask("hang_up", reference)

    async def live(self) -> list[str]:
        """List the calls that are up; the carrier reports again where each stands before it answers."""
        return [str(reference) for reference in await self._ask("live")]

    async def own(self) -> list[str]:
        """List none: it does not know whose a call is."""
        return []

    def trouble(self) -> Phrase:
        """Say when nobody is connected."""
        if self._writer is not None:
            return Phrase()
        return Phrase("nobody answers at %(place)s", {"place": f"{self._host}:{self._port}"})

    # -- the wire ------------------------------------------------------------------------------------------------

    async def _ask(self, order: str, reference: str = "", **details: object) -> Any:  # noqa: ANN401 -- by the order
        writer = self._writer
        if writer is None or writer.is_closing():
            raise ChannelUnavailable("the carrier does not answer", retry_after=_RETRY_AFTER)
        self._number += 1
        number = self._number
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        # Written before anything else can happen: whoever has decided to call does so now or never.
        writer.write(encode({"number": number, "order": order, "reference": reference, "details": details}))
        try:
            async with asyncio.timeout(self._patience):
                return await answer
        except TimeoutError:
            raise ChannelUnclear(
                "%(asked)s: no answer in %(seconds)s seconds",
                asked=f"{order} {reference}".rstrip(),
                seconds=f"{self._patience:g}",
            ) from None
        finally:
            del self._asked[number]

    async def _keep_connected(self, tried: asyncio.Event) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(self._host, self._port)
            except OSError as error:
                log.info("carrier_away", address=f"{self._host}:{self._port}", error=str(error))
            else:
                self._writer = writer
                tried.set()
                try:
                    await self._listen(reader)
                finally:
                    self._drop(writer)
            tried.set()
            await asyncio.sleep(_RECONNECT)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                message = json.loads(line)
                if "number" in message:
                    self._answered(message)
                elif self._on_event is not None:
                    at = datetime.fromisoformat(message["at"])
                    event = CarrierEvent(message["reference"], Kind(message["event"]), at, message["details"])
                    self._on_event(event)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        """Forget a connection; what was asked on it may have been done."""
        self._writer = None
        writer.close()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ChannelUnclear("the connection to the carrier was lost"))

    def _answered(self, message: dict[str, Any]) -> None:
        answer = self._asked.get(message["number"])
        if answer is None or answer.done():
            return  # too late
        words = message.get("refused")
        if words is None:
            answer.set_result(message.get("answer"))
        else:
            answer.set_exception(_refusal(message["why"], words))


def _refusal(why: str, words: str) -> ChannelError:
    if why == "rejected":
        return ChannelRejected("%(why)s", why=words)
    return ChannelUnavailable("%(why)s", why=words, retry_after=_RETRY_AFTER)
