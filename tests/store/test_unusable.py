"""A database that cannot be used is refused in words that say what to do, and nothing is half kept."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import Connection

from contactd.domain.attempt import Event, State
from contactd.domain.errors import StoreConflict, StoreError
from contactd.store import attempts, contact_log, migrate, schema
from contactd.store import database as database_module
from contactd.store.attempts import Transition
from contactd.store.database import VERSION_TABLE, Database, open_database
from contactd.store.group_commit import GroupCommit
from tests.databases import PostgresServer, migrate_new
from tests.store.seed import NOW, add_account, claim_all, new_attempt, state_of


def refused(url: str) -> str:
    with pytest.raises(StoreError) as caught, closing(open_database(url)) as database:
        database.check_version()
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("contactd.db", "'contactd.db' is no database address; write sqlite:///path or postgresql://user@host/name"),
        ("postgresql://u@127.0.0.1:port/db", "'postgresql://***127.0.0.1:port/db' is no database address; write"),
        ("postgresql://u:secret@h:port/d?password=x", "'postgresql://***h:port/d?***' is no database address; write"),
        ("postgresql://u@/d?host=a&port=b", "/d?host=a&port=b: is no database address: "),
        ("mysql://x/y", "'mysql' is no database contactd knows; write sqlite:///path or postgresql://user@host/name"),
        ("sqlite://", "a database in memory forgets every contact; write sqlite:///path"),
        ("sqlite:////nowhere/at/all.db", "/nowhere/at/all.db: there is no directory /nowhere/at; make it, or mend"),
        ("sqlite:////tmp", "/tmp: is a directory; name a file"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused(url: str, words: str) -> None:
    assert words in refused(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://contactd:secret@127.0.0.1:1/contactd",
        "postgresql://contactd@127.0.0.1:1/contactd?password=secret",
        "postgresql://contactd@127.0.0.1:1/contactd?sslmode=prefer&sslpassword=secret",
    ],
)
def test_a_password_is_not_shown(url: str) -> None:
    words = refused(url)
    assert "secret" not in words
    assert "***" in words or "hidden" in words
    assert "the server does not answer or refuses; start it, or mend [database] url" in words


def test_a_missing_database_is_named(postgres_server: PostgresServer) -> None:
    words = refused(postgres_server.url("nobody_made_it"))
    assert "there is no such database on the server; create it (createdb)" in words


def test_a_user_the_server_does_not_know_is_named(postgres_server: PostgresServer) -> None:
    words = refused(postgres_server.url("postgres").replace("contactd@", "stranger@"))
    assert "the server refuses this user" in words


def test_a_text_file_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "contactd.db"
    path.write_text("this is a letter, not a database\n" * 100)
    assert "is no SQLite database, or its first page is damaged; restore a backup" in refused(f"sqlite:///{path}")


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "contactd.db"
    migrate_new(f"sqlite:///{path}")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    assert "the file is damaged; stop contactd and restore a backup" in refused(f"sqlite:///{path}")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_file_that_cannot_be_written_is_named(database: Database) -> None:
    def write() -> None:
        with database.transaction() as connection:
            # SQLite's own way to be as if the file could only be read; permissions do not bind root.
            connection.exec_driver_sql("PRAGMA query_only = ON")
            add_account(connection, 1)

    with pytest.raises(StoreError, match="cannot be written; mend the permissions of the file and its directory"):
        write()


def test_a_database_nobody_migrated_names_the_command(empty_database_url: str) -> None:
    assert refused(empty_database_url).endswith("the database is empty; run: contactd migrate")


NEVER_HEARD = "which this program (0002) does not know; restore a backup, or install the contactd that made it"


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("0000", f"the database is of version 0000, {NEVER_HEARD}"),
        ("pi", f"the database is of version pi, {NEVER_HEARD}"),
        ("9999", "the database is of version 9999, newer than this program (0002); install the newer contactd"),
    ],
)
def test_a_database_of_another_version_is_refused_and_not_migrated(
    database: Database, version: str, words: str
) -> None:
    set_version(database, version)
    assert words in refused(database.url)
    with pytest.raises(StoreError) as caught:
        migrate.upgrade(database)
    assert words in str(caught.value)


def set_version(database: Database, version: str) -> None:
    """Write another version into a database."""
    with database.transaction() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'"))  # noqa: S608 -- ours


def test_a_database_of_an_older_version_names_the_command(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "VERSION", "0003")
    words = "the database is of version 0002, this program needs 0003; run: contactd migrate"
    assert words in refused(database.url)


def test_a_migration_this_program_has_not_is_refused_by_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "VERSIONS", ("0000", "0001", "0002"))
    set_version(database, "0000")
    with pytest.raises(StoreError, match="install contactd again"):
        migrate.upgrade(database)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM contactd_version",
        "ALTER TABLE contactd_version RENAME COLUMN version_num TO number",
        "UPDATE contactd_version SET version_num = ''",
    ],
)
def test_a_database_that_lost_its_version_is_damaged_and_not_empty(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(sa.text(statement))
    words = f"the database is damaged: its version is not in {VERSION_TABLE}; stop contactd and restore a backup"
    assert refused(database.url).endswith(words)
    with pytest.raises(StoreError, match="is damaged: its version"):
        migrate.upgrade(database)


@pytest.mark.parametrize(
    ("dropped", "named"),
    [(["payment"], "payment"), (["payment", "allocation", "setting"], "allocation, payment, setting")],
)
def test_a_database_that_lost_tables_names_them(database: Database, dropped: list[str], named: str) -> None:
    cascade = " CASCADE" if database.dialect == "postgresql" else ""
    with database.transaction() as connection:
        for table in dropped:
            connection.execute(sa.text(f"DROP TABLE {table}{cascade}"))
    words = f"the database is damaged: it has no table {named}; stop contactd and restore a backup"
    assert refused(database.url).endswith(words)
    with pytest.raises(StoreError) as caught:
        migrate.upgrade(database)
    assert str(caught.value).endswith(words)


def test_a_name_is_held_by_one_daemon(database: Database) -> None:
    def again() -> None:
        with database.hold_name("one"):
            pytest.fail("held twice")

    with database.hold_name("one"), pytest.raises(StoreError, match=r"is running on this database"):
        again()
    with database.hold_name("one"):
        pass


def test_a_lock_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "contactd.db"
    migrate_new(f"sqlite:///{path}")
    path.with_name("contactd.db.lock").mkdir()
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="cannot be written"), database.hold_name("one"):
        pass
    database.close()


def test_two_transactions_that_meet_are_a_conflict(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("meeting")
    migrate_new(url)
    database = open_database(url)
    with database.transaction() as connection:
        add_account(connection, 1)
    touch = sa.update(schema.account).values(segment="x")

    def meet() -> None:
        with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as old, old.begin():
            old.scalar(sa.select(schema.account.c.segment))
            with database.transaction() as connection:
                connection.execute(touch)
            with database.transaction() as connection:
                connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
                connection.scalar(sa.select(schema.account.c.segment))
                with database.transaction() as other:
                    other.execute(touch)
                connection.execute(touch)

    with pytest.raises(StoreConflict, match="two transactions met"):
        meet()
    database.close()
    postgres_server.drop_database("meeting")


def test_a_mistake_of_ours_is_not_called_a_condition_of_the_database(database: Database) -> None:
    def mistake() -> None:
        with database.transaction() as connection:
            connection.execute(sa.text("SELECT nothing FROM nowhere"))

    with pytest.raises(sa.exc.DBAPIError):
        mistake()


def fill_disk(database: Database) -> Callable[[], None]:
    """Let the file grow no further; answers how to make room again. PRAGMA max_page_count is SQLite's own full disk."""

    def limit(connection: sqlite3.Connection, record: object) -> None:
        del record
        connection.execute(f"PRAGMA max_page_count = {pages[0]}")

    with database.snapshot() as connection:
        pages = [connection.exec_driver_sql("PRAGMA page_count").scalar_one()]
    sa.event.listen(database.engine, "connect", limit)
    database.close()

    def make_room() -> None:
        pages[0] = 1_000_000
        database.close()

    return make_room


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_a_full_disk_keeps_nothing_by_halves_and_is_over_when_there_is_room(database: Database) -> None:
    with database.transaction() as connection:
        for number in range(1, 201):
            add_account(connection, number)
        attempts.plan(connection, [new_attempt(number) for number in range(1, 201)])
        claims = claim_all(connection, limit=200)
    commit = GroupCommit(database)
    make_room = fill_disk(database)

    def begin(connection: Connection, transitions: list[Transition]) -> list[object]:
        return list(attempts.apply(connection, transitions))

    answers: dict[int, object] = {}
    for claim in claims:
        intent = Transition(claim.id, claim.claim_no, Event.BEGUN, NOW, address="x" * 1_000)
        [answers[claim.id]] = await asyncio.gather(commit.submit(begin, intent), return_exceptions=True)
    begun = [number for number, answer in answers.items() if answer is State.SENDING]
    failed = [number for number, answer in answers.items() if isinstance(answer, StoreError)]
    assert len(begun) + len(failed) == len(claims)
    assert "the disk is full; make room, nothing of this was kept" in str(answers[failed[0]])
    with database.snapshot() as connection:
        logged = {row.attempt_id for row in contact_log.read(connection)}
        assert logged == set(begun)
        assert {state_of(connection, number) for number in failed} == {State.CLAIMED}
        assert {state_of(connection, number) for number in begun} <= {State.SENDING}
    make_room()
    last = claims[-1]
    answer = await commit.submit(begin, Transition(last.id, last.claim_no, Event.BEGUN, NOW, address="x" * 1_000))
    assert answer is State.SENDING
    await commit.close()


def test_a_server_that_ends_the_connection_is_named_and_reached_again(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("ending")
    migrate_new(url)
    database = open_database(url)

    def end() -> None:
        with database.transaction() as connection:
            add_account(connection, 1)
            number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            postgres_server.execute(sql.SQL("SELECT pg_terminate_backend({})").format(sql.Literal(number)))
            add_account(connection, 2)

    with pytest.raises(StoreError, match="it is tried again"):
        end()
    with database.transaction() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.account)) == 0
    database.close()
    postgres_server.drop_database("ending")
