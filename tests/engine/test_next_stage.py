"""What the next stage would cost is an argument only where something is open."""

from contactd.config.claims import Claims
from contactd.config.fees import load_fees
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.engine.debt.next_stage import next_stage_told
from contactd.store import accounts
from contactd.store.database import Database
from tests.engine.books import Bookkeeper, day, settings_of


def test_no_court_is_named_for_the_interest_of_invoices_that_are_paid(database: Database) -> None:
    books = Bookkeeper(database, settings_of(claims=Claims(due_date_agreed=True)))
    books.owing(10_000, 500)
    assert _told(books) == (True, True)
    books.pay(10_500)
    books.list_of({"R-2": 0})
    assert books.stands()[0] == 0
    assert _told(books) == (True, False)  # the interest took its part of the payment first


def test_no_court_is_named_for_what_is_not_due_yet(database: Database) -> None:
    books = Bookkeeper(database, settings_of(claims=Claims(due_date_agreed=True)))
    books.owing()
    books.invoice("R-1", 900_000, due=books.at)
    assert _told(books) == (True, False)
    books.invoice("R-2", 10_000, due=books.at - 1)
    assert _court(books) == "38.00"


def _court(books: Bookkeeper) -> str:
    with books.database.snapshot() as connection:
        [owner] = accounts.find(connection, "K-1")
        [owed] = owed_by(connection, [owner.id], terms_of(books.settings), day(books.at))
    told = next_stage_told(owed, load_fees(books.settings.fees_path))
    assert told is not None
    return str(told["court"]["amount"])


def _told(books: Bookkeeper) -> tuple[bool, bool]:
    """Say whether principal is left by law, and whether a court is named."""
    with books.database.snapshot() as connection:
        [owner] = accounts.find(connection, "K-1")
        [owed] = owed_by(connection, [owner.id], terms_of(books.settings), day(books.at))
    return owed.statement.principal > 0, next_stage_told(owed, load_fees(books.settings.fees_path)) is not None
