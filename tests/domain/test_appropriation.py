"""What a payment is set against: the order of the law, the order of the books, and the debtor's own wish."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.appropriation import (
    COMMON,
    UNDESIGNATED,
    Appropriation,
    Debt,
    Designation,
    Part,
    Scheme,
    Share,
    appropriate,
)
from tests.domain.receivables import DAYS, day

OLD, NEW = day("2025-01-10"), day("2025-03-10")
COSTS, INTEREST, PRINCIPAL = Part.COSTS, Part.INTEREST, Part.PRINCIPAL
A = Debt("a", OLD, 240, 2032, 120_000)
B = Debt("b", NEW, 100, 500, 10_000)


def test_one_claim_is_paid_by_costs_then_interest_then_principal() -> None:
    assert appropriate(30_000, [A]) == Appropriation(
        (Share("a", COSTS, 240), Share("a", INTEREST, 2032), Share("a", PRINCIPAL, 27_728)), 0
    )
    assert appropriate(1_000, [A]).shares == (Share("a", COSTS, 240), Share("a", INTEREST, 760))


def test_a_consumers_loan_is_paid_by_costs_then_principal_then_interest() -> None:
    loan = replace(A, consumer_loan=True)
    assert appropriate(30_000, [loan]).shares == (Share("a", COSTS, 240), Share("a", PRINCIPAL, 29_760))
    assert appropriate(121_000, [loan]).shares[2:] == (Share("a", INTEREST, 760),)


def test_what_is_too_much_becomes_credit() -> None:
    assert appropriate(A.total + 17, [A]).credit == 17
    assert appropriate(17, []) == Appropriation((), 17)
    assert appropriate(0, [A]) == Appropriation((), 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(B, replace(A, due=False), id="due before not due"),
        pytest.param(replace(B, percent=Decimal(0)), replace(A, secured=True, percent=Decimal(9)), id="less secured"),
        pytest.param(replace(B, percent=Decimal("10.52")), replace(A, percent=Decimal("6.52")), id="more burdensome"),
        pytest.param(A, B, id="older"),
        pytest.param(replace(B, due=True, secured=True), replace(A, due=False), id="due counts more than secured"),
        pytest.param(Debt(COMMON, NEW, 120), A, id="costs of no one claim before everything"),
    ],
)
def test_by_law_one_claim_is_paid_whole_before_the_next(first: Debt, second: Debt) -> None:
    for debts in ([first, second], [second, first]):
        found = appropriate(first.total + 1, debts)
        assert sum(share.amount for share in found.shares if share.claim == first.claim) == first.total
        assert found.shares[-1].claim == second.claim


def test_equal_claims_share_in_proportion_to_the_cent() -> None:
    debts = [Debt(name, OLD, 0, 0, principal) for name, principal in (("a", 100), ("b", 100), ("c", 100))]
    assert appropriate(100, debts).shares == (
        Share("a", PRINCIPAL, 34),
        Share("b", PRINCIPAL, 33),
        Share("c", PRINCIPAL, 33),
    )
    unequal = [Debt("a", OLD, 0, 10, 90), Debt("b", OLD, 0, 0, 300)]
    assert appropriate(100, unequal).shares == (
        Share("a", INTEREST, 10),
        Share("a", PRINCIPAL, 15),
        Share("b", PRINCIPAL, 75),
    )


def test_pooled_all_costs_come_first_then_all_interest_then_the_older_principal() -> None:
    found = appropriate(240 + 100 + 2032 + 500 + 120_000 + 1, [B, A], scheme=Scheme.POOLED)
    assert found.shares == (
        Share("a", COSTS, 240),
        Share("b", COSTS, 100),
        Share("a", INTEREST, 2032),
        Share("b", INTEREST, 500),
        Share("a", PRINCIPAL, 120_000),
        Share("b", PRINCIPAL, 1),
    )


def test_pooled_what_is_due_comes_before_what_is_not_and_security_does_not_matter() -> None:
    debts = [replace(A, due=False), replace(B, secured=True)]
    assert appropriate(10_940, debts, scheme=Scheme.POOLED).shares[-1] == Share("b", PRINCIPAL, 8068)
    secured = [replace(A, secured=True), B]
    assert appropriate(2_873, secured, scheme=Scheme.POOLED).shares[-1] == Share("a", PRINCIPAL, 1)


def test_pooled_the_interest_of_a_consumers_loan_comes_last() -> None:
    debts = [replace(A, consumer_loan=True), B]
    found = appropriate(A.total + B.total - 1, debts, scheme=Scheme.POOLED)
    assert [(share.claim, share.part) for share in found.shares] == [
        ("a", COSTS),
        ("b", COSTS),
        ("b", INTEREST),
        ("a", PRINCIPAL),
        ("b", PRINCIPAL),
        ("a", INTEREST),
    ]


def test_pooled_equals_share_part_by_part() -> None:
    debts = [Debt("a", OLD, 30, 0, 10), Debt("b", OLD, 60, 9, 20)]
    assert appropriate(30, debts, scheme=Scheme.POOLED).shares == (Share("a", COSTS, 10), Share("b", COSTS, 20))


def test_a_claim_the_debtor_named_is_paid_before_the_others() -> None:
    found = appropriate(10_700, [A, B], Designation(("b",)))
    assert found.shares == (
        Share("b", COSTS, 100),
        Share("b", INTEREST, 500),
        Share("b", PRINCIPAL, 10_000),
        Share("a", COSTS, 100),
    )
    assert [share.claim for share in appropriate(A.total + B.total, [A, B], Designation(("b", "a"))).shares] == (
        ["b"] * 3 + ["a"] * 3
    )


def test_a_claim_the_debtor_contests_is_paid_after_all_others_unless_he_names_it() -> None:
    not_due = replace(B, claim="c", due=False)
    found = appropriate(A.total + B.total + not_due.total, [A, B, not_due], Designation(last=("a",)))
    assert list(dict.fromkeys(share.claim for share in found.shares)) == ["b", "c", "a"]
    assert {share.claim for share in appropriate(100, [A, B], Designation(("a",), last=("a",))).shares} == {"a"}


def test_a_part_the_debtor_named_is_paid_before_the_others() -> None:
    assert appropriate(500, [A], Designation(("a",), PRINCIPAL)).shares == (Share("a", PRINCIPAL, 500),)
    assert appropriate(121_000, [A], Designation(part=PRINCIPAL)).shares == (
        Share("a", PRINCIPAL, 120_000),
        Share("a", COSTS, 240),
        Share("a", INTEREST, 760),
    )
    found = appropriate(10_101, [A, B], Designation(("b",), PRINCIPAL))
    assert found.shares == (Share("b", PRINCIPAL, 10_000), Share("b", COSTS, 100), Share("b", INTEREST, 1))
    assert appropriate(130_001, [A, B], Designation(part=PRINCIPAL)).shares[:2] == (
        Share("a", PRINCIPAL, 120_000),
        Share("b", PRINCIPAL, 10_000),
    )


def test_a_wish_for_a_claim_that_is_not_open_is_no_wish() -> None:
    assert appropriate(500, [A, B], Designation(("z",))) == appropriate(500, [A, B])
    assert appropriate(500, [A, B], Designation(("z",), PRINCIPAL)) == appropriate(500, [A, B])


def test_what_is_below_zero_or_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a payment nor a debt can be below zero"):
        appropriate(-1, [A])
    with pytest.raises(ValueError, match="neither a payment nor a debt can be below zero"):
        appropriate(1, [replace(A, interest=-1)])
    with pytest.raises(ValueError, match="a claim stands among the debts twice"):
        appropriate(1, [A, replace(B, claim="a")])


PARTS = st.integers(0, 3_000)
DEBTS = st.lists(
    st.builds(
        Debt,
        st.sampled_from(["a", "b", "c", COMMON]),
        st.sampled_from([OLD, NEW]) | DAYS,
        PARTS,
        PARTS,
        PARTS,
        due=st.booleans(),
        secured=st.booleans(),
        percent=st.sampled_from([Decimal(0), Decimal("6.27"), Decimal("10.27")]),
        consumer_loan=st.booleans(),
    ),
    unique_by=lambda debt: debt.claim,
)
WISHES = st.builds(
    Designation, st.lists(st.sampled_from(["a", "b", "z"]), max_size=2).map(tuple), st.none() | st.sampled_from(Part)
)


@given(amount=st.integers(0, 30_000), debts=DEBTS, wish=WISHES, scheme=st.sampled_from(Scheme))
def test_allocations_sum_to_the_payment_and_nothing_falls_below_zero(
    amount: int, debts: list[Debt], wish: Designation, scheme: Scheme
) -> None:
    found = appropriate(amount, debts, wish, scheme)
    assert sum(share.amount for share in found.shares) + found.credit == amount
    assert found.credit == max(0, amount - sum(debt.total for debt in debts))
    given_to = {(share.claim, share.part): share.amount for share in found.shares}
    assert len(given_to) == len(found.shares)
    for debt in debts:
        for part in Part:
            assert 0 <= given_to.get((debt.claim, part), 0) <= debt.open(part)
    assert all(share.amount > 0 for share in found.shares)


@given(data=st.data(), amount=st.integers(0, 30_000), debts=DEBTS, wish=WISHES, scheme=st.sampled_from(Scheme))
def test_the_order_in_which_debts_are_told_does_not_matter(
    data: st.DataObject, amount: int, debts: list[Debt], wish: Designation, scheme: Scheme
) -> None:
    shuffled = data.draw(st.permutations(debts))
    assert appropriate(amount, shuffled, wish, scheme) == appropriate(amount, debts, wish, scheme)


@given(amount=st.integers(0, 30_000), debts=DEBTS, wish=WISHES, scheme=st.sampled_from(Scheme))
def test_debts_of_which_nothing_is_open_change_nothing(
    amount: int, debts: list[Debt], wish: Designation, scheme: Scheme
) -> None:
    paid = [replace(one, claim=f"paid {one.claim}", costs=0, interest=0, principal=0) for one in debts]
    assert appropriate(amount, [*paid, *debts], wish, scheme) == appropriate(amount, debts, wish, scheme)


@given(amount=st.integers(0, 30_000), debts=DEBTS)
def test_by_law_nothing_goes_to_a_claim_while_one_that_comes_first_is_open(amount: int, debts: list[Debt]) -> None:
    found = appropriate(amount, debts, UNDESIGNATED)
    paid = {debt.claim: sum(share.amount for share in found.shares if share.claim == debt.claim) for debt in debts}
    for first in debts:
        for second in debts:
            if _comes_first(first, second) and paid[second.claim]:
                assert paid[first.claim] == first.total


def _comes_first(one: Debt, other: Debt) -> bool:
    """Compare as §366(2) does, one criterion after the other."""
    for mine, theirs in (
        (one.claim != COMMON, other.claim != COMMON),
        (not one.due, not other.due),
        (one.secured, other.secured),
        (other.percent, one.percent),
        (one.since.toordinal(), other.since.toordinal()),
    ):
        if mine != theirs:
            return mine < theirs
    return False
