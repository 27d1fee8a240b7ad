"""Which accounts are decided alike in a planning run, and which are not."""

from dataclasses import replace
from datetime import date

import pytest

from contactd.domain.account import Channel, Facts, Hold, Phone
from contactd.domain.campaign import Select
from contactd.domain.likeness import Likeness
from contactd.domain.money import Money
from contactd.domain.policy import Cap, Policy
from contactd.domain.rules import looks_back
from tests.domain.people import DAY, FACTS, MOBILE, MONDAY, PLAIN, called, facts, mailed, moved, spoke, tried

CAPPED = replace(PLAIN, caps=(Cap(3, 7 * DAY, frozenset({Channel.CALL})),))


def alike(one: Facts, other: Facts, *filters: Select) -> bool:
    """Compare two accounts as planning does."""
    likeness = Likeness(PLAIN, filters)
    found = likeness.of(one, MONDAY), likeness.of(other, MONDAY)
    assert None not in found
    return found[0] == found[1]


@pytest.mark.parametrize(
    "other",
    [
        moved(id=8, customer_id=9, number="4712", name="Robin Muster"),
        moved(email="andere@example.com"),
        moved(mobile=replace(MOBILE, number="+4915228895456")),
        facts(open=9000, overdue=9000),
    ],
)
def test_names_addresses_and_amounts_tell_nobody_apart(other: Facts) -> None:
    assert alike(FACTS, other)


@pytest.mark.parametrize(
    "other",
    [
        moved(mobile=replace(MOBILE, zones=("Europe/Lisbon",))),
        moved(phone=Phone("+493023125000", "fixed", ("Europe/Berlin", "Europe/Lisbon"))),
        moved(mobile=replace(MOBILE, type="unknown")),
        moved(phone=None),
        moved(email=""),
        moved(postal=False),
        moved(timezone="Europe/Lisbon"),
        moved(region="DE-HE"),
        moved(language="en"),
        facts(oldest_due=date(2026, 11, 8)),
        facts(disputed=True),
        facts(payments_as_of=MONDAY),
    ],
)
def test_whatever_ladder_or_rules_look_at_tells_accounts_apart(other: Facts) -> None:
    assert not alike(FACTS, other)


def test_amounts_count_by_the_bounds_they_lie_between() -> None:
    bounds = Select(min_open=Money(5000, "EUR"), max_open=Money(9000, "EUR"))
    assert alike(facts(open=5001), facts(open=8999), bounds)
    for one, other in ((4999, 5000), (5000, 5001), (8999, 9000), (9000, 9001)):
        assert not alike(facts(open=one), facts(open=other), bounds)


@pytest.mark.parametrize(
    "seen",
    [
        facts(hold=Hold("promise", None)),
        facts(tries=(tried("reminder", MONDAY - DAY),)),
        facts(contacts=(called(MONDAY - DAY),) * 3),
    ],
)
def test_whoever_has_a_history_that_counts_is_like_nobody_else(seen: Facts) -> None:
    assert Likeness(CAPPED, ()).of(seen, MONDAY) is None


@pytest.mark.parametrize(
    ("contacts", "policy", "matters"),
    [
        ((called(MONDAY - DAY),) * 2, CAPPED, False),
        ((called(MONDAY - DAY),) * 3, CAPPED, True),
        ((mailed(MONDAY - DAY),) * 3, CAPPED, False),
        ((called(MONDAY - 60 * DAY),) * 3, CAPPED, False),
        ((spoke(MONDAY - DAY),), PLAIN, False),
        ((spoke(MONDAY - DAY),), replace(PLAIN, cool_down=7), True),
    ],
)
def test_contacts_matter_from_the_count_of_a_cap_on(
    contacts: tuple[object, ...], policy: Policy, *, matters: bool
) -> None:
    assert looks_back(facts(contacts=contacts), policy, MONDAY) is matters
