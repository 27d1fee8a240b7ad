"""Distributions learned one event at a time: how calls end by their age, and how long something lasts.

Nothing is assumed but weak first guesses, which a few dozen events outweigh. The newest event weighs a little more than
the one before, so the past fades. Both go to and from plain dicts, to be kept across restarts. All times are seconds.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

AGES = 120  # a call is followed for so many whole seconds
_GUESS = 10.0  # the weight of a first guess, in events
_GUESSED_RATE = 0.3
_GUESSED_ANSWERS = range(3, 31)  # seconds
_SHAPE_MEMORY = 3000.0  # events; the shape of a distribution hardly changes in a day,
_RATE_MEMORY = 300.0  # the share of calls that are answered does
_HEAVY = 1e9  # weights are scaled down from here
_LITTLE = 1e-9


class Rings:
    """How calls end by their age: answered, ended otherwise, or hung up by us.

    Of a call that we hung up only its age is known; what would have become of it is taken from the others, as in a
    life table. `rate` is the share that is answered, `known` how many calls it rests on.
    """

    __slots__ = ("_before_answer", "_before_end", "_new", "_weight", "answered", "cancelled", "ended", "known", "rate")

    def __init__(self) -> None:
        self.answered, self.ended, self.cancelled = ([0.0] * (AGES + 1) for _ in range(3))
        for age in _GUESSED_ANSWERS:
            self.answered[age] = _GUESS * _GUESSED_RATE / len(_GUESSED_ANSWERS)
        self.ended[_GUESSED_ANSWERS[-1]] = _GUESS * (1.0 - _GUESSED_RATE)
        self.rate = _GUESSED_RATE
        self.known = 0
        self._weight = 1.0
        self._reckon()

    def learn_answer(self, age: float) -> None:
        """Note that a call was answered at that age."""
        self._learn(self.answered, age, 1.0)

    def learn_end(self, age: float) -> None:
        """Note that a call ended unanswered: rung out, busy, failed."""
        self._learn(self.ended, age, 0.0)

    def learn_cancel(self, age: float) -> None:
        """Note that we hung up."""
        self._learn(self.cancelled, age, self.within(age, AGES))

    def look_again(self) -> bool:
        """Estimate anew if enough was learned since the last time; True when it was."""
        moved = self._new > 0 and self._new * 40 >= min(self.known, _RATE_MEMORY)
        if moved:
            self._reckon()
        return moved

    def doubt(self) -> float:
        """Give the relative variance of `rate`."""
        return (1.0 - self.rate) / (max(self.rate, _LITTLE) * min(self.known + _GUESS, 2.0 * _RATE_MEMORY))

    def row(self, age: float, leads: Sequence[float]) -> tuple[float, ...]:
        """Estimate the probability that a call of that age is answered within each lead."""
        answered, place = self._before_answer, min(max(round(age), 0), AGES)
        before = answered[place]
        alive = self.rate * (1.0 - before) + (1.0 - self.rate) * (1.0 - self._before_end[place])
        if alive <= _LITTLE:
            return (0.0,) * len(leads)
        share = self.rate / alive
        return tuple([share * (answered[min(round(age + lead), AGES)] - before) for lead in leads])

    def within(self, age: float, lead: float) -> float:
        """Estimate the same for one lead."""
        return self.row(age, (lead,))[0]

    def answered_before(self, age: float) -> float:
        """Estimate which share of the answers comes before that age."""
        return self._before_answer[min(max(round(age), 0), AGES)]

    def answer_age(self, share: float) -> float:
        """Estimate the age, in whole seconds, before which that share of the answers comes."""
        return float(bisect_right(self._before_answer, share))

    def to_dict(self) -> dict[str, Any]:
        """Give what was learned as plain values."""
        return {
            "rate": self.rate,
            "known": self.known,
            **{name: _light(getattr(self, name), self._weight) for name in ("answered", "ended", "cancelled")},
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Rings":
        """Take up again what `to_dict` gave."""
        rings = cls()
        rings.rate, rings.known = float(kept["rate"]), int(kept["known"])
        rings.answered, rings.ended, rings.cancelled = (list(kept[n]) for n in ("answered", "ended", "cancelled"))
        rings._reckon()
        return rings

    def _learn(self, ends: list[float], age: float, answer: float) -> None:
        self._weight *= 1.0 + 1.0 / _SHAPE_MEMORY
        ends[max(0, min(int(age), AGES - 1))] += self._weight
        self.known += 1
        self.rate += (answer - self.rate) / min(self.known + _GUESS, _RATE_MEMORY)
        self._new += 1

    def _reckon(self) -> None:
        """Turn counts into the shares of the answers, and of the other ends, that come before each age."""
        self._new = 0
        if self._weight > _HEAVY:
            self.answered, self.ended, self.cancelled = (
                _light(ends, self._weight) for ends in (self.answered, self.ended, self.cancelled)
            )
            self._weight = 1.0
        at_risk = sum(self.answered) + sum(self.ended) + sum(self.cancelled)
        alive, before_answer, before_end = 1.0, [0.0], [0.0]
        for answered, ended, cancelled in zip(self.answered, self.ended, self.cancelled, strict=True):
            share = alive / at_risk if at_risk > _LITTLE else 0.0
            before_answer.append(before_answer[-1] + share * answered)
            before_end.append(before_end[-1] + share * ended)
            alive -= share * (answered + ended)
            at_risk -= answered + ended + cancelled
        self._before_answer = [share / before_answer[-1] for share in before_answer]
        self._before_end = [share / before_end[-1] for share in before_end]


def _edges() -> tuple[float, ...]:
    """Bins of one second at first, then each four per cent longer than the one before, up to four hours."""
    edges = [1.0]
    while edges[-1] < 4 * 3600:
        edges.append(max(edges[-1] + 1.0, edges[-1] * 1.04))
    return tuple(edges)


EDGES = _edges()
_STARTS = (0.0, *EDGES[:-1])
_WIDTHS = [end - start for start, end in zip(_STARTS, EDGES, strict=True)]


class Durations:
    """How long something lasts."""

    __slots__ = ("_at_once", "_new", "_slopes", "_weight", "bins", "known", "mean")

    def __init__(self, guess: float) -> None:
        # Until it is known better, nobody is counted on: it does not end within the histogram.
        self.bins = [0.0] * len(EDGES)
        self.bins[-1] = _GUESS
        self.mean = guess
        self.known = 0
        self._weight = 1.0
        self._reckon()

    def learn(self, seconds: float) -> bool:
        """Note how long one lasted; True when the estimates have moved."""
        self._weight *= 1.0 + 1.0 / _SHAPE_MEMORY
        self.bins[min(bisect_right(EDGES, seconds), len(EDGES) - 1)] += self._weight
        self.known += 1
        self.mean += (seconds - self.mean) / min(self.known + _GUESS, _SHAPE_MEMORY)
        self._new += 1
        moved = self._new * 20 >= min(self.known, _SHAPE_MEMORY)
        if moved:
            self._reckon()
        return moved

    def row(self, elapsed: float, leads: Sequence[float]) -> tuple[float, ...]:
        """Estimate the probability that what has lasted so long is over within each lead; never quite certain."""
        at_once, slopes = self._at_once, self._slopes
        place = bisect_right(EDGES, elapsed)
        left = at_once[place] - slopes[place] * elapsed
        # The end of the histogram is no knowledge: whoever is beyond it may stay there.
        least = max(left, 1e-3)
        over = []
        for lead in leads:
            end = elapsed + lead
            place = bisect_right(EDGES, end)
            after = max(0.0, at_once[place] - slopes[place] * end)
            over.append(max(0.0, left - after) / least if lead > 0.0 else 0.0)
        return tuple(over)

    def to_dict(self) -> dict[str, Any]:
        """Give what was learned as plain values."""
        return {"mean": self.mean, "known": self.known, "bins": _light(self.bins, self._weight)}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Durations":
        """Take up again what `to_dict` gave."""
        durations = cls(1.0)
        durations.mean, durations.known = float(kept["mean"]), int(kept["known"])
        durations.bins = list(kept["bins"])
        durations._reckon()
        return durations

    def _reckon(self) -> None:
        """Turn counts into the share that lasts for longer than a time: in each bin a line that falls with it."""
        self._new = 0
        if self._weight > _HEAVY:
            self.bins = _light(self.bins, self._weight)
            self._weight = 1.0
        total, left = sum(self.bins), 1.0
        self._at_once, self._slopes = [], []
        for ended, start, width in zip(accumulate(self.bins), _STARTS, _WIDTHS, strict=True):
            after = max(0.0, 1.0 - ended / total)
            slope = (left - after) / width
            self._at_once.append(left + slope * start)
            self._slopes.append(slope)
            left = after
        self._at_once.append(left)
        self._slopes.append(0.0)


def _light(counts: list[float], weight: float) -> list[float]:
    """Scale so that the newest event weighs one."""
    return [round(count / weight, 9) for count in counts]
