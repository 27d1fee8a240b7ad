"""Counts of contacts: local hours, rolling shares, and groups that hide whoever is in them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.contact_report import Answered, Calls, Group, Slot, Talks, by_hour, groups, rolling

BERLIN = ZoneInfo("Europe/Berlin")


def test_an_hour_that_the_clock_repeats_is_one_hour_of_the_day() -> None:
    slots = [Slot(datetime(2026, 10, 25, hour, 45, tzinfo=UTC), BERLIN, Calls(2, 1, 1)) for hour in (0, 1)]
    assert by_hour(slots) == {(7, 2): Calls(4, 2, 2)}


def test_each_day_stands_with_the_sums_of_the_days_before_it_in_the_span() -> None:
    days = [Answered(date(2026, 10, day), 10, 1) for day in (3, 1, 2)]
    found = list(rolling(days, timedelta(days=2), date(2026, 10, 2)))
    assert [(day.day.day, window.answered, window.abandoned) for day, window in found] == [(2, 20, 2), (3, 20, 2)]


def test_a_small_team_stands_with_the_next_smallest_and_nobody_is_told_where_all_are_too_few() -> None:
    talks = {f"{team}{number}": Talks(1, 0) for team, size in (("a", 2), ("b", 6), ("c", 7)) for number in range(size)}
    teams = {agent: agent[0] for agent in talks}
    assert groups(talks, teams) == [Group(("a", "b"), 8, Talks(8, 0)), Group(("c",), 7, Talks(7, 0))]
    assert groups({"a1": Talks(5, 5)}, {}) == []


@given(st.dictionaries(st.integers(0, 40).map(str), st.builds(Talks, st.integers(1, 9), st.just(0))))
def test_no_group_is_smaller_than_six_nor_to_be_had_by_subtraction(talks: dict[str, Talks]) -> None:
    teams = {agent: agent[-1] for agent in talks}
    found = groups(talks, teams)
    assert all(group.agents >= 6 for group in found)
    # All stand in a group or nobody does: what is left of a total would be those of too few.
    told = sum((group.talks for group in found), Talks())
    assert not found or told == sum(talks.values(), Talks())
