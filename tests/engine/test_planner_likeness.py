"""Asking once for all accounts that are alike answers the same as asking for each of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.account import Channel, Facts, Kind, Phone, StepTry
from contactd.domain.campaign import NEXT_NUMBER, Campaign, Select, Step
from contactd.domain.money import Money
from contactd.domain.policy import Policy
from contactd.engine import planner
from contactd.engine.planner import Decided, Rest, Take, decide
from tests.domain.histories import CHANNELS, DAYS, NOW, WINDOWS, histories, instants, policies
from tests.domain.people import FACTS, MONDAY, PLAIN

HORIZON = timedelta(hours=24)
AMOUNTS = st.sampled_from([1, 4_999, 5_000, 5_001, 8_000, 9_999, 10_000, 10_001, 50_000])
MAIL = Campaign("c", (Step("mail", Channel.EMAIL, day=3),), timezone="Europe/Berlin")


@st.composite
def selects(draw: st.DrawFn) -> Select:
    """Draw filters, of amounts most of all."""
    bounds = st.none() | st.builds(Money, AMOUNTS, st.sampled_from(["EUR", "EUR", "USD"]))
    return Select(
        min_open=draw(bounds),
        max_open=draw(bounds),
        min_days_due=draw(st.sampled_from([0, 0, 5])),
        kinds=draw(st.sampled_from([frozenset[Kind](), frozenset({Kind.CONSUMER})])),
        segments=draw(st.sampled_from([frozenset[str](), frozenset({"gold"})])),
        languages=draw(st.sampled_from([frozenset[str](), frozenset({"de"})])),
    )


def no_filter() -> st.SearchStrategy[Select]:
    """Let everything through, mostly."""
    return st.just(Select()) | st.just(Select()) | selects()


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    """Draw a ladder with filters, windows, limits of time, other ways and tries again."""
    steps = [
        Step(
            f"s{number}",
            draw(CHANNELS),
            day=number * draw(st.integers(0, 4)),
            until=draw(st.sampled_from([None, None, 10, 95])),
            otherwise=draw(st.sampled_from(["", f"s{number + 1}"])),
            attempts=draw(st.integers(1, 3)),
            pause=timedelta(hours=draw(st.sampled_from([1, 20, 48]))),
            retry=draw(st.sampled_from([{}, {"busy": timedelta(hours=2), "invalid": NEXT_NUMBER}])),
            select=draw(no_filter()),
            windows=draw(st.none() | WINDOWS),
            numbers=draw(st.sampled_from([("mobile", "phone"), ("phone",)])),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    return Campaign("c", tuple(steps), timezone="Europe/Berlin", holidays=("DE",), select=draw(no_filter()))


@st.composite
def tries(draw: st.DrawFn, now: datetime) -> StepTry:
    """Draw a try."""
    state = draw(st.sampled_from(["accepted", "failed", "failed", "cancelled", "planned"]))
    outcome = draw(st.sampled_from(["busy", "invalid", "accepted", "undeliverable"]))
    return StepTry(draw(st.sampled_from(["s0", "s1"])), 1, state, outcome, draw(instants(now, after=0)))


def other_number(phone: Phone | None, number: int) -> Phone | None:
    return phone and replace(phone, number=f"+4915228817{number:03}")


@st.composite
def crowds(draw: st.DrawFn, now: datetime) -> list[Facts]:
    """Draw accounts of a few kinds, and for each kind some that differ in what should not matter, or just might."""
    crowd = []
    for seen in draw(st.lists(histories(now), min_size=1, max_size=3)):
        for _ in range(draw(st.integers(2, 5))):
            number = len(crowd) + 1
            account = replace(
                seen.account, id=number, customer_id=number, name=f"Debtor {number}", email=f"d{number}@example.com",
                mobile=other_number(seen.account.mobile, number), phone=other_number(seen.account.phone, 500 + number),
                kind=draw(st.sampled_from([Kind.CONSUMER, Kind.CONSUMER, Kind.BUSINESS])),
                language=draw(st.sampled_from(["de", "de", "fr"])), segment=draw(st.sampled_from(["", "", "gold"])),
                currency=draw(st.sampled_from(["EUR", "EUR", "USD"])),
            )  # fmt: skip
            changed: dict[str, Any] = {
                "open": draw(AMOUNTS), "overdue": draw(AMOUNTS),
                "oldest_due": draw(st.sampled_from([*DAYS[:2], date(2026, 1, 1), date(2026, 1, 1), None])),
                "last_payment_at": draw(st.none() | instants(now)),
                "tries": tuple(draw(st.lists(tries(now), max_size=1))) if draw(st.integers(0, 4)) == 4 else (),
            }  # fmt: skip
            if draw(st.booleans()):
                changed |= {"contacts": (), "suppressions": (), "hold": None}
            crowd.append(replace(seen, account=account, **changed))
    return crowd


@st.composite
def runs(draw: st.DrawFn) -> tuple[Campaign, Policy, list[Campaign], datetime, list[Facts]]:
    """Draw a planning run."""
    now = draw(NOW)
    before = [replace(MAIL, id="before", select=draw(selects()))] if draw(st.booleans()) else []
    return draw(campaigns()), draw(policies()), before, now, draw(crowds(now))


def one_by_one(run: tuple[Campaign, Policy, list[Campaign], datetime, list[Facts]]) -> list[planner.Decision]:
    """Decide without remembering anything."""
    campaign, policy, before, now, crowd = run
    fresh = (Decided(campaign, replace(policy), before, now, HORIZON) for _ in crowd)
    return [decided.of(seen) for decided, seen in zip(fresh, crowd, strict=True)]


@settings(max_examples=300, deadline=None)
@given(run=runs())
def test_a_crowd_is_decided_like_each_of_its_accounts_alone(
    run: tuple[Campaign, Policy, list[Campaign], datetime, list[Facts]],
) -> None:
    campaign, policy, before, now, crowd = run
    together = Decided(campaign, policy, before, now, HORIZON)
    answers = [together.of(seen) for seen in crowd]
    assert answers == one_by_one(run)
    if not before:
        assert answers == [decide(campaign, policy, seen, now, HORIZON) for seen in crowd]


def counted(decided: Decided, monkeypatch: pytest.MonkeyPatch) -> tuple[Callable[[Facts], object], list[Facts]]:
    """Note for which accounts ladder and rules are asked."""
    asked: list[Facts] = []

    def noted(campaign: Campaign, policy: Policy, seen: Facts, now: datetime, horizon: timedelta) -> planner.Decision:
        asked.append(seen)
        return decide(campaign, policy, seen, now, horizon)

    monkeypatch.setattr(planner, "decide", noted)
    return decided.of, asked


def test_ladder_and_rules_are_asked_once_for_all_that_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    of, asked = counted(Decided(MAIL, PLAIN, (), MONDAY, HORIZON), monkeypatch)
    crowd = [
        replace(FACTS, account=replace(FACTS.account, id=n, email=f"d{n}@example.com"), open=8_000 + n)
        for n in range(1, 30)
    ]
    assert [of(seen) for seen in crowd] == [Take(MAIL.steps[0], 1, MONDAY)] * len(crowd)
    assert asked == crowd[:1]


def test_what_is_remembered_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_REMEMBERED", 2)
    of, asked = counted(Decided(MAIL, PLAIN, (), MONDAY, HORIZON), monkeypatch)
    for day in (1, 2, 1, 3, 1):
        assert isinstance(of(replace(FACTS, oldest_due=date(2026, 11, day))), Take)
    assert [seen.oldest_due and seen.oldest_due.day for seen in asked] == [1, 2, 3, 1]


def test_who_is_of_an_earlier_campaign_is_left_to_it() -> None:
    earlier = replace(MAIL, id="earlier", select=Select(min_open=Money(8_001, "EUR")))
    decided = Decided(MAIL, PLAIN, [earlier], MONDAY, HORIZON)
    assert isinstance(decided.of(FACTS), Take)
    assert decided.of(replace(FACTS, open=8_001)) == Rest("other_campaign")
    assert isinstance(decided.of(replace(FACTS, open=7_999)), Take)
