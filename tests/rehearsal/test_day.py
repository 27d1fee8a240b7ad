"""A rehearsed day: the same seed gives the same day, nobody waits too long, every call is accounted for."""

import asyncio
from datetime import timedelta

import pytest

from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.campaign import Step
from contactd.domain.errors import StoreConflict
from contactd.engine.calls.callbook import Dial, Wanted
from contactd.rehearsal.day import Day, Figures, rehearse
from contactd.rehearsal.memory import MemoryBook
from contactd.rehearsal.people import Town, answer_share
from contactd.rehearsal.scenario import Called, Lasting, Scenario, find, load, shipped
from contactd.rehearsal.tally import Tally, worst_hour
from contactd.rehearsal.virtual import VirtualLoop
from contactd.store.attempts import Claimed, Transition
from contactd.store.call_queue import CallBack
from contactd.store.calls import CallRow, HandedIn, Stage
from contactd.telephony.base import CallRequest, Kind
from tests.clock import MONDAY_TEN, HandClock

KEYS = {
    "utilisation", "abandonment", "worst_hour_abandonment", "dials_per_connect", "talk_minutes_per_agent_hour",
    "speedup", "agent_wait_mean", "customer_wait_mean", "customer_wait_p99", "customer_wait_max",
}  # fmt: skip


def a_day(**told: object) -> tuple[Day, Figures]:
    """Work through a day and keep what it was made of."""

    async def work() -> tuple[Day, Figures]:
        day = Day(Scenario.model_validate({"agents": 5, "hours": 0.5} | told))
        return day, await day.run(lambda _: None)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work())


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    (_, first), (_, again), (_, other) = a_day(seed=4), a_day(seed=4), a_day(seed=5)
    assert first == again
    assert first != other


def test_every_figure_is_told() -> None:
    shares: list[float] = []
    figures = rehearse(Scenario(agents=2, hours=0.1), shares.append)
    assert set(figures) >= KEYS
    assert figures["speedup"] > 0
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("name", sorted(shipped()))
def test_nobody_who_answers_waits_two_seconds_without_a_message(name: str) -> None:
    scenario = load(find(name)).model_copy(update={"agents": 4, "hours": 0.25, "warm_up": timedelta(minutes=2)})
    figures = rehearse(scenario)
    assert figures["connected"] > 0
    assert figures["customer_wait_max"] <= 2.0


def test_every_call_ends_once_and_in_one_way() -> None:
    day, figures = a_day(agents=10, hours=0.5)
    ended = day.book.outcomes.total()
    under_way = len(day.book.open)
    assert figures["placed"] <= ended + under_way
    assert day.book.outcomes["abandoned"] == figures["abandoned"]
    assert day.book.outcomes["cancelled"] == figures["cancelled"]
    assert under_way < 10 * 6
    assert figures["answered"] - figures["connected"] - figures["abandoned"] <= 2


def test_one_call_for_each_agent_abandons_nobody() -> None:
    _, figures = a_day(campaign=(Called(mode="progressive"),))
    assert figures["abandoned"] == 0
    assert figures["cancelled"] == 0


def test_what_happens_in_the_warm_up_is_not_counted() -> None:
    _, long = a_day(hours=1.0)
    _, short = a_day(hours=0.5, warm_up=timedelta(minutes=30))
    assert 0 < short["placed"] < long["placed"]


def test_agents_who_are_away_are_not_on_duty() -> None:
    day, figures = a_day(agents=4, hours=3.7, staff=load(find("coming-and-going")).staff)
    states = {state.value: seconds for state, seconds in day.tally.seconds.items()}
    assert states["pause"] > 0
    assert states["offline"] > 0
    assert 0.5 < figures["utilisation"] < 1.0


def test_two_campaigns_are_served_by_their_weights() -> None:
    day, _ = a_day(
        campaign=(Called(id="a", weight=3, mode="progressive"), Called(id="b", mode="progressive")), hours=2.0
    )
    called = [day.book.called[name] for name in ("a", "b")]
    assert called[0] == pytest.approx(3 * called[1], rel=0.1)


# -- people --------------------------------------------------------------------------------------------------------


def town(now: float = 0.0, **told: object) -> Town:
    """Make a town of one campaign at that time."""
    scenario = Scenario.model_validate(told)
    return Town(scenario, lambda: now, lambda _: scenario.campaign[0])


def fates(of: Town, calls: int = 2000) -> dict[Kind, float]:
    """Call so many people and tell the share of each fate."""
    drawn = [of(CallRequest(f"{n}-1", n, "", "", 25.0)).fate for n in range(calls)]
    return {kind: drawn.count(kind) / calls for kind in set(drawn)}


