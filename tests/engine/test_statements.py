"""The folder of bank statements on both databases: each whole file once, put away with what became of it."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.config.settings import Creditor, Intake, Sections, Settings
from contactd.domain.errors import StoreError
from contactd.engine.debt import statements
from contactd.engine.debt.statements import StatementFolder
from contactd.intake.accept import accept_accounts
from contactd.intake.banking import Told
from contactd.store.database import Database
from contactd.store.schema import account, import_run, payment
from tests.clock import HandClock
from tests.fakes.bank import OWN, Account, Booking, Payment, camt, mt940

PAID = Account([Booking((Payment(4_000, ("RE-2026-0001",), bank_ref="A1"),), bank_ref="A1")])
OTHER = Account([Booking((Payment(500, ("x",), bank_ref="B1"),), bank_ref="B1")])
AGAIN = "the other statements of it were taken; sending all of it again doubles nothing"
TORN = Account([Booking((Payment(500, ("x",), bank_ref="B1"),), bank_ref="B1")], number="torn", closing=1)


class Desk:
    """A daemon's folder, and who owes."""

    def __init__(self, database: Database, state: Path) -> None:
        sections = Sections(intake=Intake(statements="bank"), creditors={"acme": Creditor(iban=OWN)})
        self.settings = Settings.of(sections, state / "contactd.toml")
        self.database = database
        self.folder = state / "bank"
        self.woken = asyncio.Event()
        self.clock = clock = HandClock()
        self.watch = StatementFolder(database, clock, lambda: self.settings, self._wake)
        row = {
            "creditor": "acme", "account_no": "KD-1", "name": "Erika Beispiel", "invoice_no": "RE-2026-0001",
            "invoice_date": "2026-01-01", "due_date": "2026-02-01", "amount": "100.00",
        }  # fmt: skip
        accept_accounts(database, [row], now=clock.now)
        self.watch.look()  # makes the folders

    def _wake(self) -> None:
        self.woken.set()

    def put(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def rest(self) -> int:
        """Let what lies there rest, as the folder sees it; answers how many files were read then."""
        assert self.watch.look() == 0
        self.clock.advance(30)
        return self.watch.look()

    def lying(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def open(self) -> int:
        with self.database.snapshot() as connection:
            return int(connection.scalar(sa.select(account.c.open)) or 0)

    def payments(self) -> int:
        with self.database.snapshot() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(payment)) or 0)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def test_a_whole_file_is_read_once_and_put_away(desk: Desk) -> None:
    desk.put("day.xml", camt([PAID]))
    assert (desk.watch.look(), desk.lying()) == (0, ["day.xml"])  # it may still grow
    desk.clock.advance(29)
    assert (desk.watch.look(), desk.lying()) == (0, ["day.xml"])
    desk.clock.advance(1)
    assert (desk.watch.look(), desk.lying()) == (1, ["done/day.xml"])
    assert desk.watch.look() == 0
    assert desk.open() == 6_000
    with desk.database.snapshot() as connection:
        assert connection.scalar(sa.select(import_run.c.source).order_by(import_run.c.id.desc())) == "folder:day.xml"


def test_the_same_file_again_changes_nothing_and_keeps_both_files(desk: Desk) -> None:
    for _ in range(2):
        desk.put("day.xml", camt([PAID]))
        desk.rest()
    assert (desk.open(), desk.lying()) == (6_000, ["done/2-day.xml", "done/day.xml"])
    with desk.database.snapshot() as connection:
        kinds = list(connection.scalars(sa.select(import_run.c.kind).order_by(import_run.c.id)))
    assert kinds[-2:] == ["payments", "some_payments"]  # and makes what is known no fresher


def test_a_file_that_grows_is_left_alone(desk: Desk) -> None:
    whole = camt([PAID])
    for end in (100, 200, len(whole)):
        desk.put("day.xml", whole[:end])
        assert desk.watch.look() == 0
        desk.clock.advance(29)
        assert desk.watch.look() == 0
    desk.clock.advance(1)
    assert desk.watch.look() == 1
    assert desk.lying() == ["done/day.xml"]


