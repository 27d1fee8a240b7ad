"""Who is called next."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.queueing import Order, Priority, Reach, Waiting, daypart, in_order, rank

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)  # midday in Berlin
EVEN = Reach().table()


def order_of(*waiting: Waiting, reach: Reach | None = None, at: datetime = NOON) -> list[int]:
    """List the ids in the order in which they are called."""
    return [one.id for one in in_order(waiting, (reach or Reach()).table(), at)]


def test_callbacks_go_before_missed_calls_and_those_before_the_ladder_whatever_the_amount() -> None:
    ladder = Waiting(1, Priority.LADDER, 1_000_000, BERLIN)
    missed = Waiting(2, Priority.MISSED, 10, BERLIN)
    agreed = Waiting(3, Priority.CALLBACK, 0, BERLIN)
    assert order_of(ladder, missed, agreed) == [3, 2, 1]


def test_the_larger_amount_is_called_first_and_of_equal_ones_the_older_attempt() -> None:
    assert order_of(Waiting(2, 0, 500, BERLIN), Waiting(3, 0, 900, BERLIN), Waiting(1, 0, 500, BERLIN)) == [3, 1, 2]


def test_where_it_is_an_hour_at_which_people_answer_is_called_first() -> None:
    reach = Reach()
    for _ in range(100):
        reach.learn(12, answered=False)  # Berlin
        reach.learn(6, answered=True)  # New York
    home, away = Waiting(1, 0, 600, BERLIN), Waiting(2, 0, 500, ZoneInfo("America/New_York"))
    assert order_of(home, away) == [1, 2]
    assert order_of(home, away, reach=reach) == [2, 1]


def test_whoever_was_tried_at_this_time_of_the_day_waits_for_another_one() -> None:
    at_noon = Waiting(1, 0, 600, BERLIN, NOON - timedelta(days=1))
    at_night = Waiting(2, 0, 500, BERLIN, NOON - timedelta(hours=17))
    assert order_of(at_noon, at_night) == [2, 1]
    assert order_of(at_noon, at_night, at=NOON + timedelta(hours=7)) == [1, 2]


def test_an_hour_nobody_was_called_at_is_like_the_others() -> None:
    reach = Reach()
    assert reach.probability(9) == 0.3
    for _ in range(1000):
        reach.learn(10, answered=True)
    assert reach.probability(9) > 0.9
    assert reach.table()[10] > 0.95


def test_the_dayparts_are_those_of_the_person() -> None:
    names = [daypart(BERLIN, datetime(2026, 11, 23, hour, tzinfo=BERLIN)) for hour in (0, 10, 11, 13, 14, 17, 23)]
    assert names == ["morning", "morning", "midday", "midday", "afternoon", "evening", "evening"]


def test_the_rank_is_the_open_amount_or_the_age_of_the_debt() -> None:
    assert rank(Order.AMOUNT, 4_000, date(2026, 11, 1), date(2026, 11, 23)) == 4_000
    assert rank(Order.AGE, 4_000, date(2026, 11, 1), date(2026, 11, 23)) == 22
    assert rank(Order.AGE, 0, None, date(2026, 11, 23)) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10**9)), max_size=20))
def test_nobody_is_lost_and_no_lower_priority_goes_before_a_higher_one(given_: list[tuple[int, int]]) -> None:
    waiting = [Waiting(place, priority, rank, BERLIN) for place, (priority, rank) in enumerate(given_)]
    ordered = in_order(waiting, EVEN, NOON)
    assert sorted(one.id for one in ordered) == list(range(len(waiting)))
    assert [one.priority for one in ordered] == sorted((one.priority for one in waiting), reverse=True)
