"""The budget of abandoned calls: what the law's rolling window still allows, and how boldly to dial meanwhile.

One `Budget` belongs to one campaign, or to several that share it where the law pools them. It is kept across restarts
as a plain dict. All times are seconds of one clock that goes on across restarts, such as the time since 1970.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HOUR = 3600.0
_BUCKETS = {"window": 720, "hour": 60}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the jurisdiction and the operator allow; shares are of calls answered by a person.

    `limit` holds over `span` seconds: 3 % over 30 days in 16 CFR 310.4(b)(4)(i), 24 h where that is the custom. A
    rolling hour has its own `hour_limit`, from `hour_least` answers on: of fewer, a share says little.
    """

    limit: float = 0.03
    span: float = 30 * 86400.0
    hour_limit: float = 0.05
    hour_least: int = 100


_FEW = 500  # answers that say little yet
# Calls by which the aim may be passed while that is more than the limit (chance, not a habit): those that should be the
# last, and those that are. In between little is risked, which costs less than to risk nothing.
_AHEAD, _TOO_FAR = 4.0, 6.0
_LEAST = 0.15
# What is aimed at, as a share of the limit: chance weighs less the more answers there are.
_AIM_FEW, _AIM_MANY = 0.85, 0.95
# How much a call of credit changes the boldness, as a logarithm, and how fast what is usual is learned from the credit.
# With few answers each call counts; with many, steadiness is worth more.
_GAIN_FEW, _GAIN_MANY = 0.3, 0.05
_LEARN_FEW, _LEARN_MANY = 0.001, 0.0001
_CREDIT, _BASE = 6.0, 1.5  # neither leaves this range
_START = -0.5  # careful at first
_HOUR_KEPT = 1.5  # calls of an hour's limit: the next one, and half of one for those under way
_NEAR = 3.0  # calls left, in the hour or the window, from which on the end is approached with care


class Window:
    """Answered and abandoned calls of a rolling span, in buckets, each counted until it has left the span entirely."""

    __slots__ = ("_counts", "_width", "abandoned", "answered", "buckets")

    def __init__(self, span: float, buckets: int) -> None:
        self.buckets = buckets
        self.answered = self.abandoned = 0
        self._width = span / buckets
        self._counts: dict[int, tuple[int, int]] = {}  # by number of the bucket, oldest first

    def add(self, now: float, *, answered: int = 0, abandoned: int = 0) -> None:
        """Count what happened now."""
        self.pass_on(now)
        place = max(int(now // self._width), next(reversed(self._counts), 0))  # a clock put back makes no past
        before = self._counts.get(place, (0, 0))
        self._counts[place] = before[0] + answered, before[1] + abandoned
        self.answered += answered
        self.abandoned += abandoned

    def pass_on(self, now: float) -> None:
        """Forget what is older than the span."""
        oldest = int(now // self._width) - self.buckets
        while self._counts and (first := next(iter(self._counts))) < oldest:
            answered, abandoned = self._counts.pop(first)
            self.answered -= answered
            self.abandoned -= abandoned

    def surely_answered(self, now: float) -> int:
        """Count without the bucket of which some may have left the span by now."""
        leaving, _ = self._counts.get(int(now // self._width) - self.buckets, (0, 0))
        return self.answered - leaving

    def to_list(self) -> list[list[int]]:
        """Give the buckets as plain numbers: number, answered, abandoned."""
        return [[place, *counts] for place, counts in self._counts.items()]

    def take_up(self, kept: list[list[int]]) -> None:
        """Continue from what `to_list` gave."""
        self._counts = {place: (answered, abandoned) for place, answered, abandoned in sorted(kept)}
        self.answered = sum(answered for answered, _ in self._counts.values())
        self.abandoned = sum(abandoned for _, abandoned in self._counts.values())


class Budget:
    """Abandoned calls against answered ones.

    `credit` is what has been aimed at and not been used, in calls: it steers from call to call, while the windows stop
    the dialer where they must. `base` is the boldness, as a logarithm, that uses up what is aimed at.
    """

    __slots__ = ("_hour", "_window", "base", "credit", "terms")

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.credit = _START
        self.base = 0.0
        self._window = Window(self.terms.span, _BUCKETS["window"])
        self._hour = Window(_HOUR, _BUCKETS["hour"])

    def learn_answer(self, now: float) -> None:
        """Note that a person answered."""
        self._window.add(now, answered=1)
        self._hour.add(now, answered=1)
        self.credit = min(self.credit + self.aim(), _CREDIT)
        self.base = min(max(self.base + self._between(_LEARN_FEW, _LEARN_MANY) * self.credit, -_BASE), _BASE)

    def learn_abandoned(self, now: float) -> None:
        """Note that a person who answered met nobody."""
        self._window.add(now, abandoned=1)
        self._hour.add(now, abandoned=1)
        self.credit = max(self.credit - 1.0, -_CREDIT)

    def share(self, now: float) -> float:
        """Give the share of abandoned calls in the law's window."""
        self._window.pass_on(now)
        return self._window.abandoned / max(self._window.answered, 1)

    def aim(self) -> float:
        """Give the share that is aimed at, below the limit."""
        return self.terms.limit * self._between(_AIM_FEW, _AIM_MANY)

    def left(self, now: float) -> float:
        """Tell how many calls more may be abandoned in the window; below zero: not even one, the budget is spent."""
        return self._within(now, _TOO_FAR)

    def hour_left(self, now: float) -> float:
        """Tell how many calls more may be abandoned in this hour; below zero: not even one."""
        self._hour.pass_on(now)
        answered = max(self._hour.surely_answered(now), self.terms.hour_least)
        return self.terms.hour_limit * answered - self._hour.abandoned - _HOUR_KEPT

    def boldness(self, now: float) -> float:
        """Give the factor by which to take more risk than usual, or less; 0 where nothing may be risked."""
        left = self._within(now, _AHEAD) + 1.0
        if self.left(now) >= 0.0:
            left = max(left, _LEAST)
        near = max(min(_NEAR, self.hour_left(now), left), 0.0) / _NEAR
        return near * math.exp(self._between(_GAIN_FEW, _GAIN_MANY) * self.credit + self.base)

    def to_dict(self) -> dict[str, Any]:
        """Give the counts as plain values."""
        return {
            "credit": self.credit,
            "base": self.base,
            "window": self._window.to_list(),
            "hour": self._hour.to_list(),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any], terms: Terms | None = None) -> "Budget":
        """Take up again what `to_dict` gave, under the same span."""
        budget = cls(terms)
        budget.credit, budget.base = float(kept["credit"]), float(kept["base"])
        budget._window.take_up(kept["window"])
        budget._hour.take_up(kept["hour"])
        return budget

    def _within(self, now: float, ahead: float) -> float:
        self._window.pass_on(now)
        limit, answered = self.terms.limit, self._window.answered
        early = self.aim() * answered + ahead if limit else 0.0
        return max(limit * answered, early) - self._window.abandoned - 1.0

    def _between(self, few: float, many: float) -> float:
        """Go from one value to the other as the window fills."""
        return many + (few - many) * _FEW / (_FEW + self._window.answered)
