"""A controller that is told how long everything lasts and learns the answer rate alone, as the reference describes it.

It has no limit for an hour and no window: a credit of abandoned calls is all that steers it. So it shows what can be
had at a share of abandoned calls, not what may be had.
"""

import math
import random
from bisect import bisect_right
from functools import cache

from tests.bench.dialling_model import Call, Model
from tests.bench.dialling_pacers import Silent

_LEADS = (8, 12, 16, 20, 24)  # seconds: quantiles of the time to an answer
_PATIENCE = 2
_MIN_RING = 15.0
_SURE, _SOON = 0.9, 10.0
_FIRST, _LAST = 6.0, 25.0  # answers come evenly between
_MEMORY = 400.0  # calls
_LEAST_RISK, _MOST_RISK = 0.002, 0.5
_NOTHING = 1e-6


def _normal(deviations: float) -> float:
    return 0.5 * math.erfc(-deviations / math.sqrt(2.0))


def _lognormal(mean: float, variation: float) -> tuple[float, float]:
    variance = math.log(1 + variation * variation)
    return math.log(mean) - variance / 2, math.sqrt(variance)


_WRAP, _TALK = _lognormal(30, 0.5), _lognormal(180, 1.0)


def _sampled() -> list[float]:
    draw = random.Random(1)
    return sorted(draw.lognormvariate(*_TALK) + draw.lognormvariate(*_WRAP) for _ in range(100_000))


_BUSY = _sampled()


def _wrapped(seconds: float) -> float:
    return _normal((math.log(seconds) - _WRAP[0]) / _WRAP[1]) if seconds > 0 else 0.0


@cache
def _free(elapsed: int, lead: int) -> float:
    """Tell how probably who has talked so long has talked and written within the lead."""
    before, after = (bisect_right(_BUSY, age) / len(_BUSY) for age in (elapsed, elapsed + lead + _PATIENCE))
    return (after - before) / max(1.0 - before, _NOTHING)


def _written(elapsed: float, lead: float) -> float:
    before = _wrapped(elapsed)
    return (_wrapped(elapsed + lead) - before) / max(1.0 - before, _NOTHING)


def _answered(age: float) -> float:
    return min(max((age - _FIRST) / (_LAST - _FIRST), 0.0), 1.0)


class Told(Silent):
    """Aims at a share of abandoned calls."""

    def __init__(self, *, cancel: bool, aim: float = 0.028) -> None:
        self._cancel, self._aim = cancel, aim
        self._credit, self._rate, self._known = 0.0, 0.3, 20.0

    def hear(self, what: str, _call: Call, _now: float) -> None:
        """Learn the answer rate, and reckon the credit."""
        if what in {"answered", "unanswered"}:
            self._known = min(self._known + 1.0, _MEMORY)
            self._rate += ((what == "answered") - self._rate) / self._known
        if what in {"answered", "abandoned"}:
            self._credit = self._credit * 0.9995 + (self._aim if what == "answered" else -1.0)

    def decide(self, model: Model, _campaign: int) -> tuple[int, list[Call]]:
        """Place while it is improbable enough, over all leads, that the answer of one more call meets nobody."""
        calls = list(model.calls[0])
        gone = self._needless(model, calls)
        calls = [call for call in calls if call not in gone]
        means, variances = self._outlook(model, calls)
        risk = min(max(self._aim * math.exp(0.5 * self._credit), _LEAST_RISK), _MOST_RISK)
        missing, place = len(model.free) - len(model.waiting) - len(calls), 0
        while place < missing or self._risk(means, variances) <= risk:
            place += 1
            for at, lead in enumerate(_LEADS):
                chance = self._rate * _answered(lead)
                means[at] -= chance
                variances[at] += chance * (1.0 - chance)
        return place, gone

    def _needless(self, model: Model, calls: list[Call]) -> list[Call]:
        sure = sum(_written(model.now - since, _SOON) > _SURE for since in model.wrapping.values())
        if not self._cancel or len(model.free) - len(model.waiting) + sure > 0:
            return []
        return [call for call in calls if call.ringing is not None and model.now - call.ringing >= _MIN_RING]

    def _outlook(self, model: Model, calls: list[Call]) -> tuple[list[float], list[float]]:
        means, variances = [], []
        for lead in _LEADS:
            free = [_written(model.now - since, lead + _PATIENCE) for since in model.wrapping.values()]
            free += [_free(int(model.now - since), lead) for since in model.talking.values()]
            taken = [self._chance(model.now - call.placed, lead) for call in calls]
            means.append(len(model.free) - len(model.waiting) + sum(free) - sum(taken))
            variances.append(sum(chance * (1.0 - chance) for chance in (*free, *taken)))
        return means, variances

    def _chance(self, age: float, lead: float) -> float:
        """Tell how probably a call of that age is answered within the lead: a tenth of the others fail in 1 to 5 s."""
        silent = 0.9 * (age < _LAST) + 0.1 * (1.0 - min(max((age - 1.0) / 4.0, 0.0), 1.0))
        alive = self._rate * (1.0 - _answered(age)) + (1.0 - self._rate) * silent
        return self._rate * (_answered(age + lead) - _answered(age)) / alive if alive > _NOTHING else 0.0

    @staticmethod
    def _risk(means: list[float], variances: list[float]) -> float:
        pairs = zip(means, variances, strict=True)
        return sum(_normal((0.5 - mean) / math.sqrt(max(spread, _NOTHING))) for mean, spread in pairs) / len(_LEADS)
