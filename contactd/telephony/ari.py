"""Asterisk's REST interface: one websocket of events that is opened again whenever it is lost, and requests.

For asterisk.py only. What a request may raise: ChannelUnavailable (certainly not done: nobody listens, or Asterisk says
it cannot), ChannelUnclear (it may have been done), ChannelRejected (the channel is gone, or not in the right state) and
ChannelMisconfigured.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
import structlog

from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)
from contactd.domain.phrase import Phrase

log = structlog.get_logger()

Event = dict[str, Any]

# Asterisk's queue of connections is short: thirty at once cost a second, six none; and it closes idle ones after
# 15 seconds (session_keep_alive of http.conf).
_CONNECTIONS = 6
_KEEP_ALIVE = 10.0
_HEARTBEAT = 10.0
_RECONNECT = (0.1, 5.0)  # seconds to the first try, and the longest between two
_RETRY_AFTER = 5.0
_TAKEN_AGAIN = 30.0  # seconds until events that another took are taken back
_AWAY = Phrase("Asterisk is not connected")
# Every second event, and nobody here listens to them.
_NOISE = ("ChannelVarset", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine", "PlaybackStarted")
_REFUSED: dict[int, Callable[..., ChannelError]] = {
    400: ChannelRejected,
    401: ChannelMisconfigured,
    403: ChannelMisconfigured,
    404: ChannelRejected,
    409: ChannelRejected,
    422: ChannelRejected,
}


def path(*parts: str) -> str:
    """Join names to a path, whatever stands in them."""
    return "/".join(quote(part, safe="") for part in parts)


def moment(event: Event) -> datetime | None:
    """Read when Asterisk says that something happened."""
    with contextlib.suppress(KeyError, ValueError):
        return datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
    return None


class Application(Protocol):
    """Whoever hears the events."""

    async def met(self) -> None:
        """Find out how things stand, after each connection; events wait meanwhile."""
        ...

    def hear(self, event: Event) -> None:
        """Take an event, at once."""
        ...


class Ari:
    """One application of one Asterisk at `url`; `patience` bounds each request, in seconds."""

    def __init__(self, url: str, *, username: str, password: str, app: str, patience: float = 5.0) -> None:
        """`url` ends with `/ari`."""
        self.app = app
        self._url = url.rstrip("/")
        self._headers = {"Authorization": aiohttp.encode_basic_auth(username, password)}
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._up = False
        self.trouble = _AWAY  # for people
        self._deeds: set[asyncio.Task[None]] = set()

    @property
    def up(self) -> bool:
        """Whether events come in now."""
        return self._up

    async def start(self, application: Application) -> None:
        """Connect now if that is possible, and again whenever the connection is lost."""
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE),
            timeout=aiohttp.ClientTimeout(total=self._patience),
        )
        tried = asyncio.Event()
        self._keeping = asyncio.get_running_loop().create_task(self._keep_connected(application, tried))
        await tried.wait()

    async def close(self) -> None:
        """Hear nothing more; what goes on in Asterisk goes on."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        deeds = list(self._deeds)
        for deed in deeds:
            deed.cancel()
        await asyncio.gather(*deeds, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # -- requests ------------------------------------------------------------------------------------------------

    async def get(self, where: str, **params: str) -> Any:  # noqa: ANN401 -- as Asterisk answers
        """Ask for something."""
        return await self._ask("GET", where, params)

    async def post(self, where: str, variables: dict[str, str] | None = None, /, **params: str) -> Any:  # noqa: ANN401 -- ditto
        """Have something done."""
        return await self._ask("POST", where, params, {"variables": variables} if variables else None)

    async def delete(self, where: str, **params: str) -> None:
        """End something; what is gone already is no error."""
        with contextlib.suppress(ChannelRejected):
            await self._ask("DELETE", where, params)

    def soon(self, deed: Coroutine[None, None, object]) -> "asyncio.Task[None]":
        """Have something done in the background; what fails there shows by its events."""

        async def carry_out() -> None:
            try:
                await deed
            except ChannelError as error:
                log.info("asterisk_refused", error=str(error))

        task = asyncio.get_running_loop().create_task(carry_out())
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)
        return task

    async def _ask(self, method: str, where: str, params: dict[str, str], body: Event | None = None) -> Any:  # noqa: ANN401 -- ditto
        if self._session is None or self._session.closed:
            raise ChannelUnavailable("Asterisk is not connected", retry_after=_RETRY_AFTER)
        try:
            async with self._session.request(method, f"{self._url}/{where}", params=params, json=body) as answer:
                text = await answer.text()
        except aiohttp.ClientConnectorError as error:
            raise ChannelUnavailable(
                "Asterisk does not answer: %(error)s", error=error, retry_after=_RETRY_AFTER
            ) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            said = str(error) or type(error).__name__
            raise ChannelUnclear("%(asked)s: %(said)s", asked=f"{method} {where}", said=said) from error
        if answer.ok:
            return json.loads(text) if text else None
        raise _refusal(answer.status, f"{method} {where}", text)

    # -- events --------------------------------------------------------------------------------------------------

    async def _keep_connected(self, application: Application, tried: asyncio.Event) -> None:
        pause = _RECONNECT[0]
        while True:
            try:
                async with self._events() as socket:
                    pause = _RECONNECT[0]
                    await self._serve(socket, application, tried)
            except (aiohttp.ClientError, OSError, TimeoutError, ChannelError) as error:
                log.info("asterisk_away", url=self._url, error=str(error) or type(error).__name__)
            except Exception:  # nobody foresaw it: the next connection may be better, and none at all is worse
                log.exception("asterisk_connection_broke", url=self._url)
            if self._up:
                self._up = False
                log.warning("asterisk_lost", url=self._url)
            tried.set()
            await asyncio.sleep(pause if self.trouble == _AWAY else _TAKEN_AGAIN)
            pause = min(2 * pause, _RECONNECT[1])

    def _events(self) -> "aiohttp.client._WSRequestContextManager":
        if self._session is None:
            raise ChannelUnavailable("closed")
        return self._session.ws_connect(f"{self._url}/events", params={"app": self.app}, heartbeat=_HEARTBEAT)

    async def _serve(
        self, socket: aiohttp.ClientWebSocketResponse[bool], application: Application, tried: asyncio.Event
    ) -> None:
        """Pass events on until there are no more; they wait while the application finds out how things stand."""
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.trouble = _AWAY
        reading = asyncio.get_running_loop().create_task(self._read(socket, events))
        try:
            await self._quieten()
            await application.met()
            self._up, self.trouble = True, Phrase()
            log.info("asterisk_connected", url=self._url, app=self.app)
            tried.set()
            while (event := await events.get()) is not None:
                self._pass_on(event, application)
        finally:
            self.trouble = self.trouble or _AWAY
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _quieten(self) -> None:
        """Ask for no events in vain; Asterisk forgets that with each connection."""
        noise = {"disallowed": [{"type": kind} for kind in _NOISE]}
        try:
            await self._ask("PUT", path("applications", self.app, "eventFilter"), {}, noise)
        except ChannelError as error:  # they are heard in vain, then
            log.info("asterisk_events_not_filtered", error=str(error))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse[bool], events: asyncio.Queue[Event | None]) -> None:
        """Only queue: Asterisk disconnects whoever reads slowly."""
        try:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                event = json.loads(message.data)
                if event["type"] == "ApplicationReplaced":  # this connection stays open and silent from now on
                    self.trouble = Phrase(
                        "another daemon uses application %(app)s of Asterisk; give each its own `app`",
                        {"app": self.app},
                    )
                    log.error("asterisk_application_taken", app=self.app)
                    break
                events.put_nowait(event)
        finally:
            events.put_nowait(None)

    @staticmethod
    def _pass_on(event: Event, application: Application) -> None:
        try:
            application.hear(event)
        except Exception:  # nobody foresaw it: the events after it are still heard
            log.exception("asterisk_event_broke", type=event.get("type"))


def _refusal(status: int, request: str, text: str) -> ChannelError:
    """Translate an answer; Asterisk's own words are in `message` or `error`."""
    with contextlib.suppress(ValueError, AttributeError):
        told = json.loads(text)
        text = told.get("message") or told.get("error") or text
    why = Phrase("%(asked)s: %(said)s", {"asked": request, "said": f"{status} {text}"})
    refused = _REFUSED.get(status, partial(ChannelUnavailable, retry_after=_RETRY_AFTER))
    return refused(why, code=str(status))


def why_of(error: ChannelError | TimeoutError) -> Phrase:
    """Say why Asterisk has not done something, which may be for want of time."""
    return error.phrase if isinstance(error, ChannelError) else Phrase("no answer in time")
