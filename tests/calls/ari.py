"""A bare client of ARI for the call tests: requests as they are, events in a list one can wait on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.calls.asterisk import USER

Event = Mapping[str, Any]


class Ari:
    """One application's connection; use it with `async with`."""

    def __init__(self, address: str, password: str, app: str) -> None:
        self._address = address
        self._app = app
        self._headers = {"Authorization": aiohttp.encode_basic_auth(USER, password)}
        self._changed = asyncio.Condition()
        self.events: list[Event] = []

    async def __aenter__(self) -> Self:
        # Idle connections are closed before Asterisk closes them (after 15 s).
        connector = aiohttp.TCPConnector(limit=6, keepalive_timeout=10)
        self._session = aiohttp.ClientSession(headers=self._headers, connector=connector)
        self._socket = await self._session.ws_connect(f"{self._address}/events", params={"app": self._app})
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._reader
        await self._session.close()

    async def ask(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, **query: object
    ) -> dict[str, Any]:
        """Send a request and return the object it answers, if any; anything but a success is an AssertionError."""
        status, answer = await self.try_to(method, path, body=body, **query)
        assert status < 300, f"{method} {path} {query}: {status} {answer}"
        return answer if isinstance(answer, dict) else {}

    async def try_to(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, **query: object
    ) -> tuple[int, Any]:
        """Send a request and return its status and what it answers."""
        params = {name: str(value) for name, value in query.items()}
        async with self._session.request(method, f"{self._address}/{path}", params=params, json=body) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def ids(self, path: str) -> list[str]:
        """Return the ids of what there is: of channels, bridges, recordings."""
        status, answer = await self.try_to("GET", path)
        assert status == 200, f"GET {path}: {status} {answer}"
        return [str(one["id"]) for one in answer]

    async def wait(
        self, kind: str, about: str = "", *, seconds: float = 60, where: Callable[[Event], bool] = lambda _: True
    ) -> Event:
        """Wait for an event, also one that has been: its type, the id it is about, and what else must hold."""

        def found() -> Event | None:
            return next((event for event in self.events if fits(event, kind, about) and where(event)), None)

        async with self._changed:
            try:
                async with asyncio.timeout(seconds):
                    while (event := found()) is None:
                        await self._changed.wait()
            except TimeoutError:
                told = [(event["type"], subject(event)) for event in self.events]
                raise AssertionError(f"no {kind} about {about or 'anything'} in {seconds} s; told: {told}") from None
            return event

    async def follow(self) -> AsyncIterator[Event]:
        """Return every event from the first on, without an end."""
        for place in count():
            async with self._changed:
                while len(self.events) <= place:
                    await self._changed.wait()
            yield self.events[place]

    async def closed(self) -> None:
        """Wait until the other side has closed the connection."""
        await self._reader

    def about(self, channel: str) -> list[str]:
        """Name the events there were about a channel, in order."""
        return [event["type"] for event in self.events if subject(event) == channel]

    async def eventually(self, question: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
        """Ask until it is so."""
        async with asyncio.timeout(seconds):
            while not await question():  # noqa: ASYNC110 -- Asterisk tells no event of it
                await asyncio.sleep(0.02)

    async def record(self, channel: str, name: str) -> str:
        """Begin to record what a channel hears its peer say; return the recording channel's id, to be hung up."""
        ear = f"ear-{name}"
        await self.ask("POST", f"channels/{channel}/snoop/{ear}", spy="in", app=self._app)
        await self.wait("StasisStart", ear)
        await self.ask("POST", f"channels/{ear}/record", name=name, format="sln", ifExists="overwrite")
        await self.wait("RecordingStarted", name)
        return ear

    async def end_recording(self, name: str, spool: Path) -> Path:
        """End a recording and return its file; `spool` is the server's folder."""
        await self.ask("POST", f"recordings/live/{name}/stop")
        await self.wait("RecordingFinished", name)
        return spool / "spool" / "recording" / f"{name}.sln"

    async def _read(self) -> None:
        async for message in self._socket:
            async with self._changed:
                self.events.append(json.loads(message.data))
                self._changed.notify_all()


def subject(event: Event) -> str:
    """Return the id of what an event is about."""
    for part, key in (("peer", "id"), ("channel", "id"), ("playback", "id"), ("recording", "name"), ("bridge", "id")):
        if part in event:
            return str(event[part][key])
    return ""


def fits(event: Event, kind: str, about: str) -> bool:
    """Tell whether an event is of this type and, if that is asked, about this."""
    return event["type"] == kind and about in {"", subject(event)}
