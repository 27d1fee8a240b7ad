"""Planning by the timetable and on demand, across the lives of a daemon."""

import asyncio
from datetime import datetime, timedelta

from structlog.testing import capture_logs

from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.ladder.planner import Planner
from contactd.engine.ladder.planning import Planning
from contactd.engine.ladder.run_summary import Summary
from contactd.engine.ladder.timetable import Appointment
from contactd.store import batches
from tests.engine.world import World

DAILY = {"standard": Appointment("30 8 * * *", "Europe/Berlin")}


def a_life(world: World) -> Planning:
    return Planning(world.planner, commit=world.commit, clock=world.clock, bus=world.bus, notify=lambda: None)


async def work_until_planned(world: World, planning: Planning) -> None:
    """Let the timetable work until every run has ended."""
    running = asyncio.create_task(planning.timetable.run())
    for _ in range(8_000):
        await world.clock.settle()
        await asyncio.sleep(0.005)
        with world.database.snapshot() as connection:
            [newest] = batches.latest(connection)
        if newest.finished_at and not newest.interrupted:
            break
    running.cancel()


async def test_a_run_that_was_killed_half_way_is_made_up_for_at_once(world: World) -> None:
    world.debtor(1)
    with world.database.transaction() as connection:
        killed = batches.open_batch(connection, "standard", world.clock.now())
    world.clock.advance(60)
    planning = a_life(world)
    await planning.make_up(DAILY)
    assert planning.timetable.upcoming() == {"standard": world.clock.now()}
    await work_until_planned(world, planning)
    assert [row.state for row in world.rows()] == ["planned"]
    with world.database.snapshot() as connection:
        again, first = batches.latest(connection, limit=2)
    assert (first.id, first.interrupted, first.taken) == (killed, True, 0)
    assert (again.interrupted, again.taken) == (False, 1)


async def test_a_life_that_ends_before_it_made_up_leaves_it_to_the_next(world: World) -> None:
    with world.database.transaction() as connection:
        batches.open_batch(connection, "standard", world.clock.now())
    for _ in range(2):
        planning = a_life(world)
        await planning.make_up(DAILY)
        assert planning.timetable.upcoming() == {"standard": world.clock.now()}


async def test_what_was_planned_to_the_end_waits_for_its_next_time(world: World) -> None:
    world.debtor(1)
    told = await a_life(world).plan("standard")
    assert (told["campaign"], told["taken"]) == ("standard", 1)
    planning = a_life(world)
    await planning.make_up(DAILY)
    assert planning.timetable.upcoming()["standard"] > world.clock.now()


class Away(Planner):
    """A planner whose store is away the first few times, or who has a fault of his own."""

    def __init__(self, world: World, *faults: Exception) -> None:
        super().__init__(world.database, world.book, horizon=world.planner.horizon)
        self.faults = list(faults)

    def plan(self, campaign_id: str, now: datetime) -> Summary:
        """Fail, or plan."""
        if self.faults:
            raise self.faults.pop(0)
        return super().plan(campaign_id, now)


async def test_a_days_planning_is_made_up_for_when_the_store_is_back(world: World) -> None:
    world.debtor(1)
    world.planner = Away(world, StoreError("the server does not answer"), StoreConflict("two transactions met"))
    planning = a_life(world)
    planning.timetable.replace(DAILY, at_once=["standard"])
    running = asyncio.create_task(planning.timetable.run())
    for _ in range(8_000):
        await world.clock.run(1)
        await asyncio.sleep(0.005)
        if world.rows():
            break
    running.cancel()
    assert [row.state for row in world.rows()] == ["planned"]


async def test_a_fault_of_our_own_is_not_repeated_before_the_next_time(world: World) -> None:
    world.planner = Away(world, ZeroDivisionError())
    planning = a_life(world)
    planning.timetable.replace(DAILY, at_once=["standard"])
    running = asyncio.create_task(planning.timetable.run())
    with capture_logs() as logged:
        for _ in range(8_000):
            await world.clock.settle()
            await asyncio.sleep(0.005)
            if logged:
                break
    await world.clock.run(120)
    running.cancel()
    assert [entry["event"] for entry in logged] == ["planning_broke"]
    assert planning.timetable.upcoming()["standard"] - world.clock.now() > timedelta(hours=1)
