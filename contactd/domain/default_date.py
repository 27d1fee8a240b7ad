"""When a debtor comes into default (Verzug, §286 BGB), on what ground, and from which day on interest runs.

For whoever makes claims out of invoices. Days are dates without a time; the last day for paying moves to the next
working day (§193 BGB), and with it the default.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from contactd.domain.account import Kind
from contactd.domain.deadlines import DAY, working_day

_THIRTY_DAYS = timedelta(days=30)


class Basis(StrEnum):
    """What put the debtor in default."""

    CALENDAR = "calendar"  # §286(2) Nr. 1 and 2: the day for paying was fixed, or can be worked out
    REMINDER = "reminder"  # §286(1): a reminder that arrived after the due date
    THIRTY_DAYS = "thirty_days"  # §286(3): thirty days after due date and invoice
    REFUSAL = "refusal"  # §286(2) Nr. 3: serious and final


@dataclass(frozen=True, slots=True)
class Default:
    """In default since `on`; `interest_from` is the first day that bears interest, the next one after a reminder."""

    on: date
    basis: Basis
    interest_from: date


@dataclass(frozen=True, slots=True)
class Course:
    """What happened about one claim, as far as §286 BGB asks.

    `due_on`: when it fell due by contract, not moved to a working day. `fixed`: that day was agreed by the calendar, or
    can be worked out from it; a day the creditor chose alone (on the invoice) is not fixed. `reminded_on`: the days on
    which reminders were received. `invoiced_on`: when the invoice was received. `noticed`: the invoice told the
    consumer of the thirty days. `refused_on`: the debtor refused for good. `excused_until`: the last day on which the
    delay was not the debtor's fault (§286(4)).
    """

    due_on: date
    kind: Kind
    fixed: bool = False
    reminded_on: tuple[date, ...] = ()
    invoiced_on: date | None = None
    noticed: bool = False
    refused_on: date | None = None
    excused_until: date | None = None


def default_of(course: Course, holidays: AbstractSet[date]) -> Default | None:
    """Answer the earliest default and its basis; None while there is none, as for a consumer nobody reminded."""
    found = min(_defaults(course, holidays), key=lambda default: (default.interest_from, default.on), default=None)
    if found is None or course.excused_until is None:
        return found
    first = course.excused_until + DAY
    return replace(found, on=max(found.on, first), interest_from=max(found.interest_from, first))


def _defaults(course: Course, holidays: AbstractSet[date]) -> Iterator[Default]:
    last_day = working_day(course.due_on, holidays)
    if course.fixed:
        yield Default(last_day + DAY, Basis.CALENDAR, last_day + DAY)
    yield from _by_reminder(last_day, course.reminded_on)
    if course.invoiced_on is not None and (course.kind is not Kind.CONSUMER or course.noticed):
        end = working_day(max(course.due_on, course.invoiced_on) + _THIRTY_DAYS, holidays)
        yield Default(end + DAY, Basis.THIRTY_DAYS, end + DAY)
    if course.refused_on is not None:
        # Nobody is in default before the time for paying is over, and the day itself bears no interest (§187(1)).
        yield Default(max(course.refused_on, last_day + DAY), Basis.REFUSAL, max(course.refused_on, last_day) + DAY)


def _by_reminder(last_day: date, reminded_on: Iterable[date]) -> Iterator[Default]:
    # One that arrives while the debtor may still pay in time has no effect.
    received = min((day for day in reminded_on if day > last_day), default=None)
    if received is not None:
        yield Default(received, Basis.REMINDER, received + DAY)
