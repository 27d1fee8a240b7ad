"""The report by contact method, month by month, for `contactd report control`, the pages and simulations."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain import control_report
from contactd.domain.account import Channel
from contactd.domain.calendar import find_zone
from contactd.domain.control_report import Part, Report, Row
from contactd.domain.money import Money, exponent
from contactd.domain.recovery import Recovery, recovery
from contactd.domain.report_table import Table, Value, share, table
from contactd.store import effectiveness

METHODS = (Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL)
_MONTHS = 12
_DAY = timedelta(days=1)
_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Month:
    """A month's report in one currency, and how its debt was paid day by day."""

    currency: str
    report: Report
    recovery: Recovery


def months_until(connection: sa.Connection, today: date) -> list[date]:
    """List the first days of the last twelve months in which something fell overdue, the newest first."""
    oldest = effectiveness.first_month(connection)
    found: list[date] = []
    first = today.replace(day=1)
    while oldest is not None and first >= oldest and len(found) < _MONTHS:
        found.append(first)
        first = (first - _DAY).replace(day=1)
    return found


def control(connection: sa.Connection, settings: Settings, first: date, *, as_of: date, window: int) -> Iterator[Month]:
    """Report on the debts that fell overdue in the month beginning on `first`, one report a currency."""
    last = min(first.replace(day=calendar.monthrange(first.year, first.month)[1]), as_of)
    agreed = settings.claims
    zone = find_zone(agreed.timezone) or UTC
    arrive = int(agreed.letters_arrive)
    for one in effectiveness.cohorts(connection, first, last, zone=zone, letters_arrive=arrive, as_of=as_of):
        found = control_report.report(
            first, one.debts, one.touches, one.moneys, as_of=as_of, window=window, methods=METHODS
        )
        curve = recovery(first, one.debts, one.touches, one.moneys, as_of=as_of)
        yield Month(one.currency, found, curve)


# -- as tables ---------------------------------------------------------------------------------------------------------

_COLUMNS = (
    "month:month currency:text window_days:count provisional:flag row:word customers:count share_customers:share "
    "amount:money share_amount:share first_touch_customers:count first_touch_amount:money any_touch_customers:count "
    "any_touch_amount:money contacted_customers:count contacted_amount:money share_of_contacted:share "
    "median_days:number contacts:count unconfirmed:count"
)
_COSTS = " cost:money cost_per_100:money"
COHORT = "cohort"


def as_tables(found: Sequence[Month], settings: Settings) -> list[Table]:
    """Write months as tables: the disjoint rows and the cohort they add up to, the curves, the steps on them."""
    costs = _costs(settings)
    columns = _COLUMNS + (_COSTS if costs else "")
    return [
        table("control", columns, (row for one in found for row in _rows(one, costs))),
        table("recovery", "month:month currency:text day:count amount:money share:share",
              (row for one in found for row in _curve(one))),
        table("steps", "month:month currency:text step:text method:word median_day:number contacts:count",
              (row for one in found for row in _steps(one))),
    ]  # fmt: skip


def _costs(settings: Settings) -> dict[str, Money]:
    """Answer what a contact by each method costs, nothing at all while nobody has said."""
    given = settings.reports
    costs: dict[str, Money] = {
        Channel.EMAIL: given.cost_email,
        Channel.SMS: given.cost_sms,
        Channel.LETTER: given.cost_letter,
        Channel.CALL: given.cost_call,
    }
    return costs if any(cost.minor for cost in costs.values()) else {}


def _rows(one: Month, costs: dict[str, Money]) -> Iterator[tuple[Value, ...]]:
    report = one.report
    head: tuple[Value, ...] = (report.first, one.currency, report.window, report.provisional)
    for row in report.rows:
        told = (*_part(row.attributed, one), *_beside(row, one.currency))
        yield *head, row.method, *told, *(_cost(row, one.currency, costs) if costs else ())
    parts = {"not_attributed": report.unattributed, "listed": report.listed, "open": report.open}
    nothing = (None,) * (10 + (2 if costs else 0))
    for name, part in (parts | {COHORT: report.cohort}).items():
        yield *head, name, *_part(part, one), *nothing


def _part(part: Part, one: Month) -> tuple[Value, ...]:
    whole = one.report.cohort
    money = Money(part.amount, one.currency)
    return part.customers, share(part.customers, whole.customers), money, share(part.amount, whole.amount)


def _beside(row: Row, currency: str) -> tuple[Value, ...]:
    touched = (row.first_touch, row.any_touch, row.contacted)
    parts = (value for part in touched for value in (part.customers, Money(part.amount, currency)))
    of_contacted = share(row.attributed.amount, row.contacted.amount)
    return *parts, of_contacted, row.days, row.contacts, row.unsure


def _cost(row: Row, currency: str, costs: dict[str, Money]) -> tuple[Value, ...]:
    """Tell what the contacts cost, and for each hundred of what is attributed to them; only in the cost's currency."""
    each = costs.get(row.method)
    if each is None or each.currency != currency:
        return None, None
    cost = each.minor * row.contacts
    paid = row.attributed.amount
    per = round(cost * _HUNDRED * 10 ** exponent(currency) / paid) if paid else None
    return Money(cost, currency), Money(per, currency) if per is not None else None


def _curve(one: Month) -> Iterator[tuple[Value, ...]]:
    for day, amount in enumerate(one.recovery.paid):
        yield one.report.first, one.currency, day, Money(amount, one.currency), share(amount, one.recovery.owed)


def _steps(one: Month) -> Iterator[tuple[Value, ...]]:
    for tick in one.recovery.ticks:
        yield one.report.first, one.currency, tick.step, tick.method, tick.day, tick.contacts
