"""What a campaign's dialer has learned, and what it expects of calls under way and of agents who are busy.

One `Forecast` belongs to one campaign (its people answer alike, its conversations last alike) and is kept across
restarts as a plain dict. The engine tells it how each call and each stage of an agent ended. All times are seconds of
one clock; `hour` is the hour of day where the customers are, 0 to 23.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from contactd.domain.distributions import Durations, Rings

PATIENCE = 2.0  # an answered person may be kept waiting that long: 16 CFR 310.4(b)(1)(iv)
LEADS = 7  # so many moments ahead at which supply and demand are compared
_SOON = 1.0  # seconds; whoever is free by then answers a call that is answered until the next decision
_HOUR_MEMORY = 2000.0  # calls
_HOUR_KNOWN = 100.0
_TALK_GUESS, _WRAP_GUESS = 180.0, 30.0
_GROWN = 30.0  # seconds after a call was placed in which hardly any is still ringing
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0  # its multiples spread evenly between whole numbers
# Where one age ends and the next begins: calls and wrap-ups are told apart by whole seconds up to an hour, talks by a
# tenth of what they have lasted up to nine hours. Nothing is known of what goes on for longer.
_COARSE = 1.1
_SECONDS = [second + 0.5 for second in range(3600)]
_TALKS = [_COARSE**place for place in range(1, 110)]

Row = tuple[float, ...]
Learn = Callable[[Rings, float], None]


@dataclass(frozen=True, slots=True)
class Line:
    """A call under way: when it was placed and since when it rings; None while it does not, as far as is known."""

    placed: float
    ringing: float | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Many calls under way: when those were placed that do not ring yet, and since when the others ring."""

    placed: Sequence[float] = ()
    ringing: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.placed) + len(self.ringing)


