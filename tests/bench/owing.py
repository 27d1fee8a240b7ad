"""What 100,000 accounts owe by law, every line of interest derived from their books, as `contactd statement` does.

The reference reads the same invoices and payments with bare statements and adds them up.
"""

import gc
import random
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from contactd.clock import SystemClock
from contactd.config.base_rates import load_base_rates
from contactd.config.claims import Claims
from contactd.config.load import load_defaults
from contactd.engine.debt.claims import Terms, owed_by
from contactd.intake.accept import Options
from contactd.intake.files import import_file
from contactd.intake.profile import own
from contactd.intake.sample import sample_rows, write_csv
from contactd.store import payments
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from contactd.store.schema import account, invoice, payment
from tests.bench.figures import Figure, Watch, folder, main, peak_mb, sqlite

_ACCOUNTS = 100_000
_SEED = 7
_TODAY = date(2026, 3, 2)
_AT_A_TIME = 500
_PAID = 0.3  # the share of invoices something was paid on


def run(scale: float) -> list[Figure]:
    """Make the accounts, a third of them with a payment, then state what each owes half a year later."""
    accounts = int(_ACCOUNTS * scale)
    with folder() as directory, sqlite(directory) as database:
        path = directory / "accounts.csv"
        write_csv(path, sample_rows(_SEED, accounts, _TODAY))
        _fill(database, path)
        gc.freeze()
        terms = Terms(Claims(due_date_agreed=True), load_base_rates(load_defaults().base_rates_path))
        bare = _bare(database)
        watch = Watch(lambda: _state(database, terms, _TODAY + timedelta(days=180)))
        stated, lines, interest = watch.answer
        if stated != accounts or not interest:
            raise AssertionError(f"{stated} accounts, {interest} of interest")
        notes = [
            f"{stated / watch.seconds:,.0f} accounts/s, {lines:,} lines of interest, {watch.cpu:.1f} s of processor"
        ]
        return [
            Figure(
                f"statement of claim: {accounts:,} accounts", watch.seconds, "s", "bare SELECT and sum", bare,
                "<= 60 s", peak_mb(), notes,
            )
        ]  # fmt: skip


def _fill(database: Database, path: Path) -> None:
    clock = SystemClock()
    import_file(database, path, own("accounts"), Options(now=clock.now))
    chosen = sa.select(account.c.creditor, account.c.account_no, account.c.currency, invoice.c.invoice_no,
                       invoice.c.due_date, invoice.c.open)  # fmt: skip
    with database.snapshot() as connection:
        owed = list(connection.execute(chosen.join(invoice, invoice.c.account_id == account.c.id)))
    dice = random.Random(_SEED)
    lines = [
        NewPayment(f"paid-{n}", row.creditor, row.account_no, row.invoice_no, max(row.open // 2, 1), row.currency,
                   row.due_date + timedelta(days=dice.randrange(60)), "")
        for n, row in enumerate(owed)
        if row.open > 0 and dice.random() < _PAID
    ]  # fmt: skip
    for start in range(0, len(lines), _AT_A_TIME):
        with database.transaction() as connection:
            payments.record(connection, lines[start : start + _AT_A_TIME], clock.now)


def _state(database: Database, terms: Terms, as_of: date) -> tuple[int, int, int]:
    stated = lines = interest = 0
    for ids in _ids(database):
        with database.snapshot() as connection:
            for owed in owed_by(connection, ids, terms, as_of):
                stated += 1
                lines += sum(len(balance.segments) for balance in owed.statement.balances)
                interest += owed.statement.accrued
    return stated, lines, interest


def _ids(database: Database) -> Iterator[list[int]]:
    with database.snapshot() as connection:
        ids = list(connection.scalars(sa.select(account.c.id).order_by(account.c.id)))
    for start in range(0, len(ids), _AT_A_TIME):
        yield ids[start : start + _AT_A_TIME]


def _bare(database: Database) -> float:
    began = time.perf_counter()
    with database.snapshot() as connection:
        for table in (invoice, payment):
            sum(row.amount for row in connection.execute(sa.select(table)))
    return time.perf_counter() - began


if __name__ == "__main__":
    main(run)
