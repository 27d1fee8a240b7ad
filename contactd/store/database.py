"""Opens the database, hands out transactions and snapshots, and says why it cannot; any floor above may use it.

A write transaction of SQLite begins with BEGIN IMMEDIATE, so that two writers queue instead of failing half-way; a
snapshot sees one state of the data from its first statement to its last on both databases.
"""

import copy
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from contactd.config.words import SECRET_OPTIONS
from contactd.domain.errors import StoreError
from contactd.store.failures import translated
from contactd.store.names import Keep, held_in_file, held_in_session
from contactd.store.tables import TABLES

# The revisions in migrations/versions, oldest first; a test compares.
VERSIONS = ("0001", "0002")
VERSION = VERSIONS[-1]
# Alembic keeps the revision here; its presence also says that the database is ours.
VERSION_TABLE = "contactd_version"
_VERSION_COLUMN = "version_num"
_BUSY_SECONDS = 30
_CONNECT_SECONDS = 10
_IDLE_SECONDS = 60
_BRIEF_SECONDS = 4
# A server that vanished without a word is missed within a minute instead of hours (libpq's parameters).
_ALIVE: dict[str, object] = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3,
                             "tcp_user_timeout": 30_000}  # fmt: skip
_READ_ONLY = "contactd_read_only"
_UNCHANGED = "contactd_unchanged"
# What is erased is overwritten in the file as well; not every build of SQLite does so unasked.
_PRAGMAS = (
    "synchronous = FULL", "foreign_keys = ON", "cache_size = -16000", "temp_store = MEMORY", "secure_delete = ON",
)  # fmt: skip
_PERHAPS_SECRET = re.compile(r"(?<=//)[^@]*@|(?<=[?]).*")


class Database:
    """A database that answered; `close` gives its connections back."""

    def __init__(self, url: URL, engine: sa.Engine) -> None:
        self.url = url.render_as_string(hide_password=False)
        self.place = _place(url)
        self.dialect = "postgresql" if engine.dialect.name == "postgresql" else "sqlite"
        self.engine = engine
        self.path = Path(url.database or "") if self.dialect == "sqlite" else None
        self._witness: Callable[[Connection], None] | None = None
        self._reading: dict[str, object] = {_READ_ONLY: True}
        if self.dialect == "postgresql":
            self._reading |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    @contextmanager
    def transaction(self, *, brief: bool = False) -> Iterator[Connection]:
        """Write: everything in the block is committed together, or nothing.

        `brief`: it asks nobody and computes little; when we stand still in it, others wait a few seconds and not long.
        """
        with translated(self.place), self.engine.connect() as connection, connection.begin():
            if brief and self.dialect == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{_BRIEF_SECONDS}s'")
            yield connection
            if self._witness is not None and not is_unchanged(connection):
                self._witness(connection)

    def witnessed(self, witness: Callable[[Connection], None] | None) -> "Database":
        """Give the same database, in whose every write transaction the witness writes last; closing one closes both.

        None: nobody writes, for what is done only on the way.
        """
        mine = copy.copy(self)
        mine._witness = witness  # noqa: SLF001 - one of us
        return mine

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read one unchanging state of the data."""
        with (
            translated(self.place),
            self.engine.connect().execution_options(**self._reading) as connection,
            connection.begin(),
        ):
            yield connection

    def version(self) -> str:
        """Answer the revision, empty for an empty database; raises StoreError when the tables are not contactd's."""
        with self.snapshot() as connection:
            return _version(connection, self.place)

    def check_version(self) -> None:
        """Raise StoreError unless the database is of exactly this program's version."""
        found = self.known_version()
        if found != VERSION:
            state = f"of version {found}, this program needs {VERSION}" if found else "empty"
            raise StoreError(f"{self.place}: the database is {state}; run: contactd migrate")
        with self.snapshot() as connection:
            check_tables(connection, self.place)

    def known_version(self) -> str:
        """Answer the revision, empty for an empty database; raises StoreError unless this program can migrate it."""
        found = self.version()
        if not found or found in VERSIONS:
            return found
        if found.isdecimal() and found > VERSION:
            raise StoreError(
                f"{self.place}: the database is of version {found}, newer than this program ({VERSION}); "
                "install the newer contactd",
            )
        raise StoreError(
            f"{self.place}: the database is of version {found}, which this program ({VERSION}) does not know; "
            "restore a backup, or install the contactd that made it"
        )

    @contextmanager
    def hold_name(self, name: str) -> Iterator[Keep]:
        """Be the one daemon of that name (SQLite: of that file) while the block runs; NameTaken when there is one.

        Call what is handed out every few seconds: it takes the name again after its connection was lost.
        """
        with held_in_file(self.path, name) if self.path else held_in_session(self.engine, self.place, name) as keep:
            yield keep

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def leave_unchanged(connection: Connection) -> None:
    """Say that what was asked for was so already: then no witness writes in this transaction."""
    connection.execution_options(**{_UNCHANGED: True})


