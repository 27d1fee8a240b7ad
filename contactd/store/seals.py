"""Seals and blocks of the contact log: read, written, and taken off what is erased; for engine/records/custody.py.

Entries are written by many at once, and on PostgreSQL an id may be committed after a higher one. So what can be seen is
sealed only when nobody is left who was writing into the log when it was looked at (`horizon`, `still_writing`).
"""

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain import sealing
from contactd.domain.sealing import GENESIS, NOTHING, OPEN, PERSONAL, SALT, Block, Entry, Seal
from contactd.store import bulk, leases
from contactd.store.among import among
from contactd.store.columns import from_micros, to_micros
from contactd.store.raw import raw_rows
from contactd.store.schema import contact_log
from contactd.store.schema_evidence import seal, seal_block
from contactd.store.schema_programs import hook_event

MOST = 1_000  # entries of a block
_LEASE = "log_seal"
_BEFORE_ALL = -(2**63)  # the database would number no entry like that; somebody may have
_COLUMNS = ("entry_id", "salt", "commitment", "digest")
# JSON as the text it is: what cannot be read as JSON is then no other entry's.
_ENTRY = [
    sa.cast(contact_log.c.details, sa.Text) if name == "details" else contact_log.c[name]
    for name in ("id", *OPEN, *PERSONAL)
]
_AFTER_OPEN = 1 + len(OPEN)


@dataclass(frozen=True, slots=True)
class Horizon:
    """The newest entry that could be seen, and the transactions that may still write an older one."""

    last_id: int
    writers: frozenset[str]


class Prepared(NamedTuple):
    """A block to be written, with its seals; `before` is the one it follows."""

    before: Block
    block: Block
    seals: list[Seal]


class Stretch(NamedTuple):
    """A block as it is stored, and what is found between the last entry of its predecessor and its own."""

    block: Block
    seals: list[Seal]
    entries: list[Entry]


def horizon(connection: Connection) -> Horizon:
    """See how far the log goes, then who is writing: who takes an id has locked the table before."""
    last = connection.scalar(sa.select(sa.func.max(contact_log.c.id))) or 0
    return Horizon(last, _writers(connection))


def still_writing(connection: Connection, seen: Horizon) -> bool:
    """Answer whether one of those who were writing then still is; what they wrote is seen by the next transaction."""
    return bool(seen.writers and seen.writers & _writers(connection))


def _writers(connection: Connection) -> frozenset[str]:
    if connection.dialect.name == "sqlite":  # one transaction writes at a time, and ids only grow
        return frozenset()
    # PostgreSQL manual, 13.3.1: every INSERT holds this lock until its transaction has ended for everybody to see.
    locks = sa.text(
        "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND"
        " relation = 'contact_log'::regclass AND pid IS DISTINCT FROM pg_backend_pid()"
    )
    return frozenset(connection.scalars(locks))


def head(connection: Connection) -> Block:
    """Read the newest block; GENESIS if there is none."""
    newest = sa.select(seal_block).order_by(seal_block.c.number.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return _block(row) if row is not None else GENESIS


def prepare(connection: Connection, last_id: int, now: datetime) -> Prepared | None:
    """Make the next block of entries up to that id, without a lock; None when there are none."""
    before = head(connection)
    entries = _entries(connection, before.last_id, last_id, MOST)
    if not entries:
        return None
    salts = secrets.token_bytes(SALT * len(entries))
    seals = [sealing.sealed(entry, salts[at * SALT : (at + 1) * SALT]) for at, entry in enumerate(entries)]
    return Prepared(before, sealing.chained(before, seals, to_micros(now)), seals)


def write(connection: Connection, made: Prepared) -> bool:
    """Write a block, one writer after the other; answers False when another was quicker."""
    if leases.acquire(connection, _LEASE, holder="", lasting=timedelta()) is None or head(connection) != made.before:
        return False
    bulk.insert(connection, seal, _COLUMNS, made.seals)
    block = made.block._asdict() | {"sealed_at": from_micros(made.block.sealed_at)}
    connection.execute(sa.insert(seal_block).values(block))
    return True


def stretches(connection: Connection) -> Iterator[Stretch]:
    """Read block after block with all that belongs to it."""
    before = GENESIS
    while True:
        following = sa.select(seal_block).where(seal_block.c.number > before.number)
        row = connection.execute(following.order_by(seal_block.c.number).limit(1)).one_or_none()
        if row is None:
            return
        block = _block(row)
        after = before.last_id if before.number else _BEFORE_ALL
        within = seal.c.entry_id > after, seal.c.entry_id <= block.last_id
        rows = raw_rows(connection, sa.select(seal).where(*within).order_by(seal.c.entry_id))
        yield Stretch(
            block,
            [Seal(row[0], *map(_bytes, row[1:])) for row in rows],
            _entries(connection, after, block.last_id),
        )
        before = block


def beyond(connection: Connection, last_id: int) -> tuple[int, int]:
    """Count the entries and the seals after an id."""
    found = (
        sa.select(sa.func.count()).select_from(contact_log).where(contact_log.c.id > last_id),
        sa.select(sa.func.count()).select_from(seal).where(seal.c.entry_id > last_id),
    )
    entries, seals = (connection.scalar(one) or 0 for one in found)
    return entries, seals


def erase(connection: Connection, ids: Collection[int]) -> int:
    """Empty the personal part of entries that are sealed, and throw their salts away; answers how many it was.

    Other software is not told of them any more.
    """
    off = sa.update(seal).where(among(connection, seal.c.entry_id, ids), seal.c.salt.is_not(None))
    gone = list(connection.scalars(off.values(salt=None).returning(seal.c.entry_id)))
    empty = dict(zip(PERSONAL, NOTHING, strict=True)) | {"details": sa.null()}
    connection.execute(sa.update(contact_log).where(among(connection, contact_log.c.id, gone)).values(empty))
    connection.execute(sa.delete(hook_event).where(among(connection, hook_event.c.entry_id, gone)))
    return len(gone)


def _entries(connection: Connection, after: int, last_id: int, limit: int | None = None) -> list[Entry]:
    chosen = sa.select(*_ENTRY).where(contact_log.c.id > after, contact_log.c.id <= last_id)
    return [_entry(row) for row in raw_rows(connection, chosen.order_by(contact_log.c.id).limit(limit))]


def _entry(row: Sequence[Any]) -> Entry:
    at, details = row[1], row[-1]
    shown = (to_micros(at) if isinstance(at, datetime) else at, *row[2:_AFTER_OPEN])
    return Entry(row[0], shown, (*row[_AFTER_OPEN:-1], details and _read(details)))


def _read(details: str) -> object:
    try:
        return json.loads(details)
    except (ValueError, RecursionError):
        return details


def _bytes(value: object) -> Any:  # noqa: ANN401 -- bytes, or None
    # SQLite keeps whatever somebody has put there.
    return value if value is None or isinstance(value, bytes) else repr(value).encode()


def _block(row: Sequence[Any]) -> Block:
    number, last_id, entries, sealed_at, hashed = row
    return Block(number, last_id, entries, to_micros(sealed_at), hashed)
