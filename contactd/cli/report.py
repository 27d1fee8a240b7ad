"""The verb `report`: what runs out, what is handed on, and (in files of their own) what brings money in, and arms."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.effectiveness import control
from contactd.cli.figures import contacts, hours, promises
from contactd.cli.options import as_json, config_option, day_of, open_store
from contactd.cli.output import console, emit_json, say
from contactd.cli.report_arms import arms
from contactd.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contactd.store.remittance import Remittance


@click.group()
def report() -> None:
    """Report what a manager or a creditor asks for."""


for _verb in (arms, contacts, control, hours, promises):
    report.add_command(_verb)


@report.command()
@click.option("--within", default=90, show_default=True, type=click.IntRange(0, 3650), help="So many days ahead.")
@click.option("--as-of", "as_of", help="As if it were this day, like 2026-12-01.")
@config_option
@as_json
def limitation(within: int, as_of: str | None, config: Path | None, json: bool) -> None:
    """List the claims that will be statute-barred soon, or are already."""
    from contactd.engine.debt.claims import terms_of
    from contactd.engine.debt.expiring import expiring

    with open_store(config) as (database, settings), database.snapshot() as connection:
        today = day_of(as_of, settings.claims.timezone, "--as-of")
        found = sorted(
            expiring(connection, terms_of(settings), today, within), key=lambda one: (one.last_day, one.account)
        )
    rows: list[dict[str, Any]] = [
        {
            "creditor": one.creditor,
            "account": one.account,
            "claim": one.claim,
            "due_on": one.due_on,
            "principal": Money(one.principal, one.currency),
            "last_day": one.last_day,
            "days_left": (one.last_day - today).days,
        }
        for one in found
    ]
    if json:
        emit_json(rows)
    elif rows:
        _table(rows)
    else:
        say(f"nothing runs out within {within} days")


@report.command()
@click.option("--from", "first", required=True, help="First value date, like 2026-11-01.")
@click.option("--to", "last", required=True, help="Last value date, like 2026-11-30.")
@config_option
@as_json
def remittance(first: str, last: str, config: Path | None, json: bool) -> None:
    """Add up by creditor what came in and what was taken back: what is to be handed on to them."""
    from contactd.store.remittance import remittances

    begin, end = day_of(first, "UTC", "--from"), day_of(last, "UTC", "--to")
    if end < begin:
        raise click.BadParameter(f"{end} is before {begin}", param_hint="--to")
    with open_store(config) as (database, _), database.snapshot() as connection:
        found = remittances(connection, begin, end)
    rows = [_remittance(one) for one in found]
    if json:
        emit_json(rows)
    elif rows:
        _table(rows)
    else:
        say(f"no payment has a value date from {begin} to {end}")


def _remittance(one: "Remittance") -> dict[str, Any]:
    return {
        "creditor": one.creditor,
        "payments": one.payments,
        "received": Money(one.received, one.currency),
        "returns": one.returns,
        "returned": Money(one.returned, one.currency),
        "to_hand_on": Money(one.due, one.currency),
    }


def _table(rows: "Iterable[dict[str, Any]]") -> None:
    import rich.table

    listed = list(rows)
    table = rich.table.Table(box=None, pad_edge=False)
    for name, value in listed[0].items():
        table.add_column(name.replace("_", " "), justify="left" if isinstance(value, str) else "right", no_wrap=True)
    for row in listed:
        table.add_row(*(str(value) for value in row.values()))
    console().print(table)
