"""What became of promises: five parts that add up, rates of those whose time is up, and days."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.agreement import Kind, State
from contactd.domain.promise_report import Due, Fate, Part, Promised, by_day, by_month

FIRST = date(2026, 10, 1)


def promised(state: State, amount: int = 10_000, received: int = 0, day: int = 0) -> Promised:
    return Promised(1, Kind.PROMISE, state, "EUR", FIRST + timedelta(days=day), FIRST, amount, received)


def test_a_month_tells_what_was_kept_of_what_is_over() -> None:
    known = [
        promised(State.KEPT, received=9_950), promised(State.PARTIALLY_KEPT, received=4_000), promised(State.BROKEN),
        promised(State.OPEN, received=1_000), promised(State.SUPERSEDED), promised(State.KEPT, day=31),
    ]  # fmt: skip
    october, november = by_month(known, lambda one: one.made_on)
    assert (october.made, november.made) == (Part(5, 50_000), Part(1, 10_000))
    assert {fate: part.promises for fate, part in october.parts.items()} == dict.fromkeys(Fate, 1)
    assert (october.kept_rate, october.received, october.kept_amount_rate) == (0.333333, 14_000, 0.466667)
    [waiting] = by_month([promised(State.OPEN)], lambda one: one.due_on)
    assert (waiting.kept_rate, waiting.kept_amount_rate) == (None, None)


def test_a_day_tells_what_came_in_what_was_missed_and_what_is_still_to_come() -> None:
    def due(amount: int, *, paid: bool, grace: int) -> Due:
        return Due(FIRST, FIRST + timedelta(days=grace), "EUR", amount, paid)

    dues = [due(1, paid=True, grace=0), due(2, paid=False, grace=0), due(4, paid=False, grace=5)]
    [found] = by_day(dues, FIRST + timedelta(days=5))
    assert (found.due, found.paid, found.missed, found.open) == (Part(3, 7), Part(1, 1), Part(1, 2), Part(1, 4))


PROMISES = st.builds(
    Promised, st.integers(1, 9), st.sampled_from([Kind.PROMISE, Kind.PLAN]), st.sampled_from(State),
    st.sampled_from(["EUR", "CHF"]), st.dates(FIRST, FIRST + timedelta(days=90)), st.just(FIRST),
    st.integers(1, 9_000), st.integers(0, 12_000),
)  # fmt: skip


@given(st.lists(PROMISES, max_size=12))
def test_every_promise_stands_in_one_month_and_one_part(known: list[Promised]) -> None:
    months = by_month(known, lambda one: one.made_on)
    assert sum(month.made.promises for month in months) == len(known)
    assert sum(month.made.amount for month in months) == sum(one.amount for one in known)
    for month in months:
        assert sum(month.parts.values(), Part()) == month.made
        assert 0 <= month.received <= month.made.amount
