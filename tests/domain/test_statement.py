"""The statement of claim: the vectors to the cent, and what holds whatever happened on an account."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain import statement as derived
from contactd.domain.appropriation import COMMON, Appropriation, Debt, Designation, Part, Scheme, appropriate
from contactd.domain.interest import BUSINESS, CONSUMER, Segment, total
from contactd.domain.ledger import Claim, Cost, Ledger, Payment, Reversal, WriteOff
from contactd.domain.statement import Allocation, Balance, Statement, principals, statement
from tests.domain.receivables import DAYS, ONE_DAY, RATES, START, day, ledgers

COSTS, INTEREST, PRINCIPAL = Part.COSTS, Part.INTEREST, Part.PRINCIPAL
DUE = day("2025-01-14")
PAID_ON = day("2025-04-10")
AS_OF = day("2025-09-30")
CLAIM = Claim("r1", 120_000, day("2024-12-31"), DUE, CONSUMER, interest_from=day("2025-01-15"))
REMINDERS = (Cost(day("2025-02-01"), 120, "r1", "letter"), Cost(day("2025-03-01"), 120, "r1", "letter"))
PAYMENT = Payment("p1", PAID_ON, 30_000)
V4 = Ledger((CLAIM,), REMINDERS, (PAYMENT,))
HALF = (Decimal("7.27"), Decimal("6.27"))


def only(found: Statement) -> Balance:
    """Give the balance of the one claim; there are no other costs."""
    common, balance = found.balances
    assert common == Balance(COMMON, 0, 0, 0, ())
    return balance


def test_v4_a_payment_goes_to_costs_interest_and_principal_and_lower_principal_bears_less() -> None:
    found = statement(V4, AS_OF, RATES)
    balance = only(found)
    assert balance.segments == (
        Segment(day("2025-01-15"), day("2025-04-09"), 85, 120_000, HALF[0], 365),
        Segment(day("2025-04-10"), day("2025-06-30"), 82, 92_272, HALF[0], 365),
        Segment(day("2025-07-01"), day("2025-09-30"), 92, 92_272, HALF[1], 365),
    )
    assert [line.amount for line in balance.segments] == [2032, 1507, 1458]
    assert round(float(balance.segments[0].exact), 4) == 2031.6164
    assert found.allocations == (
        Allocation("p1", PAID_ON, "r1", COSTS, 240),
        Allocation("p1", PAID_ON, "r1", INTEREST, 2032),
        Allocation("p1", PAID_ON, "r1", PRINCIPAL, 27_728),
    )
    assert (balance.costs, balance.interest, balance.principal, balance.open) == (0, 2965, 92_272, 95_237)
    assert (found.costs, found.interest, found.principal, found.open) == (0, 2965, 92_272, 95_237)
    assert (found.accrued, found.credit, found.write_offs, found.provisional) == (4997, 0, (), False)


def test_v5_of_a_consumers_loan_the_payment_goes_to_principal_before_interest() -> None:
    found = statement(replace(V4, claims=(replace(CLAIM, consumer_loan=True),)), AS_OF, RATES)
    balance = only(found)
    assert [(line.days, line.principal, line.amount) for line in balance.segments] == [
        (85, 120_000, 2032),
        (82, 90_240, 1474),
        (92, 90_240, 1426),
    ]
    assert found.allocations == (
        Allocation("p1", PAID_ON, "r1", COSTS, 240),
        Allocation("p1", PAID_ON, "r1", PRINCIPAL, 29_760),
    )
    assert (balance.costs, balance.interest, balance.principal, balance.open) == (0, 4932, 90_240, 95_172)


def test_v1_a_claim_nobody_paid_bears_interest_from_its_default_on() -> None:
    claim = Claim("r1", 100_000, day("2024-03-01"), day("2024-03-31"), CONSUMER, interest_from=day("2024-04-03"))
    found = statement(Ledger((claim,)), day("2024-12-31"), RATES)
    assert (found.interest, found.open) == (6304, 106_304)


def test_what_is_not_in_default_bears_no_interest_and_what_has_not_arisen_is_not_owed() -> None:
    resting = replace(CLAIM, interest_from=None)
    assert only(statement(Ledger((resting,)), AS_OF, RATES)) == Balance("r1", 0, 0, 120_000, ())
    assert statement(V4, day("2024-12-30"), RATES).open == 0
    assert statement(V4, CLAIM.arose_on, RATES).open == 120_000
    assert statement(V4, DUE, RATES).interest == 0
    assert statement(V4, day("2025-01-15"), RATES).interest == 24


def test_the_day_of_a_payment_bears_interest_on_the_rest_only() -> None:
    found = statement(V4, PAID_ON, RATES)
    assert [(line.days, line.principal) for line in only(found).segments] == [(85, 120_000), (1, 92_272)]


def test_what_settles_everything_bears_interest_up_to_the_day_before() -> None:
    before = replace(V4, payments=())
    assert statement(before, PAID_ON, RATES).payoff == 240 + 2032 + 120_000
    paid = replace(V4, payments=(replace(PAYMENT, amount=statement(before, PAID_ON, RATES).payoff),))
    found = statement(paid, AS_OF, RATES)
    assert (found.open, found.credit, found.accrued) == (0, 0, 2032)
    assert statement(paid, AS_OF, RATES).payoff == 0


def test_what_was_paid_too_much_is_credit_until_there_is_something_to_pay() -> None:
    second = Claim("r2", 5_000, day("2025-05-02"), day("2025-05-16"), CONSUMER)
    ledger = Ledger((CLAIM, second), payments=(Payment("p1", day("2025-01-10"), 123_000),))
    found = statement(ledger, day("2025-05-01"), RATES)
    assert (found.open, found.credit) == (0, 3_000)
    found = statement(ledger, AS_OF, RATES)
    assert (found.open, found.credit) == (2_000, 0)
    assert found.allocations == (
        Allocation("p1", day("2025-01-10"), "r1", PRINCIPAL, 120_000),
        Allocation("p1", day("2025-05-02"), "r2", PRINCIPAL, 3_000),
    )
    with_cost = replace(ledger, costs=(Cost(day("2025-04-01"), 120),))
    assert statement(with_cost, day("2025-05-01"), RATES).credit == 2_880


def test_a_reversed_payment_is_as_if_it_had_never_been_but_for_what_the_bank_asked() -> None:
    back = day("2025-04-22")
    ledger = replace(V4, reversals=(Reversal("p1", back, 350, "r1"),))
    assert statement(ledger, back - ONE_DAY, RATES) == statement(V4, back - ONE_DAY, RATES)
    never = replace(V4, payments=(), costs=(*REMINDERS, Cost(back, 350, "r1")))
    assert statement(ledger, AS_OF, RATES) == statement(never, AS_OF, RATES)
    assert statement(ledger, AS_OF, RATES).costs == 590
    free = replace(V4, reversals=(Reversal("p1", back),))
    assert statement(free, AS_OF, RATES) == statement(replace(V4, payments=()), AS_OF, RATES)


def test_a_write_off_takes_effect_after_the_payments_of_its_day_as_far_as_there_is_something_open() -> None:
    given_up = (WriteOff(PAID_ON, "r1", COSTS, 999), WriteOff(PAID_ON, "r1", PRINCIPAL, 100_000))
    found = statement(replace(V4, write_offs=given_up), AS_OF, RATES)
    assert found.write_offs == (WriteOff(PAID_ON, "r1", PRINCIPAL, 92_272),)
    assert (found.open, found.accrued) == (0, 2032)
    interest = (WriteOff(AS_OF, "r1", INTEREST, 1_000), WriteOff(AS_OF, COMMON, PRINCIPAL, 5))
    found = statement(replace(V4, write_offs=interest), AS_OF, RATES)
    assert (found.interest, found.accrued, len(found.write_offs)) == (1_965, 4_997, 1)
    assert statement(replace(V4, write_offs=interest), AS_OF - ONE_DAY, RATES).write_offs == ()


def test_costs_of_no_one_claim_are_paid_first_and_stand_by_themselves() -> None:
    ledger = replace(V4, costs=(*REMINDERS, Cost(day("2025-03-15"), 500, reason="letter about two invoices")))
    found = statement(ledger, AS_OF, RATES)
    assert found.allocations[:2] == (
        Allocation("p1", PAID_ON, COMMON, COSTS, 500),
        Allocation("p1", PAID_ON, "r1", COSTS, 240),
    )
    assert statement(ledger, PAID_ON - ONE_DAY, RATES).balances[0] == Balance(COMMON, 500, 0, 0, ())


def test_of_several_claims_the_dearer_one_is_paid_first_and_of_pooled_ones_the_older() -> None:
    younger = Claim("r2", 50_000, day("2025-01-02"), DUE, BUSINESS, interest_from=day("2025-01-15"))
    ledger = Ledger((CLAIM, younger), payments=(PAYMENT,))
    by_law = statement(ledger, PAID_ON, RATES)
    assert {one.claim for one in by_law.allocations} == {"r2"}
    pooled = statement(ledger, PAID_ON, RATES, Scheme.POOLED)
    assert [(one.claim, one.part) for one in pooled.allocations] == [
        ("r1", INTEREST),
        ("r2", INTEREST),
        ("r1", PRINCIPAL),
    ]
    not_yet = replace(younger, interest_from=day("2025-06-01"))
    assert {
        one.claim for one in statement(Ledger((CLAIM, not_yet), payments=(PAYMENT,)), PAID_ON, RATES).allocations
    } == {"r1"}


def test_a_designated_payment_is_for_what_the_debtor_said_and_keeps_that_while_it_is_credit() -> None:
    younger = Claim("r2", 50_000, day("2025-01-02"), DUE, CONSUMER)
    wish = Payment("p1", PAID_ON, 10_000, Designation(("r2",), PRINCIPAL))
    found = statement(Ledger((CLAIM, younger), payments=(PAYMENT, replace(wish, id="p2"))), PAID_ON, RATES)
    assert found.allocations[0] == Allocation("p2", PAID_ON, "r2", PRINCIPAL, 10_000)
    early = Ledger(
        (replace(CLAIM, arose_on=PAID_ON + ONE_DAY, interest_from=None), replace(younger, arose_on=PAID_ON + ONE_DAY)),
        payments=(wish,),
    )
    assert statement(early, PAID_ON, RATES).credit == 10_000
    assert statement(early, AS_OF, RATES).allocations == (Allocation("p1", PAID_ON + ONE_DAY, "r2", PRINCIPAL, 10_000),)


def test_several_payments_of_a_day_are_dealt_out_in_the_order_of_their_names() -> None:
    payments = (Payment("p2", PAID_ON, 29_000), Payment("p1", PAID_ON, 1_000))
    found = statement(replace(V4, payments=payments), AS_OF, RATES)
    assert [(one.payment, one.part, one.amount) for one in found.allocations] == [
        ("p1", COSTS, 240),
        ("p1", INTEREST, 760),
        ("p2", INTEREST, 1_272),
        ("p2", PRINCIPAL, 27_728),
    ]
    assert found.balances == statement(V4, AS_OF, RATES).balances


def test_figures_past_the_table_of_base_rates_are_provisional() -> None:
    assert not statement(V4, day("2026-12-31"), RATES).provisional
    assert statement(V4, day("2027-01-01"), RATES).provisional
    settled = replace(V4, payments=(replace(PAYMENT, amount=200_000),))
    assert not statement(settled, day("2027-01-01"), RATES).provisional


SCHEMES = st.sampled_from(Scheme)


@given(ledger=ledgers(), as_of=DAYS, scheme=SCHEMES)
@settings(deadline=None)
def test_every_cent_is_accounted_for_and_nothing_is_below_zero(ledger: Ledger, as_of: date, scheme: Scheme) -> None:
    found = statement(ledger, as_of, RATES, scheme)
    assert found == statement(ledger, as_of, RATES, scheme)
    came_in = ledger.payments_until(as_of)
    assert sum(one.amount for one in found.allocations) + found.credit == sum(payment.amount for payment in came_in)
    for payment in came_in:
        assert sum(one.amount for one in found.allocations if one.payment == payment.id) <= payment.amount
    assert all(one.amount > 0 for one in found.allocations)
    assert all(one.amount > 0 for one in found.write_offs)
    assert all(min(balance.costs, balance.interest, balance.principal) >= 0 for balance in found.balances)
    assert found.credit == 0 or found.open == 0
    for balance in found.balances:
        _check_balance(balance, found, ledger)


def _check_balance(balance: Balance, found: Statement, ledger: Ledger) -> None:
    """Owed is what ever came up, less what was paid and given up, part by part."""
    ever = {
        COSTS: sum(cost.amount for cost in ledger.costs_until(found.as_of) if cost.claim == balance.claim),
        INTEREST: total(balance.segments),
        PRINCIPAL: sum(
            claim.principal
            for claim in ledger.claims
            if (claim.id, claim.arose_on <= found.as_of) == (balance.claim, True)
        ),
    }
    open_now = {COSTS: balance.costs, INTEREST: balance.interest, PRINCIPAL: balance.principal}
    for part in Part:
        paid = sum(one.amount for one in found.allocations if (one.claim, one.part) == (balance.claim, part))
        given_up = sum(one.amount for one in found.write_offs if (one.claim, one.part) == (balance.claim, part))
        assert open_now[part] == ever[part] - paid - given_up


@given(ledger=ledgers(), days=st.tuples(DAYS, DAYS, DAYS), scheme=SCHEMES)
@settings(deadline=None)
def test_the_principal_of_a_day_of_its_own_is_that_of_the_statement_of_that_day(
    ledger: Ledger, days: tuple[date, date, date], scheme: Scheme
) -> None:
    asked = {claim.id: on for claim, on in zip(ledger.claims, days, strict=False)}
    told = {(one.claim, on): one.principal for on in days for one in statement(ledger, on, RATES, scheme).balances}
    assert principals(ledger, asked, RATES, scheme) == {number: told[number, on] for number, on in asked.items()}


@given(ledger=ledgers(), as_of=DAYS, scheme=SCHEMES)
@settings(deadline=None)
def test_a_claim_that_is_settled_is_passed_over_and_nothing_is_different(
    ledger: Ledger, as_of: date, scheme: Scheme
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(f"{derived.__name__}._Account.settled", False)
        every = statement(ledger, as_of, RATES, scheme)
    assert statement(ledger, as_of, RATES, scheme) == every


def test_the_days_are_gone_through_once_for_the_principals_of_many_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counting(amount: int, debts: Sequence[Debt], wish: Designation, scheme: Scheme) -> Appropriation:
        asked.append(amount)
        return appropriate(amount, debts, wish, scheme)

    days = [START + 7 * number * ONE_DAY for number in range(20)]
    ledger = Ledger(
        tuple(Claim(str(on), 10_000, on, on + 14 * ONE_DAY, BUSINESS, on + 15 * ONE_DAY) for on in days),
        payments=tuple(Payment(f"p{on}", on + 3 * ONE_DAY, 9_000) for on in days),
    )
    monkeypatch.setattr(derived, "appropriate", counting)
    found = principals(ledger, {str(on): on + 14 * ONE_DAY for on in days}, RATES)
    assert asked == [9_000] * 20
    assert sum(found.values()) > 0


@given(data=st.data(), ledger=ledgers(), as_of=DAYS, scheme=SCHEMES)
@settings(deadline=None)
def test_the_order_in_which_facts_are_told_does_not_matter(
    data: st.DataObject, ledger: Ledger, as_of: date, scheme: Scheme
) -> None:
    shuffled = replace(
        ledger,
        costs=tuple(data.draw(st.permutations(ledger.costs))),
        payments=tuple(data.draw(st.permutations(ledger.payments))),
        write_offs=tuple(data.draw(st.permutations(ledger.write_offs))),
    )
    assert statement(shuffled, as_of, RATES, scheme) == statement(ledger, as_of, RATES, scheme)


@given(data=st.data(), ledger=ledgers(), scheme=SCHEMES, many=st.integers(2, 5))
@settings(deadline=None)
def test_payments_of_one_day_give_the_same_total_in_any_order_and_in_any_pieces(
    data: st.DataObject, ledger: Ledger, scheme: Scheme, many: int
) -> None:
    amounts = data.draw(st.lists(st.integers(1, 60_000), min_size=many, max_size=many))
    on = data.draw(DAYS)

    def balances(amounts: list[int]) -> tuple[tuple[Balance, ...], int]:
        payments = tuple(Payment(f"q{number}", on, amount) for number, amount in enumerate(amounts))
        found = statement(replace(ledger, payments=(*ledger.payments, *payments)), on + 30 * ONE_DAY, RATES, scheme)
        return found.balances, found.credit

    assert balances(amounts) == balances(amounts[::-1]) == balances([sum(amounts)])


@given(ledger=ledgers(), as_of=DAYS, scheme=SCHEMES)
@settings(deadline=None)
def test_a_ledger_without_its_reversed_payments_gives_the_same_statement(
    ledger: Ledger, as_of: date, scheme: Scheme
) -> None:
    cleaned = replace(ledger, payments=ledger.payments_until(as_of), costs=ledger.costs_until(as_of), reversals=())
    assert statement(cleaned, as_of, RATES, scheme) == statement(ledger, as_of, RATES, scheme)


@given(ledger=ledgers(), on=DAYS, scheme=SCHEMES)
@settings(deadline=None)
def test_paying_what_settles_everything_settles_everything(ledger: Ledger, on: date, scheme: Scheme) -> None:
    needed = statement(ledger, on, RATES, scheme).payoff
    known = replace(ledger, write_offs=tuple(one for one in ledger.write_offs if one.on != on))
    if needed and known == ledger:
        paid = replace(ledger, payments=(*ledger.payments, Payment("last", on, needed)))
        found = statement(paid, on, RATES, scheme)
        assert (found.open, found.credit) == (0, 0)


@pytest.mark.parametrize("scheme", Scheme)
def test_a_statement_of_nothing_is_empty(scheme: Scheme) -> None:
    found = statement(Ledger(), AS_OF, RATES, scheme)
    assert (found.open, found.credit, found.balances) == (0, 0, (Balance(COMMON, 0, 0, 0, ()),))
