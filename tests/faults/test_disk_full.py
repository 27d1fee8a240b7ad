"""The disk fills up while messages go out: nothing is sent without a committed intent, and room makes it go on.

With a limit on the size of the daemon's files, which needs no rights, and in `make faults` with a small disk.
"""

import errno
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.store import schema
from contactd.store.database import Database, open_database
from tests.fakes import smtp_ledger
from tests.faults.life import Life, contactd, until
from tests.faults.stage import Stage, open_stage, twice

FULL = os.environ.get("FAULTS") == "full"
MAILS = 300
_PAGE = 4096
_RESTED = 2.0  # longer than the daemon waits before it tries again


def taken_without_intent(stage: Stage, database: Database) -> list[str]:
    """List what the mail server took although the store knows of no intent for it."""
    taken = list(smtp_ledger.read_ledger(stage.mail_ledger))
    columns = schema.attempt.c
    with database.snapshot() as connection:
        chosen = sa.select(columns.id, columns.claim_no, columns.sending_at)
        meant = {f"{row.id}-{row.claim_no}" for row in connection.execute(chosen) if row.sending_at is not None}
    return [reference for reference in taken if reference not in meant]


def fill_and_make_room(
    stage: Stage, life: Life, fill: Callable[[], None], make_room: Callable[[], None], seen: Callable[[], Database]
) -> None:
    """Let the disk be full in the middle of a batch, look what happens, make room, and see that it ends well."""
    assert life.plan("email")
    until(lambda: len(stage.mails()) > MAILS // 6, 60, life.log_tail)
    fill()
    until(lambda: life.ready()[1].get("parts") == {"store": False, "daemon": True}, 60, life.log_tail)
    # What was begun ends; then the mail server hears no more, however often the daemon tries.
    until(lambda: _quiet(stage), 60, life.log_tail)
    assert len(stage.mails()) < stage.owed["email"]
    with closing(seen()) as database:
        assert taken_without_intent(stage, database) == []
    assert life.process is not None
    assert life.process.poll() is None, life.log_tail()
    assert not life.ready()[0]
    assert not life.plan("email")
    make_room()
    life.wait_ready()
    assert life.plan("email")


def _quiet(stage: Stage) -> bool:
    before = len(stage.mails())
    time.sleep(_RESTED)
    return len(stage.mails()) == before


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_daemon_that_may_write_no_more_sends_no_more_until_it_may(tmp_path: Path, database_url: str) -> None:
    with open_stage(tmp_path, database_url, emails=MAILS, mail=("--delay", "0.05")) as stage:
        life = stage.life("limited", rate="60 per second")
        life.start()
        life.wait_ready()

        def limit(size: int) -> None:
            resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        def fill() -> None:
            stage.catch(life, "email", lambda: stage.states()["email", "planned"] > MAILS // 6)
            limit(_PAGE)
            life.thaw()

        fill_and_make_room(stage, life, fill, lambda: limit(resource.RLIM_INFINITY), lambda: open_database(stage.url))
        states, owed = stage.finish(120), stage.owed["email"]
        assert life.stop() == 0
        assert states == {("email", "accepted"): owed}
        assert (len(stage.mails()), twice(stage.mails())) == (owed, [])


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[list[str]]:
    """Give the words before a command that make it see a small disk at `folder`; with what is in the folder on it."""
    kept = f"{folder}.kept"
    mount = f"cp -a {folder}/. {kept} && mount -t tmpfs -o size={size} none {folder} && cp -a {kept}/. {folder}"
    words = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.getuid() else []), "sh", "-ec"]
    if subprocess.run([*words, f"mount -t tmpfs none {folder}"], check=False, capture_output=True).returncode:
        pytest.skip("nobody may mount a file system here (unshare --mount)")
    yield [*words, f'mkdir {kept} && {mount} && exec "$@"', "sh"]
    shutil.rmtree(kept)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_daemon_on_a_full_disk_sends_no_more_until_there_is_room(tmp_path: Path, database_url: str) -> None:
    home = Path(database_url.removeprefix("sqlite:///"))
    disk = tmp_path / "disk"
    disk.mkdir()
    url = f"sqlite:///{disk / home.name}"
    shutil.copyfile(home, disk / home.name)
    with open_stage(tmp_path, url, emails=MAILS, mail=("--delay", "0.05")) as stage, small_disk(disk, "8m") as words:
        stage.database.close()  # what the daemon works on is its copy on the small disk
        life = stage.life("confined", rate="60 per second")
        with (life.folder / "daemon.log").open("ab") as log:
            life.process = subprocess.Popen([*words, *contactd("run", "--config", life.config)], stdout=log, stderr=log)
        life.wait_ready()
        # An open folder keeps the disk when the daemon has ended; SQLite itself would not find its way in there.
        inside = os.open(f"/proc/{life.pid}/root{disk}", os.O_RDONLY)

        def fill() -> None:
            ballast = os.open("ballast", os.O_WRONLY | os.O_CREAT, dir_fd=inside)
            try:
                while True:
                    os.write(ballast, b"x" * 1024)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            finally:
                os.close(ballast)

        fill_and_make_room(stage, life, fill, lambda: os.unlink("ballast", dir_fd=inside), lambda: copied(inside, home))
        assert "the disk is full; make room" in life.log_text()
        until(lambda: len(stage.mails()) == MAILS, 60, life.log_tail)
        assert life.stop() == 0
        stage.database = copied(inside, home)
        os.close(inside)
        assert stage.states() == {("email", "accepted"): MAILS}
        assert twice(stage.mails()) == []


def copied(folder: int, home: Path) -> Database:
    """Copy the database out of an open folder while nobody can write to it."""
    for ending in ("", "-wal"):
        name = f"{home.name}{ending}"
        if name in os.listdir(folder):
            with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
                home.with_name(name).write_bytes(file.read())
        else:
            home.with_name(name).unlink(missing_ok=True)
    return open_database(f"sqlite:///{home}")
