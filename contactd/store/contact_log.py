"""The contact log: every contact and every decision about one, in order; rows are added, never changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store.raw import inserted, stored
from contactd.store.schema import account, contact_log

_EMPTY: dict[str, Any] = {
    column.name: "" if isinstance(column.type, sa.Text) else None
    for column in contact_log.columns
    if column.name != "id"
}
_INSERT = inserted(contact_log, list(_EMPTY))


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows, given by column name; `at` is needed, the rest may be left out."""
    if not rows:
        return
    write = stored(connection)
    _INSERT.run(connection, [{**_EMPTY, **row, "at": write(row["at"])} for row in rows])


def refusals(connection: Connection, attempt_id: int, outcome: str) -> tuple[int, datetime | None]:
    """Answer how often an attempt was not taken with that outcome, over all its claims, and when first."""
    first = sa.type_coerce(sa.func.min(contact_log.c.at), contact_log.c.at.type)
    chosen = sa.select(sa.func.count(), first).where(
        contact_log.c.attempt_id == attempt_id, contact_log.c.event == "not_taken", contact_log.c.outcome == outcome
    )
    count, since = connection.execute(chosen).one()
    return count, since


def read(
    connection: Connection,
    *,
    account_no: str | None = None,
    since: datetime | None = None,
    after_id: int = 0,
    limit: int = 1000,
) -> Sequence[Row[Any]]:
    """List rows oldest first, each with its account's creditor, account_no and currency; go on with `after_id`."""
    chosen = (
        sa.select(contact_log, account.c.creditor, account.c.account_no, account.c.currency)
        .select_from(contact_log.outerjoin(account, account.c.id == contact_log.c.account_id))
        .where(contact_log.c.id > after_id)
        .order_by(contact_log.c.id)
        .limit(limit)
    )
    if account_no is not None:
        mine = sa.select(account.c.id).where(account.c.account_no == account_no)
        chosen = chosen.where(contact_log.c.account_id.in_(mine))
    if since is not None:
        chosen = chosen.where(contact_log.c.at >= since)
    return connection.execute(chosen).all()


def of_account(connection: Connection, account_id: int, before: datetime) -> Sequence[Row[Any]]:
    """List all rows of one account up to an instant, oldest first."""
    chosen = sa.select(contact_log).where(contact_log.c.account_id == account_id, contact_log.c.at < before)
    return connection.execute(chosen.order_by(contact_log.c.id)).all()
