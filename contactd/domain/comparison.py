"""Two shares compared: how far they lie apart, how sure that is, and whether chance alone may have done it.

For reports of test arms. Every answer is a number, also for 0 of n and n of n; nobody (n = 0) is refused.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

Test = Literal["z", "fisher"]

_TAIL = 0.025  # of 95 %, on each side
_POWER = 0.8
_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(1 - _TAIL)
_Z_POWER = _NORMAL.inv_cdf(_POWER)
_FEW = 5  # expected in a cell, below which the normal curve says nothing (Cochran)


@dataclass(frozen=True, slots=True)
class Share:
    """So many out of so many."""

    hits: int
    of: int

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.hits <= self.of or self.of == 0:
            message = f"{self.hits} of {self.of} is no share"
            raise ValueError(message)

    @property
    def rate(self) -> float:
        """Give it as a number from 0 to 1."""
        return self.hits / self.of


@dataclass(frozen=True, slots=True)
class Comparison:
    """`difference` = share minus control, with its 95 % interval; `p` is two-sided, by that test."""

    difference: float
    low: float
    high: float
    p: float
    test: Test


def compare(share: Share, control: Share) -> Comparison:
    """Compare a share with that of the control."""
    low, high = newcombe(share, control)
    test: Test = "fisher" if _is_small(share, control) else "z"
    p = fisher(share, control) if test == "fisher" else pooled_z(share, control)
    return Comparison(share.rate - control.rate, low, high, p, test)


def wilson(share: Share) -> tuple[float, float]:
    """Answer the 95 % interval of a share by its score (Wilson 1927)."""
    square = _Z * _Z
    middle = (2 * share.hits + square) / (2 * (share.of + square))
    spread = _Z * math.sqrt(square + 4 * share.hits * (share.of - share.hits) / share.of) / (2 * (share.of + square))
    low = 0.0 if share.hits == 0 else middle - spread
    high = 1.0 if share.hits == share.of else middle + spread
    return low, high


def newcombe(share: Share, control: Share) -> tuple[float, float]:
    """Answer the 95 % interval of a difference by the scores of both (Newcombe 1998, method 10)."""
    (low, high), (control_low, control_high) = wilson(share), wilson(control)
    difference = share.rate - control.rate
    below = math.hypot(share.rate - low, control_high - control.rate)
    above = math.hypot(high - share.rate, control.rate - control_low)
    return difference - below, difference + above


def pooled_z(share: Share, control: Share) -> float:
    """Answer how probable a difference as great as this one is by chance, by the normal curve, pooled."""
    together = (share.hits + control.hits) / (share.of + control.of)
    variance = together * (1 - together) * (1 / share.of + 1 / control.of)
    if variance == 0:  # nobody or everybody in both
        return 1.0
    z = (share.rate - control.rate) / math.sqrt(variance)
    return math.erfc(abs(z) / math.sqrt(2))


def fisher(share: Share, control: Share) -> float:
    """Answer it exactly (Fisher): all tables with these sums that are no likelier than this one."""
    hits, most = share.hits + control.hits, share.of + control.of
    ways = {
        mine: math.comb(share.of, mine) * math.comb(control.of, hits - mine)
        for mine in range(max(0, hits - control.of), min(share.of, hits) + 1)
    }
    ours = ways[share.hits]
    return sum(one for one in ways.values() if one <= ours) / math.comb(most, hits)


def holm(chances: Sequence[float]) -> list[float]:
    """Raise the chances of several comparisons, so that all together mislead no oftener than one (Holm 1979)."""
    raised = [0.0] * len(chances)
    least = 0.0
    for place, index in enumerate(sorted(range(len(chances)), key=lambda one: chances[one])):
        least = max(least, min(1.0, (len(chances) - place) * chances[index]))
        raised[index] = least
    return raised


def detectable(of: int, control: Share) -> float:
    """Answer the least difference that so many would show in four of five comparisons, at 5 %.

    The rate is taken a little away from 0 and 1: of nobody paying one learns little about how few may pay.
    """
    rate = (control.hits + 1) / (control.of + 2)
    return (_Z + _Z_POWER) * math.sqrt(rate * (1 - rate) * (1 / of + 1 / control.of))


def _is_small(share: Share, control: Share) -> bool:
    together = (share.hits + control.hits) / (share.of + control.of)
    fewest = min(share.of, control.of) * min(together, 1 - together)
    return fewest < _FEW
