"""What providers and customers told us, kept before it is answered and applied later, each once."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.among import among
from contactd.store.raw import driver_cursor, stored
from contactd.store.schema import inbox


@dataclass(frozen=True, slots=True)
class Event:
    """Something that came in; `token` makes a repeated delivery from the same source recognisable.

    `handled_at` is set when it is applied in the transaction that keeps it.
    """

    source: str
    token: str
    payload: Mapping[str, Any]
    received_at: datetime
    handled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event nobody has applied yet."""

    id: int
    source: str
    token: str
    payload: Mapping[str, Any]
    received_at: datetime


def receive(connection: Connection, events: Sequence[Event]) -> list[bool]:
    """Keep events, at most a few thousand at once; answers False for what was delivered before."""
    if not events:
        return []
    write = stored(connection)
    cells: list[object] = []
    for item in events:
        handled_at = item.handled_at and write(item.handled_at)
        cells += (item.source, item.token, json.dumps(dict(item.payload)), write(item.received_at), handled_at)
    with driver_cursor(connection) as cursor:
        cursor.execute(_insertion("%s" if connection.dialect.name == "postgresql" else "?", len(events)), cells)
        kept = set(cursor.fetchall())
    answers = []
    for item in events:
        answers.append((item.source, item.token) in kept)
        kept.discard((item.source, item.token))
    return answers


@lru_cache(maxsize=512)
def _insertion(mark: str, count: int) -> str:
    """Word the statement for so many events; nothing but the driver is quick enough for webhooks."""
    rows = ", ".join([f"({', '.join([mark] * 5)})"] * count)
    return (
        f"INSERT INTO inbox (source, token, payload, received_at, handled_at) VALUES {rows}"  # noqa: S608 - marks only
        " ON CONFLICT (source, token) DO NOTHING RETURNING source, token"
    )


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """List what is to be applied, oldest first."""
    chosen = (
        sa.select(inbox.c.id, inbox.c.source, inbox.c.token, inbox.c.payload, inbox.c.received_at)
        .where(inbox.c.handled_at.is_(None))
        .order_by(inbox.c.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in connection.execute(chosen)]


def handled(connection: Connection, ids: Collection[int], now: datetime) -> None:
    """Mark events as applied, in the transaction that applied them."""
    if ids:
        connection.execute(sa.update(inbox).where(among(connection, inbox.c.id, ids)).values(handled_at=now))
