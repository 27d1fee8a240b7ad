"""The timetable: cron on the engine's clock, at once when due, once for what was slept through."""

import asyncio
from datetime import UTC, datetime, timedelta

from contactd.engine.timetable import Appointment, Timetable
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

    async def keep(name: str) -> None:
        kept.append((name, clock.now()))

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

    async def keep(name: str) -> None:
        kept.append(name)

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


async def never(name: str) -> None:
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
