"""Promises and plans for the reports: each with what came in, and the parts in which they fall due."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, tzinfo
from itertools import accumulate, groupby

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.agreement import Kind, State
from contactd.domain.calendar import local_day
from contactd.domain.promise_report import Due, Fate, Promised
from contactd.store.among import among
from contactd.store.schema import account, agreement, instalment

_KINDS = (Kind.PROMISE.value, Kind.PLAN.value)


def promises(connection: Connection, begin: datetime, end: datetime, zone: tzinfo) -> list[Promised]:
    """Read what was promised in that time, `end` excluded; `zone` says where a day ends."""
    last = sa.select(sa.func.max(instalment.c.due_on)).where(instalment.c.agreement_id == agreement.c.id)
    chosen = (
        sa.select(
            agreement.c.id, agreement.c.kind, agreement.c.state, account.c.currency, agreement.c.made_at,
            last.scalar_subquery().label("due_on"), agreement.c.amount, agreement.c.received,
        )
        .join(account, account.c.id == agreement.c.account_id)
        .where(agreement.c.kind.in_(_KINDS), agreement.c.made_at >= begin, agreement.c.made_at < end)
        .order_by(agreement.c.id)
    )  # fmt: skip
    return [
        Promised(row.id, Kind(row.kind), State(row.state), row.currency, local_day(zone, row.made_at),
                 row.due_on or local_day(zone, row.made_at), row.amount, row.received)
        for row in connection.execute(chosen)
    ]  # fmt: skip


def dues(connection: Connection, promised: Sequence[Promised], first: date, last: date) -> Iterator[Due]:
    """List the parts of promises that fall due from one day to another; what ended otherwise is due no more.

    What came in pays the earliest parts first.
    """
    known = {one.id: one for one in promised if one.fate is not Fate.ENDED}
    columns = (instalment.c.agreement_id, instalment.c.due_on, instalment.c.last_day, instalment.c.amount)
    rows = connection.execute(
        sa.select(*columns, agreement.c.tolerance)
        .join(agreement, agreement.c.id == instalment.c.agreement_id)
        .where(among(connection, instalment.c.agreement_id, sorted(known)))
        .order_by(instalment.c.agreement_id, instalment.c.number)
    ).all()
    for number, parts in groupby(rows, key=lambda row: int(row.agreement_id)):
        mine = list(parts)
        one = known[number]
        for row, owed in zip(mine, accumulate(row.amount for row in mine), strict=True):
            if first <= row.due_on <= last:
                paid = one.fate is Fate.KEPT or one.received + row.tolerance >= owed
                yield Due(row.due_on, row.last_day, one.currency, row.amount, paid)
