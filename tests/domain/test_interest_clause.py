"""Interest as a court's form wants it: what was paid is asked for nowhere, and the parts add up to what is open."""

from dataclasses import replace
from datetime import date

from hypothesis import HealthCheck, given, settings

from contactd.domain.appropriation import Designation, Part
from contactd.domain.interest import CONSUMER
from contactd.domain.interest_clause import Clause, InterestDemand, interest_demand
from contactd.domain.ledger import Claim, Ledger, Payment, WriteOff
from contactd.domain.statement import statement
from tests.domain.receivables import DAYS, RATES, day, ledgers

AS_OF = day("2025-09-30")
PAID_ON = day("2025-04-10")
CLAIM = Claim("r1", 120_000, day("2024-12-31"), day("2025-01-14"), CONSUMER, interest_from=day("2025-01-15"))


def demand(ledger: Ledger, as_of: date = AS_OF) -> InterestDemand:
    """Split the interest of the one claim."""
    derived = statement(ledger, as_of, RATES)
    return interest_demand(ledger.claims[0], derived.balances[1], derived, RATES)


def test_untouched_interest_is_one_clause_since_default_across_the_half_years() -> None:
    found = demand(Ledger((CLAIM,)))
    assert found == InterestDemand(0, None, (Clause(120_000, day("2025-01-15")),), found.clauses_amount)
    assert found.clauses_amount == 2032 + 1960 + 1896


def test_a_payment_that_went_to_interest_splits_it_so_that_nothing_is_asked_for_twice() -> None:
    found = demand(Ledger((CLAIM,), payments=(Payment("p1", PAID_ON, 30_000),)))
    assert found == InterestDemand(0, None, (Clause(90_000 + 2032, PAID_ON),), 1503 + 1454)


def test_a_payment_of_a_part_of_the_interest_leaves_a_sum_for_the_days_before_it() -> None:
    found = demand(Ledger((CLAIM,), payments=(Payment("p1", PAID_ON, 1_000),)))
    assert (found.fixed, found.until, found.clauses) == (
        1032, day("2025-04-09"), (Clause(120_000, PAID_ON),),
    )  # fmt: skip


def test_a_payment_to_the_principal_alone_gives_a_clause_that_ends_and_one_that_goes_on() -> None:
    found = demand(Ledger((replace(CLAIM, consumer_loan=True),), payments=(Payment("p1", PAID_ON, 30_000),)))
    assert (found.fixed, found.clauses) == (
        0, (Clause(120_000, day("2025-01-15"), day("2025-04-09")), Clause(90_000, PAID_ON)),
    )  # fmt: skip


def test_interest_that_was_given_up_is_not_asked_for_either() -> None:
    found = demand(Ledger((CLAIM,), write_offs=(WriteOff(PAID_ON, "r1", Part.INTEREST, 99_999),)))
    assert (found.fixed, found.clauses) == (0, (Clause(120_000, PAID_ON),))


def test_without_default_there_is_no_clause_and_of_a_settled_claim_none_goes_on() -> None:
    assert demand(Ledger((replace(CLAIM, interest_from=None),))) == InterestDemand(0, None, (), 0)
    to_principal = Payment("p1", PAID_ON, 120_000, Designation(("r1",), Part.PRINCIPAL))
    assert demand(Ledger((CLAIM,), payments=(to_principal,))).clauses == (
        Clause(120_000, day("2025-01-15"), day("2025-04-09")),
    )


@given(ledgers(), DAYS)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_parts_always_add_up_to_the_open_interest(ledger: Ledger, as_of: date) -> None:
    derived = statement(ledger, as_of, RATES)
    for claim in ledger.claims:
        balance = next(one for one in derived.balances if one.claim == claim.id)
        found = interest_demand(claim, balance, derived, RATES)
        assert found.fixed + found.clauses_amount == balance.interest
        assert found.fixed >= 0
        if balance.principal and balance.segments:
            assert (found.clauses[-1].principal, found.clauses[-1].last) == (balance.principal, None)
