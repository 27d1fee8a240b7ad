"""The base rate (Basiszinssatz, §247 BGB) by half-year: a table that is either sound or does not come into being.

For `interest.py`, and for the configuration, which reads the table from a file. The Bundesbank announces the rate anew
for each first of January and July.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from contactd.domain.deadlines import DAY, add_months

_STARTS = ((1, 1), (7, 1))
_MONTHS = 6
_BETWEEN = (Decimal(-5), Decimal(20))  # no law, but 127 is 1.27 without its point


class BaseRate(NamedTuple):
    """A row of the table: the first day of a half-year, and the rate from then on in percent a year."""

    valid_from: date
    percent: Decimal


class Fault(NamedTuple):
    """What is wrong with a row, counted from 0, and how to mend it."""

    row: int
    message: str


@dataclass(frozen=True, slots=True)
class BaseRates:
    """Every half-year from the first row to the last, without a gap; raises ValueError with all faults and their cures.

    Past its last half-year the table goes on with the last rate it knows: `covered_until` tells from when on figures
    that depend on it are provisional.
    """

    rows: tuple[BaseRate, ...]

    def __post_init__(self) -> None:
        """Refuse what is no table."""
        found = [f"row {fault.row + 1}: {fault.message}" for fault in faults(self.rows)]
        if found:
            raise ValueError("; ".join(found))

    @property
    def covered_from(self) -> date:
        """Give the first day the table knows a rate for."""
        return self.rows[0].valid_from

    @property
    def covered_until(self) -> date:
        """Give the last day the table knows the rate for."""
        return next_half_year(self.rows[-1].valid_from) - DAY

    def percent_on(self, day: date) -> Decimal:
        """Give the rate of a day, past the end the last one known; raises ValueError for a day before the table."""
        first = self.covered_from
        if day < first:
            raise ValueError(f"there is no base rate for {day}: the table begins on {first}; add the half-years before")
        half_years = (day.year - first.year) * 2 + (day.month > _MONTHS) - (first.month > _MONTHS)
        return self.rows[min(half_years, len(self.rows) - 1)].percent


def next_half_year(day: date) -> date:
    """Answer the first of January or July that follows."""
    return date(day.year, 7, 1) if day.month <= _MONTHS else date(day.year + 1, 1, 1)


def faults(rows: Sequence[BaseRate]) -> tuple[Fault, ...]:
    """List what keeps rows from being a table: no half-year may be missing, stand there twice or out of order."""
    if not rows:
        return (Fault(0, "the table is empty; it needs a row for every half-year, like 2026-07-01 with 1.52"),)
    return tuple(_faults(rows))


def _faults(rows: Sequence[BaseRate]) -> Iterator[Fault]:
    before: date | None = None
    for number, (day, percent) in enumerate(rows):
        if not percent.is_finite() or not _BETWEEN[0] <= percent <= _BETWEEN[1]:
            yield Fault(number, f"{percent} is no base rate in percent; write it like 1.27")
        if (day.month, day.day) not in _STARTS:
            yield Fault(number, f"{day} begins no half-year; write the first of January or July from which on it holds")
            before = None  # what the next row should be cannot be told
            continue
        if before is not None:
            yield from (Fault(number, message) for message in _out_of_line(before, day))
        before = day


def _out_of_line(before: date, day: date) -> Iterator[str]:
    if day == before:
        yield f"{day} is already there, one row above; keep the right one of the two"
    elif day < before:
        yield f"{day} comes after {before}; put the rows in the order of time, each half-year once"
    elif day > next_half_year(before):
        last = add_months(day, -_MONTHS)
        missing = f"{next_half_year(before)} is" if last == next_half_year(before) else _span(before, last)
        yield f"{missing} missing before {day}; every half-year needs its row, even when the rate did not change"


def _span(before: date, last: date) -> str:
    return f"{next_half_year(before)} to {last} are"
