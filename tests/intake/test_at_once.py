"""Imports beside each other: every row is taken once, and who meets another tries again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.errors import StoreConflict
from contactd.intake.accept import accept_accounts, accept_payments, commit_again
from contactd.intake.sample import sample_payments, sample_rows
from contactd.store.database import Database
from contactd.store.schema import account, import_run, payment

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def now() -> datetime:
    """Tell a time that stands still."""
    return NOW


def test_imports_and_payments_at_once_are_each_taken_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contactd.intake.accept._CHUNK", 7)
    rows = list(sample_rows(9, 60, TODAY))
    lines = list(sample_payments(9, rows, TODAY, 0.5))
    with ThreadPoolExecutor(4) as pool:
        imports = [pool.submit(accept_accounts, database, rows, now=now) for _ in range(2)]
        paying = [pool.submit(accept_payments, database, lines, now=now) for _ in range(2)]
        assert sum(one.result().counts["new"] for one in imports) == len(rows)
        assert sum(one.result().counts["new"] for one in paying) == len(lines)
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(payment.c.account_id.is_(None))) == 0
        owed = connection.scalar(sa.select(sa.func.sum(account.c.open - account.c.credit)))
    billed = sum(int(row["open"].replace(".", "")) for row in rows)
    assert owed == billed - sum(int(line["amount"].replace(".", "")) for line in lines)


def test_a_chunk_that_met_another_transaction_is_done_again(database: Database) -> None:
    tries = iter([StoreConflict("met"), StoreConflict("met"), None])

    def work(connection: Connection, what: str) -> str:
        connection.execute(sa.insert(import_run).values(kind=what, as_of=NOW, counts={}))
        if (met := next(tries)) is not None:
            raise met
        return what

    assert commit_again(database, work, "done") == "done"
    with database.snapshot() as connection:
        assert list(connection.scalars(sa.select(import_run.c.kind))) == ["done"]


def test_a_chunk_that_always_meets_another_gives_up(database: Database) -> None:
    def work(connection: Connection, what: str) -> str:
        raise StoreConflict(what)

    with pytest.raises(StoreConflict, match="met again"):
        commit_again(database, work, "met again")
