"""The report by contact method out of both databases: contacts that reached somebody, and money after them."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from contactd.domain.control_report import Part, Report
from contactd.domain.posting import Kind
from contactd.engine.agreeing import choose
from contactd.engine.bookings import Bookings, Entry
from contactd.engine.effectiveness import control, months_until
from contactd.store.database import Database
from contactd.store.schema import attempt, call
from tests.engine.books import Bookkeeper, day, settings_of

FIRST = day(-29).replace(day=1)  # the month in which the books' invoices fell overdue
TODAY = day(40)


def reach(
    books: Bookkeeper, owner: int, channel: str, number: int, state: str = "delivered", *, spoken: bool = False
) -> None:
    """Enter a contact of day `number`; `spoken`: an agent talked to somebody."""
    at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC) + timedelta(days=number)
    row = {
        "account_id": owner, "customer_id": 0, "campaign": "standard", "step": f"{channel}{number}", "channel": channel,
        "case_no": 1, "try_no": 1, "state": state, "not_before": at, "planned_at": at, "sending_at": at,
    }  # fmt: skip
    with books.database.transaction() as connection:
        made = connection.execute(sa.insert(attempt).values(row).returning(attempt.c.id)).scalar_one()
        if spoken:
            connection.execute(sa.insert(call).values(attempt_id=made, placed_at=at, connected_at=at))


def reported(database: Database, window: int = 14) -> Report:
    with database.snapshot() as connection:
        [month] = control(connection, settings_of(), FIRST, as_of=TODAY, window=window)
    assert month.currency == "EUR"
    assert month.report.total == month.report.cohort
    return month.report


def test_money_counts_for_the_last_contact_that_reached_somebody(database: Database) -> None:
    books = Bookkeeper(database, settings_of())
    owner = books.owing(10_000, 20_000)
    reach(books, owner, "email", -5)
    reach(books, owner, "sms", -4, "failed")
    reach(books, owner, "call", -3, "failed", spoken=True)
    reach(books, owner, "call", -2, "failed")
    reach(books, owner, "letter", -1, "accepted")  # arrives three days later
    books.pay(12_000)
    found = reported(database)
    parts = {row.method: row.attributed for row in found.rows}
    assert (found.cohort, found.open) == (Part(1, 30_000), Part(0, 18_000))
    assert parts == {"email": Part(0, 0), "sms": Part(0, 0), "letter": Part(0, 0), "call": Part(1, 12_000)}
    assert {row.method: row.any_touch.amount for row in found.rows}["email"] == 12_000
    assert {row.method: row.unsure for row in found.rows} == dict.fromkeys(parts, 0)


def test_what_was_paid_before_it_was_overdue_is_no_new_debt(database: Database) -> None:
    books = Bookkeeper(database, settings_of())
    books.owing(10_000)
    books.pay(4_000, on=-40)
    assert reported(database).cohort == Part(1, 6_000)


def test_a_debt_that_was_written_off_stays_in_its_month_and_did_not_come_in(database: Database) -> None:
    books = Bookkeeper(database, settings_of())
    books.owing(10_000, 20_000)
    books.at = 3
    books.pay(4_000, on=1, invoice_no="R-1")
    number = write_off(books, "200.00", "R-2", 2)
    found = reported(database)
    assert (found.cohort, found.open, found.unattributed) == (Part(1, 30_000), Part(0, 26_000), Part(1, 4_000))
    with database.transaction() as connection:
        bookings = Bookings(books.settings, connection, by="anna", now=books.now)
        bookings.reverse(number, "found him")
    assert reported(database) == found


def test_what_was_written_off_before_it_was_overdue_is_no_new_debt(database: Database) -> None:
    books = Bookkeeper(database, settings_of())
    books.owing(10_000, 20_000)
    write_off(books, "50.00", "R-1", -40)
    assert reported(database).cohort == reported(database).open == Part(1, 25_000)


def write_off(books: Bookkeeper, amount: str, invoice_no: str, on: int) -> int:
    """Give up a part of an invoice; answers the posting."""
    with books.database.transaction() as connection:
        bookings = Bookings(books.settings, connection, by="anna", now=books.now)
        entry = Entry(Kind.WRITE_OFF, amount, "nothing to be had", day(on), invoice_no)
        [made] = bookings.post(choose(connection, "K-1"), entry)
    return made.posted.id


def test_only_months_in_which_something_may_have_fallen_overdue_are_listed(database: Database) -> None:
    books = Bookkeeper(database, settings_of())
    with database.snapshot() as connection:
        assert months_until(connection, TODAY) == []
    books.owing(10_000)
    with database.snapshot() as connection:
        found = months_until(connection, TODAY)
        assert (found[0], found[-1]) == (TODAY.replace(day=1), FIRST)
        assert list(control(connection, settings_of(), FIRST, as_of=day(-35), window=14)) == []
