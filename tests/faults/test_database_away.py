"""The database goes away while messages go out: restarted, crashed, connections ended. The daemon goes on."""

import contextlib
import os
import random
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from contactd.domain.errors import NameTaken, StoreError
from contactd.store.database import open_database
from tests.databases import PostgresServer, find_server_programs, migrate_new
from tests.faults.life import until
from tests.faults.stage import Stage, open_stage, twice

MAILS, TEXTS = 500, 500
UNREACHABLE = 5


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """Start a server that may be stopped; durable, for it is made to crash."""
    programs = find_server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt install postgresql)")
    directory = Path(tempfile.mkdtemp(prefix="contactd-pg-"))
    server = PostgresServer(programs, directory, fsync=True)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_daemon_whose_name_was_taken_while_it_was_cut_off_ends(tmp_path: Path, database_url: str) -> None:
    with open_stage(tmp_path, database_url, emails=10) as stage:
        life = stage.life("cut-off")
        life.start()
        life.wait_ready()
        thief = open_database(database_url)
        with contextlib.closing(thief), contextlib.ExitStack() as loot:

            def stolen() -> bool:
                words = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                with thief.transaction() as connection:
                    connection.execute(sa.text(words))
                with contextlib.suppress(NameTaken):
                    loot.enter_context(thief.hold_name("cut-off"))
                    return True
                return False

            until(stolen, 60, life.log_tail)
            assert life.process is not None
            assert life.process.wait(60) == UNREACHABLE
        last = life.log_text().splitlines()[-1]
        assert last.startswith("contactd: postgresql")
        assert "a daemon named 'cut-off' is running on this database" in last
        assert "Traceback" not in life.log_text()


def end_connections(server: PostgresServer, database: str) -> int:
    """End every back end of a database, whatever it is doing; answers how many it were."""
    words = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(f"host={server.directory} user=contactd dbname=postgres", autocommit=True) as connection:
        row = connection.execute(words, [database]).fetchone()
        return int(row[0]) if row else 0


def end_some(server: PostgresServer, ended: list[int]) -> bool:
    """End what back ends there are, and keep count; tells whether there was one."""
    ended.append(end_connections(server, "away"))
    return ended[-1] > 0


def progress(stage: Stage, before: int) -> None:
    """Wait until the providers have taken a good deal more."""
    until(lambda: taken(stage) >= min(before + 60, MAILS + TEXTS), 60, stage.lives[0].log_tail)


def taken(stage: Stage) -> int:
    """Count what the providers took."""
    return sum(stage.mails().values()) + sum(stage.messages().values())


def test_a_daemon_outlives_its_database_and_goes_on_by_itself(tmp_path: Path, own_server: PostgresServer) -> None:
    luck = random.Random(7)
    url = own_server.create_database("away")
    migrate_new(url)
    slow = ("--delay", "0.1")
    with open_stage(tmp_path, url, emails=MAILS, texts=TEXTS, mail=slow, sms=("--answer-delay", "0.1")) as stage:
        life = stage.life("steady", rate="60 per second")
        life.start()
        life.wait_ready()
        assert life.plan("email")
        assert life.plan("sms")
        ended = list[int]()
        for how in (None, signal.SIGINT, None, signal.SIGQUIT, None):  # back ends ended, restarted, crashed
            progress(stage, taken(stage))
            if how is None:
                for _ in range(5):
                    until(lambda: end_some(own_server, ended), 60, life.log_tail)
                    time.sleep(luck.uniform(0.0, 0.3))
                continue
            own_server.stop(how)
            until(lambda: not life.ready()[0], 60, life.log_tail)
            own_server.start()
            life.wait_ready()
        states = stage.finish(120, settled=[("sms", "unclear")])
        until(lambda: name_held(own_server), 60, life.log_tail)
        code, said = a_namesake(stage)
        pid = life.pid
        assert life.stop() == 0
        mails, messages = stage.mails(), stage.messages()
    print(f"\n{sum(ended)} back ends ended, the server restarted twice: {dict(states)}, process {pid} all the time")  # noqa: T201 - figures
    assert sum(ended) > 10
    assert twice(mails) + twice(messages) == []
    assert (len(mails), len(messages)) == (MAILS, TEXTS)
    # Every answer was kept until it could be written: nothing is in doubt.
    assert {state for _, state in states} <= {"accepted", "delivered"}
    # The name, too, was lost with the connection and is held again.
    assert (code, len(said)) == (UNREACHABLE, 1)
    assert "a daemon named 'steady' is running on this database" in said[0]


def test_a_daemon_that_starts_before_its_database_waits_for_it(
    tmp_path: Path, own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = own_server.create_database("later")
    migrate_new(url)
    with open_stage(tmp_path, url) as stage, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        life = stage.life("early")
        own_server.stop(signal.SIGINT)
        life.start()
        status, patience = heard.recv(4096).decode().splitlines()
        assert status == "STATUS=waiting for the database"
        assert int(patience.removeprefix("EXTEND_TIMEOUT_USEC=")) > 10_000_000
        os.kill(life.pid, signal.SIGHUP)
        own_server.start()
        life.wait_ready()
        until(lambda: '"reloaded"' in life.log_text(), 60, life.log_tail)
        assert life.stop() == 0
        assert "Traceback" not in life.log_text()


def name_held(server: PostgresServer) -> bool:
    """Tell whether some session holds an advisory lock."""
    with psycopg.connect(f"host={server.directory} user=contactd dbname=postgres", autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone()
        return bool(row and row[0])


def a_namesake(stage: Stage) -> tuple[int, list[str]]:
    """Try to start another daemon of the same name."""
    other = stage.life("other")
    other.config.write_text(other.config.read_text().replace('name = "other"', 'name = "steady"'))
    return other.refused()


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_transaction_that_stands_still_is_ended_in_words(database_url: str) -> None:
    database = open_database(database_url)

    def stand_still() -> None:
        with database.transaction() as connection:
            connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
            pid = connection.scalar(sa.select(sa.func.pg_backend_pid()))
            until(lambda: not alive(pid), 60, lambda: "it lives")
            connection.execute(sa.select(1))

    def alive(pid: int | None) -> bool:
        with database.snapshot() as other:
            return bool(other.scalar(sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}))

    with database.snapshot() as connection:
        assert connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "1min"
    with pytest.raises(StoreError, match=r"stood still|the server does not answer|lost"):
        stand_still()
    database.close()
