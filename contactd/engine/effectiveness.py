"""The report by contact method, month by month, for `contactd report control`, the desk and simulations."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain import control_report
from contactd.domain.account import Channel
from contactd.domain.calendar import find_zone
from contactd.domain.control_report import Report
from contactd.store import effectiveness

METHODS = (Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL)
_MONTHS = 12
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Month:
    """A month's report in one currency."""

    currency: str
    report: Report


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
        yield Month(one.currency, found)
