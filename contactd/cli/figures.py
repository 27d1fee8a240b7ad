"""The verbs `report contacts`, `report promises` and `report hours`, and how tables of reports are written."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, day_of, open_store
from contactd.cli.output import console, say, show_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contactd.domain.report_table import Column, Table, Value

_PERCENT = 100

as_csv = click.option("--csv", "csv", is_flag=True, help="Write one table as CSV: the first, or the one of --table.")


def table_option(*names: str) -> Callable[[Any], Any]:
    """Let one table be chosen; without it all are told."""
    return click.option("--table", "only", type=click.Choice(names), help="Only this table.")


def _period(days: str) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:  # noqa: ANN401 -- whatever click decorates
        first = click.option("--from", "first", help=f"First day, like 2026-11-01; else {days}.")
        last = click.option("--to", "last", help="Last day; else today.")
        return first(last(function))

    return decorate


@click.command()
@_period("30 days before the last")
@table_option("channels", "funnel", "held_back", "withdrawn", "abandoned", "teams", "agents")
@as_csv
@config_option
@as_json
def contacts(first: str | None, last: str | None, only: str | None, csv: bool, config: Path | None, json: bool) -> None:
    """Show what became of the contacts planned in a period.

    By channel; of customers, who was reached, was the right person, promised, and paid (funnel); what was held back by
    the newest planning runs or withdrawn; abandoned calls against their limit; what conversations came to, by team.
    """
    from contactd.engine.reports.contact_figures import contacts as contacts_of
    from contactd.engine.reports.contact_figures import days_of

    with open_store(config) as (database, settings), database.snapshot() as connection:
        days = days_of(settings, *_days(first, last, settings.claims.timezone, timedelta(days=29)))
        found = contacts_of(connection, settings, days)
    tell(found, only=only, csv=csv, json=json)


@click.command()
@_period("the first of the month a year before")
@table_option("made", "due", "calendar")
@as_csv
@config_option
@as_json
def promises(first: str | None, last: str | None, only: str | None, csv: bool, config: Path | None, json: bool) -> None:
    """Show what became of the promises and plans made in a period.

    By the month in which they were made, by the month in which they fall due, and day by day from two weeks before the
    last day to four weeks after it.
    """
    from contactd.engine.reports.contact_figures import days_of
    from contactd.engine.reports.promise_figures import promises as promises_of

    with open_store(config) as (database, settings), database.snapshot() as connection:
        days = days_of(settings, *_days(first, last, settings.claims.timezone, None))
        found = promises_of(connection, days)
    tell(found, only=only, csv=csv, json=json)


@click.command()
@_period("90 days before the last")
@as_csv
@config_option
@as_json
def hours(first: str | None, last: str | None, csv: bool, config: Path | None, json: bool) -> None:
    """Show in which hours of the week calls reach the right people, by the clock of who is called; Monday is 1."""
    from contactd.engine.reports.contact_figures import days_of
    from contactd.engine.reports.contact_figures import hours as hours_of

    with open_store(config) as (database, settings), database.snapshot() as connection:
        days = days_of(settings, *_days(first, last, settings.claims.timezone, timedelta(days=89)))
        found = hours_of(connection, days)
    tell(found, only=None, csv=csv, json=json)


def _days(first: str | None, last: str | None, timezone: str, span: timedelta | None) -> tuple[date, date]:
    """Read a period; `span` None: a year, from the first of a month on."""
    end = day_of(last, timezone, "--to")
    usual = end - span if span is not None else end.replace(year=end.year - 1, day=1)
    begin = day_of(first, timezone, "--from") if first is not None else usual
    if end < begin:
        raise click.BadParameter(f"{end} is before {begin}", param_hint="--to")
    return begin, end


def tell(tables: "Sequence[Table]", *, only: str | None, csv: bool, json: bool) -> None:
    """Write tables: as JSON, one of them as CSV, or for people."""
    from contactd.engine.reports import report_files

    chosen = [one for one in tables if only in {None, one.name}]
    if not chosen:
        raise click.BadParameter(f"this report has no table {only} here", param_hint="--table")
    if json:
        show_document(report_files.as_json(chosen) + "\n")
    elif csv:
        show_document(report_files.as_csv(chosen[0]))
    else:
        for one in chosen:
            if len(chosen) > 1:
                say(f"{one.name.replace('_', ' ')}:")
            print_table(one)


def print_table(table: "Table") -> None:
    """Write a table for people, as wide as it is where nobody wraps lines."""
    import rich.table

    if not table.rows:
        say("nothing in this time", "")
        return
    made = rich.table.Table(box=None, pad_edge=False)
    for column in table.columns:
        left = column.kind.value in {"text", "word"}
        made.add_column(column.name.replace("_", " "), justify="left" if left else "right", no_wrap=True)
    for row in table.rows:
        made.add_row(*(_shown(column, value) for column, value in zip(table.columns, row, strict=True)))
    console().print(made)
    say()


def _shown(column: "Column", value: "Value") -> str:
    if value is None:
        return "-"
    if column.kind.value == "share" and isinstance(value, float):
        return f"{value * _PERCENT:.2f} %"
    if column.kind.value == "month" and isinstance(value, date):
        return f"{value:%Y-%m}"
    return str(value)
