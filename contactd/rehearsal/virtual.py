"""Time that costs nothing: an event loop that never waits, and the clock that goes with it.

When nothing is ready, the loop's time jumps to the next timer. Everything that runs in it must wait by timers alone:
work on the network or in threads of its own would be overtaken. What is handed to a thread by way of the loop is done
at once instead.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import TypeVar, TypeVarTuple, Unpack

_MICROSECOND = 1e-6

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class _Jumping(selectors.DefaultSelector):
    """Looks at its files without waiting; the time it was allowed to wait is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Answer what is ready, or let the time pass."""
        if timeout is not None and timeout <= 0:
            return []  # there is other work, after which we are asked again
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is ready and no timer is set: this would wait for ever")
            self.passed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds pass as fast as the work in them is done."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        # The loop adds it to its time to see what is due; a nanosecond would be lost in the seconds of a month.
        self._clock_resolution = _MICROSECOND

    def time(self) -> float:
        """Count the seconds that have been passed over."""
        return self._jumping.passed

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], R], *args: *Ts
    ) -> "asyncio.Future[R]":
        """Do the work now, before any time passes."""
        del executor
        done: asyncio.Future[R] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- it is its caller's, as from a thread
            done.set_exception(error)
        return done


class VirtualClock:
    """Implements domain.clock.Clock in a virtual loop, from a chosen instant on."""

    def __init__(self, start: datetime, loop: asyncio.AbstractEventLoop) -> None:
        self._start = start
        self._loop = loop
        self._read: tuple[float, datetime] = (0.0, start)

    def now(self) -> datetime:
        """Tell the time; asked often between two jumps."""
        passed = self._loop.time()
        if passed != self._read[0]:
            self._read = passed, self._start + timedelta(seconds=passed)
        return self._read[1]

    def monotonic(self) -> float:
        """Count the seconds since the start."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        await asyncio.sleep(seconds)
