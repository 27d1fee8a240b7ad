"""What `contactd settle` does: list what may or may not have reached somebody, and take a person's word for it."""

from pathlib import Path

import click

from contactd.cli.options import open_store, user
from contactd.cli.output import emit_json
from contactd.clock import SystemClock
from contactd.domain.attempt import Event
from contactd.store import attempts, overview

_ENDS = {
    "sent": (Event.TAKEN, "accepted"),
    "not-sent": (Event.NOT_TAKEN, "not_sent"),
    "failed": (Event.REJECTED, "failed"),
}
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
        click.echo(f"{row.id:8}  {when}  {row.channel:6} {row.account_no:14} {row.campaign}/{row.step}  {row.reason}")
    if not rows:
        click.echo("nothing is unclear", err=True)


def settle_attempt(attempt: int, how: str, reason: str, config: Path | None) -> None:
    """Enter how an unclear attempt ended, with the person's name and reason."""
    event, outcome = _ENDS[how]
    with open_store(config) as (database, _), database.transaction() as connection:
        row = attempts.get(connection, attempt)
        if row is None or row.state != "unclear":
            state = f"is {row.state}" if row else "does not exist"
            raise click.BadParameter(f"attempt {attempt} {state}; only an unclear one can be settled")
        words = f"{user()}: {reason}" if reason else user()
        change = attempts.Transition(attempt, None, event, SystemClock().now(), outcome=outcome, reason=words)
        [answer] = attempts.apply(connection, [change])
        if isinstance(answer, Exception):
            raise answer
    click.echo(f"attempt {attempt} is {answer}")
