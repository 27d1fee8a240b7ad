"""When default begins: by the calendar, by a reminder, after thirty days, by a refusal; never on a whim."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.account import Kind
from contactd.domain.default_date import Basis, Course, Default, default_of
from tests.domain.receivables import BERLIN, NRW, ONE_DAY, day

FIXED = Course(day("2026-06-04"), Kind.CONSUMER, fixed=True)
INVOICED = Course(day("2026-03-02"), Kind.BUSINESS, invoiced_on=day("2026-03-10"))


def since(default: Default | None) -> tuple[str, Basis]:
    """Read off when it began and why; interest begins the same day."""
    assert default is not None
    assert default.interest_from == default.on
    return str(default.on), default.basis


@pytest.mark.parametrize(
    ("due_on", "holidays", "expected"),
    [
        ("2026-06-04", BERLIN, "2026-06-05"),  # V9: Corpus Christi is no holiday in Berlin
        ("2026-06-04", NRW, "2026-06-06"),
        ("2025-12-24", BERLIN, "2025-12-25"),  # default may begin on a holiday
        ("2024-03-31", BERLIN, "2024-04-03"),  # V1: Easter Sunday and Monday
    ],
)
def test_v9_after_a_day_fixed_by_the_calendar_default_begins_the_next_day(
    due_on: str, holidays: frozenset[date], expected: str
) -> None:
    assert since(default_of(replace(FIXED, due_on=day(due_on)), holidays)) == (expected, Basis.CALENDAR)


@pytest.mark.parametrize(
    ("received", "expected"),
    [("2026-03-10", "2026-04-10"), ("2026-01-30", "2026-03-03"), ("2025-11-25", "2025-12-30")],
)
def test_v9_thirty_days_after_the_invoice_default_begins(received: str, expected: str) -> None:
    course = replace(INVOICED, due_on=day("2025-11-20"), invoiced_on=day(received))
    assert since(default_of(course, BERLIN)) == (expected, Basis.THIRTY_DAYS)


def test_the_thirty_days_begin_when_it_is_due_if_that_is_later_than_the_invoice() -> None:
    course = replace(INVOICED, due_on=day("2026-03-10"), invoiced_on=day("2026-03-02"))
    assert since(default_of(course, BERLIN)) == ("2026-04-10", Basis.THIRTY_DAYS)


def test_v9_a_consumer_is_bound_by_thirty_days_only_when_the_invoice_said_so() -> None:
    consumer = replace(INVOICED, kind=Kind.CONSUMER)
    assert default_of(consumer, BERLIN) is None
    assert since(default_of(replace(consumer, noticed=True), BERLIN)) == ("2026-04-10", Basis.THIRTY_DAYS)


def test_a_due_date_alone_is_no_default() -> None:
    assert default_of(Course(day("2026-03-02"), Kind.BUSINESS), BERLIN) is None


def test_a_reminder_brings_default_on_its_receipt_and_interest_the_day_after() -> None:
    course = replace(FIXED, fixed=False, reminded_on=(day("2026-06-20"), day("2026-06-12")))
    assert default_of(course, BERLIN) == Default(day("2026-06-12"), Basis.REMINDER, day("2026-06-13"))


def test_a_reminder_that_comes_while_there_is_time_to_pay_has_no_effect() -> None:
    course = replace(FIXED, fixed=False, reminded_on=(day("2026-06-04"),))
    assert default_of(course, BERLIN) is None
    next_day = replace(course, reminded_on=(day("2026-06-05"),))
    assert default_of(next_day, NRW) is None  # there the last day for paying was moved to it
    assert default_of(next_day, BERLIN) == Default(day("2026-06-05"), Basis.REMINDER, day("2026-06-06"))


def test_a_refusal_brings_default_at_once_but_not_before_it_is_due() -> None:
    course = replace(FIXED, fixed=False, refused_on=day("2026-06-10"))
    assert default_of(course, BERLIN) == Default(day("2026-06-10"), Basis.REFUSAL, day("2026-06-11"))
    early = replace(course, refused_on=day("2026-05-01"))
    assert default_of(early, NRW) == Default(day("2026-06-06"), Basis.REFUSAL, day("2026-06-06"))


def test_of_several_grounds_the_earliest_counts() -> None:
    course = replace(INVOICED, reminded_on=(day("2026-03-20"),), refused_on=day("2026-03-25"))
    found = default_of(course, BERLIN)
    assert found == Default(day("2026-03-20"), Basis.REMINDER, day("2026-03-21"))
    found = default_of(replace(FIXED, reminded_on=(day("2026-06-05"),)), BERLIN)
    assert found == Default(day("2026-06-05"), Basis.CALENDAR, day("2026-06-05"))


def test_nobody_is_in_default_while_it_is_not_his_fault() -> None:
    course = replace(FIXED, reminded_on=(day("2026-06-12"),), excused_until=day("2026-06-30"))
    assert default_of(course, BERLIN) == Default(day("2026-07-01"), Basis.CALENDAR, day("2026-07-01"))
    assert default_of(replace(course, excused_until=day("2026-01-31")), BERLIN) == default_of(FIXED, BERLIN)
    assert default_of(Course(day("2026-03-02"), Kind.BUSINESS, excused_until=day("2026-06-30")), BERLIN) is None


DAYS = st.dates(date(2025, 1, 1), date(2027, 1, 1))


@given(
    due_on=DAYS,
    fixed=st.booleans(),
    reminded_on=st.lists(DAYS, max_size=3).map(tuple),
    invoiced_on=st.none() | DAYS,
    refused_on=st.none() | DAYS,
)
def test_default_never_begins_before_the_time_for_paying_is_over(
    *, due_on: date, fixed: bool, reminded_on: tuple[date, ...], invoiced_on: date | None, refused_on: date | None
) -> None:
    course = Course(due_on, Kind.BUSINESS, fixed, reminded_on, invoiced_on, refused_on=refused_on)
    found = default_of(course, BERLIN)
    if found is not None:
        assert found.on > due_on
        assert timedelta(0) <= found.interest_from - found.on <= ONE_DAY
        later = default_of(replace(course, fixed=True), BERLIN)
        assert later is not None
        assert later.interest_from <= found.interest_from
