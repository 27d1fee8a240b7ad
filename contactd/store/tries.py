"""Tries to get in that did not succeed, by name, by address and by both; and from where people came in lately.

They are counted before a password is looked at, so that many at once gain nothing; domain/throttle.py says how many.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain import throttle
from contactd.store.conflict import insert_into
from contactd.store.schema_logins import failed_try, known_address


class Wait(NamedTuple):
    """How long to wait; `is_new`: nobody has been told so in this wait before."""

    left: timedelta = timedelta(0)
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody's try, with a password or a code; what they typed cannot be read from what it is counted by."""

    name: str
    address: str
    is_code: bool = False

    @property
    def by_address(self) -> str:
        """Name what all tries from there are counted by."""
        return f"address:{_digest(self.address)}"

    @property
    def by_both(self) -> str:
        """Name what a password for this name from there is counted by."""
        return f"{_of_name(self.name)}{_digest(self.address)}"

    @property
    def by_code(self) -> str:
        """Name what codes for this name are counted by."""
        return f"code:{_digest(self.name)}"

    def by_name(self, now: datetime) -> str:
        """Name what passwords for this name are counted by for a day."""
        return f"{_of_name(self.name)}{now:%Y-%m-%d}"


def begin(connection: Connection, one: Try, now: datetime) -> Wait:
    """Count a try and answer no wait, or answer how long to wait and count nothing."""
    connection.execute(sa.delete(failed_try).where(failed_try.c.last_at < now - throttle.FORGOTTEN_AFTER))
    free = _free(connection, one, now)
    known = sa.select(failed_try).where(failed_try.c.key.in_(sorted(free))).order_by(failed_try.c.key)
    rows = connection.execute(known.with_for_update()).all()
    waits = {row: left for row in rows if (left := throttle.left(row.tries, free[row.key], row.last_at, now))}
    if waits:
        fresh = [row.key for row in waits if not row.noted]
        connection.execute(sa.update(failed_try).where(failed_try.c.key.in_(fresh)).values(noted=True))
        return Wait(max(waits.values()), bool(fresh))
    for key in sorted(free):
        _count(connection, key, now)
    return Wait()


def _free(connection: Connection, one: Try, now: datetime) -> dict[str, int]:
    """Say by what a try is counted, and how many each has without a wait."""
    by_address = {one.by_address: throttle.FREE_BY_ADDRESS}
    if one.is_code:
        return by_address | {one.by_code: throttle.FREE_BY_CODE}
    both = by_address | {one.by_both: throttle.FREE_BY_BOTH}
    lately = known_address.c.at > now - throttle.KNOWN_FOR
    known = connection.scalar(sa.select(sa.literal(1)).where(known_address.c.key == one.by_both, lately))
    return both if known else both | {one.by_name(now): throttle.FREE_BY_NAME}


def _count(connection: Connection, key: str, now: datetime) -> int:
    new = insert_into(connection, failed_try).values(key=key, tries=1, last_at=now, noted=False)
    more = {"tries": failed_try.c.tries + 1, "last_at": now, "noted": False}
    counted = new.on_conflict_do_update(index_elements=["key"], set_=more).returning(failed_try.c.tries)
    return int(connection.execute(counted).scalar_one())


def count_nobodys(connection: Connection, what: str, now: datetime) -> int:
    """Count what somebody did with a name nobody has, and answer how often that was in this hour."""
    return _count(connection, f"nobody:{what}:{now:%Y-%m-%dT%H}", now)


def succeed(connection: Connection, one: Try, now: datetime) -> None:
    """Forget the tries of a name from there; of the address and of the name only this one: others may be at it."""
    own = one.by_code if one.is_code else one.by_both
    connection.execute(sa.delete(failed_try).where(failed_try.c.key == own))
    shared = failed_try.c.key.in_([one.by_address] if one.is_code else [one.by_address, one.by_name(now)])
    one_less = sa.update(failed_try).where(shared, failed_try.c.tries > 0)
    connection.execute(one_less.values(tries=failed_try.c.tries - 1))


def know(connection: Connection, one: Try, now: datetime) -> None:
    """Remember that somebody signed in from there, and forget what was too long ago."""
    connection.execute(sa.delete(known_address).where(known_address.c.at <= now - throttle.KNOWN_FOR))
    new = insert_into(connection, known_address).values(key=one.by_both, at=now)
    connection.execute(new.on_conflict_do_update(index_elements=["key"], set_={"at": now}))


def forget(connection: Connection, name: str) -> None:
    """Let a name in again at once, because somebody at the terminal says so; from where it came counts no more."""
    for table in (failed_try, known_address):
        connection.execute(sa.delete(table).where(table.c.key.startswith(_of_name(name), autoescape=True)))
    connection.execute(sa.delete(failed_try).where(failed_try.c.key == Try(name, "").by_code))


def _of_name(name: str) -> str:
    return f"name:{_digest(name)}@"


def _digest(value: str) -> str:
    return hashlib.sha256(value.lower().encode("utf-8", "replace")).hexdigest()
