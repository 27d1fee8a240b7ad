"""Turns what a database driver raises into StoreError or StoreConflict with a cure; for the store only."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from contactd.domain.errors import ContactdError, StoreAway, StoreConflict, StoreError

# https://www.sqlite.org/rescode.html, primary codes.
_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full; make room, nothing of this was kept",
    sqlite3.SQLITE_IOERR: "reading or writing failed; look at the disk and the kernel's log",
    sqlite3.SQLITE_NOTADB: "is no SQLite database, or its first page is damaged; restore a backup or name another file",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; stop contactd and restore a backup",
    sqlite3.SQLITE_READONLY: "cannot be written; mend the permissions of the file and its directory",
    sqlite3.SQLITE_PERM: "access refused; mend the permissions of the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; mend the permissions of the file and its directory",
    sqlite3.SQLITE_BUSY: "another program kept the database locked for too long; find it (fuser FILE) and end it",
    sqlite3.SQLITE_LOCKED: "another program kept the database locked for too long; find it (fuser FILE) and end it",
}
# PostgreSQL manual, appendix A; whole codes first, then classes.
_POSTGRESQL = {
    "53100": "the server's disk is full; make room, nothing of this was kept",
    "53200": "the server is out of memory",
    "53300": "the server takes no more connections; raise max_connections",
    "25006": "the server is read-only (a standby?); name the primary in [database] url",
    "28P01": "the password is wrong; mend [database] url",
    "28000": "the server refuses this user; mend [database] url or pg_hba.conf",
    "3D000": "there is no such database on the server; create it (createdb) or mend [database] url",
    "42501": "this user may not do that; grant it the rights on the database",
    "25P03": "the server ended a transaction that stood still; it is tried again",
    "57P01": "the server ended the connection; it is tried again",
    "57P02": "the server ended the connection; it is tried again",
    "57P03": "the server is starting or stopping; it is tried again",
    "58030": "the server's disk fails; look at its log",
    "08": "the connection to the server was lost; it is tried again",
    "XX": "the database is damaged; look at the server's log, restore a backup",
}
# Those that pass by themselves; so does whatever libpq says without a code and without words known to us.
_PASSING = frozenset({"53300", "57P01", "57P02", "57P03", "08"})
_COLLISIONS = frozenset({"40001", "40P01"})
_WORDS = {
    r'database ".*" does not exist': "3D000",
    r'role ".*" does not exist|no pg_hba.conf entry': "28000",
    "password authentication failed|no password supplied": "28P01",
    "too many clients|connection slots": "53300",
    "starting up|shutting down": "57P03",
}
_UNREACHABLE = "the server does not answer or refuses; start it, or mend [database] url"


def explain(error: BaseException, place: str) -> ContactdError | None:
    """Answer what to raise instead, or None when the error is not the database's condition but a mistake of ours."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        text = _SQLITE.get(code)
        return StoreError(f"{place}: {text} ({cause})") if text else None
    if isinstance(cause, psycopg.Error):
        return _postgresql(cause, place)
    if isinstance(error, sa.exc.TimeoutError):
        return StoreError(f"{place}: every connection is busy; too much runs at once")
    return None


def _postgresql(cause: psycopg.Error, place: str) -> ContactdError | None:
    first = str(cause).strip().partition("\n")[0]
    state = cause.sqlstate or ""
    if state in _COLLISIONS:
        return StoreConflict(f"{place}: two transactions met; read again ({first})")
    if not state and isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        # libpq gives no code when connecting fails or the connection is gone, only words.
        state = next((code for words, code in _WORDS.items() if re.search(words, str(cause))), "")
        if not state:
            return StoreAway(f"{place}: {_UNREACHABLE} ({first})")
    code = state if state in _POSTGRESQL else state[:2]
    if code not in _POSTGRESQL:
        return None
    return (StoreAway if code in _PASSING else StoreError)(f"{place}: {_POSTGRESQL[code]} ({first})")


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise in contactd's words whatever condition of the database ends the block."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        known = explain(error, place)
        if known is None:
            raise
        raise known from error
