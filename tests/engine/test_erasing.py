"""Who may be erased is, everywhere and for good; who may not is told why; the chain holds either way."""

import asyncio
import csv
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from contactd.channels.base import Letter
from contactd.channels.letter_archive import Archive
from contactd.channels.letter_spool import LIST, Outbox
from contactd.config.load import load
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.errors import InputError, StoreConflict
from contactd.engine.records import evidence
from contactd.engine.records.custody import Custody
from contactd.engine.records.erasing import Erased, NotErasable, Order, delete_letters, erase
from contactd.engine.records.evidence import seal_now
from contactd.engine.records.retention import due_entries, erase_entries
from contactd.intake.accept import Options
from contactd.intake.files import import_file
from contactd.intake.profile import own
from contactd.store import accounts, attempts, contact_log, inbox, requests, schema, suppressions
from contactd.store.columns import metadata
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.personal import ERASED
from contactd.store.suppressions import NewSuppression
from tests.clock import HandClock
from tests.store.seed import NOW, add_account, add_invoice, new_attempt, send

LATER = datetime(2036, 1, 1, 12, tzinfo=UTC)  # all of 2026 has been kept long enough
DAY = "2026-03-02"
ASKED = Order("kim", "asked for it")
PAID: dict[str, Any] = {"open": 0, "oldest_due": None}
TRACES = ("Debtor 1", "debtor1@", "4917604069001", "the words", "one tap", "DE00TEST")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "contactd.toml").write_text("")
    return load(tmp_path / "contactd.toml", campaigns=False)


@pytest.fixture
def known(database: Database, settings: Settings) -> Database:
    """Keep of account K-1, which owes nothing any more, one of everything; K-2 is somebody else."""
    with database.transaction() as connection:
        for number in (1, 2):
            add_account(connection, number, street="Teststr. 1", birth_date=date(1990, 1, 1), **PAID)
            add_invoice(connection, number, f"R-{number}", open=0, imported_open=0, goods="one tap", cleared_at=NOW)
        paid = {"account_id": 1, "creditor": "acme", "account_no": "K-1", "amount": 10_000, "currency": "EUR"}
        paid |= {"value_date": NOW.date(), "payer": "Debtor 1", "iban": "DE00TEST", "fingerprint": "f"}
        connection.execute(sa.insert(schema.payment).values(**paid, received_at=NOW))
        attempts.plan(connection, [new_attempt(1)])
        send(connection, Event.BEGUN, Event.TAKEN, Event.CONFIRMED, outcome="delivered")
        entry = {"account_id": 1, "at": NOW, "event": "received", "address": "+4917604069001"}
        letter = {"file": "2026-03-02/1-1.pdf", "sha256": "00", "text": "the words"}
        contact_log.add(connection, [entry | {"details": letter}])
        message = {"from": "+4917604069001", "body": "the words"}
        inbox.receive(connection, [inbox.Event("twilio_message", "t", message, NOW, NOW)])
        stop = NewSuppression("email", "debtor1@example.com", Channel.EMAIL, "opted_out", "unsubscribe", NOW)
        suppressions.add(connection, [stop])
    folder = settings.letters_directory / "archive" / "2026-03-02"
    folder.mkdir(parents=True)
    (folder / "1-1.pdf").write_text("%PDF")
    seal_now(database, lambda: NOW)
    return database


def erased(database: Database, settings: Settings, order: Order = ASKED, now: datetime = LATER) -> Erased:
    """Erase account K-1."""
    with database.transaction() as connection:
        done = erase(connection, [1], order, settings, now)
    delete_letters(settings, done.letters)
    return done


def everything(database: Database) -> str:
    """Write out all tables."""
    with database.snapshot() as connection:
        return "\n".join(
            f"{table.name} {tuple(row)}"
            for table in metadata.sorted_tables
            for row in connection.execute(sa.select(table))
        )