@pytest.mark.parametrize("name", [".day.xml", "day.xml.part", "day.TMP"])
def test_what_is_called_unfinished_is_left_alone(desk: Desk, name: str) -> None:
    path = desk.put(name, camt([PAID]))
    assert [desk.rest() for _ in range(3)] == [0, 0, 0]
    path.rename(desk.folder / "day.xml")
    assert desk.rest() == 1


def test_a_file_that_is_no_statement_is_refused_with_the_reason(desk: Desk) -> None:
    desk.put("notes.txt", "hello")
    assert desk.rest() == 1
    assert desk.lying() == ["refused/notes.txt", "refused/notes.txt.reason.txt"]
    reason = (desk.folder / "refused" / "notes.txt.reason.txt").read_text()
    assert reason == "is neither CAMT (XML) nor MT940; export camt.053 from the bank\n"


def test_of_a_file_that_is_good_in_part_the_rest_is_told(desk: Desk) -> None:
    desk.put("day.xml", camt([PAID, TORN]))
    desk.rest()
    reason = (desk.folder / "refused" / "day.xml.reason.txt").read_text()
    assert reason.startswith(f'{AGAIN}\nline 11: statement "torn"')
    assert desk.open() == 6_000


def test_while_the_store_is_away_the_file_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.put("day.xml", camt([PAID]))
    desk.watch.look()
    desk.clock.advance(30)
    take = statements.take_statements

    def away(*_: object) -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(statements, "take_statements", away)
    assert (desk.watch.look(), desk.lying()) == (0, ["day.xml"])
    monkeypatch.setattr(statements, "take_statements", take)
    assert (desk.watch.look(), desk.lying()) == (1, ["done/day.xml"])


def test_a_file_that_breaks_contactd_is_kept_and_the_others_are_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = statements.take_statements

    def broken(database: Database, settings: Settings, clock: HandClock, path: Path, source: str) -> object:
        if path.name == "a.xml":
            raise ZeroDivisionError
        return take(database, settings, clock, path, source)

    monkeypatch.setattr(statements, "take_statements", broken)
    desk.put("a.xml", camt([PAID]))
    desk.put("b.sta", mt940([]))
    assert desk.rest() == 2
    assert desk.lying() == ["done/b.sta", "refused/a.xml", "refused/a.xml.reason.txt"]


FIRST = mt940([":61:2603020302C10,00NTRFNONREF//A0", ":86:166?20x?32Erika"], closing="C260302EUR1010,00")
SECOND = mt940(
    [":61:2603020302C40,00NTRFNONREF//A1", ":86:166?20RE-2026-0001?32Erika"],
    closing="C260302EUR1040,00", number="6/1",
)  # fmt: skip


def test_an_upload_that_stalls_between_two_statements_is_read_whole(desk: Desk) -> None:
    with desk.put("day.sta", FIRST).open("a", newline="") as upload:
        for _ in range(4):
            assert desk.watch.look() == 0
            desk.clock.advance(5)
        upload.write(SECOND)
    assert desk.rest() == 1
    assert (desk.lying(), desk.open(), desk.payments()) == (["done/day.sta"], 6_000, 2)


def test_an_upload_that_stalls_until_its_beginning_was_read_is_read_again_whole(desk: Desk) -> None:
    path = desk.put("day.sta", FIRST)
    with path.open("a", newline="") as upload:
        assert desk.rest() == 1
        assert (desk.lying(), desk.payments()) == (["done/day.sta"], 1)
        upload.write(SECOND)  # the file that is in done/ by now grows
    assert desk.rest() == 1
    assert (desk.lying(), desk.open(), desk.payments()) == (["done/day.sta"], 6_000, 2)
    assert desk.rest() == 0


def test_the_rest_of_a_refused_file_brings_it_back_without_the_reason(desk: Desk) -> None:
    whole = camt([PAID])
    path = desk.put("day.xml", whole[:-40])
    with path.open("a", newline="") as upload:
        assert desk.rest() == 1
        assert desk.lying() == ["refused/day.xml", "refused/day.xml.reason.txt"]
        upload.write(whole[-40:])
    assert desk.rest() == 1
    assert (desk.lying(), desk.open()) == (["done/day.xml"], 6_000)


