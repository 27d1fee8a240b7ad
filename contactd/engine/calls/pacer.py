"""Keeps what the pacing of one team learns, shows it the team at this moment, and carries no decision out itself.

Nothing is stored for it: at the start it learns from the calls in the database what it would have learned from them
live, so that the budget of abandoned calls and the chances of the hour outlive a restart.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import NamedTuple

from contactd.config.providers import Telephony
from contactd.domain import agent as agents
from contactd.domain.abandonment import Budget, Terms
from contactd.domain.agent import Agent
from contactd.domain.call import HowEnded, State
from contactd.domain.campaign import Step
from contactd.domain.forecast import Forecast, Line, Lines
from contactd.domain.pacing import Decision, Mode, Others, Settings, View, decide, hang_up_since
from contactd.domain.queueing import Reach
from contactd.engine.calls.calls_up import CallsUp
from contactd.engine.calls.lists import CallList, Key
from contactd.engine.calls.live_call import Live
from contactd.store.calls import CallRow

_QUARTER = 900.0  # seconds
_RECALLED = 2_000  # calls; older ones are forgotten by the forecast anyway
_BEGUN = frozenset({State.PLACED, State.RINGING, State.CANCELLING})
_SPOKEN_TO = frozenset({State.PLAYING, State.LISTENING})
_READY, _WRAP = agents.State.READY, agents.State.WRAP
_WITH_CALL = frozenset({agents.State.RESERVED, agents.State.TALK})
_BUSY = _WITH_CALL | {_WRAP}
_UNANSWERED = frozenset(HowEnded) - {HowEnded.ANSWERED, HowEnded.ABANDONED, HowEnded.CANCELLED, HowEnded.LOST}


@dataclass(frozen=True, slots=True)
class Dialling:
    """How the operator wants calls to be paced, for all campaigns alike.

    `pooled`: one budget of abandoned calls for all campaigns of a team. `span`: its rolling window in seconds.
    `levels`: by campaign, a share that may change at any moment. `min_ring`: seconds after which a ringing call may be
    hung up, None never. `trunks`: most calls at a time, of all teams together.
    """

    pooled: bool = False
    span: float = 30 * 86400.0
    min_ring: float | None = 15.0
    max_lines: float = 5.0
    small_team: int = 0
    trunks: int | None = None
    level: float = 1.0
    levels: dict[str, float] = field(default_factory=dict)


def dialling_of(telephony: Telephony) -> Dialling:
    """Read it from the configuration."""
    return Dialling(
        pooled=telephony.abandon_pooled,
        span=telephony.abandon_window.total_seconds(),
        min_ring=telephony.hang_up_after.total_seconds() or None,
        max_lines=telephony.lines_per_agent,
        small_team=telephony.small_team,
        trunks=telephony.trunks or None,
    )


class _Busy(NamedTuple):
    """What an agent does, since when, for which campaign, and whether they stay afterwards."""

    state: agents.State | None
    since: float
    campaign: str
    stays: bool


class Staff(NamedTuple):
    """Who of a team is at work and stays: how many are free, and since when the others talk or write."""

    free: int
    talking: Sequence[float]
    wrapping: Sequence[float]


class Pacer:
    """Of one team; all times are seconds since 1970 by the clock it is handed."""

    def __init__(self, dialling: Dialling, zone: Callable[[str], tzinfo], now: Callable[[], datetime]) -> None:
        self._dialling = dialling
        self._zone = zone
        self._now = now
        self._forecasts: dict[str, Forecast] = defaultdict(Forecast)
        self._budgets: dict[str, Budget] = {}
        self._ready: set[str] = set()
        self._busy: dict[str, _Busy] = {}  # by agent
        self._known: dict[Key, tuple[Step, float, Settings]] = {}
        self._hours: dict[str, tuple[int, int]] = {}  # by campaign: a quarter of an hour, and the hour of day in it
        self.reach: dict[str, Reach] = defaultdict(Reach)

    @property
    def span(self) -> float:
        """Tell how far back abandoned calls count, in seconds."""
        return self._dialling.span

    # -- learning ------------------------------------------------------------------------------------------------

    def call_moved(self, live: Live, before: State) -> None:
        """Learn from a call that has just moved on."""
        call, campaign = live.call, live.dial.claimed.campaign
        if before not in _BEGUN or call.state in _BEGUN:
            if call.state is State.ENDED and call.how is HowEnded.ABANDONED:
                self._budget(campaign, live.dial.step.max_abandon).learn_abandoned(self._seconds())
            elif before in _SPOKEN_TO and call.state is State.WAITING:  # pressed 1: owed an agent from now on
                self._budget(campaign, live.dial.step.max_abandon).learn_answer(self._seconds())
            return
        line = live.line
        forecast, hour, now = self._forecasts[campaign], self._hour(campaign), self._seconds()
        if call.state is not State.ENDED:
            forecast.learn_answer(line, now, hour)
            self.reach[campaign].learn(hour, answered=True)
            if not live.agent and call.state is State.WAITING:
                self._budget(campaign, live.dial.step.max_abandon).learn_answer(now)
        elif call.how is HowEnded.CANCELLED:
            forecast.learn_cancel(line, now)
        elif _was_tried(call.how, call.ringing_at):
            forecast.learn_end(line, now, hour)
            self.reach[campaign].learn(hour, answered=False)

    def agent_moved(self, agent: Agent, campaign: str) -> None:
        """Learn how long conversations and the work after them take; `campaign` is that of the agent's call."""
        now = self._seconds()
        state, since, of, _ = self._busy.pop(agent.id, _Busy(None, now, "", True))
        if of and state in _WITH_CALL and agent.state is agents.State.WRAP:
            self._forecasts[of].learn_talk(now - since)
        elif of and state is agents.State.WRAP and agent.state is not agents.State.WRAP:
            self._forecasts[of].learn_wrap(now - since)
        # A wish uttered meanwhile begins nothing anew.
        same = state is agent.state or (state in _WITH_CALL and agent.state in _WITH_CALL)
        self._seat(agent, since if same else now, campaign or of)

    def meet(self, everybody: Iterable[Agent]) -> None:
        """Take note of who the team is: at the start, and whenever the configuration may have changed it."""
        known, self._busy = self._busy, {}
        self._ready.clear()
        for agent in everybody:
            _, since, campaign, _ = known.get(agent.id, _Busy(None, self._seconds(), "", True))
            self._seat(agent, since, campaign)

    def _seat(self, agent: Agent, since: float, campaign: str) -> None:
        self._ready.discard(agent.id)
        if agent.state is _READY and agent.wish is None:
            self._ready.add(agent.id)
        elif agent.state in _BUSY:
            self._busy[agent.id] = _Busy(agent.state, since, campaign, agent.wish is None)

    def recall(self, campaign: str, max_abandon: float, rows: Sequence[CallRow]) -> None:
        """Learn from calls of the past, oldest first: the budget from all of them, the forecast from the newest."""
        forecast, budget, zone = self._forecasts[campaign], self._budget(campaign, max_abandon), self._zone(campaign)
        for row in rows[:-_RECALLED]:
            if row.answered_at is not None:
                budget.learn_answer(row.answered_at.timestamp())
            if row.how_ended == HowEnded.ABANDONED and row.ended_at is not None:
                budget.learn_abandoned(row.ended_at.timestamp())
        for row in rows[-_RECALLED:]:
            placed, ringing = row.placed_at.timestamp(), row.ringing_at.timestamp() if row.ringing_at else None
            line, hour = Line(placed, ringing), row.placed_at.astimezone(zone).hour
            if row.answered_at is not None:
                forecast.learn_answer(line, row.answered_at.timestamp(), hour)
                budget.learn_answer(row.answered_at.timestamp())
                if row.how_ended == HowEnded.ABANDONED and row.ended_at is not None:
                    budget.learn_abandoned(row.ended_at.timestamp())
                if row.connected_at is not None and row.ended_at is not None:
                    forecast.learn_talk((row.ended_at - row.connected_at).total_seconds())
                self.reach[campaign].learn(hour, answered=True)
            elif row.ended_at is not None and _was_tried(row.how_ended, row.ringing_at):
                forecast.learn_end(line, row.ended_at.timestamp(), hour)
                self.reach[campaign].learn(hour, answered=False)

    # -- deciding ------------------------------------------------------------------------------------------------

    def staff(self) -> Staff:
        """Count who is free, and say since when the others talk or write; who wants to go does not count."""
        staying = [one for one in self._busy.values() if one.stays]
        talking = [one.since for one in staying if one.state is not _WRAP]
        return Staff(len(self._ready), talking, [one.since for one in staying if one.state is _WRAP])

    def to_hang_up(self, one: CallList, staff: Staff, calls: CallsUp) -> list[Live]:
        """List the calls that have rung long enough and would meet nobody if they were answered now."""
        view = View(self._seconds(), staff.free, len(calls.waiting), wrapping=staff.wrapping)
        since = hang_up_since(view, self._forecasts[one.campaign.id], self._settings(one))
        return calls.ringing_since(one.key, since) if since is not None else []

    def decide(self, one: CallList, staff: Staff, calls: CallsUp, starting: int, trunks: int | None) -> Decision:
        """Answer how many calls the list may place now, and why not more; `trunks` are left to be taken."""
        forecast, now = self._forecasts[one.campaign.id], self._seconds()
        forecast_hour = self._hour(one.campaign.id)
        if forecast.hour != forecast_hour:
            forecast.turn(forecast_hour)
        forecast.mature(now)
        lines = calls.lines(one.key)
        view = View(
            now,
            staff.free,
            len(calls.waiting),
            staff.talking,
            staff.wrapping,
            calls=Lines([*lines.placed, *[now] * starting], lines.ringing),
            others=[Others(self._forecasts[campaign], lines) for campaign, lines in calls.others(one.key).items()],
            trunks=trunks,
        )
        return decide(view, forecast, self._budget(one.campaign.id, one.step.max_abandon), self._settings(one))

    def abandoned_share(self, campaign: str) -> float:
        """Answer the share of abandoned calls in the window of the budget that a campaign draws on."""
        budget = self._budgets.get("" if self._dialling.pooled else campaign)
        return budget.share(self._seconds()) if budget else 0.0

    def _settings(self, one: CallList) -> Settings:
        known, level = self._known.get(one.key), self._level(one)
        if known is None or known[0] is not one.step or known[1] != level:
            known = self._known[one.key] = one.step, level, self._settings_of(one, level)
        return known[2]

    def _level(self, one: CallList) -> float:
        return self._dialling.level * self._dialling.levels.get(one.campaign.id, 1.0)

    def _settings_of(self, one: CallList, level: float) -> Settings:
        dialling = self._dialling
        modes = {"power": Mode.POWER, "predictive": Mode.PREDICTIVE}
        return Settings(
            mode=modes.get(one.step.mode, Mode.PROGRESSIVE),
            ratio=one.step.ratio,
            level=level,
            max_lines=dialling.max_lines,
            small_team=dialling.small_team,
            min_ring=dialling.min_ring if one.step.mode == "predictive" else None,
        )

    def _budget(self, campaign: str, limit: float) -> Budget:
        key = "" if self._dialling.pooled else campaign
        if key not in self._budgets:
            self._budgets[key] = Budget(Terms(limit=limit, span=self._dialling.span))
        return self._budgets[key]

    def _hour(self, campaign: str) -> int:
        """Tell the hour of day, looked up once in a quarter of an hour: no zone begins an hour between."""
        quarter = int(self._seconds() // _QUARTER)
        known = self._hours.get(campaign)
        if known is None or known[0] != quarter:
            known = self._hours[campaign] = quarter, self._now().astimezone(self._zone(campaign)).hour
        return known[1]

    def _seconds(self) -> float:
        return self._now().timestamp()


def _was_tried(how: str | None, ringing_at: datetime | None) -> bool:
    """Tell whether a call that ended tells something about people: congestion without a ring does not."""
    return how in _UNANSWERED and (how != HowEnded.CONGESTION or ringing_at is not None)
