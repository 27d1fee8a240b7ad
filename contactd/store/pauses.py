"""What rests by a person's word or because a provider refused us: `all`, `campaign:<id>`, `channel:<name>`."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store.among import Stated
from contactd.store.conflict import insert_into
from contactd.store.schema import pause as pause_table


def pause(connection: Connection, name: str, *, reason: str, by: str, now: datetime) -> bool:
    """Pause; answers False when it already rests, and then keeps the first reason."""
    statement = insert_into(connection, pause_table).on_conflict_do_nothing()
    row = {"name": name, "reason": reason, "by": by, "since": now}
    return connection.scalar(statement.returning(pause_table.c.name), row) is not None


def resume(connection: Connection, name: str) -> bool:
    """Go on; answers False when it did not rest."""
    return connection.execute(sa.delete(pause_table).where(pause_table.c.name == name)).rowcount == 1


def paused(connection: Connection) -> set[str]:
    """List the names that rest."""
    return {name for (name,) in _NAMES.rows(connection)}


def listed(connection: Connection) -> list[Row[Any]]:
    """List what rests, since when, why and by whom."""
    return list(connection.execute(sa.select(pause_table).order_by(pause_table.c.name)))


def told(connection: Connection) -> dict[str, dict[str, str]]:
    """Say by name what rests, since when, by whom and why."""
    resting = listed(connection)
    return {row.name: {"since": row.since.isoformat(), "by": row.by, "reason": row.reason} for row in resting}


_NAMES = Stated(lambda _: sa.select(pause_table.c.name))
