"""Agreements: every pair of state and event, and where facts say they stand, in whatever order the facts came."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.agreement import (
    ABOUT_MONEY,
    ALIVE,
    TABLE,
    Agreement,
    Event,
    Kind,
    Part,
    Receipt,
    State,
    judged,
    last_day,
    parts_of,
    rests,
    standing,
    step,
)
from contactd.domain.errors import IllegalTransition
from contactd.domain.instalments import equal_amounts, plan

MONDAY = date(2026, 12, 7)
NOBODY = frozenset[date]()


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def promise(amount: int = 100, *, state: State = State.OPEN, tolerance: int = 0) -> Agreement:
    return Agreement(Kind.PROMISE, state, (Part(day(4), day(9), amount),), tolerance=tolerance)


def plan_of(*amounts: int, state: State = State.ACTIVE, missed: int = 1, until: date | None = None) -> Agreement:
    parts = tuple(Part(day(10 * n), day(10 * n + 3), amount) for n, amount in enumerate(amounts))
    return Agreement(Kind.PLAN, state, parts, until, missed_instalments=missed)


JUDGED = {
    "pending": "open", "begun": "open", "settled": "kept", "paid_before": "paid_before", "short": "partially_kept",
    "superseded": "superseded",
}  # fmt: skip
ACTIVE = {
    "begun": "active", "settled": "fulfilled", "paid_before": "paid_before", "missed": "defaulted",
    "superseded": "superseded",
}  # fmt: skip
DECIDED = {"over": "overdue", "upheld": "upheld", "rejected": "rejected", "withdrawn": "withdrawn"}
PAUSED = {
    "open": {
        "pending": "open", "settled": "kept", "paid_before": "paid_before", "over": "expired",
        "withdrawn": "withdrawn", "superseded": "superseded",
    },
}  # fmt: skip
ANSWERED: dict[str, dict[str, str]] = {"promise": {"confirmed": "open"}, "says_paid": {}}
SETTLED = {
    "pending": "open", "begun": "open", "settled": "fulfilled", "short": "broken", "missed": "broken",
    "paid_before": "paid_before", "superseded": "superseded",
}  # fmt: skip
LAWFUL: dict[str, dict[str, dict[str, str]]] = {
    kind: {
        "open": JUDGED | {"missed": missed, "withdrawn": "withdrawn"} | ANSWERED[kind],
        **dict.fromkeys(("kept", "partially_kept", missed), JUDGED | {"missed": missed}),
    }
    for kind, missed in (("promise", "broken"), ("says_paid", "expired"))
} | {
    "settlement": {
        "open": SETTLED | {"withdrawn": "withdrawn", "confirmed": "open"}, "fulfilled": SETTLED, "broken": SETTLED,
    },
    "deferral": {"open": PAUSED["open"] | {"confirmed": "open"}},
    "hardship": PAUSED,
    "plan": {
        "draft": {
            "sent": "sent", "confirmed": "confirmed", "withdrawn": "cancelled", "paid_before": "paid_before",
            "superseded": "superseded",
        },
        "sent": {
            "pending": "sent", "begun": "active", "settled": "fulfilled", "missed": "cancelled", "over": "cancelled",
            "confirmed": "confirmed", "withdrawn": "cancelled", "paid_before": "paid_before",
            "superseded": "superseded",
        },
        "confirmed": ACTIVE | {"pending": "confirmed", "withdrawn": "cancelled"},
        "active": ACTIVE | {"pending": "active", "withdrawn": "cancelled"},
        "fulfilled": ACTIVE | {"pending": "active"},
        "defaulted": ACTIVE | {"pending": "active"},
    },
    "dispute": {"open": DECIDED | {"pending": "open"}, "overdue": DECIDED},
}  # fmt: skip


@pytest.mark.parametrize(("kind", "state"), tuple(itertools.product(Kind, State)))
def test_every_event_in_every_state_has_its_answer(kind: Kind, state: State) -> None:
    lawful = LAWFUL[kind].get(state, {})
    for event in Event:
        if event in lawful:
            assert step(kind, state, event) is State(lawful[event])
        else:
            with pytest.raises(IllegalTransition, match=f"a {kind} that is {state} cannot be {event}"):
                step(kind, state, event)


@pytest.mark.parametrize("kind", Kind)
def test_what_a_day_can_change_is_known_and_a_person_ends_only_what_is_alive(kind: Kind) -> None:
    as_it_stood = {State.PAID_BEFORE} if kind in ABOUT_MONEY else set()
    assert judged(kind) == {state for state, event in TABLE[kind] if event in {Event.PENDING, Event.OVER}} | as_it_stood
    by_people = {Event.WITHDRAWN, Event.SENT, Event.CONFIRMED, Event.UPHELD, Event.REJECTED}
    assert {state for state, event in TABLE[kind] if event in by_people} <= ALIVE


def test_the_ladder_rests_for_what_is_open_but_for_drafts_and_disputes() -> None:
    resting = {(kind, state) for kind in Kind for state in State if rests(kind, state)}
    assert (Kind.PLAN, State.DRAFT) not in resting
    assert not {kind for kind, _ in resting} & {Kind.DISPUTE}
    assert {state for _, state in resting} == {State.OPEN, State.SENT, State.CONFIRMED, State.ACTIVE}


def test_grace_is_counted_in_banking_days_from_the_next_working_day() -> None:
    christmas = frozenset({date(2026, 12, 25)})
    assert last_day(date(2026, 12, 4), 3, christmas) == date(2026, 12, 9)  # a Friday
    assert last_day(date(2026, 12, 5), 0, christmas) == MONDAY  # a Saturday
    assert last_day(date(2026, 12, 24), 2, christmas) == date(2026, 12, 29)
    [part] = parts_of(plan((5,), (MONDAY,)), 1, NOBODY)
    assert part == Part(MONDAY, day(1), 5)


@pytest.mark.parametrize(
    ("receipts", "today", "event", "missing"),
    [
        ([], day(9), Event.PENDING, 100),
        ([], day(10), Event.MISSED, 100),
        ([Receipt(day(-9), 40)], day(9), Event.BEGUN, 60),  # early ones count
        ([Receipt(day(1), 40)], day(10), Event.SHORT, 60),
        ([Receipt(day(1), 40), Receipt(day(9), 60)], day(9), Event.SETTLED, 0),  # several sum up
        ([Receipt(day(9), 100)], day(8), Event.PENDING, 100),  # it has not come in yet
        ([Receipt(day(9), 150)], day(30), Event.SETTLED, 0),
        ([Receipt(day(10), 100)], day(10), Event.MISSED, 0),  # too late
        ([Receipt(day(1), 40), Receipt(day(10), 60)], day(11), Event.SHORT, 0),
        ([Receipt(day(1), 100, day(5))], day(4), Event.SETTLED, 0),
        ([Receipt(day(1), 100, day(5))], day(5), Event.PENDING, 100),  # taken back: it is open again
        ([Receipt(day(1), 100, day(20))], day(19), Event.SETTLED, 0),
        ([Receipt(day(1), 100, day(20))], day(20), Event.MISSED, 100),
    ],
)
def test_a_promise_is_kept_by_what_came_in_time(
    receipts: list[Receipt], today: date, event: Event, missing: int
) -> None:
    found = standing(promise(), receipts, today)
    assert (found.event, found.missing) == (event, missing)
    assert found.rests_until == (day(9) if event in {Event.PENDING, Event.BEGUN} else None)


@pytest.mark.parametrize(
    ("receipts", "today", "event", "missing"),
    [
        ([Receipt(day(-9), 40, earlier=True)], day(9), Event.PENDING, 60),  # it leaves less to pay and begins nothing
        ([Receipt(day(-9), 40, earlier=True)], day(10), Event.MISSED, 60),
        ([Receipt(day(-9), 40, earlier=True), Receipt(day(1), 20)], day(10), Event.SHORT, 40),
        ([Receipt(day(-9), 40, earlier=True), Receipt(day(1), 60)], day(30), Event.SETTLED, 0),
        ([Receipt(day(-9), 100, earlier=True)], day(1), Event.PAID_BEFORE, 0),
        ([Receipt(day(-9), 100, earlier=True), Receipt(day(1), 20)], day(1), Event.PAID_BEFORE, 0),
        ([Receipt(day(-9), 100, earlier=True), Receipt(day(1), 100)], day(1), Event.SETTLED, 0),
        ([Receipt(day(-9), 100, day(5), earlier=True)], day(5), Event.PENDING, 100),
    ],
)
def test_money_that_was_there_before_keeps_no_promise_by_itself(
    receipts: list[Receipt], today: date, event: Event, missing: int
) -> None:
    stands = standing(promise(), receipts, today)
    assert (stands.event, stands.missing) == (event, missing)
    settled = replace(promise(), settled_on=day(1))
    if all(one.earlier and one.gone_on is None for one in receipts):
        assert standing(settled, receipts, today).event is Event.PAID_BEFORE


def test_no_plan_is_agreed_to_by_money_that_was_there_before() -> None:
    sent = plan_of(50, 50, state=State.SENT, until=day(5))
    paid_before = standing(sent, [Receipt(day(-1), 50, earlier=True)], day(5))
    assert (paid_before.event, paid_before.rests_until) == (Event.PENDING, day(5))
    assert standing(sent, [Receipt(day(-1), 50, earlier=True)], day(6)).event is Event.OVER


def test_a_cent_within_the_tolerance_breaks_nothing() -> None:
    assert standing(promise(tolerance=1), [Receipt(MONDAY, 99)], MONDAY).event is Event.SETTLED
    assert standing(promise(tolerance=1), [Receipt(MONDAY, 98)], MONDAY).event is Event.BEGUN


def test_who_owes_nothing_any_more_has_kept_everything_unless_money_went_back() -> None:
    agreed = replace(promise(), settled_on=day(2))
    assert standing(agreed, [], day(30)).event is Event.SETTLED
    assert standing(agreed, [Receipt(day(0), 10, day(1))], day(30)).event is Event.SETTLED
    assert standing(agreed, [Receipt(day(1), 100, day(12))], day(30)).event is Event.MISSED
    assert standing(replace(promise(), settled_on=day(10)), [], day(30)).event is Event.MISSED
    pause = Agreement(Kind.DEFERRAL, State.OPEN, until=day(5), settled_on=day(5))
    assert standing(pause, [], day(5)).event is Event.SETTLED
    dispute = Agreement(Kind.DISPUTE, State.OPEN, settled_on=day(5))
    assert standing(dispute, [], day(5)).event is Event.PENDING


def test_a_pause_lasts_to_its_last_day_and_a_dispute_may_last_for_ever() -> None:
    pause = Agreement(Kind.DEFERRAL, State.OPEN, until=day(5))
    assert standing(pause, [], day(5)).rests_until == day(5)
    assert standing(pause, [Receipt(day(1), 5)], day(6)).event is Event.OVER
    assert standing(Agreement(Kind.DISPUTE, State.OPEN), [], day(9_000)).event is Event.PENDING


def test_one_instalment_missed_makes_the_rest_due() -> None:
    agreed = plan_of(30, 30, 40)
    assert standing(agreed, [Receipt(day(0), 30)], day(13)).rests_until == day(13)
    assert standing(agreed, [Receipt(day(0), 30)], day(14)).event is Event.MISSED
    assert standing(agreed, [Receipt(day(0), 30)], day(14)).missing == 70
    assert standing(agreed, [Receipt(day(0), 60)], day(14)).event is Event.BEGUN  # paid ahead
    assert standing(agreed, [Receipt(day(0), 30), Receipt(day(14), 70)], day(15)).event is Event.MISSED
    assert standing(agreed, [Receipt(day(0), 30), Receipt(day(13), 70)], day(99)).event is Event.SETTLED
    assert standing(agreed, [], day(3)).event is Event.PENDING


def test_where_two_must_be_missed_one_may_be_made_up_for_but_not_the_last() -> None:
    agreed = plan_of(30, 30, 40, missed=2)
    assert standing(agreed, [], day(13)).rests_until == day(13)
    assert standing(agreed, [], day(14)).event is Event.MISSED
    late = [Receipt(day(8), 30), Receipt(day(18), 30)]
    assert standing(agreed, late, day(23)).event is Event.BEGUN
    assert standing(agreed, late, day(24)).event is Event.MISSED
    assert standing(agreed, [*late, Receipt(day(23), 40)], day(24)).event is Event.SETTLED


def test_a_plan_that_was_sent_waits_for_an_answer_or_the_first_money() -> None:
    sent = plan_of(50, 50, state=State.SENT, until=day(2))
    assert standing(sent, [], day(2)).rests_until == day(2)
    assert standing(sent, [], day(3)).event is Event.OVER
    paid = standing(sent, [Receipt(day(1), 50)], day(5))
    assert (paid.event, paid.rests_until) == (Event.BEGUN, day(13))
    assert standing(replace(sent, until=None), [], day(3)).event is Event.PENDING


receipts_of = st.lists(
    st.builds(
        lambda at, amount, back: Receipt(day(at), amount, None if back is None else day(at + back)),
        st.integers(-10, 40), st.integers(1, 120), st.none() | st.integers(0, 30),
    ),
    max_size=8,
)  # fmt: skip
agreements_of = st.sampled_from([promise(), promise(tolerance=5), plan_of(30, 30, 40), plan_of(30, 30, 40, missed=2)])


@given(agreements_of, receipts_of, st.integers(-5, 60), st.randoms(use_true_random=False))
def test_the_order_of_payments_and_what_was_taken_back_are_no_matter(
    agreed: Agreement, receipts: list[Receipt], today: int, random: object
) -> None:
    found = standing(agreed, receipts, day(today))
    shuffled = sorted(receipts, key=lambda _: random.random())  # type: ignore[attr-defined] # hypothesis's Random
    assert standing(agreed, shuffled, day(today)) == found
    standing_money = [one for one in receipts if one.gone_on is None or one.gone_on > day(today)]
    assert standing(agreed, standing_money, day(today)) == found
    assert found.missing == max(agreed.amount - found.received, 0)


@given(agreements_of, receipts_of, st.integers(-5, 60))
def test_the_state_follows_from_the_facts_whatever_was_known_before(
    agreed: Agreement, receipts: list[Receipt], today: int
) -> None:
    event = standing(agreed, receipts, day(today)).event
    known = [one for one in judged(agreed.kind) if one not in {State.SENT, State.CONFIRMED, State.PAID_BEFORE}]
    assert len({step(agreed.kind, state, event) for state in known}) == 1


@given(st.integers(1, 5_000), st.integers(1, 24), st.integers(0, 5))
def test_a_plan_paid_on_its_days_is_fulfilled_on_its_last_and_never_in_default(
    total: int, count: int, grace: int
) -> None:
    amounts = equal_amounts(max(total, count), count)
    days = [day(30 * number) for number in range(count)]
    agreed = Agreement(Kind.PLAN, State.ACTIVE, parts_of(plan(amounts, days), grace, NOBODY))
    receipts = [Receipt(on, amount) for on, amount in zip(days, amounts, strict=True)]
    found = [standing(agreed, receipts, on).event for on in days]
    assert found == [*[Event.BEGUN] * (count - 1), Event.SETTLED]
    assert standing(agreed, receipts, day(30 * count + 100)).missing == 0


# ---- the rest falls due only after a notice (§ 498 BGB) --------------------------------------------------------------


def noticed(*warned: tuple[int, date], missed: int = 2) -> Agreement:
    """Make a plan of four instalments, late after days 3, 13, 23 and 33."""
    return replace(plan_of(100, 100, 100, 100, missed=missed), notice_days=14, warned=warned)


def test_the_rest_of_a_plan_waits_for_its_notice_and_is_due_after_its_days() -> None:
    assert standing(noticed(), [], day(13)).warn_of == 0
    stands = standing(noticed(), [], day(14))
    assert (stands.event, stands.warn_of, stands.rests_until) == (Event.PENDING, 2, day(28))
    warned = noticed((2, day(29)))
    stands = standing(warned, [], day(29))
    assert (stands.event, stands.warn_of, stands.rests_until) == (Event.PENDING, 0, day(29))
    assert standing(warned, [], day(30)).event is Event.MISSED
    assert standing(replace(noticed(), notice_days=0), [], day(14)).event is Event.MISSED


def test_arrears_that_come_in_by_then_save_the_plan_and_a_part_of_them_does_not() -> None:
    warned = noticed((2, day(29)))
    assert standing(warned, [Receipt(day(29), 200)], day(30)).event is Event.BEGUN
    assert standing(warned, [Receipt(day(29), 199)], day(30)).event is Event.MISSED
    assert standing(warned, [Receipt(day(30), 200)], day(30)).event is Event.MISSED


def test_what_comes_in_before_the_notice_went_out_makes_it_needless() -> None:
    stands = standing(noticed(), [Receipt(day(14), 100)], day(14))
    assert (stands.event, stands.warn_of) == (Event.BEGUN, 0)


def test_who_makes_up_and_falls_behind_again_is_given_notice_again() -> None:
    paid = [Receipt(day(20), 200)]
    five = replace(noticed((2, day(21))), parts=plan_of(100, 100, 100, 100, 100).parts)
    assert standing(five, paid, day(33)).warn_of == 0
    stands = standing(five, paid, day(34))
    assert (stands.event, stands.warn_of) == (Event.BEGUN, 4)


def test_at_the_end_of_a_plan_everything_is_due_without_notice() -> None:
    assert standing(noticed(missed=4), [], day(34)).event is Event.MISSED
    assert standing(noticed((2, day(29))), [Receipt(day(29), 400)], day(40)).event is Event.SETTLED


def test_nothing_falls_due_before_the_day_a_late_notice_named_not_even_at_the_end_of_the_plan() -> None:
    late = noticed((2, day(60)))
    stands = standing(late, [], day(60))
    assert (stands.event, stands.rests_until) == (Event.PENDING, day(60))
    assert standing(late, [], day(61)).event is Event.MISSED
    arrears = [Receipt(day(50), 200)]  # and nothing of what fell due after them
    assert standing(late, arrears, day(60)).event is Event.BEGUN
    assert standing(late, arrears, day(61)).event is Event.MISSED
    assert standing(late, [*arrears, Receipt(day(60), 200)], day(61)).event is Event.SETTLED


def test_who_owes_nothing_any_more_by_the_day_a_late_notice_named_has_kept_the_plan() -> None:
    late = replace(noticed((2, day(60))), settled_on=day(60))
    assert standing(late, [], day(60)).event is Event.SETTLED
    assert standing(replace(late, settled_on=day(61)), [], day(61)).event is Event.MISSED
    waiting = replace(noticed(), settled_on=day(40))
    assert standing(waiting, [], day(40)).event is Event.SETTLED
