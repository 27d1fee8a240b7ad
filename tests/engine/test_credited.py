"""What was taken off a disputed invoice since: shown with the dispute where it says itself which invoice it is for."""

from typing import Any

import pytest
import sqlalchemy as sa

from contactd.domain.agreement import Kind
from contactd.domain.posting import Kind as Posted
from contactd.engine.debt.bookings import Bookings, Entry
from contactd.engine.debt.debtors import choose
from contactd.store.database import Database
from contactd.store.schema import invoice
from tests.engine.books import Bookkeeper, settings_of


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, settings_of())
    made.owing(10_000, 5_000)
    made.list_of({"R-1": 10_000, "R-2": 5_000})
    return made


def dispute(books: Bookkeeper, amount: str = "30.00") -> int:
    return books.agree(Kind.DISPUTE, invoice_no="R-1", amount=amount, reason="damaged").id


def credited(books: Bookkeeper) -> list[tuple[str, str, Any]]:
    [told] = books.told()
    return [(one["by"], one["amount"]["amount"], one["on"]) for one in told["credited"]]


def test_what_a_list_takes_off_after_the_dispute_is_shown_with_it(books: Bookkeeper) -> None:
    made = dispute(books)
    assert credited(books) == []
    books.say(made, "uphold")
    books.at = 2
    books.list_of({"R-1": 7_000, "R-2": 5_000})
    assert credited(books) == [("list", "30.00", "2026-11-25")]


def test_what_lists_took_off_before_or_beyond_it_and_what_was_paid_is_not(books: Bookkeeper) -> None:
    books.list_of({"R-1": 9_000, "R-2": 5_000})  # before anybody disputed it
    dispute(books, "20.00")
    assert credited(books) == []
    books.at = 1
    books.pay(3_000, invoice_no="R-1")
    books.list_of({"R-1": 6_000, "R-2": 5_000})  # the payment
    assert credited(books) == []
    books.at = 2
    books.list_of({"R-1": 1_000, "R-2": 2_000})  # more than is disputed, and of another invoice
    assert credited(books) == [("list", "20.00", "2026-11-25")]


def test_a_lower_invoice_is_shown_and_who_was_found_wrong_was_credited_nothing(books: Bookkeeper) -> None:
    made = dispute(books)
    with books.database.transaction() as connection:
        connection.execute(sa.update(invoice).where(invoice.c.invoice_no == "R-1").values(amount=7_000))
    books.list_of({"R-1": 7_000, "R-2": 5_000})
    assert credited(books) == [("list", "30.00", None)]
    books.say(made, "reject")
    assert credited(books) == []


def test_a_write_off_names_its_invoice_and_a_credit_note_of_its_own_number_does_not(books: Bookkeeper) -> None:
    dispute(books)
    with books.database.transaction() as connection:
        given = Entry(Posted.WRITE_OFF, "30.00", "credit note", invoice_no="R-1")
        bookings = Bookings(books.settings, connection, by="anna", now=books.now)
        [booked] = bookings.post(choose(connection, "K-1"), given)
    books.invoice("CN-1", -2_000, due=0)
    assert credited(books) == [("posting", "30.00", "2026-11-23")]
    with books.database.transaction() as connection:
        Bookings(books.settings, connection, by="anna", now=books.now).reverse(booked.posted.id, "mistake")
    assert credited(books) == []