class Forecast:
    """Everything learned for one campaign; `leads` are seconds ahead, each standing for as many answers."""

    __slots__ = (
        "_mixed", "_rows", "_young", "hour", "hours", "leads", "placed", "ring_delay", "ringing", "talk", "wrap",
    )  # fmt: skip

    def __init__(self) -> None:
        self.placed = Rings()
        self.ringing = Rings()
        self.talk = Durations(_TALK_GUESS)
        self.wrap = Durations(_WRAP_GUESS)
        self.ring_delay = 0.0
        self.hours = [[0.0, 0.0] for _ in range(24)]  # answered, ended
        self.hour: int | None = None
        self._young: list[tuple[float, float, Learn, Line, float, int | None]] = []  # a heap of calls that are over
        self._mixed = 0.0
        self._rows: dict[str, dict[int, Row]] = {}
        self._look_again()

    # -- learning ------------------------------------------------------------------------------------------------

    def learn_answer(self, line: Line, now: float, hour: int) -> None:
        """Note that a person or a machine answered."""
        self._keep(Rings.learn_answer, line, now, hour)

    def learn_end(self, line: Line, now: float, hour: int) -> None:
        """Note that nobody answered: rung out, busy, failed."""
        self._keep(Rings.learn_end, line, now, hour)

    def learn_cancel(self, line: Line, now: float) -> None:
        """Note that we hung up before an answer."""
        self._keep(Rings.learn_cancel, line, now, None)

    def mature(self, now: float) -> None:
        """Learn from the calls placed long enough ago for all their like to have ended too, in the order of placing.

        Of a thousand calls placed at once the busy ones end first, then those answered, then those we hang up: what
        has ended is no fair sample of them before all have.
        """
        while self._young and self._young[0][0] <= now - _GROWN:
            _, _, learn, line, ended, hour = heappop(self._young)
            self._learn(learn, line, ended, hour)
        placed, ringing = self.placed.look_again(), self.ringing.look_again()
        self._note(moved=placed or ringing)

    def learn_talk(self, seconds: float) -> None:
        """Note how long a conversation lasted, the agent's time in it."""
        if self.talk.learn(seconds):
            self._rows["talk"] = {}

    def learn_wrap(self, seconds: float) -> None:
        """Note how long the work after a conversation took."""
        if self.wrap.learn(seconds):
            self._rows["wrap"], self._rows["soon"], self._rows["talk"] = {}, {}, {}

    def turn(self, hour: int) -> None:
        """Begin an hour of the day: what is known of its answers from other days moves the estimate at once."""
        before, self.hour = self.hour, hour
        usual = self._usual(hour)
        if hour == before or usual is None:
            return
        once = self._usual(before) if before is not None else None
        for rings in (self.placed, self.ringing):
            rings.rate = usual if once is None else _shifted(rings.rate, usual, once)
        self._note(moved=True)

    # -- expecting -----------------------------------------------------------------------------------------------

    def answers(self, lines: Lines, now: float, leads: Row | None = None) -> list[tuple[Row, int]]:
        """Give, for calls alike, the probability of an answer within each lead, and how many they are.

        `leads` are those of another campaign that is to be decided for.
        """
        ringing, placed = (_by_age(since, now, _SECONDS) for since in (lines.ringing, lines.placed))
        told = None if leads in (None, self.leads) else leads
        return [
            (self._answer_row(name, age) if told is None else rings.row(age, told), count)
            for name, rings, ages in (("ringing", self.ringing, ringing), ("placed", self.placed, placed))
            for age, count in ages
        ]

    def fresh(self) -> Row:
        """Give the same for a call placed now."""
        return self._answer_row("placed", 0)

    def returns(self, talking: Iterable[float], wrapping: Iterable[float], now: float) -> list[tuple[Row, int]]:
        """Give, for agents alike, the probability of being free within each lead and a caller's patience."""
        busy = [(self._wrap_row(elapsed), count) for elapsed, count in _by_age(wrapping, now, _SECONDS)]
        if self.leads[-1] + PATIENCE > self.wrap.mean:  # else nobody who talks now is free by then
            busy += [(self._talk_row(place), count) for place, count in _by_age(talking, now, _TALKS)]
        return busy

    def done_soon(self, wrapping: Iterable[float], now: float) -> float:
        """Expect how many of those who write will have done so when a call is answered that is answered now."""
        return sum(self._soon_row(elapsed)[0] * count for elapsed, count in _by_age(wrapping, now, _SECONDS))

    def early_shares(self, min_ring: float | None) -> Row:
        """Give for each lead which part of the answers it stands for comes before a call may be hung up."""
        if min_ring is None:
            return (1.0,) * LEADS
        before = self.placed.answered_before(min_ring + self.ring_delay) * LEADS
        return tuple(min(1.0, max(0.0, before - place)) for place in range(LEADS))

    # -- keeping -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Give what was learned as plain values."""
        return {
            **{name: getattr(self, name).to_dict() for name in ("placed", "ringing", "talk", "wrap")},
            "ring_delay": self.ring_delay,
            "hours": [list(hour) for hour in self.hours],
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Forecast":
        """Take up again what `to_dict` gave; the hour of day is to be told anew."""
        forecast = cls()
        forecast.placed, forecast.ringing = Rings.from_dict(kept["placed"]), Rings.from_dict(kept["ringing"])
        forecast.talk, forecast.wrap = Durations.from_dict(kept["talk"]), Durations.from_dict(kept["wrap"])
        forecast.ring_delay = float(kept["ring_delay"])
        forecast.hours = [list(hour) for hour in kept["hours"]]
        forecast._look_again()
        return forecast

    # ------------------------------------------------------------------------------------------------------------

    def _keep(self, learn: Learn, line: Line, now: float, hour: int | None) -> None:
        """Keep what became of a call until its like are over; calls of the same instant come in a mixed order."""
        if hour is not None and hour != self.hour:
            self.turn(hour)
        self._mixed = (self._mixed + _GOLDEN) % 1.0
        heappush(self._young, (line.placed, self._mixed, learn, line, now, hour))
        self.mature(now)

    def _learn(self, learn: Learn, line: Line, ended: float, hour: int | None) -> None:
        if hour is not None:
            self._count(hour, float(learn is Rings.learn_answer))
        learn(self.placed, ended - line.placed)
        if line.ringing is not None:
            if learn is Rings.learn_answer:
                self.ring_delay += (line.ringing - line.placed - self.ring_delay) / min(self.placed.known, 100)
            learn(self.ringing, ended - line.ringing)

    def _count(self, hour: int, answer: float) -> None:
        counts, keep = self.hours[hour], 1.0 - 1.0 / _HOUR_MEMORY
        counts[0] = counts[0] * keep + answer
        counts[1] = counts[1] * keep + 1.0

    def _usual(self, hour: int) -> float | None:
        answered, ended = self.hours[hour]
        return (answered + 1.0) / (ended + 3.0) if ended >= _HOUR_KNOWN else None

    def _note(self, *, moved: bool) -> None:
        if moved:
            self._rows["placed"], self._rows["ringing"] = {}, {}
            if self._leads_now() != self.leads:
                self._look_again()

    def _look_again(self) -> None:
        self.leads = self._leads_now()
        self._rows = {name: {} for name in ("placed", "ringing", "talk", "wrap", "soon")}

    def _leads_now(self) -> Row:
        return tuple(self.placed.answer_age((place + 0.5) / LEADS) for place in range(LEADS))

    def _answer_row(self, name: str, age: int) -> Row:
        row = self._rows[name].get(age)
        if row is None:
            rings = self.placed if name == "placed" else self.ringing
            row = self._rows[name][age] = rings.row(age, self.leads)
        return row

    def _soon_row(self, elapsed: int) -> Row:
        row = self._rows["soon"].get(elapsed)
        if row is None:
            row = self._rows["soon"][elapsed] = self.wrap.row(elapsed, (_SOON,))
        return row

    def _wrap_row(self, elapsed: int) -> Row:
        row = self._rows["wrap"].get(elapsed)
        if row is None:
            row = self.wrap.row(elapsed, [lead + PATIENCE for lead in self.leads])
            self._rows["wrap"][elapsed] = row
        return row

    def _talk_row(self, place: int) -> Row:
        """Take the wrap-up after it at its mean: when a conversation ends is hardly known anyway."""
        row = self._rows["talk"].get(place)
        if row is None:
            elapsed, usual = _COARSE**place, PATIENCE - self.wrap.mean
            row = self.talk.row(elapsed, [lead + usual for lead in self.leads])
            self._rows["talk"][place] = row
        return row


def _by_age(since: Iterable[float], now: float, edges: Sequence[float]) -> list[tuple[int, int]]:
    """Count what is alike: for each age, as the number of edges it has reached, how many; the youngest first."""
    ordered, found = sorted(since), list[tuple[int, int]]()
    left = len(ordered)
    while left:
        age = bisect_right(edges, now - ordered[left - 1])
        older = bisect_right(ordered, now - edges[age], 0, left - 1) if age < len(edges) else 0
        found.append((age, left - older))
        left = older
    return found


def _shifted(rate: float, usual: float, once: float) -> float:
    """Move a rate by as much as the usual rates of two hours differ, in log-odds."""
    odds = rate / (1.0 - rate) * (usual / (1.0 - usual)) / (once / (1.0 - once)) if rate < 1.0 else 1.0 / _LEAST
    return min(max(odds / (1.0 + odds), _LEAST), 1.0 - _LEAST)


_LEAST = 1e-4
