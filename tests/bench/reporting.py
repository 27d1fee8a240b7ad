"""The reports of half a year on 100,000 accounts, each with all its tables, as verbs and pages make them.

The reference reads every row that the reports rest on with bare statements.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from contactd.config.load import load_defaults
from contactd.domain.report_table import Table
from contactd.engine.reports import contact_figures, effectiveness, promise_figures
from contactd.store.database import Database
from contactd.store.schema import account, agreement, allocation, attempt, call, invoice, payment
from tests.bench.figures import Figure, Watch, folder, main, peak_mb, postgresql, sqlite
from tests.engine.reported_year import fill

_ACCOUNTS = 100_000
_NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_TODAY = _NOW.date()
_OCTOBER = date(2026, 10, 1)
_TARGET = "<= 5 s"


def run(scale: float) -> list[Figure]:
    """Fill either database with half a year, then make each report once."""
    accounts = int(_ACCOUNTS * scale)
    found: list[Figure] = []
    with folder() as directory, sqlite(directory) as database:
        found += _measured(database, accounts)
    with postgresql() as server:
        found += _measured(server, accounts) if server is not None else []
    return found


def _measured(database: Database, accounts: int) -> list[Figure]:
    fill(database, accounts, _NOW)
    bare = Watch(lambda: _bare(database)).seconds
    settings = load_defaults()
    quarter = contact_figures.days_of(settings, _TODAY - timedelta(days=89), _TODAY)
    month = contact_figures.days_of(settings, _TODAY - timedelta(days=29), _TODAY)

    def control(connection: sa.Connection) -> list[Table]:
        found = effectiveness.control(connection, settings, _OCTOBER, as_of=_TODAY, window=14)
        return effectiveness.as_tables(list(found), settings)

    reports: dict[str, Callable[[sa.Connection], list[Table]]] = {
        "control, one month": control,
        "contacts, 30 days": lambda connection: contact_figures.contacts(connection, settings, month),
        "promises, 90 days": lambda connection: promise_figures.promises(connection, quarter),
        "hours, 90 days": lambda connection: contact_figures.hours(connection, quarter),
    }
    return [_figure(database, name, report, bare, accounts) for name, report in reports.items()]


def _figure(
    database: Database, name: str, report: Callable[[sa.Connection], list[Table]], bare: float, accounts: int
) -> Figure:
    def make() -> list[Table]:
        with database.snapshot() as connection:
            return report(connection)

    watch = Watch(make)
    if not any(table.rows for table in watch.answer):
        raise AssertionError(f"{name}: the report is empty")
    what = f"report {name}: {accounts:,} accounts, {database.dialect}"
    return Figure(what, watch.seconds, "s", "bare SELECT of all rows", bare, _TARGET, peak_mb())


def _bare(database: Database) -> int:
    with database.snapshot() as connection:
        tables = (account, invoice, payment, allocation, attempt, call, agreement)
        return sum(sum(1 for _ in connection.execute(sa.select(table))) for table in tables)


if __name__ == "__main__":
    main(run)
