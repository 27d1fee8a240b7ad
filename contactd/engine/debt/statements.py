"""Bank statements from the outside: taken into the store with this daemon's settings, and a folder that is watched.

`[intake] statements` names the folder. A file that has rested there for a while is read; then it is in `done/`, or in
`refused/` with the reason beside it, unless it changed while it was read: then it is read again. An upload may stall
for longer and go on in the file that was put away: then it comes back and is read again, whole. To read a file
twice changes nothing, so that and a crash cost nothing.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import structlog

from contactd.config.settings import Settings
from contactd.domain.clock import Clock
from contactd.domain.errors import InputError, StoreConflict, StoreError
from contactd.engine.agreements.judgement import judge_of
from contactd.intake.accept import Options
from contactd.intake.banking import Told, import_bank_statements
from contactd.store.audit import Deed
from contactd.store.database import Database

log = structlog.get_logger()

DONE, REFUSED, REASON = "done", "refused", ".reason.txt"
_LOOK_EVERY = 5.0  # seconds
_REST = timedelta(seconds=30)  # by our clock, not the file's; an upload may stall between two statements of a file
_GROWS = timedelta(days=1)  # so long a file that was put away is looked after: its upload may only have stalled
_AGAIN = "the other statements of it were taken; sending all of it again doubles nothing"
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")


class Mark(NamedTuple):
    """What is another when a file was written to, or another file has taken its name."""

    size: int
    written_ns: int
    inode: int


def take_statements(
    database: Database, settings: Settings, clock: Clock, path: Path, source: str, deed: Deed | None = None
) -> Told:
    """Import a file of bank statements; raises InputError when nothing of it can be taken."""
    options = Options(clock.now, source, judge=judge_of(settings, clock), deed=deed)
    ibans = {one.iban: name for name, one in settings.creditors.items() if one.iban}
    return import_bank_statements(database, path, options, ibans=ibans, currencies=frozenset())


class StatementFolder:
    """Reads the files that are put into the folder; what a reload changes is in force with the next look."""

    def __init__(
        self, database: Database, clock: Clock, settings: Callable[[], Settings], wake: Callable[[], None]
    ) -> None:
        """Take what answers the settings in force, and who is woken when money came in."""
        self._database = database
        self._clock = clock
        self._settings = settings
        self._wake = wake
        self._seen: dict[str, tuple[Mark, datetime]] = {}  # since when it is as it is
        self._put: dict[Path, tuple[Mark, datetime]] = {}  # what was put away, as it was read, and when

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            if self._settings().intake.statements:
                read = await asyncio.to_thread(self.look)
                if read:
                    self._wake()
            await asyncio.sleep(_LOOK_EVERY)

    def look(self) -> int:
        """Read every file that has stayed as it is for a while; answers how many were read. For a thread."""
        settings = self._settings()
        folder = settings.statements_directory
        try:
            for place in (folder, folder / DONE, folder / REFUSED):
                place.mkdir(parents=True, exist_ok=True)
            self._fetch_grown(folder)
            marks = _marks(folder)
        except OSError as error:
            log.error("statements_folder_unusable", folder=str(folder), error=str(error))
            return 0
        now = self._clock.now()
        before, self._seen = self._seen, {}
        for name, mark in marks.items():
            known, since = before.get(name, (None, now))
            self._seen[name] = mark, since if known == mark else now
        rested = sorted(name for name, (_, since) in self._seen.items() if now - since >= _REST)
        return sum(self._read(settings, folder / name, marks[name]) for name in rested)

    def _read(self, settings: Settings, path: Path, mark: Mark) -> bool:
        """Read one file and put it away; while the store is away it stays where it is."""
        try:
            told = take_statements(self._database, settings, self._clock, path, f"folder:{_named(path)}")
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="statements", error=str(error))
            return False
        except InputError as error:
            return self._put_away(path, mark, str(error).replace(f"{path}: ", ""))
        except Exception:  # a fault of ours: the file is kept and shown, the others have their turn
            log.exception("statement_broke", file=_named(path))
            return self._put_away(path, mark, "contactd broke on this file; see statement_broke in its log")
        log.info("statements_taken", file=_named(path), refused=len(told.refused), **told.counts)
        reasons = [line.replace(f"{path}: ", "") for line in told.refused]
        self._put_away(path, mark, "\n".join([_AGAIN, *reasons]) if reasons else "")
        return True

    def _put_away(self, path: Path, mark: Mark, reason: str) -> bool:
        """Move a file that is still what was read to where it belongs; whoever writes to it may not have ended."""
        target = _put_away(path, mark, reason)
        if target is not None:
            self._put[target] = mark, self._clock.now()
        return target is not None

    def _fetch_grown(self, folder: Path) -> None:
        """Take back what went on growing after it was put away; raises OSError."""
        now = self._clock.now()
        for path, (mark, since) in list(self._put.items()):
            if now - since > _GROWS or not path.is_file():
                del self._put[path]
            elif _mark(path) != mark:
                log.info("statement_grew", file=_named(path))
                path.rename(_free(folder, path.name))
                path.with_name(path.name + REASON).unlink(missing_ok=True)
                del self._put[path]


def _marks(folder: Path) -> dict[str, Mark]:
    """Tell the marks of the files that may be whole."""
    found: dict[str, Mark] = {}
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED) or not path.is_file():
            continue
        found[path.name] = _mark(path)
    return found


def _mark(path: Path) -> Mark:
    state = path.stat()
    return Mark(state.st_size, state.st_mtime_ns, state.st_ino)


def _named(path: Path) -> str:
    """Give the name so that every log and database takes it, whatever bytes it is made of."""
    return os.fsencode(path.name).decode(errors="replace")


def _free(place: Path, name: str) -> Path:
    """Find a name nothing has there yet."""
    target = place / name
    names = (place / f"{number}-{name}" for number in count(2))
    while target.exists():
        target = next(names)
    return target


def _put_away(path: Path, mark: Mark, reason: str) -> Path | None:
    """Move a file that is still what was read to where it belongs; answers where it is now."""
    target = _free(path.parent / (REFUSED if reason else DONE), path.name)
    try:
        if _mark(path) != mark:
            log.info("statement_changed", file=_named(path))
            return None  # what is there now has its turn once it rests
        if reason:
            target.with_name(target.name + REASON).write_text(f"{reason}\n", encoding="utf-8", errors="replace")
            log.warning("statement_refused", file=_named(path), reason=reason)
        path.rename(target)
    except FileNotFoundError:  # another daemon on the same folder was faster
        return None
    except OSError as error:
        log.error("statement_not_moved", file=_named(path), error=str(error.strerror))
        return None
    return target
