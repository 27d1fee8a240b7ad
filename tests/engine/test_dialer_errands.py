"""Work in the background: in order within a lane, and a failure ends only the piece it belongs to."""

import asyncio

from contactd.engine.errands import Errands, Lane
from tests.clock import HandClock


async def test_a_lane_keeps_the_order_and_goes_on_after_a_failure() -> None:
    clock, done = HandClock(), list[str]()
    errands = Errands()
    lane = Lane(errands)

    async def slow() -> None:
        await clock.sleep(5)
        done.append("slow")

    async def broken() -> None:
        raise ZeroDivisionError

    async def quick() -> None:
        done.append("quick")

    lane.put(slow)
    lane.put(broken)
    last = lane.put(quick)
    await clock.settle()
    assert done == []
    assert len(errands) == 3
    await clock.run(5)
    assert done == ["slow", "quick"]
    assert last.done()
    assert len(errands) == 0


async def test_errands_overtake_each_other_and_can_be_abandoned() -> None:
    clock, done = HandClock(), list[int]()
    errands = Errands()

    async def wait(seconds: int) -> None:
        await clock.sleep(seconds)
        done.append(seconds)

    for seconds in (9, 1):
        errands.run(lambda seconds=seconds: wait(seconds))  # type: ignore[misc] # mypy cannot infer the default
    await clock.run(2)
    await errands.abandon()
    await clock.run(20)
    assert done == [1]
    assert len(asyncio.all_tasks()) == 1
