"""What money is for (§ 366(1) BGB): the invoices of what was agreed, disputed ones last; what was upheld is none."""

import pytest
import sqlalchemy as sa

from contactd.config.claims import Claims
from contactd.domain.agreement import Kind, State
from contactd.domain.appropriation import Part
from contactd.store.database import Database
from contactd.store.schema import invoice
from tests.engine.books import Bookkeeper, day, settings_of


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, settings_of(claims=Claims(due_date_agreed=True)))
    made.owing(50_000)
    return made


def principal(books: Bookkeeper) -> dict[str, int]:
    """Read what is open of each claim's principal by law."""
    return {one.claim: one.principal for one in books.statement().balances if one.claim}


def went(books: Bookkeeper) -> dict[str, int]:
    """Sum up what money went to each claim."""
    sums: dict[str, int] = {}
    for one in books.statement().allocations:
        sums[one.claim] = sums.get(one.claim, 0) + one.amount
    return sums


def older(books: Bookkeeper, amount: int) -> None:
    """Have a list tell of an older invoice, R-0, after everything else was agreed."""
    books.invoice("R-0", amount, due=-200)


def test_money_for_a_plan_goes_to_the_invoices_of_the_plan(books: Bookkeeper) -> None:
    books.agree(Kind.PLAN, on=day(1), count=2, state=State.CONFIRMED)
    older(books, 30_000)
    books.pay(25_000)
    assert went(books) == {"R-1": 25_000}
    assert principal(books)["R-0"] == 30_000
    assert books.stands()[2] == {"R-0": 30_000, "R-1": 25_000}


def test_money_for_a_settlement_goes_to_the_invoices_of_the_settlement(books: Bookkeeper) -> None:
    books.agree(Kind.SETTLEMENT, amount="300.00", on=day(5))
    older(books, 30_000)
    books.pay(10_000)
    assert went(books) == {"R-1": 10_000}


def test_what_is_too_much_for_the_plan_goes_on_by_the_law(books: Bookkeeper) -> None:
    books.agree(Kind.PLAN, on=day(1), count=2, state=State.CONFIRMED)
    older(books, 30_000)
    books.pay(60_000)
    assert went(books)["R-0"] > 0


def test_money_that_names_another_invoice_is_for_that(books: Bookkeeper) -> None:
    books.agree(Kind.PLAN, on=day(1), count=2, state=State.CONFIRMED)
    older(books, 30_000)
    books.pay(25_000, invoice_no="R-0")
    assert went(books) == {"R-0": 25_000}
    assert books.stands()[2] == {"R-0": 5_000, "R-1": 50_000}


def test_once_the_plan_is_broken_money_goes_by_the_law(books: Bookkeeper) -> None:
    made = books.agree(Kind.PLAN, on=day(1), count=2, state=State.CONFIRMED)
    books.say(made.id, "withdraw")
    older(books, 30_000)
    books.pay(25_000)
    assert went(books) == {"R-0": 25_000}


def test_a_draft_binds_nobody(books: Bookkeeper) -> None:
    books.agree(Kind.PLAN, on=day(1), count=2)
    older(books, 30_000)
    books.pay(25_000)
    assert went(books) == {"R-0": 25_000}


@pytest.mark.parametrize("word", ["confirm", "withdraw"])
def test_what_becomes_of_a_draft_changes_nothing_of_the_money_that_came_before(books: Bookkeeper, word: str) -> None:
    made = books.agree(Kind.PLAN, on=day(20), count=2)
    older(books, 30_000)
    books.at = 2
    books.pay(25_000)
    books.at = 4
    books.say(made.id, word)
    assert went(books) == {"R-0": 25_000}


def test_a_draft_binds_from_the_day_on_which_it_was_confirmed(books: Bookkeeper) -> None:
    made = books.agree(Kind.PLAN, on=day(20), count=2)
    older(books, 30_000)
    books.at = 2
    books.pay(10_000)
    books.say(made.id, "confirm")
    books.at = 4
    books.pay(25_000)
    assert went(books) == {"R-0": 10_000, "R-1": 25_000}
    books.at = 5
    books.say(made.id, "withdraw")
    assert went(books) == {"R-0": 10_000, "R-1": 25_000}


def test_what_is_disputed_is_paid_last(books: Bookkeeper) -> None:
    books.invoice("R-2", 20_000, due=-10)
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", reason="defect")
    books.pay(10_000)
    assert went(books) == {"R-2": 10_000}
    books.pay(5_000, invoice_no="R-1")
    assert went(books) == {"R-1": 5_000, "R-2": 10_000}
    books.say(made.id, "reject")
    books.pay(1_000)
    assert went(books)["R-1"] == 6_000
    assert went(books)["R-2"] == 10_000


def test_a_plan_pays_what_came_to_be_disputed_last(books: Bookkeeper) -> None:
    books.invoice("R-2", 20_000, due=-10)
    books.agree(Kind.PLAN, on=day(1), count=2, state=State.CONFIRMED)
    books.agree(Kind.DISPUTE, invoice_no="R-1", reason="defect")
    books.pay(10_000)
    assert went(books) == {"R-2": 10_000}


def test_what_the_customer_was_right_about_is_not_owed(books: Bookkeeper) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", amount="200.00", reason="defect")
    before = books.statement().accrued
    books.say(made.id, "uphold")
    assert principal(books) == {"R-1": 30_000}
    assert 0 < books.statement().accrued < before  # nor ever was


@pytest.mark.parametrize("credited", [0, 12_000, 20_000])
def test_what_the_creditor_credited_of_it_counts_once(books: Bookkeeper, credited: int) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", amount="200.00", reason="defect")
    books.say(made.id, "uphold")
    books.at = 1
    books.list_of({"R-1": 50_000 - credited})
    assert principal(books) == {"R-1": 30_000}


def test_what_the_list_shows_as_paid_beside_it_was_paid(books: Bookkeeper) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", amount="200.00", reason="defect")
    books.say(made.id, "uphold")
    books.at = 1
    books.list_of({"R-1": 5_000})  # 200.00 credited, 250.00 paid
    assert principal(books) == {"R-1": 5_000}


def test_what_was_paid_of_it_before_was_owed(books: Bookkeeper) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", reason="defect")
    books.pay(20_000, invoice_no="R-1")
    books.say(made.id, "uphold")
    with books.database.transaction() as connection:
        connection.execute(sa.update(invoice).values(open=0, imported_open=0, taken_off=30_000, taken_off_on=day(0)))
    interest = sum(one.amount for one in books.statement().allocations if one.part is Part.INTEREST)
    assert principal(books) == {"R-1": interest}  # the invoice was for 200.00, and interest comes first
