"""The report on promises and plans as tables, for `contactd report`, the pages and whoever asks over HTTP."""

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from contactd.domain.money import Money
from contactd.domain.promise_report import Day, Fate, Month, Part, by_day, by_month
from contactd.domain.report_table import Table, Value, table
from contactd.engine.reports.contact_figures import Days
from contactd.store import promise_figures

# The calendar shows what was due of late and what is to come.
BEFORE, AFTER = timedelta(weeks=2), timedelta(weeks=4)


def promises(connection: sa.Connection, days: Days) -> list[Table]:
    """Report what became of the promises made in a period; the calendar stands around its last day."""
    found = promise_figures.promises(connection, *days.period, days.zone)
    today = days.last
    dues = promise_figures.dues(connection, found, today - BEFORE, today + AFTER) if found else iter(())
    return [
        table("made", _MONTH, _months(by_month(found, lambda one: one.made_on))),
        table("due", _MONTH, _months(by_month(found, lambda one: one.due_on))),
        table("calendar", _CALENDAR, (_day(one) for one in by_day(dues, today))),
    ]


_PARTS = " ".join(f"{fate}:count {fate}_amount:money" for fate in Fate)
_MONTH = (
    f"month:month kind:word currency:text promises:count amount:money {_PARTS} received:money kept_rate:share "
    "kept_amount_rate:share"
)
_CALENDAR = "day:day currency:text " + " ".join(
    f"{part}:count {part}_amount:money" for part in ("due", "paid", "missed", "open")
)


def _months(found: list[Month]) -> Iterator[tuple[Value, ...]]:
    for one in found:
        parts = (value for fate in Fate for value in _part(one.parts[fate], one.currency))
        rates = one.kept_rate, one.kept_amount_rate
        made, received = _part(one.made, one.currency), Money(one.received, one.currency)
        yield one.first, one.kind.value, one.currency, *made, *parts, received, *rates


def _day(one: Day) -> tuple[Value, ...]:
    parts = (value for part in (one.due, one.paid, one.missed, one.open) for value in _part(part, one.currency))
    return one.day, one.currency, *parts


def _part(part: Part, currency: str) -> tuple[Value, Value]:
    return part.promises, Money(part.amount, currency)
