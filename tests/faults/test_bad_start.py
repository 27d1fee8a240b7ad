"""What the daemon cannot start with: an exit code and one line with what is wrong and how to mend it."""

import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.store.database import VERSION_TABLE
from tests.databases import PostgresServer
from tests.faults.life import Life, contactd, until
from tests.faults.stage import Stage, open_stage

FAILED, REFUSED, UNREACHABLE = 1, 3, 5
FOREIGN = (
    "this database belongs to something else (it has a table 'album' and no 'contactd_version'); "
    "name an empty one in [database] url"
)
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"])
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"])


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[tuple[Stage, Life]]:
    """Give a stage with a daemon that was not started yet."""
    with open_stage(tmp_path, database_url) as stage:
        yield stage, stage.life("bad")


def says(life: Life, code: int, line: str, *before: str) -> None:
    """Check that the daemon ends with the code and exactly this line."""
    assert life.refused(*before) == (code, [f"contactd: {line}"])


def at(life: Life, url: str) -> None:
    """Give the daemon another database."""
    lines = life.config.read_text().splitlines()
    life.config.write_text("\n".join(f'url = "{url}"' if line.startswith("url =") else line for line in lines))


@on_sqlite
def test_a_file_of_something_else_is_no_database(office: tuple[Stage, Life], tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Sir or Madam,\n" * 1_000)
    at(office[1], f"sqlite:///{file}")
    says(
        office[1], UNREACHABLE,
        f"sqlite:///{file}: is no SQLite database, or its first page is damaged; restore a backup or name another file "
        "(file is not a database)",
    )  # fmt: skip
    assert file.read_text().startswith("Dear Sir")


@on_sqlite
def test_a_damaged_database_asks_for_a_backup(office: tuple[Stage, Life], tmp_path: Path) -> None:
    file = tmp_path / "damaged.db"
    shutil.copyfile(str(office[0].database.path), file)
    with file.open("r+b") as damaged:
        damaged.seek(4_096)
        damaged.write(b"\xff" * (file.stat().st_size - 4_096))
    at(office[1], f"sqlite:///{file}")
    says(
        office[1], UNREACHABLE,
        f"sqlite:///{file}: the file is damaged; stop contactd and restore a backup (database disk image is malformed)",
    )  # fmt: skip


@on_sqlite
def test_somebody_else_s_sqlite_database_is_left_alone(office: tuple[Stage, Life], tmp_path: Path) -> None:
    file = tmp_path / "photos.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE album (name TEXT)")
    before = file.read_bytes()
    at(office[1], f"sqlite:///{file}")
    says(
        office[1], UNREACHABLE,
        f"sqlite:///{file}: {FOREIGN}",
    )  # fmt: skip
    assert file.read_bytes() == before


@on_postgresql
def test_somebody_else_s_postgresql_database_is_left_alone(
    office: tuple[Stage, Life], postgres_server: PostgresServer, make_database_url: Callable[[bool], str]
) -> None:
    url = make_database_url(False)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE album (name TEXT)"))
    engine.dispose()
    at(office[1], url)
    says(
        office[1], UNREACHABLE,
        f"{_shown(url)}: {FOREIGN}",
    )  # fmt: skip


def _shown(url: str) -> str:
    return sa.make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=True)


@on_postgresql
def test_a_server_that_is_not_there_is_named(office: tuple[Stage, Life], tmp_path: Path) -> None:
    at(office[1], f"postgresql://contactd@/contactd?host={tmp_path}")
    waits(office[1], "0 seconds")
    code, lines = office[1].refused()
    assert (code, len(lines)) == (UNREACHABLE, 1)
    assert ": the server does not answer or refuses; start it, or mend [database] url (connection " in lines[0]


@on_postgresql
def test_a_server_that_stays_away_is_waited_for_and_then_named(office: tuple[Stage, Life], tmp_path: Path) -> None:
    at(office[1], f"postgresql://contactd@/contactd?host={tmp_path}")
    waits(office[1], "6 seconds")
    code, lines = office[1].refused()
    assert code == UNREACHABLE
    assert len([line for line in lines if "waiting_for_database" in line]) >= 2
    assert ": the server does not answer or refuses; start it, or mend [database] url (connection " in lines[-1]


@on_postgresql
def test_a_stop_ends_the_waiting_for_a_server(office: tuple[Stage, Life], tmp_path: Path) -> None:
    life = office[1]
    at(life, f"postgresql://contactd@/contactd?host={tmp_path}")
    life.start()
    until(lambda: "waiting_for_database" in life.log_text(), 60, life.log_tail)
    assert life.stop() == 0
    assert "Traceback" not in life.log_text()


def waits(life: Life, duration: str) -> None:
    """Give the daemon another patience with its database."""
    life.config.write_text(life.config.read_text().replace("drain =", f'wait_for_database = "{duration}"\ndrain ='))


