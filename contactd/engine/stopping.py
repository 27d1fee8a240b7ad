"""Stops contact with a debtor, in every channel or one, and takes that back; for the command line and the API."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.errors import InputError, NotThere
from contactd.engine.agreements.arranging import FINAL, Arranging
from contactd.store import accounts, suppressions
from contactd.store.database import leave_unchanged
from contactd.store.suppressions import NewSuppression

STOP = "stop"


class Stop(NamedTuple):
    """What is asked for: `channel` None closes all, `until` None is for good; a `reason` of FINAL ends agreements."""

    channel: Channel | None = None
    until: datetime | None = None
    reason: str = STOP


def debtor_of(connection: sa.Connection, account_no: str, creditor: str = "") -> int:
    """Find the one debtor a number means, whatever the currency; raises InputError that names the choice."""
    found = accounts.find(connection, account_no, creditor or None)
    customers = {row.customer_id for row in found}
    if not customers:
        raise NotThere(f"there is no account {account_no!r}" + (f" of {creditor!r}" if creditor else ""))
    if len(customers) > 1:
        creditors = ", ".join(sorted({row.creditor for row in found}))
        raise InputError(f"account {account_no!r} exists for {creditors}: name one with --creditor")
    return int(customers.pop())


def stop(settings: Settings, connection: sa.Connection, customer: int, asked: Stop, *, by: str, now: datetime) -> None:
    """Let nobody contact a debtor; locks their accounts."""
    if asked.reason in FINAL:
        if asked.channel or asked.until:
            raise InputError(f"{asked.reason} ends every channel, for good; name neither a channel nor an end")
        Arranging(settings, connection, by=by, now=now).stop_for_good(customer, asked.reason)
        return
    accounts.lock(connection, accounts.of_customer(connection, customer))
    source = f"{by}: {asked.reason}"
    new = NewSuppression("account", str(customer), asked.channel, STOP, source, now, asked.until)
    suppressions.add(connection, [new])


def lift(connection: sa.Connection, customer: int, channel: Channel | None, *, by: str, now: datetime) -> int:
    """Take stops back; answers how many there were."""
    count = sum(
        suppressions.remove(connection, "account", str(customer), source=by, now=now, channel=channel, reason=word)
        for word in (STOP, *FINAL)
    )
    if not count:
        leave_unchanged(connection)
    return count
