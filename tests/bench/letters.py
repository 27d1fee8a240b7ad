"""Letters through the whole path of one process: claim, rules, intent, GiroCode, typst, archive, outbox, durable log.

It is the daemon itself that works, on SQLite. The reference is typst alone: a compiler that is made once sets the same
template with as many letters, in one thread, and nothing is written to disk.
"""

import asyncio
import csv
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa
import typst

from contactd import logs
from contactd.channels.base import Notice
from contactd.channels.letter_spool import LIST
from contactd.channels.letterpress import LetterPress, paper_of
from contactd.channels.proof import samples
from contactd.channels.sheet import sheet
from contactd.cli.running import fast_loop, settle
from contactd.clock import SystemClock
from contactd.config.settings import Settings
from contactd.config.shipped import defaults_directory
from contactd.daemon import Daemon
from contactd.domain.happened import AttemptMoved
from contactd.domain.money import Money
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store.database import Database
from contactd.store.schema import contact_log
from tests.bench.figures import Figure, Watch, configured, folder, main, peak_mb, sqlite

_LETTERS = 2_000
_ALONE = 300
_TEXT = """
[daemon]
name = "bench"
[logging]
level = "warning"
[web]
port = 0
[operator]
name = "Musterwerke GmbH"
street = "Beispielweg 1"
postcode = "00001"
city = "Musterstadt"
email = "service@musterwerke.example"
phone = "030 23125 100"
contact_person = "Frau Beispiel"
[creditors.musterwerke]
name = "Musterwerke GmbH"
iban = "DE02120300000000202051"
[letters]
backend = "spool"
"""
_CAMPAIGN = """
id = "mail"
language = "de"
timezone = "Europe/Berlin"
[[step]]
id = "notice"
day = 7
channel = "letter"
template = "mahnung"
deadline = "10 days"
postage = "3 days"
"""


def run(scale: float) -> list[Figure]:
    """Send, then let typst set as many letters alone."""
    letters = int(_LETTERS * scale)
    with folder() as directory, sqlite(directory) as database:
        settings = configured(directory, _TEXT, campaign=_CAMPAIGN)
        clock = SystemClock()
        accept_accounts(database, list(_rows(letters, clock.now())), now=clock.now)
        accept_payments(database, [], now=clock.now)
        Planner(database, Book(settings.campaigns, settings.policies), horizon=timedelta(days=1)).plan(
            "mail", clock.now()
        )
        peaks: list[float] = []
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            settle()
            seconds, busy = runner.run(_send(settings, letters, peaks))
        _check(database, settings.letters_directory, letters)
        alone = _Alone(settings)
        bare = Watch(alone.work)
        pressed = Watch(alone.press)
    each = 1_000 / letters
    typst_alone, with_data = (one.cpu / _ALONE * 1e3 for one in (bare, pressed))
    notes = [
        f"processor ms a letter: whole path {busy * each:.1f}, typst {typst_alone:.1f}, with GiroCode {with_data:.1f}",
        f"peak of memory after each quarter of them: {', '.join(f'{one:.0f}' for one in peaks)} MB",
        f"{alone.size / 1000:.0f} kB a letter; every PDF was compared with the SHA-256 in the contact log",
    ]
    return [
        Figure(
            f"letters, whole path, SQLite: {letters:,} letters", letters / seconds, "letter/s",
            f"typst alone, one thread, {_ALONE} letters", _ALONE / bare.seconds, ">= 50/s, ratio >= 0.5", notes=notes,
        )
    ]  # fmt: skip


def _rows(accounts: int, now: datetime) -> Iterator[dict[str, str]]:
    """Make up accounts with three overdue invoices each."""
    due, invoiced = (str((now - timedelta(days=days)).date()) for days in (20, 40))
    for number in range(accounts):
        for place in range(3):
            yield {
                "account_no": str(number), "creditor": "musterwerke", "name": f"Jörg Grünspecht {number}",
                "kind": "consumer", "language": "de", "timezone": "Europe/Berlin", "country": "DE",
                "street": f"Beispielweg {number}", "postcode": f"00{number % 1000:03}", "city": "Musterstadt",
                "invoice_no": f"R{number}-{place}", "invoice_date": invoiced, "due_date": due, "currency": "EUR",
                "amount": f"{100 + number % 900}.50", "open": f"{100 + number % 900}.50",
            }  # fmt: skip


