"""Importing 100,000 accounts with 150,000 invoices from CSV into SQLite, as `contactd import accounts` does.

The reference reads the same file with csv.reader and writes its rows with one bare executemany.
"""

import csv
import gc
import sqlite3
import time
from contextlib import closing
from datetime import date
from pathlib import Path

from contactd.clock import SystemClock
from contactd.intake.accept import Options
from contactd.intake.columns import ACCOUNTS
from contactd.intake.files import import_file
from contactd.intake.profile import own
from contactd.intake.sample import sample_rows, write_csv
from tests.bench.figures import Figure, Watch, folder, main, peak_mb, sqlite

_ACCOUNTS = 100_000
_SEED = 7
_TODAY = date(2026, 3, 2)


def run(scale: float) -> list[Figure]:
    """Import a new list, then the same list again."""
    accounts = int(_ACCOUNTS * scale)
    with folder() as directory, sqlite(directory) as database:
        path = directory / "accounts.csv"
        rows = write_csv(path, sample_rows(_SEED, accounts, _TODAY))
        clock = SystemClock()
        bare = _bare(path, directory / "bare.db")
        gc.freeze()  # as the command does
        figures = []
        reference = "csv.reader + executemany, SQLite"
        for what in ("import, new", "import, the same again"):
            watch = Watch(lambda: import_file(database, path, own("accounts"), Options(now=clock.now))[0])
            report = watch.answer
            if report.counts["accepted"] != rows or report.rejected:
                raise AssertionError(f"not everything was taken: {report.counts}")
            size = f"{accounts:,} accounts/{rows:,} invoices"
            figures.append(
                Figure(
                    f"{what}: {size}", watch.seconds, "s", reference, bare, "<= 30 s, <= 400 MB",
                    peak_mb(), [f"{rows / watch.seconds:,.0f} rows/s, {watch.cpu:.1f} s of processor time"],
                )
            )  # fmt: skip
        return figures


def _bare(path: Path, target: Path) -> float:
    began = time.perf_counter()
    with closing(sqlite3.connect(target)) as connection, path.open(encoding="utf-8", newline="") as file:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"CREATE TABLE bare ({', '.join(ACCOUNTS.names)})")
        reader = csv.reader(file)
        width = len(next(reader))
        with connection:
            connection.executemany(f"INSERT INTO bare VALUES ({', '.join('?' * width)})", reader)  # noqa: S608 - question marks
    return time.perf_counter() - began


if __name__ == "__main__":
    main(run)
