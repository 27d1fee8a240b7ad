"""How many calls to place now, which to hang up, and why not more."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from contactd.domain.abandonment import Budget
from contactd.domain.forecast import LEADS, PATIENCE, Agents, Rings, _bin


class Mode(StrEnum):
    """How calls are paced."""

    PROGRESSIVE = "progressive"
    POWER = "power"
    PREDICTIVE = "predictive"


class Reason(StrEnum):
    """Why no more calls are placed than are."""

    LEVEL_ZERO = "level_zero"
    NO_AGENT = "no_agent"
    TRUNKS_FULL = "trunks_full"
    LINES_FULL = "lines_full"
    ENOUGH_RINGING = "enough_ringing"
    BUDGET_SPENT = "budget_spent"
    HOUR_SPENT = "hour_spent"
    COLD_START = "cold_start"
    SMALL_TEAM = "small_team"


@dataclass(frozen=True, slots=True)
class Line:
    placed: float
    ringing: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    mode: Mode = Mode.PREDICTIVE
    ratio: float = 1.5
    level: float = 1.0
    max_lines: float = 5.0
    small_team: int = 0
    cold_calls: int = 50
    min_ring: float | None = 15.0
    theta: float = 0.06
    cancel_at: float = 0.5
    cancel_h: float = 2.0


@dataclass(frozen=True, slots=True)
class View:
    now: float
    free: int
    waiting: int = 0
    talking: Sequence[float] = ()
    wrapping: Sequence[float] = ()
    calls: Sequence[Line] = ()
    trunks: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    place: int
    cancel: tuple[int, ...] = ()
    reason: Reason = Reason.ENOUGH_RINGING


class Learned:
    __slots__ = ("agents", "placed", "ringing")

    def __init__(self) -> None:
        self.placed = Rings()
        self.ringing = Rings()
        self.agents = Agents()


_SQ = math.sqrt(0.5)


def below_one(mean: float, var: float) -> float:
    """P(fewer than one left)."""
    if var < 1e-9:
        return 1.0 if mean < 0.5 else 0.0
    return 0.5 * math.erfc((mean - 0.5) / math.sqrt(var) * _SQ)


def balance(view: View, learned: Learned):
    means = [float(view.free - view.waiting)] * len(LEADS)
    vars_ = [0.0] * len(LEADS)
    now = view.now
    counts: dict[int, int] = {}
    for since in view.wrapping:
        k = round(now - since)
        counts[k] = counts.get(k, 0) + 1
    for k, n in counts.items():
        for i, q in enumerate(learned.agents.wrap_row(k)):
            means[i] += n * q
            vars_[i] += n * q * (1 - q)
    counts = {}
    for since in view.talking:
        k = _bin(now - since)
        counts[k] = counts.get(k, 0) + 1
    for k, n in counts.items():
        for i, q in enumerate(learned.agents.talk_row(k)):
            means[i] += n * q
            vars_[i] += n * q * (1 - q)
    for rings, ages in ((learned.ringing, [now - c.ringing for c in view.calls if c.ringing is not None]),
                       (learned.placed, [now - c.placed for c in view.calls if c.ringing is None])):
        counts = {}
        for age in ages:
            k = min(round(age), 90)
            counts[k] = counts.get(k, 0) + 1
        for k, n in counts.items():
            for i, q in enumerate(rings.row(k)):
                means[i] -= n * q
                vars_[i] += n * q * (1 - q)
    return means, vars_


def decide(view: View, learned: Learned, budget: Budget, settings: Settings) -> Decision:
    floor = max(0, view.free - view.waiting - len(view.calls))
    cap = max(0.0, settings.max_lines * (view.free + len(view.talking) + len(view.wrapping)) - len(view.calls) - view.waiting)
    if view.free + len(view.talking) + len(view.wrapping) == 0:
        return Decision(0, (), Reason.NO_AGENT)
    if settings.mode is Mode.PROGRESSIVE or learned.placed.known < settings.cold_calls:
        return Decision(floor, (), Reason.COLD_START)
    means, vars_ = balance(view, learned)
    cancel = ()
    if settings.min_ring is not None:
        cancel = cancels(view, learned, settings)
    if budget.spent(view.now):
        return Decision(floor, cancel, Reason.BUDGET_SPENT)
    if budget.hour_spent(view.now):
        return Decision(floor, cancel, Reason.HOUR_SPENT)
    theta = settings.theta * budget.boldness()
    fresh = learned.placed.row(0)
    spans = learned.placed.spans(settings.min_ring if settings.min_ring is not None else 1000.0)

    def risk(n: int) -> float:
        lost = won = 0.0
        for (share, early), mean, var, q in zip(spans, means, vars_, fresh):
            if share:
                b = below_one(mean - n * q, var + n * q * (1 - q))
                lost += early * b
                won += share * (1 - b)
        return lost / (lost + won) if lost + won > 0 else 1.0

    # the n-th call is placed while its risk, given those before, stays within theta
    low, high = 0, int(cap)
    if high > 0 and risk(0) <= theta:
        n = 1
        while n < high and risk(n) <= theta:
            n += 1
        low = n
    return Decision(max(low, floor), cancel, Reason.ENOUGH_RINGING)


def cancels(view: View, learned: Learned, settings: Settings):
    now = view.now
    old = [i for i, c in enumerate(view.calls) if c.ringing is not None and now - c.ringing >= settings.min_ring]
    if not old:
        return ()
    agents = learned.agents
    mean = float(view.free - view.waiting)
    h = settings.cancel_h
    for since in view.wrapping:
        e = now - since
        alive = max(1e-3, agents.wrap.lasts(e))
        mean += 1 - agents.wrap.lasts(e + h) / alive
    if mean < settings.cancel_at:
        return tuple(old)
    return ()
