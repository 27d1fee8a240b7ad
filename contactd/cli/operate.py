"""Verbs that run the daemon and steer it: run, status, pause, resume, reload, stop, settle, migrate."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.options import a_day, as_json, config_option, open_store, settings_of
from contactd.cli.output import emit_json, say
from contactd.cli.witness import steering

if TYPE_CHECKING:
    from contactd.config.settings import Settings

_NAMES = (
    "NAME is a campaign's id, agreement (notices), channel:email, channel:sms, channel:letter, channel:call, "
    "channel:task, or all."
)


@click.command()
@config_option
def run(config: Path | None) -> None:
    """Run the daemon until SIGTERM (drains) or SIGINT; SIGHUP reloads."""
    from contactd.cli.running import run_forever

    settings, path = settings_of(config, secrets=True)
    run_forever(settings, path)


@click.command()
@config_option
@as_json
def status(config: Path | None, json: bool) -> None:
    """Show what the running daemon is doing: campaigns, queues, calls, agents."""
    from contactd.cli.control import ask

    settings, _ = settings_of(config, campaigns=False)
    answer = ask(settings.control_path, "GET", "/status")
    if json:
        emit_json(answer)
        return
    for section, values in answer.items():
        say(f"{section}:")
        for name, value in values.items() if isinstance(values, dict) else [("", values)]:
            for one in value if isinstance(value, list) else [value]:
                say(f"  {name:24} {_in_words(one)}")


def _in_words(value: object) -> str:
    """Write what is known in one line: of a reason its word first, then its details."""
    if not isinstance(value, dict):
        return str(value)
    told = {key: _in_words(one) for key, one in value.items() if key != "reason" and one not in (None, {}, [])}
    return "  ".join([*([str(value["reason"])] if "reason" in value else []), *(f"{k} {v}" for k, v in told.items())])


@click.command(epilog=_NAMES)
@click.argument("name")
@click.option("--reason", default="", help="Why, for the others.")
@config_option
def pause(name: str, reason: str, config: Path | None) -> None:
    """Begin no more contacts of NAME; those under way finish."""
    with open_store(config) as (database, settings), database.transaction() as connection:
        key = _pause_name(name, settings)
        steering(connection).pause(key, reason)
    say(f"{key} is paused")


@click.command(epilog=_NAMES)
@click.argument("name")
@click.option("--reason", default="", help="Why, for the others.")
@config_option
def resume(name: str, reason: str, config: Path | None) -> None:
    """Go on with NAME where it stood: nobody is contacted twice, nobody is left out."""
    with open_store(config) as (database, settings), database.transaction() as connection:
        key = _pause_name(name, settings)
        was_paused = steering(connection).resume(key, reason)
    say(f"{key} is resumed" if was_paused else f"{key} was not paused")


def _pause_name(name: str, settings: "Settings") -> str:
    import difflib

    from contactd.domain.notice import CAMPAIGN as NOTICES

    channels = [f"channel:{name}" for name in ("email", "sms", "letter", "call", "task")]
    campaigns = {campaign.id: f"campaign:{campaign.id}" for campaign in settings.campaigns}
    campaigns[NOTICES] = f"campaign:{NOTICES}"
    known = {**campaigns, **{key: key for key in campaigns.values()}, **{key: key for key in channels}, "all": "all"}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise click.BadParameter(f"there is no campaign or channel {name!r}{hint}", param_hint="NAME")
    return known[name]


@click.command()
@config_option
def reload(config: Path | None) -> None:
    """Put a changed configuration in force and wait for the answer; refused whole when anything is wrong."""
    from contactd.cli.control import ask

    settings, _ = settings_of(config, campaigns=False)
    answer = ask(settings.control_path, "POST", "/reload")
    for note in answer.get("notes", []):
        say(note, err=True)
    say("reloaded")


@click.command()
@click.argument("account")
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@click.option("--channel", type=click.Choice(["email", "sms", "letter", "call"]), help="Only this channel.")
@click.option("--until", type=a_day, help="First day on which contact is allowed again (UTC).")
@click.option("--reason", default="stop", show_default=True, help="Why; insolvency and deceased end agreements too.")
@click.option("--lift", is_flag=True, help="Take the stop back.")
@config_option
def stop(**options: object) -> None:
    """Stop contacting an account, at once and for good: what is planned is cancelled by the rules."""
    from contactd.cli.stopping import stop_account

    say(stop_account(**options))  # type: ignore[arg-type] # click made them of the options above


@click.command()
@click.argument("attempt", type=int, required=False)
@click.argument("how", type=click.Choice(["sent", "not-sent", "failed"]), required=False)
@click.option("--reason", default="", help="How you know.")
@config_option
@as_json
def settle(attempt: int | None, how: str | None, reason: str, config: Path | None, json: bool) -> None:
    """Say how an unclear ATTEMPT ended: not-sent plans it again, the others end it. Alone: list what is unclear."""
    from contactd.cli.settling import settle_attempt, unclear_attempts

    if attempt is None:
        unclear_attempts(config, json=json)
    elif how is None:
        raise click.UsageError("say how it ended: sent, not-sent or failed")
    else:
        settle_attempt(attempt, how, reason, config)


@click.command()
@config_option
def migrate(config: Path | None) -> None:
    """Create the database, or bring it to this program's version; a kill in the middle leaves the old one."""
    from contactd.store.database import open_database
    from contactd.store.migrate import upgrade

    settings, _ = settings_of(config, campaigns=False)
    database = open_database(settings.database_url)
    try:
        before, after = upgrade(database)
    finally:
        database.close()
    say(f"the database is of version {after}" + (f" (was {before or 'empty'})" if before != after else ""))
