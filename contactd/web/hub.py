"""Who has a page open and what it shows: one socket for each tab, told what has changed and nothing else.

A page says which topics it shows. A topic answers its whole state, so that nothing is lost when changes come faster
than they can be told: a tab is told how it is now, once, and at most as often as the topic allows. Never a queue: a tab
that does not take what it is sent is dropped, connects again and is told everything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from contactd.domain.errors import StoreError
from contactd.domain.role import Role
from contactd.store import sessions
from contactd.web.visitors import Viewer, limits_of
from contactd.web.window import Window

log = structlog.get_logger()

TOO_SLOW, SILENT, ENDED, TOO_MANY = 4001, 4002, 4003, 4004  # why a socket was closed
_BEAT = 5.0  # seconds between two signs of life
_SILENCE = 15.0
_LARGEST = 4096  # bytes a page may say at once
_TABS = 20  # of one session


@dataclass(frozen=True, slots=True)
class Topic:
    """Something pages show. `tell` answers its state for a viewer: HTML as a text, or plain data.

    `every`: seconds that lie at least between two pushes. `alive` is called at each sign of life of a tab that shows
    it.
    """

    name: str
    least: Role
    tell: Callable[[Viewer], Awaitable[object]]
    every: float = 0.0
    alive: Callable[[Viewer], None] | None = None


@dataclass(eq=False)
class _Tab:
    """A page that is open."""

    viewer: Viewer
    socket: web.WebSocketResponse
    transport: asyncio.WriteTransport | None
    seen: set[str] = field(default_factory=set)
    dirty: set[str] = field(default_factory=set)
    due: dict[str, float] = field(default_factory=dict)  # when a topic may be told again
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    closing: "asyncio.Future[None] | None" = None
    is_slow: bool = False


class Hub:
    """All open tabs; `touch` from the event loop."""

    def __init__(self, window: Window, *, beat: float = _BEAT, patience: float = _SILENCE) -> None:
        """Take other times for tests."""
        self._window = window
        self._topics: dict[str, Topic] = {}
        self._tabs: set[_Tab] = set()
        self._showing: dict[str, dict[str, set[_Tab]]] = {}  # by topic and viewer
        self._beat, self._patience = beat, patience

    def add(self, topic: Topic) -> None:
        """Let pages show something."""
        self._topics[topic.name] = topic
        self._showing[topic.name] = {}

    def touch(self, name: str, *who: str) -> None:
        """Say that a topic has changed, for everybody or for these people alone."""
        showing = self._showing.get(name, {})
        for viewer in who or showing:
            for tab in showing.get(viewer, ()):
                tab.dirty.add(name)
                tab.stirred.set()

    def viewers(self, name: str) -> set[str]:
        """Name those who have a topic before their eyes."""
        return set(self._showing.get(name, ()))

    def _see(self, tab: _Tab, names: set[str]) -> None:
        """Take note of what a tab shows from now on."""
        for name in tab.seen - names:
            tabs = self._showing[name][tab.viewer.name]
            tabs.discard(tab)
            if not tabs:
                del self._showing[name][tab.viewer.name]
        for name in names - tab.seen:
            self._showing[name].setdefault(tab.viewer.name, set()).add(tab)
        tab.seen = names

    def _forget(self, tab: _Tab) -> None:
        self._tabs.discard(tab)
        self._see(tab, set())

    def end(self, keys: Collection[str]) -> None:
        """Close the sockets of sessions that have ended."""
        self._close(lambda viewer: viewer.key in keys)

    def end_of(self, name: str) -> None:
        """Close every socket of a person."""
        self._close(lambda viewer: viewer.name == name)

    def _close(self, which: Callable[[Viewer], bool], code: int = ENDED) -> None:
        for tab in [tab for tab in self._tabs if which(tab.viewer)]:
            self._let_go(tab, code)

    def _let_go(self, tab: _Tab, code: int) -> None:
        """Tell it nothing more; whoever serves it sees to it that it hears why."""
        self._forget(tab)
        if tab.closing is None:
            tab.closing = asyncio.ensure_future(_close(tab.socket, code))

    # -- one tab -------------------------------------------------------------------------------------------------------

    async def serve(self, request: web.Request, viewer: Viewer) -> web.WebSocketResponse:
        """Talk to a tab until it goes."""
        socket = web.WebSocketResponse(max_msg_size=_LARGEST, timeout=1.0, compress=False)
        await socket.prepare(request)
        if sum(tab.viewer.key == viewer.key for tab in self._tabs) >= _TABS:
            await _close(socket, TOO_MANY)
            return socket
        tab = _Tab(viewer, socket, request.transport)
        self._tabs.add(tab)
        writing = asyncio.ensure_future(self._write(tab))
        try:
            await self._read(tab)
        finally:
            self._forget(tab)
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            if tab.closing is not None:
                await tab.closing
            if tab.is_slow and tab.transport is not None:
                tab.transport.abort()  # what it has not taken would be kept for it otherwise
        return socket

    async def _read(self, tab: _Tab) -> None:
        while True:
            try:
                message = await tab.socket.receive(self._patience)
            except TimeoutError:
                self._let_go(tab, SILENT)
                return
            if message.type is not WSMsgType.TEXT:
                return
            try:
                told = message.json()
            except ValueError:
                told = None
            if isinstance(told, dict):
                self._hear(tab, told)

    def _hear(self, tab: _Tab, told: dict[str, object]) -> None:
        """Take what a page shows, or its sign of life."""
        wanted = told.get("see")
        if isinstance(wanted, list):
            names = {name for name in wanted if isinstance(name, str)}
            may = {name for name in names & set(self._topics) if tab.viewer.may(self._topics[name].least)}
            self._see(tab, may)
            tab.dirty |= may
            tab.stirred.set()
        for name in tab.seen:
            alive = self._topics[name].alive
            if alive is not None:
                alive(tab.viewer)

    async def _write(self, tab: _Tab) -> None:
        """Tell the tab what has changed, and that we are there; the only one who sends to it."""
        loop = asyncio.get_running_loop()
        beaten = loop.time()
        await self._send(tab, {"beat": self._beat})
        while tab in self._tabs:
            pause = min([tab.due.get(name, 0.0) for name in tab.dirty] + [beaten + self._beat]) - loop.time()
            if pause > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(tab.stirred.wait(), pause)
            tab.stirred.clear()
            now = loop.time()
            for name in [name for name in tab.dirty if tab.due.get(name, 0.0) <= now]:
                tab.dirty.discard(name)
                tab.due[name] = now + self._topics[name].every
                await self._tell(tab, self._topics[name])
            if now >= beaten + self._beat:
                beaten = now
                await self._send(tab, {"beat": self._beat})

    async def _tell(self, tab: _Tab, topic: Topic) -> None:
        try:
            state = await topic.tell(tab.viewer)
        except StoreError:
            state = None  # it is told when it changes next, or the page is loaded anew
        except Exception:  # one topic broke; the others and the tab go on
            log.exception("topic_broke", topic=topic.name)
            state = None
        if state is not None:
            await self._send(tab, {"topic": topic.name, "state": state})

    async def _send(self, tab: _Tab, told: dict[str, object]) -> None:
        try:
            await asyncio.wait_for(tab.socket.send_json(told), self._patience)
        except TimeoutError:
            log.info("slow_tab_dropped")
            tab.is_slow = True
            self._let_go(tab, TOO_SLOW)
        except (ConnectionError, RuntimeError):  # it has gone
            self._forget(tab)

    # -- all of them ---------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """See to it, as often as the heart beats, that no socket outlives its session; an open page keeps it alive."""
        while True:
            await asyncio.sleep(self._beat)
            try:
                await self.look_over()
            except StoreError as error:
                log.info("sessions_not_looked_over", reason=str(error))

    async def look_over(self) -> None:
        """Close the sockets of sessions that hold no more, and note of the others that somebody is there."""
        keys = {tab.viewer.key for tab in self._tabs}
        if not keys:
            return
        now, limits = self._window.clock.now(), limits_of(self._window.settings())
        found = await self._window.commit.read(lambda connection: sessions.read(connection, keys))
        good = {one.key: one for one in found if limits.allow(one, now)}
        self._close(lambda viewer: viewer.key in keys - set(good))
        stale = [key for key, one in good.items() if now - one.seen_at >= limits.idle / 10]
        if stale:
            await self._window.commit.run(lambda connection: sessions.touch(connection, stale, now))

    async def leave(self) -> None:
        """Let all pages go, because we go; they look for us again."""
        tabs = list(self._tabs)
        self._close(lambda _: True, WSCloseCode.GOING_AWAY)
        await asyncio.gather(*(tab.closing for tab in tabs if tab.closing is not None))


async def _close(socket: web.WebSocketResponse, code: int) -> None:
    with suppress(ConnectionError, RuntimeError, TimeoutError):
        await asyncio.wait_for(socket.close(code=code), 2.0)
