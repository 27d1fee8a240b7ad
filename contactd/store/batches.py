"""Batches: what each planning run took up, and what it held back by which rule."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store.schema import batch


def open_batch(connection: Connection, campaign: str, now: datetime) -> int:
    """Begin a planning run; answers its number."""
    statement = sa.insert(batch).values(campaign=campaign, planned_at=now, held={}, steps={})
    batch_id: int = connection.execute(statement.returning(batch.c.id)).scalar_one()
    return batch_id


def close_batch(
    connection: Connection,
    batch_id: int,
    *,
    now: datetime,
    taken: int,
    steps: Mapping[str, Any],
    held: Mapping[str, Any],
) -> None:
    """End a planning run with its counts and amounts."""
    connection.execute(
        sa.update(batch)
        .where(batch.c.id == batch_id)
        .values(finished_at=now, taken=taken, steps=dict(steps), held=dict(held)),
    )


def latest(connection: Connection, campaign: str | None = None, *, limit: int = 1) -> Sequence[Row[Any]]:
    """List the newest runs, of one campaign or of all."""
    chosen = sa.select(batch).order_by(batch.c.id.desc()).limit(limit)
    if campaign is not None:
        chosen = chosen.where(batch.c.campaign == campaign)
    return connection.execute(chosen).all()


def last_planned(connection: Connection) -> dict[str, datetime]:
    """Answer when each campaign was planned last."""
    at = sa.func.max(batch.c.planned_at)
    chosen = sa.select(batch.c.campaign, sa.type_coerce(at, batch.c.planned_at.type)).group_by(batch.c.campaign)
    return {campaign: planned for campaign, planned in connection.execute(chosen) if planned is not None}
