"""What has happened since an instant, mostly midnight: calls by campaign, promises; for wallboard and live view."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.agreement import Kind, State
from contactd.domain.call import CONVERSATIONS, Disposition
from contactd.domain.campaign import INBOUND
from contactd.store.schema import account, agreement, attempt, call

_PROMISING = (Kind.PROMISE.value, Kind.PLAN.value, Kind.SETTLEMENT.value)
_UNDONE = tuple(state.value for state in (State.WITHDRAWN, State.CANCELLED, State.PAID_BEFORE, State.SUPERSEDED))
_PROMISED = (Disposition.PROMISE.value, Disposition.PLAN.value)


class Tally(NamedTuple):
    """Calls we placed: all, picked up by a person, `connected` to an agent, `abandoned`; then how many led on.

    `right`: the person who owes was spoken to; `promised`: and promised something.
    """

    placed: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    right: int = 0
    promised: int = 0

    @property
    def abandon_rate(self) -> float:
        """Answer the share of those who picked up that met nobody."""
        return self.abandoned / self.answered if self.answered else 0.0


def summed(tallies: Iterable[Tally]) -> Tally:
    """Add up the calls of several campaigns."""
    return Tally(*map(sum, zip(*tallies, strict=True)))


class Promises(NamedTuple):
    """How many, and the amounts in minor units by currency."""

    number: int = 0
    amounts: tuple[tuple[str, int], ...] = ()


def calls(connection: Connection, since: datetime) -> dict[str, Tally]:
    """Count the calls we placed since an instant, by campaign."""
    rows = connection.execute(
        sa.select(
            attempt.c.campaign,
            sa.func.count(),
            sa.func.count(call.c.answered_at),
            sa.func.count(call.c.connected_at),
            sa.func.count(sa.case((call.c.how_ended == "abandoned", 1))),
            sa.func.count(sa.case((attempt.c.disposition.in_(sorted(CONVERSATIONS)), 1))),
            sa.func.count(sa.case((attempt.c.disposition.in_(_PROMISED), 1))),
        )
        .join(attempt, attempt.c.id == call.c.attempt_id)
        .where(call.c.placed_at >= since, attempt.c.step != INBOUND)
        .group_by(attempt.c.campaign)
    )
    return {campaign: Tally(*counts) for campaign, *counts in rows}


def promises(connection: Connection, since: datetime) -> Promises:
    """Sum what was promised since an instant and not taken back."""
    rows = connection.execute(
        sa.select(account.c.currency, sa.func.count(), sa.func.sum(agreement.c.amount))
        .join(account, account.c.id == agreement.c.account_id)
        .where(agreement.c.made_at >= since, agreement.c.kind.in_(_PROMISING), agreement.c.state.not_in(_UNDONE))
        .group_by(account.c.currency)
        .order_by(account.c.currency)
    ).all()
    return Promises(sum(row[1] for row in rows), tuple((row[0], int(row[2])) for row in rows))
