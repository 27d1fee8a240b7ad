"""Which way of contacting customers brings money in: the new debt of a month, and what was paid after which contact.

Every payment counts for the last contact that reached the customer before its value date, if that is no longer than the
window ago: each cent and each customer stand in one row, and all rows add up to the cohort. Beside that stands for each
method what was paid after any contact by it, which may add up to more. Whoever is called is a harder case than whoever
is written to first, so the rows compare methods only within one ladder.
"""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median

WINDOW = 14  # days


@dataclass(frozen=True, slots=True)
class Debt:
    """A claim that fell overdue; `amount` is what was open on its first overdue day, in minor units."""

    claim: int
    customer: int
    on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Touch:
    """A contact that reached somebody; not `sure`: it was sent, and nobody told whether it arrived."""

    customer: int
    method: str
    on: date
    sure: bool = True
    step: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """What came in for a claim after it fell overdue, or went back; not `booked`: only a list told of it."""

    claim: int
    customer: int
    on: date
    amount: int
    booked: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """So many customers and so much money; of customers each stands in one part."""

    customers: int = 0
    amount: int = 0

    def __add__(self, other: "Part") -> "Part":
        """Put two parts together."""
        return Part(self.customers + other.customers, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class Row:
    """A method: what is attributed to it, whom it reached and what they owed, what was paid after any contact by it.

    `first_touch` is what would be attributed if the first contact in the window counted instead of the last: disjoint
    as well. `days` is the median from contact to payment, `unsure` counts contacts nobody confirmed.
    """

    method: str
    attributed: Part
    first_touch: Part
    contacted: Part
    any_touch: Part
    days: float | None
    contacts: int
    unsure: int


@dataclass(frozen=True, slots=True)
class Report:
    """A month's cohort; `provisional` while the window of its last debt is still running.

    `rows`, `unattributed`, `listed` (settled, and only a list told so) and `open` add up to `cohort`; what was given up
    since did not come in, so it stands in `open`.
    """

    first: date
    window: int
    provisional: bool
    cohort: Part
    rows: tuple[Row, ...]
    unattributed: Part
    listed: Part
    open: Part

    @property
    def total(self) -> Part:
        """Add the disjoint parts up; it is the cohort."""
        return sum((row.attributed for row in self.rows), self.unattributed + self.listed + self.open)


def report(
    first: date,
    debts: Iterable[Debt],
    touches: Iterable[Touch],
    moneys: Iterable[Money],
    *,
    as_of: date,
    window: int = WINDOW,
    methods: Sequence[str] = (),
) -> Report:
    """Report on the debts of the month that begins on `first`; `methods` have a row even if nobody was reached."""
    cohort = cohort_of(first, debts)
    asked = _Asked(cohort, list(touches), list(standing(cohort, moneys)), window)
    owed = sum(debt.amount for debt in cohort)
    named = list(dict.fromkeys((*methods, *sorted({touch.method for touch in asked.touches}))))
    rows = tuple(asked.row(method) for method in named)
    unattributed, listed = asked.last.part(_UNATTRIBUTED), asked.last.part(_LISTED)
    settled = sum((row.attributed for row in rows), unattributed + listed)
    customers = len({debt.customer for debt in cohort})
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return Report(
        first,
        window,
        as_of < last + timedelta(days=window),
        Part(customers, owed),
        rows,
        unattributed,
        listed,
        Part(customers - settled.customers, owed - settled.amount),
    )


def cohort_of(first: date, debts: Iterable[Debt]) -> list[Debt]:
    """Choose the debts that fell overdue in the month that begins on `first`."""
    return [debt for debt in debts if (debt.on.year, debt.on.month) == (first.year, first.month) and debt.amount > 0]


def standing(cohort: Iterable[Debt], moneys: Iterable[Money]) -> Iterable[Money]:
    """Give what came in and stayed, no more than was owed of each claim; a return takes the newest before it."""
    came: dict[int, list[Money]] = defaultdict(list)
    for one in sorted(moneys, key=lambda money: (money.on, money.amount < 0)):
        mine = came[one.claim]
        if one.amount >= 0:
            mine.append(one)
            continue
        back = -one.amount
        while back and mine:
            part = min(back, mine[-1].amount)
            back -= part
            rest = mine.pop()
            if rest.amount > part:
                mine.append(replace(rest, amount=rest.amount - part))
    for debt in cohort:
        left = debt.amount
        for one in came[debt.claim]:
            part = min(left, one.amount)
            left -= part
            if part:
                yield replace(one, amount=part)


_UNATTRIBUTED, _LISTED = "", "list"


class _Credited:
    """Money given to methods, each cent to one; so is each customer who paid."""

    def __init__(self, given: Sequence[tuple[str, int, Money]]) -> None:
        self._given = given
        self._belongs: dict[int, str] = {}
        # The first payment attributed says whose a customer is, if there is one.
        ranked = {_LISTED: 2, _UNATTRIBUTED: 1}
        for method, _, money in sorted(given, key=lambda one: (ranked.get(one[0], 0), one[2].on)):
            self._belongs.setdefault(money.customer, method)

    def part(self, method: str) -> Part:
        """Add up what was given to a method, or to none."""
        return Part(
            sum(belongs == method for belongs in self._belongs.values()),
            sum(money.amount for of, _, money in self._given if of == method),
        )

    def days(self, method: str) -> float | None:
        """Answer the median of the days from contact to payment."""
        days = [days for of, days, _ in self._given if of == method]
        return median(days) if days else None


class _Asked:
    """A cohort with its contacts and its money, sorted out by method."""

    def __init__(self, cohort: Sequence[Debt], touches: Sequence[Touch], moneys: Sequence[Money], window: int) -> None:
        self._cohort = cohort
        since = first_days(cohort)
        self.touches = [one for one in touches if one.customer in since and one.on >= since[one.customer]]
        self._window = window
        self._reached: dict[int, list[Touch]] = defaultdict(list)
        for one in sorted(self.touches, key=lambda touch: touch.on):
            self._reached[one.customer].append(one)
        self._paid = [(money, self._before(money)) for money in moneys]
        self.last = _Credited([(*_attributed(money, before, -1), money) for money, before in self._paid])
        self.first = _Credited([(*_attributed(money, before, 0), money) for money, before in self._paid])

    def _before(self, money: Money) -> list[Touch]:
        """List the contacts that money may be owed to, the last of them last."""
        return [one for one in self._reached[money.customer] if 0 < (money.on - one.on).days <= self._window]

    def row(self, method: str) -> Row:
        """Make the row of a method."""
        mine = [one for one in self.touches if one.method == method]
        reached = {one.customer for one in mine}
        after = [money for money, before in self._paid if money.booked and any(one.method == method for one in before)]
        return Row(
            method,
            self.last.part(method),
            self.first.part(method),
            Part(len(reached), sum(debt.amount for debt in self._cohort if debt.customer in reached)),
            Part(len({money.customer for money in after}), sum(money.amount for money in after)),
            self.last.days(method),
            len(mine),
            sum(not one.sure for one in mine),
        )


def _attributed(money: Money, before: Sequence[Touch], place: int) -> tuple[str, int]:
    """Answer the method of the contact at that place, and how many days before the money it was."""
    if not money.booked:
        return _LISTED, 0
    return (before[place].method, (money.on - before[place].on).days) if before else (_UNATTRIBUTED, 0)


def first_days(cohort: Iterable[Debt]) -> dict[int, date]:
    """Answer since when each customer has owed something of the cohort."""
    since: dict[int, date] = {}
    for debt in cohort:
        since[debt.customer] = min(debt.on, since.get(debt.customer, debt.on))
    return since
