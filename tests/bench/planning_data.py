"""A million fictional accounts with a million and a half invoices, made by SQL; for the planning benchmark."""

# ruff: noqa: S608 -- made of numbers and words of this file

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.columns import to_micros
from contactd.store.database import Database
from contactd.store.schema import import_run

# Of a hundred accounts so many owe something that has been due for longer than the first step's day.
DUE_PERCENT = 20
_CHUNK = 100_000
# Reserved for fiction: +49 176 040690 00 to 99 (Bundesnetzagentur).
_MOBILE = "+49176040690"


def fill(database: Database, *, accounts: int, now: datetime, today: date) -> None:
    """Make `accounts` accounts, every second with two invoices; DUE_PERCENT of them are overdue since 8 to 37 days."""
    for first in range(1, accounts + 1, _CHUNK):
        last = min(first + _CHUNK - 1, accounts)
        with database.transaction() as connection:
            for statement in _statements(connection, now, today):
                connection.execute(sa.text(statement), {"first": first, "last": last})
    with database.transaction() as connection:
        connection.execute(
            sa.insert(import_run).values(kind="payments", as_of=now, finished_at=now, counts={}),
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _statements(connection: Connection, now: datetime, today: date) -> list[str]:
    series, text, instant, day = _words(connection, now)
    owes = f"n % 100 < {DUE_PERCENT}"
    due = f"CASE WHEN {owes} THEN {day('-(8 + n % 30)')} ELSE NULL END"
    account = f"""
        INSERT INTO account (id, customer_id, creditor, account_no, currency, name, kind, language, timezone, country,
            region, segment, email, mobile, mobile_type, mobile_zones, open, oldest_due, created_at, updated_at)
        SELECT n, n, 'acme', 'K-' || {text("n")}, 'EUR', 'Debtor ' || {text("n")},
            CASE WHEN n % 10 = 0 THEN 'business' ELSE 'consumer' END, 'de', 'Europe/Berlin', 'DE', 'DE-BY', 'standard',
            'debtor' || {text("n")} || '@example.com', '{_MOBILE}' || substr({text("100 + n % 100")}, 2), 'mobile',
            'Europe/Berlin', CASE WHEN {owes} THEN 10000 + (1 - n % 2) * 5000 ELSE 0 END, {due}, {instant}, {instant}
        FROM {series}"""
    columns = "account_id, invoice_no, invoice_date, due_date, amount, open, imported_open"
    first = f"""
        INSERT INTO invoice ({columns})
        SELECT n, 'R-' || {text("n")} || '-1', {day("-60")}, {day("-(8 + n % 30)")}, 10000,
            CASE WHEN {owes} THEN 10000 ELSE 0 END, 0
        FROM {series}"""
    second = f"""
        INSERT INTO invoice ({columns})
        SELECT n, 'R-' || {text("n")} || '-2', {day("-20")}, {day("n % 14 - 7")}, 5000,
            CASE WHEN {owes} THEN 5000 ELSE 0 END, 0
        FROM {series} WHERE n % 2 = 0"""
    return [statement.replace(":today", f"'{today}'") for statement in (account, first, second)]


def _words(connection: Connection, now: datetime):  # type: ignore[no-untyped-def] # noqa: ANN202 -- parts of SQL
    """Say a series of numbers, a number as text, an instant, and a day so many days from today."""
    if connection.dialect.name == "postgresql":
        return (
            "generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS series(n)",
            lambda number: f"CAST({number} AS text)",
            f"TIMESTAMPTZ '{now.isoformat()}'",
            lambda days: f"CAST(DATE :today + CAST({days} AS integer) AS date)",
        )
    return (
        (
            "(WITH RECURSIVE series(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM series WHERE n < :last)"
            " SELECT n FROM series)"
        ),
        lambda number: f"CAST({number} AS TEXT)",
        str(to_micros(now)),
        lambda days: f"date(:today, ({days}) || ' days')",
    )


def add_history(database: Database, *, now: datetime) -> None:
    """Give every overdue account two e-mails of another campaign, of three and of ten days ago."""
    sqlite = database.dialect == "sqlite"
    with database.transaction() as connection:
        for try_no, days in ((1, 10), (2, 3)):
            at = now - timedelta(days=days)
            instant = str(to_micros(at)) if sqlite else f"TIMESTAMPTZ '{at.isoformat()}'"
            connection.exec_driver_sql(
                "INSERT INTO attempt (account_id, customer_id, campaign, step, channel, case_no, try_no, state,"
                " outcome, not_before, planned_at, sending_at, ended_at, address)"
                f" SELECT id, customer_id, 'other', 'reminder', 'email', 1, {try_no}, 'accepted', 'accepted',"
                f" {instant}, {instant}, {instant}, {instant}, email FROM account WHERE open > 0",
            )
