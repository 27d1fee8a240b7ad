"""Databases for the tests: fresh ones in SQLite and PostgreSQL, and a PostgreSQL server of the tests' own.

The server is started from the installed programs in a folder of its own, reached by a socket in that folder, and ended
with the tests. `CONTACTD_TEST_FSYNC=on` makes it as durable as a real one.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from contactd.store.database import Database, open_database
from contactd.store.migrate import upgrade

_NUMBERS = itertools.count(1)
_TEMPLATE = "contactd_template"
_SERVER_USERS = ("postgres", "nobody")


def find_server_programs() -> Path | None:
    """Answer the folder with `initdb` and `postgres` of the newest PostgreSQL, or None."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@dataclass
class PostgresServer:
    """A PostgreSQL server; `start` and `stop` may follow each other."""

    programs: Path
    directory: Path
    fsync: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    _process: "subprocess.Popen[bytes] | None" = None

    def create(self) -> None:
        """Make the cluster's files; the directory must be new and our own."""
        if os.getuid() == 0:
            user = _server_user()
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self.directory.chmod(0o700)
        self._run(
            "initdb", "--auth=trust", "--username=contactd", "--encoding=UTF8", "--locale=C", "--no-sync",
            f"--pgdata={self.directory / 'data'}",
        )  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it answers."""
        durable = "on" if self.fsync else "off"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": durable,
            "synchronous_commit": "on",
            "full_page_writes": durable,
            "max_connections": "100",
            "shared_buffers": "64MB",
            "autovacuum_naptime": "10s",
            **self.settings,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_server_user(), self.programs / "postgres", "-D", self.directory / "data", *options],
                stdout=log, stderr=log, cwd=self.directory,
            )  # fmt: skip
        for _ in range(600):
            if self._process.poll() is not None:
                break
            if self._run("pg_isready", "-q", "-t", "1", "-h", str(self.directory), check=False) == 0:
                return
            select_pause()
        raise RuntimeError(f"PostgreSQL did not start: {(self.directory / 'server.log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT is its fast shutdown, SIGQUIT is like a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def url(self, name: str) -> str:
        """Write the address of a database on this server."""
        return f"postgresql://contactd@/{name}?host={self.directory}"

    def execute(self, statement: sql.Composed | sql.SQL) -> None:
        """Run a statement outside of a transaction, in the maintenance database."""
        with psycopg.connect(f"host={self.directory} user=contactd dbname=postgres", autocommit=True) as connection:
            connection.execute(statement)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make a database and answer its address."""
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.execute(words.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        command = [*_as_server_user(), str(self.programs / program), *arguments]
        return subprocess.run(command, check=check, cwd=self.directory, stdout=subprocess.DEVNULL).returncode


def select_pause() -> None:
    """Wait a moment for a program of somebody else's that tells nobody when it is ready."""
    signal.sigtimedwait([], 0.05)


def _server_user() -> pwd.struct_passwd:
    for name in _SERVER_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError(f"PostgreSQL refuses to run as root, and there is no user {' or '.join(_SERVER_USERS)}")


def _as_server_user() -> list[str]:
    """Write how a command is started that ends with the tests and is not root."""
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig=INT"] if setpriv else []
    if os.getuid() != 0:
        return prefix
    user = _server_user()
    return [*(prefix or ["setpriv"]), f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start one server for all tests of this process."""
    programs = find_server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt install postgresql)")
    # Not in pytest's own folder: a socket's path may have 107 characters, and the server's user must reach it.
    directory = Path(tempfile.mkdtemp(prefix="contactd-pg-"))
    server = PostgresServer(programs, directory, fsync=os.environ.get("CONTACTD_TEST_FSYNC") == "on")
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


def migrate_new(url: str) -> None:
    """Bring an empty database to this program's version."""
    database = open_database(url)
    try:
        upgrade(database)
    finally:
        database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the SQLite file every test gets a copy of."""
    path = tmp_path_factory.mktemp("template") / "contactd.db"
    migrate_new(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> str:
    """Make the PostgreSQL database every test gets a copy of."""
    migrate_new(postgres_server.create_database(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Name the database the test runs on; every test that uses these fixtures runs on both."""
    return str(request.param)


@pytest.fixture
def make_database_url(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path,
) -> Iterator[Callable[[bool], str]]:  # fmt: skip
    """Give out addresses of fresh databases, migrated ones or empty ones."""
    made: list[str] = []

    def make(migrated: bool) -> str:  # noqa: FBT001 -- the one thing that differs
        number = next(_NUMBERS)
        if dialect == "sqlite":
            path = tmp_path / f"contactd{number}.db"
            if migrated:
                shutil.copyfile(request.getfixturevalue("migrated_file"), path)
            return f"sqlite:///{path}"
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = f"test_{number}"
        url = server.create_database(name, request.getfixturevalue("migrated_template") if migrated else "template0")
        made.append(name)
        return url

    yield make
    for name in made:
        request.getfixturevalue("postgres_server").drop_database(name)


@pytest.fixture
def database_url(make_database_url: Callable[[bool], str]) -> str:
    """Give the address of a fresh, migrated database, once in SQLite and once in PostgreSQL."""
    return make_database_url(True)


@pytest.fixture
def empty_database_url(make_database_url: Callable[[bool], str]) -> str:
    """Give the address of a database without a table."""
    return make_database_url(False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Open a fresh, migrated database, once in SQLite and once in PostgreSQL."""
    opened = open_database(database_url)
    yield opened
    opened.close()
