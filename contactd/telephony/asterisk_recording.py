"""Conversations on record: the announcement in the bridge, the consent by a key, and the file; for asterisk.py only.

A recording follows the agent's bridge; it rests while the person is on hold and ends when they leave that bridge.
"""

import contextlib
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelRejected, ChannelUnavailable
from contactd.telephony.ari import Ari, Event, path
from contactd.telephony.asterisk_legs import mix_of
from contactd.telephony.asterisk_lines import PREFIX, Line, Lines
from contactd.telephony.base import Kind

log = structlog.get_logger()

_PREFIX = "contactd-asks-"
_YES = "1"
_PATIENCE = 15.0  # seconds after the question in which a key is an answer
_DAY = len("2026-11-28-")  # with which a name begins; a number ends it, and a call stands between


@dataclass(slots=True)
class _Wish:
    """A recording that has not begun: `until` is when the answer is no longer waited for, in the clock's seconds."""

    line: Line
    name: str
    ask: bool
    until: float | None = None


class Recorder:
    """All recordings under way, and those that wait for a word or a key."""

    def __init__(self, ari: Ari, lines: Lines, clock: Clock) -> None:
        self._ari, self._lines, self._clock = ari, lines, clock
        self._wishes: dict[str, _Wish] = {}  # by channel
        self._running: dict[str, str] = {}
        self._left: dict[str, str] = {}  # the same of an earlier life, until it is known whose calls they are
        self._looked_back = False

    async def record(self, line: Line, name: str, sound: str, *, ask: bool) -> None:
        """Begin at once, or when the text is over, or when the person has pressed 1."""
        if not line.agent:
            raise ChannelRejected("nobody talks in call %(call)s", call=line.reference)
        wish = self._wishes[line.channel] = _Wish(line, name, ask)
        if sound:
            where = path("bridges", mix_of(line.agent), "play", _PREFIX + line.channel)
            await self._ari.post(where, media=f"sound:{sound}")
        else:
            await self._begin(wish)

    async def _begin(self, wish: _Wish) -> None:
        line = wish.line
        self._wishes.pop(line.channel, None)
        if not line.agent or line.channel in self._running:
            return
        where = path("bridges", mix_of(line.agent), "record")
        await self._ari.post(where, name=wish.name, format="wav", ifExists="fail")
        self._running[line.channel] = wish.name
        self._lines.tell(line, Kind.RECORDED, name=wish.name)

    async def rest(self, line: Line, *, resting: bool) -> None:
        """Record nothing while the person hears music."""
        name = self._running.get(line.channel)
        if name is None:
            return
        where = path("recordings", "live", name, "pause")
        await (self._ari.post(where) if resting else self._ari.delete(where))

    async def stop(self, line: Line) -> None:
        """End the recording of a conversation; where there is none it is no error."""
        self._wishes.pop(line.channel, None)
        name = self._left.pop(line.channel, "") or self._running.pop(line.channel, "")
        if name:
            await self._end(name)

    async def _end(self, name: str) -> None:
        with contextlib.suppress(ChannelRejected):
            await self._ari.post(path("recordings", "live", name, "stop"))

    async def look_back(self, channels: Container[str]) -> None:
        """Find what an earlier life left running, which would go on with the next customer; end what has no call."""
        if self._looked_back:
            return
        today = self._clock.now().date()
        days = {f"{today - timedelta(days=ago)}-" for ago in (0, 1)}
        try:
            kept = [name for name in await self.names() if name[:_DAY] in days]
        except ChannelUnavailable:  # Asterisk has no folder for them
            return
        for name in kept:
            channel = PREFIX + name[_DAY:].rpartition("-")[0]
            try:
                await self._ari.get(path("recordings", "live", name))
            except ChannelRejected:
                continue  # over
            if channel in channels:
                self._left[channel] = name
            else:
                await self._end(name)
        self._looked_back = True

    def take_up(self, line: Line) -> None:
        """Go on with the recording of a call that is ours again."""
        name = self._left.pop(line.channel, "")
        if name:
            self._running[line.channel] = name
            self._lines.tell(line, Kind.RECORDED, name=name)

    async def names(self) -> list[str]:
        """List what is kept."""
        return [recording["name"] for recording in await self._ari.get("recordings/stored")]

    async def forget(self, name: str) -> None:
        """Delete a file; one that is gone is no error."""
        await self._ari.delete(path("recordings", "stored", name))

    def hear(self, event: Event) -> None:
        """Take an event that may end the announcement or answer the question."""
        if event["type"] == "PlaybackFinished":
            wish = self._wishes.get(event["playback"]["id"].removeprefix(_PREFIX))
            if wish is None or not event["playback"]["id"].startswith(_PREFIX):
                return
            if event["playback"]["state"] == "failed":  # what was not announced is not recorded
                log.error("recording_not_announced", reference=wish.line.reference)
                del self._wishes[wish.line.channel]
            elif wish.ask:
                wish.until = self._clock.monotonic() + _PATIENCE
            else:
                self._ari.soon(self._begin(wish))
        elif event["type"] == "ChannelDtmfReceived":
            wish = self._wishes.get(event["channel"]["id"])
            if wish is None or not wish.ask:
                return
            late = wish.until is not None and self._clock.monotonic() > wish.until
            if event["digit"] == _YES and not late:
                self._ari.soon(self._begin(wish))
            else:
                del self._wishes[wish.line.channel]
