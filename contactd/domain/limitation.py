"""When a claim runs out of time (Verjährung, §§195 to 213 BGB): the last day on which it can still be enforced.

For reports that warn in time, and for the desk. Days are dates without a time. Where the law leaves doubt the earlier
day is answered: who warns too early loses nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from contactd.domain.deadlines import DAY, add_months, add_years, working_day

_YEARS = 3  # §195
_YEARS_OF_TITLE = 30  # §197(1) Nr. 3
_MOST_YEARS_OF_LOAN = 10  # §497(3) S. 3
_MONTHS_AFTER_TALKS = 3  # §203 S. 2: not sooner than this
_MONTHS_AFTER_COURT = 6  # §204(2) S. 1: suspended for so much longer


class Ground(StrEnum):
    """What holds the time up."""

    NEGOTIATIONS = "negotiations"  # §203
    COURT = "court"  # §204(1) Nr. 3: a payment order, from its service on
    DEFERRAL = "deferral"  # §205: as long as the debtor need not pay by what was agreed
    LOAN = "loan"  # §497(3) S. 3: a consumer's loan, from default on


@dataclass(frozen=True, slots=True)
class Suspension:
    """A time that does not count (Hemmung, §209 BGB), both days included; `last` None while it goes on.

    Of a court order `last` is the day the proceedings ended, or of the last step when they came to rest (§204(2)); the
    six months after it are added here.
    """

    ground: Ground
    first: date
    last: date | None = None

    @property
    def until(self) -> date | None:
        """Give the last day that does not count."""
        if self.last is None or self.ground is not Ground.COURT:
            return self.last
        return add_months(self.last, _MONTHS_AFTER_COURT)


@dataclass(frozen=True, slots=True)
class Limitation:
    """The last day before a claim is statute-barred; None while the time is held up without an end.

    `began` is the day from whose end on the time runs: the end of a year, of the last thing that began it anew, a
    title's.
    """

    last_day: date | None
    began: date = field(default=date.min, compare=False)

    def runs_out_within(self, days: int, today: date) -> bool:
        """Say whether it runs out in so many days, or has run out."""
        return self.last_day is not None and (self.last_day - today).days <= days


def of_loan(due_on: date, default_on: date) -> Iterator[Suspension]:
    """Give the time that does not count of a consumer's loan in default: ten years from when it fell due, at most."""
    last = add_years(due_on, _MOST_YEARS_OF_LOAN)
    if default_on <= last:
        yield Suspension(Ground.LOAN, default_on, last)


def limitation(
    due_on: date,
    holidays: AbstractSet[date],
    *,
    known_on: date | None = None,
    suspensions: Sequence[Suspension] = (),
    restarts: Iterable[date] = (),
    title_on: date | None = None,
) -> Limitation:
    """Answer when the claim runs out: three years from the end of the year in which it fell due and became known.

    `restarts` are the days of an acknowledgement, a part payment or a payment of interest, which begin the three years
    anew on the next day (§212(1) Nr. 1 BGB); those before they began or after they ran out change nothing. `title_on`:
    when the title became final; from then on thirty years (§197(1) Nr. 3, §201 BGB), but not for interest that falls
    due later (§197(2)). The longest times of §199(3) and (4) BGB are not looked at. Raises ValueError for a suspension
    that ends before it begins.
    """
    for suspension in suspensions:
        if suspension.last is not None and suspension.last < suspension.first:
            raise ValueError(f"the suspension of {suspension.first} ends before it begins, on {suspension.last}")
    years = _YEARS if title_on is None else _YEARS_OF_TITLE
    # The day of the event does not count itself (§187(1)): time runs from the next one.
    event = date(max(due_on, known_on or due_on).year, 12, 31) if title_on is None else title_on
    last = _last_day(event, years, suspensions, holidays)
    for restart in sorted(restarts):
        if last is not None and restart > last:
            break
        if restart > event:
            event = restart
            anew = _last_day(event, years, suspensions, holidays)
            # In a leap year the time that begins anew may end a day before the old one: that harms nobody.
            last = None if anew is None or last is None else max(anew, last)
    return Limitation(last, event)


def _last_day(event: date, years: int, suspensions: Sequence[Suspension], holidays: AbstractSet[date]) -> date | None:
    end = add_years(event, years)  # of the time itself
    least = end  # not sooner than this, whatever the time
    counted = event  # suspensions may overlap: up to here all days are counted
    for suspension in sorted(suspensions, key=lambda one: one.first):
        if suspension.first > working_day(max(end, least), holidays):
            break
        until = suspension.until
        if until is None:
            return None
        end += max(until - max(suspension.first - DAY, counted), timedelta())
        counted = max(counted, until)
        talks = suspension.ground is Ground.NEGOTIATIONS
        least = max(least, add_months(until, _MONTHS_AFTER_TALKS) if talks else until)
    return working_day(max(end, least), holidays)
