"""Leases: what only one process may do at a time (a team's dialer, a planning run), by the database's own clock.

The epoch grows with each holder: whoever acts on a lease checks its epoch in the same transaction (`holds`), so that a
process that slept past its lease does no harm.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.columns import Utc
from contactd.store.conflict import insert_into
from contactd.store.schema import lease

# Microseconds since 1970, as `Utc` is stored in SQLite; 2440587.5 is the Julian day of 1970-01-01.
_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


def acquire(
    connection: Connection, name: str, *, holder: str, lasting: timedelta, by_force: bool = False
) -> int | None:
    """Take a lease that is free, expired or our own; answers its new epoch, or None while somebody else has it.

    A row that is locked is left to the next time: its holder may stand still in mid-transaction. `by_force` takes it
    from anybody; for whoever knows otherwise that there is nobody.
    """
    values = {"holder": holder, "expires_at": _moment(connection, lasting)}
    chosen = sa.select(lease.c.name).where(lease.c.name == name).with_for_update(skip_locked=True)
    if not by_force:
        chosen = chosen.where(sa.or_(lease.c.expires_at <= _moment(connection), lease.c.holder == holder))
    again = sa.update(lease).where(lease.c.name == chosen.scalar_subquery())
    epoch: int | None = connection.scalar(again.values(**values, epoch=lease.c.epoch + 1).returning(lease.c.epoch))
    if epoch is None:
        first = insert_into(connection, lease).values(name=name, epoch=1, **values)
        epoch = connection.scalar(first.on_conflict_do_nothing(index_elements=["name"]).returning(lease.c.epoch))
    return epoch


def renew(connection: Connection, name: str, epoch: int, *, lasting: timedelta) -> bool:
    """Keep a lease; answers False when somebody else has taken it since."""
    statement = sa.update(lease).where(lease.c.name == name, lease.c.epoch == epoch)
    return connection.execute(statement.values(expires_at=_moment(connection, lasting))).rowcount == 1


def release(connection: Connection, name: str, epoch: int) -> None:
    """Give a lease up at once, when it is still ours."""
    statement = sa.update(lease).where(lease.c.name == name, lease.c.epoch == epoch)
    connection.execute(statement.values(expires_at=_moment(connection)))


def holds(connection: Connection, name: str, epoch: int) -> bool:
    """Answer whether the lease is still ours, and keep it so until the transaction ends."""
    chosen = sa.select(lease.c.epoch).where(
        lease.c.name == name,
        lease.c.epoch == epoch,
        lease.c.expires_at > _moment(connection),
    )
    return connection.scalar(chosen.with_for_update(read=True)) is not None


def _moment(connection: Connection, later: timedelta = timedelta()) -> sa.ColumnElement[datetime]:
    if connection.dialect.name == "postgresql":
        return sa.type_coerce(sa.func.clock_timestamp() + sa.literal(later, sa.Interval()), Utc)
    return sa.type_coerce(sa.literal_column(f"({_SQLITE_NOW} + {later // timedelta(microseconds=1)})"), Utc)
