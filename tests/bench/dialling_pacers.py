"""The ways of pacing that are compared: contactd's, what others do, and two that know what nobody can."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from contactd.domain.abandonment import Budget, Terms
from contactd.domain.forecast import PATIENCE, Forecast, Line, Lines, Row
from contactd.domain.pacing import Mode, Others, Settings, View, decide, hang_up_since
from tests.bench.dialling_model import Call, Model


class Silent:
    """A pacer that learns nothing from what it hears."""

    on_events = True

    def hear(self, _what: str, _call: Call, _now: float) -> None:
        """Take no note."""

    def hear_agent(self, _what: str, _seconds: float, _campaign: int) -> None:
        """Take no note."""


class Contactd:
    """What the dialer does: `decide`, one forecast and one budget a campaign."""

    on_events = True

    def __init__(self, *, cancel: bool = True, campaigns: int = 1, terms: Terms | None = None) -> None:
        self.settings = Settings(mode=Mode.PREDICTIVE, min_ring=15.0 if cancel else None)
        self.forecasts = [self.forecast() for _ in range(campaigns)]
        self.budgets = [Budget(terms) for _ in range(campaigns)]
        self.costs: list[float] = []  # seconds of the thread for each decision
        self.reasons: dict[str, int] = {}

    def forecast(self) -> Forecast:
        """Begin one."""
        return Forecast()

    def busy(self, model: Model) -> tuple[Iterable[float], Iterable[float]]:
        """Give since when agents talk and wrap up who stay."""
        if not model.leaving:
            return model.talking.values(), model.wrapping.values()
        return tuple(
            [since for agent, since in group.items() if agent not in model.leaving]
            for group in (model.talking, model.wrapping)
        )  # type: ignore[return-value] # two of them

    def decide(self, model: Model, campaign: int) -> tuple[int, list[Call]]:
        """Ask the domain."""
        calls = list(model.calls[campaign])
        talking, wrapping = self.busy(model)
        view = View(
            now=model.now,
            free=len(model.free),
            waiting=len(model.waiting),
            talking=talking,  # type: ignore[arg-type] # sized
            wrapping=wrapping,  # type: ignore[arg-type] # sized
            calls=_lines(calls),
            others=[
                Others(self.forecasts[other], _lines(model.calls[other]))
                for other in range(len(model.calls))
                if other != campaign
            ],
        )
        begun = time.thread_time()
        self.forecasts[campaign].mature(model.now)
        since = hang_up_since(view, self.forecasts[campaign], self.settings)
        cancel = [call for call in calls if since is not None and call.ringing is not None and call.ringing <= since]
        if cancel:
            gone = set(map(id, cancel))
            view = replace(view, calls=_lines(call for call in calls if id(call) not in gone))
        decision = decide(view, self.forecasts[campaign], self.budgets[campaign], self.settings)
        self.costs.append(time.thread_time() - begun)
        self.reasons[decision.reason] = self.reasons.get(decision.reason, 0) + 1
        return decision.place, cancel

    def hear(self, what: str, call: Call, now: float) -> None:
        """Learn."""
        line, forecast, budget = Line(call.placed, call.ringing), self.forecasts[call.campaign], self.budgets
        if what == "answered":
            forecast.learn_answer(line, now, int(now // 3600) % 24)
            budget[call.campaign].learn_answer(now)
        elif what == "unanswered":
            forecast.learn_end(line, now, int(now // 3600) % 24)
        elif what == "cancelled":
            forecast.learn_cancel(line, now)
        else:
            budget[call.campaign].learn_abandoned(now)

    def hear_agent(self, what: str, seconds: float, campaign: int) -> None:
        """Learn."""
        learn = self.forecasts[campaign].learn_talk if what == "talk" else self.forecasts[campaign].learn_wrap
        learn(seconds)


def _lines(calls: Iterable[Call]) -> Lines:
    placed, ringing = list[float](), list[float]()
    for call in calls:
        if call.ringing is None:
            placed.append(call.placed)
        else:
            ringing.append(call.ringing)
    return Lines(placed, ringing)


class _Knowing(Forecast):
    """A forecast that is handed when agents will be free instead of since when they are busy."""

    def returns(self, talking: Iterable[float], wrapping: Iterable[float], now: float) -> list[tuple[Row, int]]:
        """Compare; `talking` holds all the ends, `wrapping` nothing."""
        return [(tuple(float(end <= now + lead + PATIENCE) for lead in self.leads), 1) for end in (*talking, *wrapping)]


class KnowsEnds(Contactd):
    """Contactd without hanging up, but it knows every agent's end time."""

    def __init__(self, *, campaigns: int = 1) -> None:
        super().__init__(cancel=False, campaigns=campaigns)

    def forecast(self) -> Forecast:
        """Begin one that knows."""
        return _Knowing()

    def busy(self, model: Model) -> tuple[Iterable[float], Iterable[float]]:
        """Tell when they will be free."""
        return [end for agent, end in model.ends.items() if agent not in model.leaving], ()


