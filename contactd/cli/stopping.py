"""What `contactd stop` does: one suppression on the debtor, or its lifting; the rules do the rest."""

from datetime import UTC, datetime
from pathlib import Path

import click

from contactd.cli.options import open_store, user
from contactd.clock import SystemClock
from contactd.domain.account import Channel
from contactd.domain.errors import InputError
from contactd.store import accounts, suppressions
from contactd.store.suppressions import NewSuppression


def stop_account(
    *,
    account: str,
    creditor: str | None,
    channel: str | None,
    until: datetime | None,
    reason: str,
    lift: bool,
    config: Path | None,
) -> str:
    """Suppress the debtor in every channel or one, or take that back; answers what was done in a sentence."""
    chosen = Channel(channel) if channel else None
    with open_store(config) as (database, _), database.transaction() as connection:
        found = accounts.find(connection, account, creditor)
        customers = {row.customer_id for row in found}
        if not customers:
            raise click.BadParameter(f"there is no account {account!r}", param_hint="ACCOUNT")
        if len(customers) > 1:
            creditors = ", ".join(sorted({row.creditor for row in found}))
            raise InputError(f"account {account!r} exists for {creditors}: name one with --creditor")
        [customer] = customers
        value, now = str(customer), SystemClock().now()
        if lift:
            lifted = suppressions.remove(
                connection, "account", value, source=user(), now=now, channel=chosen, reason="stop"
            )
            return f"{account}: " + ("contact is allowed again" if lifted else "there was no stop")
        end = until.replace(tzinfo=UTC) if until else None
        stop = NewSuppression("account", value, chosen, "stop", f"{user()}: {reason}", now, end)
        suppressions.add(connection, [stop])
    where = f"by {chosen}" if chosen else "in any way"
    return f"{account} is not contacted {where} any more" + (f" until {until:%Y-%m-%d}" if until else "")
