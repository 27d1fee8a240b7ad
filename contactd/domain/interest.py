"""Default interest (Verzugszinsen, §288 BGB): which rate, and the lines of its calculation as they are printed.

For `statement.py` and whoever prints interest. Amounts are integer minor units, rates decimal percent a year, days
dates without a time. Each line is rounded by itself and then added, so that whoever holds the letter can check line by
line and comes to the same total; interest itself never bears interest (§289 BGB).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache

from contactd.domain.base_rates import BaseRates, next_half_year
from contactd.domain.deadlines import DAY

_ZERO = Decimal(0)
_LAST_OLD_DAY = date(2014, 7, 28)  # Art. 229 §34 EGBGB: obligations that arose later are under the new law
_LAST_OLD_SERVICE = date(2016, 6, 30)  # and so are services after this day, whenever the contract was made


@dataclass(frozen=True, slots=True)
class Rate:
    """Percent a year: `points` over the base rate, or without it; never below zero, however low the base rate is."""

    points: Decimal
    over_base: bool = True

    def percent_on(self, day: date, rates: BaseRates) -> Decimal:
        """Give the rate of a day; raises ValueError when it needs a base rate from before the table."""
        percent = self.points + rates.percent_on(day) if self.over_base else self.points
        return max(percent, _ZERO)

    def provisional_on(self, day: date, rates: BaseRates) -> bool:
        """Say whether the rate of the day is but a guess: it needs a base rate that the table does not know yet."""
        return self.over_base and day > rates.covered_until


CONSUMER = Rate(Decimal(5))  # §288(1): a consumer is involved, or it is no Entgeltforderung
BUSINESS = Rate(Decimal(9))  # §288(2)
BUSINESS_UNTIL_2014 = Rate(Decimal(8))  # §288(2) as it stood up to 28 July 2014
SECURED_PROPERTY_LOAN = Rate(Decimal("2.5"))  # §497(4): a consumer's loan that is secured by property


def under_new_law(arose_on: date, performed_on: date | None = None) -> bool:
    """Say whether §288 BGB applies as in force since 29 July 2014 (Art. 229 §34 EGBGB).

    `arose_on` is when the obligation arose (the contract, not the invoice); `performed_on`, of a continuing one, when
    the service was rendered.
    """
    return arose_on > _LAST_OLD_DAY or (performed_on is not None and performed_on > _LAST_OLD_SERVICE)


def statutory(
    *, consumer_involved: bool, payment_for_service: bool, arose_on: date, performed_on: date | None = None
) -> Rate:
    """Answer the rate of §288(1) and (2) BGB; dates as in `under_new_law`.

    `payment_for_service` is an Entgeltforderung: money owed for goods or a service, not damages or a penalty. A rate
    agreed by contract may be higher (§288(3)); then the claim takes that one instead.
    """
    if consumer_involved or not payment_for_service:
        return CONSUMER
    return BUSINESS if under_new_law(arose_on, performed_on) else BUSINESS_UNTIL_2014


class DayCount(StrEnum):
    """How many days a year has: as many as it has, always 365, or (only if agreed) twelve months of 30."""

    ACT_ACT = "act/act"
    ACT_365 = "act/365"
    THIRTY_360 = "30/360"


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of the calculation; `first` and `last` both count. `provisional`: past the end of the base-rate table."""

    first: date
    last: date
    days: int
    principal: int
    percent: Decimal
    denominator: int
    provisional: bool = False

    @property
    def exact(self) -> Fraction:
        """Give the interest before it is rounded, in minor units."""
        return self.principal * Fraction(self.percent) * self.days / (100 * self.denominator)

    @property
    def amount(self) -> int:
        """Give the interest in whole minor units, half of one rounded up."""
        # In whole numbers what half_up(self.exact) is: statements have hundreds of thousands of lines.
        points, per = _ratio(self.percent)
        divisor = per * 100 * self.denominator
        return (2 * self.principal * points * self.days + divisor) // (2 * divisor)


def segments(
    balances: Sequence[tuple[date, int]],
    last: date,
    rate: Rate,
    rates: BaseRates,
    count: DayCount = DayCount.ACT_ACT,
) -> tuple[Segment, ...]:
    """Cut the time up to and with `last` at every first of January and July and at every change of principal.

    `balances` are the principals with the first day each bears interest, in the order of time. The day of a payment
    bears none on what was paid: the lower principal begins on it. Raises ValueError when they are out of order, when
    one is below zero, and for days before the base-rate table.
    """
    return tuple(
        Segment(
            start,
            end,
            _days(start, end, count),
            principal,
            rate.percent_on(start, rates),
            _denominator(start, count),
            rate.provisional_on(start, rates),
        )
        for first, until, principal in _runs(balances, last)
        for start, end in _half_years(first, until)
    )


@cache
def _ratio(percent: Decimal) -> tuple[int, int]:
    return percent.as_integer_ratio()


def _runs(balances: Sequence[tuple[date, int]], last: date) -> Iterator[tuple[date, date, int]]:
    """List the spans of one principal; equal ones in a row are one span, nothing owed is none."""
    changes: list[tuple[date, int]] = []
    for day, principal in balances:
        if principal < 0:
            raise ValueError(f"the principal from {day} on is below zero: {principal}")
        if changes and day < changes[-1][0]:
            raise ValueError(f"the principal of {day} comes after that of {changes[-1][0]}; put them in order of time")
        if changes and day == changes[-1][0]:
            changes.pop()
        if not changes or principal != changes[-1][1]:
            changes.append((day, principal))
    ends = [day - DAY for day, _ in changes[1:]]
    for (first, principal), end in zip(changes, [*ends, last], strict=False):
        if principal and first <= min(end, last):
            yield first, min(end, last), principal


def _half_years(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        following = next_half_year(first)
        yield first, min(following - DAY, last)
        first = following


def _days(first: date, last: date, count: DayCount) -> int:
    if count is DayCount.THIRTY_360:
        return _day_of_months(last + DAY) - _day_of_months(first)
    return (last - first).days + 1


def _day_of_months(day: date) -> int:
    """Count days as if every month had 30; the 31st is the 30th."""
    return (day.year * 12 + day.month) * 30 + min(day.day, 30)


def _denominator(day: date, count: DayCount) -> int:
    if count is DayCount.ACT_ACT:
        return (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
    return 365 if count is DayCount.ACT_365 else 360


def total(lines: Sequence[Segment]) -> int:
    """Add the lines as they are printed."""
    return sum(line.amount for line in lines)
