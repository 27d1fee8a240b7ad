"""The attempt's life, every pair of state and event."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.attempt import OPEN, TABLE, Event, State, sources, step
from contactd.domain.errors import IllegalTransition

LAWFUL = {
    "planned": {"claimed": "claimed", "forbidden": "cancelled"},
    "claimed": {
        "released": "planned",
        "postponed": "planned",
        "skipped": "planned",
        "forbidden": "cancelled",
        "begun": "sending",
    },
    "sending": {
        "not_taken": "planned",
        "taken": "accepted",
        "lost_sight": "unclear",
        "rejected": "failed",
        "confirmed": "delivered",
    },
    "unclear": {"not_taken": "planned", "taken": "accepted", "rejected": "failed", "confirmed": "delivered"},
    "accepted": {"rejected": "failed", "confirmed": "delivered"},
    "delivered": {"rejected": "failed"},
    "failed": {},
    "cancelled": {},
}


@pytest.mark.parametrize(("state", "event"), tuple(itertools.product(State, Event)))
def test_every_event_in_every_state_has_its_answer(state: State, event: Event) -> None:
    follows = LAWFUL[state].get(event)
    if follows is None:
        with pytest.raises(IllegalTransition, match=f"an attempt that is {state} cannot be {event}"):
            step(state, event)
        assert state not in sources(event)
    else:
        assert step(state, event) is State(follows)
        assert state in sources(event)


def test_nothing_is_sent_without_a_committed_intent() -> None:
    assert {state for (state, _), follows in TABLE.items() if follows is State.SENDING} == {State.CLAIMED}
    reached_outside = {State.ACCEPTED, State.DELIVERED, State.UNCLEAR}
    before = {state for (state, _), follows in TABLE.items() if follows in reached_outside}
    assert before <= {State.SENDING, *reached_outside}


def test_what_is_unclear_is_never_claimed_again_by_itself() -> None:
    assert {event for (state, event) in TABLE if state is State.UNCLEAR} == {
        Event.NOT_TAKEN,
        Event.TAKEN,
        Event.REJECTED,
        Event.CONFIRMED,
    }


@given(events=st.lists(st.sampled_from(Event), max_size=40))
def test_an_attempt_that_has_ended_never_opens_again(events: list[Event]) -> None:
    state, ended = State.PLANNED, False
    for event in events:
        try:
            state = step(state, event)
        except IllegalTransition:
            continue
        ended = ended or state not in OPEN
        assert not (ended and state in OPEN)
