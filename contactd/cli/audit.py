"""The verb `audit`: who did what, by page, over HTTP or at a terminal."""

from pathlib import Path
from typing import Any

import click

from contactd.cli.options import as_json, config_option, instant_of, open_store, since_option
from contactd.cli.output import emit_json, say

_PAGE = 1_000
_SHOWN = ("id", "at", "who", "what", "about", "old", "new", "reason")


@click.command()
@since_option
@click.option("--who", default="", help="Only theirs: a login, cli:USER, api:TOKEN; a bare name means all three.")
@config_option
@as_json
def audit(since: str | None, who: str, config: Path | None, json: bool) -> None:
    """Show what people did, oldest first: when, who, what, to what, from what to what, and why."""
    from contactd.clock import SystemClock
    from contactd.store import audit as deeds

    start = instant_of(since, SystemClock().now()) if since else None
    found: list[Any] = []
    with open_store(config) as (database, _):
        while True:
            with database.snapshot() as connection:
                after = found[-1].id if found else 0
                rows = deeds.read(connection, since=start, who=who, after=after, limit=_PAGE)
            found += rows
            if len(rows) < _PAGE:
                break
    if json:
        emit_json([{name: getattr(row, name) for name in _SHOWN} for row in found])
        return
    for row in found:
        say(line_of(row))
    if not found:
        say("nobody did anything" + (" since then" if since else ""), err=True)


def line_of(row: Any) -> str:  # noqa: ANN401 - a row of the audit log
    """Write a row in one line, whatever somebody gave as a reason."""
    change = " -> ".join(filter(None, (row.old, row.new)))
    words = "; ".join(filter(None, (change, row.reason)))
    when = row.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{when} {row.who:16} {row.what:20} {row.about:32} {words}".rstrip()
