"""What `contactd settle` does: list what may or may not have reached somebody, and take a person's word for it."""

from pathlib import Path

import click

from contactd.cli.options import open_store
from contactd.cli.output import emit_json, say
from contactd.cli.witness import steering
from contactd.domain.errors import InputError
from contactd.store import overview

_SHOWN = ("id", "account_no", "creditor", "campaign", "step", "channel", "address", "sending_at", "reason")


def unclear_attempts(config: Path | None, *, json: bool) -> None:
    """List the unclear attempts, oldest first."""
    with open_store(config) as (database, _), database.snapshot() as connection:
        rows = overview.unclear(connection)
    if json:
        emit_json([{name: getattr(row, name) for name in _SHOWN} for row in rows])
        return
    for row in rows:
        when = row.sending_at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if row.sending_at else "-"
        say(f"{row.id:8}  {when}  {row.channel:6} {row.account_no:14} {row.campaign}/{row.step}  {row.reason}")
    if not rows:
        say("nothing is unclear", err=True)


def settle_attempt(attempt: int, how: str, reason: str, config: Path | None) -> None:
    """Enter how an unclear attempt ended, with the person's name and reason."""
    with open_store(config) as (database, _), database.transaction() as connection:
        try:
            state = steering(connection).close(attempt, how, reason)
        except InputError as error:
            raise click.BadParameter(str(error), param_hint="ATTEMPT") from None
    say(f"attempt {attempt} is {state}")
