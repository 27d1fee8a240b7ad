"""A daemon's name is held by one process: by a locked file beside an SQLite database, by a session of PostgreSQL.

Only database.py uses it. What it hands out is called now and then: a session may be lost with its server.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.errors import ContactdError, NameTaken, StoreError
from contactd.store.failures import translated

Keep = Callable[[], None]


@contextmanager
def held_in_file(path: Path, name: str) -> Iterator[Keep]:
    """Lock the file beside the database; the system frees it with the process."""
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{lock}: cannot be written ({error.strerror}); mend the directory's permissions") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another daemon"
            raise NameTaken(
                f"{path}: {holder} is running on this database; SQLite serves one daemon: "
                "stop the other or use PostgreSQL",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{name} (process {os.getpid()})\n".encode(), 0)
        yield lambda: None
    finally:
        os.close(descriptor)


@contextmanager
def held_in_session(engine: sa.Engine, place: str, name: str) -> Iterator[Keep]:
    """Hold an advisory lock in a session of its own; the server frees it with the session."""
    held = _Session(engine, place, name)
    held.take()
    try:
        yield held.keep
    finally:
        held.give_up()


class _Session:
    """The session that holds the name."""

    def __init__(self, engine: sa.Engine, place: str, name: str) -> None:
        self._engine = engine
        self._place = place
        self._name = name
        self._key = int.from_bytes(hashlib.sha256(f"contactd:{name}".encode()).digest()[:8], "big", signed=True)
        self._connection: Connection | None = None
        self._former: tuple[int, object] | None = None

    def take(self) -> None:
        """Take the name; raises NameTaken while another process has it."""
        with translated(self._place):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                self._former = self._take_by(connection)
            except BaseException:
                _drop(connection)
                raise
        self._connection = connection

    def _take_by(self, connection: Connection) -> tuple[int, object]:
        self._end_former(connection)
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(self._key))):
            raise NameTaken(
                f"{self._place}: a daemon named {self._name!r} is running on this database; "
                "stop it, or give this one another [daemon] name",
            )
        mine = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        pid, since = connection.execute(sa.text(mine)).one()
        return pid, since

    def keep(self) -> None:
        """Take the name again when its session was lost; NameTaken when another was quicker, StoreError: not yet."""
        if self._connection is not None:
            try:
                with translated(self._place):
                    self._connection.scalar(sa.select(1))
            except (ContactdError, sa.exc.SQLAlchemyError):
                self.give_up()
            else:
                return
        self.take()

    def give_up(self) -> None:
        """End the session, whatever state it is in, and with it the lock."""
        if self._connection is not None:
            _drop(self._connection)
            self._connection = None

    def _end_former(self, connection: Connection) -> None:
        """End our own lost session, should the server not have noticed yet that nobody is there."""
        if self._former is None:
            return
        pid, since = self._former
        ours = "FROM pg_stat_activity WHERE pid = :pid AND backend_start = :since"
        known = {"pid": pid, "since": since}
        connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) {ours}"), known)
        if connection.scalar(sa.text(f"SELECT count(*) {ours}"), known):
            raise StoreError(f"{self._place}: the server is still ending our lost session; it is tried again")


def _drop(connection: Connection) -> None:
    with suppress(sa.exc.SQLAlchemyError):
        connection.invalidate()
    connection.close()