def sound(database: Database) -> bool:
    """Walk the chain."""
    with database.snapshot() as connection:
        return evidence.verify(connection).sound


def test_nothing_is_left_of_who_it_was_but_the_books_and_the_chain(known: Database, settings: Settings) -> None:
    assert [trace for trace in TRACES if trace not in everything(known)] == []
    done = erased(known, settings)
    left = everything(known)
    assert [trace for trace in TRACES if trace in left and trace != "one tap"] == []
    assert left.count("one tap") == 1
    assert done.letters == ["2026-03-02/1-1.pdf"]
    assert not list(settings.letters_directory.rglob("*.pdf"))
    assert sound(known)
    with known.snapshot() as connection:
        amounts = connection.execute(sa.select(schema.payment.c.amount, schema.payment.c.account_no)).one()
        [entry] = contact_log.read(connection, account_no="K-1")
    assert tuple(amounts) == (10_000, "K-1")
    assert (entry.event, entry.reason, entry.details["by"]) == ("erased", "asked for it", "kim")
    assert entry.details["entries"] == done.entries


def test_no_file_beside_the_letters_names_who_was_erased(known: Database, settings: Settings) -> None:
    folder, other = settings.letters_directory, "Debtor 2, Sohn & Co"
    archive = Archive(folder / "archive")
    outbox = Outbox(folder / "outbox", archive)
    outbox.ready()
    (folder / "archive" / DAY / "1-1.pdf").unlink()
    for reference, name in (("1-1", "Debtor 1"), ("2-1", other), ("1-2", "Debtor 1")):
        letter = Letter(pdf=lambda: b"%PDF", name=name, postcode="00001", city="Musterstadt")
        kept = archive.keep(reference, datetime(2026, 3, 2, 12, tzinfo=UTC), b"%PDF")
        outbox.prepare(kept, letter)
        outbox.give(kept)
        archive.done(kept)
    outbox.tidy()
    lists = [folder / box / DAY / LIST for box in ("archive", "outbox")]
    before = [path.read_text(encoding="utf-8") for path in lists]
    assert all(told.count("Debtor 1") == 2 for told in before)
    erased(known, settings)
    delete_letters(settings, [f"{DAY}/1-2.pdf", "2020-01-01/none.pdf"])
    for path, told in zip(lists, before, strict=True):
        left = path.read_text(encoding="utf-8")
        assert ("Debtor 1" in left, other in left, len(left)) == (False, True, len(told))
    assert [path.name for path in sorted(folder.rglob("*.pdf"))] == ["2-1.pdf", "2-1.pdf"]
    (folder / "outbox" / DAY / "2-1.pdf").unlink()
    kept = archive.keep("3-1", datetime(2026, 3, 2, 12, tzinfo=UTC), b"%PDF")  # the lists are written on
    outbox.prepare(kept, Letter(pdf=lambda: b"%PDF", name="Debtor 3", postcode="", city=""))
    outbox.give(kept)
    outbox.tidy()
    assert [row["name"] for row in csv.DictReader(lists[1].read_text().splitlines())] == ["Debtor 3"]


def test_a_list_that_cannot_be_written_is_told_and_stops_nothing(known: Database, settings: Settings) -> None:
    (settings.letters_directory / "outbox" / DAY / LIST).mkdir(parents=True)
    with capture_logs() as said:
        erased(known, settings)
    assert [(line["event"], line["log_level"]) for line in said] == [("letter_not_struck_out", "warning")]
    assert not list(settings.letters_directory.rglob("*.pdf"))


def test_an_answer_that_was_kept_for_a_repeated_request_goes_too(known: Database, settings: Settings) -> None:
    asked = requests.Asked("api:crm", "5f1c", "digest", NOW)
    other = requests.Asked("api:crm", "77aa", "digest", NOW)
    with known.transaction() as connection:
        for one, number in ((asked, 1), (other, 2)):
            told = requests.Told({"name": f"Debtor {number}"}, number)
            assert requests.once(connection, one, iter([told]).__next__) == told.answer
    erased(known, settings)
    assert "Debtor 1" not in everything(known)
    with known.transaction() as connection:
        with pytest.raises(InputError, match="was erased since; nothing was done again"):
            requests.once(connection, asked, lambda: requests.Told("again", 1))
        assert requests.once(connection, other, lambda: requests.Told("again", 2)) == {"name": "Debtor 2"}