def is_unchanged(connection: Connection) -> bool:
    """Answer whether somebody has said so in this transaction."""
    return bool(connection.get_execution_options().get(_UNCHANGED))


def open_database(url: str) -> Database:
    """Connect; raises StoreError, naming the cause and the cure, for whatever is no database of contactd's."""
    address = _address(url)
    try:
        engine = _engine(address)
    except sa.exc.ArgumentError as error:  # hosts and ports among the options
        raise StoreError(f"{_place(address)}: is no database address: {error}; mend [database] url") from error
    database = Database(address, engine)
    try:
        version = database.version()
        if version and database.path:
            use_wal(database)
    except BaseException:
        database.close()
        raise
    return database


def use_wal(database: Database) -> None:
    """Switch an SQLite file to the write-ahead log; it stays so for good."""
    with (
        translated(database.place),
        database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def _place(url: URL) -> str:
    """Write the address for messages, without its secrets."""
    hidden = {name: "hidden" for name in url.query if name in SECRET_OPTIONS}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise StoreError(
            f"{_PERHAPS_SECRET.sub('***', url)!r} is no database address; "
            "write sqlite:///path or postgresql://user@host/name",
        ) from None
    kind = address.get_backend_name()
    if kind == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise StoreError(f"{kind!r} is no database contactd knows; write sqlite:///path or postgresql://user@host/name")
    if not address.database or address.database == ":memory:":
        raise StoreError("a database in memory forgets every contact; write sqlite:///path")
    path = Path(address.database)
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no directory {path.parent}; make it, or mend [database] url")
    if path.is_dir():
        raise StoreError(f"{path}: is a directory; name a file in [database] url")
    return address


def _engine(address: URL) -> sa.Engine:
    if address.get_backend_name() == "postgresql":
        arguments = {"connect_timeout": _CONNECT_SECONDS, "application_name": "contactd", **_ALIVE}
        arguments = {key: value for key, value in arguments.items() if key not in address.query}
        server = sa.create_engine(address, pool_pre_ping=True, pool_size=8, max_overflow=8, connect_args=arguments)
        sa.event.listen(server, "connect", _prepare_postgresql)
        return server
    engine = sa.create_engine(address, pool_size=8, max_overflow=8, connect_args={"timeout": _BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_postgresql(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """Let the server free what a daemon that stands still in mid-transaction has locked."""
    del record
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
    cursor.close()
    connection.commit()


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    del record
    if isinstance(connection, sqlite3.Connection):  # always; tells the type checker
        connection.isolation_level = None  # BEGIN is ours to say
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        # By the driver: so often said that what SQLAlchemy does around a statement would be felt.
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute("BEGIN" if options.get(_READ_ONLY) else "BEGIN IMMEDIATE")


def check_tables(connection: Connection, place: str) -> None:
    """Raise StoreError when a table of this version is missing."""
    missing = sorted(set(TABLES) - set(sa.inspect(connection).get_table_names()))
    if missing:
        names = ", ".join(missing)
        raise StoreError(
            f"{place}: the database is damaged: it has no table {names}; stop contactd and restore a backup"
        )


def _version(connection: Connection, place: str) -> str:
    looked = sa.inspect(connection)
    tables = looked.get_table_names()
    if VERSION_TABLE in tables:
        whole = any(column["name"] == _VERSION_COLUMN for column in looked.get_columns(VERSION_TABLE))
        table = sa.table(VERSION_TABLE, sa.column(_VERSION_COLUMN, sa.String))
        found: str | None = connection.scalar(sa.select(table.c[_VERSION_COLUMN])) if whole else None
        if not found:
            raise StoreError(
                f"{place}: the database is damaged: its version is not in {VERSION_TABLE}; "
                "stop contactd and restore a backup"
            )
        return found
    if tables:
        raise StoreError(
            f"{place}: this database belongs to something else (it has a table {min(tables)!r} "
            f"and no {VERSION_TABLE!r}); name an empty one in [database] url",
        )
    return ""
