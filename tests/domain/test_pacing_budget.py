"""The budget of abandoned calls: rolling windows that count on the careful side, and how bold the dialer may be."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.abandonment import Budget, Terms, Window

DAY = 86_400.0
happenings = st.lists(st.tuples(st.floats(0.0, 4000.0), st.booleans()), max_size=200)


def spend(budget: Budget, answered: int, abandoned: int, now: float = 0.0) -> Budget:
    """Let so many be answered, and abandon some of them."""
    for _ in range(answered):
        budget.learn_answer(now)
    for _ in range(abandoned):
        budget.learn_abandoned(now)
    return budget


@settings(deadline=None)
@given(happenings)
def test_a_window_never_forgets_what_it_still_has_to_count(gaps: list[tuple[float, bool]]) -> None:
    window, now, all_of_it = Window(3600.0, 60), 0.0, []
    for gap, abandoned in gaps:
        now += gap
        window.add(now, answered=not abandoned, abandoned=abandoned)
        all_of_it.append((now, abandoned))
        recent = [drop for at, drop in all_of_it if at > now - 3600.0]
        a_little_more = [drop for at, drop in all_of_it if at > now - 3660.0]
        assert sum(recent) <= window.abandoned <= sum(a_little_more)
        assert len(recent) - sum(recent) <= window.answered


@settings(deadline=None)
@given(happenings)
def test_a_budget_comes_back_from_plain_values_as_it_was(gaps: list[tuple[float, bool]]) -> None:
    budget, now = Budget(), 1_790_000_000.0
    for gap, abandoned in gaps:
        now += gap
        spend(budget, not abandoned, abandoned, now)
    again = Budget.from_dict(json.loads(json.dumps(budget.to_dict())))
    assert again.to_dict() == budget.to_dict()
    assert (again.left(now), again.hour_left(now)) == (budget.left(now), budget.hour_left(now))


def test_what_is_kept_stays_small_over_a_month_of_calls() -> None:
    budget = Budget()
    for number in range(100_000):
        budget.learn_answer(number * 40.0)
    assert len(json.dumps(budget.to_dict())) < 20_000


def test_a_clock_put_back_counts_as_now() -> None:
    window = Window(3600.0, 60)
    window.add(7200.0, answered=1)
    window.add(3000.0, answered=1)
    assert window.to_list() == [[120, 2, 0]]


def test_the_budget_is_spent_at_its_limit_and_free_again_when_the_window_has_passed() -> None:
    budget = spend(Budget(), 5000, 149)
    assert budget.left(0.0) == pytest.approx(0.0)
    assert spend(budget, 0, 1).left(0.0) < 0.0
    assert budget.share(0.0) == pytest.approx(0.03)
    assert budget.share(31 * DAY) == 0.0
    assert budget.left(31 * DAY) > 0.0


def test_a_window_of_a_day_forgets_yesterday() -> None:
    budget = spend(Budget(Terms(span=DAY)), 1000, 40)
    assert budget.left(0.0) < 0.0
    assert budget.left(1.1 * DAY) > 0.0


def test_a_few_calls_may_be_abandoned_before_many_were_answered() -> None:
    assert spend(Budget(), 10, 2).left(0.0) > 0.0
    assert spend(Budget(), 10, 6).left(0.0) < 0.0


def test_the_aim_stays_below_the_limit_and_nears_it() -> None:
    few, many = spend(Budget(), 10, 0).aim(), spend(Budget(), 20_000, 0).aim()
    assert 0.024 < few < many < 0.0286


def test_an_hour_has_its_own_limit() -> None:
    budget = spend(Budget(), 10_000, 0)
    spend(budget, 200, 9, 7200.0)
    assert budget.hour_left(7200.0) == pytest.approx(-0.5)
    assert budget.boldness(7200.0) == 0.0
    assert budget.hour_left(7200.0 + 3700.0) > 0.0


def test_answers_that_may_have_left_the_hour_allow_nothing() -> None:
    budget = spend(Budget(), 200, 0, 7200.0)
    spend(budget, 200, 0, 7230.0 + 60.0)
    whole = budget.hour_left(7200.0 + 3599.0)
    assert budget.hour_left(7200.0 + 3600.0) == pytest.approx(whole - 0.05 * 200)


def test_each_abandoned_call_makes_the_dialer_more_careful_and_each_answered_one_bolder() -> None:
    budget = spend(Budget(), 300, 3)
    before = budget.boldness(0.0)
    assert spend(budget, 0, 1).boldness(0.0) < before
    assert spend(budget, 60, 0).boldness(0.0) > budget.boldness(0.0) * 0.99


def test_what_was_saved_up_is_not_burnt_at_once() -> None:
    assert spend(Budget(), 50_000, 0).boldness(0.0) < 10.0


def test_the_dialer_becomes_careful_before_the_budget_is_spent() -> None:
    far, near = spend(Budget(), 5000, 120), spend(Budget(), 5000, 149)
    far.credit = near.credit = far.base = near.base = 0.0
    assert near.boldness(0.0) < far.boldness(0.0) == pytest.approx(1.0)


def test_a_few_calls_too_far_ahead_leave_little_boldness_but_some() -> None:
    budget = spend(Budget(), 300, 12)
    assert budget.left(0.0) > 0.0
    budget.credit = budget.base = 0.0
    assert 0.0 < budget.boldness(0.0) < 0.1


def test_without_tolerance_nothing_may_be_abandoned() -> None:
    budget = spend(Budget(Terms(limit=0.0)), 1000, 0)
    assert budget.left(0.0) < 0.0
    assert budget.boldness(0.0) == 0.0
