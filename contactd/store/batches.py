"""Batches: what each planning run took up, and what it held back by which rule."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store.schema import batch


def open_batch(connection: Connection, campaign: str, now: datetime, *, draft: bool = False) -> int:
    """Begin a planning run, or the draft of one that is to be proposed; answers its number."""
    statement = sa.insert(batch).values(campaign=campaign, planned_at=now, draft=draft, held={}, steps={})
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
    """End a planning run with its counts and amounts; one that was only believed to be interrupted is none any more."""
    connection.execute(
        sa.update(batch)
        .where(batch.c.id == batch_id)
        .values(finished_at=now, interrupted=False, taken=taken, steps=dict(steps), held=dict(held)),
    )


def still_open(connection: Connection, batch_id: int) -> bool:
    """Say whether nobody took a run for interrupted, and keep it so until the transaction ends."""
    chosen = sa.select(batch.c.id).where(batch.c.id == batch_id, batch.c.finished_at.is_(None))
    return connection.execute(chosen.with_for_update()).one_or_none() is not None


def latest(connection: Connection, campaign: str | None = None, *, limit: int = 1) -> Sequence[Row[Any]]:
    """List the newest runs, of one campaign or of all."""
    chosen = sa.select(batch).order_by(batch.c.id.desc()).limit(limit)
    if campaign is not None:
        chosen = chosen.where(batch.c.campaign == campaign)
    return connection.execute(chosen).all()


def close_interrupted(connection: Connection, now: datetime) -> int:
    """End what an earlier life left unfinished; answers how many runs that were.

    The run of another daemon that is still at it ends itself, and takes the mark away again.
    """
    statement = sa.update(batch).where(batch.c.finished_at.is_(None)).values(finished_at=now, interrupted=True)
    return connection.execute(statement).rowcount


def to_repeat(connection: Connection) -> list[str]:
    """List the campaigns whose newest run was interrupted; a draft that was is forgotten: nobody asked to queue it."""
    newest = sa.select(sa.func.max(batch.c.id)).group_by(batch.c.campaign)
    newest = newest.where(sa.not_(sa.and_(batch.c.interrupted, batch.c.draft)))
    chosen = sa.select(batch.c.campaign).where(batch.c.id.in_(newest), batch.c.interrupted)
    return list(connection.scalars(chosen.order_by(batch.c.campaign)))


def last_planned(connection: Connection) -> dict[str, datetime]:
    """Answer when each campaign was planned last, from the beginning to the end."""
    at = sa.type_coerce(sa.func.max(batch.c.planned_at), batch.c.planned_at.type)
    finished = sa.and_(batch.c.finished_at.is_not(None), sa.not_(batch.c.interrupted))
    chosen = sa.select(batch.c.campaign, at).where(finished).group_by(batch.c.campaign)
    return {campaign: planned for campaign, planned in connection.execute(chosen) if planned is not None}
