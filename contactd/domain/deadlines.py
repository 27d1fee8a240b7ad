"""Where periods of the Civil Code end: working days (§193 BGB), months and years (§188 BGB).

For the rules about money only. `holidays` are the public holidays of the place of performance (§269 BGB), like those
of `calendar.py`; whoever asks gives those of every year that may matter.
"""

from calendar import monthrange
from collections.abc import Set as AbstractSet
from datetime import date, timedelta

DAY = timedelta(days=1)
_SATURDAY = 5
_MONTHS = 12


def working_day(day: date, holidays: AbstractSet[date]) -> date:
    """Answer the day itself, or the next that is no Saturday, Sunday or public holiday (§193 BGB)."""
    while day.weekday() >= _SATURDAY or day in holidays:
        day += DAY
    return day


def add_months(day: date, months: int, *, day_of_month: int = 0) -> date:
    """Go that many months on, to the same day of the month or the last there is (§188(3) BGB).

    `day_of_month` is that of the beginning when `day` had to be cut back already: 31 stays 31 after a February.
    """
    year, month = divmod(day.year * _MONTHS + day.month - 1 + months, _MONTHS)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day_of_month or day.day, last))


def add_years(day: date, years: int) -> date:
    """Go that many years on; 29 February becomes the 28th (§188(3) BGB)."""
    return add_months(day, years * _MONTHS)
