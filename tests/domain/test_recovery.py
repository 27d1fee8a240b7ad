"""The curve of a cohort: counted from each debt's first overdue day, and no longer than the youngest debt has lived."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.control_report import Debt, Money, Touch, report
from contactd.domain.recovery import LONGEST, Tick, recovery

FIRST = date(2026, 10, 1)


def october(day: int) -> date:
    return FIRST + timedelta(days=day - 1)


def test_a_debt_of_the_first_and_one_of_the_tenth_have_the_same_days() -> None:
    debts = [Debt(1, 1, october(1), 10_000), Debt(2, 2, october(10), 10_000)]
    moneys = [Money(1, 1, october(3), 4_000), Money(2, 2, october(12), 1_000), Money(2, 2, october(15), 500)]
    found = recovery(FIRST, debts, [], moneys, as_of=october(14))
    assert (found.owed, found.paid) == (20_000, (0, 0, 5_000, 5_000, 5_000))


def test_a_step_stands_on_the_day_on_which_half_of_its_contacts_had_reached_somebody() -> None:
    debts = [Debt(number, number, october(number), 10_000) for number in (1, 2, 3)]
    touches = [
        Touch(1, "sms", october(4), step="a"), Touch(2, "sms", october(7), step="a"), Touch(3, "call", october(6)),
        Touch(3, "sms", october(1), step="a"), Touch(9, "sms", october(4), step="a"),
    ]  # fmt: skip
    found = recovery(FIRST, debts, touches, [], as_of=october(20))
    assert found.ticks == (Tick("", "call", 3, 1), Tick("a", "sms", 4.0, 2))


def test_a_month_without_debt_or_without_a_day_behind_it_has_no_curve() -> None:
    assert recovery(FIRST, [], [], [], as_of=FIRST).paid == ()
    assert recovery(FIRST, [Debt(1, 1, october(5), 1)], [], [], as_of=october(3)).paid == ()


NUMBERS = st.integers(1, 3)
DAYS = st.integers(0, 30).map(lambda days: FIRST + timedelta(days=days))


@given(
    debts=st.lists(st.builds(Debt, NUMBERS, NUMBERS, DAYS, st.integers(1, 9_000)), max_size=3,
                   unique_by=lambda debt: debt.claim),
    moneys=st.lists(st.builds(Money, NUMBERS, NUMBERS, DAYS, st.integers(-4_000, 9_000)), max_size=8),
)  # fmt: skip
def test_a_curve_ends_where_the_report_of_its_month_does(debts: list[Debt], moneys: list[Money]) -> None:
    owners = {debt.claim: debt for debt in debts}
    mine = [Money(m.claim, owners[m.claim].customer, m.on, m.amount) for m in moneys if m.claim in owners]
    as_of = FIRST + timedelta(days=LONGEST + 40)
    found = recovery(FIRST, debts, [], mine, as_of=as_of)
    told = report(FIRST, debts, [], mine, as_of=as_of)
    assert found.owed == told.cohort.amount
    assert len(found.paid) == (LONGEST + 1 if found.owed else 0)
    assert found.paid == tuple(sorted(found.paid))
    assert (found.paid[-1] if found.paid else 0) == told.cohort.amount - told.open.amount
