"""Periods end on working days, and months on the last day there is."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.deadlines import add_months, add_years, working_day
from tests.domain.receivables import BERLIN, NRW, day


@pytest.mark.parametrize(
    ("given_day", "expected"),
    [
        ("2026-11-25", "2026-11-25"),
        ("2026-11-28", "2026-11-30"),
        ("2024-03-29", "2024-04-02"),  # Good Friday to Easter Monday
        ("2023-12-31", "2024-01-02"),
        ("2025-12-25", "2025-12-29"),
    ],
)
def test_the_next_working_day_is_no_weekend_and_no_holiday(given_day: str, expected: str) -> None:
    assert working_day(day(given_day), BERLIN) == day(expected)


def test_holidays_are_those_of_the_place() -> None:
    corpus_christi = day("2026-06-04")
    assert working_day(corpus_christi, BERLIN) == corpus_christi
    assert working_day(corpus_christi, NRW) == day("2026-06-05")


@pytest.mark.parametrize(
    ("begin", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-10-31", 3, "2027-01-31"),
        ("2026-12-15", 12, "2027-12-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-01", -1, "2025-12-01"),
    ],
)
def test_months_end_on_the_same_day_or_the_last_there_is(begin: str, months: int, expected: str) -> None:
    assert add_months(day(begin), months) == day(expected)


def test_a_day_that_was_cut_back_can_be_taken_up_again() -> None:
    assert add_months(day("2026-02-28"), 1, day_of_month=31) == day("2026-03-31")
    assert add_months(day("2026-02-28"), 2, day_of_month=31) == day("2026-04-30")


def test_a_leap_day_has_its_year_on_the_28th() -> None:
    assert add_years(day("2024-02-29"), 3) == day("2027-02-28")
    assert add_years(day("2024-02-29"), 4) == day("2028-02-29")


@given(begin=st.dates(date(2000, 1, 1), date(2050, 1, 1)), months=st.integers(0, 400))
def test_months_are_counted_by_the_calendar(begin: date, months: int) -> None:
    found = add_months(begin, months)
    assert found.year * 12 + found.month == begin.year * 12 + begin.month + months
    assert found.day <= begin.day
