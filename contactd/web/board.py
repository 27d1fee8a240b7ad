"""What the floor looks like at this moment, worked out once for everybody who looks; for wall.py and live.py.

Memory is read every second, the database every few, and only while somebody looks. Each figure is kept for half an
hour, so that a line can show where it comes from; a restart begins a new line.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from contactd.domain.agent import State
from contactd.domain.errors import StoreError
from contactd.domain.phrase import Phrase
from contactd.engine.calls.idleness import callbacks_of, held_by_reason
from contactd.engine.desk.oversight import Listed, Seat, Up
from contactd.store import call_queue, overview, pauses, proposals, tasks, today
from contactd.store.tasks import Which
from contactd.store.today import Promises, Tally
from contactd.web.hub import Hub
from contactd.web.window import Window

log = structlog.get_logger()

WALL, LIVE = "wall", "live"
EVERY = 1.0  # seconds between two pushes
_FRESH = 0.9  # a state is told to others for so long
_KNOWN = 3.0  # what the database said is good for so long
_SAMPLED = 10.0
_LISTED = 50
TREND = timedelta(minutes=30)
_SAMPLES = int(TREND.total_seconds() / _SAMPLED) + 1
FIGURES = ("talking", "free", "abandoned", "right", "promises", "callbacks")


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)
    promises: Promises = field(default_factory=Promises)
    callbacks: Mapping[str, Any] = field(default_factory=lambda: {"waiting": 0, "overdue": 0, "kept": {}})
    why: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    held: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    resting: Mapping[str, Any] = field(default_factory=dict)
    queues: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    oldest: Mapping[str, datetime] = field(default_factory=dict)
    runs: Mapping[str, Any] = field(default_factory=dict)
    tasks: int = 0
    callbacks_listed: Sequence[Any] = ()
    unclear: Sequence[Any] = ()

    @property
    def total(self) -> Tally:
        """Sum the calls of all campaigns."""
        return today.summed(self.tallies.values())


@dataclass(frozen=True, slots=True)
class Floor:
    """The whole floor at one moment."""

    at: datetime
    seats: Sequence[Seat]
    calls: Sequence[Up]
    lists: Sequence[Listed]
    trouble: Phrase
    known: Known
    trends: Mapping[str, Sequence[float]]

    def in_state(self, *states: State) -> int:
        """Count the agents in these states."""
        return sum(seat.state in states for seat in self.seats)

    @property
    def signed_in(self) -> int:
        """Count whoever is at work."""
        return len(self.seats) - self.in_state(State.OFFLINE)

    @property
    def longest_wait(self) -> timedelta:
        """Answer since when the free agent waits who has waited longest."""
        waits = [self.at - seat.since for seat in self.seats if seat.state is State.READY and seat.since is not None]
        return max(waits, default=timedelta())

    @property
    def limit(self) -> float:
        """Answer the strictest limit of abandoned calls among the campaigns that can have any; 0: none has one."""
        return min((one.max_abandon for one in self.lists if one.mode != "preview"), default=0.0)

    def figures(self) -> dict[str, float]:
        """Give the six figures as they are sampled."""
        total = self.known.total
        values = (
            self.in_state(State.TALK), self.in_state(State.READY), total.abandon_rate, total.right,
            self.known.promises.number, self.known.callbacks["overdue"],
        )  # fmt: skip
        return dict(zip(FIGURES, map(float, values), strict=True))


class Board:
    """One for all pages; `run` keeps the clocks of those who look going and the lines growing."""

    def __init__(self, window: Window, hub: Hub) -> None:
        self._window, self._hub = window, hub
        self._lock = asyncio.Lock()
        self._floor: tuple[float, Floor] | None = None
        self._known: tuple[float, Known] | None = None
        self._texts: dict[object, tuple[Floor, str]] = {}
        self._trends: dict[str, deque[float]] = {name: deque(maxlen=_SAMPLES) for name in FIGURES}
        window.bus.listen(lambda _: self.touch())
        window.oversight.listen(self.touch)

    def touch(self) -> None:
        """Say that something has moved."""
        self._hub.touch(WALL)
        self._hub.touch(LIVE)

    def forget(self) -> None:
        """Look anew: somebody has just changed something."""
        self._known = self._floor = None
        self.touch()

    async def run(self) -> None:
        """Tick for those who look, and sample."""
        loop, sampled = asyncio.get_running_loop(), 0.0
        while True:
            if self._hub.viewers(WALL) or self._hub.viewers(LIVE):
                self.touch()
            if loop.time() - sampled >= _SAMPLED:
                sampled = loop.time()
                with suppress(StoreError):
                    self._sample((await self.look()).figures())
            await asyncio.sleep(EVERY)

    def _sample(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._trends[name].append(value)

    async def look(self) -> Floor:
        """Answer the floor, at most a second old; raises StoreError when the database never answered."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._floor is None or now - self._floor[0] >= _FRESH:
                self._floor = now, await self._look()
            return self._floor[1]

    async def _look(self) -> Floor:
        sight, known = self._window.oversight, await self._ask()
        trends = {name: tuple(values) for name, values in self._trends.items()}
        return Floor(
            self._window.clock.now(), sight.seats(), sight.calls(), sight.lists(), sight.trouble(), known, trends
        )

    async def _ask(self) -> Known:
        now = asyncio.get_running_loop().time()
        if self._known is not None and now - self._known[0] < _KNOWN:
            return self._known[1]
        try:
            why = await self._window.oversight.why()
            found = await self._window.commit.read(lambda connection: self._read(connection, why))
        except StoreError:
            if self._known is None:
                raise
            return self._known[1]  # memory goes on; the page says when the database is away
        self._known = now, found
        return found

    def _read(self, connection: sa.Connection, why: Mapping[str, Sequence[Mapping[str, Any]]]) -> Known:
        settings, now = self._window.settings(), self._window.clock.now()
        zone = ZoneInfo(settings.claims.timezone)
        day = now.astimezone(zone).date()
        midnight = datetime.combine(day, time(), zone)
        campaigns = [one.id for one in settings.campaigns]
        return Known(
            tallies=today.calls(connection, midnight),
            promises=today.promises(connection, midnight),
            callbacks=callbacks_of(connection, now),
            why=why,
            held={one: held for one in campaigns if (held := held_by_reason(connection, one))},
            resting={row.name: row for row in pauses.listed(connection)},
            queues=overview.queues(connection),
            oldest=overview.oldest_due(connection, now),
            runs=proposals.waiting(connection, now),
            tasks=len(tasks.listed(connection, Which(due_by=day, limit=1000))),
            callbacks_listed=call_queue.agreed(connection)[:_LISTED],
            unclear=overview.unclear(connection)[:_LISTED],
        )

    def keep(self, key: object, floor: Floor, text: str | None = None) -> str | None:
        """Remember a text made of a floor, or answer the one that was: pages of the same kind are made once."""
        if text is not None:
            self._texts[key] = floor, text
        known = self._texts.get(key)
        return known[1] if known is not None and known[0] is floor else None
