"""Tasks for people: their life, and what the ladder makes of the attempt that opened one."""

from datetime import date, datetime
from itertools import product

import pytest

from contactd.domain import attempt
from contactd.domain.account import Channel, StepTry
from contactd.domain.campaign import Step
from contactd.domain.errors import IllegalTransition
from contactd.domain.ladder import Due, Finished, Waiting, next_step, no_longer_due
from contactd.domain.money import Money
from contactd.domain.scenario import Found, Given, expected_step
from contactd.domain.task import TABLE, Event, State, end_of_attempt, is_overdue, step
from tests.domain.ladders import BRIEF, ladder, morning, noon
from tests.domain.people import PLAIN
from tests.domain.test_ladder import debtor

MEETING = Step("meeting", Channel.TASK, day=3, task="meeting", within_days=10)
TALKS = ladder(MEETING, BRIEF)


def opened(at: datetime, state: str = "accepted", outcome: str = "accepted", try_no: int = 1) -> StepTry:
    return StepTry("meeting", try_no, state, outcome, at, channel=Channel.TASK)


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_only_an_open_task_changes(state: State, event: Event) -> None:
    if state is State.OPEN:
        assert step(state, event) is TABLE[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"a task that is {state} cannot be {event}"):
            step(state, event)


def test_the_end_of_a_task_ends_its_attempt() -> None:
    assert end_of_attempt(State.OPEN) is None
    assert end_of_attempt(State.DONE) == (attempt.Event.CONFIRMED, "task_done")
    assert end_of_attempt(State.DONE, reaction=True) == (attempt.Event.CONFIRMED, "reaction")
    assert end_of_attempt(State.DROPPED) == (attempt.Event.REJECTED, "task_dropped")


@pytest.mark.parametrize(
    ("state", "day", "overdue"), [(State.OPEN, 1, True), (State.OPEN, 2, False), (State.DONE, 1, False)]
)
def test_an_open_task_is_overdue_once_its_day_is_over(state: State, day: int, *, overdue: bool) -> None:
    assert is_overdue(state, date(2026, 11, day), date(2026, 11, 2)) is overdue


def test_the_ladder_waits_for_an_open_task_however_long() -> None:
    assert next_step(TALKS, debtor(), noon(3)) == Due(MEETING, 1)
    assert next_step(TALKS, debtor(opened(noon(3))), noon(60)) == Waiting(MEETING, None, "attempt_open")
    assert no_longer_due(TALKS, BRIEF, 1, debtor(opened(noon(3))), noon(60)) == "attempt_open"


def test_a_task_that_is_done_lets_the_ladder_go_on_with_the_gap_of_the_schedule() -> None:
    done = debtor(opened(noon(20), "delivered", "task_done"))
    assert next_step(TALKS, done, noon(20)) == Waiting(BRIEF, morning(31), "not_due")
    assert next_step(TALKS, done, noon(31)) == Due(BRIEF, 1)


def test_a_customer_who_reacts_ends_the_ladder_of_the_case() -> None:
    assert next_step(TALKS, debtor(opened(noon(3), "delivered", "reaction")), noon(60)) == Finished("reaction")


def test_a_dropped_task_is_opened_again_only_where_the_step_has_another_try() -> None:
    dropped = debtor(opened(noon(3), "failed", "task_dropped"))
    assert next_step(TALKS, dropped, noon(20)) == Due(BRIEF, 1)
    stubborn = ladder(Step("meeting", Channel.TASK, day=3, attempts=2, task="meeting"), BRIEF)
    assert next_step(stubborn, dropped, noon(20)) == Due(stubborn.steps[0], 2)


def test_a_task_in_a_campaigns_test_is_done_on_its_day() -> None:
    given = Given(Money(8_000, "EUR"), 3)
    assert expected_step(TALKS, given, PLAIN, noon(40)) == Found("meeting")
    assert expected_step(TALKS, Given(Money(8_000, "EUR"), 14), PLAIN, noon(40)) == Found("brief")
