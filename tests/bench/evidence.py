"""Sealing and verifying a contact log of 1,000,000 entries; the reference reads the entries and does nothing else."""

import gc
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from contactd.engine.records.evidence import seal_now, verify
from contactd.store import contact_log
from contactd.store.database import Database
from contactd.store.raw import raw_pages
from contactd.store.schema import contact_log as table
from tests.bench.figures import Figure, Watch, databases, main, peak_mb

_ENTRIES = 1_000_000
_AT_ONCE = 5_000
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def run(scale: float) -> list[Figure]:
    """Fill the log, seal it from the first entry to the last, walk the chain."""
    entries = int(_ENTRIES * scale)
    figures = []
    with ExitStack() as closing:
        for name, database in databases(closing):
            _fill(database, entries)
            gc.freeze()
            bare = Watch(partial(_read, database))
            sealed = Watch(partial(seal_now, database, lambda: _BEGAN))
            walked = Watch(partial(_verify, database))
            if walked.answer != entries or sealed.answer.last_id != entries:
                raise AssertionError(f"{sealed.answer}, {walked.answer} of {entries} entries")
            figures += [_figure(f"seal the log, {name}", sealed, bare.seconds, entries),
                        _figure(f"verify the log, {name}", walked, bare.seconds, entries)]  # fmt: skip
    return figures


def _figure(what: str, watch: Watch[Any], bare: float, entries: int) -> Figure:
    note = f"{entries / watch.seconds:,.0f} entries/s, {watch.cpu:.1f} s of our processor"
    words = f"{what}: {entries:,} entries"
    return Figure(words, watch.seconds, "s", "bare SELECT of the log", bare, "<= 60 s", peak_mb(), [note])


def _fill(database: Database, entries: int) -> None:
    row: dict[str, Any] = {
        "campaign": "standard",
        "step": "reminder",
        "channel": "email",
        "event": "accepted",
        "outcome": "accepted",
    }
    for first in range(0, entries, _AT_ONCE):
        rows = [
            row | {"account_id": n // 4, "attempt_id": n // 2, "at": _BEGAN + timedelta(seconds=n),
                   "address": f"debtor{n}@example.com", "provider_ref": f"<{n}@example.com>",
                   "details": {"file": f"{n}.pdf", "bytes": n} if n % 2 else None}
            for n in range(first, min(first + _AT_ONCE, entries))
        ]  # fmt: skip
        with database.transaction() as connection:
            contact_log.add(connection, rows)


def _read(database: Database) -> int:
    with database.snapshot() as connection:
        return sum(len(rows) for rows in raw_pages(connection, sa.select(table).order_by(table.c.id), 1_000))


def _verify(database: Database) -> int:
    with database.snapshot() as connection:
        return verify(connection).entries


if __name__ == "__main__":
    main(run)