def test_nobody_else_is_touched(known: Database, settings: Settings) -> None:
    chosen = sa.select(schema.account).where(schema.account.c.id == 2)
    with known.snapshot() as connection:
        before = tuple(connection.execute(chosen).one())
    erased(known, settings)
    with known.snapshot() as connection:
        assert tuple(connection.execute(chosen).one()) == before


@pytest.mark.parametrize(
    ("table", "values", "reason"),
    [
        ("account", {"open": 1_050}, "account K-1 owes 10.50 EUR"),
        ("account", {"credit": 1}, "has a credit of 0.01 EUR"),
        ("account", {"disputed": True}, "has an invoice in dispute"),
        ("attempt", {"state": "unclear"}, r"attempt \d+ \(email\) is unclear"),
        ("attempt", {"state": "accepted", "channel": "call", "ended_at": None}, r"attempt \d+ \(call\) is accepted"),
    ],
)
def test_whoever_owes_or_is_being_contacted_is_not_erased(
    known: Database, settings: Settings, table: str, values: Mapping[str, Any], reason: str
) -> None:
    with known.transaction() as connection:
        of = metadata.tables[table]
        mine = of.c["account_id" if table == "attempt" else "id"] == 1
        connection.execute(sa.update(of).where(mine).values(values))
    for order in (ASKED, Order("kim", "asked", restrict=True)):
        with pytest.raises(NotErasable, match=reason) as refused:
            erased(known, settings, order)
        assert not refused.value.only_kept
    assert "Debtor 1" in everything(known)


def test_an_agreement_that_is_alive_stands_against_it(known: Database, settings: Settings) -> None:
    row = {"account_id": 1, "kind": "promise", "state": "open", "made_at": NOW}
    with known.transaction() as connection:
        connection.execute(sa.insert(schema.agreement).values(row))
    with pytest.raises(NotErasable, match=r"agreement \d+ \(promise\) is open"):
        erased(known, settings)


def test_an_open_task_stands_against_it_and_one_that_ended_does_not(known: Database, settings: Settings) -> None:
    tasks = metadata.tables["task"]
    row = {"account_id": 1, "kind": "meeting", "note": "see Debtor 1", "due_on": NOW.date(), "opened_at": NOW}
    with known.transaction() as connection:
        connection.execute(sa.insert(tasks).values(row))
    for order in (ASKED, Order("kim", "asked", restrict=True)):
        with pytest.raises(NotErasable, match=r"task \d+ \(meeting\) is open: end it first") as refused:
            erased(known, settings, order)
        assert not refused.value.only_kept
    with known.transaction() as connection:
        connection.execute(sa.update(tasks).values(state="done", outcome="Debtor 1 was there"))
    erased(known, settings)
    assert "Debtor 1" not in everything(known)


def test_why_somebody_was_left_out_of_a_run_is_erased_and_they_stay_out(known: Database, settings: Settings) -> None:
    lines = metadata.tables["proposal_line"]
    line = {"account_id": 1, "customer_id": 1, "case_no": 1, "try_no": 1, "not_before": NOW, "planned_at": NOW}
    with known.transaction() as connection:
        for run, dropped in ((1, "Debtor 1 is in hospital"), (2, "")):
            connection.execute(sa.insert(lines).values(line | {"batch_id": run, "overdue": 1, "dropped": dropped}))
    erased(known, settings)
    with known.snapshot() as connection:
        said = list(connection.scalars(sa.select(lines.c.dropped).order_by(lines.c.batch_id)))
    assert said == [ERASED, ""]


