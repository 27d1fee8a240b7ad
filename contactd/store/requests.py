"""Requests that were answered, so that the same one again is answered alike and does nothing; for the API.

The key is taken in the transaction that does the work, before it is done: two requests at once wait for each other, and
what is refused is rolled back and may come again under the same key.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.errors import InputError
from contactd.store.among import among
from contactd.store.conflict import insert_into
from contactd.store.schema_requests import answered_request

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, under which key, and a digest of what."""

    caller: str
    key: str
    digest: str
    at: datetime


class Told(NamedTuple):
    """What is answered, and whose account it is about, if it is one's: the answer is erased with that."""

    answer: object
    account_id: int | None = None


def once(connection: Connection, asked: Asked, work: Callable[[], Told]) -> object:
    """Do it and keep the answer, or answer as the first time.

    Raises InputError when the key was another request's, or the answer was erased.
    """
    table = answered_request
    mine = sa.and_(table.c.caller == asked.caller, table.c.key == asked.key)
    values = {"caller": asked.caller, "key": asked.key, "digest": asked.digest, "at": asked.at}
    taken = insert_into(connection, table).values(values).on_conflict_do_nothing(index_elements=["caller", "key"])
    if connection.scalar(taken.returning(table.c.id)) is not None:
        told = work()
        kept = {"answer": json.dumps(told.answer), "account_id": told.account_id}
        connection.execute(sa.update(table).where(mine).values(kept))
        return told.answer
    known = connection.execute(sa.select(table).where(mine)).one()
    if not known.answer:
        raise InputError(f"the answer to Idempotency-Key {asked.key[:40]!r} was erased since; nothing was done again")
    if known.digest != asked.digest:
        raise InputError(f"Idempotency-Key {asked.key[:40]!r} was another request's; a new request takes a new key")
    return json.loads(known.answer)


def old(connection: Connection, after: int, now: datetime, limit: int) -> Sequence[int]:
    """List the next that were answered long ago."""
    table = answered_request
    chosen = sa.select(table.c.id).where(table.c.id > after, table.c.at < now - KEPT)
    return connection.scalars(chosen.order_by(table.c.id).limit(limit)).all()


def forget(connection: Connection, ids: Collection[int]) -> None:
    """Delete them."""
    table = answered_request
    connection.execute(sa.delete(table).where(among(connection, table.c.id, ids)))
