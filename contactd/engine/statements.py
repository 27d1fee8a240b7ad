"""Bank statements from the outside: taken into the store with this daemon's settings, and a folder that is watched.

`[intake] statements` names the folder. A file that lies there and has stopped growing is read once; then it is in
`done/`, or in `refused/` with the reason beside it. To read a file twice changes nothing, so a crash costs nothing.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path

import structlog

from contactd.config.settings import Settings
from contactd.domain.clock import Clock
from contactd.domain.errors import InputError, StoreConflict, StoreError
from contactd.engine.judgement import judge_of
from contactd.intake.accept import Options
from contactd.intake.banking import Told, import_bank_statements
from contactd.store.database import Database

log = structlog.get_logger()

DONE, REFUSED, REASON = "done", "refused", ".reason.txt"
_LOOK_EVERY = 5.0  # seconds
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")

Marks = dict[str, tuple[int, int]]


def take_statements(database: Database, settings: Settings, clock: Clock, path: Path, source: str) -> Told:
    """Import a file of bank statements; raises InputError when nothing of it can be taken."""
    options = Options(clock.now, source, judge=judge_of(settings, clock))
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
        self._seen: Marks = {}

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            if self._settings().intake.statements:
                read = await asyncio.to_thread(self.look)
                if read:
                    self._wake()
            await asyncio.sleep(_LOOK_EVERY)

    def look(self) -> int:
        """Read every file that is as it was at the last look; answers how many were read. For a thread."""
        settings = self._settings()
        folder = settings.statements_directory
        try:
            for place in (folder, folder / DONE, folder / REFUSED):
                place.mkdir(parents=True, exist_ok=True)
            marks = _marks(folder)
        except OSError as error:
            log.error("statements_folder_unusable", folder=str(folder), error=str(error))
            return 0
        grown = {name for name, mark in marks.items() if self._seen.get(name) != mark}
        self._seen = marks
        return sum(self._read(settings, folder / name) for name in sorted(marks.keys() - grown))

    def _read(self, settings: Settings, path: Path) -> bool:
        """Read one file and put it away; while the store is away it stays where it is."""
        try:
            told = take_statements(self._database, settings, self._clock, path, f"folder:{path.name}")
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="statements", error=str(error))
            return False
        except InputError as error:
            return _put_away(path, str(error).replace(f"{path}: ", ""))
        except Exception:  # a fault of ours: the file is kept and shown, the others have their turn
            log.exception("statement_broke", file=path.name)
            return _put_away(path, "contactd broke on this file; see statement_broke in its log")
        log.info("statements_taken", file=path.name, refused=len(told.refused), **told.counts)
        reasons = [line.replace(f"{path}: ", "") for line in told.refused]
        return _put_away(path, "\n".join(["the other statements of it were taken", *reasons]) if reasons else "")


def _marks(folder: Path) -> Marks:
    """Tell size and time of every file that may be whole."""
    found: Marks = {}
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED) or not path.is_file():
            continue
        state = path.stat()
        found[path.name] = state.st_size, state.st_mtime_ns
    return found


def _put_away(path: Path, reason: str) -> bool:
    """Move a file to where it belongs, under a name nothing has there yet."""
    place = path.parent / (REFUSED if reason else DONE)
    names = (place / f"{number}-{path.name}" for number in count(2))
    target = place / path.name
    while target.exists():
        target = next(names)
    try:
        if reason:
            target.with_name(target.name + REASON).write_text(f"{reason}\n", encoding="utf-8")
            log.warning("statement_refused", file=path.name, reason=reason)
        path.rename(target)
    except FileNotFoundError:  # another daemon on the same folder was faster
        return False
    except OSError as error:
        log.error("statement_not_moved", file=path.name, error=str(error))
        return False
    return True