@pytest.mark.parametrize(
    ("year", "kept"), [(2026, ["2032-12-31", "2034-12-31"]), (2033, ["2034-12-31"]), (2034, ["2034-12-31"]), (2035, [])]
)
def test_what_the_law_asks_to_keep_is_kept_to_the_end_of_its_last_year(
    known: Database, settings: Settings, year: int, kept: list[str]
) -> None:
    now = datetime(year, 12, 30, 12, tzinfo=UTC)
    if not kept:
        erased(known, settings, now=now)
        return
    with pytest.raises(NotErasable) as refused:
        erased(known, settings, now=now)
    assert refused.value.only_kept
    assert [day for day in ("2032-12-31", "2034-12-31") if day in str(refused.value)] == kept


def test_what_nobody_must_keep_can_go_at_once(known: Database, settings: Settings) -> None:
    erased(known, settings, Order("kim", "asked", restrict=True), NOW)
    with known.snapshot() as connection:
        row = connection.execute(sa.select(schema.account).where(schema.account.c.id == 1)).one()
    assert (row.name, row.street, row.email, row.mobile, row.birth_date) == ("Debtor 1", "Teststr. 1", "", "", None)
    assert sound(known)


def test_a_wish_is_hashed_when_the_address_goes_and_comes_back_with_it(
    known: Database, settings: Settings, tmp_path: Path
) -> None:
    erased(known, settings, Order("kim", "asked", restrict=True), NOW)
    assert wished(known) == ["email#"]
    seal_now(known, lambda: NOW)
    erased(known, settings)
    assert [trace for trace in TRACES if trace in everything(known) and trace != "one tap"] == []
    imported(known, tmp_path, "acme,K-1,Debtor 1,debtor1@example.com,R-9,2035-12-01,2035-12-15,50.00,50.00\n")
    assert wished(known) == ["email debtor1@example.com"]


@pytest.mark.parametrize("restricted_first", [False, True])
def test_a_wish_about_an_address_somebody_had_before_is_hashed_too(
    known: Database, settings: Settings, *, restricted_first: bool
) -> None:
    with known.transaction() as connection:
        connection.execute(sa.update(schema.attempt).values(address="old@example.com"))
        suppressions.add(
            connection,
            [NewSuppression("email", "old@example.com", Channel.EMAIL, "opted_out", "unsubscribe", NOW),
             NewSuppression("number", "+4917604069001", None, "undeliverable", "carrier", NOW)],
        )  # fmt: skip
    seal_now(known, lambda: NOW)
    if restricted_first:
        erased(known, settings, Order("kim", "asked", restrict=True), NOW)
        seal_now(known, lambda: NOW)
    erased(known, settings)
    assert wished(known) == ["email#", "email#"]
    assert "old@" not in everything(known)


def test_a_former_address_that_is_somebody_elses_by_now_stays_theirs(known: Database, settings: Settings) -> None:
    with known.transaction() as connection:
        connection.execute(sa.update(schema.attempt).values(address="debtor2@example.com"))
        stop = NewSuppression("email", "debtor2@example.com", Channel.EMAIL, "opted_out", "unsubscribe", NOW)
        suppressions.add(connection, [stop])
        message = {"from": "debtor2@example.com", "body": "theirs"}
        inbox.receive(connection, [inbox.Event("mail", "t2", message, NOW, NOW)])
    erased(known, settings)
    assert wished(known) == ["email debtor2@example.com", "email#"]
    assert "theirs" in everything(known)


def wished(database: Database) -> list[str]:
    """List what is not to be contacted, without the hashes."""
    with database.snapshot() as connection:
        rows = connection.execute(sa.select(schema.suppression)).all()
    return sorted(row.kind if row.kind.endswith("#") else f"{row.kind} {row.value}" for row in rows)


