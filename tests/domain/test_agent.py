"""The life of an agent as data: every pair of state and event, wishes, and the time somebody has been free."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.agent import TABLE, Agent, Event, State, longest_free, step
from contactd.domain.errors import IllegalTransition

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)

# Written by hand, not taken from the table: `!` is refused.
MATRIX = """
            offline  phone_wait   ready        reserved     talk   wrap   pause        unreachable
signed_in   ready    phone_wait   ready        reserved     talk   wrap   pause        ready
signed_out  offline  offline      offline      reserved     talk   wrap   offline      offline
paused      !        pause        pause        reserved     talk   wrap   pause        !
resumed     !        phone_wait   ready        reserved     talk   wrap   ready        !
reserved    !        !            reserved     !            !      !      !            !
released    !        !            !            ready        !      !      !            !
bridged     talk     talk         !            talk         !      !      !            !
hung_up     !        !            !            !            wrap   !      !            !
wrapped_up  offline  phone_wait   !            !            !      ready  pause        unreachable
timed_out   !        !            !            !            !      pause  !            !
lost        offline  unreachable  unreachable  unreachable  talk   wrap   unreachable  unreachable
found       offline  phone_wait   ready        reserved     talk   wrap   pause        pause
leg_up      offline  ready        ready        reserved     talk   wrap   pause        unreachable
leg_down    offline  phone_wait   phone_wait   phone_wait   wrap   wrap   pause        unreachable
"""


def cells() -> list[tuple[State, Event, str]]:
    """Read the matrix."""
    head, *rows = [line.split() for line in MATRIX.strip().splitlines()]
    return [
        (State(state), Event(name), cell)
        for name, *row in rows
        for state, cell in zip(head, row, strict=True)
    ]  # fmt: skip


def an_agent(state: State, *, wish: State | None = None) -> Agent:
    """Make an agent who is in that state since noon."""
    idle = NOON if state in (State.READY, State.RESERVED) else None
    return Agent("anna", state=state, since=NOON, idle_since=idle, wish=wish)


def after(agent: Agent, *events: Event) -> Agent:
    """Let one thing happen after the other, five minutes after noon."""
    for event in events:
        agent = step(agent, event, LATER)
    return agent


@pytest.mark.parametrize(("state", "event", "expected"), cells())
def test_every_event_in_every_state_has_the_written_answer(state: State, event: Event, expected: str) -> None:
    if expected == "!":
        with pytest.raises(IllegalTransition, match=f"who is {state} cannot be {event}"):
            step(an_agent(state), event, LATER)
        return
    agent = step(an_agent(state), event, LATER)
    assert agent.state == State(expected)
    assert agent.since == (NOON if agent.state is state else LATER)


def test_the_matrix_and_the_table_know_every_pair() -> None:
    assert len(cells()) == len(State) * len(Event)
    assert {(state, event) for state, event, cell in cells() if cell != "!"} == set(TABLE)


@pytest.mark.parametrize("state", [State.RESERVED, State.TALK, State.WRAP])
@pytest.mark.parametrize(
    ("wished", "becomes"),
    [(Event.PAUSED, State.PAUSE), (Event.SIGNED_OUT, State.OFFLINE)],
)
def test_a_wish_uttered_during_a_call_comes_true_after_it(state: State, wished: Event, becomes: State) -> None:
    rest = {
        State.RESERVED: [Event.BRIDGED, Event.HUNG_UP, Event.WRAPPED_UP],
        State.TALK: [Event.HUNG_UP, Event.WRAPPED_UP],
        State.WRAP: [Event.WRAPPED_UP],
    }
    agent = after(an_agent(state), wished, *rest[state])
    assert agent.state is becomes
    assert agent.wish is None


def test_a_wish_for_a_pause_can_be_taken_back() -> None:
    assert (
        after(an_agent(State.TALK), Event.PAUSED, Event.RESUMED, Event.HUNG_UP, Event.WRAPPED_UP).state is State.READY
    )


def test_a_call_that_never_came_about_fulfils_a_wish_too() -> None:
    assert after(an_agent(State.RESERVED), Event.PAUSED, Event.RELEASED).state is State.PAUSE


def test_the_reason_of_a_pause_is_kept_as_long_as_the_pause() -> None:
    agent = step(an_agent(State.TALK), Event.PAUSED, NOON, "lunch")
    agent = after(agent, Event.HUNG_UP, Event.WRAPPED_UP)
    assert (agent.state, agent.reason) == (State.PAUSE, "lunch")
    assert after(agent, Event.RESUMED).reason == ""


def test_whoever_writes_too_long_goes_into_a_pause_that_says_why() -> None:
    agent = after(an_agent(State.WRAP), Event.TIMED_OUT)
    assert (agent.state, agent.reason) == (State.PAUSE, "nachbearbeitung")
    assert after(agent, Event.WRAPPED_UP).state is State.PAUSE


def test_whoever_wished_to_leave_and_writes_too_long_has_left() -> None:
    assert after(an_agent(State.WRAP), Event.SIGNED_OUT, Event.TIMED_OUT).state is State.OFFLINE


def test_a_pause_after_writing_too_long_ends_when_the_agent_says_so_even_if_one_was_wished() -> None:
    assert after(an_agent(State.WRAP), Event.PAUSED, Event.TIMED_OUT, Event.RESUMED).state is State.READY


def test_a_desk_lost_during_a_conversation_lets_it_end_and_gives_no_other_call() -> None:
    agent = after(an_agent(State.TALK), Event.LOST)
    assert agent.state is State.TALK
    assert after(agent, Event.HUNG_UP, Event.WRAPPED_UP).state is State.UNREACHABLE


def test_a_desk_that_came_back_during_a_conversation_takes_the_next_call() -> None:
    assert after(an_agent(State.TALK), Event.LOST, Event.FOUND, Event.HUNG_UP, Event.WRAPPED_UP).state is State.READY


def test_a_desk_that_came_back_has_not_forgotten_the_wish_for_a_pause() -> None:
    agent = after(an_agent(State.TALK), Event.PAUSED, Event.LOST, Event.FOUND, Event.HUNG_UP, Event.WRAPPED_UP)
    assert agent.state is State.PAUSE


def test_a_call_that_never_came_about_does_not_cost_the_place_in_the_queue() -> None:
    agent = after(an_agent(State.READY), Event.RESERVED, Event.RELEASED)
    assert agent.idle_since == NOON


def test_a_conversation_costs_the_place_in_the_queue() -> None:
    agent = after(an_agent(State.READY), Event.RESERVED, Event.BRIDGED, Event.HUNG_UP, Event.WRAPPED_UP)
    assert agent.idle_since == LATER


def test_the_longest_free_agent_comes_first_and_equals_are_ordered_by_name() -> None:
    anna = an_agent(State.READY)
    berta = replace(anna, id="berta")
    clara = replace(anna, id="clara", idle_since=NOON - timedelta(seconds=1))
    assert [agent.id for agent in sorted([berta, anna, clara], key=longest_free)] == ["clara", "anna", "berta"]


def test_who_is_not_free_has_no_place_in_the_queue() -> None:
    with pytest.raises(ValueError, match="anna is talk, not free"):
        longest_free(an_agent(State.TALK))


@given(st.lists(st.sampled_from(list(Event))))
def test_whatever_happens_only_the_free_and_the_reserved_have_a_place_in_the_queue(events: list[Event]) -> None:
    agent = Agent("anna")
    for event in events:
        try:
            agent = step(agent, event, NOON)
        except IllegalTransition:
            continue
        assert (agent.idle_since is not None) == (agent.state in (State.READY, State.RESERVED))
        assert agent.wish is None or agent.state in (State.RESERVED, State.TALK, State.WRAP)


@pytest.mark.parametrize("event", [Event.LEG_DOWN, Event.LOST])
@pytest.mark.parametrize(("wished", "becomes"), [(Event.PAUSED, State.PAUSE), (Event.SIGNED_OUT, State.OFFLINE)])
def test_whoever_wished_to_go_has_gone_even_if_telephone_or_desk_went_first(
    event: Event, wished: Event, becomes: State
) -> None:
    agent = after(an_agent(State.RESERVED), wished, event, Event.LEG_UP, Event.FOUND)
    assert agent.state is becomes
    assert agent.wish is None


def test_without_a_telephone_nobody_is_ready_before_it_is_up() -> None:
    agent = after(an_agent(State.PAUSE), Event.LEG_DOWN, Event.RESUMED)
    assert agent.state is State.PHONE_WAIT
    assert after(agent, Event.LEG_UP).state is State.READY
    talking = after(an_agent(State.TALK), Event.LEG_DOWN, Event.WRAPPED_UP)
    assert talking.state is State.PHONE_WAIT
