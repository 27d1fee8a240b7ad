"""The figures: what is counted when something happens, under labels that name nobody."""

from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contactd.domain.agent import State
from contactd.domain.happened import AttemptMoved, BatchPlanned, CallMoved
from contactd.engine.bus import Bus
from contactd.metrics import Metrics

Labels = tuple[tuple[str, str], ...]


def samples(metrics: Metrics, name: str) -> dict[Labels, float]:
    """Read a figure back as a monitoring system does, by its labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(sorted(sample.labels.items())): sample.value for sample in found}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Read one figure; None when it is not there."""
    return samples(metrics, name).get(tuple(sorted(labels.items())))


def moved(state: str, outcome: str = "") -> AttemptMoved:
    """Let an attempt of the reminder come to a state."""
    return AttemptMoved(1, 2, "standard", "reminder", "email", state, outcome)


@pytest.fixture
def metrics() -> Metrics:
    """Give the figures of a daemon that has just begun."""
    return Metrics()


def test_attempts_are_counted_by_what_became_of_them(metrics: Metrics) -> None:
    bus = Bus()
    bus.listen(metrics.hear)
    for event in (moved("accepted"), moved("accepted", "accepted"), moved("failed", "bounced"), "something else"):
        bus.publish(event)
    labels = {"campaign": "standard", "step": "reminder", "channel": "email"}
    assert value(metrics, "contactd_attempts_total", result="accepted", **labels) == 2
    assert value(metrics, "contactd_attempts_total", result="bounced", **labels) == 1


@pytest.mark.parametrize("told", ["550 no such user <erika@example.com>", "x" * 40, "+4917604069001", "Erika M."])
def test_a_providers_own_words_never_become_a_label(metrics: Metrics, told: str) -> None:
    metrics.hear(moved("failed", told))
    metrics.hear(BatchPlanned("standard", 0, {told: 1}))
    metrics.hear(CallMoved("1-1", "ended", told))
    metrics.took("accounts", {told: 1})
    text = metrics.render().decode()
    assert told not in text
    assert text.count('="other"') == 4


def test_no_label_names_a_customer_an_agent_or_a_call(metrics: Metrics) -> None:
    metrics.hear(AttemptMoved(987654321, 987654322, "standard", "call", "call", "failed", "busy", "987654324"))
    for stage in ("placed", "answered", "connected", "ended"):
        metrics.hear(CallMoved("987654323-1", stage, "answered" if stage == "ended" else ""))
    metrics.staffed({"mahnung": Counter({State.READY: 2})})
    assert "98765432" not in metrics.render().decode()


def test_the_held_are_those_of_the_last_run(metrics: Metrics) -> None:
    metrics.hear(BatchPlanned("standard", 5, {"dispute": 2, "quiet-hours": 3}))
    metrics.hear(BatchPlanned("other", 1, {"dispute": 9}))
    metrics.hear(BatchPlanned("standard", 7, {"paid": 1}))
    assert samples(metrics, "contactd_held_accounts") == {
        (("campaign", "other"), ("reason", "dispute")): 9,
        (("campaign", "standard"), ("reason", "paid")): 1,
    }
    assert value(metrics, "contactd_planned_attempts_total", campaign="standard") == 12
    assert value(metrics, "contactd_batches_total", campaign="standard") == 2


def test_calls_are_followed_from_stage_to_stage(metrics: Metrics) -> None:
    def live() -> list[float | None]:
        return [value(metrics, "contactd_calls", state=state) for state in ("placed", "answered", "connected")]

    assert live() == [0, 0, 0]
    for number in "123":
        metrics.hear(CallMoved(f"{number}-1", "placed"))
    metrics.hear(CallMoved("1-1", "answered"))
    metrics.hear(CallMoved("2-1", "answered"))
    assert live() == [1, 2, 0]
    metrics.hear(CallMoved("1-1", "connected"))
    assert live() == [1, 1, 1]
    metrics.hear(CallMoved("1-1", "ended", "answered"))
    metrics.hear(CallMoved("1-1", "disposed", "promise"))
    metrics.hear(CallMoved("2-1", "ended", "abandoned"))
    metrics.hear(CallMoved("3-1", "ended", "no_answer"))
    assert live() == [0, 0, 0]
    assert samples(metrics, "contactd_calls_ended_total") == {
        (("how", "answered"),): 1, (("how", "abandoned"),): 1, (("how", "no_answer"),): 1,
    }  # fmt: skip


