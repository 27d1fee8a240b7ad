"""The timetable: cron on the engine's clock, at once when due, once for what was slept through."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

from contactd.engine.ladder.timetable import Appointment, Timetable
from tests.clock import HandClock

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # 8:00 in Berlin
HALF_PAST_EIGHT = Appointment("30 8 * * mon-fri", "Europe/Berlin")


def test_the_next_time_is_told_in_the_time_zone_of_the_campaign() -> None:
    assert HALF_PAST_EIGHT.next_after(MONDAY) == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    friday_noon = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
    assert HALF_PAST_EIGHT.next_after(friday_noon) == datetime(2026, 11, 30, 7, 30, tzinfo=UTC)
    before_summer = datetime(2027, 3, 26, 12, 0, tzinfo=UTC)  # the clocks go forward on the Sunday between
    assert HALF_PAST_EIGHT.next_after(before_summer) == datetime(2027, 3, 29, 6, 30, tzinfo=UTC)


async def test_a_due_appointment_is_kept_once_a_day() -> None:
    clock, kept = HandClock(MONDAY), []

    async def keep(name: str) -> bool:
        kept.append((name, clock.now()))
        return True

    table = Timetable(clock, keep)
    table.replace({"standard": HALF_PAST_EIGHT})
    running = asyncio.create_task(table.run())
    await clock.run(29 * 60)
    assert kept == []
    await clock.run(2 * 24 * 3_600)
    running.cancel()
    assert [name for name, _ in kept] == ["standard", "standard"]
    assert all(timedelta() <= at - due < timedelta(seconds=1) for (_, at), due in zip(kept, _days(7, 30), strict=True))


def _days(hour: int, minute: int) -> list[datetime]:
    return [MONDAY.replace(hour=hour, minute=minute) + timedelta(days=day) for day in range(2)]


async def test_what_was_slept_through_is_made_up_for_once() -> None:
    clock, kept = HandClock(MONDAY), []

    async def keep(name: str) -> bool:
        kept.append(name)
        return True

    table = Timetable(clock, keep)
    table.replace({"standard": Appointment("* * * * *", "UTC")})
    running = asyncio.create_task(table.run())
    await clock.settle()
    clock.advance(3_600)
    await clock.settle()
    running.cancel()
    assert kept == ["standard"]


def test_what_was_cut_short_is_due_at_once() -> None:
    table = Timetable(HandClock(MONDAY), never)
    table.replace({"standard": HALF_PAST_EIGHT, "late": HALF_PAST_EIGHT}, {"standard": MONDAY}, ["standard", "gone"])
    assert table.upcoming() == {"standard": MONDAY, "late": MONDAY.replace(minute=30)}


async def never(name: str) -> bool:
    raise AssertionError(name)


async def test_a_reload_keeps_what_stays_and_takes_up_what_is_new() -> None:
    clock = HandClock(MONDAY)
    table = Timetable(clock, never)
    table.replace({"standard": HALF_PAST_EIGHT})
    before = table.upcoming()
    clock.advance(60)
    table.replace({"standard": HALF_PAST_EIGHT, "late": Appointment("0 22 * * *", "UTC")})
    assert table.upcoming() == {**before, "late": MONDAY.replace(hour=22)}
    table.replace({})
    assert table.upcoming() == {}


class Flaky:
    """Keeps appointments but for the first few times it is asked to."""

    def __init__(self, clock: HandClock, failures: int) -> None:
        self._clock = clock
        self._left = failures
        self.asked: list[float] = []

    async def keep(self, name: str) -> bool:
        """Fail, or keep it."""
        del name
        self.asked.append(self._clock.monotonic())
        self._left -= 1
        return self._left < 0


async def test_what_could_not_be_kept_is_tried_again_ever_less_often_until_it_is() -> None:
    clock = HandClock(MONDAY)
    flaky = Flaky(clock, failures=6)
    table = Timetable(clock, flaky.keep)
    table.replace({"standard": HALF_PAST_EIGHT})
    running = asyncio.create_task(table.run())
    await clock.run(3 * 3_600)
    running.cancel()
    pauses = [later - earlier for earlier, later in itertools.pairwise(flaky.asked)]
    assert [round(pause) for pause in pauses] == [5, 10, 20, 40, 60, 60]
    assert table.upcoming() == {"standard": MONDAY.replace(minute=30) + timedelta(days=1)}


async def test_what_was_not_kept_until_the_next_time_is_made_up_for_by_that_one() -> None:
    clock = HandClock(MONDAY)
    flaky = Flaky(clock, failures=5)
    table = Timetable(clock, flaky.keep)
    table.replace({"standard": Appointment("* * * * *", "UTC")})
    running = asyncio.create_task(table.run())
    await clock.run(150)
    running.cancel()
    # At every full minute it begins anew: 60, 65, 75 and 95 seconds, then 120 and 125.
    assert [round(at) for at in flaky.asked] == [60, 65, 75, 95, 120, 125]


async def test_an_appointment_that_is_changed_or_taken_away_is_not_tried_again() -> None:
    clock = HandClock(MONDAY)
    flaky = Flaky(clock, failures=100)
    table = Timetable(clock, flaky.keep)
    table.replace({"standard": HALF_PAST_EIGHT, "other": HALF_PAST_EIGHT, "same": HALF_PAST_EIGHT})
    running = asyncio.create_task(table.run())
    await clock.run(1_801)
    table.replace({"standard": Appointment("0 22 * * *", "UTC"), "same": HALF_PAST_EIGHT})
    await clock.settle()
    running.cancel()
    assert len(flaky.asked) == 3
    upcoming = table.upcoming()
    assert upcoming["standard"] == MONDAY.replace(hour=22)
    assert upcoming["same"] < MONDAY + timedelta(seconds=1_810)


async def test_a_reload_in_the_middle_of_a_run_decides_whether_it_is_tried_again() -> None:
    clock = HandClock(MONDAY)

    async def fail(name: str) -> bool:
        table.replace({})
        return name == "kept"

    table = Timetable(clock, fail)
    table.replace({"standard": HALF_PAST_EIGHT, "other": HALF_PAST_EIGHT}, at_once=["standard", "other"])
    running = asyncio.create_task(table.run())
    await clock.run(60)
    running.cancel()
    assert table.upcoming() == {}
