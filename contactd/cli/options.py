"""What many verbs share: --config, --json, the settings they name and the store those name."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from contactd.config.settings import Settings
    from contactd.store.database import Database

F = TypeVar("F", bound=Callable[..., Any])
K = TypeVar("K")


class _Day(click.DateTime):
    """A day of the calendar; what is none is told as everywhere."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - as click has it
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no day; write it like 2026-12-31", param, ctx)


a_day = _Day(["%Y-%m-%d"])
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Else ./contactd.toml, else /etc/contactd/contactd.toml.",
)
as_json = click.option("--json", "json", is_flag=True, help="Write JSON: stable keys, ISO 8601, exact amounts.")

since_option = click.option(
    "--since", help="An instant (2026-12-01, 2026-12-01T10:00) or a span back from now (2h, 3d)."
)


def of_account(verb: F) -> F:
    """Give a verb what all have that change something about one account."""
    for option in (
        as_json,
        config_option,
        click.option("--currency", default="", help="Needed when the account is kept in several currencies."),
        click.option("--creditor", default="", help="Needed when several creditors have an account of that number."),
        click.argument("account"),
    ):
        verb = option(verb)
    return verb


def settings_of(config: Path | None, *, campaigns: bool = True, secrets: bool = False) -> "tuple[Settings, Path]":
    """Load what a verb needs of the configuration and say where it was found."""
    from contactd.config.load import find, load

    path = find(config)
    return load(path, campaigns=campaigns, secrets=secrets), path


@contextmanager
def open_store(config: Path | None) -> "Iterator[tuple[Database, Settings]]":
    """Open the database of a configuration; refuses one of another version. What a verb changes is audited."""
    from contactd.cli.witness import witness
    from contactd.store.database import open_database

    settings, _ = settings_of(config)
    database = open_database(settings.database_url)
    try:
        database.check_version()
        yield database.witnessed(witness()), settings
    finally:
        database.close()


@contextmanager
def at_work(config: Path | None, kind: Callable[..., K]) -> "Iterator[tuple[K, Connection]]":
    """Make what does the work of a verb, in one transaction, by the person at the terminal."""
    from contactd.clock import SystemClock

    with open_store(config) as (database, settings), database.transaction() as connection:
        yield kind(settings, connection, by=user(), now=SystemClock().now()), connection


def ids_of(connection: "Connection", account: str, creditor: str | None) -> list[int]:
    """Find the accounts of a number, of one creditor or all; raises click.BadParameter when there is none."""
    from contactd.store import accounts

    ids = [row.id for row in accounts.find(connection, account, creditor)]
    if not ids:
        raise click.BadParameter(f"there is no account {account!r}", param_hint="ACCOUNT")
    return ids


def user() -> str:
    """Name the person at the terminal, for the record."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def day_of(text: str | None, timezone: str, option: str) -> date:
    """Read a day, or take today there; what is no day is told with its option."""
    from zoneinfo import ZoneInfo

    from contactd.clock import SystemClock

    if text is None:
        return SystemClock().now().astimezone(ZoneInfo(timezone)).date()
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day; write it like 2026-12-31", param_hint=option) from None


def instant_of(text: str, now: datetime) -> datetime:
    """Read an instant, or a span back from now, of --since."""
    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    if text[:-1].isdigit() and text[-1] in units:
        return now - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no instant; write 2026-12-01, 2026-12-01T10:00, 2h or 3d", param_hint="--since"
        ) from None
    return instant if instant.tzinfo else instant.astimezone()
