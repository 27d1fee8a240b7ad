"""Which rate a claim bears, and why."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.account import Kind
from contactd.domain.appropriation import Part, parts_in_order
from contactd.domain.claim_terms import Bearing, ClaimKind, RateBasis, bearing, check_agreed, read_rate, write_rate
from contactd.domain.interest import BUSINESS, BUSINESS_UNTIL_2014, CONSUMER, SECURED_PROPERTY_LOAN, Rate
from contactd.domain.ledger import Ledger
from contactd.domain.statement import statement
from tests.domain.receivables import ONE_DAY as DAY
from tests.domain.receivables import RATES, START, ledgers

TODAY = date(2026, 1, 2)
RATE = st.builds(
    Rate, st.decimals(0, 99, allow_nan=False, places=4) | st.decimals(0, 99, allow_nan=False, places=0), st.booleans()
)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("11 %", Rate(Decimal(11), over_base=False)),
        ("11,5%", Rate(Decimal("11.5"), over_base=False)),
        ("base + 7 %", Rate(Decimal(7))),
        ("Basiszinssatz+7,25 %", Rate(Decimal("7.25"))),
        ("", None),
    ],
)
def test_a_rate_is_read_as_people_write_it(text: str, rate: Rate | None) -> None:
    assert read_rate(text) == rate


@pytest.mark.parametrize("text", ["11", "base 7 %", "100 %", "-1 %", "base + %", "elf %"])
def test_what_is_no_rate_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate of interest; write it like"):
        read_rate(text)


@given(RATE)
def test_a_rate_that_was_written_is_read_again(rate: Rate) -> None:
    assert read_rate(write_rate(rate)) == rate


@pytest.mark.parametrize(
    ("kind", "debtor", "arose", "expected"),
    [
        (ClaimKind.SERVICE, Kind.CONSUMER, TODAY, Bearing(CONSUMER, RateBasis.CONSUMER)),
        (ClaimKind.SERVICE, Kind.BUSINESS, TODAY, Bearing(BUSINESS, RateBasis.BUSINESS)),
        (
            ClaimKind.SERVICE,
            Kind.BUSINESS,
            date(2014, 7, 28),
            Bearing(BUSINESS_UNTIL_2014, RateBasis.BUSINESS_UNTIL_2014),
        ),
        (ClaimKind.OTHER, Kind.BUSINESS, TODAY, Bearing(CONSUMER, RateBasis.NO_SERVICE)),
        (ClaimKind.CONSUMER_LOAN, Kind.CONSUMER, TODAY, Bearing(CONSUMER, RateBasis.CONSUMER_LOAN, loan=True)),
        (ClaimKind.CONSUMER_LOAN, Kind.BUSINESS, TODAY, Bearing(CONSUMER, RateBasis.CONSUMER_LOAN, loan=True)),
        (
            ClaimKind.PROPERTY_LOAN,
            Kind.CONSUMER,
            TODAY,
            Bearing(SECURED_PROPERTY_LOAN, RateBasis.PROPERTY_LOAN, loan=True),
        ),
    ],
)
def test_where_nothing_was_agreed_the_law_says_the_rate(
    kind: ClaimKind, debtor: Kind, arose: date, expected: Bearing
) -> None:
    assert bearing(kind, None, consumer_involved=debtor is Kind.CONSUMER, arose_on=arose) == expected


@given(RATE, st.sampled_from(ClaimKind), st.sampled_from(Kind))
def test_an_agreed_rate_counts_and_a_loan_never_bears_more_than_the_law_says(
    agreed: Rate, kind: ClaimKind, debtor: Kind
) -> None:
    found = bearing(kind, agreed, consumer_involved=debtor is Kind.CONSUMER, arose_on=TODAY)
    law = bearing(kind, None, consumer_involved=debtor is Kind.CONSUMER, arose_on=TODAY)
    if not kind.of_loan or (agreed.over_base and agreed.points <= law.rate.points):
        check_agreed(kind, agreed)
        assert found == replace(law, rate=agreed, basis=RateBasis.CONTRACT)
    else:
        with pytest.raises(ValueError, match=r"in default bears no more than base \+ .*§ 497 BGB"):
            check_agreed(kind, agreed)
        assert found == law


@given(ledgers())
def test_interest_of_a_loan_is_settled_only_once_its_principal_is(ledger: Ledger) -> None:
    loans = replace(
        ledger,
        claims=tuple(replace(one, consumer_loan=True) for one in ledger.claims),
        payments=tuple(replace(one, designation=type(one.designation)()) for one in ledger.payments),
        write_offs=(),
    )
    last = max([START, *(one.on for one in loans.payments)]) + DAY
    derived = statement(loans, last, RATES)
    for one in derived.allocations:
        if one.part is Part.INTEREST:
            then = statement(loans, one.on, RATES)
            [balance] = [balance for balance in then.balances if balance.claim == one.claim]
            assert balance.principal == 0
    assert parts_in_order(consumer_loan=True) == (Part.COSTS, Part.PRINCIPAL, Part.INTEREST)


@given(ledgers())
def test_interest_never_bears_interest(ledger: Ledger) -> None:
    """Each line's principal is one that claims, payments and write-offs explain: no interest was added to it."""
    last = max([START, *(one.on for one in ledger.payments)]) + 400 * DAY
    derived = statement(ledger, last, RATES)
    whole = {claim.id: claim.principal for claim in ledger.claims}
    for balance in derived.balances:
        assert all(line.principal <= whole[balance.claim] for line in balance.segments)
