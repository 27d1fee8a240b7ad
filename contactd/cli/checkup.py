"""What `contactd doctor` looks at on this machine and at the providers: one finding each; the exchange has its own.

Nothing is changed and nothing is sent. A finding that is not ok names the file and the key to mend.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from contactd.channels.email_smtp import SmtpChannel
from contactd.channels.registry import build, configured
from contactd.cli.control import ask
from contactd.clock import SystemClock
from contactd.config.base_rates import load_base_rates
from contactd.config.load import find, inspect, unavailable_steps
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ConfigError,
    ContactdError,
    Problem,
    StoreError,
    Unreachable,
)
from contactd.store.database import VERSION, open_database

_PATIENCE = 5.0  # seconds, for the daemon's answer
_SQLITE = "sqlite:///"


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, and what to do unless it is ok."""

    check: str  # for scripts: a word, or a word and the name of the trunk or agent behind a colon
    state: State
    found: str
    cure: str = ""

    def as_json(self) -> dict[str, str]:
        """Write as `--json` does."""
        return asdict(self)


def ok(check: str, found: str) -> Finding:
    """Find something in order."""
    return Finding(check, State.OK, found)


def warning(check: str, found: str, cure: str) -> Finding:
    """Find something that works, or may, but is not as it should be."""
    return Finding(check, State.WARNING, found, cure)


def failed(check: str, found: str, cure: str) -> Finding:
    """Find something that does not work."""
    return Finding(check, State.FAILED, found, cure)


def check_configuration(config: Path | None) -> tuple[Finding, Settings | None]:
    """Load the configuration; settings without readable secrets are better than none, to look at the rest."""
    check = "configuration"
    try:
        path = find(config)
    except ConfigError as error:
        return failed(check, str(error), "run it where contactd.toml is, or name it with --config"), None
    found, all_read = inspect(path, secrets=False), inspect(path)
    if found.settings is None:
        return failed(check, _first(found.findings.errors), "mend it; contactd check tells every mistake"), None
    if all_read.settings is None:
        cure = "run it as the user and with the secrets of the service (systemd: LoadCredential), or mend the place"
        return failed(check, f"a secret cannot be read: {_first(all_read.findings.errors)}", cure), found.settings
    undone = unavailable_steps(found.settings)
    if undone:
        return failed(
            check, f"run refuses it: {_first(undone)}", "mend the step, or set up its channel"
        ), found.settings
    if found.findings.warnings:
        return warning(check, _first(found.findings.warnings), "contactd check tells every warning"), found.settings
    count = len(found.settings.campaigns)
    return ok(check, f"{path} with {count} campaign{'' if count == 1 else 's'}"), found.settings


def _first(problems: list[Problem]) -> str:
    more = len(problems) - 1
    return f"{problems[0]}" + (f" (and {more} more)" if more else "")


def check_base_rates(settings: Settings, today: date) -> Finding:
    """Say how far the table of base rates reaches; interest beyond it is a guess."""
    check, path = "base_rates", settings.base_rates_path
    try:
        until = load_base_rates(path).covered_until
    except ConfigError as error:
        return failed(check, str(error), "mend the file, or base_rates in [claims] of contactd.toml")
    if until < today:
        cure = f"add the half-years since (bundesbank.de) to a copy of {path.name}, and name it base_rates in [claims]"
        return warning(check, f"{path} ends on {until}: interest since then is provisional", cure)
    return ok(check, f"known until {until} ({path})")


def check_state(settings: Settings) -> Finding:
    """Write a file into the state folder; what root may write says little about contactd."""
    check, folder = "state", settings.state_directory
    try:
        with tempfile.TemporaryFile(dir=folder):
            owner, us = folder.stat().st_uid, os.geteuid()
    except OSError as error:
        cure = "make it, give it to the user contactd runs as, or name another as state in [daemon] of contactd.toml"
        return failed(check, f"{folder} cannot be written to: {error.strerror}", cure)
    if owner != us:
        cure = "run the doctor as the user contactd runs as (sudo -u)"
        return warning(
            check, f"{folder} belongs to user {owner}, this is user {us}: what one may the other may not", cure
        )
    return ok(check, f"{folder} can be written to")


def check_database(settings: Settings) -> Finding:
    """Connect, and compare versions; a database that is not there is not made."""
    check = "database"
    try:
        url = settings.database_url
        if url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists():
            return failed(check, f"there is no {url.removeprefix(_SQLITE)} yet", "run: contactd migrate")
        database = open_database(url)
        try:
            database.check_version()
        finally:
            database.close()
    except (StoreError, ConfigError) as error:
        found, _, cure = str(error).partition("; ")
        return failed(check, found, cure or "mend url and password in [database] of contactd.toml, or start its server")
    return ok(check, f"{database.place} of version {VERSION}{_sqlite(database.dialect)}")


def _sqlite(dialect: str) -> str:
    return f" (SQLite {sqlite3.sqlite_version})" if dialect == "sqlite" else ""


def daemon_answers(settings: Settings) -> bool:
    """Tell whether the daemon of this configuration is at work."""
    try:
        ask(settings.control_path, "GET", "/status", patience=_PATIENCE)
    except Unreachable:
        return False
    except ContactdError:  # it answers, although it has trouble of its own
        return True
    return True


def check_daemon(settings: Settings, *, answers: bool) -> Finding:
    """Say whether the daemon runs; either is in order."""
    return ok("daemon", f"{'runs' if answers else 'does not run'} ({settings.control_path})")


async def check_mail(settings: Settings) -> Finding:
    """Connect to the mail server as for a message, and leave."""
    check, smtp = "email", settings.smtp
    if not smtp.host:
        return ok(check, "not set up: no host in [smtp]")
    place = f"{smtp.host}:{smtp.port}"
    try:
        channel = build(settings, SystemClock())[Channel.EMAIL]
        await channel.start()
        if isinstance(channel, SmtpChannel):  # there is no other; tells the type checker
            await channel.greet()
    except ConfigError as error:
        return failed(check, f"its pass word cannot be read: {error}", "mend password in [smtp] of contactd.toml")
    except ChannelMisconfigured as error:
        keys = "security, username and password in [smtp] of contactd.toml"
        return failed(check, f"{place} does not take us: {error}", f"mend {keys}, or the server's certificate")
    except ChannelError as error:
        cure = "start it, mend host and port in [smtp] of contactd.toml, or let the firewall pass it"
        return failed(check, f"{place}: {error}", cure)
    login = f", logged in as {smtp.username}" if smtp.username else ""
    return ok(check, f"{place} takes us ({smtp.security}{login})")


def check_sms(settings: Settings) -> Iterator[Finding]:
    """Say how SMS are set up; a request would cost something."""
    check, named, twilio = "sms", configured(settings).get(Channel.SMS), settings.twilio
    if named is None:
        yield ok(check, "not set up: no account_sid in [twilio]")
    elif named != "twilio":
        yield ok(check, f"backend {named}")
    elif not settings.web.public_url:
        cure = "set public_url in [web] of contactd.toml to where Twilio reaches this daemon"
        yield warning(check, f"account {twilio.account_sid} cannot tell what became of a message", cure)
    else:
        yield ok(check, f"account {twilio.account_sid} as {twilio.sender or twilio.messaging_service} (not asked)")
