"""The money received for each creditor, which is to be handed on to them (Durchleitung); for `contactd report`."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.schema import account, payment


@dataclass(frozen=True, slots=True)
class Remittance:
    """One creditor and currency: what came in by value date, what was taken back; minor units, both above zero."""

    creditor: str
    currency: str
    payments: int
    received: int
    returns: int
    returned: int

    @property
    def due(self) -> int:
        """Give what is to be handed on; below zero, what is to be got back."""
        return self.received - self.returned


def remittances(connection: Connection, first: date, last: date) -> list[Remittance]:
    """Add up the payments of accounts with a value date in that time, both days included."""
    came_in, went_back = payment.c.amount > 0, payment.c.amount < 0

    def total(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((which, payment.c.amount))), 0)

    def count(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.count(sa.case((which, 1)))

    chosen = (
        sa.select(account.c.creditor, payment.c.currency, count(came_in), total(came_in), count(went_back),
                  total(went_back))
        .join(account, account.c.id == payment.c.account_id)
        .where(payment.c.value_date.between(first, last))
        .group_by(account.c.creditor, payment.c.currency)
        .order_by(account.c.creditor, payment.c.currency)
    )  # fmt: skip
    return [
        Remittance(creditor, currency, received_count, int(received), returned_count, -int(returned))
        for creditor, currency, received_count, received, returned_count, returned in connection.execute(chosen)
    ]
