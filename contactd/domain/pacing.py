"""How many calls to place now, which ringing calls to hang up, and why no more are placed.

The dialer asks after every event and every second or two. Supply (free agents and those who will be) is compared with
demand (calls that may be answered) at several moments ahead; one more call is placed while the risk that its answer
meets nobody stays within what the budget of abandoned calls allows. There is always a call for each free agent.
"""

import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import mul

from contactd.domain.abandonment import Budget
from contactd.domain.forecast import LEADS, Forecast, Lines, Row

_RISK = 0.02  # of the next call, when the budget is on its aim
_MOST_RISK = 0.2
_SURE = 0.7  # with fewer agents expected free soon, calls that may be hung up are
_LATE = 0.1  # an answer that comes when the call may be hung up is a small risk, but one
_USELESS = 0.75  # no call of which so many would meet nobody, or be hung up for it
_CONFIDENCE = 2.5  # standard deviations more than expected may be answered without more being lost than is left
_NOTHING = 1e-9
_COLD_FOR_EACH = 3  # calls for each agent, so that a big team's first guess does not rest on one round of calls
_TWO = 2
_HALF = 0.5  # between no agent and one


class Mode(StrEnum):
    """How many calls there may be for a free agent."""

    PROGRESSIVE = "progressive"  # one
    POWER = "power"  # a fixed ratio
    PREDICTIVE = "predictive"  # as many as the budget of abandoned calls allows


