"""What became of promises and plans: by the month in which they were made or fall due, and day by day.

Each promise stands in one of five parts, which add up to all that were made. What was withdrawn or superseded says
nothing about who keeps their word, so it is in no rate.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contactd.domain.agreement import ALIVE, Kind, State
from contactd.domain.report_table import share


class Fate(StrEnum):
    """What became of a promise."""

    KEPT = "kept"
    PARTLY = "partly_kept"
    BROKEN = "broken"
    OPEN = "open"
    ENDED = "ended_otherwise"


_FATES = {
    State.KEPT: Fate.KEPT,
    State.FULFILLED: Fate.KEPT,
    State.PARTIALLY_KEPT: Fate.PARTLY,
    State.BROKEN: Fate.BROKEN,
    State.DEFAULTED: Fate.BROKEN,
    **dict.fromkeys(ALIVE, Fate.OPEN),
}


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise or plan: when it was made, when its last part falls due, minor units of its currency."""

    id: int
    kind: Kind
    state: State
    currency: str
    made_on: date
    due_on: date
    amount: int
    received: int

    @property
    def fate(self) -> Fate:
        """Say what became of it."""
        return _FATES.get(self.state, Fate.ENDED)

    @property
    def counted(self) -> int:
        """Give what came in of what was promised; of one that was kept by another way all of it."""
        return self.amount if self.fate is Fate.KEPT else min(self.received, self.amount)


@dataclass(frozen=True, slots=True)
class Part:
    """So many promises of so much money."""

    promises: int = 0
    amount: int = 0

    def __add__(self, other: "Part") -> "Part":
        """Put two parts together."""
        return Part(self.promises + other.promises, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class Month:
    """The promises of a month, of one kind and currency; `parts` are disjoint and add up to `made`."""

    first: date
    kind: Kind
    currency: str
    made: Part
    parts: dict[Fate, Part]
    received: int

    @property
    def kept_rate(self) -> float | None:
        """Give the share that was kept, of those whose time is up."""
        return share(self.parts[Fate.KEPT].promises, sum(self.parts[fate].promises for fate in _OVER))

    @property
    def kept_amount_rate(self) -> float | None:
        """Give the share of the money that came in, of those whose time is up."""
        return share(self.received, sum(self.parts[fate].amount for fate in _OVER))


_OVER = (Fate.KEPT, Fate.PARTLY, Fate.BROKEN)


@dataclass(frozen=True, slots=True)
class Due:
    """A part of a promise that falls due; `paid`: it came in, whenever."""

    day: date
    last_day: date  # with the grace
    currency: str
    amount: int
    paid: bool


@dataclass(frozen=True, slots=True)
class Day:
    """What falls due on a day, in one currency; `paid`, `missed` and `open` add up to `due`."""

    day: date
    currency: str
    due: Part
    paid: Part
    missed: Part
    open: Part


def by_month(promises: Iterable[Promised], on: Callable[[Promised], date]) -> list[Month]:
    """Sort promises by the month of a day of theirs, by kind and currency."""
    sorted_out: dict[tuple[date, str, Kind], list[Promised]] = defaultdict(list)
    for one in promises:
        sorted_out[on(one).replace(day=1), one.currency, one.kind].append(one)
    return [_month(*key, found) for key, found in sorted(sorted_out.items())]


def _month(first: date, currency: str, kind: Kind, found: list[Promised]) -> Month:
    parts = {fate: _part(one for one in found if one.fate is fate) for fate in Fate}
    received = sum(one.counted for one in found if one.fate in _OVER)
    return Month(first, kind, currency, _part(found), parts, received)


def _part(promises: Iterable[Promised]) -> Part:
    return sum((Part(1, one.amount) for one in promises), Part())


def by_day(dues: Iterable[Due], today: date) -> list[Day]:
    """Sort what falls due by day and currency; what is not paid is missed once its grace is over."""
    sorted_out: dict[tuple[date, str], list[Due]] = defaultdict(list)
    for one in dues:
        sorted_out[one.day, one.currency].append(one)
    return [_day(day, currency, found, today) for (day, currency), found in sorted(sorted_out.items())]


def _day(day: date, currency: str, found: list[Due], today: date) -> Day:
    def part(which: Callable[[Due], bool]) -> Part:
        return sum((Part(1, one.amount) for one in found if which(one)), Part())

    return Day(
        day,
        currency,
        part(lambda _: True),
        part(lambda one: one.paid),
        part(lambda one: not one.paid and one.last_day < today),
        part(lambda one: not one.paid and one.last_day >= today),
    )
