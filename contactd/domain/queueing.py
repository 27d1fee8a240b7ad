"""Who is called next: what goes first, and the order among equals; planner, store and dialer ask here.

What an agent dials goes before everything, then callbacks, then whoever called us in vain; the rest is in the
campaign's own order, weighed with the chance to reach somebody at this hour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import IntEnum, StrEnum

_PRIOR_CALLS = 20.0  # an hour is believed to be like all others until about so many calls say something else
_PRIOR_REACH = 0.3
_SAME_DAYPART = 0.5  # whoever did not answer in the morning is better tried in the evening
_DAYPARTS = ((11, "morning"), (14, "midday"), (17, "afternoon"), (24, "evening"))


class Priority(IntEnum):
    """What goes first."""

    LADDER = 0
    MISSED = 1  # they called us, and nobody answered
    CALLBACK = 2  # agreed with them
    DIALLED = 3  # an agent wants it now


class Order(StrEnum):
    """What a campaign puts first among its own."""

    AMOUNT = "amount"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that is due; `rank` is from `rank`, `tried_at` when the person was last called, None if never."""

    id: int
    priority: int
    rank: int
    zone: tzinfo
    tried_at: datetime | None = None


@dataclass(slots=True)
class Reach:
    """How often people answer, by the hour of their day; learnt call by call."""

    placed: dict[int, float] = field(default_factory=dict)
    answered: dict[int, float] = field(default_factory=dict)

    def learn(self, hour: int, *, answered: bool) -> None:
        """Take one call into account."""
        self.placed[hour] = self.placed.get(hour, 0.0) + 1.0
        self.answered[hour] = self.answered.get(hour, 0.0) + answered

    def probability(self, hour: int) -> float:
        """Answer the chance that somebody answers at that hour."""
        overall = (sum(self.answered.values()) + _PRIOR_CALLS * _PRIOR_REACH) / (
            sum(self.placed.values()) + _PRIOR_CALLS
        )
        return (self.answered.get(hour, 0.0) + _PRIOR_CALLS * overall) / (self.placed.get(hour, 0.0) + _PRIOR_CALLS)

    def table(self) -> Mapping[int, float]:
        """Answer the chance for every hour, worked out once for many questions."""
        return {hour: self.probability(hour) for hour in range(24)}


def daypart(zone: tzinfo, at: datetime) -> str:
    """Name the part of the person's day."""
    hour = at.astimezone(zone).hour
    return next(name for end, name in _DAYPARTS if hour < end)


def rank(order: Order, owed: int, oldest_due: date | None, today: date) -> int:
    """Answer where an account stands in its campaign's order, more is sooner: open minor units, or days overdue."""
    if order is Order.AMOUNT:
        return owed
    return (today - oldest_due).days if oldest_due else 0


def in_order(waiting: Iterable[Waiting], reach: Mapping[int, float], at: datetime) -> list[Waiting]:
    """Put calls in the order in which they are to be placed."""
    return sorted(waiting, key=lambda one: (-one.priority, -_worth(one, reach, at), one.id))


def _worth(one: Waiting, reach: Mapping[int, float], at: datetime) -> float:
    chance = reach[at.astimezone(one.zone).hour]
    if one.tried_at is not None and daypart(one.zone, one.tried_at) == daypart(one.zone, at):
        chance *= _SAME_DAYPART
    return (one.rank + 1) * chance
