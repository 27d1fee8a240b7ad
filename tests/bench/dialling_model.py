"""A team, the people it calls and a carrier as a discrete-event model: seeded, thousands of times real time.

The distributions are those of the simulation that the pacing is compared with; a `Pacer` is not told them.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

HOLD = 2.0  # seconds an answered person waits before the call is abandoned
HOUR = 3600.0
TICK = 1.0
_ENOUGH = 100  # answers from which on a rolling hour is judged


@dataclass(frozen=True)
class World:
    """What happens in a run; `rate` is the answer probability by time, for each campaign."""

    agents: int = 20
    hours: float = 8.0
    rates: tuple[Callable[[float], float], ...] = (lambda _: 0.3,)
    talk_tail: float = 0.0  # shape of a Pareto distribution of the same mean; 0: lognormal
    breaks: float = 0.0  # breaks an agent takes in an hour
    shifts: bool = False  # a quarter of the team leaves for an hour, every two hours
    machines: float = 0.0  # share of unanswered calls that a machine takes
    machine_error: float = 0.0  # share of its verdicts in which the detection of machines is wrong
    failing: tuple[float, float, float] = (0.0, 0.0, 0.0)  # from, until, share of calls that fail at once
    ring_delay: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True, eq=False)
class Call:
    """One call; it has the two times that the pacing asks for, and whose it is."""

    placed: float
    campaign: int
    ringing: float | None = None
    over: bool = False
    brief: bool = False  # a machine taken for a person


@dataclass
class Tally:
    """What a run has counted."""

    placed: int = 0
    answered: int = 0
    abandoned: int = 0
    cancelled: int = 0
    cut: int = 0  # people taken for machines
    talk: float = 0.0
    busy: float = 0.0
    on_duty: float = 0.0
    log: list[tuple[float, int, int]] = field(default_factory=list)


class Pacer(Protocol):
    """A way of pacing: decides, and hears what happens."""

    on_events: bool

    def decide(self, model: "Model", campaign: int, /) -> tuple[int, list[Call]]:
        """Answer how many calls to place and which to hang up."""

    def hear(self, what: str, call: Call, now: float, /) -> None:
        """Take note of the end of a call's stage: answered, unanswered, cancelled, abandoned."""

    def hear_agent(self, what: str, seconds: float, campaign: int, /) -> None:
        """Take note of how long an agent's talk or wrap was."""


