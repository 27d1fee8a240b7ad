"""What a monitoring system reads: Prometheus figures of one daemon; the engine tells, web/health.py shows.

Every label is bounded by the configuration or by a list of words here: never a customer, a number or an agent.
"""

import re
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from contactd.domain.agent import State
from contactd.domain.call import HowEnded
from contactd.domain.happened import AttemptMoved, BatchPlanned, CallMoved

# A second series beside every counter that only says when it began.
disable_created_metrics()  # type: ignore[no-untyped-call] # prometheus-client's own gap

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WORD = re.compile(r"[a-z][a-z_]{0,31}")
_OTHER = "other"
_LIVE = ("placed", "answered", "connected")
_ENDS = frozenset(how.value for how in HowEnded)
_POP_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
# 16 CFR 310.4(b)(4): a person who answered is to have an agent within two seconds.
_BRIDGE_SECONDS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class Metrics:
    """The figures of one daemon, in a registry of its own; call it from the event loop only."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stages: dict[str, str] = {}  # live calls only
        self._answered: dict[str, float] = {}
        self._teams: set[str] = set()
        self._channels: set[str] = set()
        ProcessCollector(registry=self._registry)
        self._make_counts()
        self._make_states()

    def _make_counts(self) -> None:
        registry = self._registry
        self._attempts = Counter(
            "contactd_attempts", "Attempts by what became of them; one may be accepted, then delivered",
            ["campaign", "step", "channel", "result"], registry=registry,
        )  # fmt: skip
        self._planned = Counter(
            "contactd_planned_attempts", "Attempts that planning runs took up", ["campaign"], registry=registry
        )
        self._batches = Counter("contactd_batches", "Planning runs", ["campaign"], registry=registry)
        self._ended = Counter("contactd_calls_ended", "Calls by how they ended", ["how"], registry=registry)
        self._came_in = Counter(
            "contactd_calls_incoming", "Calls of customers by how they ended", ["how"], registry=registry
        )
        self._picked_up = Counter("contactd_calls_answered", "Calls a person answered", registry=registry)
        self._intake = Counter(
            "contactd_intake_rows", "Rows taken or rejected over HTTP", ["kind", "result"], registry=registry
        )
        self._bridge = Histogram(
            "contactd_answer_to_bridge_seconds", "From the customer's answer to the agent's voice",
            buckets=_BRIDGE_SECONDS, registry=registry,
        )  # fmt: skip
        self._popped = Histogram(
            "contactd_desk_pop_seconds", "From the bridge until the agent's page says that the card is painted",
            buckets=_POP_SECONDS, registry=registry,
        )  # fmt: skip

    def _make_states(self) -> None:
        registry = self._registry
        Info("contactd_build", "This program", registry=registry).info({"version": version("contactd")})
        self._held = Gauge(
            "contactd_held_accounts", "Accounts the last planning run held back", ["campaign", "reason"],
            registry=registry,
        )  # fmt: skip
        self._calls = Gauge("contactd_calls", "Calls in progress", ["state"], registry=registry)
        self._abandoned = Gauge(
            "contactd_calls_abandoned_ratio", "Answered calls since the start that found no agent", registry=registry
        )
        self._agents = Gauge("contactd_agents", "Agents by what they are doing", ["team", "state"], registry=registry)
        self._oldest = Gauge(
            "contactd_queue_oldest_seconds", "For how long the oldest due attempt has waited", ["channel"],
            registry=registry,
        )  # fmt: skip
        self._lag = Gauge("contactd_event_loop_lag_seconds", "How late the loop last was", registry=registry)
        self._reloaded = Gauge(
            "contactd_config_last_reload_successful", "Whether the last reload was taken over", registry=registry
        )
        self._reloaded.set(1)
        self._provider = Gauge(
            "contactd_provider_up", "Whether a provider takes what it is given", ["channel"], registry=registry
        )
        self._idle = Gauge(
            "contactd_dialling", "What keeps a team from dialling; `dialling` when nothing does", ["team", "reason"],
            registry=registry,
        )  # fmt: skip
        self._callbacks = Gauge("contactd_callbacks", "Callbacks that wait", ["state"], registry=registry)
        self._hooked = Gauge(
            "contactd_webhook_events", "Events other software has not taken yet", ["webhook", "state"],
            registry=registry,
        )  # fmt: skip
        for state in _LIVE:
            self._calls.labels(state)

    def hear(self, event: object) -> None:
        """Count what happened; a listener of the bus."""
        match event:
            case AttemptMoved():
                self._count_attempt(event)
            case BatchPlanned(campaign, taken, held):
                self._batches.labels(campaign).inc()
                self._planned.labels(campaign).inc(taken)
                # Reasons of the run before are no longer true.
                self._held.remove_by_labels({"campaign": campaign})
                for reason, count in held.items():
                    self._held.labels(campaign, _word(reason)).inc(count)
            case CallMoved(inbound=True):
                if event.stage == "ended":
                    self._came_in.labels(_word(event.how_ended)).inc()
            case CallMoved():
                self._count_call(event)
            case _:
                pass

    def _count_attempt(self, event: AttemptMoved) -> None:
        self._attempts.labels(event.campaign, event.step, event.channel, _word(event.outcome or event.state)).inc()

    def _count_call(self, event: CallMoved) -> None:
        if event.stage not in _LIVE and event.stage != "ended":
            return  # a third person, a recording, music: the call stands where it stood
        before = self._stages.pop(event.reference, "")
        if event.stage == "ended":
            self._answered.pop(event.reference, None)
            self._ended.labels(event.how_ended if event.how_ended in _ENDS else _OTHER).inc()
            self._rate_abandoned()
        else:
            self._stages[event.reference] = event.stage
            if event.stage == "answered" and before != "answered":
                self._answered[event.reference] = time.monotonic()
                self._picked_up.inc()
                self._rate_abandoned()
            elif event.stage == "connected" and (since := self._answered.pop(event.reference, None)) is not None:
                self._bridge.observe(time.monotonic() - since)
        if before:
            self._calls.labels(before).dec()
        if event.stage != "ended":
            self._calls.labels(event.stage).inc()

    def _rate_abandoned(self) -> None:
        answered = _value(self._picked_up)
        if answered:
            self._abandoned.set(_value(self._ended.labels(HowEnded.ABANDONED.value)) / answered)

    def reloaded(self, *, successful: bool) -> None:
        """Note how a reload ended."""
        self._reloaded.set(successful)

    def lagged(self, seconds: float) -> None:
        """Note how late the loop was."""
        self._lag.set(max(0.0, seconds))

    def waited(self, oldest: Mapping[str, float]) -> None:
        """Note for how many seconds the oldest due attempt of each channel has waited; one not named waits for none."""
        for channel in self._channels - set(oldest):
            self._oldest.labels(channel).set(0)
        for channel, seconds in oldest.items():
            self._oldest.labels(str(channel)).set(max(0.0, seconds))
        self._channels |= set(oldest)

    def staffed(self, counts: Mapping[str, Mapping[State, int]]) -> None:
        """Note what the agents of each team are doing."""
        for team in self._teams - set(counts):
            self._agents.remove_by_labels({"team": team})
        for team, states in counts.items():
            for state in State:
                self._agents.labels(team, state.value).set(states.get(state, 0))
        self._teams = set(counts)

    def dialled(self, reasons: Mapping[str, Sequence[Mapping[str, object]]], *, waiting: int, overdue: int) -> None:
        """Note what keeps each team from dialling, and how many callbacks wait."""
        self._idle.clear()
        for team, told in reasons.items():
            for one in told:
                self._idle.labels(team, _word(str(one["reason"]))).set(1)
        self._callbacks.labels("waiting").set(waiting)
        self._callbacks.labels("overdue").set(overdue)

    def hooked(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Note by webhook how many events wait, fail and were given up."""
        self._hooked.clear()
        for webhook, states in counts.items():
            for state, count in states.items():
                self._hooked.labels(webhook, state).set(count)

    def popped(self, seconds: float) -> None:
        """Note how long after the bridge a customer's card was before the agent's eyes."""
        self._popped.observe(max(0.0, seconds))

    def provider(self, channel: str, *, up: bool) -> None:
        """Note whether the provider of a channel takes what it is given."""
        self._provider.labels(channel).set(up)

    def took(self, kind: str, counts: Mapping[str, int]) -> None:
        """Count rows that came in over HTTP, by what became of them."""
        for result, count in counts.items():
            self._intake.labels(kind, _word(result)).inc(count)

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self._registry)


def _word(text: str) -> str:
    """Keep what is a word of ours; anything else could be a provider's text with a customer in it."""
    word = text.lower().replace("-", "_")
    return word if _WORD.fullmatch(word) else _OTHER


def _value(counter: Counter) -> float:
    """Read a counter back."""
    return next(sample.value for family in counter.collect() for sample in family.samples)
