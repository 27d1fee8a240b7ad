"""Verbs `agents add|list|reset|disable`: who may use the pages, and as what."""

from pathlib import Path

import click

from contactd.cli.options import as_json, config_option, open_store, user
from contactd.cli.output import emit_json, say

_ROLES = ("agent", "supervisor", "manager", "admin")
_role = click.option("--role", type=click.Choice(_ROLES), help="What they may do; each may do what the one before may.")
_name = click.argument("name")


@click.command()
@_name
@_role
@click.option("--full-name", default="", help="How the pages call them; else the name in [agents.NAME], else NAME.")
@config_option
@as_json
def add(name: str, role: str | None, full_name: str, config: Path | None, json: bool) -> None:
    """Give NAME a login, and print the password for the first sign-in; it is shown this once.

    Who takes calls has the key of their [agents.NAME] for a name.
    """
    from contactd.clock import SystemClock
    from contactd.domain.role import Role
    from contactd.store import logins
    from contactd.store.logins import Login
    from contactd.web.passwords import hash_now, one_time

    _refuse_odd(name, full_name)
    with open_store(config) as (database, settings):
        chosen = Role(role or "agent")
        if chosen is Role.AGENT and name not in settings.agents:
            known = ", ".join(settings.agents) or "none"
            raise click.BadParameter(
                f"an agent needs [agents.{name}] in {settings.path.name}; there is: {known}", param_hint="NAME"
            )
        password = one_time()
        new = Login(name, chosen, hash_now(password), SystemClock().now(), full_name)
        with database.transaction() as connection:
            logins.add(connection, new)
    _tell(name, chosen.value, password, json=json)


@click.command("list")
@config_option
@as_json
def list_(config: Path | None, json: bool) -> None:
    """Show who may use the pages."""
    from contactd.store import logins

    with open_store(config) as (database, settings), database.snapshot() as connection:
        rows: list[dict[str, object]] = [
            {
                "name": one.name,
                "full_name": one.full_name,
                "role": one.role.value,
                "agent": one.name in settings.agents,
                "team": settings.agents[one.name].team if one.name in settings.agents else "",
                "second_factor": bool(one.totp),
                "one_time_password": one.one_time,
                "disabled_at": one.disabled_at,
                "made_at": one.made_at,
            }
            for one in logins.listed(connection)
        ]
    if json:
        emit_json(rows)
        return
    if not rows:
        say("nobody has a login; make one: contactd agents add NAME --role admin")
    for row in rows:
        notes = [
            note
            for note, holds in (
                ("takes calls", row["agent"]),
                ("second factor", row["second_factor"]),
                ("has not signed in yet", row["one_time_password"]),
                ("disabled", row["disabled_at"]),
            )
            if holds
        ]
        say(f"{row['name']:<20} {row['role']:<11} {row['full_name'] or '-':<28} {', '.join(notes)}".rstrip())


@click.command()
@_name
@_role
@config_option
@as_json
def reset(name: str, role: str | None, config: Path | None, json: bool) -> None:
    """Give NAME a new password for one sign-in, take the second factor off, and sign them out everywhere.

    Lets them try again at once after too many wrong passwords. With --role they have another role from now on.
    """
    from contactd.store import logins, tries
    from contactd.web.passwords import hash_now, one_time

    password = one_time()
    values: dict[str, object] = {"password": hash_now(password), "one_time": True, "totp": "", "totp_last": 0}
    with open_store(config) as (database, _), database.transaction() as connection:
        logins.change(connection, name, values | ({"role": role} if role else {}))
        logins.end_sessions(connection, name)
        tries.forget(connection, name)
        found = logins.find(connection, name)
    _tell(name, found.role.value if found else "", password, json=json)


@click.command()
@_name
@click.option("--lift", is_flag=True, help="Let them in again.")
@config_option
@as_json
def disable(name: str, lift: bool, config: Path | None, json: bool) -> None:
    """Let NAME in no more, and end their sessions now."""
    from contactd.clock import SystemClock
    from contactd.store import logins

    at = None if lift else SystemClock().now()
    with open_store(config) as (database, _), database.transaction() as connection:
        logins.change(connection, name, {"disabled_at": at})
        logins.end_sessions(connection, name)
    if json:
        emit_json({"name": name, "disabled_at": at, "by": user()})
    else:
        say(f"{name} may sign in again" if lift else f"{name} may not sign in any more")


def _refuse_odd(name: str, full_name: str) -> None:
    from contactd.config.words import check_name

    try:
        check_name(name)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="NAME") from None
    if len(full_name) > 80 or not full_name.isprintable():  # noqa: PLR2004 - it has to fit the bar of a page
        raise click.BadParameter("write it in one line of at most 80 characters", param_hint="--full-name")


def _tell(name: str, role: str, password: str, *, json: bool) -> None:
    """Print the one-time password; the only place that ever does."""
    if json:
        emit_json({"name": name, "role": role, "one_time_password": password})
        return
    say(f"{name} may sign in as {role}, once, with this password:", "", f"  {password}", "")
    say("It is not shown again; whoever signs in with it chooses their own.", err=True)
