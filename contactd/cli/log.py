"""The verb `log`: the contact log, of one account or all, as it was or as it grows; and whether it is untouched."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.evidence import seal, verify
from contactd.cli.options import as_json, config_option, instant_of, open_store, since_option
from contactd.cli.output import json_text, say

if TYPE_CHECKING:
    from contactd.store.database import Database

_PAGE = 1_000


class _Log(click.Group):
    """Shows the log unless one of the other verbs is named: `contactd log ACCOUNT`, `contactd log verify`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `show` before what is none of the verbs."""
        named = bool(args) and args[0] in {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if named else ["show", *args])


@click.group(cls=_Log)
def log() -> None:
    """Show the contact log (contactd log [ACCOUNT]), or prove that it is as it was written."""


log.add_command(seal)
log.add_command(verify)


@log.command()
@click.argument("account", required=False)
@since_option
@click.option("--follow", "-f", is_flag=True, help="Go on with what is added, until Ctrl+C.")
@config_option
@as_json
def show(account: str | None, since: str | None, follow: bool, config: Path | None, json: bool) -> None:
    """Show the contact log, oldest first: each attempt, how it went on and why."""
    from contactd.clock import SystemClock
    from contactd.store import contact_log

    start = instant_of(since, SystemClock().now()) if since else None
    with open_store(config) as (database, _):
        if account is not None:
            _refuse_unknown(database, account)
        after = 0
        while True:
            with database.snapshot() as connection:
                rows = contact_log.read(connection, account_no=account, since=start, after_id=after, limit=_PAGE)
            for row in rows:
                say(json_text(row._asdict()) if json else _as_line(row))
                after = row.id
            if len(rows) < _PAGE:
                if not follow:
                    return
                time.sleep(0.5)


def _refuse_unknown(database: "Database", account: str) -> None:
    from contactd.store import accounts

    with database.snapshot() as connection:
        if not accounts.find(connection, account):
            raise click.BadParameter(f"there is no account {account!r}", param_hint="ACCOUNT")


def _as_line(row: Any) -> str:  # noqa: ANN401 - a row of the log, with whatever columns it has
    words = [
        row.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        f"{row.attempt_id or '-':>8}",
        f"{row.account_no or '-':14}",
        f"{row.channel or '-':6}",
        f"{'/'.join(filter(None, (row.campaign, row.step))):34}",
        f"{row.event:12}",
        f"{row.outcome:14}",
        " ".join(filter(None, (row.reason, row.agent, row.disposition))),
    ]
    return " ".join(words).rstrip()
