"""Planning over 1,000,000 accounts with 1,500,000 invoices, rules included, on SQLite and PostgreSQL.

A fifth of the accounts is due, each with two earlier e-mails, of which one still counts for the cap of two a week:
200,000 attempts. The reference is the one INSERT … SELECT that would do without the rules, rolled back.
"""

from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.store.database import Database
from contactd.store.schema import account, attempt, invoice
from tests.bench.figures import Figure, Watch, configured, databases, folder, main, peak_mb
from tests.bench.planning_data import DUE_PERCENT, add_history, fill

_ACCOUNTS = 1_000_000
_TODAY = date(2026, 3, 2)
_NOW = datetime.combine(_TODAY, time(9), UTC)  # ten in the morning in Berlin, a Monday


def run(scale: float) -> list[Figure]:
    """Plan on each database that is there."""
    accounts = int(_ACCOUNTS * scale)
    with ExitStack() as closing:
        directory = closing.enter_context(folder())
        settings = configured(directory)
        book = Book(settings.campaigns, settings.policies)
        return [_plan(name, database, book, accounts) for name, database in databases(closing)]


def _plan(name: str, database: Database, book: Book, accounts: int) -> Figure:
    fill(database, accounts=accounts, now=_NOW, today=_TODAY)
    add_history(database, now=_NOW)
    before = peak_mb()
    bare = _bare(database)
    planner = Planner(database, book, horizon=timedelta(hours=24))
    watch = Watch(lambda: planner.plan("mail", _NOW).count)
    taken, due = watch.answer, accounts * DUE_PERCENT // 100
    if taken != due:
        raise AssertionError(f"{taken} taken up, {due} are due")
    return Figure(
        f"planning, {name}: {accounts:,} accounts, {taken:,} attempts",
        watch.seconds, "s", "one INSERT … SELECT without rules", bare, "<= 10 s, <= 300 MB", peak_mb(),
        [f"{watch.cpu:.1f} s of processor time in this process; {before:.0f} MB before planning began"],
    )  # fmt: skip


def _bare(database: Database) -> float:
    """Take up what is due in one statement: no rule, no window, no cap, no log of what was held back."""
    overdue = (
        sa.exists()
        .where(invoice.c.account_id == account.c.id, invoice.c.open > 0)
        .where(invoice.c.due_date <= _TODAY - timedelta(days=7))
    )
    values: dict[str, Any] = {
        "account_id": account.c.id,
        "customer_id": account.c.customer_id,
        "campaign": sa.literal("bare"),
        "step": sa.literal("reminder"),
        "channel": sa.literal("email"),
        "case_no": account.c.case_no,
        "try_no": sa.literal(1),
        "not_before": sa.literal(_NOW, attempt.c.not_before.type),
        "planned_at": sa.literal(_NOW, attempt.c.planned_at.type),
    }
    chosen = sa.select(*(value.label(name) for name, value in values.items())).where(account.c.open > 0, overdue)
    statement = sa.insert(attempt).from_select(list(values), chosen)

    def write() -> None:
        with database.engine.connect() as connection:
            connection.execute(statement)
            connection.rollback()

    return Watch(write).seconds


if __name__ == "__main__":
    main(run)
