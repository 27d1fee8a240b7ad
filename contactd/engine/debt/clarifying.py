"""Returns of which nobody saw all come in: no claim is made of the rest, and somebody is to clarify it, once."""

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.calendar import local_day
from contactd.domain.money import Money
from contactd.domain.task import Kind, State
from contactd.store import payments, tasks
from contactd.store.postings import BY_ITSELF
from contactd.store.tasks import Stored


def clarify(connection: sa.Connection, account_ids: Collection[int], settings: Settings, now: datetime) -> None:
    """Open a task for each return of locked accounts that took back more than had come in."""
    found = payments.uncovered(connection, account_ids)
    if not found:
        return
    told = {(one.account_id, one.note) for one in tasks.of_kind(connection, Kind.REVIEW, account_ids)}
    due_on = local_day(ZoneInfo(settings.claims.timezone), now) + timedelta(days=settings.tasks.within)
    for one in found:
        amount = Money(one.amount, one.currency)
        note = f"payment {one.id} of {one.value_date}, {amount}, took back more than had come in: to be clarified"
        if (one.account_id, note) not in told:
            new = Stored(0, one.account_id, Kind.REVIEW, State.OPEN, settings.tasks.owner, due_on, note, now, BY_ITSELF)
            tasks.add(connection, new)
