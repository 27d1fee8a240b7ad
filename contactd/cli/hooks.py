"""Verbs `webhooks list|retry|forget`: whether other software takes what it is told, and what to do where it did not."""

from datetime import timedelta
from pathlib import Path

import click

from contactd.cli.options import as_json, config_option, open_store
from contactd.cli.output import emit_json, say

_name = click.argument("name")


@click.group()
def webhooks() -> None:
    """Show whether webhooks are taken; tell again what was given up."""


@webhooks.command("list")
@config_option
@as_json
def list_(config: Path | None, json: bool) -> None:
    """Show how it stands with each webhook: what waits since when, what was given up, and why."""
    from contactd.clock import SystemClock
    from contactd.engine.hooks import told_hook
    from contactd.store import hooks

    with open_store(config) as (database, settings), database.snapshot() as connection:
        now = SystemClock().now()
        known, kept = {one.name for one in settings.webhooks}, timedelta(days=settings.retention.webhooks)
        rows = [
            {
                "name": one.name,
                **told_hook(one, now),
                "kept_until": str((one.given_up_since + kept).date()) if one.given_up_since else None,
                "configured": one.name in known,
            }
            for one in hooks.listed(connection)
        ]
    if json:
        emit_json(rows)
        return
    if not rows:
        say("no webhook was told anything yet; they are in [[webhooks]], and the daemon tells them")
    for row in rows:
        since = f"since {row['oldest']}" if row["oldest"] else ""
        given_up = f"{row['given_up']} given up" + (f" (kept until {row['kept_until']})" if row["kept_until"] else "")
        rests = f"rests until {row['rests_until']}" if row["rests_until"] else ""
        notes = ("" if row["configured"] else "not configured any more", str(row["error"]))
        told = [f"{row['waiting']} waiting", given_up, since, rests, *notes]
        say(f"{row['name']:<20} {row['state']:<9} {', '.join(filter(None, told))}")


@webhooks.command()
@_name
@config_option
def retry(name: str, config: Path | None) -> None:
    """Tell the webhook NAME now what it has not taken, and what was given up, for another day.

    Also one that has asked for a rest, or to be told nothing more (state disabled).
    """
    from contactd.clock import SystemClock
    from contactd.store import hooks

    with open_store(config) as (database, _), database.transaction() as connection:
        count = hooks.retry(connection, name, SystemClock().now())
    say(f"{name}: {count} to be told" if count else f"{name}: nothing is left to be told")


@webhooks.command()
@_name
@config_option
def forget(name: str, config: Path | None) -> None:
    """Drop the webhook NAME with all that it was not told; where it is configured, it begins with what comes now."""
    from contactd.store import hooks

    with open_store(config) as (database, _), database.transaction() as connection:
        hooks.forget(connection, name)
    say(f"{name} is forgotten")
