"""What the dialer learns: distributions come out as they went in, survive being kept, and forget."""

import json
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.distributions import AGES, Durations, Rings
from contactd.domain.forecast import LEADS, Forecast, Line, Lines

NOON = 43_200.0


def rung(calls: int, *, cancel_at: float | None = None, seed: int = 1) -> Rings:
    """Learn from calls: three in ten answered after 6 to 25 seconds, the others rung out at 25."""
    draw, rings = random.Random(seed), Rings()
    for _ in range(calls):
        answered = draw.random() < 0.3
        age = draw.uniform(6, 25) if answered else 25.0
        if cancel_at is not None and age > cancel_at and draw.random() < 0.5:
            rings.learn_cancel(cancel_at)
        elif answered:
            rings.learn_answer(age)
        else:
            rings.learn_end(age)
        rings.look_again()
    return rings


def over(durations: Durations, elapsed: float, lead: float) -> float:
    """Estimate the probability that what has lasted so long is over within a lead."""
    return durations.row(elapsed, (lead,))[0]


def test_estimates_move_when_enough_was_learned() -> None:
    rings = Rings()
    assert not rings.look_again()
    rings, moved = rung(400), []  # so many that eight more are enough
    for place in range(20):
        rings.learn_answer(3.0)
        moved += [place] if rings.look_again() else []
    assert {later - place for place, later in pairwise(moved)} == {8}


def test_the_share_of_answers_is_found() -> None:
    assert rung(2000).within(0, 60) == pytest.approx(0.3, abs=0.05)


def test_the_time_to_the_answer_is_found() -> None:
    rings = rung(3000)
    assert rings.answered_before(6) == pytest.approx(0.0, abs=0.01)
    assert rings.answered_before(15.5) == pytest.approx(0.5, abs=0.06)
    assert rings.answer_age(0.5) == pytest.approx(16, abs=1)


def test_calls_that_were_hung_up_do_not_make_people_look_absent() -> None:
    whole, cut = rung(3000), rung(3000, cancel_at=15.0)
    assert cut.rate == pytest.approx(whole.rate, abs=0.06)
    assert cut.answered_before(20) == pytest.approx(whole.answered_before(20), abs=0.06)


def test_a_call_that_has_rung_out_its_time_is_not_expected_to_be_answered() -> None:
    rings = rung(3000)
    assert rings.within(27, 20) < 0.1
    assert rings.within(10_000, 20) == 0.0


def test_the_older_a_ringing_call_the_likelier_its_answer_comes_soon() -> None:
    rings = rung(3000)
    assert rings.within(0, 3) < rings.within(8, 3)


def test_a_change_of_the_answer_rate_is_noticed_within_some_hundred_calls() -> None:
    rings = rung(2000)
    for _ in range(600):
        rings.learn_end(25.0)
    assert rings.rate < 0.1


def test_who_has_written_for_long_is_expected_soon_and_others_learn_anew() -> None:
    forecast = Forecast()
    for _ in range(200):
        forecast.learn_wrap(20.0)
    assert forecast.done_soon([NOON - 19.7, NOON - 20.1, NOON - 3], NOON) == pytest.approx(2.0, abs=0.2)
    for _ in range(2000):
        forecast.learn_wrap(40.0)
    assert forecast.done_soon([NOON - 19.7, NOON - 20.1, NOON - 3], NOON) < 0.2


def test_doubt_shrinks_with_what_is_known() -> None:
    assert rung(20).doubt() > rung(200).doubt() > 0


def test_counts_stay_small_however_long_the_daemon_runs() -> None:
    rings, durations = Rings(), Durations(30.0)
    for number in range(70_000):
        rings.learn_answer(number % 20)
        rings.look_again()
        durations.learn(number % 40)
    assert max(rings.answered) < 1e12
    assert max(durations.bins) < 1e12
    assert rings.rate == pytest.approx(1.0)


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 20_000.0), max_size=60), st.floats(0, 20_000), st.floats(-10, 2000), st.floats(0, 500))
def test_whoever_is_waited_for_longer_is_the_likelier_to_be_free(
    lasted: list[float], elapsed: float, lead: float, more: float
) -> None:
    durations = Durations(30.0)
    for seconds in lasted:
        durations.learn(seconds)
    soon, later = over(durations, elapsed, lead), over(durations, elapsed, lead + more)
    assert 0.0 <= soon <= later + 1e-12
    assert later <= 1.0 + 1e-9


def test_nobody_is_counted_on_before_anything_was_learned() -> None:
    assert over(Durations(30.0), 0.0, 60.0) == 0.0


def test_how_long_something_lasts_is_found() -> None:
    durations = Durations(30.0)
    for number in range(1000):
        durations.learn(20.0 + number % 20)
    assert over(durations, 0.0, 30.0) == pytest.approx(0.5, abs=0.05)
    assert over(durations, 25.0, 20.0) > 0.95
    assert durations.mean == pytest.approx(29.5, abs=0.5)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("aec"), st.floats(0.0, 200.0), st.booleans(), st.integers(0, 23)), max_size=120)
)
def test_a_forecast_comes_back_from_plain_values_as_it_was(events: list[tuple[str, float, bool, int]]) -> None:
    forecast = Forecast()
    for what, age, rang, hour in events:
        line = Line(NOON, NOON + 1 if rang else None)
        if what == "a":
            forecast.learn_answer(line, NOON + age, hour)
        elif what == "e":
            forecast.learn_end(line, NOON + age, hour)
        else:
            forecast.learn_cancel(line, NOON + age)
        forecast.learn_talk(age * 3)
        forecast.learn_wrap(age)
    kept = forecast.to_dict()
    again = Forecast.from_dict(json.loads(json.dumps(kept)))
    assert again.to_dict() == kept
    assert len(again.leads) == LEADS
    again.learn_end(Line(NOON), NOON + 5, 3)