def test_a_database_nobody_migrated_names_the_command(
    office: tuple[Stage, Life], make_database_url: Callable[[bool], str], dialect: str
) -> None:
    url = make_database_url(False)
    at(office[1], url)
    place = url if dialect == "sqlite" else _shown(url)
    says(office[1], UNREACHABLE, f"{place}: the database is empty; run: contactd migrate")
    migrate = subprocess.run(contactd("migrate", "--config", office[1].config), check=False, capture_output=True)
    assert migrate.returncode == 0


RESTORE = "restore a backup, or install the contactd that made it"


@on_sqlite
@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("0000", f"of version 0000, which this program (0002) does not know; {RESTORE}"),
        ("9999", "of version 9999, newer than this program (0002); install the newer contactd"),
    ],
)
def test_a_database_of_another_version_says_which(office: tuple[Stage, Life], version: str, words: str) -> None:
    stage, life = office
    with stage.database.transaction() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'"))  # noqa: S608 - ours
    says(life, UNREACHABLE, f"{stage.url}: the database is {words}")


@on_sqlite
def test_a_port_that_is_taken_is_named_with_its_key(office: tuple[Stage, Life]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        life = office[1]
        life.config.write_text(life.config.read_text().replace(f"port = {life.web_port}", f"port = {port}"))
        says(
            life, FAILED,
            f"[web] port: 127.0.0.1:{port} is taken by another program; end it (find it with: ss -ltnp), "
            "or choose another port (0: any free one)",
        )  # fmt: skip


@on_sqlite
def test_a_control_socket_of_another_daemon_is_left_to_it(
    office: tuple[Stage, Life], make_database_url: Callable[[bool], str]
) -> None:
    stage, life = office
    life.start()
    life.wait_ready()
    other = stage.life("other")
    at(other, make_database_url(True))
    other.config.write_text(other.config.read_text().replace("drain =", f'state = "{life.folder}"\ndrain ='))
    control = life.folder / "contactd.sock"
    says(
        other, FAILED,
        f"[daemon] control: another contactd answers on {control}; stop it, or give this one another [daemon] state",
    )  # fmt: skip
    assert life.plan("email")
    assert life.stop() == 0
    assert not control.exists()


@on_sqlite
def test_a_file_where_the_control_socket_belongs_is_left_alone(office: tuple[Stage, Life]) -> None:
    control = office[1].folder / "contactd.sock"
    control.write_text("mine")
    words = f"[daemon] control: {control} exists and is no socket; remove it, or name another file"
    says(office[1], FAILED, words)
    assert control.read_text() == "mine"


def bound_by_permissions() -> list[str]:
    """Give the words before a command that make even root heed permissions."""
    if os.getuid():
        return []
    words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode:
        pytest.skip("root cannot lay down its rights here (setpriv)")
    return words


@on_sqlite
def test_a_directory_that_cannot_be_written_is_named(office: tuple[Stage, Life], tmp_path: Path) -> None:
    stage, life = office
    closed = tmp_path / "closed"
    closed.mkdir()
    shutil.copyfile(str(stage.database.path), closed / "contactd.db")
    closed.chmod(0o555)
    at(life, f"sqlite:///{closed}/contactd.db")
    says(
        life, UNREACHABLE,
        f"sqlite:///{closed}/contactd.db: cannot be written; mend the permissions of the file and its directory "
        "(attempt to write a readonly database)",
        *bound_by_permissions(),
    )  # fmt: skip


@on_sqlite
def test_a_state_directory_that_cannot_be_written_is_named(office: tuple[Stage, Life], tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    life = office[1]
    life.config.write_text(life.config.read_text().replace("drain =", f'state = "{closed}"\ndrain ='))
    words = f"[daemon] control: {closed}/contactd.sock: this user may not write in {closed}; mend its permissions"
    says(life, FAILED, words, *bound_by_permissions())


def test_no_configuration_says_where_it_was_looked_for(tmp_path: Path) -> None:
    ended = subprocess.run(contactd("run"), check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (REFUSED, "")
    assert ended.stderr == (
        "contactd: contactd.toml: not found; looked for contactd.toml and /etc/contactd/contactd.toml, "
        "name another with --config FILE\n"
    )


@on_sqlite
def test_a_configuration_that_is_wrong_is_told_line_by_line(office: tuple[Stage, Life]) -> None:
    life = office[1]
    life.config.write_text(life.config.read_text().replace('drain = "10 seconds"', "drian = 10\ndrain = 10"))
    known = 'unknown key; did you mean "drain"?'
    example = 'write it like "30 minutes", "26 hours" or "10 days"'
    lines = [f":3: daemon.drian: {known}", f":4: daemon.drain: 10 is no duration; {example}"]
    assert life.refused() == (REFUSED, [f"contactd: {life.config}{line}" for line in lines])