class Reason(StrEnum):
    """What keeps the dialer from placing more calls than it does."""

    LEVEL_ZERO = "level_zero"
    NO_AGENT = "no_agent"
    TRUNKS_FULL = "trunks_full"
    LINES_FULL = "lines_full"
    PROGRESSIVE = "progressive"
    SMALL_TEAM = "small_team"
    COLD_START = "cold_start"
    BUDGET_SPENT = "budget_spent"
    HOUR_SPENT = "hour_spent"
    ENOUGH_RINGING = "enough_ringing"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a campaign is dialled.

    `ratio` is for the mode power. `level` 0 places nothing; between 0 and 1 the mode predictive takes that share of its
    risk, and the mode power that share of what its ratio places beyond one call for each agent.
    `max_lines` counts calls under way and waiting, for each agent who works. Teams smaller than `small_team` and
    campaigns of which fewer than `cold_calls`, or three for each agent, have ended are dialled progressively.
    `min_ring` is how many seconds a call has to ring before it may be hung up (15 in 16 CFR 310.4(b)(4)(ii)); None:
    never.
    """

    mode: Mode = Mode.PREDICTIVE
    ratio: float = 1.5
    level: float = 1.0
    max_lines: float = 5.0
    small_team: int = 0
    cold_calls: int = 30
    min_ring: float | None = 15.0


@dataclass(frozen=True, slots=True)
class Others:
    """Calls of another campaign that the same agents work for."""

    forecast: Forecast
    calls: Lines


@dataclass(frozen=True, slots=True)
class View:
    """A team at this moment, in seconds of one clock.

    Only agents who stay count: neither `free` nor `talking` nor `wrapping` holds whoever has asked for a pause or
    signed off. `talking` and `wrapping` say since when (reserved agents talk since they were reserved). `waiting` are
    answered calls without an agent. `calls` are under way and not being hung up. `trunks` are lines that may be taken
    yet; None: any number.
    """

    now: float
    free: int
    waiting: int = 0
    talking: Collection[float] = ()
    wrapping: Collection[float] = ()
    calls: Lines = Lines()  # noqa: RUF009 - frozen
    others: Sequence[Others] = ()
    trunks: int | None = None

    @property
    def agents(self) -> int:
        """Count who is at work and stays."""
        return self.free + len(self.talking) + len(self.wrapping)

    @property
    def open(self) -> int:
        """Count the calls that need an agent, or may."""
        return self.waiting + len(self.calls) + sum(len(other.calls) for other in self.others)


@dataclass(frozen=True, slots=True)
class Decision:
    """How many calls to place now, and why no more."""

    place: int
    reason: Reason


def decide(view: View, forecast: Forecast, budget: Budget, settings: Settings) -> Decision:
    """Decide for one campaign of a team; those of several are asked in turn, each with the calls of the others.

    What `hang_up_since` concerns is not among the calls any more.
    """
    if settings.level <= 0.0:
        return Decision(0, Reason.LEVEL_ZERO)
    if not view.agents:
        return Decision(0, Reason.NO_AGENT)
    wanted = max(0, view.free - view.open)
    most, limit = _most(view, settings)
    reason = _held_back(view, forecast, budget, settings)
    if reason is None:
        reason = Reason.ENOUGH_RINGING
        wanted = max(wanted, _wanted(view, forecast, budget, settings, most + 1))
    if wanted > most:
        wanted, reason = most, limit
    return Decision(wanted, reason)


def hang_up_since(view: View, forecast: Forecast, settings: Settings) -> float | None:
    """Tell since when a call must ring to be hung up now: long enough, and nobody would be there for an answer.

    None: no call is hung up.
    """
    if settings.min_ring is None or view.free > view.waiting:
        return None
    if view.free - view.waiting + forecast.done_soon(view.wrapping, view.now) >= _SURE:
        return None
    return view.now - settings.min_ring


def _most(view: View, settings: Settings) -> tuple[int, Reason]:
    """Tell how many calls may be placed at most, and what limits them."""
    # There are lines for the free agents at least, so a call for each is never too many.
    lines = max(0, int(max(settings.max_lines, 1.0) * view.agents) - view.open)
    if view.trunks is not None and view.trunks <= lines:
        return max(view.trunks, 0), Reason.TRUNKS_FULL
    return lines, Reason.LINES_FULL


def _held_back(view: View, forecast: Forecast, budget: Budget, settings: Settings) -> Reason | None:
    """Tell why there is only one call for a free agent; None: there may be more."""
    if settings.mode is Mode.PROGRESSIVE:
        return Reason.PROGRESSIVE
    if view.agents < settings.small_team:
        return Reason.SMALL_TEAM
    if forecast.placed.known < max(settings.cold_calls, _COLD_FOR_EACH * view.agents):
        return Reason.COLD_START
    if budget.left(view.now) < 0.0:
        return Reason.BUDGET_SPENT
    if budget.hour_left(view.now) < 0.0:
        return Reason.HOUR_SPENT
    return None


def _wanted(view: View, forecast: Forecast, budget: Budget, settings: Settings, most: int) -> int:
    if settings.mode is Mode.POWER:
        ratio = 1.0 + (settings.ratio - 1.0) * min(settings.level, 1.0)
        return math.floor(ratio * view.free + 0.5) - view.open
    risk = min(_RISK * settings.level * budget.boldness(view.now), _MOST_RISK)
    left = min(budget.left(view.now), budget.hour_left(view.now))
    outlook = _Outlook(view, forecast, settings.min_ring, left)
    # Usually it is none or one; else the risk grows with each, so halving finds where it is too much.
    if most < 1 or outlook.risk(0) > risk:
        return 0
    if most < _TWO or outlook.risk(1) > risk:
        return 1
    return bisect_right(range(most), risk, lo=_TWO, key=outlook.risk)


class _Outlook:
    """Supply (agents free) and demand (calls answered) at each lead, and the variance of their difference.

    `doubt` is the relative variance of the answer probability: all calls may be answered more often than thought, and
    many lost at once. `left` is how many the budget allows to be lost; hardly ever are there more.
    """

    __slots__ = ("_demand", "_doubt", "_fresh", "_left", "_supply", "_variance", "_weights")

    def __init__(self, view: View, forecast: Forecast, min_ring: float | None, left: float) -> None:
        self._left = left
        self._supply = [float(view.free - view.waiting)] * LEADS
        self._demand = [0.0] * LEADS
        self._variance = [0.0] * LEADS
        self._add(self._supply, forecast.returns(view.talking, view.wrapping, view.now))
        self._add(self._demand, forecast.answers(view.calls, view.now))
        for other in view.others:
            self._add(self._demand, other.forecast.answers(other.calls, view.now, forecast.leads))
        self._doubt = forecast.placed.doubt()
        self._fresh = forecast.fresh()
        self._weights = [max(early, _LATE) for early in forecast.early_shares(min_ring)]

    def risk(self, before: int) -> float:
        """Estimate how probably the answer of one more call meets nobody, after so many placed before it.

        A call that would most probably only be hung up is no risk but no use either: it is answered with 1.
        """
        lost = useless = 0.0
        for weight, supply, demand, variance, fresh in zip(
            self._weights, self._supply, self._demand, self._variance, self._fresh, strict=True
        ):
            answers = demand + before * fresh
            spread = variance + before * fresh * (1.0 - fresh) + self._doubt * answers * answers
            if weight > _LATE and answers - supply + _CONFIDENCE * math.sqrt(spread) > self._left:
                return 1.0
            nobody = _below_one(supply - answers, spread)
            lost += weight * nobody
            useless += nobody
        return lost / LEADS if useless <= _USELESS * LEADS else 1.0

    def _add(self, means: list[float], events: Sequence[tuple[Row, int]]) -> None:
        """Expect so many events of each of these chances."""
        counts = [count for _, count in events]
        for lead, chances in enumerate(zip(*[row for row, _ in events], strict=True)):
            expected = list(map(mul, counts, chances))
            means[lead] += sum(expected)
            self._variance[lead] += sum(map(mul, expected, [1.0 - chance for chance in chances]))


def _below_one(mean: float, variance: float) -> float:
    """Estimate the probability that a sum of chances stays below one, as if it were normal."""
    if variance < _NOTHING:
        return 1.0 if mean < _HALF else 0.0
    return 0.5 * math.erfc((mean - _HALF) / math.sqrt(2.0 * variance))