def trained() -> Forecast:
    """Learn that people answer at nine and do not at eleven."""
    forecast = Forecast()
    for block, (hour, one_in) in enumerate(((9, 2), (11, 10), (9, 2))):
        for number in range(400):
            learn, placed = (
                forecast.learn_end if number % one_in else forecast.learn_answer,
                NOON + 500 * block + number,
            )
            learn(Line(placed, placed + 2), placed + 12, hour)
        forecast.mature(NOON + 500 * (block + 1))
    return forecast


def test_of_calls_placed_at_once_those_that_end_first_are_no_sample_of_all() -> None:
    forecast = Forecast()
    for busy in range(50):
        forecast.learn_end(Line(NOON), NOON + 2 + busy / 50, 9)
    assert (forecast.placed.rate, forecast.placed.known) == (0.3, 0)
    for answered in range(100):
        forecast.learn_answer(Line(NOON, NOON + 1), NOON + 6 + answered / 10, 9)
    for _ in range(50):
        forecast.learn_cancel(Line(NOON, NOON + 1), NOON + 20)
    forecast.mature(NOON + 29)
    assert forecast.placed.known == 0
    forecast.mature(NOON + 30)
    assert (forecast.placed.known, forecast.ringing.known) == (200, 150)
    assert forecast.placed.rate == pytest.approx(0.55, abs=0.1)


def test_another_hour_of_the_day_moves_the_estimate_at_once() -> None:
    forecast = trained()
    at_nine = forecast.placed.rate
    forecast.turn(11)
    assert at_nine > 0.4
    assert forecast.placed.rate < 0.2
    forecast.turn(15)
    assert forecast.placed.rate < 0.2


def test_a_call_that_is_learned_from_after_the_hour_does_not_turn_it_back() -> None:
    forecast, placed = trained(), NOON + 2000.0
    forecast.learn_answer(Line(placed, placed + 2), placed + 9, 9)
    forecast.turn(15)
    answered, rate = forecast.hours[9][0], forecast.placed.rate
    forecast.mature(placed + 40)
    assert forecast.hour == 15
    assert forecast.hours[9][0] > answered
    assert forecast.placed.rate == pytest.approx(rate, abs=0.01)


def test_after_a_restart_the_hour_says_what_to_expect() -> None:
    forecast = Forecast.from_dict(trained().to_dict())
    forecast.turn(11)
    assert forecast.placed.rate == pytest.approx(0.1, abs=0.03)


def test_a_rate_of_one_can_be_moved_too() -> None:
    forecast = trained()
    forecast.placed.rate = 1.0
    forecast.turn(11)
    assert 0.9 < forecast.placed.rate < 1.0


def test_ringing_that_begins_late_is_reckoned_with() -> None:
    forecast = trained()
    assert forecast.ring_delay == pytest.approx(2.0, abs=0.1)
    assert sum(forecast.early_shares(15.0)) == pytest.approx(LEADS, abs=0.1)
    assert sum(forecast.early_shares(5.0)) < 1.0
    assert forecast.early_shares(None) == (1.0,) * LEADS


def test_calls_alike_are_counted_together() -> None:
    forecast = trained()
    rows = forecast.answers(Lines([NOON - 5, NOON - 5, NOON - 900], [NOON - 7]), NOON)
    assert sorted(count for _, count in rows) == [1, 1, 2]


def test_calls_alike_are_those_of_the_same_whole_seconds() -> None:
    forecast, ages = trained(), [0.0, 0.49, 0.5, 3.0, 3.49, 3.5, 60.0, 119.5, 400.0, 9000.0, -2.0]
    counted = Counter(min(max(int(age + 0.5), 0), AGES) for age in ages)
    found = Counter[tuple[float, ...]]()
    for row, count in forecast.answers(Lines([NOON - age for age in ages]), NOON):
        found[row] += count
    wanted = Counter[tuple[float, ...]]()
    for age, count in counted.items():
        wanted[forecast.placed.row(age, forecast.leads)] += count
    assert found == wanted


def test_wrap_ups_that_nobody_ends_are_counted_too() -> None:
    forecast, ages = trained(), [0.2, 3.0, 3.4, 3599.0, 7200.0, 90_000.0]
    assert [count for _, count in forecast.returns([], [NOON - age for age in ages], NOON)] == [1, 2, 1, 2]


def test_leads_of_another_campaign_are_answered_too() -> None:
    rows = trained().answers(Lines([NOON - 5]), NOON, (1.0, 20.0))
    ((row, count),) = rows
    assert count == 1
    assert row[0] < row[1]


def test_who_talks_counts_only_where_wraps_are_short_enough() -> None:
    long, short = Forecast(), Forecast()
    for number in range(300):
        long.learn_wrap(60.0)
        short.learn_wrap(3.0)
        for forecast in (long, short):
            forecast.learn_talk(20.0 + number % 100)
    assert long.returns([NOON - 60, NOON], [], NOON) == []
    assert short.returns([NOON - 60], [], NOON) == short.returns([NOON - 60], [], NOON)
    ((row, count), _) = short.returns([NOON - 60, NOON], [], NOON)
    assert count == 1
    assert row[0] < row[-1]
