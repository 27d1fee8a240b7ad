"""What somebody does to the contact log behind contactd's back is found, at exactly the entry, on both databases."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.domain.errors import StoreConflict
from contactd.domain.sealing import OPEN, PERSONAL, Wrong
from contactd.engine.records import evidence
from contactd.engine.records.evidence import Sealing, Verdict, seal_now
from contactd.store import contact_log, schema, seals
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.schema_evidence import seal, seal_block
from tests.clock import HandClock
from tests.store.seed import NOW, add_account

ENTRIES = 10


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST", 4)


@pytest.fixture
def sealed(database: Database) -> Database:
    """Seal ten entries of account K-1 in three blocks."""
    with database.transaction() as connection:
        add_account(connection, 1)
        write(connection, ENTRIES)
    seal_now(database, lambda: NOW)
    return database


def write(connection: sa.Connection, count: int) -> None:
    """Append entries."""
    row = {"account_id": 1, "channel": "email", "event": "sending", "address": "debtor1@example.com"}
    rows = [row | {"at": NOW + timedelta(seconds=n), "attempt_id": n, "details": {"n": n}} for n in range(count)]
    contact_log.add(connection, rows)


def verified(database: Database, *anchors: str) -> Verdict:
    """Walk the chain."""
    with database.snapshot() as connection:
        return evidence.verify(connection, anchors)


def run(database: Database, statement: sa.Executable) -> None:
    """Do something behind contactd's back."""
    with database.transaction() as connection:
        connection.execute(statement)


def found(database: Database) -> tuple[Wrong, int | None]:
    """Answer what is wrong, and with which entry."""
    fault = verified(database).fault
    assert fault is not None
    return fault.wrong, fault.entry_id


def test_every_column_of_the_log_is_sealed() -> None:
    assert sorted(["id", *OPEN, *PERSONAL]) == sorted(schema.contact_log.columns.keys())


def test_an_untouched_log_is_sound_and_says_how_far_it_is_sealed(sealed: Database) -> None:
    with sealed.transaction() as connection:
        write(connection, 2)
    verdict = verified(sealed)
    assert verdict.sound
    assert (verdict.blocks, verdict.entries, verdict.sealed_to, verdict.unsealed) == (3, 10, 10, 2)


@pytest.mark.parametrize("name", [*OPEN, *PERSONAL])
def test_a_change_of_any_column_is_found_at_exactly_that_entry(sealed: Database, name: str) -> None:
    others: dict[str, object] = {"at": NOW, "attempt_id": 99, "account_id": 99, "details": {"n": 99}}
    value = others.get(name, "other")
    run(sealed, sa.update(schema.contact_log).where(schema.contact_log.c.id == 6).values({name: value}))
    assert found(sealed) == (Wrong.CHANGED, 6)


def test_an_entry_taken_away_is_named(sealed: Database) -> None:
    run(sealed, sa.delete(schema.contact_log).where(schema.contact_log.c.id == 7))
    assert found(sealed) == (Wrong.MISSING, 7)


def test_the_number_of_the_last_entry_used_again_is_found(sealed: Database) -> None:
    run(sealed, sa.delete(schema.contact_log).where(schema.contact_log.c.id == 10))
    run(sealed, sa.insert(schema.contact_log).values(id=10, at=NOW))
    assert found(sealed) == (Wrong.CHANGED, 10)


@pytest.mark.parametrize("number", [0, -5])
def test_an_entry_added_before_the_first_is_named(sealed: Database, number: int) -> None:
    run(sealed, sa.insert(schema.contact_log).values(id=number, at=NOW))
    assert found(sealed) == (Wrong.ADDED, number)


def test_an_entry_added_inside_a_sealed_block_is_named(sealed: Database) -> None:
    run(sealed, sa.delete(seal).where(seal.c.entry_id == 3))
    assert found(sealed) == (Wrong.ADDED, 3)


def test_two_entries_that_changed_places_are_found_at_the_first(sealed: Database) -> None:
    for old, new in ((2, 99), (8, 2), (99, 8)):
        run(sealed, sa.update(schema.contact_log).where(schema.contact_log.c.id == old).values(id=new))
    assert found(sealed) == (Wrong.CHANGED, 2)


@pytest.mark.parametrize(
    "values", [{"hash": b"x" * 32}, {"sealed_at": NOW + timedelta(days=1)}, {"entries": 3}, {"last_id": 9}]
)
def test_a_block_that_was_altered_is_named(sealed: Database, values: dict[str, object]) -> None:
    run(sealed, sa.update(seal_block).where(seal_block.c.number == 2).values(values))
    fault = verified(sealed).fault
    assert fault is not None
    assert (fault.wrong, fault.block) == (Wrong.ALTERED, 2)


