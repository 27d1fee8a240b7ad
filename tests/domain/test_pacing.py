"""The decision of the dialer: never below one call for a free agent, never more than the budget and the lines allow."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as sized
from hypothesis import strategies as st

from contactd.domain.abandonment import Budget, Terms
from contactd.domain.forecast import Forecast, Line, Lines
from contactd.domain.pacing import Decision, Mode, Others, Reason, Settings, View, decide, hang_up_since

NOON = 43_200.0
PREDICTIVE = Settings()


def learned(calls: int = 600, *, one_in: int = 3) -> Forecast:
    """Learn from calls of which one in so many is answered, 6 to 24 seconds after they begin to ring; wraps of 30 s."""
    forecast = Forecast()
    for number in range(calls):
        placed = NOON - 1000.0 + number
        line = Line(placed, placed + 1)
        if number % one_in:
            forecast.learn_end(line, placed + 26, 9)
        else:
            forecast.learn_answer(line, placed + 7 + number * 7 % 19, 9)
        forecast.learn_talk(60.0 + number * 13 % 240)
        forecast.learn_wrap(20.0 + number * 7 % 20)
    forecast.mature(NOON)
    return forecast


def rested() -> Budget:
    """Answer many calls and abandon none."""
    budget = Budget()
    for _ in range(1000):
        budget.learn_answer(NOON)
    return budget


def worn() -> Budget:
    """Abandon more than the limit."""
    budget = rested()
    for _ in range(40):
        budget.learn_abandoned(NOON - 7200)
    return budget


FORECASTS = {"cold": Forecast(), "usual": learned(), "sparse": learned(one_in=20), "ready": learned(one_in=1)}
BUDGETS = {"new": Budget(), "rested": rested(), "worn": worn()}

ages = st.floats(0.0, 60.0)
since = st.builds(lambda age: NOON - age, ages)
lines = st.builds(
    Lines, st.lists(st.floats(NOON - 10.0, NOON), max_size=20), st.lists(st.floats(NOON - 60.0, NOON), max_size=20)
)
views = st.builds(
    View,
    now=st.just(NOON),
    free=st.integers(0, 30),
    waiting=st.integers(0, 4),
    talking=st.lists(since, max_size=20).map(tuple),
    wrapping=st.lists(since, max_size=20).map(tuple),
    calls=lines,
    others=lines.map(lambda calls: (Others(FORECASTS["sparse"], calls),)),
    trunks=st.none() | st.integers(0, 20),
)
settings = st.builds(
    Settings,
    mode=st.sampled_from(Mode),
    ratio=st.floats(0.5, 4.0),
    level=st.sampled_from([0.0, 0.5, 1.0]),
    max_lines=st.floats(0.5, 6.0),
    small_team=st.sampled_from([0, 5]),
    min_ring=st.none() | st.floats(10.0, 25.0),
)
forecasts = st.sampled_from(sorted(FORECASTS)).map(FORECASTS.__getitem__)
budgets = st.sampled_from(sorted(BUDGETS)).map(BUDGETS.__getitem__)


def hung_up(view: View, forecast: Forecast, chosen: Settings) -> list[int]:
    """Name the ringing calls to be hung up by their places."""
    since = hang_up_since(view, forecast, chosen)
    return [place for place, begun in enumerate(view.calls.ringing) if since is not None and begun <= since]


@sized(deadline=None)
@given(views, forecasts, budgets, settings)
def test_there_is_a_call_for_each_free_agent_unless_the_trunks_are_full(
    view: View, forecast: Forecast, budget: Budget, chosen: Settings
) -> None:
    placed = decide(view, forecast, budget, chosen).place
    missing = view.free - view.open
    if chosen.level:
        assert placed >= min(missing, math.inf if view.trunks is None else view.trunks)


@sized(deadline=None)
@given(views, forecasts, budgets, settings)
def test_there_are_never_more_calls_than_trunks_and_lines(
    view: View, forecast: Forecast, budget: Budget, chosen: Settings
) -> None:
    placed = decide(view, forecast, budget, chosen).place
    assert 0 <= placed <= (math.inf if view.trunks is None else view.trunks)
    assert placed == 0 or placed + view.open <= max(chosen.max_lines, 1.0) * view.agents


@sized(deadline=None)
@given(views, forecasts, budgets, settings)
def test_nothing_is_placed_when_nobody_will_be_there(
    view: View, forecast: Forecast, budget: Budget, chosen: Settings
) -> None:
    left = replace(view, free=0, talking=(), wrapping=())
    assert decide(left, forecast, budget, chosen).place == 0


@sized(deadline=None)
@given(views, forecasts, settings)
def test_no_call_is_hung_up_before_its_time_nor_before_it_rings(
    view: View, forecast: Forecast, chosen: Settings
) -> None:
    for place in hung_up(view, forecast, chosen):
        assert chosen.min_ring is not None
        assert view.now - view.calls.ringing[place] >= chosen.min_ring


@sized(deadline=None)
@given(views, forecasts, settings)
def test_a_spent_budget_makes_every_mode_progressive(view: View, forecast: Forecast, chosen: Settings) -> None:
    progressive = replace(chosen, mode=Mode.PROGRESSIVE)
    spent = decide(view, forecast, BUDGETS["worn"], chosen)
    assert spent.place == decide(view, forecast, BUDGETS["new"], progressive).place


@sized(deadline=None)
@given(views, forecasts, budgets, settings)
def test_one_more_free_agent_never_means_fewer_calls(
    view: View, forecast: Forecast, budget: Budget, chosen: Settings
) -> None:
    more = replace(view, free=view.free + 1)
    before, after = decide(view, forecast, budget, chosen), decide(more, forecast, budget, chosen)
    assert after.place >= before.place
    assert set(hung_up(more, forecast, chosen)) <= set(hung_up(view, forecast, chosen))


@sized(deadline=None)
@given(views, forecasts, budgets, settings)
def test_the_same_view_gives_the_same_decision(
    view: View, forecast: Forecast, budget: Budget, chosen: Settings
) -> None:
    kept = Forecast.from_dict(forecast.to_dict())
    first = decide(view, kept, Budget.from_dict(budget.to_dict()), chosen)
    assert first == decide(view, kept, Budget.from_dict(budget.to_dict()), chosen)


@pytest.mark.parametrize(
    ("view", "chosen", "budget", "forecast", "reason"),
    [
        (View(NOON, 3), Settings(level=0.0), "new", "usual", Reason.LEVEL_ZERO),
        (View(NOON, 0), PREDICTIVE, "new", "usual", Reason.NO_AGENT),
        (View(NOON, 3, trunks=2), PREDICTIVE, "new", "usual", Reason.TRUNKS_FULL),
        (View(NOON, 3), Settings(max_lines=1.0), "new", "sparse", Reason.LINES_FULL),
        (View(NOON, 3), Settings(mode=Mode.PROGRESSIVE), "new", "usual", Reason.PROGRESSIVE),
        (View(NOON, 3), Settings(small_team=4), "new", "usual", Reason.SMALL_TEAM),
        (View(NOON, 3), PREDICTIVE, "new", "cold", Reason.COLD_START),
        (View(NOON, 3), PREDICTIVE, "worn", "usual", Reason.BUDGET_SPENT),
        (View(NOON, 3), PREDICTIVE, "new", "usual", Reason.ENOUGH_RINGING),
    ],
)
def test_the_reason_says_what_keeps_calls_back(
    view: View, chosen: Settings, budget: str, forecast: str, reason: Reason
) -> None:
    assert decide(view, FORECASTS[forecast], BUDGETS[budget], chosen).reason is reason


def test_a_bad_hour_stops_the_dialer_though_the_month_was_good() -> None:
    budget = rested()
    for _ in range(6):
        budget.learn_abandoned(NOON + 7200)
    decision = decide(View(NOON + 7200, 3), FORECASTS["usual"], budget, PREDICTIVE)
    assert (decision.place, decision.reason) == (3, Reason.HOUR_SPENT)


def test_a_level_takes_its_share_of_what_power_places_beyond_one_for_each() -> None:
    each = {
        level: decide(View(NOON, 4), FORECASTS["usual"], rested(), Settings(Mode.POWER, ratio=3.0, level=level)).place
        for level in (0.0, 0.5, 1.0)
    }
    assert each == {0.0: 0, 0.5: 8, 1.0: 12}


def test_power_fills_up_to_its_ratio_of_the_free_agents() -> None:
    power = Settings(mode=Mode.POWER, ratio=1.5)
    view = View(NOON, 4, waiting=1, calls=Lines([NOON - 3] * 2))
    assert decide(view, FORECASTS["usual"], rested(), power).place == 3


def test_predictive_places_more_the_fewer_answer() -> None:
    usual, sparse = (
        decide(View(NOON, 10), FORECASTS[name], rested(), Settings(max_lines=100.0)).place
        for name in ("usual", "sparse")
    )
    assert 10 < usual < sparse


def test_predictive_counts_on_agents_who_have_wrapped_up_for_long() -> None:
    begun = View(NOON, 0, wrapping=[NOON - 1] * 10)
    nearly = View(NOON, 0, wrapping=[NOON - 30] * 10)
    assert decide(begun, FORECASTS["usual"], rested(), PREDICTIVE).place < (
        decide(nearly, FORECASTS["usual"], rested(), PREDICTIVE).place
    )


def test_calls_of_another_campaign_take_agents_too() -> None:
    alone = View(NOON, 10)
    shared = replace(alone, others=[Others(FORECASTS["usual"], Lines(ringing=[NOON - 4] * 8))])
    assert decide(shared, FORECASTS["usual"], rested(), PREDICTIVE).place < (
        decide(alone, FORECASTS["usual"], rested(), PREDICTIVE).place
    )


def test_a_lower_level_takes_less_risk() -> None:
    full, half = (
        decide(View(NOON, 10), FORECASTS["usual"], rested(), Settings(level=level)).place for level in (1.0, 0.1)
    )
    assert half < full


def test_calls_that_have_rung_are_hung_up_when_nobody_is_free() -> None:
    calls = Lines([NOON - 40], [NOON - 20, NOON - 14, NOON - 15])
    view = View(NOON, 0, talking=[NOON - 60], calls=calls)
    assert hung_up(view, FORECASTS["usual"], PREDICTIVE) == [0, 2]


def test_nothing_is_hung_up_while_an_agent_is_free_or_about_to_be() -> None:
    calls = Lines(ringing=[NOON - 20])
    assert hung_up(View(NOON, 1, calls=calls), FORECASTS["usual"], PREDICTIVE) == []
    about = View(NOON, 0, wrapping=[NOON - 38.5] * 9, calls=calls)
    assert hung_up(about, FORECASTS["usual"], PREDICTIVE) == []


def test_hanging_up_can_be_switched_off() -> None:
    view = View(NOON, 0, calls=Lines(ringing=[NOON - 20]))
    assert hung_up(view, FORECASTS["usual"], Settings(min_ring=None)) == []


def test_a_second_call_for_one_free_agent_is_a_risk_that_a_new_budget_does_not_take() -> None:
    assert decide(View(NOON, 1), FORECASTS["usual"], Budget(), PREDICTIVE).place == 1


def test_nothing_is_placed_for_an_agent_whom_somebody_waits_for() -> None:
    view = View(NOON, 1, waiting=1, talking=[NOON])
    assert decide(view, FORECASTS["usual"], rested(), PREDICTIVE).place == 0


def test_no_call_is_placed_that_would_only_be_hung_up() -> None:
    view = View(NOON, 0, talking=[NOON - 60] * 20)
    late = Forecast()
    for _ in range(300):
        late.learn_answer(Line(NOON, NOON), NOON + 22, 9)
    assert decide(view, late, rested(), PREDICTIVE).place == 0


def test_the_terms_of_a_jurisdiction_without_tolerance_leave_one_call_an_agent() -> None:
    budget = Budget(Terms(limit=0.0))
    for _ in range(1000):
        budget.learn_answer(NOON)
    assert decide(View(NOON, 3), FORECASTS["sparse"], budget, PREDICTIVE).place == 3


def test_a_big_team_begins_with_no_more_calls_than_it_could_answer_if_many_answer() -> None:
    patient, forecast = replace(PREDICTIVE, min_ring=None), learned(60)
    assert decide(View(NOON, 500), forecast, Budget(), patient) == Decision(500, Reason.COLD_START)
    first = decide(View(NOON, 20), forecast, Budget(), patient)
    rate, doubt = forecast.placed.rate, math.sqrt(forecast.placed.doubt())
    assert first.place > 20
    assert first.place * rate * (1.0 + 1.5 * doubt) < 20
    assert decide(View(NOON, 20), learned(), rested(), patient).place > first.place
