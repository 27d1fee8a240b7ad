"""What a customer contested and was right about: a list credits it, and other money is not taken for the cause."""

import pytest

from contactd.domain.agreement import Kind
from contactd.store.database import Database
from tests.engine.books import Bookkeeper, settings_of


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, settings_of())
    made.owing(10_000, 4_000)
    return made


@pytest.mark.parametrize("decided", [True, False])
def test_a_list_that_credits_it_opens_no_invoice_that_was_paid(books: Bookkeeper, *, decided: bool) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", reason="defect")
    books.pay(4_000)
    if decided:
        books.say(made.id, "uphold")
    books.at = 1
    books.list_of({"R-1": 0, "R-2": 4_000})  # the money is not in it yet
    assert books.stands() == (0, 0, {"R-1": 0, "R-2": 0})


def test_money_that_comes_after_the_list_pays_what_is_open(books: Bookkeeper) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", reason="defect")
    books.say(made.id, "uphold")
    books.at = 1
    books.list_of({"R-1": 0, "R-2": 4_000})
    books.pay(4_000, on=0)
    assert books.stands() == (0, 0, {"R-1": 0, "R-2": 0})


def test_of_a_part_that_is_contested_the_rest_was_paid(books: Bookkeeper) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", amount="30.00", reason="defect")
    books.say(made.id, "uphold")
    books.at = 1
    books.list_of({"R-1": 0, "R-2": 4_000})  # 30.00 credited, 70.00 paid
    books.pay(7_000, on=0)
    assert books.stands() == (4_000, 0, {"R-1": 0, "R-2": 4_000})


def test_a_dispute_that_was_rejected_is_paid_like_everything_else(books: Bookkeeper) -> None:
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", reason="defect")
    books.say(made.id, "reject")
    books.at = 1
    books.list_of({"R-1": 0, "R-2": 4_000})
    books.pay(10_000, on=0)
    assert books.stands() == (4_000, 0, {"R-1": 0, "R-2": 4_000})
