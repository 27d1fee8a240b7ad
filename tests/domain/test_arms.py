"""The arms of a comparison: drawn in their shares, the same again and again, with a ladder each, one held out."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.account import Channel, Drawn
from contactd.domain.arms import control, draw, held_until
from contactd.domain.campaign import Arm, Campaign, Select, Step
from contactd.domain.ladder import Due, Finished, NotSelected, Waiting, next_step, no_longer_due
from contactd.domain.money import Money
from contactd.domain.policy import Policy
from contactd.domain.scenario import Given, expected_step
from tests.domain.ladders import noon
from tests.domain.test_ladder import debtor

SMS, CALL = Step("sms", Channel.SMS, day=3, arms=("sms",)), Step("call", Channel.CALL, day=5, arms=("call", "out"))
LETTER = Step("letter", Channel.LETTER, day=14)
ARMS = (Arm("sms", 0.45), Arm("call", 0.45), Arm("out", 0.1, hold_out=True))
CAMPAIGN = Campaign("c", (SMS, CALL, LETTER), arms=ARMS)


def test_the_same_customer_gets_the_same_arm_and_another_seed_another_lot() -> None:
    first = [draw(CAMPAIGN, customer).id for customer in range(500)]
    assert first == [draw(CAMPAIGN, customer).id for customer in range(500)]
    assert first != [draw(replace(CAMPAIGN, arm_seed="again"), customer).id for customer in range(500)]
    assert first != [draw(replace(CAMPAIGN, id="other"), customer).id for customer in range(500)]


@settings(deadline=None, max_examples=20)
@given(parts=st.lists(st.integers(1, 20), min_size=2, max_size=5), seed=st.text(max_size=5))
def test_the_shares_come_out(parts: list[int], seed: str) -> None:
    arms = tuple(Arm(f"a{place}", part / sum(parts)) for place, part in enumerate(parts))
    campaign, many = Campaign("c", (LETTER,), arms=arms, arm_seed=seed), 4_000
    found = Counter(draw(campaign, customer).id for customer in range(many))
    for arm in arms:  # five standard deviations, so that chance fails nobody
        spread = 5 * (arm.share * (1 - arm.share) / many) ** 0.5
        assert abs(found[arm.id] / many - arm.share) < spread


def test_each_arm_climbs_its_own_steps_and_those_of_all() -> None:
    def step(arm: str, day: int) -> object:
        seen = replace(debtor(), drawn=Drawn(arm, noon(-40)) if arm else None)
        found = next_step(CAMPAIGN, seen, noon(day))
        return found.step and found.step.id if isinstance(found, Due | Waiting) else found

    assert (step("sms", 3), step("call", 3), step("", 3)) == ("sms", "call", "sms")
    assert (step("gone", 20), step("out", 6)) == ("letter", "call")
    alone = Campaign("c", (SMS,), arms=ARMS)
    assert next_step(alone, replace(debtor(), drawn=Drawn("call", noon(0))), noon(9)) == Finished("ladder_ended")


def test_who_is_held_out_waits_and_then_climbs_the_ladder_from_its_foot() -> None:
    seen = replace(debtor(), drawn=Drawn("out", noon(3)))
    assert next_step(CAMPAIGN, seen, noon(20)) == Waiting(None, noon(33), "held_out")
    assert next_step(CAMPAIGN, seen, noon(33)) == Due(CALL, 1)
    assert held_until(CAMPAIGN, None) is None
    assert held_until(CAMPAIGN, Drawn("sms", noon(3))) is None
    assert held_until(CAMPAIGN, Drawn("gone", noon(3))) is None
    # What was promised to the customer is carried out whatever was drawn.
    assert no_longer_due(CAMPAIGN, CALL, 1, seen, noon(20)) == ""


def test_arms_are_compared_with_the_one_held_out_else_with_the_first() -> None:
    assert control(CAMPAIGN).id == "out"
    assert control(replace(CAMPAIGN, arms=ARMS[:2])).id == "sms"


def test_a_made_up_account_is_drawn_on_the_first_day_of_the_ladder() -> None:
    base = Given(Money(8_000, "EUR"), 0, mobile=True, phone=True)
    policy = Policy("open", default_timezone="Europe/Berlin")

    def found(arm: str, days_due: int) -> str:
        at = datetime(2026, 12, 1, 10, tzinfo=UTC)
        return expected_step(CAMPAIGN, replace(base, arm=arm, days_due=days_due), policy, at).step

    assert (found("sms", 3), found("call", 3), found("call", 5)) == ("sms", "", "call")
    assert (found("out", 32), found("out", 33)) == ("", "call")


@pytest.mark.parametrize(
    ("select", "customers", "why"),
    [
        (Select(min_customers=10), None, ""),
        (Select(min_customers=10), 9, "min_customers"),
        (Select(min_customers=10), 10, ""),
        (Select(max_customers=10), 10, ""),
        (Select(max_customers=10), 11, "max_customers"),
        (Select(), 11, ""),
    ],
)
def test_how_many_customers_the_creditor_has_may_decide(select: Select, customers: int | None, why: str) -> None:
    found = next_step(replace(CAMPAIGN, select=select), replace(debtor(), customers=customers), noon(3))
    assert found == (NotSelected(why) if why else Due(SMS, 1))
    assert select.counts_customers is (select != Select())


def test_a_lot_falls_within_a_day_whatever_the_zone() -> None:
    assert held_until(replace(CAMPAIGN, hold_out_for=1), Drawn("out", noon(3))) == noon(3) + timedelta(days=1)
