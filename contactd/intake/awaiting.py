"""Payments that wait for a person and are very likely an account's: it rests meanwhile, and somebody has a task.

The tasks say until when; whoever writes here has locked the accounts.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.money import Money
from contactd.domain.task import Event, Kind, State
from contactd.store import agreements, tasks
from contactd.store.among import among
from contactd.store.schema import payment
from contactd.store.tasks import Change, Stored

_BY = "contactd"


def rest(connection: Connection, likely: Mapping[int, Collection[int]], until: date, owner: str, now: datetime) -> None:
    """Have somebody assign payments, by number, and the accounts rest that each is likely of."""
    chosen = sa.select(payment).where(among(connection, payment.c.id, likely.keys())).order_by(payment.c.id)
    for row in connection.execute(chosen).all():
        amount = Money(row.amount, row.currency)
        note = f"payment {row.id} of {row.value_date}, {amount}, waits to be assigned: it may be theirs"
        for account_id in likely[row.id]:
            new = Stored(0, account_id, Kind.PAYMENT, State.OPEN, owner, until, note, now, _BY, payment_id=row.id)
            tasks.add(connection, new)
    agreements.hold(connection, {one for found in likely.values() for one in found}, now)


def end(connection: Connection, found: Collection[Stored], outcome: str, by: str, now: datetime) -> None:
    """Let the accounts go on that these tasks are about: it is known whose the payment is."""
    for one in found:
        values = {"state": State.DONE.value, "outcome": outcome, "ended_at": now}
        tasks.change(connection, one, Change(now, Event.DONE, by, outcome, values))
    agreements.hold(connection, {one.account_id for one in found}, now)
