"""Letters into a folder: one PDF each and a list by postcode a day, for whoever prints; they may take the files away.

`outbox/<day>/<reference>.pdf` is the same file as in the archive under another name. `letters.csv` beside it lists what
lies there, by country and postcode, as franking for bulk mail wants it.
"""

import csv
import errno
import os
import re
import threading
from collections import defaultdict
from collections.abc import Container, Iterable
from datetime import datetime
from io import StringIO
from pathlib import Path

from contactd.channels.base import Letter
from contactd.channels.letter_archive import Archive, Kept, days_around, sync, write
from contactd.channels.letter_post import LetterChannel
from contactd.domain.errors import ChannelUnclear

ARCHIVE, OUTBOX, LIST = "archive", "outbox", "letters.csv"
COLUMNS = ("file", "country", "postcode", "city", "name", "bytes", "sha256")
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK})
_SHOWN = re.compile(rb"[^\r\n]")

Row = dict[str, str]


class Outbox:
    """The folder of a printer or a lettershop; the journal of all that was put there lies with the archive."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self._folder = folder
        self._archive = archive
        self._writing = threading.Lock()
        self._changed: set[str] = set()

    def ready(self) -> None:
        """Make the folder, and list again what a crash may have left out."""
        self._folder.mkdir(parents=True, exist_ok=True)
        behind = {day.name for day in self._folder.iterdir() if _is_behind(day, self._archive.folder)}
        with self._writing:
            self._changed |= behind

    def prepare(self, kept: Kept, letter: Letter) -> None:
        """Note down for the list what the PDF does not tell."""
        (self._folder / kept.day).mkdir(exist_ok=True)
        row = (
            kept.final.name, letter.country, letter.postcode, letter.city, letter.name, str(kept.size), kept.digest,
        )  # fmt: skip
        with self._writing:
            _append(kept.path.parent / LIST, dict(zip(COLUMNS, row, strict=True)))
            self._changed.add(kept.day)

    def give(self, kept: Kept) -> str:
        """Put the letter into the folder, in one step."""
        target = self._folder / kept.day / kept.final.name
        try:
            os.link(kept.path, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _copy(kept.path, target)
        try:
            sync(target.parent)
        except OSError as error:
            raise ChannelUnclear(f"put into the folder, and perhaps not for good: {error}") from error
        return kept.reference

    def has(self, reference: str, since: datetime) -> bool | None:
        """Say whether the letter lies in the folder; one that does not may have been taken away."""
        return any((self._folder / day / f"{reference}.pdf").is_file() for day in days_around(since)) or None

    def tidy(self) -> None:
        """Write the lists of the days that changed."""
        with self._writing:
            while self._changed:
                self._list(self._changed.pop())

    def _list(self, day: str) -> None:
        folder = self._folder / day
        if not folder.is_dir():
            return
        known = {row["file"]: row for row in _read(self._archive.folder / day / LIST)}
        there = sorted(path.name for path in folder.glob("[!.]*.pdf"))
        rows = [known.get(name, dict.fromkeys(COLUMNS, "") | {"file": name}) for name in there]
        rows.sort(key=lambda row: (row["country"], row["postcode"], row["city"], row["file"]))
        fresh = folder / f".{LIST}"
        fresh.unlink(missing_ok=True)
        write(fresh, _as_csv(rows, head=True).encode())
        fresh.replace(folder / LIST)


def strike_out(folder: Path, names: Iterable[str]) -> None:
    """Blank the lines of these letters, `<day>/<file>`, on the lists of archive and outbox; raises OSError."""
    files: dict[str, set[str]] = defaultdict(set)
    for name in names:
        day, _, file = name.partition("/")
        files[day].add(file)
    for day, gone in files.items():
        for box in (ARCHIVE, OUTBOX):
            if (folder / box / day / LIST).exists():
                _blank(folder / box / day / LIST, gone)


def _blank(path: Path, gone: Container[str]) -> None:
    """Put blanks in the place of lines: another process may be writing behind them."""
    with path.open("r+b") as file:
        lines = file.readlines()
        rows, begin = csv.reader(line.decode(errors="replace") for line in lines), 0
        for row in rows:
            if row and row[0] in gone:
                lines[begin : rows.line_num] = [_SHOWN.sub(b" ", line) for line in lines[begin : rows.line_num]]
            begin = rows.line_num
        file.seek(0)
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _is_behind(day: Path, archive: Path) -> bool:
    """Say whether the list of a day is older than what was put there."""
    journal, listed = archive / day.name / LIST, day / LIST
    return journal.is_file() and not (listed.is_file() and listed.stat().st_mtime_ns >= journal.stat().st_mtime_ns)


def _copy(source: Path, target: Path) -> None:
    """Do without links, where the folder is another disk's or on a file system that has none."""
    if target.exists():
        raise FileExistsError(errno.EEXIST, "another database writes into this folder", str(target))
    fresh = target.with_name(f".{target.name}")
    write(fresh, source.read_bytes())
    fresh.replace(target)


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row.values()]


def _append(journal: Path, row: Row) -> None:
    """Add a line; one that a power cut tore ends before it."""
    with journal.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        torn = end > 0 and file.read(1) != b"\n"
        file.write(b"\r\n" * torn + _as_csv([row], head=end == 0).encode())


def _as_csv(rows: list[Row], *, head: bool) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    if head:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def letter_spool(folder: Path, *, workers: int = 2) -> LetterChannel:
    """Build the backend on a folder: `outbox` and `archive` are in it."""
    archive = Archive(folder / ARCHIVE)
    return LetterChannel(archive, Outbox(folder / OUTBOX, archive), workers=workers)
