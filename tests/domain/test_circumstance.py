"""What people note about claims: which claims it is about."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.account import Kind as Debtor
from contactd.domain.circumstance import Circumstance, Kind, days_of
from contactd.domain.default_date import Basis, Course, default_of

REFUSED = date(2026, 3, 10)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("claim", "arose_on", "concerned"),
    [("R-1", date(2026, 3, 11), True), ("R-2", REFUSED, False), ("", REFUSED, True), ("", date(2026, 3, 11), False)],
)
def test_one_of_the_account_is_about_the_invoices_there_were(claim: str, arose_on: date, concerned: bool) -> None:  # noqa: FBT001 - a column of the table above
    noted = [Circumstance(1, Kind.REFUSAL, REFUSED, claim), Circumstance(2, Kind.ACKNOWLEDGEMENT, REFUSED, claim)]
    assert days_of(Kind.REFUSAL, noted, "R-1", arose_on) == ({REFUSED} if concerned else set())


@given(DAYS, DAYS, st.lists(DAYS, max_size=3), st.none() | DAYS)
def test_a_refusal_never_lets_default_begin_later_nor_before_the_time_for_paying_is_over(
    due_on: date, refused_on: date, reminded_on: list[date], invoiced_on: date | None
) -> None:
    course = Course(due_on, Debtor.BUSINESS, reminded_on=tuple(reminded_on), invoiced_on=invoiced_on)
    before = default_of(course, frozenset())
    refused = Course(
        due_on, Debtor.BUSINESS, reminded_on=tuple(reminded_on), invoiced_on=invoiced_on, refused_on=refused_on
    )
    after = default_of(refused, frozenset())
    assert after is not None
    assert after.on > due_on
    assert after.interest_from > refused_on or after.basis is not Basis.REFUSAL
    if before is not None:
        assert after.interest_from <= before.interest_from
        assert after == before or after.basis is Basis.REFUSAL
