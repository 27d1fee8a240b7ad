"""The life of a call as data: every pair of state and event, and random walks that end exactly once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.call import (
    CARRIER_EVENTS,
    TABLE,
    Call,
    Command,
    Event,
    HowEnded,
    State,
    came_in,
    in_flight,
    step,
)
from contactd.domain.call_limits import Limits, deadline, tick
from contactd.domain.errors import IllegalTransition

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

# Written by hand, not taken from the table: `.` changes nothing, `!` is refused, a word in capitals is how it ends;
# `anew`: the same state, whose time begins again.
MATRIX = """
                    placed      ringing     cancelling  machine  playing    listening  farewell  waiting      bridging     connected  hold       outside    apologising  incoming  queued       closed  ended
ringing             ringing     .           .           .        .          .          .         .            .            .          .          .          .            .         .            .       .
answered            waiting     waiting     waiting     .        .          .          .         .            .            .          .          .          .            .         .            .       .
answered_agentless  playing     playing     playing     .        .          .          .         .            .            .          .          .          .            .         .            .       .
busy                BUSY        BUSY        CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  ABANDONED    ABANDONED    ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    ABANDONED    MISSED  .
no_answer           NO_ANSWER   NO_ANSWER   CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  ABANDONED    ABANDONED    ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    ABANDONED    MISSED  .
machine             MACHINE     MACHINE     CANCELLED   .        MACHINE    MACHINE    MACHINE   MACHINE      MACHINE      .          .          .          MACHINE      .         .            .       .
machine_takes_text  machine     machine     CANCELLED   .        machine    machine    machine   machine      machine      .          .          .          MACHINE      .         .            .       .
invalid             INVALID     INVALID     CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  ABANDONED    ABANDONED    ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    ABANDONED    MISSED  .
rejected            REJECTED    REJECTED    CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  ABANDONED    ABANDONED    ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    ABANDONED    MISSED  .
congestion          CONGESTION  CONGESTION  CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  ABANDONED    ABANDONED    ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    ABANDONED    MISSED  .
failed              FAILED      FAILED      CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  ABANDONED    ABANDONED    ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    ABANDONED    MISSED  .
bridged             .           .           .           .        .          .          .         .            connected    .          .          .          .            .         .            .       .
held                .           .           .           .        .          .          .         .            .            hold       .          .          .            .         .            .       .
retrieved           .           .           .           .        .          .          .         .            .            .          connected  .          .            .         .            .       .
pressed             .           .           .           .        .          anew       .         .            .            .          .          .          .            .         .            .       .
wants_agent         .           .           .           .        waiting    waiting    .         .            .            .          .          .          .            .         .            .       .
speaks_on           .           .           .           .        anew       playing    .         .            .            .          .          .          .            .         .            .       .
parts               .           .           .           .        farewell   farewell   .         .            .            .          .          .          .            .         .            .       .
played              .           .           .           MACHINE  ANSWERED   .          ANSWERED  .            .            .          .          .          ABANDONED    .         waiting      MISSED  .
played_asking       .           .           .           .        listening  .          .         .            .            .          .          .          .            .         .            .       .
hung_up             FAILED      NO_ANSWER   CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  ABANDONED    ABANDONED    ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    ABANDONED    MISSED  .
lost                LOST        LOST        CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  LOST         LOST         ANSWERED   ANSWERED   ANSWERED   LOST         LOST      LOST         LOST    .
not_taken           CONGESTION  .           CANCELLED   .        .          .          .         .            .            .          .          .          .            .         .            .       .
agent_found         !           !           !           !        !          !          !         bridging     !            !          !          !          !            bridging  bridging     !       !
nobody_free         !           !           !           !        !          !          !         apologising  !            !          !          !          !            queued    apologising  !       !
nobody_there        !           !           !           !        !          !          !         !            !            !          !          !          !            closed    !            !       !
agent_lost          !           !           !           !        !          !          !         !            waiting      waiting    waiting    !          !            !         !            !       !
agent_done          !           !           !           !        !          !          !         !            !            ANSWERED   ANSWERED   !          !            !         !            !       !
handed_over         !           !           !           !        !          !          !         !            !            bridging   bridging   !          !            !         !            !       !
left                !           !           !           !        !          !          !         !            !            outside    outside    !          !            !         !            !       !
cancelled           cancelling  cancelling  !           !        !          !          !         !            !            !          !          !          !            !         !            !       !
timed_out           LOST        NO_ANSWER   CANCELLED   MACHINE  ANSWERED   ANSWERED   ANSWERED  apologising  apologising  ANSWERED   ANSWERED   ANSWERED   ABANDONED    MISSED    apologising  MISSED  !
"""  # noqa: E501 - a table is read across


def cells() -> list[tuple[State, Event, str]]:
    """Read the matrix."""
    head, *rows = [line.split() for line in MATRIX.strip().splitlines()]
    return [
        (State(state), Event(name), cell)
        for name, *row in rows
        for state, cell in zip(head, row, strict=True)
    ]  # fmt: skip


def a_call(state: State) -> Call:
    """Make a call that is in that state since noon."""
    waiting = NOON if state in (State.WAITING, State.QUEUED, State.BRIDGING) else None
    answered = NOON if state in (State.PLAYING, State.LISTENING) else waiting
    return Call("7-1", NOON, state=state, since=NOON, answered_at=answered, waiting_at=waiting)


@pytest.mark.parametrize(("state", "event", "expected"), cells())
def test_every_event_in_every_state_has_the_written_answer(state: State, event: Event, expected: str) -> None:
    before = a_call(state)
    if expected == "!":
        with pytest.raises(IllegalTransition, match="7-1"):
            step(before, event, NOON)
        return
    after, commands = step(before, event, NOON + SECOND)
    if expected == ".":
        assert after == before
        assert commands == ()
    elif expected == "anew":
        assert after == replace(before, since=NOON + SECOND)
        assert Command.LOG not in commands
    elif expected.isupper():
        assert (after.state, after.how) == (State.ENDED, HowEnded(expected.lower()))
        assert commands[-1] is Command.LOG
        assert after.ended_at == NOON + SECOND
    else:
        assert after.state == State(expected)
        assert after.how is None
        assert Command.LOG not in commands


def test_the_matrix_and_the_table_know_every_pair() -> None:
    assert len(cells()) == len(State) * len(Event)
    assert {(state, event) for state, event, cell in cells() if cell != "!"} == set(TABLE)


def test_an_answer_without_ringing_tells_that_the_carrier_has_the_call_and_asks_for_an_agent() -> None:
    call, commands = step(a_call(State.PLACED), Event.ANSWERED, NOON)
    assert commands == (Command.NOTE_TAKEN, Command.FIND_AGENT)
    assert call.taken
    assert call.ringing_at is None
    assert call.answered_at == NOON


def test_that_the_carrier_has_the_call_is_noted_once_even_when_it_is_answered_while_being_cancelled() -> None:
    call, first = step(a_call(State.PLACED), Event.RINGING, NOON)
    call, _ = step(call, Event.CANCELLED, NOON)
    _, later = step(call, Event.ANSWERED, NOON)
    assert first == (Command.NOTE_TAKEN,)
    assert later == (Command.FIND_AGENT,)


def test_a_machine_that_turns_out_so_while_an_agent_is_fetched_gives_the_agent_back() -> None:
    call, commands = step(a_call(State.BRIDGING), Event.MACHINE, NOON)
    assert call.how is HowEnded.MACHINE
    assert commands == (Command.HANG_UP, Command.RELEASE_AGENT, Command.LOG)


def test_a_bridge_that_does_not_come_about_takes_the_agent_out_and_apologises() -> None:
    _, commands = step(a_call(State.BRIDGING), Event.TIMED_OUT, NOON)
    assert commands == (Command.LOSE_AGENT, Command.APOLOGISE)


def test_a_lost_agent_is_replaced_while_the_persons_time_runs_on() -> None:
    call, _ = step(a_call(State.RINGING), Event.ANSWERED, NOON)
    call, _ = step(call, Event.AGENT_FOUND, NOON + SECOND)
    call, commands = step(call, Event.AGENT_LOST, NOON + SECOND)
    assert commands == (Command.LOSE_AGENT, Command.FIND_AGENT)
    assert deadline(call, Limits()) == NOON + 2 * SECOND


def test_whose_agent_is_gone_in_mid_call_waits_for_another_one_and_was_spoken_to_all_the_same() -> None:
    call, _ = step(a_call(State.BRIDGING), Event.BRIDGED, NOON)
    call, commands = step(call, Event.AGENT_LOST, NOON + 60 * SECOND)
    assert commands == (Command.PART_AGENT, Command.FIND_AGENT)
    assert deadline(call, Limits()) == NOON + 62 * SECOND
    call, _ = step(call, Event.TIMED_OUT, NOON + 62 * SECOND)
    call, _ = step(call, Event.HUNG_UP, NOON + 70 * SECOND)
    assert (call.how, call.connected_at) == (HowEnded.ANSWERED, NOON)


def test_a_call_the_carrier_lost_gives_back_the_agent_who_was_kept_and_has_one_who_talked_write() -> None:
    _, kept = step(a_call(State.BRIDGING), Event.LOST, NOON)
    _, talked = step(a_call(State.CONNECTED), Event.LOST, NOON)
    assert (kept, talked) == ((Command.RELEASE_AGENT, Command.LOG), (Command.WRAP_UP, Command.LOG))


def test_whom_the_carrier_loses_while_they_wait_for_another_agent_was_spoken_to_all_the_same() -> None:
    call, _ = step(a_call(State.BRIDGING), Event.BRIDGED, NOON)
    call, _ = step(call, Event.AGENT_LOST, NOON)
    call, _ = step(call, Event.LOST, NOON)
    assert call.how is HowEnded.ANSWERED


def test_who_presses_1_waits_from_then_on() -> None:
    call, commands = step(a_call(State.RINGING), Event.ANSWERED_AGENTLESS, NOON)
    assert commands == (Command.NOTE_TAKEN, Command.PLAY)
    call, commands = step(call, Event.WANTS_AGENT, NOON + 20 * SECOND)
    assert commands == (Command.FIND_AGENT,)
    assert deadline(call, Limits()) == NOON + 22 * SECOND
    assert call.answered_at == NOON


def test_every_text_and_every_key_after_it_has_its_own_time() -> None:
    call, _ = step(a_call(State.PLAYING), Event.SPEAKS_ON, NOON + 80 * SECOND)
    assert deadline(call, Limits()) == NOON + 170 * SECOND
    call, _ = step(call, Event.PLAYED_ASKING, NOON + 90 * SECOND)
    assert deadline(call, Limits()) == NOON + 97 * SECOND
    call, commands = step(call, Event.PRESSED, NOON + 95 * SECOND)
    assert (deadline(call, Limits()), commands) == (NOON + 102 * SECOND, ())
    call, commands = tick(call, NOON + 102 * SECOND, Limits())
    assert (call.how, commands) == (HowEnded.ANSWERED, (Command.HANG_UP, Command.LOG))


def test_the_times_of_all_stages_are_kept_to_the_end() -> None:
    call = Call("7-1", NOON)
    events = [Event.RINGING, Event.ANSWERED, Event.AGENT_FOUND, Event.BRIDGED, Event.HUNG_UP]
    for number, event in enumerate(events, start=1):
        call, _ = step(call, event, NOON + number * SECOND)
    times = [call.placed_at, call.ringing_at, call.answered_at, call.connected_at, call.ended_at]
    assert times == [NOON + number * SECOND for number in (0, 1, 2, 4, 5)]


@pytest.mark.parametrize("state", [state for state in State if state is not State.ENDED])
def test_no_state_lasts_for_ever(state: State) -> None:
    limits = Limits()
    due = deadline(a_call(state), limits)
    assert due is not None
    assert tick(a_call(state), due - SECOND / 1000, limits) == (a_call(state), ())
    after, commands = tick(a_call(state), due, limits)
    assert after.state is not state
    assert commands


def test_an_ended_call_has_no_deadline_any_more() -> None:
    assert tick(a_call(State.ENDED), NOON + timedelta(days=9), Limits()) == (a_call(State.ENDED), ())


def test_a_call_that_was_never_heard_of_since_it_was_placed_counts_from_then() -> None:
    assert deadline(Call("7-1", NOON), Limits()) == NOON + Limits().placed


def test_a_call_is_in_flight_until_an_agent_is_reserved_or_the_apology_begins() -> None:
    flying = {state for state in State if in_flight(a_call(state))}
    assert flying == {
        State.PLACED, State.RINGING, State.CANCELLING, State.WAITING, State.INCOMING, State.QUEUED,
    }  # fmt: skip


def test_whoever_calls_us_is_answered_when_there_is_an_agent_for_them() -> None:
    call, commands = step(came_in("in-7", NOON), Event.AGENT_FOUND, NOON + SECOND)
    assert commands == (Command.ANSWER, Command.BRIDGE)
    assert (call.answered_at, call.placed_at, call.inbound) == (NOON + SECOND, NOON, True)
    call, _ = step(call, Event.BRIDGED, NOON + 2 * SECOND)
    call, commands = step(call, Event.HUNG_UP, NOON + 60 * SECOND)
    assert (call.how, commands) == (HowEnded.ANSWERED, (Command.WRAP_UP, Command.LOG))


def test_whoever_calls_us_when_nobody_is_free_has_one_time_for_text_and_music() -> None:
    call, commands = step(came_in("in-7", NOON), Event.NOBODY_FREE, NOON + SECOND)
    assert commands == (Command.ANSWER, Command.QUEUE)
    call, commands = step(call, Event.PLAYED, NOON + 11 * SECOND)
    assert (call.state, commands) == (State.WAITING, (Command.FIND_AGENT,))
    assert deadline(call, Limits()) == NOON + 61 * SECOND
    call, commands = tick(call, NOON + 61 * SECOND, Limits())
    assert commands == (Command.APOLOGISE,)
    call, _ = step(call, Event.PLAYED, NOON + 70 * SECOND)
    assert call.how is HowEnded.ABANDONED


def test_whoever_calls_us_and_loses_their_agent_before_a_word_waits_from_then_on() -> None:
    call, _ = step(came_in("in-7", NOON), Event.AGENT_FOUND, NOON)
    call, commands = step(call, Event.AGENT_LOST, NOON + 5 * SECOND)
    assert (call.state, commands) == (State.WAITING, (Command.LOSE_AGENT, Command.FIND_AGENT))
    assert deadline(call, Limits()) == NOON + 65 * SECOND


def test_whoever_calls_us_at_night_hears_so_and_is_missed() -> None:
    call, commands = step(came_in("in-7", NOON), Event.NOBODY_THERE, NOON)
    assert commands == (Command.ANSWER, Command.SAY_CLOSED)
    call, commands = step(call, Event.PLAYED, NOON + 9 * SECOND)
    assert (call.how, commands) == (HowEnded.MISSED, (Command.HANG_UP, Command.LOG))


BEGINNINGS = (Call("7-1", NOON), came_in("in-7", NOON))


@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(list(Event))))
def test_whatever_comes_a_call_is_logged_exactly_once_at_its_end(call: Call, events: list[Event]) -> None:
    given_out = list[Command]()
    for event in events:
        try:
            call, commands = step(call, event, NOON)
        except IllegalTransition:
            continue
        given_out += commands
        ended = call.state is State.ENDED
        assert given_out.count(Command.LOG) == (1 if ended else 0)
        assert (call.how is not None) == ended
        assert (call.ended_at is not None) == ended
        assert given_out.count(Command.NOTE_TAKEN) <= 1
        assert given_out.count(Command.ANSWER) <= 1
        held = call.state in (State.BRIDGING, State.CONNECTED, State.HOLD)
        given_back = sum(
            given_out.count(command)
            for command in (Command.RELEASE_AGENT, Command.LOSE_AGENT, Command.PART_AGENT, Command.WRAP_UP)
        )
        assert given_out.count(Command.BRIDGE) - given_back == (1 if held else 0)


@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(sorted(CARRIER_EVENTS))))
def test_a_call_of_which_nothing_more_is_heard_ends_by_time_alone(call: Call, events: list[Event]) -> None:
    now, limits = NOON, Limits()
    for event in events:
        call, _ = step(call, event, now)
    for _ in State:
        due = deadline(call, limits)
        now = max(now, due) if due is not None else now
        call, _ = tick(call, now, limits)
    assert call.state is State.ENDED
