"""What the benchmarks have in common: a figure with its reference and target, and a place of their own to work in.

A benchmark is a module with `run(scale) -> list[Figure]`; run.py starts each in a process of its own, so that the peak
of memory is its alone. Figures are printed and never asserted: they belong to the machine they were measured on.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from contactd.config.load import load
from contactd.config.settings import Settings
from contactd.store.database import Database, open_database
from contactd.store.migrate import upgrade
from tests.databases import PostgresServer, find_server_programs

QUICK = 0.1  # the share of the full size that --quick measures
_CAMPAIGN = """
id = "mail"
language = "de"
timezone = "Europe/Berlin"
[limits]
contacts_per_week = 2
[[step]]
id = "reminder"
day = 7
channel = "email"
template = "erinnerung"
"""


@dataclass
class Figure:
    """One measurement beside its reference of the same run; `notes` say where the time goes."""

    what: str
    value: float
    unit: str
    reference: str
    reference_value: float
    target: str
    peak_mb: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Answer how many times the reference the figure is; both have the same unit."""
        return self.value / self.reference_value if self.reference_value else 0.0


R = TypeVar("R")


class Watch(Generic[R]):
    """Runs things and keeps the seconds they took; processor seconds are less disturbed by a busy machine."""

    def __init__(self, work: Callable[[], R]) -> None:
        began, before = time.perf_counter(), time.process_time()
        self.answer = work()
        self.seconds = time.perf_counter() - began
        self.cpu = time.process_time() - before


def peak_mb() -> float:
    """Answer the most memory this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder that other users reach, and remove it again."""
    path = Path(tempfile.mkdtemp(prefix="contactd-bench-"))
    try:
        path.chmod(0o755)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def configured(directory: Path, text: str = "", campaign: str = _CAMPAIGN) -> Settings:
    """Write a configuration with one campaign, of one e-mail unless another is given, and load it."""
    (directory / "campaigns.d").mkdir()
    (directory / "campaigns.d" / "mail.toml").write_text(campaign)
    (directory / "contactd.toml").write_text(text)
    return load(directory / "contactd.toml")


@contextmanager
def sqlite(directory: Path) -> Iterator[Database]:
    """Open a new migrated SQLite database."""
    database = open_database(f"sqlite:///{directory / 'contactd.db'}")
    try:
        upgrade(database)
        yield database
    finally:
        database.close()


@contextmanager
def postgresql() -> Iterator[Database | None]:
    """Open a new migrated database on a durable PostgreSQL server of our own; None where none is installed.

    Its memory is what the manual asks for on a machine of 2 GB.
    """
    programs = find_server_programs()
    if programs is None:
        yield None
        return
    with folder() as directory:
        place = directory / "pg"
        place.mkdir()
        server = PostgresServer(
            programs, place, fsync=True, settings={"max_wal_size": "4GB", "shared_buffers": "512MB"}
        )
        server.create()
        server.start()
        try:
            database = open_database(server.create_database("contactd"))
            upgrade(database)
            yield database
            database.close()
        finally:
            server.stop()


def databases(closing: ExitStack) -> Iterator[tuple[str, Database]]:
    """Open a new database of each kind that is there, by name."""
    yield "SQLite", closing.enter_context(sqlite(closing.enter_context(folder())))
    server = closing.enter_context(postgresql())
    if server is not None:
        yield "PostgreSQL", server


def main(run: Callable[..., list[Figure]], scenes: Iterable[str] = ()) -> None:
    """Measure, and hand the figures to run.py as one line of JSON; `run` is told the size, and which scenes if not all.

    Call a benchmark as `python -m tests.bench.NAME [--scale 0.1] [--only SCENE]`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    if scenes:
        parser.add_argument("--only", choices=list(scenes), action="append", help="only this; may be given again")
    asked = parser.parse_args()
    figures = run(asked.scale, *(asked.only or ())) if scenes else run(asked.scale)
    for figure in figures:
        figure.peak_mb = figure.peak_mb or peak_mb()
    sys.stdout.write(f"{json.dumps([asdict(figure) for figure in figures])}\n")
    sys.stdout.flush()
    if any(figure.notes for figure in figures) and os.isatty(sys.stdout.fileno()):
        for figure in figures:
            print("\n".join(figure.notes), file=sys.stderr)
