"""The rules that are about calls only: abandoned ones, calls somebody asked for, and which number is called."""

from dataclasses import replace
from datetime import timedelta

from contactd.domain.account import Channel, PastContact, Suppression
from contactd.domain.calendar import parse_windows
from contactd.domain.policy import Allowed, Cap, Never, NotBefore, Proposal, Reason
from contactd.domain.rules import answers, may_contact
from tests.domain.people import CALL, DAY, FIXED, MOBILE, MONDAY, PLAIN, SMS, berlin, called, facts, moved, spoke

HOUR = timedelta(hours=1)
UK = replace(PLAIN, lock_out=3 * DAY)
MOBILE_ONLY = replace(CALL, numbers=("mobile",))


def abandoned(hours: float, address: str = MOBILE.number) -> PastContact:
    """Make a call so many hours before Monday that was answered and met nobody."""
    return PastContact(Channel.CALL, MONDAY - hours * HOUR, address, 7, abandoned=True)


def test_whoever_answered_and_met_nobody_is_not_called_again_before_the_lock_out_ends() -> None:
    seen = facts(contacts=(abandoned(10),))
    free = MONDAY + 62 * HOUR
    assert may_contact(seen, MOBILE_ONLY, UK, MONDAY) == NotBefore(free, Reason.LOCK_OUT)
    assert may_contact(seen, MOBILE_ONLY, UK, free) == Allowed(MOBILE.number)
    assert may_contact(seen, MOBILE_ONLY, PLAIN, MONDAY) == Allowed(MOBILE.number)
    assert may_contact(seen, SMS, UK, MONDAY) == Allowed(MOBILE.number)


def test_the_lock_out_is_the_numbers_and_the_other_one_may_be_called() -> None:
    seen = facts(contacts=(abandoned(10),))
    assert may_contact(seen, CALL, UK, MONDAY) == Allowed(FIXED.number)
    both = facts(contacts=(abandoned(10), abandoned(20, FIXED.number)))
    assert may_contact(both, CALL, UK, MONDAY) == NotBefore(MONDAY + 52 * HOUR, Reason.LOCK_OUT)


def test_a_later_call_that_was_served_ends_the_lock_out() -> None:
    served = called(MONDAY - 2 * HOUR)
    assert may_contact(facts(contacts=(abandoned(10), served)), MOBILE_ONLY, UK, MONDAY) == Allowed(MOBILE.number)
    talk = spoke(MONDAY - 2 * HOUR)
    verdict = may_contact(facts(contacts=(abandoned(10), talk)), MOBILE_ONLY, UK, MONDAY)
    assert isinstance(verdict, NotBefore)


def test_the_lock_out_is_a_rule_with_a_name_where_there_is_one() -> None:
    told = {answer.rule for answer in answers(facts(), CALL, UK, MONDAY)}
    assert "not abandoned lately" in told
    assert "not abandoned lately" not in {answer.rule for answer in answers(facts(), CALL, PLAIN, MONDAY)}


def test_a_call_somebody_asked_for_is_under_no_cap_and_no_rest_but_keeps_the_hours_and_the_stops() -> None:
    asked = replace(CALL, requested=True)
    policy = replace(
        PLAIN,
        cool_down=7,
        caps=(Cap(0, DAY), Cap(1, 7 * DAY, per="address")),
        windows={Channel.CALL: parse_windows("Mo-Fr 08:00-20:00")},
    )
    seen = facts(contacts=(called(MONDAY - HOUR), spoke(MONDAY - HOUR)))
    assert isinstance(may_contact(seen, CALL, policy, MONDAY), Never)
    assert may_contact(seen, asked, policy, MONDAY) == Allowed(MOBILE.number)
    assert may_contact(seen, asked, policy, berlin(23, 21)) == NotBefore(berlin(24, 8), Reason.OUTSIDE_WINDOW)
    stopped = facts(suppressions=(Suppression("account", "5", None, "stop"),))
    assert may_contact(stopped, asked, policy, MONDAY) == Never(Reason.STOPPED)
    assert may_contact(facts(open=0), asked, policy, MONDAY) == Never(Reason.NOTHING_OPEN)


def test_numbers_are_called_in_the_order_asked_for_and_no_other_kind() -> None:
    fixed_first = replace(CALL, numbers=("phone", "mobile"))
    assert may_contact(facts(), CALL, PLAIN, MONDAY) == Allowed(MOBILE.number)
    assert may_contact(facts(), fixed_first, PLAIN, MONDAY) == Allowed(FIXED.number)
    dead = facts(suppressions=(Suppression("number", FIXED.number, None, "undeliverable"),))
    assert may_contact(dead, fixed_first, PLAIN, MONDAY) == Allowed(MOBILE.number)
    assert may_contact(moved(mobile=None), MOBILE_ONLY, PLAIN, MONDAY) == Never(Reason.NO_ADDRESS)


def test_a_cap_of_a_number_leaves_the_other_number() -> None:
    policy = replace(PLAIN, caps=(Cap(1, DAY, frozenset({Channel.CALL}), per="address"),))
    once, twice = called(MONDAY - HOUR), called(MONDAY - HOUR, address=FIXED.number)
    assert may_contact(facts(contacts=(once,)), CALL, policy, MONDAY) == Allowed(FIXED.number)
    verdict = may_contact(facts(contacts=(once, twice)), CALL, policy, MONDAY)
    assert verdict == NotBefore(berlin(24, 0), Reason.DAY_CAP)


def test_a_proposal_asks_for_any_number_mobile_first_and_for_nothing_special() -> None:
    plain = Proposal(Channel.CALL)
    assert (plain.numbers, plain.requested, plain.paused, plain.address) == (("mobile", "phone"), False, False, "")
