"""The loop that never waits: timers in order, at their time, and nothing else passes it."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import closing
from datetime import timedelta
from typing import TypeVar

import pytest

from contactd.rehearsal.virtual import VirtualClock, VirtualLoop
from tests.clock import MONDAY_TEN

T = TypeVar("T")


def in_virtual_time(work: Coroutine[None, None, T]) -> T:
    """Run it to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def test_a_year_passes_at_once_and_is_told_by_the_clock() -> None:
    async def sleep() -> tuple[float, timedelta]:
        clock = VirtualClock(MONDAY_TEN, asyncio.get_running_loop())
        await clock.sleep(365 * 86_400)
        return clock.monotonic(), clock.now() - MONDAY_TEN

    assert in_virtual_time(sleep()) == (365 * 86_400, timedelta(days=365))


def test_timers_fire_in_their_order_and_at_their_time() -> None:
    async def record() -> list[tuple[str, float]]:
        loop, told = asyncio.get_running_loop(), list[tuple[str, float]]()

        async def tell(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            told.append((name, loop.time()))

        await asyncio.gather(tell("late", 7.5), tell("soon", 0.25), tell("first", 0.0), tell("early", 0.25))
        return told

    assert in_virtual_time(record()) == [("first", 0.0), ("soon", 0.25), ("early", 0.25), ("late", 7.5)]


def test_no_time_passes_while_there_is_work() -> None:
    async def work() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert in_virtual_time(work()) == 0.0


def test_waiting_for_what_nobody_will_do_is_an_error() -> None:
    with closing(VirtualLoop()) as loop, pytest.raises(RuntimeError, match="wait for ever"):
        loop.run_forever()


def test_a_signal_still_interrupts() -> None:
    async def work() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(60)

    # A shell starts what runs in the background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_virtual_time(work())
    finally:
        signal.signal(signal.SIGINT, before)
