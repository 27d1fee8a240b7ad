"""How much of a month's new debt was paid so many days after it fell overdue: the curve of a cohort, and its contacts.

A day counts from each debt's own first overdue day, so that debts of the beginning and of the end of a month are alike.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from statistics import median

from contactd.domain.control_report import Debt, Money, Touch, cohort_of, first_days, standing

LONGEST = 180  # days


@dataclass(frozen=True, slots=True)
class Tick:
    """The contacts by one step of a ladder: how many, and the day on which half of them had reached somebody."""

    step: str
    method: str
    day: float
    contacts: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """What had come in by each day from 0 on, in minor units; it ends where the youngest debt has got to."""

    owed: int
    paid: tuple[int, ...]
    ticks: tuple[Tick, ...]


def recovery(
    first: date, debts: Iterable[Debt], touches: Iterable[Touch], moneys: Iterable[Money], *, as_of: date
) -> Recovery:
    """Follow the debts of the month that begins on `first`."""
    cohort = cohort_of(first, debts)
    since = {debt.claim: debt.on for debt in cohort}
    days = min((as_of - max(since.values())).days, LONGEST) if since else -1
    came = [0] * max(days + 1, 0)
    for money in standing(cohort, moneys):
        day = max((money.on - since[money.claim]).days, 0)
        if day <= days:
            came[day] += money.amount
    paid, total = [], 0
    for amount in came:
        total += amount
        paid.append(total)
    return Recovery(sum(debt.amount for debt in cohort), tuple(paid), _ticks(first_days(cohort), touches))


def _ticks(since: dict[int, date], touches: Iterable[Touch]) -> tuple[Tick, ...]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for touch in touches:
        if touch.customer in since and touch.on >= since[touch.customer]:
            found[touch.step, touch.method].append((touch.on - since[touch.customer]).days)
    ticks = (Tick(step, method, median(days), len(days)) for (step, method), days in found.items())
    return tuple(sorted(ticks, key=lambda tick: (tick.day, tick.step)))
