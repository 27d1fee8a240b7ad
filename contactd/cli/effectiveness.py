"""The verb `report control`: what was paid after which way of contacting, by the month in which debts fell overdue."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.figures import as_csv, print_table, table_option, tell
from contactd.cli.options import as_json, config_option, day_of, open_store
from contactd.cli.output import say
from contactd.domain.control_report import WINDOW

if TYPE_CHECKING:
    from contactd.domain.report_table import Table

_SHOWN = (
    "row customers share_customers amount share_amount first_touch_amount any_touch_customers any_touch_amount "
    "share_of_contacted median_days cost_per_100"
)


@click.command()
@click.option("--month", help="Only this month, like 2026-10; else the last twelve.")
@click.option(
    "--window", default=WINDOW, show_default=True, type=click.IntRange(1, 365),
    help="So many days after a contact a payment counts for it.",
)  # fmt: skip
@click.option("--as-of", "as_of", help="As if it were this day, like 2026-12-01.")
@table_option("control", "recovery", "steps")
@as_csv
@config_option
@as_json
def control(
    month: str | None, window: int, as_of: str | None, only: str | None, csv: bool, config: Path | None, json: bool
) -> None:
    """Show which way of contacting brings money in.

    Of each month: the new debt, whose payments came after which contact (the last one before the value date counts),
    what was paid without one, and what is open; these add up to the cohort. Beside that: what counts for the first
    contact instead, and after any contact. `recovery` is what had come in so many days after debts fell overdue.
    """
    from contactd.engine.reports.effectiveness import as_tables, months_until
    from contactd.engine.reports.effectiveness import control as control_of

    with open_store(config) as (database, settings), database.snapshot() as connection:
        today = day_of(as_of, settings.claims.timezone, "--as-of")
        firsts = [_first(month)] if month else months_until(connection, today)
        found = [one for first in firsts for one in control_of(connection, settings, first, as_of=today, window=window)]
        tables = as_tables(found, settings)
    if only or csv or json:
        tell(tables, only=only, csv=csv, json=json)
    elif found:
        _print(tables[0])
    else:
        say("no debt fell overdue then")


def _first(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 -- a month, no instant
    except ValueError:
        raise click.BadParameter(f"{text!r} is no month; write it like 2026-10", param_hint="--month") from None


def _print(table: "Table") -> None:
    """Write each month under a line that says how much there was."""
    for row in table.records():
        if row["row"] == "cohort":
            month, currency = row["month"], row["currency"]
            provisional = ", provisional" if row["provisional"] else ""
            say(f"{month}: {row['customers']} customers with {row['amount']} of new debt{provisional}")
            print_table(table.where(month=month, currency=currency).cut(_SHOWN))
