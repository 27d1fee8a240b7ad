"""The report by contact method: the reference's vector, and that all rows add up to the cohort whatever happened."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.control_report import Debt, Money, Part, Report, Touch, report

METHODS = ("email", "sms", "letter", "call")


def october(day: int) -> date:
    return date(2026, 10, day)


FIRST = october(1)
DEBTS = [Debt(number, number, FIRST, number * 10_000) for number in range(1, 6)]
TOUCHES = [
    Touch(1, "sms", october(5)),
    Touch(2, "letter", october(6)),  # its e-mail of the 5th bounced
    Touch(3, "sms", october(5)),
    Touch(3, "call", october(12)),
    Touch(4, "email", october(5)),
]
MONEYS = [
    Money(1, 1, october(7), 10_000),
    Money(2, 2, october(20), 20_000),
    Money(3, 3, october(19), 15_000),
    Money(4, 4, october(4), 40_000),
]


def of(window: int = 14, as_of: date = date(2026, 12, 1)) -> Report:
    return report(FIRST, DEBTS, TOUCHES, MONEYS, as_of=as_of, window=window, methods=METHODS)


def attributed(found: Report) -> dict[str, Part]:
    return {row.method: row.attributed for row in found.rows}


def test_the_vector_of_the_reference_comes_out() -> None:
    found = of()
    assert found.cohort == Part(5, 150_000)
    assert attributed(found) == {
        "email": Part(0, 0), "sms": Part(1, 10_000), "letter": Part(1, 20_000), "call": Part(1, 15_000),
    }  # fmt: skip
    assert found.unattributed == Part(1, 40_000)
    assert found.open == Part(1, 65_000)
    rows = {row.method: row for row in found.rows}
    assert rows["sms"].any_touch == Part(2, 25_000)
    assert rows["sms"].contacted == Part(2, 40_000)
    assert {method: rows[method].first_touch for method in METHODS} == {
        "email": Part(0, 0), "sms": Part(2, 25_000), "letter": Part(1, 20_000), "call": Part(0, 0),
    }  # fmt: skip
    assert [rows[method].days for method in METHODS] == [None, 2, 14, 7]


def test_a_window_of_thirteen_days_leaves_the_letter_nothing() -> None:
    found = of(window=13)
    assert attributed(found)["letter"] == Part(0, 0)
    assert found.unattributed == Part(2, 60_000)
    assert found.total == found.cohort


def test_a_month_is_provisional_while_the_window_of_its_last_day_runs() -> None:
    assert of(as_of=date(2026, 11, 13)).provisional
    assert not of(as_of=date(2026, 11, 14)).provisional


def test_a_contact_of_the_payments_own_day_or_of_before_the_debt_gets_nothing() -> None:
    touches = [Touch(1, "sms", october(7)), Touch(1, "email", date(2026, 9, 30))]
    found = report(FIRST, DEBTS, touches, MONEYS[:1], as_of=FIRST)
    assert (attributed(found), found.unattributed) == ({"sms": Part(0, 0)}, Part(1, 10_000))


def test_a_second_payment_of_what_is_paid_counts_for_nobody() -> None:
    twice = [*MONEYS[:1], Money(1, 1, october(8), 10_000)]
    found = report(FIRST, DEBTS, TOUCHES, twice, as_of=FIRST, methods=METHODS)
    assert (attributed(found)["sms"], found.total) == (Part(1, 10_000), found.cohort)


def test_money_that_went_back_counts_for_nobody_and_more_than_was_owed_neither() -> None:
    moneys = [
        Money(1, 1, october(6), 4_000), Money(1, 1, october(7), 6_000), Money(1, 1, october(9), -7_000),
        Money(2, 2, october(7), 50_000), Money(5, 5, october(8), -100),
    ]  # fmt: skip
    found = report(FIRST, DEBTS, TOUCHES, moneys, as_of=FIRST)
    assert attributed(found)["sms"] == Part(1, 3_000)
    assert attributed(found)["letter"] == Part(1, 20_000)
    assert found.total == found.cohort


def test_what_only_a_list_told_of_and_contacts_nobody_confirmed_are_told_apart() -> None:
    touches = [Touch(1, "sms", october(5), sure=False)]
    found = report(FIRST, DEBTS, touches, [Money(1, 1, october(7), 10_000, booked=False)], as_of=FIRST)
    assert (found.listed, found.rows[0].contacts, found.rows[0].unsure) == (Part(1, 10_000), 1, 1)
    assert found.rows[0].any_touch == Part(0, 0)


def test_a_customer_who_paid_twice_stands_in_one_row_with_the_first_attributed_payment() -> None:
    moneys = [Money(3, 3, october(3), 5_000), Money(3, 3, october(6), 5_000), Money(3, 3, october(14), 5_000)]
    found = report(FIRST, DEBTS, TOUCHES, moneys, as_of=FIRST)
    assert attributed(found) == {
        "call": Part(0, 5_000), "email": Part(0, 0), "letter": Part(0, 0), "sms": Part(1, 5_000),
    }  # fmt: skip
    assert found.unattributed == Part(0, 5_000)


DAYS = st.integers(min_value=-10, max_value=60).map(lambda days: FIRST + timedelta(days=days))
NUMBERS = st.integers(min_value=1, max_value=4)


@given(
    debts=st.lists(
        st.builds(Debt, NUMBERS, NUMBERS, DAYS, st.integers(0, 9_000)), max_size=5, unique_by=lambda d: d.claim
    ),
    touches=st.lists(st.builds(Touch, NUMBERS, st.sampled_from(METHODS), DAYS), max_size=8),
    moneys=st.lists(st.builds(Money, NUMBERS, NUMBERS, DAYS, st.integers(-5_000, 9_000), st.booleans()), max_size=8),
    window=st.integers(min_value=0, max_value=40),
)
def test_all_rows_add_up_to_the_cohort(
    debts: list[Debt], touches: list[Touch], moneys: list[Money], window: int
) -> None:
    owners = {debt.claim: debt.customer for debt in debts}
    mine = [Money(m.claim, owners.get(m.claim, m.customer), m.on, m.amount, m.booked) for m in moneys]
    found = report(FIRST, debts, touches, mine, as_of=FIRST, window=window)
    assert found.total == found.cohort
    firsts = sum((row.first_touch for row in found.rows), found.unattributed + found.listed + found.open)
    assert firsts == found.cohort
    assert found.open.customers >= 0
    assert found.open.amount >= 0


@pytest.mark.parametrize("month", [1, 2, 12])
def test_a_month_without_new_debt_has_an_empty_cohort(month: int) -> None:
    found = report(date(2027, month, 1), DEBTS, TOUCHES, MONEYS, as_of=FIRST, methods=METHODS)
    assert found.cohort == found.total == Part(0, 0)
