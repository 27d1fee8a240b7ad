"""Counts a rehearsal from what the engine tells everybody: the bus, the roster, and what the carrier was asked."""

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contactd.domain.agent import Agent, State
from contactd.domain.happened import CallMoved

_HOUR = 3600.0
_MINUTE = 60.0
_ENOUGH = 100  # answers from which on a rolling hour is judged
_BUSY = frozenset({State.TALK, State.WRAP})
_AWAY = frozenset({State.OFFLINE, State.PAUSE})


@dataclass
class Tally:
    """`elapsed` answers the seconds since the beginning; nothing before `since` is counted."""

    elapsed: Callable[[], float]
    since: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    seconds: dict[State, float] = field(default_factory=lambda: dict.fromkeys(State, 0.0))
    idle: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    hours: list[tuple[float, int, int]] = field(default_factory=list)
    _agents: dict[str, tuple[State, float]] = field(default_factory=dict)
    _answered: dict[str, float] = field(default_factory=dict)

    def agent_moved(self, agent: Agent) -> None:
        """Count the time an agent has spent in the state they leave."""
        now = self.elapsed()
        state, begun = self._agents.get(agent.id, (State.OFFLINE, now))
        if agent.state is state:
            return
        self._spend(state, begun, now)
        if state is State.READY and agent.state is State.RESERVED and begun >= self.since:
            self.idle.append(now - begun)
        self._agents[agent.id] = agent.state, now

    def close(self) -> None:
        """Count up to now what is still going on."""
        now = self.elapsed()
        for agent, (state, begun) in self._agents.items():
            self._spend(state, begun, now)
            self._agents[agent] = state, now

    def _spend(self, state: State, begun: float, now: float) -> None:
        self.seconds[state] += max(0.0, now - max(begun, self.since))

    def heard(self, event: object) -> None:
        """Count a call's stage."""
        if not isinstance(event, CallMoved):
            return
        now = self.elapsed()
        if event.stage == "answered":
            self._answered[event.reference] = now
        elif event.stage in ("connected", "ended"):
            self.served(event.reference)
        if now < self.since:
            return
        self.calls[event.stage if event.stage != "ended" else f"ended {event.how_ended}"] += 1
        if event.stage == "answered":
            self.hours.append((now, 1, 0))
        elif event.how_ended == "abandoned":
            self.hours.append((now, 0, 1))

    def served(self, reference: str) -> None:
        """Note that a waiting person hears an agent, or the message, or has hung up."""
        begun = self._answered.pop(reference, None)
        if begun is not None and begun >= self.since:
            self.waits.append(self.elapsed() - begun)

    def figures(self) -> dict[str, float]:
        """Give what is reported; shares are fractions."""
        calls, seconds = self.calls, self.seconds
        on_duty = sum(spent for state, spent in seconds.items() if state not in _AWAY)
        return {
            "utilisation": sum(seconds[state] for state in _BUSY) / max(on_duty, 1.0),
            "abandonment": calls["ended abandoned"] / max(calls["answered"], 1),
            "worst_hour_abandonment": worst_hour(self.hours),
            "dials_per_connect": calls["placed"] / max(calls["connected"], 1),
            "talk_minutes_per_agent_hour": seconds[State.TALK] / max(on_duty, 1.0) * _MINUTE,
            "agent_wait_mean": _mean(self.idle),
            "customer_wait_mean": _mean(self.waits),
            "customer_wait_p99": _quantile(self.waits, 0.99),
            "customer_wait_max": max(self.waits, default=0.0),
            "placed": calls["placed"],
            "answered": calls["answered"],
            "connected": calls["connected"],
            "abandoned": calls["ended abandoned"],
            "cancelled": calls["ended cancelled"],
        }


def worst_hour(log: Sequence[tuple[float, int, int]]) -> float:
    """Give the worst share of abandoned calls in any rolling hour with a hundred answers."""
    hour: deque[tuple[float, int, int]] = deque()
    answered = abandoned = 0
    worst = 0.0
    for now, answer, abandon in log:
        hour.append((now, answer, abandon))
        answered, abandoned = answered + answer, abandoned + abandon
        while hour[0][0] <= now - _HOUR:
            _, old_answer, old_abandon = hour.popleft()
            answered, abandoned = answered - old_answer, abandoned - old_abandon
        if answered >= _ENOUGH:
            worst = max(worst, abandoned / answered)
    return worst


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(math.ceil(share * len(values)), len(values)) - 1] if values else 0.0
