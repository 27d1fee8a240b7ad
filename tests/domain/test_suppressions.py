"""Stops and dead addresses: whom they keep from being contacted, and which address is used instead."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contactd.domain.account import Channel, Hold, Phone, Suppression
from contactd.domain.policy import Allowed, Never, NotBefore, Proposal, Reason, Verdict
from contactd.domain.rules import may_contact, silenced
from tests.domain.people import (
    ALL,
    CALL,
    DAY,
    EMAIL,
    FACTS,
    FIXED,
    HANDOVER,
    LETTER,
    MAIL,
    MOBILE,
    MONDAY,
    PLAIN,
    SMS,
    facts,
    moved,
)

LATER = MONDAY + timedelta(days=3)


@pytest.mark.parametrize("proposal", ALL)
def test_a_stopped_account_is_never_contacted_by_any_channel(proposal: Proposal) -> None:
    stopped = facts(suppressions=(Suppression("account", "5", None, "stop"),))
    assert may_contact(stopped, proposal, PLAIN, MONDAY) == Never(Reason.STOPPED)


def test_a_stop_for_a_channel_leaves_the_others_alone() -> None:
    stopped = facts(suppressions=(Suppression("account", "5", Channel.CALL, "stop"),))
    assert may_contact(stopped, CALL, PLAIN, MONDAY) == Never(Reason.STOPPED)
    assert isinstance(may_contact(stopped, SMS, PLAIN, MONDAY), Allowed)


def test_a_stop_with_an_end_is_over_at_its_end() -> None:
    stopped = facts(suppressions=(Suppression("account", "5", None, "stop", LATER),))
    assert may_contact(stopped, MAIL, PLAIN, MONDAY) == NotBefore(LATER, Reason.STOPPED)
    assert isinstance(may_contact(stopped, MAIL, PLAIN, LATER), Allowed)


def test_the_longest_of_several_stops_decides() -> None:
    short = Suppression("account", "5", None, "moved", LATER)
    long = Suppression("account", "5", None, "opted_out")
    assert may_contact(facts(suppressions=(short, long)), MAIL, PLAIN, MONDAY) == Never(Reason.OPTED_OUT)
    assert may_contact(facts(suppressions=(short,)), MAIL, PLAIN, MONDAY) == NotBefore(LATER, Reason.SUPPRESSED)


def test_an_end_in_the_year_9999_is_no_end() -> None:
    stop = Suppression("account", "5", None, "stop", datetime(9999, 12, 31, tzinfo=UTC))
    assert may_contact(facts(suppressions=(stop,)), MAIL, PLAIN, MONDAY) == Never(Reason.STOPPED)
    hold = Hold("promise", date(9999, 12, 31))
    assert may_contact(facts(hold=hold), MAIL, PLAIN, MONDAY) == Never(Reason.ON_HOLD)


def test_of_several_stops_the_gravest_for_good_is_told_before_lesser_reasons() -> None:
    def told(*words: str, until: datetime | None = None) -> Verdict:
        stops = tuple(Suppression("account", "5", None, word, until if word == "stop" else None) for word in words)
        return may_contact(facts(suppressions=stops), replace(MAIL, paused=True), PLAIN, MONDAY)

    assert told("stop", "represented") == told("represented", "stop") == Never(Reason.REPRESENTED)
    assert told("deceased", "insolvency", "represented") == Never(Reason.DECEASED)
    assert told("insolvency", "represented") == Never(Reason.INSOLVENCY)
    assert told("represented", "stop", until=LATER) == Never(Reason.REPRESENTED)
    assert told("represented", "stop", until=datetime(9999, 12, 31, tzinfo=UTC)) == Never(Reason.REPRESENTED)


def test_only_what_forbids_every_channel_for_good_silences() -> None:
    def told(*stops: Suppression) -> Reason | None:
        return silenced(facts(suppressions=stops), MONDAY)

    assert told() is None
    assert told(Suppression("account", "5", None, "represented")) is Reason.REPRESENTED
    assert told(Suppression("account", "5", None, "stop", LATER)) is None
    assert told(Suppression("account", "5", Channel.LETTER, "stop")) is None
    assert told(Suppression("email", EMAIL, None, "opted_out")) is None


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("opted_out", Reason.OPTED_OUT),
        ("undeliverable", Reason.UNDELIVERABLE),
        ("wrong_number", Reason.UNDELIVERABLE),
        ("stop", Reason.STOPPED),
        ("represented", Reason.REPRESENTED),
        ("insolvency", Reason.INSOLVENCY),
        ("deceased", Reason.DECEASED),
        ("complained", Reason.SUPPRESSED),
    ],
)
def test_a_suppressed_address_is_not_used_and_says_why(word: str, reason: Reason) -> None:
    gone = facts(suppressions=(Suppression("email", EMAIL.upper(), Channel.EMAIL, word),))
    assert may_contact(gone, MAIL, PLAIN, MONDAY) == Never(reason)
    assert isinstance(may_contact(gone, CALL, PLAIN, MONDAY), Allowed)


def test_an_address_may_be_suppressed_for_one_channel_only() -> None:
    no_sms = facts(suppressions=(Suppression("number", MOBILE.number, Channel.SMS, "opted_out"),))
    assert may_contact(no_sms, SMS, PLAIN, MONDAY) == Never(Reason.OPTED_OUT)
    assert may_contact(no_sms, CALL, PLAIN, MONDAY) == Allowed(MOBILE.number)


def test_the_address_of_somebody_else_is_no_matter() -> None:
    other = facts(suppressions=(Suppression("email", "other@example.com", None, "stop"),))
    assert may_contact(other, MAIL, PLAIN, MONDAY) == Allowed(EMAIL)


def test_a_dead_mobile_leaves_the_fixed_line_to_call() -> None:
    dead = facts(suppressions=(Suppression("number", MOBILE.number, None, "wrong_number"),))
    assert may_contact(dead, CALL, PLAIN, MONDAY) == Allowed(FIXED.number)
    assert may_contact(dead, SMS, PLAIN, MONDAY) == Never(Reason.UNDELIVERABLE)


def test_with_both_numbers_dead_the_first_one_says_why() -> None:
    both = (
        Suppression("number", MOBILE.number, None, "opted_out"),
        Suppression("number", FIXED.number, None, "undeliverable"),
    )
    assert may_contact(facts(suppressions=both), CALL, PLAIN, MONDAY) == Never(Reason.OPTED_OUT)


def test_a_dead_number_does_not_hide_why_the_other_one_rests() -> None:
    dead = (Suppression("number", MOBILE.number, None, "undeliverable"),)
    held = facts(suppressions=dead, hold=Hold("plan"))
    assert may_contact(held, CALL, PLAIN, MONDAY) == Never(Reason.ON_HOLD)


def test_the_number_that_is_free_first_is_used() -> None:
    resting = facts(suppressions=(Suppression("number", MOBILE.number, None, "rest", LATER),))
    assert may_contact(resting, CALL, PLAIN, MONDAY) == Allowed(FIXED.number)
    both = facts(suppressions=(*resting.suppressions, Suppression("number", FIXED.number, None, "rest", LATER - DAY)))
    assert may_contact(both, CALL, PLAIN, MONDAY) == NotBefore(LATER - DAY, Reason.SUPPRESSED)


def test_only_the_proposed_number_is_judged() -> None:
    dead = facts(suppressions=(Suppression("number", MOBILE.number, None, "wrong_number"),))
    assert may_contact(dead, replace(CALL, address=MOBILE.number), PLAIN, MONDAY) == Never(Reason.UNDELIVERABLE)
    assert may_contact(FACTS, replace(CALL, address=FIXED.number), PLAIN, MONDAY) == Allowed(FIXED.number)


def test_a_proposed_number_the_account_no_longer_has_is_not_called() -> None:
    stranger = replace(CALL, address="+493023125999")
    assert may_contact(FACTS, stranger, PLAIN, MONDAY) == Never(Reason.NO_ADDRESS)


def test_an_sms_goes_to_numbers_that_can_take_it() -> None:
    assert may_contact(FACTS, SMS, PLAIN, MONDAY) == Allowed(MOBILE.number)
    assert may_contact(moved(mobile=None), SMS, PLAIN, MONDAY) == Never(Reason.NO_ADDRESS)
    unknown = Phone("+493023125001", "unknown")
    assert may_contact(moved(mobile=None, phone=unknown), SMS, PLAIN, MONDAY) == Allowed(unknown.number)
    assert may_contact(FACTS, replace(SMS, address=FIXED.number), PLAIN, MONDAY) == Never(Reason.NO_ADDRESS)


def test_a_call_goes_to_the_fixed_line_when_there_is_no_mobile() -> None:
    assert may_contact(moved(mobile=None), CALL, PLAIN, MONDAY) == Allowed(FIXED.number)
    assert may_contact(moved(mobile=Phone("")), CALL, PLAIN, MONDAY) == Allowed(FIXED.number)


@pytest.mark.parametrize(
    ("proposal", "missing"),
    [(MAIL, {"email": ""}), (LETTER, {"postal": False}), (CALL, {"phone": None, "mobile": None})],
)
def test_without_an_address_nobody_is_reached(proposal: Proposal, missing: dict[str, object]) -> None:
    assert may_contact(moved(**missing), proposal, PLAIN, MONDAY) == Never(Reason.NO_ADDRESS)


def test_paper_needs_no_address_that_could_be_suppressed() -> None:
    empty = facts(suppressions=(Suppression("number", "", None, "stop"),))
    assert may_contact(empty, LETTER, PLAIN, MONDAY) == Allowed("")
    assert may_contact(moved(email="", phone=None, mobile=None, postal=False), HANDOVER, PLAIN, MONDAY) == Allowed("")
