"""Notices about agreements: which way each goes, what is confirmed and reminded of, until when it is wanted."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.account import Channel
from contactd.domain.agreement import Agreement, Kind, Part, State
from contactd.domain.notice import Occasion, fits, to_advise, to_confirm, to_remind, unwanted

MONDAY = date(2026, 12, 7)
LONG_AGO = MONDAY - timedelta(days=90)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def agreement(kind: Kind = Kind.PLAN, state: State = State.ACTIVE, *amounts: int, tolerance: int = 0) -> Agreement:
    parts = tuple(Part(day(30 * n), day(30 * n + 3), amount) for n, amount in enumerate(amounts or (100,)))
    return Agreement(kind, state, parts, tolerance=tolerance)


def test_only_what_must_be_read_in_peace_goes_by_post_and_costs_never_by_sms() -> None:
    by_post = {occasion for occasion in Occasion if fits(occasion, Channel.LETTER)}
    at_leisure = {Occasion.COSTS, Occasion.ADVICE, Occasion.ACCELERATION}
    assert by_post == at_leisure | {Occasion.CONFIRMATION}
    assert {occasion for occasion in Occasion if not fits(occasion, Channel.SMS)} == at_leisure
    assert all(fits(occasion, Channel.EMAIL) for occasion in Occasion)


@pytest.mark.parametrize(
    ("kind", "state", "whether"),
    [
        (Kind.PROMISE, State.OPEN, True),
        (Kind.DEFERRAL, State.OPEN, True),
        (Kind.SETTLEMENT, State.OPEN, True),
        (Kind.PLAN, State.SENT, True),
        (Kind.PLAN, State.DRAFT, False),
        (Kind.PLAN, State.DEFAULTED, False),
        (Kind.HARDSHIP, State.OPEN, False),
        (Kind.DISPUTE, State.OPEN, False),
        (Kind.SAYS_PAID, State.OPEN, False),
    ],
)
def test_what_both_sides_agreed_on_is_confirmed(kind: Kind, state: State, whether: bool) -> None:  # noqa: FBT001 - a column of the table
    assert to_confirm(agreement(kind, state)) is whether
    assert (unwanted(Occasion.CONFIRMATION, 0, agreement(kind, state), 0, MONDAY) == "") is whether


@pytest.mark.parametrize(
    ("today", "received", "number"),
    [
        (day(-4), 0, 0),
        (day(-3), 0, 1),
        (day(0), 0, 1),
        (day(1), 0, 0),  # too late for a reminder
        (day(0), 100, 0),  # paid
        (day(0), 99, 0),  # but for what is tolerated
        (day(27), 100, 2),
        (day(27), 0, 2),
        (day(27), 200, 0),
    ],
)
def test_an_instalment_is_reminded_of_in_its_last_days_unless_it_is_paid(
    today: date, received: int, number: int
) -> None:
    plan = agreement(Kind.PLAN, State.ACTIVE, 100, 100, tolerance=1)
    assert to_remind(plan, LONG_AGO, received, today, 3) == number


def test_nobody_is_reminded_of_what_was_agreed_on_just_now_or_is_not_agreed_on() -> None:
    plan = agreement(Kind.PLAN, State.ACTIVE, 100)
    assert to_remind(plan, day(-3), 0, MONDAY, 3) == 0
    assert to_remind(plan, day(-4), 0, MONDAY, 3) == 1
    assert to_remind(plan, LONG_AGO, 0, MONDAY, 0) == 0
    assert to_remind(agreement(Kind.PLAN, State.SENT, 100), LONG_AGO, 0, MONDAY, 3) == 0
    assert to_remind(agreement(Kind.SAYS_PAID, State.OPEN, 100), LONG_AGO, 0, MONDAY, 3) == 0


def test_a_reminder_is_unwanted_once_paid_ended_or_late() -> None:
    plan = agreement(Kind.PLAN, State.ACTIVE, 100, 100)
    assert unwanted(Occasion.REMINDER, 2, plan, 100, day(30)) == ""
    assert unwanted(Occasion.REMINDER, 2, plan, 200, day(30)) == "paid"
    assert unwanted(Occasion.REMINDER, 2, plan, 100, day(31)) == "too_late"
    ended = agreement(Kind.PLAN, State.CANCELLED, 100)
    assert unwanted(Occasion.REMINDER, 1, ended, 0, MONDAY) == "agreement_cancelled"
    assert unwanted(Occasion.THANKS, 1, ended, 0, MONDAY) == ""


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=24), st.integers(0, 30_000), st.integers(-10, 800))
def test_whoever_is_reminded_still_owes_what_they_are_reminded_of(amounts: list[int], received: int, at: int) -> None:
    plan = agreement(Kind.PLAN, State.ACTIVE, *amounts)
    number = to_remind(plan, LONG_AGO, received, day(at), 5)
    if number:
        assert received < sum(amounts[:number])
        assert unwanted(Occasion.REMINDER, number, plan, received, day(at)) == ""


@pytest.mark.parametrize(
    ("kind", "state", "why"),
    [
        (Kind.HARDSHIP, State.OPEN, ""),
        (Kind.HARDSHIP, State.WITHDRAWN, "agreement_withdrawn"),
        (Kind.DEFERRAL, State.OPEN, "agreement_open"),
    ],
)
def test_who_cannot_pay_is_advised_as_long_as_that_stands(kind: Kind, state: State, why: str) -> None:
    assert to_advise(agreement(kind, state)) is (not why)
    assert unwanted(Occasion.ADVICE, 0, agreement(kind, state), 0, MONDAY) == why


@pytest.mark.parametrize(("today", "number"), [(day(26), 0), (day(27), 1), (day(30), 1), (day(31), 0)])
def test_the_end_of_a_deferral_is_reminded_of(today: date, number: int) -> None:
    deferral = Agreement(Kind.DEFERRAL, State.OPEN, until=day(30))
    assert to_remind(deferral, MONDAY, 0, today, 3) == number
    assert to_remind(deferral, MONDAY, 7, today, 3) == number  # a part of it came in
    assert to_remind(deferral, day(28), 0, today, 3) == 0  # agreed on closer to the day
    assert unwanted(Occasion.REMINDER, 1, deferral, 0, today) == ("too_late" if today > day(30) else "")
    ended = Agreement(Kind.DEFERRAL, State.KEPT, until=day(30))
    assert unwanted(Occasion.REMINDER, 1, ended, 0, today) == "agreement_kept"


def test_notice_of_arrears_is_wanted_until_they_are_paid_or_the_plan_has_ended() -> None:
    plan = agreement(Kind.PLAN, State.ACTIVE, 100, 100, 100)
    late = day(300)  # there is no day by which it comes too late
    assert unwanted(Occasion.ACCELERATION, 2, plan, 199, late) == ""
    assert unwanted(Occasion.ACCELERATION, 2, plan, 200, late) == "paid"
    ended = agreement(Kind.PLAN, State.DEFAULTED, 100, 100, 100)
    assert unwanted(Occasion.ACCELERATION, 2, ended, 0, late) == "agreement_defaulted"
