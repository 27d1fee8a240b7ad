"""Instalments sum exactly, fall due on the day that was agreed, and end when nothing is open."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.instalments import (
    MOST,
    Instalment,
    due_dates,
    equal_amounts,
    fixed_amounts,
    plan,
    with_interest,
)
from contactd.domain.interest import CONSUMER
from contactd.domain.ledger import Claim, Cost, Ledger, Payment
from contactd.domain.statement import statement
from tests.domain.receivables import BERLIN, RATES, day

AMOUNTS = st.integers(1, 10_000_000)


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [
        (100_000, 3, (33_334, 33_333, 33_333)),
        (95_237, 12, (7_937,) * 5 + (7_936,) * 7),
        (12_345, 7, (1_764,) * 4 + (1_763,) * 3),
        (500, 1, (500,)),
    ],
)
def test_v7a_equal_instalments_differ_by_one_cent_at_most(total: int, count: int, expected: tuple[int, ...]) -> None:
    assert equal_amounts(total, count) == expected


def test_v7a_an_instalment_below_the_minimum_is_refused_with_what_is_possible() -> None:
    assert equal_amounts(1, 3, minimum=0) == (1, 0, 0)
    with pytest.raises(ValueError) as refused:
        equal_amounts(1, 3)
    assert str(refused.value) == "3 instalments of 1 are below the minimum of 1; at most 1 are possible"
    with pytest.raises(
        ValueError, match="12 instalments of 9000 are below the minimum of 1000; at most 9 are possible"
    ):
        equal_amounts(9_000, 12, minimum=1_000)
    with pytest.raises(ValueError, match="below the minimum of 1000; it must be paid at once"):
        equal_amounts(900, 2, minimum=1_000)


@pytest.mark.parametrize(
    ("total", "amount", "expected"),
    [
        (95_237, 10_000, (10_000,) * 9 + (5_237,)),
        (5_000, 7_500, (5_000,)),
        (30_000, 10_000, (10_000,) * 3),
    ],
)
def test_v7b_of_fixed_instalments_the_last_one_is_the_rest(total: int, amount: int, expected: tuple[int, ...]) -> None:
    assert fixed_amounts(total, amount) == expected


def test_the_rest_may_be_below_the_minimum_but_not_the_instalment() -> None:
    assert fixed_amounts(2_100, 1_000, minimum=1_000)[-1] == 100
    with pytest.raises(ValueError, match="an instalment of 999 is below the minimum of 1000"):
        fixed_amounts(2_100, 999, minimum=1_000)
    with pytest.raises(ValueError, match="an instalment of 0 is below the minimum of 1"):
        fixed_amounts(2_100, 0, minimum=0)


@pytest.mark.parametrize("total", [0, -1])
def test_where_nothing_is_owed_there_is_no_plan(total: int) -> None:
    with pytest.raises(ValueError, match=f"there is nothing to pay in instalments: {total}"):
        equal_amounts(total, 3)
    with pytest.raises(ValueError, match=f"there is nothing to pay in instalments: {total}"):
        fixed_amounts(total, 3)


def test_plans_without_reason_are_refused() -> None:
    for count in (0, MOST + 1):
        with pytest.raises(ValueError, match=f"{count} is no number of instalments; it lies between 1 and 360"):
            equal_amounts(100_000, count)
    with pytest.raises(ValueError, match="instalments of 1 would take more than 360; offer higher ones"):
        fixed_amounts(361, 1)
    assert len(fixed_amounts(360, 1)) == 360
    with pytest.raises(ValueError, match="the minimum of an instalment is below zero: -1"):
        equal_amounts(100, 2, minimum=-1)


@given(total=AMOUNTS, count=st.integers(1, MOST))
def test_equal_instalments_sum_exactly_and_never_grow(total: int, count: int) -> None:
    amounts = equal_amounts(total, count, minimum=0)
    assert sum(amounts) == total
    assert len(amounts) == count
    assert max(amounts) - min(amounts) <= 1
    assert list(amounts) == sorted(amounts, reverse=True)


@given(count=st.integers(1, MOST), amount=AMOUNTS, rest=st.integers(0, 10_000_000))
def test_fixed_instalments_sum_exactly(count: int, amount: int, rest: int) -> None:
    total = (count - 1) * amount + 1 + rest % amount
    amounts = fixed_amounts(total, amount)
    assert sum(amounts) == total
    assert len(amounts) == count
    assert set(amounts[:-1]) <= {amount}
    assert 0 < amounts[-1] <= amount


def test_the_day_of_the_month_is_always_the_original_one_or_the_last_there_is() -> None:
    assert [str(one) for one in due_dates(day("2027-12-31"), 6)] == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
        "2028-05-31",
    ]
    assert [str(one) for one in due_dates(day("2027-02-28"), 3, day_of_month=30)] == [
        "2027-02-28",
        "2027-03-30",
        "2027-04-30",
    ]
    assert [str(one) for one in due_dates(day("2026-11-30"), 2, months=3)] == ["2026-11-30", "2027-02-28"]


def test_days_move_to_working_days_only_when_that_is_wanted() -> None:
    assert [str(one) for one in due_dates(day("2025-11-26"), 3)] == ["2025-11-26", "2025-12-26", "2026-01-26"]
    moved = due_dates(day("2025-11-26"), 3, holidays=BERLIN)
    assert [str(one) for one in moved] == ["2025-11-26", "2025-12-29", "2026-01-26"]


@given(first=st.dates(date(2000, 1, 1), date(2050, 1, 1)), count=st.integers(1, MOST), months=st.integers(1, 12))
def test_days_grow_and_keep_to_the_month(first: date, count: int, months: int) -> None:
    days = due_dates(first, count, months=months)
    assert len(days) == count
    assert days[0] == first
    assert all(one.year * 12 + one.month == first.year * 12 + first.month + n * months for n, one in enumerate(days))
    assert all(one.day == first.day or (one + timedelta(days=1)).day == 1 for one in days)


def test_amounts_and_days_make_a_plan() -> None:
    days = due_dates(day("2026-11-30"), 2)
    assert plan((60, 40), days) == (Instalment(1, days[0], 60), Instalment(2, days[1], 40))
    with pytest.raises(ValueError):
        plan((60, 40), days[:1])


CLAIM = Claim("r1", 92_272, day("2025-04-10"), day("2025-04-10"), CONSUMER, interest_from=day("2025-04-10"))
OTHER = Claim("r2", 50_000, day("2025-04-10"), day("2025-04-10"), CONSUMER)
OWED = Ledger((CLAIM,))
DAYS = due_dates(day("2025-10-31"), 24)


def test_with_running_interest_the_last_instalment_is_what_is_open_on_its_day() -> None:
    found = with_interest(OWED, 10_000, DAYS, RATES)
    assert [one.amount for one in found[:-1]] == [10_000] * (len(found) - 1)
    assert [one.due_on for one in found] == list(DAYS[: len(found)])
    paid = tuple(Payment(str(one.number), one.due_on, one.amount) for one in found)
    assert statement(Ledger((CLAIM,), payments=paid[:-1]), found[-1].due_on, RATES).payoff == found[-1].amount
    settled = statement(Ledger((CLAIM,), payments=paid), DAYS[-1], RATES)
    assert (settled.open, settled.credit) == (0, 0)
    assert sum(one.amount for one in found) == 92_272 + settled.accrued


def test_a_plan_is_for_the_claims_it_names() -> None:
    both = Ledger((CLAIM, OTHER), costs=(Cost(day("2025-06-01"), 120),))
    alone = with_interest(OWED, 10_000, DAYS, RATES)
    assert with_interest(both, 10_000, DAYS, RATES, claims=("r1",)) == alone
    assert len(with_interest(both, 10_000, DAYS, RATES)) > len(alone)


def test_a_plan_that_never_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="24 instalments of 500 do not settle it; offer more of them, or higher ones"):
        with_interest(OWED, 500, DAYS, RATES)
    with pytest.raises(ValueError, match="instalments of 10000 on 0 days pay nothing"):
        with_interest(OWED, 10_000, (), RATES)
    with pytest.raises(ValueError, match="instalments of 0 on 24 days pay nothing"):
        with_interest(OWED, 0, DAYS, RATES)


def test_where_nothing_is_open_any_more_no_instalment_is_foreseen() -> None:
    paid = Ledger((CLAIM,), payments=(Payment("p1", day("2025-04-10"), 92_272),))
    assert with_interest(paid, 10_000, DAYS, RATES) == ()


@given(principal=st.integers(1_000, 500_000), amount=st.integers(40_000, 100_000))
@settings(max_examples=40, deadline=None)
def test_a_plan_with_interest_settles_exactly(principal: int, amount: int) -> None:
    ledger = Ledger((Claim("r1", principal, DAYS[0], DAYS[0], CONSUMER, interest_from=DAYS[0]),))
    found = with_interest(ledger, amount, DAYS, RATES)
    paid = tuple(Payment(str(one.number), one.due_on, one.amount) for one in found)
    settled = statement(Ledger(ledger.claims, payments=paid), DAYS[-1], RATES)
    assert (settled.open, settled.credit) == (0, 0)