def test_a_file_that_grew_takes_no_others_name(desk: Desk) -> None:
    path = desk.put("day.sta", FIRST)
    with path.open("a", newline="") as upload:
        desk.rest()
        upload.write(SECOND)
    desk.put("day.sta", mt940([]))
    assert desk.rest() == 2
    assert (desk.lying(), desk.payments()) == (["done/2-day.sta", "done/day.sta"], 2)


def test_a_rest_that_comes_as_a_file_of_its_own_is_read_and_the_whole_file_doubles_nothing(desk: Desk) -> None:
    for name, text in (("day.sta", FIRST), ("rest.sta", SECOND), ("again.sta", FIRST + SECOND)):
        desk.put(name, text)
        assert desk.rest() == 1
    assert (desk.open(), desk.payments()) == (6_000, 2)


def test_after_a_day_what_was_put_away_is_looked_at_no_more(desk: Desk) -> None:
    path = desk.put("day.sta", FIRST)
    with path.open("a", newline="") as upload:
        desk.rest()
        desk.clock.advance(86_401)
        desk.watch.look()
        upload.write(SECOND)
    assert desk.rest() == 0
    assert desk.lying() == ["done/day.sta"]


@pytest.mark.parametrize("text", [camt([OTHER]), "hello"])
@pytest.mark.parametrize("moved_there", [True, False])
def test_what_came_while_a_file_was_read_is_read_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str, *, moved_there: bool
) -> None:
    path = desk.put("statement.xml", text)
    take = statements.take_statements

    def slowly(*given: Any) -> Told:  # noqa: ANN401 - as it is
        try:
            return take(*given)
        finally:
            before = path.stat()
            if moved_there:  # of the same size and time, even
                desk.put(".next", camt([PAID])).rename(path)
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            else:
                desk.put("statement.xml", camt([PAID]))

    with monkeypatch.context() as patch:
        patch.setattr(statements, "take_statements", slowly)
        desk.rest()
    assert desk.lying() == ["statement.xml"]
    assert desk.rest() == 1
    assert (desk.lying(), desk.open()) == (["done/statement.xml"], 6_000)


@pytest.mark.parametrize(("text", "place"), [(camt([PAID]), "done"), (mt940([]), "done"), ("hello", "refused")])
def test_a_name_that_is_no_utf_8_is_read_like_any_other(desk: Desk, text: str, place: str) -> None:
    desk.put(os.fsdecode(b"M\xe4rz.xml"), text)
    assert desk.rest() == 1
    assert os.fsdecode(b"M\xe4rz.xml") in {path.name for path in (desk.folder / place).iterdir()}
    assert desk.open() == (6_000 if "A1" in text else 10_000)
    if place == "done":
        with desk.database.snapshot() as connection:
            newest = connection.scalar(sa.select(import_run.c.source).order_by(import_run.c.id.desc()))
        assert newest == "folder:M\N{REPLACEMENT CHARACTER}rz.xml"


def test_a_folder_that_cannot_be_used_stops_nothing(desk: Desk) -> None:
    desk.folder.rename(desk.folder.with_name("away"))
    desk.folder.write_text("in the way")
    assert desk.watch.look() == 0


async def test_whoever_waits_for_money_is_woken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "_LOOK_EVERY", 0.01)
    monkeypatch.setattr(statements, "_REST", timedelta())
    desk.put("day.xml", camt([PAID]))
    running = asyncio.create_task(desk.watch.run())
    async with asyncio.timeout(30):
        await desk.woken.wait()
    running.cancel()
    assert desk.payments() == 1


async def test_without_a_folder_none_is_made(database: Database, tmp_path: Path) -> None:
    settings = Settings.of(Sections(), tmp_path / "contactd.toml")
    watch = StatementFolder(database, HandClock(), lambda: settings, lambda: None)
    running = asyncio.create_task(watch.run())
    await asyncio.sleep(0.05)
    running.cancel()
    assert not (tmp_path / "done").exists()
