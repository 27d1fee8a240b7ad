"""A table of base rates has every half-year once, and knows where it ends."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.base_rates import BaseRate, BaseRates, next_half_year
from tests.domain.receivables import RATES, day

EVERY = "every half-year needs its row, even when the rate did not change"


def table(*rows: tuple[str, str]) -> BaseRates:
    """Make a table of texts."""
    return BaseRates(tuple(BaseRate(day(text), Decimal(percent)) for text, percent in rows))


def test_a_rate_holds_from_its_first_day_to_the_day_before_the_next() -> None:
    rates = table(("2024-07-01", "3.37"), ("2025-01-01", "2.27"), ("2025-07-01", "1.27"))
    assert rates.percent_on(day("2024-07-01")) == Decimal("3.37")
    assert rates.percent_on(day("2024-12-31")) == Decimal("3.37")
    assert rates.percent_on(day("2025-01-01")) == Decimal("2.27")
    assert rates.percent_on(day("2025-12-31")) == Decimal("1.27")
    assert (rates.covered_from, rates.covered_until) == (day("2024-07-01"), day("2025-12-31"))
    assert table(("2025-01-01", "2.27")).covered_until == day("2025-06-30")


def test_past_its_end_the_table_goes_on_with_the_last_rate_and_says_where_it_ended() -> None:
    assert RATES.percent_on(day("2031-03-01")) == Decimal("1.52")
    assert RATES.covered_until == day("2026-12-31")


def test_before_its_begin_the_table_has_no_answer() -> None:
    with pytest.raises(ValueError) as refused:
        RATES.percent_on(day("2001-12-31"))
    said = "there is no base rate for 2001-12-31: the table begins on 2002-01-01; add the half-years before"
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((), "row 1: the table is empty; it needs a row for every half-year, like 2026-07-01 with 1.52"),
        (
            (("2026-07-02", "1.52"),),
            "row 1: 2026-07-02 begins no half-year; write the first of January or July from which on it holds",
        ),
        (
            (("2018-01-01", "-0.88"), ("2019-01-01", "-0.88")),
            f"row 2: 2018-07-01 is missing before 2019-01-01; {EVERY}",
        ),
        (
            (("2018-01-01", "-0.88"), ("2020-07-01", "-0.88")),
            f"row 2: 2018-07-01 to 2020-01-01 are missing before 2020-07-01; {EVERY}",
        ),
        (
            (("2026-01-01", "1.27"), ("2026-01-01", "1.72")),
            "row 2: 2026-01-01 is already there, one row above; keep the right one of the two",
        ),
        (
            (("2026-01-01", "1.27"), ("2025-07-01", "1.27")),
            "row 2: 2025-07-01 comes after 2026-01-01; put the rows in the order of time, each half-year once",
        ),
        ((("2026-01-01", "127"),), "row 1: 127 is no base rate in percent; write it like 1.27"),
        ((("2026-01-01", "NaN"),), "row 1: NaN is no base rate in percent; write it like 1.27"),
        (
            (("2026-01-01", "127"), ("2026-07-02", "-5.01"), ("2030-01-01", "1")),
            (
                "row 1: 127 is no base rate in percent; write it like 1.27; "
                "row 2: -5.01 is no base rate in percent; write it like 1.27; "
                "row 2: 2026-07-02 begins no half-year; write the first of January or July from which on it holds"
            ),
        ),
    ],
)
def test_what_is_no_table_is_refused_with_the_row_and_the_cure(rows: tuple[tuple[str, str], ...], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        table(*rows)
    assert str(refused.value) == message


def test_an_old_row_cannot_shadow_later_ones_because_none_may_stand_between_two_half_years() -> None:
    # Seen elsewhere: a row of 2011 without an end, put after the newer ones, won over all of them.
    rows = [*RATES.rows, BaseRate(day("2011-07-01"), Decimal("0.37"))]
    with pytest.raises(ValueError, match="row 51: 2011-07-01 comes after 2026-07-01"):
        BaseRates(tuple(rows))


@given(gone=st.integers(1, len(RATES.rows) - 2))
def test_no_half_year_can_be_left_out_unnoticed(gone: int) -> None:
    # Seen elsewhere: the second half of 2018 was not there, and the one before went on.
    rest = (*RATES.rows[:gone], *RATES.rows[gone + 1 :])
    with pytest.raises(ValueError, match=f"{RATES.rows[gone].valid_from} is missing before"):
        BaseRates(rest)


@given(at=st.dates(date(2002, 1, 1), date(2026, 12, 31)))
def test_the_rate_of_a_day_is_that_of_the_last_row_up_to_it(at: date) -> None:
    assert RATES.percent_on(at) == max(row for row in RATES.rows if row.valid_from <= at).percent


@given(at=st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_the_next_half_year_begins_within_six_months(at: date) -> None:
    following = next_half_year(at)
    assert (following.month, following.day) in {(1, 1), (7, 1)}
    assert timedelta(0) < following - at <= timedelta(days=184)