def test_people_answer_as_often_as_the_scenario_says() -> None:
    shares = fates(town())
    assert shares[Kind.ANSWERED] == pytest.approx(0.3, abs=0.03)
    assert shares[Kind.FAILED] == pytest.approx(0.07, abs=0.02)


def test_machines_and_people_are_mistaken_for_each_other() -> None:
    mixed = town(campaign=(Called(answer=0.5, machine=1.0, machine_error=0.2),))
    shares = fates(mixed)
    assert shares[Kind.MACHINE] == pytest.approx(0.5 * 0.2 + 0.5 * 0.8, abs=0.03)
    assert mixed.mistaken == pytest.approx(200, abs=50)


def test_the_carrier_fails_calls_only_in_its_trouble() -> None:
    trouble = load(find("carrier-trouble")).trouble
    at = [fates(town(seconds, trouble=trouble))[Kind.FAILED] for seconds in (10_000.0, 11_000.0, 11_401.0)]
    assert at[1] == pytest.approx(0.2 + 0.8 * 0.07, abs=0.04)
    assert at[0] == pytest.approx(at[2], abs=0.02)


def test_the_share_of_answers_swings() -> None:
    called = load(find("drifting")).campaign[0]
    assert [round(answer_share(called, hour * 3600), 3) for hour in (0, 1.5, 3)] == [0.15, 0.45, 0.15]


def test_a_heavy_tail_keeps_its_mean_roughly_and_ends_after_two_hours() -> None:
    heavy = town(talk=Lasting(tail=1.6), campaign=(Called(answer=1.0),))
    talks = [heavy(CallRequest(f"{n}-1", n, "", "", 25.0)).talk for n in range(5000)]
    assert sum(talks) / len(talks) == pytest.approx(170, rel=0.15)
    assert max(talks) <= 7200
    steady = town(talk=Lasting(spread=0.0), campaign=(Called(answer=1.0),))
    assert steady(CallRequest("1-1", 1, "", "", 25.0)).talk == 180.0


# -- counting ------------------------------------------------------------------------------------------------------


def test_an_hour_is_judged_from_a_hundred_answers_on() -> None:
    answers = [(float(n), 1, 0) for n in range(99)]
    assert worst_hour([*answers, (99.0, 0, 1)]) == 0.0
    assert worst_hour([*answers, (99.0, 1, 0), (99.5, 0, 1)]) == 0.01
    later = [(4000.0 + n, 1, 0) for n in range(200)]
    assert worst_hour([*answers, (99.0, 1, 0), (99.5, 0, 1), *later]) == 0.01


def test_a_day_on_which_nothing_happened_has_figures_too() -> None:
    tally = Tally(lambda: 0.0)
    tally.heard("something else")
    assert set(tally.figures().values()) == {0.0}


# -- the call book -------------------------------------------------------------------------------------------------

KEY = "first", "call"


async def a_call(book: MemoryBook) -> Claimed:
    """Take one person."""
    (claimed,) = await book.claim(Wanted(KEY, 1))
    return claimed


async def test_whoever_was_given_back_comes_up_again() -> None:
    book = MemoryBook(HandClock(), {KEY: Step("call", Channel.CALL)})
    before, after = await a_call(book), await a_call(book)
    await book.release(before)
    assert isinstance(await book.begin(after), Dial)
    await book.release(after, MONDAY_TEN)
    assert [one.id for one in await book.claim(Wanted(KEY, 3))] == [before.id, after.id, after.id + 1]
    await book.skip(before, "anna", "busy", MONDAY_TEN)


async def test_an_attempt_ends_once() -> None:
    book = MemoryBook(HandClock(), {KEY: Step("call", Channel.CALL)})
    claimed = await a_call(book)
    await book.begin(claimed)
    row = CallRow(claimed.id, "+493023125000", "", MONDAY_TEN)
    end = Stage(row, Transition(claimed.id, 1, Event.REJECTED, MONDAY_TEN, outcome="busy"))
    await book.record(claimed, Stage(row))
    await book.record(claimed, end)
    with pytest.raises(StoreConflict):
        await book.record(claimed, end)
    assert book.outcomes == {"busy": 1}


async def test_a_rehearsal_has_no_past_and_nobody_calls() -> None:
    book = MemoryBook(HandClock(), {})
    assert await book.missed("+493023125001") == 0
    assert await book.past("first", MONDAY_TEN) == []
    assert await book.unfinished(()) == []
    await book.agree(CallBack(1, MONDAY_TEN))
    await book.hand_in(HandedIn(1, 1, "anna", "promise", MONDAY_TEN))
    assert book.dispositions == {"promise": 1}
