"""What providers and customers told us, kept before it is answered and applied later, each once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.among import among
from contactd.store.conflict import insert_into
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
    """Keep events; answers False for what was delivered before."""
    if not events:
        return []
    rows = [
        {
            "source": item.source,
            "token": item.token,
            "payload": dict(item.payload),
            "received_at": item.received_at,
            "handled_at": item.handled_at,
        }
        for item in events
    ]
    statement = insert_into(connection, inbox).on_conflict_do_nothing(index_elements=["source", "token"])
    kept = {tuple(row) for row in connection.execute(statement.returning(inbox.c.source, inbox.c.token), rows)}
    answers = []
    for item in events:
        answers.append((item.source, item.token) in kept)
        kept.discard((item.source, item.token))
    return answers


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