async def _send(settings: Settings, letters: int, peaks: list[float]) -> tuple[float, float]:
    """Run the daemon until every letter is accepted; answers seconds and processor seconds."""
    logs.set_up("warning", "json", stream=sys.stderr)
    daemon = Daemon(settings, path=None, clock=SystemClock())
    finished = asyncio.Event()
    sent = 0

    def hear(event: object) -> None:
        nonlocal sent
        sent += isinstance(event, AttemptMoved)
        if sent * 4 >= letters * (len(peaks) + 1):
            peaks.append(peak_mb())
        if sent == letters:
            finished.set()

    daemon.bus.listen(hear)
    running = asyncio.create_task(daemon.run())
    await daemon.ready.wait()
    began, before = time.perf_counter(), time.process_time()
    await finished.wait()
    spent = time.perf_counter() - began, time.process_time() - before
    daemon.stop()
    await running
    return spent


def _check(database: Database, place: Path, letters: int) -> None:
    """See that every letter is there once, and is the one the contact log names."""
    with database.snapshot() as connection:
        logged = connection.scalars(sa.select(contact_log.c.details).where(contact_log.c.event == "accepted")).all()
    days = list((place / "outbox").iterdir())
    listed = [row for day in days for row in csv.DictReader((day / LIST).open(encoding="utf-8"))]
    kept = {one["file"]: sha256((place / "archive" / one["file"]).read_bytes()).hexdigest() for one in logged}
    printed = [path for day in days for path in day.glob("*.pdf")]
    if (
        kept != {one["file"]: one["sha256"] for one in logged}
        or not len(listed) == len(printed) == len(kept) == letters
    ):
        raise AssertionError(f"{letters} letters, {len(kept)} kept, {len(listed)} listed, {len(printed)} to print")


class _Alone:
    """Sets letters to customers of whom no two are the same, by typst alone and as the daemon does."""

    def __init__(self, settings: Settings) -> None:
        self._notices = [_another(next(samples("de"))[1], number) for number in range(_ALONE)]
        self._own = LetterPress(settings.template_directories, paper_of(settings))
        shipped = defaults_directory() / "templates" / "letter"
        files = {path.name: path.read_bytes() for path in shipped.glob("*.t*")}
        self._files = {**files, "main.typ": files["mahnung.de.typ"]}
        told = [sheet(one, "de", form="B", return_address="", home="DE") | {"words": "de"} for one in self._notices]
        self._data = [json.dumps(one).encode() for one in told]
        self._compiler = typst.Compiler(
            font_paths=[str(shipped / "fonts")], ignore_system_fonts=True, root=str(shipped)
        )
        self.size = 0

    def work(self) -> None:
        """Compile one after the other, all of them ready."""
        for data in self._data:
            made = self._compiler.compile(
                {**self._files, "data.json": data},  # type: ignore[type-var] # a dict is taken; the stub says no
                format="pdf", pdf_standards=["a-3b"], timestamp=0,
            )  # fmt: skip
            assert isinstance(made, bytes)
            self.size = len(made)

    def press(self) -> None:
        """Do the same with all that belongs to it."""
        for one in self._notices:
            self._own.press("mahnung", "de", one)


def _another(notice: Notice, number: int) -> Notice:
    invoices = [
        replace(one, number=f"R{number}-{place}", amount=Money(one.amount.minor + number, one.amount.currency))
        for place, one in enumerate(notice.invoices)
    ]
    return replace(
        notice, number=f"4711-{number:04}", name=f"Jörg Grünspecht {number}", street=f"Beispielweg {number}",
        reference=f"MA-2026-{number:05}", total=Money(notice.total.minor + number, "EUR"), invoices=tuple(invoices),
    )  # fmt: skip


if __name__ == "__main__":
    main(run)
