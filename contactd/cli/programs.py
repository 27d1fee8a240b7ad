"""Verbs `tokens add|list|revoke`: which other software may use the HTTP interface, and for what."""

from datetime import UTC, datetime
from pathlib import Path

import click

from contactd.cli.options import a_day, as_json, config_option, open_store, user
from contactd.cli.output import emit_json, say
from contactd.domain.scope import SCOPES

_name = click.argument("name")


@click.group()
def tokens() -> None:
    """Give other software a token for the HTTP interface, or take it."""


@tokens.command(epilog=f"SCOPE is one of {', '.join(SCOPES)}.")
@_name
@click.option("--scope", "scopes", metavar="SCOPE", multiple=True, required=True, help="What it may do; repeat it.")
@click.option("--expires", type=a_day, help="First day on which it opens nothing more (UTC).")
@config_option
@as_json
def add(name: str, scopes: tuple[str, ...], expires: datetime | None, config: Path | None, json: bool) -> None:
    """Make the token NAME and print it; it is shown this once, only a digest is kept."""
    from contactd.clock import SystemClock
    from contactd.store import program_tokens
    from contactd.store.program_tokens import ProgramToken

    _refuse_odd(name, scopes)
    now, end = SystemClock().now(), expires.replace(tzinfo=UTC) if expires else None
    if end is not None and end <= now:
        raise click.BadParameter("that day is past", param_hint="--expires")
    secret = program_tokens.new_secret()
    new = ProgramToken(name, frozenset(scopes), now, user(), end)
    with open_store(config) as (database, _), database.transaction() as connection:
        program_tokens.add(connection, new, secret)
    if json:
        emit_json({"name": name, "scopes": sorted(scopes), "expires_at": end, "token": secret})
        return
    say(f"{name} may use {', '.join(sorted(scopes))} with", "", f"  Authorization: Bearer {secret}", "")
    say("It is not shown again; keep it where its program keeps secrets.", err=True)


@tokens.command("list")
@config_option
@as_json
def list_(config: Path | None, json: bool) -> None:
    """Show which tokens there are or were, what they open and when each was used last."""
    from contactd.store import program_tokens

    with open_store(config) as (database, _), database.snapshot() as connection:
        found = program_tokens.listed(connection)
    if json:
        keys = ("name", "made_at", "made_by", "expires_at", "used_at", "revoked_at")
        emit_json([{**{key: getattr(one, key) for key in keys}, "scopes": sorted(one.scopes)} for one in found])
        return
    if not found:
        say("there is none; make one: contactd tokens add NAME --scope accounts:write")
    for one in found:
        until = f"until {one.expires_at:%Y-%m-%d}" if one.expires_at else "for good"
        state = f"revoked {one.revoked_at:%Y-%m-%d}" if one.revoked_at else until
        used = f"used {one.used_at:%Y-%m-%d %H:%M} UTC" if one.used_at else "never used"
        say(f"{one.name:<20} {state:<20} {used:<26} {', '.join(sorted(one.scopes))}")


@tokens.command()
@_name
@config_option
def revoke(name: str, config: Path | None) -> None:
    """Let nobody in with the token NAME any more, from this moment."""
    from contactd.clock import SystemClock
    from contactd.store import program_tokens

    with open_store(config) as (database, _), database.transaction() as connection:
        program_tokens.revoke(connection, name, SystemClock().now())
    say(f"{name} is revoked")


def _refuse_odd(name: str, scopes: tuple[str, ...]) -> None:
    from contactd.config.words import check_name, suggest

    try:
        check_name(name)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="NAME") from None
    for scope in scopes:
        if scope not in SCOPES:
            hint = suggest(scope, SCOPES) or f"; there is: {', '.join(SCOPES)}"
            raise click.BadParameter(f"there is no scope {scope!r}{hint}", param_hint="--scope")