def test_an_entry_that_is_not_sealed_yet_is_waited_for(known: Database, settings: Settings) -> None:
    with known.transaction() as connection:
        contact_log.add(connection, [{"account_id": 1, "at": NOW, "event": "sending"}])
    with pytest.raises(StoreConflict, match="not sealed yet"):
        erased(known, settings)


HEADER = "creditor,account_no,name,email,invoice_no,invoice_date,due_date,amount,open\n"


def imported(database: Database, folder: Path, line: str) -> Any:  # noqa: ANN401 -- a row of accounts
    """Import a list of one line; answers the account."""
    (folder / "list.csv").write_text(HEADER + line)
    import_file(database, folder / "list.csv", own("accounts"), Options(now=lambda: LATER), currency="EUR")
    with database.snapshot() as connection:
        return connection.execute(sa.select(schema.account).where(schema.account.c.id == 1)).one()


def test_who_was_erased_comes_back_only_with_something_they_owe(
    known: Database, settings: Settings, tmp_path: Path
) -> None:
    erased(known, settings)
    old = imported(known, tmp_path, "acme,K-1,Debtor 1,debtor1@example.com,R-1,2026-01-01,2026-02-01,100.00,0.00\n")
    assert (old.name, old.email, old.fingerprint, old.open) == ("", "", ERASED, 0)
    with known.transaction() as connection:  # no list has said yet who owes this
        add_invoice(connection, 1, "R-9", open=5_000, imported_open=5_000)
        accounts.refresh(connection, [1], LATER)
    back = imported(known, tmp_path, "acme,K-1,Debtor 1,debtor1@example.com,R-9,2026-01-01,2026-02-01,50.00,50.00\n")
    assert (back.name, back.email, back.open) == ("Debtor 1", "debtor1@example.com", 5_000)
    with known.snapshot() as connection:
        events = [row.event for row in contact_log.read(connection, account_no="K-1")]
        said = connection.execute(sa.select(schema.suppression.c.kind, schema.suppression.c.value)).all()
    assert events == ["erased", "owes_again", "suppressed"]
    assert [tuple(row) for row in said] == [("email", "debtor1@example.com")]


def test_a_new_invoice_brings_back_who_was_erased(known: Database, settings: Settings, tmp_path: Path) -> None:
    erased(known, settings)
    back = imported(known, tmp_path, "acme,K-1,Debtor 1,debtor1@example.com,R-9,2035-12-01,2035-12-15,50.00,50.00\n")
    assert (back.name, back.open) == ("Debtor 1", 5_000)


async def test_each_night_what_was_kept_long_enough_goes_by_itself(known: Database, settings: Settings) -> None:
    commit, clock = GroupCommit(known), HandClock(datetime(2033, 6, 1, tzinfo=UTC))
    custody = Custody(commit, clock, lambda: settings)
    try:
        await run_to_end(custody, clock)
        half = everything(known)
        assert "the words" not in half
        assert "Debtor 1" in half
        later = HandClock(LATER)
        await run_to_end(Custody(commit, later, lambda: settings), later)
        # Entries without a seal cannot be erased: the last one was written by the night itself.
        assert [trace for trace in ("Debtor 1", "debtor1@", "Debtor 2") if trace in everything(known)] == []
    finally:
        await commit.close()
    assert sound(known)
    assert not list(settings.letters_directory.rglob("*.pdf"))


async def run_to_end(custody: Custody, clock: HandClock) -> None:
    """Let a night pass."""
    night = asyncio.ensure_future(custody.erase_due())
    while not night.done():
        await clock.run(1.0)
        await asyncio.sleep(0.01)
    assert night.result()


def test_who_owes_keeps_their_papers_however_old(known: Database, settings: Settings) -> None:
    with known.transaction() as connection:
        assert due_entries(connection, 0, settings, LATER)
        connection.execute(sa.update(schema.account).where(schema.account.c.id == 1).values(open=1))
        assert not due_entries(connection, 0, settings, LATER)
        assert erase_entries(connection, range(1, 9), settings, LATER).rows == 0
