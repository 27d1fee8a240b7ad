"""The budget of abandoned calls: what the law's rolling window still allows, and how boldly to dial meanwhile."""

import math
from collections.abc import Mapping

HOUR = 3600.0


class Window:
    """Answered and abandoned calls of a rolling span, in buckets; counts on the careful side at the far end."""

    __slots__ = ("abandoned", "answered", "buckets", "counts", "span")

    def __init__(self, span: float, buckets: int) -> None:
        self.span = span
        self.buckets = buckets
        self.counts: dict[int, list[int]] = {}
        self.answered = 0
        self.abandoned = 0

    def add(self, now: float, answered: int, abandoned: int) -> None:
        self.expire(now)
        bucket = self.counts.setdefault(int(now * self.buckets // self.span), [0, 0])
        bucket[0] += answered
        bucket[1] += abandoned
        self.answered += answered
        self.abandoned += abandoned

    def expire(self, now: float) -> None:
        oldest = int(now * self.buckets // self.span) - self.buckets
        while self.counts and (first := next(iter(self.counts))) < oldest:
            answered, abandoned = self.counts.pop(first)
            self.answered -= answered
            self.abandoned -= abandoned


class Budget:
    """Abandoned calls against answered ones."""

    __slots__ = ("aim", "credit", "gain", "hour", "limit", "start", "window", "bias")

    def __init__(self, *, limit: float = 0.03, aim: float = 0.026, span: float = 30 * 86400.0) -> None:
        self.limit = limit
        self.aim = aim
        self.window = Window(span, 720)
        self.hour = Window(HOUR, 60)
        self.credit = 0.0
        self.gain = 0.3
        self.bias = 0.0

    def learn(self, now: float, *, answered: int = 0, abandoned: int = 0) -> None:
        self.window.add(now, answered, abandoned)
        self.hour.add(now, answered, abandoned)
        self.credit = max(-6.0, min(6.0, self.credit + self.aim * answered - abandoned))
        self.bias = max(-3.0, min(3.0, self.bias + 0.0005 * self.credit * answered))

    def boldness(self) -> float:
        return math.exp(self.gain * self.credit + self.bias)

    def spent(self, now: float) -> bool:
        return self.window.abandoned + 1 > self.limit * max(self.window.answered, 67)

    def hour_spent(self, now: float) -> bool:
        self.hour.expire(now)
        return self.window.answered > 60 and self.hour.abandoned + 1 > 0.05 * max(self.hour.answered, 20)