def test_a_call_stands_where_it_stood_when_it_is_recorded_or_hears_music(metrics: Metrics) -> None:
    for stage in ("placed", "answered", "connected", "recorded", "held", "retrieved"):
        metrics.hear(CallMoved("1-1", stage))
    assert value(metrics, "contactd_calls", state="connected") == 1
    metrics.hear(CallMoved("1-1", "ended", "answered"))
    assert value(metrics, "contactd_calls", state="connected") == 0


def test_how_long_a_card_takes_to_be_painted_is_a_histogram(metrics: Metrics) -> None:
    metrics.popped(0.02)
    metrics.popped(-0.5)  # of two clocks
    metrics.popped(0.4)
    assert value(metrics, "contactd_desk_pop_seconds_bucket", le="0.3") == 2
    assert value(metrics, "contactd_desk_pop_seconds_count") == 3


def test_the_share_of_abandoned_calls_is_of_the_answered_ones(metrics: Metrics) -> None:
    assert value(metrics, "contactd_calls_abandoned_ratio") == 0
    metrics.hear(CallMoved("1-1", "ended", "busy"))
    assert value(metrics, "contactd_calls_abandoned_ratio") == 0
    for number, how in enumerate(("answered", "answered", "connected", "abandoned")):
        metrics.hear(CallMoved(f"{number}-1", "placed"))
        metrics.hear(CallMoved(f"{number}-1", "answered"))
        metrics.hear(CallMoved(f"{number}-1", "ended", how))
    assert value(metrics, "contactd_calls_abandoned_ratio") == 0.25


def test_the_customers_wait_for_an_agent_is_measured_once(metrics: Metrics) -> None:
    for stage in ("placed", "answered", "answered", "connected", "connected", "ended"):
        metrics.hear(CallMoved("1-1", stage, "connected"))
    metrics.hear(CallMoved("2-1", "connected"))  # adopted from a former life: nobody knows since when
    assert value(metrics, "contactd_answer_to_bridge_seconds_count") == 1
    assert value(metrics, "contactd_calls_answered_total") == 1


def test_agents_are_counted_by_team_and_state(metrics: Metrics) -> None:
    metrics.staffed({"a": Counter({State.READY: 2, State.TALK: 1}), "b": Counter()})
    assert value(metrics, "contactd_agents", team="a", state="ready") == 2
    assert value(metrics, "contactd_agents", team="b", state="ready") == 0
    metrics.staffed({"a": Counter({State.PAUSE: 1})})
    assert value(metrics, "contactd_agents", team="a", state="ready") == 0
    assert value(metrics, "contactd_agents", team="a", state="pause") == 1
    assert value(metrics, "contactd_agents", team="b", state="ready") is None


def test_a_queue_that_is_empty_again_waits_for_nothing(metrics: Metrics) -> None:
    metrics.waited({"email": 12.5, "sms": -0.1})
    metrics.waited({"sms": 3})
    assert samples(metrics, "contactd_queue_oldest_seconds") == {(("channel", "email"),): 0, (("channel", "sms"),): 3}


def test_reloads_lag_and_providers_are_shown_as_they_last_were(metrics: Metrics) -> None:
    assert value(metrics, "contactd_config_last_reload_successful") == 1
    metrics.reloaded(successful=False)
    metrics.lagged(0.25)
    metrics.lagged(-0.001)
    metrics.provider("sms", up=False)
    assert value(metrics, "contactd_config_last_reload_successful") == 0
    assert value(metrics, "contactd_event_loop_lag_seconds") == 0
    assert value(metrics, "contactd_provider_up", channel="sms") == 0


def test_two_daemons_in_one_process_count_apart(metrics: Metrics) -> None:
    metrics.hear(moved("accepted"))
    assert samples(Metrics(), "contactd_attempts_total") == {}


def test_the_process_and_the_program_are_described(metrics: Metrics) -> None:
    text = metrics.render().decode()
    assert "process_resident_memory_bytes " in text
    assert 'contactd_build_info{version="' in text
    assert "_created" not in text


def test_calls_of_customers_are_counted_by_how_they_ended_and_not_among_ours(metrics: Metrics) -> None:
    for stage, how in (("incoming", ""), ("answered", ""), ("connected", ""), ("ended", "abandoned")):
        metrics.hear(CallMoved("in-1", stage, how, inbound=True))
    assert value(metrics, "contactd_calls_incoming_total", how="abandoned") == 1
    assert value(metrics, "contactd_calls_answered_total") == 0
    assert value(metrics, "contactd_calls", state="connected") == 0
