"""The report by contact method out of both databases: contacts that reached somebody, and money after them."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from contactd.config.reports import Reports
from contactd.domain.control_report import Part, Report
from contactd.domain.money import Money
from contactd.domain.posting import Kind
from contactd.engine.debt.bookings import Bookings, Entry
from contactd.engine.debt.debtors import choose
from contactd.engine.reports.effectiveness import as_tables, control, months_until
from contactd.store.database import Database
from contactd.store.schema import attempt, call
from tests.engine.books import Bookkeeper, day, settings_of
from tests.engine.reported import LATER, OCTOBER, SETTINGS, five_customers, rows_of

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


def test_the_five_customers_of_the_reference_stand_in_disjoint_rows_with_what_they_cost(database: Database) -> None:
    five_customers(database)
    prices = Reports(cost_letter=Money(150, "EUR"), cost_call=Money(400, "EUR"), cost_sms=Money(8, "CHF"))
    settings = settings_of(claims=SETTINGS.claims, reports=prices)
    with database.snapshot() as connection:
        found = list(control(connection, settings, OCTOBER, as_of=LATER, window=14))
    rows = {row["row"]: row for row in rows_of(as_tables(found, settings)[0])}
    cohort = rows.pop("cohort")
    assert (cohort["customers"], cohort["amount"]) == (5, Money(150_000, "EUR"))
    assert {name: (row["customers"], row["amount"].minor) for name, row in rows.items()} == {
        "email": (0, 0), "sms": (1, 10_000), "letter": (1, 20_000), "call": (1, 15_000),
        "not_attributed": (1, 40_000), "listed": (0, 0), "open": (1, 65_000),
    }  # fmt: skip
    shares = {name: (row["share_customers"], row["share_amount"]) for name, row in rows.items()}
    assert (shares["sms"], shares["letter"], shares["call"]) == ((0.2, 0.066667), (0.2, 0.133333), (0.2, 0.1))
    assert (rows["sms"]["any_touch_customers"], rows["sms"]["any_touch_amount"].minor) == (2, 25_000)
    assert (rows["letter"]["cost"], rows["letter"]["cost_per_100"]) == (Money(150, "EUR"), Money(75, "EUR"))
    assert (rows["call"]["cost_per_100"], rows["email"]["cost_per_100"]) == (Money(267, "EUR"), None)
    assert (rows["sms"]["cost"], rows["open"]["cost"]) == (None, None)  # in another currency; of nobody's
    curve = rows_of(as_tables(found, settings)[1])
    assert [row["amount"].minor for row in curve if row["day"] in {2, 3, 6, 18, 19, 30}] == [
        0, 40_000, 50_000, 65_000, 85_000, 85_000,
    ]  # fmt: skip
    ticks = [(row["method"], row["median_day"]) for row in rows_of(as_tables(found, settings)[2])]
    assert ticks == [("sms", 4), ("sms", 4), ("email", 4), ("letter", 5), ("call", 11)]


def test_what_was_paid_before_it_was_overdue_is_no_new_debt(database: Database) -> None:
    books = Bookkeeper(database, settings_of())
    books.owing(10_000)
    books.pay(4_000, on=-40)
    assert reported(database).cohort == Part(1, 6_000)


def test_what_was_paid_in_time_and_went_back_falls_overdue_on_that_day(database: Database) -> None:
    books = Bookkeeper(database, settings_of())
    books.owing(10_000, 20_000)
    books.pay(10_000, on=-40, invoice_no="R-1")
    books.pay(-10_000, on=35, invoice_no="R-1")
    assert reported(database).cohort == Part(1, 20_000)
    books.pay(4_000, on=38, invoice_no="R-1")
    with database.snapshot() as connection:
        later = day(35).replace(day=1)
        [month] = control(connection, settings_of(), later, as_of=TODAY, window=14)
    report = month.report
    assert (report.cohort, report.open, report.unattributed) == (Part(1, 10_000), Part(0, 6_000), Part(1, 4_000))
    assert report.total == report.cohort


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
