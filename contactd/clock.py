"""The real clock, the only place that reads the time; the daemon and the command line make one, tests never do."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Wall time, and asyncio's own sleep."""

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Count seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        await asyncio.sleep(seconds)


class FastClock:
    """A clock for rehearsals: starts at a chosen instant and runs `speed` times as fast as the real one."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """Tell the rehearsed time, aware, in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Count rehearsed seconds since the start."""
        return (time.monotonic() - self._origin) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait that many rehearsed seconds."""
        await asyncio.sleep(max(0.0, seconds) / self._speed)
