"""Windows are read as people write them; the next permitted instant is right on every day, those of the clocks too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.calendar import (
    ALWAYS,
    HORIZON,
    Timetable,
    Windows,
    add_days,
    allowed_at,
    find_zone,
    local_day,
    next_allowed,
    parse_windows,
    start_of_day,
)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NOTHING: frozenset[date] = frozenset()
OFFICE = parse_windows("Mo-Fr 09:00-18:00")
NINE_TO_SIX = ((540, 1080),)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mo-Fr 09:00-18:00", (NINE_TO_SIX,) * 5 + ((), ())),
        ("mon-fri 9:00-18:00", (NINE_TO_SIX,) * 5 + ((), ())),
        ("Montag – Freitag 09:00–18:00", (NINE_TO_SIX,) * 5 + ((), ())),
        ("Mo,Mi,Fr 09:00-18:00", (NINE_TO_SIX, (), NINE_TO_SIX, (), NINE_TO_SIX, (), ())),
        ("Sa-Mo 09:00-18:00", (NINE_TO_SIX, (), (), (), (), NINE_TO_SIX, NINE_TO_SIX)),
        ("Di 09:00-18:00", ((), NINE_TO_SIX, (), (), (), (), ())),
        ("Tue 09:00-18:00", ((), NINE_TO_SIX, (), (), (), (), ())),
        ("Thu., So. 00:00-24:00", ((), (), (), ((0, 1440),), (), (), ((0, 1440),))),
        ("09:00-12:00, 13:00-18:00", (((540, 720), (780, 1080)),) * 7),
        ("Sa 09:00-12:00, 11:00-13:00", ((), (), (), (), (), ((540, 780),), ())),
    ],
)
def test_a_window_is_read_as_people_write_it(text: str, days: tuple[tuple[tuple[int, int], ...], ...]) -> None:
    assert parse_windows(text) == Windows(days)


def test_a_list_of_windows_is_one_week() -> None:
    week = parse_windows(["Mo-Fr 08:00-20:00", "Sa 09:00-18:00"])
    assert [len(day) for day in week.days] == [1, 1, 1, 1, 1, 1, 0]
    assert week.days[5] == NINE_TO_SIX


def test_quiet_hours_may_reach_into_the_next_day() -> None:
    assert parse_windows("Fr 22:00-07:00", overnight=True).days[4:6] == (((1320, 1440),), ((0, 420),))
    assert parse_windows("So 22:00-07:00", overnight=True).days[0] == ((0, 420),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no window: write it like 'Mo-Fr 09:00-18:00'"),
        ("Mo-Fr", "'Mo-Fr' is no window: write it like 'Mo-Fr 09:00-18:00'"),
        ("Mo-Xx 09:00-18:00", "'Mo-Xx 09:00-18:00': 'xx' is no day of the week; write it like 'Mo-Fr 09:00-18:00'"),
        ("Mo-Di-Mi 09:00-18:00", "'Mo-Di-Mi 09:00-18:00': 'Mo-Di-Mi' is no day of the week;"),
        ("Mo 09:00", "'Mo 09:00': '09:00' is no span of time; write it like 'Mo-Fr 09:00-18:00'"),
        ("Mo 09:00-25:00", "'Mo 09:00-25:00': '09:00-25:00' is no time of day"),
        ("Mo 24:00-24:00", "'Mo 24:00-24:00': '24:00-24:00' is no time of day"),
        ("Mo 09:60-10:00", "'Mo 09:60-10:00': '09:60-10:00' is no time of day"),
        ("Mo 09:00-09:00", "'Mo 09:00-09:00' starts and ends at the same time"),
        ("Mo 18:00-09:00", "'Mo 18:00-09:00' ends before it starts; write two windows, one for each day"),
    ],
)
def test_what_is_no_window_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_windows(text)
    assert str(refused.value).startswith(message)


def test_weeks_are_cut_joined_and_turned_inside_out() -> None:
    morning, noon = parse_windows("Mo 08:00-12:00"), parse_windows("Mo-Di 10:00-14:00")
    assert morning.intersect(noon) == parse_windows("Mo 10:00-12:00")
    assert morning.join(noon) == parse_windows(["Mo 08:00-14:00", "Di 10:00-14:00"])
    assert morning.inverse().days[:2] == (((0, 480), (720, 1440)), ((0, 1440),))
    assert ALWAYS.inverse().days == ((),) * 7
    assert ALWAYS.intersect(OFFICE) == OFFICE


def test_the_end_of_a_window_is_outside_it() -> None:
    monday = datetime(2026, 11, 23, 9, 0, tzinfo=BERLIN)
    assert allowed_at(OFFICE, monday)
    assert not allowed_at(OFFICE, monday - timedelta(minutes=1))
    assert allowed_at(OFFICE, monday.replace(hour=17, minute=59))
    assert not allowed_at(OFFICE, monday.replace(hour=18))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T09:30+01:00", "2026-11-23T09:30+01:00"),
        ("2026-11-23T07:30+01:00", "2026-11-23T09:00+01:00"),
        ("2026-11-23T18:00+01:00", "2026-11-24T09:00+01:00"),
        ("2026-11-27T18:00+01:00", "2026-11-30T09:00+01:00"),
        ("2026-12-24T18:00+01:00", "2026-12-28T09:00+01:00"),
    ],
)
def test_the_next_permitted_time_skips_nights_weekends_and_holidays(at: str, expected: str) -> None:
    found = next_allowed(OFFICE, {date(2026, 12, 25)}, [BERLIN], datetime.fromisoformat(at))
    assert found == datetime.fromisoformat(expected)


def test_there_is_no_next_time_when_nothing_is_ever_open() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    every_day = {at.date() + timedelta(days=offset) for offset in range(-1, HORIZON.days + 2)}
    assert next_allowed(parse_windows("So 09:00-10:00").intersect(OFFICE), NOTHING, [BERLIN], at) is None
    assert next_allowed(None, every_day, [BERLIN], at) is None
    assert next_allowed(OFFICE, NOTHING, [BERLIN], datetime(9999, 12, 31, 23, tzinfo=UTC)) is None


def test_conflicting_zones_agree_on_a_time_permitted_in_all_of_them() -> None:
    day = parse_windows("08:00-21:00")
    found = next_allowed(
        day, NOTHING, [NEW_YORK, ZoneInfo("America/Los_Angeles")], datetime(2026, 11, 23, 6, tzinfo=UTC)
    )
    assert found == datetime(2026, 11, 23, 16, tzinfo=UTC)  # eight in Los Angeles, eleven in New York
    table = Timetable([NEW_YORK, ZoneInfo("America/Los_Angeles")], day, NOTHING)
    assert table.open_at(datetime(2026, 11, 24, 1, 59, tzinfo=UTC))  # one minute to nine in New York
    assert not table.open_at(datetime(2026, 11, 24, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "window", "at", "expected"),
    [
        # The hour from two to three does not exist: its window is missed until the next day.
        (BERLIN, "02:00-03:00", "2026-03-29T00:00+01:00", "2026-03-30T00:00Z"),
        (NEW_YORK, "02:00-03:00", "2026-03-08T00:00-05:00", "2026-03-09T06:00Z"),
        # What begins within the gap begins when the clock has jumped over it.
        (BERLIN, "02:30-04:00", "2026-03-29T00:00+01:00", "2026-03-29T01:00Z"),
        (LORD_HOWE, "02:15-02:45", "2026-10-04T00:00+10:30", "2026-10-03T15:30Z"),
        # The hour that comes twice is permitted twice, and only then.
        (BERLIN, "02:00-03:00", "2026-10-25T00:00+02:00", "2026-10-25T00:00Z"),
        (BERLIN, "02:00-02:30", "2026-10-25T02:30+02:00", "2026-10-25T01:00Z"),
        (BERLIN, "02:00-02:30", "2026-10-25T02:30+01:00", "2026-10-26T01:00Z"),
        (NEW_YORK, "01:00-01:30", "2026-11-01T01:30-04:00", "2026-11-01T06:00Z"),
        (LORD_HOWE, "01:30-01:45", "2026-04-05T01:45+11:00", "2026-04-04T15:00Z"),
        # And the day goes on by the new offset.
        (BERLIN, "09:00-18:00", "2026-03-29T00:00+01:00", "2026-03-29T07:00Z"),
        (BERLIN, "09:00-18:00", "2026-10-25T00:00+02:00", "2026-10-25T08:00Z"),
        (LORD_HOWE, "09:00-18:00", "2026-04-05T00:00+11:00", "2026-04-04T22:30Z"),
        (LORD_HOWE, "09:00-18:00", "2026-10-04T00:00+10:30", "2026-10-03T22:00Z"),
    ],
)
def test_windows_hold_on_the_days_when_the_clocks_change(zone: ZoneInfo, window: str, at: str, expected: str) -> None:
    found = next_allowed(parse_windows(window), NOTHING, [zone], datetime.fromisoformat(at))
    assert found == datetime.fromisoformat(expected)


CHANGES = [
    (BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 3, 8, 7, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 11, 1, 6, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 4, 4, 15, tzinfo=UTC)),
    (ZoneInfo("Pacific/Apia"), datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a whole day was skipped
    (ZoneInfo("America/Havana"), datetime(2026, 3, 8, 5, tzinfo=UTC)),  # there is no midnight
]


@given(
    change=st.sampled_from(CHANGES),
    start=st.integers(0, 1438),
    length=st.integers(1, 400),
    minutes=st.integers(-2000, 2000),
)
def test_near_a_change_the_timetable_says_what_the_wall_clock_says(
    change: tuple[ZoneInfo, datetime], start: int, length: int, minutes: int
) -> None:
    zone, instant = change
    at = instant + timedelta(minutes=minutes)
    windows = Windows((((start, min(start + length, 1440)),),) * 7)
    table = Timetable([zone], windows, NOTHING)
    assert table.open_at(at) == allowed_at(windows, at.astimezone(zone))
    found = table.next_open(at)
    assert found is not None
    assert allowed_at(windows, found.astimezone(zone))
    assert found == at or not table.open_at(found - timedelta.resolution)


def test_days_are_counted_on_the_local_calendar() -> None:
    assert local_day(NEW_YORK, datetime(2026, 11, 24, 4, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert start_of_day(BERLIN, date(2026, 3, 30)) - start_of_day(BERLIN, date(2026, 3, 29)) == timedelta(hours=23)
    assert start_of_day(BERLIN, date(2026, 10, 26)) - start_of_day(BERLIN, date(2026, 10, 25)) == timedelta(hours=25)
    assert start_of_day(ZoneInfo("America/Havana"), date(2026, 3, 8)) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert start_of_day(ZoneInfo("Pacific/Apia"), date(2011, 12, 30)) == datetime(2011, 12, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "days", "expected"),
    [
        (BERLIN, "2026-03-28T10:00+01:00", 1, "2026-03-29T10:00+02:00"),
        (BERLIN, "2026-10-24T10:00+02:00", 7, "2026-10-31T10:00+01:00"),
        (BERLIN, "2026-03-28T02:30+01:00", 1, "2026-03-29T03:00+02:00"),
        (BERLIN, "2026-10-24T02:30+02:00", 1, "2026-10-25T02:30+02:00"),
        (LORD_HOWE, "2026-10-03T02:10+10:30", 1, "2026-10-04T02:30+11:00"),
        (NEW_YORK, "2026-03-15T02:30-04:00", -7, "2026-03-08T03:00-04:00"),
    ],
)
def test_adding_days_keeps_the_time_on_the_wall(zone: ZoneInfo, at: str, days: int, expected: str) -> None:
    assert add_days(zone, datetime.fromisoformat(at), days) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("name", ["Europe/Berln", "../etc/passwd", "", "Europe"])
def test_what_is_no_zone_is_not_found(name: str) -> None:
    assert find_zone(name) is None


def test_a_timetable_answers_rightly_after_more_days_than_it_remembers() -> None:
    lunch = parse_windows("12:00-13:00")
    table = Timetable([BERLIN], lunch, NOTHING)
    days = [datetime(2020, 1, 1, 11, tzinfo=UTC) + timedelta(days=offset) for offset in range(1200)]
    answers = [table.open_at(day) for day in [*days, *days]]
    assert answers == [allowed_at(lunch, day.astimezone(BERLIN)) for day in [*days, *days]]
    assert True in answers  # in winter
    assert False in answers  # in summer
