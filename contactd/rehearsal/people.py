"""Whoever is called in a rehearsal: the same seed and reference give the same person, in any order of calls."""

import math
from collections.abc import Callable
from datetime import timedelta
from random import Random

from contactd.rehearsal.scenario import Called, Lasting, Scenario
from contactd.telephony.base import CallRequest, Kind
from contactd.telephony.simulated import Customer, skewed

_PATIENCE = (4.0, 10.0)  # seconds for which somebody who answered listens to silence
_LONGEST = 7200.0
_VOICE_BOX = (3.0, 8.0)  # seconds after which an agent has understood that it is a machine
_AT_ONCE = (1.0, 5.0)
_CONGESTED = (0.5, 2.0)


class Town:
    """Draws the person behind each call; `elapsed` answers the seconds since the beginning."""

    def __init__(self, scenario: Scenario, elapsed: Callable[[], float], campaign_of: Callable[[int], Called]) -> None:
        self._scenario = scenario
        self._elapsed = elapsed
        self._campaign_of = campaign_of
        self.mistaken = 0  # people taken for machines

    def __call__(self, request: CallRequest) -> Customer:
        """Make up how this call goes."""
        scenario, now = self._scenario, self._elapsed()
        random = Random(f"{scenario.seed}/{request.reference}")  # noqa: S311 -- a rehearsal, no secret
        called, ring = self._campaign_of(request.attempt_id), scenario.ring
        for trouble in scenario.trouble:
            begins = trouble.begins.total_seconds()
            if begins <= now < begins + trouble.lasts.total_seconds() and random.random() < trouble.share:
                return Customer(Kind.FAILED, setup=random.uniform(*_CONGESTED))
        begins = random.uniform(0.5, 1.5) * ring.begins.total_seconds()
        answers = random.uniform(ring.least.total_seconds(), ring.most.total_seconds())
        patience = random.uniform(*_PATIENCE)
        mistaken = random.random() < called.machine_error
        if random.random() < answer_share(called, now):
            self.mistaken += mistaken
            fate = Kind.MACHINE if mistaken else Kind.ANSWERED
            return Customer(fate, begins, answers, patience, talk=lasting(random, scenario.talk))
        if random.random() < called.machine:
            fate = Kind.ANSWERED if mistaken else Kind.MACHINE
            return Customer(fate, begins, answers, patience, talk=random.uniform(*_VOICE_BOX))
        if random.random() < ring.fails:
            return Customer(Kind.FAILED, setup=random.uniform(*_AT_ONCE))
        return Customer(Kind.NO_ANSWER, begins)


def answer_share(called: Called, now: float) -> float:
    """Answer which share of the calls placed now a person answers."""
    if called.swings_to is None:
        return called.answer
    middle, swing = (called.swings_to + called.answer) / 2, (called.swings_to - called.answer) / 2
    return middle - swing * math.cos(2 * math.pi * now / called.cycle.total_seconds())


def lasting(random: Random, how: Lasting) -> float:
    """Draw how long something lasts, in seconds."""
    mean = how.mean / timedelta(seconds=1)
    if how.tail is not None:
        return min(mean * (how.tail - 1) / how.tail * random.paretovariate(how.tail), _LONGEST)
    return skewed(random, mean, how.spread) if how.spread else mean
