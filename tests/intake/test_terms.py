"""What lists say of each claim: what it is, and the rate agreed for it."""

from datetime import date

import pytest
import sqlalchemy as sa

from contactd.intake.accept import accept_accounts
from contactd.store.database import Database
from contactd.store.schema import invoice
from tests.intake.test_accept import claim, now, take


def test_what_a_claim_is_and_the_rate_agreed_for_it_are_taken_over_and_may_change(database: Database) -> None:
    take(database, claim(claim_kind="Consumer_Loan", contract_rate="Basis+2,5%"))
    assert terms(database) == ("consumer_loan", "base + 2.5 %")
    assert take(database, claim())["changed"] == 1  # it says less than the list before, and changes nothing of that
    assert terms(database) == ("consumer_loan", "base + 2.5 %")
    changed = claim(claim_kind="other", contract_rate="11 %")
    assert (take(database, changed)["changed"], terms(database)) == (1, ("other", "11 %"))
    assert (take(database, changed)["unchanged"], terms(database)) == (1, ("other", "11 %"))
    take(database, claim(claim_kind="", contract_rate=""))
    assert terms(database) == ("", "")


def test_the_day_of_a_contract_is_taken_over_and_kept_by_a_list_that_says_nothing_of_it(database: Database) -> None:
    take(database, claim(contract_date="2026-02-01"))
    assert take(database, claim(contract_date=""))["changed"] == 1
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(invoice.c.contract_date)) == date(2026, 2, 1)
    assert take(database, claim(contract_date="2026-02-03"))["changed"] == 1
    [fault] = accept_accounts(database, [claim(contract_date="in May")], now=now).rejected
    assert (fault.column, "in May" in fault.reason) == ("contract_date", True)


def terms(database: Database) -> tuple[str, str]:
    """Read what the only invoice is, and its rate."""
    with database.snapshot() as connection:
        row = connection.execute(sa.select(invoice.c.claim_kind, invoice.c.contract_rate)).one()
    return row.claim_kind, row.contract_rate


@pytest.mark.parametrize(
    ("said", "column", "reason"),
    [
        ({"claim_kind": "consumer-loan"}, "claim_kind", 'none of "service", "other", "consumer_loan", "property_loan"'),
        ({"claim_kind": "consumer_lone"}, "claim_kind", 'did you mean "consumer_loan"?'),
        ({"claim_kind": "consumer_loan", "kind": "Business"}, "claim_kind", 'the column kind says business; write "'),
        ({"contract_rate": "11"}, "contract_rate", '"11" is no rate of interest; write it like "11 %"'),
        ({"contract_rate": 11}, "contract_rate", '"11" is no rate of interest; write it like "11 %"'),
        ({"contract_rate": "11 %", "claim_kind": "consumer_loan"}, "contract_rate", "bears no more than base + 5 %"),
        ({"contract_rate": "base + 3 %", "claim_kind": "property_loan"}, "contract_rate", "more than base + 2.5 % (§"),
    ],
)
def test_a_rate_or_kind_that_cannot_be_is_refused_with_its_column_and_the_cure(
    database: Database, said: dict[str, object], column: str, reason: str
) -> None:
    [fault] = accept_accounts(database, [claim(document="RE-0"), {**claim(), **said}], now=now).rejected
    assert (fault.row, fault.column) == (2, column)
    assert reason in fault.reason
