"""The verbs `export gdpr` and `erase`: what a person may ask for of what is kept about them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, open_store, user
from contactd.cli.output import NOT_ALLOWED, emit_json, fail, say
from contactd.cli.witness import note_reading

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from contactd.config.settings import Settings

_creditor = click.option("--creditor", help="Needed when several creditors have an account of that number.")
_EXPLAINED = "money is in minor units (cents) of the account's currency; instants are UTC; empty texts are not known"


@click.group()
def export() -> None:
    """Read out what is kept."""


@export.command()
@click.argument("account")
@_creditor
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A new file, for us alone to read.")
@config_option
def gdpr(account: str, creditor: str | None, output: Path | None, config: Path | None) -> None:
    """Write everything that is kept about the debtor of ACCOUNT as JSON (Art. 15 and 20 GDPR)."""
    from contactd.clock import SystemClock

    with open_store(config) as (database, settings):
        with database.snapshot() as connection:
            told = _export(connection, settings, _find(connection, account, creditor), SystemClock().now())
        if output is not None:
            _write(told, output)
        note_reading(database)
    if output is None:
        emit_json(told)


def _write(told: dict[str, Any], output: Path) -> None:

    try:
        with output.open("x", encoding="utf-8") as file:  # the umask keeps it to ourselves
            emit_json(told, file)
    except FileExistsError:
        fail(f"{output} is there already; name another file")
    except OSError as error:
        fail(f"{output} cannot be written ({error.strerror})")
    say(f"{output}: {sum(len(rows) for rows in told['kept'].values())} rows", err=True)


def _export(connection: "Connection", settings: "Settings", ids: list[int], now: "datetime") -> dict[str, Any]:
    from contactd.engine.records.erasing import files_of, place_of, rows_of
    from contactd.store import personal

    rows = rows_of(connection, ids)
    kept = personal.gather(connection, [row.id for row in rows])
    hashes = {entry["details"]["file"]: entry["details"] for entry in kept["contact_log"] if list(files_of([entry]))}
    return {
        "account": rows[0].account_no,
        "creditor": rows[0].creditor,
        "exported_at": now,
        "kept_by": {name: getattr(settings.operator, name) for name in ("name", "street", "postcode", "city", "email")},
        "explained": _EXPLAINED,
        "kept": kept,
        "letters": [
            {"file": name, "sha256": details.get("sha256", ""), "there": _is_there(place_of(settings, name))}
            for name, details in hashes.items()
        ],
    }


def _is_there(place: Path | None) -> bool:
    return place is not None and place.is_file()


@click.command()
@click.argument("account")
@_creditor
@click.option("--reason", required=True, help="Stands in the contact log: no name, no address.")
@click.option("--restrict", is_flag=True, help="Only what nobody is obliged to keep: addresses, numbers, birth date.")
@config_option
@as_json
def erase(account: str, creditor: str | None, reason: str, restrict: bool, config: Path | None, json: bool) -> None:
    """Erase who the debtor of ACCOUNT is and all that was said (Art. 17 GDPR); amounts and the chain of the log stay.

    Refused (exit code 4) while something is owed, agreed or under way, or the law asks to keep it; then --restrict
    still takes away how to reach the person. What they said about not being contacted is kept as a hash.
    """
    from contactd.clock import SystemClock
    from contactd.engine.records import erasing
    from contactd.engine.records.evidence import seal_now

    now = SystemClock().now
    order = erasing.Order(user(), reason, restrict)
    with open_store(config) as (database, settings):
        if not restrict:
            seal_now(database.witnessed(None), now)
        try:
            with database.transaction() as connection:
                done = erasing.erase(connection, _find(connection, account, creditor), order, settings, now())
        except erasing.NotErasable as error:
            hint = ["--restrict takes away at once what nobody is obliged to keep"] if error.only_kept else []
            fail(f"{account} is not erased:", NOT_ALLOWED, [*str(error).splitlines(), *hint])
        letters = erasing.delete_letters(settings, done.letters)
    told = {"account": account, "restricted": restrict, "entries": done.entries, "letters": letters}
    if json:
        emit_json(told)
    elif restrict:
        say(f"{account}: nothing tells any more how to reach the person; what must be kept stays")
    else:
        say(f"{account} is erased: {done.entries} entries of the contact log emptied, {letters} letters deleted")


def _find(connection: "Connection", account: str, creditor: str | None) -> list[int]:
    from contactd.domain.errors import InputError
    from contactd.store import accounts

    found = accounts.find(connection, account, creditor)
    if not found:
        raise click.BadParameter(f"there is no account {account!r}", param_hint="ACCOUNT")
    if len({row.customer_id for row in found}) > 1:
        creditors = ", ".join(sorted({row.creditor for row in found}))
        raise InputError(f"account {account!r} exists for {creditors}: name one with --creditor")
    return [row.id for row in found]
