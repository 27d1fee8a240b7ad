"""A clock whose hands the test moves: nothing happens in it by waiting, so no test sleeps for luck."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

# How often the loop turns before a woken task is taken to have come to rest; enough for a chain of a dozen awaits.
_TURNS = 25
MONDAY_TEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # 10:00 in Berlin, a working day


class HandClock:
    """Implements domain.clock.Clock; starts on a Monday at ten in Berlin unless told otherwise.

    `run` awaits `at_rest` between two instants: what has work outside the loop (threads) says there when it is done.
    """

    def __init__(
        self,
        start: datetime = MONDAY_TEN,
        *,
        at_rest: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._start = start
        self._passed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.at_rest = at_rest

    def now(self) -> datetime:
        """Tell the time the hands show."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Count the seconds the hands were moved."""
        return self._passed

    async def sleep(self, seconds: float) -> None:
        """Wait until the hands were moved that far; zero or less only lets others run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._order), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move the hands at once; whoever is due by then wakes when the loop next turns."""
        self._move(self._passed + seconds)

    async def run(self, seconds: float) -> None:
        """Move the hands from one sleeper to the next, letting everybody come to rest in between."""
        end = self._passed + seconds
        await self.settle()
        while (due := self._next_due()) is not None and due <= end:
            self._move(max(due, self._passed))
            await self.settle()
        self._move(end)
        await self.settle()

    async def settle(self) -> None:
        """Let the loop turn until the tasks that were woken wait again."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self.at_rest is not None:
            await self.at_rest()
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    def _next_due(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)  # cancelled meanwhile
        return self._sleepers[0][0] if self._sleepers else None

    def _move(self, passed: float) -> None:
        self._passed = passed
        while self._sleepers and self._sleepers[0][0] <= passed:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)
