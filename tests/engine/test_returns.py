"""Returns of more than had come in: books and statement of claim tell the same, and somebody is to clarify the rest."""

import pytest
import sqlalchemy as sa

from contactd.domain.agreement import Kind
from contactd.domain.task import Kind as Task
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.engine.debt.statement_told import uncovered_told, uncovered_words
from contactd.store import tasks
from contactd.store.database import Database
from contactd.store.schema import account
from contactd.store.tasks import Which
from tests.engine.books import Bookkeeper, day, settings_of


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, settings_of())
    made.owing(10_000)
    return made


def both(books: Bookkeeper) -> tuple[int, int]:
    """Read what is owed and the credit, of which `why` and the statement tell the same."""
    stated, (owed, credit, _) = books.statement(), books.stands()
    assert (owed, credit) == (stated.open, stated.credit)
    return owed, credit


def to_clarify(books: Bookkeeper) -> list[str]:
    """Read what a statement tells of returns nobody saw come in."""
    with books.database.snapshot() as connection:
        [owner] = connection.scalars(sa.select(account.c.id))
        [owed] = owed_by(connection, [owner], terms_of(books.settings), day(books.at))
    return [uncovered_words(told) for told in uncovered_told(owed)]


def notes(books: Bookkeeper) -> list[str]:
    """Read the open tasks."""
    with books.database.snapshot() as connection:
        found = tasks.listed(connection, Which())
    assert {one.kind for one in found} <= {Task.REVIEW}
    return [one.note for one in found]


def test_what_a_return_took_back_beyond_all_that_came_in_is_no_claim_and_takes_no_later_payment(
    books: Bookkeeper,
) -> None:
    books.pay(3_000)
    books.at = 1
    books.pay(-5_000)
    assert both(books) == (10_000, 0)
    assert to_clarify(books) == [
        "2026-11-24  return 2: 20.00 EUR of it not covered by receipts, to be clarified",
    ]
    assert notes(books) == [
        "payment 2 of 2026-11-24, -50.00 EUR, took back more than had come in: to be clarified",
    ]
    books.at = 2
    books.pay(6_000)
    assert both(books) == (4_000, 0)
    books.pay(5_000)
    assert both(books) == (0, 1_000)
    assert len(notes(books)) == 1


def test_money_of_an_older_day_that_is_heard_of_later_is_what_went_back(books: Bookkeeper) -> None:
    books.at = 1
    books.pay(-4_000)
    books.at = 2
    books.pay(7_000, on=0)
    assert (both(books), to_clarify(books)) == ((7_000, 0), [])


def test_the_payment_that_went_back_on_its_own_day_may_come_after_it(books: Bookkeeper) -> None:
    books.pay(-10_000)
    books.pay(10_000)
    assert both(books) == (10_000, 0)


def test_a_return_with_an_older_value_date_takes_back_what_had_come_in(books: Bookkeeper) -> None:
    books.pay(10_000)
    books.at = 1
    books.pay(-10_000, on=-3)
    assert both(books) == (10_000, 0)
    books.at = 2
    books.pay(10_000)
    assert both(books) == (0, 0)


@pytest.mark.parametrize("named", ["R-1", ""])
def test_money_only_a_list_told_of_is_owed_again_when_it_goes_back(books: Bookkeeper, named: str) -> None:
    books.list_of({"R-1": 4_000})
    books.at = 1
    books.pay(-9_000, invoice_no=named)
    assert (both(books), len(to_clarify(books))) == ((10_000, 0), 1)
    books.at = 2
    books.list_of({"R-1": 10_000})
    assert both(books) == (10_000, 0)
    books.pay(9_000)
    assert both(books) == (1_000, 0)
    books.list_of({"R-1": 0})
    assert both(books) == (0, 0)


def test_of_money_that_a_list_told_of_first_only_one_return_is_covered(books: Bookkeeper) -> None:
    books.list_of({"R-1": 6_000})
    books.at = 1
    books.pay(-4_000)
    books.pay(4_000, on=-1)
    assert (both(books), to_clarify(books)) == ((10_000, 0), [])
    books.pay(-4_000)
    assert (both(books), len(to_clarify(books)), len(notes(books))) == ((10_000, 0), 1, 1)


def test_a_credit_note_counts_beside_a_return_that_is_to_be_clarified(books: Bookkeeper) -> None:
    books.pay(-2_000)
    books.at = 1
    books.invoice("C-1", -1_500, due=1)
    assert books.stands()[0] == books.statement().open == 8_500


def test_money_of_a_list_that_goes_back_shortens_no_promise(books: Bookkeeper) -> None:
    books.agree(Kind.PROMISE, on=day(4))
    books.at = 1
    books.list_of({"R-1": 6_000})
    assert books.told()[0]["missing"]["amount"] == "60.00"
    books.pay(-4_000, invoice_no="R-1")
    assert (both(books), books.told()[0]["missing"]["amount"]) == ((10_000, 0), "100.00")
