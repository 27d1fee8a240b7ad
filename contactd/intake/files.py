"""Takes a CSV file into the store and writes what it refused beside it; for `contactd import` and the demo."""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from contactd.domain.errors import InputError
from contactd.intake import rows as reading
from contactd.intake.accept import Options, Report, Row, take_accounts, take_payments
from contactd.intake.columns import REASONS
from contactd.intake.profile import Profile
from contactd.intake.reader import Table
from contactd.intake.records import Record, Rejected
from contactd.store.database import Database

_EVERY = 500  # rows between two signs of progress


def rejected_path(path: Path) -> Path | None:
    """Answer where rejected rows go: FILE.rejected.csv for FILE.csv, nowhere for a pipe or a device."""
    if not path.is_file():
        return None
    return path.with_name(f"{path.stem}.rejected.csv")


def import_file(
    database: Database,
    path: Path,
    profile: Profile,
    options: Options,
    *,
    country: str = "DE",
    currency: str = "EUR",
    progress: Callable[[str, float], None] | None = None,
) -> tuple[Report, Table]:
    """Import a list of the profile's kind; answers also what was seen of the file (encoding, columns left out).

    `options.rejected` and `options.progress` are set here; `progress` hears "reading" and "writing" with a share.
    """
    with ExitStack() as closing:
        table = closing.enter_context(Table(path, profile))
        sink = _Rejects(rejected_path(path), table, closing)
        stream = _watched(table, progress)
        writing = (lambda share: progress("writing", share)) if progress else None
        chosen = Options(
            now=options.now, source=str(path), full=options.full, force=options.force, max_vanish=options.max_vanish,
            rejected=sink.add, progress=writing, judge=options.judge, deed=options.deed,
        )  # fmt: skip
        given = (profile.expects, profile.notation())
        if profile.kind == "accounts":
            rows = reading.account_rows(*given, country, currency, today=options.now().date())
            return take_accounts(database, stream, rows, chosen), table
        return take_payments(database, stream, reading.payment_rows(*given, currency), chosen), table


def _watched(table: Table, progress: Callable[[str, float], None] | None) -> Iterator[Row]:
    for count, row in enumerate(table.records()):
        if progress and count % _EVERY == 0:
            progress("reading", min(1.0, table.position() / max(1, table.size)))
        yield row
    if progress:
        progress("reading", 1.0)


class _Rejects:
    """FILE.rejected.csv: the rows as they came, with row, column and reason; there is none when all were taken."""

    def __init__(self, path: Path | None, table: Table, closing: ExitStack) -> None:
        self._path = path
        self._table = table
        self._closing = closing
        self._file: TextIO | None = None
        self._stuck: OSError | None = None
        try:
            # What an earlier import refused would be taken for today's.
            if path:
                path.unlink(missing_ok=True)
        except OSError as error:  # a folder that is only read is as good as another until a row is rejected
            self._stuck = error

    def add(self, record: Record, fault: Rejected) -> None:
        """Write one row."""
        if self._path is None:
            return
        if self._file is None:
            self._open(self._path)
        width = len(self._table.header)
        cells = [*record.cells, *[""] * (width - len(record.cells))]
        if len(cells) > width:  # what is too much stays together, so that the reasons have their columns
            cells[width - 1 :] = [self._table.delimiter.join(cells[width - 1 :])]
        self._writer.writerow([*cells, fault.row, fault.column, fault.reason])

    def _open(self, path: Path) -> None:
        if self._stuck:
            raise InputError(f"{path}: cannot be replaced: {self._stuck.strerror}") from self._stuck
        try:
            path.touch(mode=0o600)  # customers' data
            # With a BOM a spreadsheet shows umlauts; the reader here knows it as well.
            self._file = self._closing.enter_context(path.open("w", encoding="utf-8-sig", newline=""))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error
        self._writer = csv.writer(self._file, delimiter=self._table.delimiter)
        self._writer.writerow([*self._table.header, *REASONS])
