"""Tries to get in that did not succeed, by name and by address.

They are counted before a password is looked at, so that many at once gain nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain import throttle
from contactd.store.conflict import insert_into
from contactd.store.schema_logins import failed_try


class Wait(NamedTuple):
    """How long to wait; `is_new`: nobody has been told so in this wait before."""

    left: timedelta = timedelta(0)
    is_new: bool = False


def key_of(kind: str, value: str) -> str:
    """Name what is counted; what was typed cannot be read from it."""
    return f"{kind}:{hashlib.sha256(value.lower().encode('utf-8', 'replace')).hexdigest()}"


def begin(connection: Connection, free: Mapping[str, int], now: datetime) -> Wait:
    """Count a try under each key and answer no wait, or answer how long to wait and count nothing.

    `free`: how many tries each key has without a wait.
    """
    connection.execute(sa.delete(failed_try).where(failed_try.c.last_at < now - throttle.FORGOTTEN_AFTER))
    known = sa.select(failed_try).where(failed_try.c.key.in_(sorted(free))).order_by(failed_try.c.key)
    rows = connection.execute(known.with_for_update()).all()
    waits = {row: left for row in rows if (left := throttle.left(row.tries, free[row.key], row.last_at, now))}
    if waits:
        fresh = [row.key for row in waits if not row.noted]
        connection.execute(sa.update(failed_try).where(failed_try.c.key.in_(fresh)).values(noted=True))
        return Wait(max(waits.values()), bool(fresh))
    for key in sorted(free):
        new = insert_into(connection, failed_try).values(key=key, tries=1, last_at=now, noted=False)
        more = {"tries": failed_try.c.tries + 1, "last_at": now, "noted": False}
        connection.execute(new.on_conflict_do_update(index_elements=["key"], set_=more))
    return Wait()


def succeed(connection: Connection, name_key: str, address_key: str) -> None:
    """Forget the tries of a name; of an address only this one, for others may be at it there."""
    connection.execute(sa.delete(failed_try).where(failed_try.c.key == name_key))
    one_less = sa.update(failed_try).where(failed_try.c.key == address_key, failed_try.c.tries > 0)
    connection.execute(one_less.values(tries=failed_try.c.tries - 1))


def forget(connection: Connection, name: str) -> None:
    """Let a name in again at once, because somebody at the terminal says so."""
    connection.execute(sa.delete(failed_try).where(failed_try.c.key.in_([key_of("name", name), key_of("code", name)])))
