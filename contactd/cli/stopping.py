"""What `contactd stop` does: one suppression on the debtor, or its lifting; the rules do the rest."""

from datetime import UTC, datetime
from pathlib import Path

import click

from contactd.cli.options import open_store, user
from contactd.clock import SystemClock
from contactd.domain.account import Channel
from contactd.domain.errors import NotThere
from contactd.engine import stopping
from contactd.engine.stopping import Stop


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
    chosen, now = Channel(channel) if channel else None, SystemClock().now()
    with open_store(config) as (database, settings), database.transaction() as connection:
        try:
            customer = stopping.debtor_of(connection, account, creditor or "")
        except NotThere as error:
            raise click.BadParameter(str(error), param_hint="ACCOUNT") from None
        if lift:
            lifted = stopping.lift(connection, customer, chosen, by=user(), now=now)
            return f"{account}: " + ("contact is allowed again" if lifted else "there was no stop")
        asked = Stop(chosen, until.replace(tzinfo=UTC) if until else None, reason)
        stopping.stop(settings, connection, customer, asked, by=user(), now=now)
    where = f"by {chosen}" if chosen else "in any way"
    return f"{account} is not contacted {where} any more" + (f" until {until:%Y-%m-%d}" if until else "")