class Ratio(Silent):
    """Calls under way and waiting are a fixed multiple of the free agents; 1.0 is progressive."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio

    def decide(self, model: Model, _campaign: int) -> tuple[int, list[Call]]:
        """Fill up."""
        under_way = sum(len(calls) for calls in model.calls) + len(model.waiting)
        return max(0, int(self.ratio * len(model.free) + 0.5) - under_way), []


class Vicidial(Silent):
    """ADAPT_HARD_LIMIT with its defaults, from the reference's description: level every 15 s, drops every 60 s.

    The level rises with the share of agents idle and falls to 1.0 while more than 3 % of the shift's answers were
    dropped. An agent who wraps up is paused to it, and an answer counts when its wrap-up is done.
    """

    on_events = False
    _MAX_LEVEL, _LIMIT = 3.0, 0.03

    def __init__(self, *, available_only: bool) -> None:
        self.available_only = available_only
        self.level = 1.0
        self.drops = self.done = self.dialled = 0
        self.percent = 0.0
        self.minute: deque[tuple[float, bool]] = deque()
        self.samples: deque[tuple[int, int, int]] = deque(maxlen=15)
        self._next_level, self._next_drops, self._next_calls = 15.0, 60.0, 0.0

    def hear(self, what: str, _call: Call, now: float) -> None:
        """Count drops, and all calls of the last minute."""
        self.drops += what == "abandoned"
        if what in {"answered", "unanswered", "abandoned"}:
            self.dialled += what != "abandoned"
            self.minute.append((now, what == "abandoned"))

    def hear_agent(self, what: str, _seconds: float, _campaign: int) -> None:
        """Count an answer when the agent has said what it was."""
        self.done += what == "wrap"

    def decide(self, model: Model, _campaign: int) -> tuple[int, list[Call]]:
        """Do what is due at this tick; every 2.5 s, to the nearest tick, calls are placed."""
        now = model.now
        self.samples.append((len(model.free), len(model.waiting), len(model.on_duty_since)))
        if now >= self._next_drops:
            self._next_drops += 60
            self.percent = self.drops / max(self.drops + self.done, 1)
        if now >= self._next_level:
            self._next_level += 15
            self._adapt(now)
        if now < self._next_calls:
            return 0, []
        self._next_calls += 2.5
        ready, talking = len(model.free), len(model.talking)
        goal = round(self.level * ready) + talking if self.available_only else round(self.level * (ready + talking))
        return max(0, goal - sum(len(calls) for calls in model.calls) - len(model.waiting) - talking), []

    def _adapt(self, now: float) -> None:
        ready, waiting, total = (sum(column) for column in zip(*self.samples, strict=True))
        level = round(self.level * (1 + (ready - waiting) / max(total, 1)), 3)
        level = min(max(level, 1.0), self._MAX_LEVEL)
        while self.minute and self.minute[0][0] < now - 60:
            self.minute.popleft()
        dropped = sum(drop for _, drop in self.minute)
        if len(self.minute) - dropped > 20 and dropped > 0.5 * (len(self.minute) - dropped):
            level /= 2
        if self.dialled > 50 and self.percent > self._LIMIT:
            level = 1.0
        self.level = max(level, 1.0)
