"""The database opens, keeps what was committed and refuses what is not its own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

import contactd.store
from contactd.domain.errors import StoreError
from contactd.store import personal, schema, schema_notices, settings
from contactd.store.database import VERSION, VERSION_TABLE, VERSIONS, Database, open_database
from contactd.store.failures import explain
from contactd.store.migrate import upgrade
from tests.store.seed import NOW, add_account


def described(url: str) -> dict[str, object]:
    """Read back everything the database says about its tables."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    looked = sa.inspect(engine)
    tables = sorted(set(looked.get_table_names()) - {VERSION_TABLE})
    facts: dict[str, object] = {}
    for table in tables:
        columns = [{**column, "type": str(column["type"])} for column in looked.get_columns(table)]
        indexes = [
            (
                index["name"],
                index["column_names"],
                [str(option) for option in index.get("dialect_options", {}).values()],
            )
            for index in looked.get_indexes(table)
        ]
        facts[table] = (
            columns,
            looked.get_pk_constraint(table),
            sorted(looked.get_foreign_keys(table), key=str),
            sorted(looked.get_unique_constraints(table), key=str),
            sorted(indexes, key=str),
        )
    engine.dispose()
    return facts


def test_the_migrations_make_exactly_the_tables_of_the_schema(make_database_url: Callable[[bool], str]) -> None:
    created = make_database_url(False)
    engine = sa.create_engine(created.replace("postgresql://", "postgresql+psycopg://"))
    assert schema_notices.notice.metadata is schema.account.metadata
    schema.account.metadata.create_all(engine)
    engine.dispose()
    assert described(make_database_url(True)) == described(created)


def test_the_versions_in_the_code_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(contactd.store.__path__[0]) / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [VERSION]
    assert [revision.revision for revision in reversed(list(script.walk_revisions()))] == list(VERSIONS)


def test_an_empty_database_is_migrated_once(empty_database_url: str) -> None:
    database = open_database(empty_database_url)
    with pytest.raises(StoreError, match="run: contactd migrate"):
        database.check_version()
    assert upgrade(database) == ("", VERSION)
    database.check_version()
    with database.snapshot() as connection:
        made = settings.get(connection, "installation"), settings.get(connection, "signing_key")
    assert upgrade(database) == (VERSION, VERSION)
    with database.snapshot() as connection:
        assert made == (settings.get(connection, "installation"), settings.get(connection, "signing_key"))
    database.close()


def test_an_instant_comes_back_aware_and_exact(database: Database) -> None:
    at = datetime(2026, 3, 29, 2, 30, 0, 123457, tzinfo=timezone(timedelta(hours=2)))
    with database.transaction() as connection:
        connection.execute(sa.insert(schema.lease).values(name="x", expires_at=at))
    with database.snapshot() as connection:
        back = connection.scalar(sa.select(schema.lease.c.expires_at))
    assert back == at
    assert back is not None
    assert back.tzinfo is UTC


def test_what_a_failed_block_wrote_is_gone(database: Database) -> None:
    def write_and_fail() -> None:
        with database.transaction() as connection:
            connection.execute(sa.insert(schema.setting).values(name="half", value="done"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(schema.setting.c.name == "half")) == 0


def test_a_snapshot_does_not_see_what_is_committed_while_it_reads(database: Database) -> None:
    count = sa.select(sa.func.count()).select_from(schema.setting)
    with database.snapshot() as reading:
        before = reading.scalar(count)
        with database.transaction() as connection:
            connection.execute(sa.insert(schema.setting).values(name="new", value=""))
        assert reading.scalar(count) == before
    with database.snapshot() as reading:
        assert reading.scalar(count) == (before or 0) + 1


def test_a_foreign_database_is_refused_and_left_alone(make_database_url: Callable[[bool], str]) -> None:
    url = make_database_url(False)
    database = open_database(url)
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (name text)")
    database.close()
    with pytest.raises(StoreError, match=r"belongs to something else \(it has a table 'recipes'"):
        open_database(url)


def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 -- the mistake itself

    def write() -> None:
        with database.transaction() as connection:
            connection.execute(sa.insert(schema.lease).values(name="x", expires_at=naive))

    with pytest.raises(sa.exc.StatementError, match="has no time zone"):
        write()


def test_too_many_at_once_is_said_in_words(database: Database) -> None:
    error = explain(sa.exc.TimeoutError("QueuePool limit"), database.place)
    assert isinstance(error, StoreError)
    assert "every connection is busy" in str(error)
    assert explain(ZeroDivisionError(), database.place) is None


def test_what_is_blanked_is_gone_from_the_file_of_sqlite_too(tmp_path: Path) -> None:
    place = tmp_path / "blanked.db"
    database = open_database(f"sqlite:///{place}")
    upgrade(database)
    with database.transaction() as connection:
        add_account(connection, 1)
    database.close()
    assert b"debtor1@example.com" in place.read_bytes()
    database = open_database(f"sqlite:///{place}")
    with database.transaction() as connection:
        personal.blank(connection, personal.gather(connection, [1]), personal.BLANKED, NOW)
    database.close()
    assert [path.name for path in tmp_path.iterdir() if b"debtor1@" in path.read_bytes()] == []
