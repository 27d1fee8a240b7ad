"""Importing a CAMT.053 of 200,000 entries: read, matched, stored and laid against invoices, agreements judged.

The way of `contactd import statement` and of the watched folder, into a database of 100,000 accounts, 150,000 invoices
and an earlier payment of each account. The reference inserts as many payments and looks at nothing.
"""

import gc
import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.engine.debt.statements import take_statements
from contactd.store import bulk
from contactd.store.database import Database, open_database
from contactd.store.schema import account, allocation, invoice, payment
from tests.bench.figures import Figure, Watch, configured, databases, folder, main, peak_mb
from tests.bench.statements import ACCOUNTS, ENTRIES, INVOICES, open_of, payments
from tests.clock import HandClock
from tests.fakes.bank import iban, write_camt

_NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
_EARLIER = date(2026, 1, 15)
_AT_ONCE = 10_000


def run(scale: float) -> list[Figure]:
    """Import the same file into each database that is there."""
    accounts, invoices, entries = (int(size * scale) for size in (ACCOUNTS, INVOICES, ENTRIES))
    with ExitStack() as stack:
        directory = stack.enter_context(folder())
        settings = configured(directory)
        path = directory / "statement.xml"
        total = sum(one.amount for one in payments(accounts, invoices, entries))
        with path.open("w", encoding="utf-8") as file:
            write_camt(file, payments(accounts, invoices, entries), 0, total)
        return [
            _import(name, database, settings, path, (accounts, invoices, entries))
            for name, database in databases(stack)
        ]


def _import(name: str, database: Database, settings: Settings, path: Path, sizes: tuple[int, int, int]) -> Figure:
    accounts, invoices, entries = sizes
    # Beside this process, so that what filling takes up does not count as memory of the import.
    filling = multiprocessing.get_context("spawn").Process(target=_fill, args=(database.url, accounts, invoices))
    filling.start()
    filling.join()
    bare = _bare(database, entries)
    before = peak_mb()
    gc.freeze()  # as the command does
    watch = Watch(lambda: take_statements(database, settings, HandClock(_NOW), path, "bench"))
    _check(database, watch.answer.counts, accounts, entries)
    counts = ", ".join(f"{what} {count:,}" for what, count in watch.answer.counts.items() if count)
    note = f"{watch.cpu:.1f} s of our processor, {entries / watch.seconds:,.0f} entries/s; {before:.0f} MB before"
    return Figure(
        f"statement imported, {name}: {entries:,} entries", watch.seconds, "s", "bare INSERT of the payments", bare,
        "<= 60 s, <= 300 MB", peak_mb(), [note, counts],
    )  # fmt: skip


def _fill(url: str, accounts: int, invoices: int) -> None:
    """Write what the statement pays, and one earlier payment for each account, which tells its IBAN."""
    with closing(open_database(url)) as database:
        for first in range(0, accounts, _AT_ONCE):
            _write_accounts(database, range(first, min(first + _AT_ONCE, accounts)))
        for first in range(0, invoices, _AT_ONCE):
            _write_invoices(database, range(first, min(first + _AT_ONCE, invoices)), accounts)
        owed = sa.select(sa.cast(sa.func.sum(invoice.c.open), sa.BigInteger)).where(
            invoice.c.account_id == account.c.id
        )
        due = sa.select(sa.func.min(invoice.c.due_date)).where(invoice.c.account_id == account.c.id)
        with database.transaction() as connection:
            connection.execute(sa.update(account).values(open=owed.scalar_subquery(), oldest_due=due.scalar_subquery()))
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def _write_accounts(database: Database, numbers: range) -> None:
    with database.transaction() as connection:
        bulk.insert(connection, account, ("id", "customer_id", "creditor", "account_no", "currency", "name",
                    "created_at", "updated_at"), [(one + 1, one + 1, "ACME", f"K{one:07}", "EUR",
                    f"Kunde {one} Beispiel", _NOW, _NOW) for one in numbers])  # fmt: skip
        bulk.insert(connection, payment, ("account_id", "creditor", "account_no", "amount", "currency",
                    "value_date", "iban", "fingerprint", "received_at"), [(one + 1, "ACME", f"K{one:07}", 1_000,
                    "EUR", _EARLIER, iban(one), f"earlier-{one}", _NOW) for one in numbers])  # fmt: skip


def _write_invoices(database: Database, numbers: range, accounts: int) -> None:
    rows = [
        (one + 1, one % accounts + 1, f"RE-2026-{one:06}", _EARLIER, _EARLIER + timedelta(days=one % 60),
         open_of(one), open_of(one), open_of(one))
        for one in numbers
    ]  # fmt: skip
    names = ("id", "account_id", "invoice_no", "invoice_date", "due_date", "amount", "open", "imported_open")
    with database.transaction() as connection:
        bulk.insert(connection, invoice, names, rows)


def _bare(database: Database, entries: int) -> float:
    """Insert as many payments in one transaction, and roll them back."""
    names = ("account_id", "amount", "currency", "value_date", "fingerprint", "received_at")

    def write() -> None:
        with database.engine.connect() as connection:
            for first in range(0, entries, _AT_ONCE):
                numbers = range(first, min(first + _AT_ONCE, entries))
                rows = [(1, 1_000, "EUR", _EARLIER, f"bare-{one}", _NOW) for one in numbers]
                bulk.insert(connection, payment, names, rows)
            connection.rollback()

    return Watch(write).seconds


def _check(database: Database, counts: dict[str, int], accounts: int, entries: int) -> None:
    """See that every payment is there once, with its owner, and that each cent of it lies somewhere."""
    came = payment.c.fingerprint.not_like("earlier-%")
    with database.snapshot() as connection:
        count = partial(_number, connection)
        there, found = count(sa.func.count(), came), count(sa.func.count(), came & payment.c.account_id.is_not(None))
        money = count(sa.func.sum(payment.c.amount), came & payment.c.account_id.is_not(None))
        credit, laid = count(sa.func.sum(payment.c.credited)), count(sa.func.sum(allocation.c.amount))
        invoiced, rest = count(sa.func.sum(invoice.c.amount)), count(sa.func.sum(invoice.c.open))
        owed, kept = count(sa.func.sum(account.c.open)), count(sa.func.sum(account.c.credit))
        wrong = sum(row.account_id != int(row.end_to_end_id.rpartition(":")[2]) for row in _owned(connection))
    if (counts["new"], there, found + counts["unmatched"], wrong) != (entries, entries, entries, 0):
        raise AssertionError(f"{counts}: {there} payments, {found} with an owner, {wrong} with a wrong one")
    if money != laid + credit or invoiced - laid != rest or owed - kept != rest - credit:
        raise AssertionError(f"{money=} {laid=} {credit=} {invoiced=} {rest=} {owed=} {kept=}")


def _number(connection: sa.Connection, what: sa.ColumnElement[int], where: sa.ColumnElement[bool] | None = None) -> int:
    chosen = sa.select(what)
    return int(connection.scalar(chosen if where is None else chosen.where(where)) or 0)


def _owned(connection: sa.Connection) -> Iterator[sa.Row[*tuple[Any, ...]]]:
    chosen = sa.select(payment.c.account_id, payment.c.end_to_end_id)
    return iter(connection.execute(chosen.where(payment.c.account_id.is_not(None), payment.c.end_to_end_id != "")))


if __name__ == "__main__":
    main(run)
