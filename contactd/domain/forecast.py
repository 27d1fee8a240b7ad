"""What the dialer learns while it works: how calls end and after how long, and how long agents stay busy.

Everything is learned from what happened, forgets slowly, and goes to and from plain dicts, so that it survives a
restart. All times are seconds. The first guesses are weak: a few dozen calls outweigh them.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

# The moments ahead at which supply and demand are compared, and the ends of the spans they stand for.
LEADS = (2.0, 5.0, 8.0, 11.0, 14.0, 17.0, 20.0, 23.0, 26.0, 30.0, 36.0, 45.0)
_SPANS = (3.5, 6.5, 9.5, 12.5, 15.5, 18.5, 21.5, 24.5, 28.0, 33.0, 40.5, 90.0)
PATIENCE = 2.0  # an answered person may be kept waiting that long (16 CFR 310.4(b)(1)(iv))

_AGES = 90  # bins of one second
_MEMORY_SHAPE = 3000.0  # calls
_MEMORY_RATE = 300.0  # calls
_MEMORY_HOUR = 2000.0  # calls per hour of day
_GUESS = 10.0  # the weight of the first guess, in calls
_GUESSED_RATE = 0.3
_HEAVY = 1e9


class Rings:
    """How calls end by their age: answered, ended otherwise, or hung up by us, which says little about the rest."""

    __slots__ = ("_g", "_f", "_rows", "_stale", "answered", "cancelled", "ended", "known", "rate", "weight")

    def __init__(self) -> None:
        self.answered = [0.0] * (_AGES + 1)
        self.ended = [0.0] * (_AGES + 1)
        self.cancelled = [0.0] * (_AGES + 1)
        self.weight = 1.0
        self.rate = _GUESSED_RATE
        self.known = 0.0
        for age in range(3, 31):
            self.answered[age] = _GUESS * _GUESSED_RATE / 28
        self.ended[30] = _GUESS * (1 - _GUESSED_RATE)
        self._stale = 0.0
        self._rows: dict[int, tuple[float, ...]] = {}
        self._f: list[float] = []
        self._g: list[float] = []
        self._refresh()

    def learn_answer(self, age: float) -> None:
        """Note that somebody answered."""
        self._learn(self.answered, age, 1.0)

    def learn_end(self, age: float) -> None:
        """Note that nobody did: rung out, busy, failed."""
        self._learn(self.ended, age, 0.0)

    def learn_cancel(self, age: float) -> None:
        """Note that we hung up; what would have become of the call is taken from the others."""
        self._learn(self.cancelled, age, self.within(age, _AGES))

    def within(self, age: float, lead: float) -> float:
        """Estimate the probability that a call of that age is answered within the lead."""
        f, g, p = self._f, self._g, self.rate
        a = min(round(age), _AGES)
        alive = p * (1.0 - f[a]) + (1.0 - p) * (1.0 - g[a])
        return p * (f[min(round(age + lead), _AGES)] - f[a]) / alive if alive > 1e-9 else 0.0

    def row(self, age: int) -> tuple[float, ...]:
        """Give `within` for each of LEADS."""
        row = self._rows.get(age)
        if row is None:
            row = self._rows[age] = tuple(self.within(age, lead) for lead in LEADS)
        return row

    def spans(self, until: float) -> tuple[tuple[float, float], ...]:
        """Give for each of LEADS the share of answers around it, and of these the share before `until`."""
        f = self._f
        ends = [f[min(round(end), _AGES)] for end in _SPANS]
        early = [f[min(round(min(end, until)), _AGES)] for end in _SPANS]
        return tuple(
            (high - low, soon - sooner)
            for low, high, sooner, soon in zip([0.0, *ends], ends, [0.0, *early], early, strict=False)
        )

    def _learn(self, ends: list[float], age: float, answer: float) -> None:
        self.weight *= 1.0 + 1.0 / _MEMORY_SHAPE
        ends[max(0, min(int(age), _AGES - 1))] += self.weight
        self.known = min(self.known + 1.0, _MEMORY_RATE)
        self.rate += (answer - self.rate) / (min(self.known + _GUESS, _MEMORY_RATE))
        self._stale += 1.0
        if self._stale >= self.known / 60:
            self._refresh()

    def _refresh(self) -> None:
        """Turn counts into the shares answered (of all that answer) and ended (of all that do not) before each age."""
        self._stale = 0.0
        self._rows = {}
        if self.weight > _HEAVY:
            for ends in (self.answered, self.ended, self.cancelled):
                ends[:] = [end / self.weight for end in ends]
            self.weight = 1.0
        at_risk = sum(self.answered) + sum(self.ended) + sum(self.cancelled)
        alive, f, g = 1.0, [0.0], [0.0]
        for answered, ended, cancelled in zip(self.answered, self.ended, self.cancelled, strict=True):
            share = alive / at_risk if at_risk > 1e-9 else 0.0
            f.append(f[-1] + share * answered)
            g.append(g[-1] + share * ended)
            alive = max(0.0, alive - share * (answered + ended))
            at_risk -= answered + ended + cancelled
        self._f = [x / f[-1] for x in f]
        self._g = [x / g[-1] for x in g]


class Durations:
    """How long something lasts: a histogram whose bins widen with the length."""

    __slots__ = ("_rest", "_stale", "bins", "count", "edges", "memory", "weight")

    def __init__(self, mean: float, *, memory: float = 1000.0) -> None:
        self.edges = _EDGES
        self.bins = [0.0] * len(_EDGES)
        self.weight = 1.0
        self.count = 0.0
        self.memory = memory
        # The first guess is memoryless: nothing is said of when it ends.
        previous = 1.0
        for place, edge in enumerate(_EDGES):
            left = 0.5 ** (edge / (0.7 * mean))
            self.bins[place] = _GUESS * (previous - left)
            previous = left
        self._stale = 0.0
        self._rest: list[float] = []
        self._refresh()

    def learn(self, seconds: float) -> None:
        """Note how long one lasted."""
        self.weight *= 1.0 + 1.0 / self.memory
        self.bins[_bin(seconds)] += self.weight
        self.count = min(self.count + 1.0, self.memory)
        self._stale += 1.0
        if self._stale >= self.count / 40:
            self._refresh()

    def lasts(self, seconds: float) -> float:
        """Estimate the probability that it lasts longer than that."""
        place = _bin(seconds)
        start = _EDGES[place - 1] if place else 0.0
        share = min(1.0, (seconds - start) / (_EDGES[place] - start))
        return self._rest[place] + (self._rest[place + 1] - self._rest[place]) * share

    def _refresh(self) -> None:
        self._stale = 0.0
        if self.weight > _HEAVY:
            self.bins[:] = [x / self.weight for x in self.bins]
            self.weight = 1.0
        total = sum(self.bins)
        self._rest = [1.0, *(1.0 - x / total for x in accumulate(self.bins))]


def _make_edges() -> tuple[float, ...]:
    edges, edge = [], 1.0
    while edge < 7200:
        edges.append(edge)
        edge = max(edge + 1.0, edge * 1.04)
    return tuple(edges)


_EDGES = _make_edges()
_FINE = 0.25
_PLACES = [0] * int(_EDGES[-1] / 1.0 + 2)


def _fill() -> None:
    place = 0
    for second in range(len(_PLACES)):
        while place < len(_EDGES) - 1 and _EDGES[place] <= second:
            place += 1
        _PLACES[second] = place


_fill()


def _bin(seconds: float) -> int:
    return _PLACES[max(0, min(int(seconds), len(_PLACES) - 1))]


class Agents:
    """When busy agents are free again."""

    __slots__ = ("_rows", "_talk_rows", "_versions", "talk", "wrap")

    def __init__(self) -> None:
        self.talk = Durations(180.0)
        self.wrap = Durations(30.0)
        self._rows: dict[int, tuple[float, ...]] = {}
        self._talk_rows: dict[int, tuple[float, ...]] = {}

    def learn_talk(self, seconds: float) -> None:
        self.talk.learn(seconds)
        if not self.talk._stale:
            self._talk_rows = {}

    def learn_wrap(self, seconds: float) -> None:
        self.wrap.learn(seconds)
        if not self.wrap._stale:
            self._rows = {}
            self._talk_rows = {}

    def wrap_row(self, elapsed: int) -> tuple[float, ...]:
        row = self._rows.get(elapsed)
        if row is None:
            lasts = self.wrap.lasts
            alive = lasts(elapsed)
            if alive < 1e-3:
                alive = 1e-3
            row = self._rows[elapsed] = tuple(
                max(0.0, 1.0 - lasts(elapsed + lead + PATIENCE) / alive) for lead in LEADS
            )
        return row

    def talk_row(self, place: int) -> tuple[float, ...]:
        row = self._talk_rows.get(place)
        if row is None:
            elapsed = _EDGES[place]
            lasts, wrap = self.talk.lasts, self.wrap.lasts
            alive = max(1e-3, lasts(elapsed))
            out = []
            for lead in LEADS:
                h = lead + PATIENCE
                n = max(2, int(h / 4))
                step = h / n
                q = 0.0
                prev = lasts(elapsed)
                for i in range(n):
                    nxt = lasts(elapsed + (i + 1) * step)
                    q += (prev - nxt) * (1.0 - wrap(h - (i + 0.5) * step))
                    prev = nxt
                out.append(min(1.0, q / alive))
            row = self._talk_rows[place] = tuple(out)
        return row
