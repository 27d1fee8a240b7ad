"""When claims run out of time, what holds the time up and what begins it anew."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.limitation import Ground, Limitation, Suspension, limitation, of_loan
from tests.domain.receivables import BERLIN, day

NONE: frozenset[date] = frozenset()
DUE = day("2023-05-15")
TALKS, COURT = Ground.NEGOTIATIONS, Ground.COURT


def suspended(ground: Ground, first: str, last: str | None) -> Suspension:
    """Write a suspension of ISO dates."""
    return Suspension(ground, day(first), day(last) if last else None)


@pytest.mark.parametrize(
    ("due_on", "expected"),
    [("2023-05-15", "2026-12-31"), ("2022-12-31", "2025-12-31"), ("2020-08-01", "2024-01-02")],
)
def test_v8_three_years_run_from_the_end_of_the_year(due_on: str, expected: str) -> None:
    assert limitation(day(due_on), BERLIN).last_day == day(expected)


@pytest.mark.parametrize(
    ("restart", "expected"), [("2025-02-10", "2028-02-10"), ("2024-02-29", "2027-03-01"), ("2026-12-31", "2029-12-31")]
)
def test_v8_an_acknowledgement_or_part_payment_begins_the_time_anew(restart: str, expected: str) -> None:
    assert limitation(DUE, BERLIN, restarts=[day(restart)]).last_day == day(expected)


def test_the_last_of_several_restarts_counts() -> None:
    restarts = [day("2028-01-31"), day("2025-02-10")]
    assert limitation(DUE, BERLIN, restarts=restarts).last_day == day("2031-01-31")


def test_a_restart_before_the_time_began_or_after_it_ran_out_changes_nothing() -> None:
    plain = limitation(DUE, BERLIN)
    assert limitation(DUE, BERLIN, restarts=[day("2023-11-01")]) == plain
    assert limitation(DUE, BERLIN, restarts=[day("2027-01-01"), day("2027-05-01")]) == plain
    moved = limitation(day("2020-08-01"), BERLIN)  # to 2 January, and until then it can be restarted
    assert limitation(day("2020-08-01"), BERLIN, restarts=[day("2024-01-02")]).last_day == day("2027-01-04")
    assert limitation(day("2020-08-01"), BERLIN, restarts=[day("2024-01-03")]) == moved


def test_what_became_known_later_runs_from_the_end_of_that_year() -> None:
    assert limitation(DUE, BERLIN, known_on=day("2024-03-01")).last_day == day("2027-12-31")
    assert limitation(DUE, BERLIN, known_on=day("2022-03-01")).last_day == day("2026-12-31")


def test_a_title_lives_thirty_years_and_what_begins_anew_then_too() -> None:
    title = day("2025-06-10")
    assert limitation(DUE, NONE, title_on=title).last_day == day("2055-06-10")
    restarts = [day("2025-02-10"), day("2030-03-04")]
    assert limitation(DUE, NONE, title_on=title, restarts=restarts).last_day == day("2060-03-04")


def test_a_consumers_loan_in_default_is_held_up_for_ten_years_from_when_it_fell_due_at_most() -> None:
    assert list(of_loan(DUE, day("2024-01-15"))) == [suspended(Ground.LOAN, "2024-01-15", "2033-05-15")]
    assert list(of_loan(DUE, day("2033-05-16"))) == []


def test_days_of_negotiations_do_not_count() -> None:
    # 31 days of October, put behind 31 December.
    talks = suspended(TALKS, "2024-10-01", "2024-10-31")
    assert limitation(DUE, NONE, suspensions=[talks]).last_day == day("2027-02-01")  # 31 January is a Sunday
    assert limitation(DUE, NONE, suspensions=[talks, talks]).last_day == day("2027-02-01")


def test_it_runs_out_three_months_after_negotiations_at_the_earliest() -> None:
    talks = suspended(TALKS, "2026-12-20", "2026-12-28")
    assert limitation(DUE, NONE, suspensions=[talks]).last_day == day("2027-03-29")  # 28 March is a Sunday


def test_a_payment_order_holds_the_time_up_until_six_months_after_the_proceedings() -> None:
    order = suspended(COURT, "2026-12-01", "2027-03-15")
    assert order.until == day("2027-09-15")
    # The 31 days of December that were left come after them; 16 October 2027 is a Saturday.
    assert limitation(DUE, NONE, suspensions=[order]).last_day == day("2027-10-18")


def test_while_it_is_held_up_without_an_end_there_is_no_last_day() -> None:
    for ground in Ground:
        endless = limitation(DUE, NONE, suspensions=[suspended(ground, "2026-12-01", None)])
        assert endless.last_day is None
        assert not endless.runs_out_within(10_000, day("2026-12-31"))
        again = limitation(DUE, NONE, suspensions=[suspended(ground, "2026-12-01", None)], restarts=[day("2029-01-01")])
        assert again.last_day is None


def test_suspensions_that_overlap_count_their_days_once() -> None:
    apart = suspended(TALKS, "2024-10-01", "2024-10-20"), suspended(TALKS, "2024-10-11", "2024-10-31")
    whole = suspended(TALKS, "2024-10-01", "2024-10-31")
    inside = suspended(TALKS, "2024-10-05", "2024-10-06")
    assert limitation(DUE, NONE, suspensions=apart) == limitation(DUE, NONE, suspensions=[whole])
    assert limitation(DUE, NONE, suspensions=[whole, inside]) == limitation(DUE, NONE, suspensions=[whole])


def test_suspensions_before_the_time_began_or_after_it_ran_out_change_nothing() -> None:
    plain = limitation(DUE, NONE)
    assert limitation(DUE, NONE, suspensions=[suspended(TALKS, "2023-06-01", "2023-07-31")]) == plain
    assert limitation(DUE, NONE, suspensions=[suspended(TALKS, "2027-01-01", None)]) == plain
    across = suspended(TALKS, "2023-12-01", "2024-01-31")
    assert limitation(DUE, NONE, suspensions=[across]) == limitation(
        DUE, NONE, suspensions=[suspended(TALKS, "2024-01-01", "2024-01-31")]
    )


def test_a_suspension_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="the suspension of 2024-10-02 ends before it begins, on 2024-10-01"):
        limitation(DUE, NONE, suspensions=[suspended(TALKS, "2024-10-02", "2024-10-01")])


def test_a_report_asks_what_runs_out_within_some_days() -> None:
    soon = Limitation(day("2026-12-31"))
    assert soon.runs_out_within(30, day("2026-12-01"))
    assert not soon.runs_out_within(30, day("2026-11-30"))
    assert soon.runs_out_within(30, day("2027-02-01"))


DAYS = st.dates(date(2023, 1, 1), date(2030, 1, 1))
SUSPENSIONS = st.lists(
    st.builds(
        lambda ground, first, days: Suspension(ground, first, first + timedelta(days=days)),
        st.sampled_from(Ground),
        DAYS,
        st.integers(0, 300),
    ),
    max_size=4,
)


def test_a_restart_does_not_take_the_day_of_a_leap_year_away() -> None:
    talks = Suspension(Ground.NEGOTIATIONS, date(2023, 1, 1), date(2024, 3, 11))
    held_up = limitation(DUE, BERLIN, suspensions=[talks]).last_day
    assert limitation(DUE, BERLIN, suspensions=[talks], restarts=[date(2024, 3, 11)]).last_day == held_up


@given(restarts=st.lists(DAYS, max_size=3), suspensions=SUSPENSIONS, more=SUSPENSIONS)
@settings(deadline=None)
def test_nothing_ever_shortens_the_time(
    restarts: list[date], suspensions: list[Suspension], more: list[Suspension]
) -> None:
    plain = limitation(DUE, BERLIN).last_day
    held_up = limitation(DUE, BERLIN, suspensions=suspensions).last_day
    longer = limitation(DUE, BERLIN, suspensions=[*suspensions, *more], restarts=restarts).last_day
    assert plain is not None
    assert held_up is not None
    assert longer is not None
    assert plain <= held_up <= longer
    assert longer.weekday() < 5
    assert longer not in BERLIN
    assert not any(one.first <= longer <= (one.until or longer) for one in suspensions if one.until != longer)
