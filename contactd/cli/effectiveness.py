"""The verb `report control`: what was paid after which way of contacting, by the month in which debts fell overdue."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, day_of, open_store
from contactd.domain.control_report import WINDOW
from contactd.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contactd.domain.control_report import Part, Row
    from contactd.engine.effectiveness import Month

_PERCENT = 100


@click.command()
@click.option("--month", help="Only this month, like 2026-10; else the last twelve.")
@click.option(
    "--window", default=WINDOW, show_default=True, type=click.IntRange(1, 365),
    help="So many days after a contact a payment counts for it.",
)  # fmt: skip
@click.option("--as-of", "as_of", help="As if it were this day, like 2026-12-01.")
@config_option
@as_json
def control(month: str | None, window: int, as_of: str | None, config: Path | None, json: bool) -> None:
    """Show which way of contacting brings money in.

    Of each month: the new debt, whose payments came after which contact (the last one before the value date counts),
    what was paid without one, and what is open; these add up. `any` counts payments after any contact by the method.
    """
    from contactd.cli.output import emit_json
    from contactd.engine.effectiveness import control as control_of
    from contactd.engine.effectiveness import months_until

    with open_store(config) as (database, settings), database.snapshot() as connection:
        today = day_of(as_of, settings.claims.timezone, "--as-of")
        firsts = [_first(month)] if month else months_until(connection, today)
        found = [one for first in firsts for one in control_of(connection, settings, first, as_of=today, window=window)]
    if json:
        emit_json([_told(one) for one in found])
    elif found:
        _print(found)
    else:
        click.echo("no debt fell overdue then")


def _first(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 -- a month, no instant
    except ValueError:
        raise click.BadParameter(f"{text!r} is no month; write it like 2026-10", param_hint="--month") from None


def _told(one: "Month") -> dict[str, Any]:
    found, currency = one.report, one.currency
    parts = {"cohort": found.cohort, "not_attributed": found.unattributed, "listed": found.listed, "open": found.open}
    return {
        "month": f"{found.first:%Y-%m}",
        "currency": currency,
        "window_days": found.window,
        "provisional": found.provisional,
        **{name: _part(part, found.cohort, currency) for name, part in parts.items()},
        "methods": [_row(row, found.cohort, currency) for row in found.rows],
    }


def _row(row: "Row", cohort: "Part", currency: str) -> dict[str, Any]:
    return {
        "method": row.method,
        "attributed": _part(row.attributed, cohort, currency),
        "contacted": _part(row.contacted, cohort, currency),
        "any_touch": _part(row.any_touch, cohort, currency),
        "median_days": row.days,
        "contacts": row.contacts,
        "contacts_unconfirmed": row.unsure,
    }


def _part(part: "Part", cohort: "Part", currency: str) -> dict[str, Any]:
    return {
        "customers": part.customers,
        "share_customers": _share(part.customers, cohort.customers),
        "amount": Money(part.amount, currency),
        "share_amount": _share(part.amount, cohort.amount),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _print(found: "Sequence[Month]") -> None:
    import rich.console
    import rich.table

    for one in found:
        cohort, currency = one.report.cohort, one.currency
        provisional = ", provisional" if one.report.provisional else ""
        owed = Money(cohort.amount, currency)
        click.echo(f"{one.report.first:%Y-%m}: {cohort.customers} customers with {owed} of new debt{provisional}")
        table = rich.table.Table(box=None, pad_edge=False)
        for name in ("paid after", "customers", "%", "amount", "%", "any customers", "any amount", "median days"):
            table.add_column(name, justify="left" if name == "paid after" else "right", no_wrap=True)
        for row in one.report.rows:
            days = "" if row.days is None else f"{row.days:g}"
            more = (str(row.any_touch.customers), str(Money(row.any_touch.amount, currency)), days)
            table.add_row(row.method, *_cells(row.attributed, cohort, currency), *more)
        for name, part in (("no contact", one.report.unattributed), ("by lists alone", one.report.listed),
                           ("not paid", one.report.open)):  # fmt: skip
            table.add_row(name, *_cells(part, cohort, currency))
        rich.console.Console(highlight=False, markup=False).print(table)


def _cells(part: "Part", cohort: "Part", currency: str) -> tuple[str, str, str, str]:
    shares = [_share(part.customers, cohort.customers), _share(part.amount, cohort.amount)]
    customers, amounts = (f"{_PERCENT * share:.2f}" if share is not None else "" for share in shares)
    return str(part.customers), customers, str(Money(part.amount, currency)), amounts