class Model:
    """One run."""

    def __init__(self, world: World, seed: int, pacer: Pacer) -> None:
        self.world, self.pacer = world, pacer
        self.random = random.Random(seed)
        self.now = 0.0
        self.free: deque[int] = deque()
        self.talking: dict[int, float] = {}
        self.wrapping: dict[int, float] = {}
        self.serves: dict[int, Call] = {}
        self.ends: dict[int, float] = {}  # when busy agents will be free: for the pacer that knows everything
        self.leaving: dict[int, float] = {}  # who has asked for a break, and its length
        self.on_duty_since: dict[int, float] = {}
        self.calls: tuple[dict[Call, None], ...] = tuple({} for _ in world.rates)
        self.waiting: deque[Call] = deque()
        self.tally = Tally()
        self._heap: list[tuple[float, int, Callable[..., bool], tuple[object, ...]]] = []
        self._number = 0
        self._turn = 0

    def run(self) -> dict[str, float]:
        """Play the run to its end and give its figures."""
        end = self.world.hours * HOUR
        for agent in range(self.world.agents):
            self._come(agent)
            self._plan_break(agent)
        self._at(0.0, self._tick)
        if self.world.shifts:
            for hour in range(2, int(self.world.hours), 2):
                self._at(hour * HOUR, self._shift, hour // 2)
        while self._heap[0][0] <= end:
            self.now, _, happen, what = heapq.heappop(self._heap)
            if happen(*what) or happen == self._tick:
                self._steer()
        self.now = end
        for since in (*self.talking.values(), *self.wrapping.values()):
            self.tally.busy += end - since
        self.tally.talk += sum(end - since for since in self.talking.values())
        self.tally.on_duty += sum(end - since for since in self.on_duty_since.values())
        return figures(self.tally)

    # -- pacing --------------------------------------------------------------------------------------------------

    def _tick(self) -> bool:
        self._at(self.now + TICK, self._tick)
        return not self.pacer.on_events

    def _steer(self) -> None:
        self._turn += 1
        for step in range(len(self.calls)):
            campaign = (self._turn + step) % len(self.calls)
            place, cancel = self.pacer.decide(self, campaign)
            for call in cancel:
                del self.calls[campaign][call]
                call.over = True
                self.tally.cancelled += 1
                self.pacer.hear("cancelled", call, self.now)
            for _ in range(place):
                self._place(campaign)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _place(self, campaign: int) -> None:
        draw, world = self.random, self.world
        call = Call(self.now, campaign)
        self.calls[campaign][call] = None
        self.tally.placed += 1
        begins, until, share = world.failing
        rings = self.now + draw.uniform(*world.ring_delay)
        if begins <= self.now < until and draw.random() < share:
            self._at(self.now + draw.uniform(0.5, 2.0), self._unanswered, call)
        elif draw.random() < world.rates[campaign](self.now):
            self._at(rings, self._rings, call)
            wrong = draw.random() < world.machine_error
            self._at(rings + draw.uniform(6, 25), self._cut if wrong else self._answered, call)
        elif draw.random() < world.machines:
            self._at(rings, self._rings, call)
            call.brief = draw.random() < world.machine_error
            self._at(rings + draw.uniform(6, 25), self._answered if call.brief else self._unanswered, call)
        elif draw.random() < 0.9:
            self._at(rings, self._rings, call)
            self._at(rings + 25, self._unanswered, call)
        else:
            self._at(self.now + draw.uniform(1, 5), self._unanswered, call)

    def _rings(self, call: Call) -> bool:
        if not call.over:
            call.ringing = self.now
        return False

    def _end(self, call: Call, what: str) -> bool:
        """End the ringing of a call; False when it was over before."""
        if call.over:
            return False
        call.over = True
        del self.calls[call.campaign][call]
        self.pacer.hear(what, call, self.now)
        return True

    def _unanswered(self, call: Call) -> bool:
        return self._end(call, "unanswered") and self.pacer.on_events

    def _cut(self, call: Call) -> bool:
        self.tally.cut += not call.over
        return self._unanswered(call)

    def _answered(self, call: Call) -> bool:
        if not self._end(call, "answered"):
            return False
        self.tally.answered += 1
        self.tally.log.append((self.now, 1, 0))
        if self.free:
            self._join(self.free.popleft(), call)
        else:
            self.waiting.append(call)
            self._at(self.now + HOLD, self._abandoned, call)
        return self.pacer.on_events

    def _abandoned(self, call: Call) -> bool:
        if call not in self.waiting:
            return False
        self.waiting.remove(call)
        self.tally.abandoned += 1
        self.tally.log.append((self.now, 0, 1))
        self.pacer.hear("abandoned", call, self.now)
        return self.pacer.on_events

    # -- agents --------------------------------------------------------------------------------------------------

    def _join(self, agent: int, call: Call) -> None:
        self.talking[agent] = self.now
        self.serves[agent] = call
        if call.brief:
            talk = self.random.uniform(3, 8)
        elif self.world.talk_tail:
            shape = self.world.talk_tail
            talk = min(180 * (shape - 1) / shape * self.random.paretovariate(shape), 2 * HOUR)
        else:
            talk = self._lognormal(180, 1.0)
        wrap = self._lognormal(30, 0.5)
        self.ends[agent] = self.now + talk + wrap
        self._at(self.now + talk, self._hung_up, agent, wrap)

    def _hung_up(self, agent: int, wrap: float) -> bool:
        talk = self.now - self.talking.pop(agent)
        self.tally.talk += talk
        self.tally.busy += talk
        self.pacer.hear_agent("talk", talk, self.serves[agent].campaign)
        self.wrapping[agent] = self.now
        self._at(self.now + wrap, self._wrapped_up, agent)
        return self.pacer.on_events

    def _wrapped_up(self, agent: int) -> bool:
        wrap = self.now - self.wrapping.pop(agent)
        self.tally.busy += wrap
        self.pacer.hear_agent("wrap", wrap, self.serves.pop(agent).campaign)
        del self.ends[agent]
        if agent in self.leaving:
            self._go(agent, self.leaving.pop(agent))
        elif self.waiting:
            self._join(agent, self.waiting.popleft())
        else:
            self.free.append(agent)
        return self.pacer.on_events

    def _plan_break(self, agent: int) -> bool:
        if self.world.breaks:
            self._at(self.now + self.random.expovariate(self.world.breaks / HOUR), self._wish, agent, 300.0)
        return False

    def _wish(self, agent: int, seconds: float) -> bool:
        """Wish for a break: at once when free, else after the wrap-up."""
        seconds *= self.random.uniform(0.5, 1.5)
        if agent in self.free:
            self.free.remove(agent)
            self._go(agent, seconds)
        elif agent in self.on_duty_since:
            self.leaving[agent] = seconds
        self._plan_break(agent)
        return self.pacer.on_events

    def _shift(self, number: int) -> bool:
        for agent in range(self.world.agents):
            if agent % 4 == number % 4:
                self._wish(agent, HOUR)
        return self.pacer.on_events

    def _go(self, agent: int, seconds: float) -> None:
        self.tally.on_duty += self.now - self.on_duty_since.pop(agent)
        self._at(self.now + seconds, self._come, agent)

    def _come(self, agent: int) -> bool:
        self.on_duty_since[agent] = self.now
        if self.waiting:
            self._join(agent, self.waiting.popleft())
        else:
            self.free.append(agent)
        return self.pacer.on_events

    # ------------------------------------------------------------------------------------------------------------

    def _at(self, when: float, happen: Callable[..., bool], *what: object) -> None:
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, happen, what))

    def _lognormal(self, mean: float, variation: float) -> float:
        variance = math.log(1 + variation * variation)
        return self.random.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))


def figures(tally: Tally) -> dict[str, float]:
    """Give what is reported of a run; shares are fractions."""
    return {
        "utilisation": tally.busy / tally.on_duty,
        "abandonment": tally.abandoned / max(tally.answered, 1),
        "worst_hour_abandonment": worst_hour(tally.log, within=True),
        "worst_hour_of_few": worst_hour(tally.log, within=False),
        "dials_per_connect": tally.placed / max(tally.answered - tally.abandoned, 1),
        "talk_minutes_per_agent_hour": tally.talk / tally.on_duty * 60,
        "answered": float(tally.answered),
        "cut": float(tally.cut),
    }


def worst_hour(log: list[tuple[float, int, int]], *, within: bool) -> float:
    """Give the worst share of any rolling hour, from 100 answers on: in that hour, or in the run so far."""
    hour: deque[tuple[float, int, int]] = deque()
    answered = abandoned = ever = 0
    worst = 0.0
    for now, answer, abandon in log:
        hour.append((now, answer, abandon))
        answered, abandoned, ever = answered + answer, abandoned + abandon, ever + answer
        while hour[0][0] <= now - HOUR:
            _, old_answer, old_abandon = hour.popleft()
            answered, abandoned = answered - old_answer, abandoned - old_abandon
        if (answered if within else ever) >= _ENOUGH:
            worst = max(worst, abandoned / max(answered, 1))
    return worst