def test_an_entry_gone_with_its_seal_breaks_its_block(sealed: Database) -> None:
    run(sealed, sa.delete(schema.contact_log).where(schema.contact_log.c.id == 6))
    run(sealed, sa.delete(seal).where(seal.c.entry_id == 6))
    fault = verified(sealed).fault
    assert fault is not None
    assert (fault.wrong, fault.block) == (Wrong.ALTERED, 2)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_block_taken_out_is_missed(sealed: Database, number: int) -> None:
    run(sealed, sa.delete(seal_block).where(seal_block.c.number == number))
    fault = verified(sealed).fault
    assert fault is not None
    assert (fault.wrong, fault.block) == (Wrong.LOST, number)


def test_a_log_cut_and_sealed_anew_is_given_away_by_its_anchor_only(sealed: Database) -> None:
    anchor = verified(sealed).head
    assert verified(sealed, anchor[:16]).anchors == {anchor[:16]: 3}
    run(sealed, sa.delete(seal_block).where(seal_block.c.number == 3))
    run(sealed, sa.delete(seal).where(seal.c.entry_id > 8))
    run(sealed, sa.delete(schema.contact_log).where(schema.contact_log.c.id > 9))
    seal_now(sealed, lambda: NOW)
    assert verified(sealed).sound
    verdict = verified(sealed, anchor)
    assert not verdict.sound
    assert verdict.fault is None
    assert verdict.anchors == {anchor: None}


def test_erased_entries_keep_the_chain_and_are_told(sealed: Database) -> None:
    before = verified(sealed).head
    with sealed.transaction() as connection:
        assert seals.erase(connection, [3, 4, 7, 99]) == 3
        assert seals.erase(connection, [3]) == 0
        row = connection.execute(sa.select(schema.contact_log).where(schema.contact_log.c.id == 3)).one()
    assert (row.account_id, row.address, row.details, row.event) == (None, "", None, "sending")
    verdict = verified(sealed, before)
    assert verdict.sound
    assert (verdict.erased_entries, verdict.erased) == (3, [[3, 4], [7, 7]])


def test_what_is_filled_in_again_after_it_was_erased_is_found(sealed: Database) -> None:
    with sealed.transaction() as connection:
        seals.erase(connection, [3])
    run(sealed, sa.update(schema.contact_log).where(schema.contact_log.c.id == 3).values(reason="never said"))
    assert found(sealed) == (Wrong.REFILLED, 3)


def test_an_entry_that_is_not_sealed_is_not_erased(sealed: Database) -> None:
    with sealed.transaction() as connection:
        write(connection, 1)
        assert seals.erase(connection, [11]) == 0


def test_two_who_seal_at_once_make_one_chain(sealed: Database) -> None:
    with sealed.transaction() as connection:
        write(connection, 3)
    with sealed.snapshot() as connection:
        one, other = (seals.prepare(connection, 13, NOW) for _ in range(2))
    assert one is not None
    assert other is not None
    with sealed.transaction() as connection:
        assert seals.write(connection, one)
        assert not seals.write(connection, other)
    assert verified(sealed).sound


def test_a_gap_that_may_still_be_filled_is_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.dialect == "sqlite":  # one writer at a time: nothing to wait for
        with database.snapshot() as connection:
            assert not seals.horizon(connection).writers
        return
    monkeypatch.setattr(evidence, "_PAUSE", 0.0)
    with database.transaction() as slow:
        write(slow, 1)
        with database.transaction() as quick:
            write(quick, 1)
        with pytest.raises(StoreConflict, match="writing into the contact log"):
            seal_now(database, lambda: NOW)
        assert verified(database).unsealed == 1
    assert seal_now(database, lambda: NOW).entries == 2


async def test_the_daemon_seals_what_it_saw_the_last_time(database: Database) -> None:
    commit, clock = GroupCommit(database), HandClock(NOW)
    sealing = Sealing(commit, clock)
    try:
        await commit.run(lambda connection: write(connection, 6))
        assert await sealing.seal() == 0
        await commit.run(lambda connection: write(connection, 1))
        assert [await sealing.seal() for _ in range(3)] == [6, 1, 0]
    finally:
        await commit.close()
    assert verified(database).sound


def test_everything_written_while_it_is_sealed_is_sealed_once(database: Database) -> None:
    """Several write and undo at once, several seal; at the end everything is in the chain."""
    done = threading.Event()

    def writes() -> None:
        for number in range(30):
            with suppress(ZeroDivisionError), database.transaction() as connection:
                write(connection, number % 3 + 1)
                1 / (number % 7)  # undone now and then: its ids are never used

    def seals_on() -> None:
        while not done.is_set():
            seal_now(database, lambda: NOW)

    writers = [threading.Thread(target=writes) for _ in range(3)]
    sealers = [threading.Thread(target=seals_on) for _ in range(2)]
    for thread in (*writers, *sealers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    seal_now(database, lambda: NOW)
    verdict = verified(database)
    with database.snapshot() as connection:
        written = connection.scalar(sa.select(sa.func.count()).select_from(schema.contact_log))
    assert verdict.sound
    assert (verdict.entries, verdict.unsealed) == (written, 0)
