"""Invented accounts: the answer to a campaign's own tests."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from contactd.domain.account import Channel, Kind, StepTry
from contactd.domain.campaign import Step
from contactd.domain.ladder import Due, Finished
from contactd.domain.money import Money
from contactd.domain.policy import Never, Reason
from contactd.domain.presets import PRESETS, Limits, tighten
from contactd.domain.scenario import Found, Given, expected_step, imagine, on_schedule, position
from tests.domain.ladders import BRIEF, DUE, MAIL, STANDARD, ladder, morning, noon
from tests.domain.people import FACTS

POLICY = tighten(
    PRESETS["de"],
    Limits(per_customer_per_day=1, calls_per_week=3),
    default_timezone="Europe/Berlin",
    payments_max_age=timedelta(hours=26),
)
OPEN = Money(8000, "EUR")
TUESDAY = datetime(2026, 12, 1, 10)  # noqa: DTZ001 - as a campaign's test writes it, in the campaign's zone


def test_the_account_of_the_example_gets_its_letter() -> None:
    given = Given(open=Money.parse("80.00 EUR"), days_due=14, email=True)
    assert expected_step(STANDARD, given, POLICY, datetime.fromisoformat("2026-12-01T10:00")) == Found("mahnung-brief")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Given(OPEN, 2, email=True), Found("", "min_days_due")),
        (Given(OPEN, 3, email=True), Found("erinnerung-email")),
        (Given(OPEN, 3, mobile=True), Found("erinnerung-sms")),
        (Given(OPEN, 3, phone=True), Found("", "not_due")),
        (Given(OPEN, 4, email=True), Found("", "not_due")),
        (Given(OPEN, 14, email=True, postal=False), Found("", "not_due")),
        (Given(OPEN, 28, phone=True), Found("anruf")),
        (Given(OPEN, 60, phone=True), Found("anwalt")),
        (Given(OPEN, 61, phone=True), Found("", "ladder_ended")),
        (Given(OPEN, 14, disputed=True), Found("", "disputed")),
        (Given(Money(900, "EUR"), 14), Found("", "amount")),
        (Given(OPEN, 14, kind=Kind.BUSINESS), Found("", "kinds")),
        (Given(OPEN, 14, timezone="Mars/Olympus"), Found("", "unknown_timezone")),
    ],
)
def test_an_invented_account_stands_where_the_schedule_put_it(given: Given, expected: Found) -> None:
    assert expected_step(STANDARD, given, POLICY, TUESDAY) == expected


def test_a_call_that_is_due_on_a_sunday_does_not_happen() -> None:
    sunday = datetime.fromisoformat("2026-11-29T10:00+01:00")
    assert expected_step(STANDARD, Given(OPEN, 28, phone=True), POLICY, sunday) == Found("", "outside_window")


def test_the_schedule_before_is_filled_in_day_by_day() -> None:
    facts = on_schedule(
        STANDARD, replace(imagine(STANDARD, Given(OPEN, 60, email=True, phone=True), noon(60))), noon(60)
    )
    assert facts.tries == (
        StepTry("erinnerung-email", 1, "accepted", "accepted", morning(3)),
        StepTry("mahnung-brief", 1, "accepted", "accepted", morning(14)),
        StepTry("anruf", 1, "delivered", "answered", morning(28)),
    )
    assert [(past.channel, past.at) for past in facts.contacts] == [
        (Channel.EMAIL, morning(3)),
        (Channel.LETTER, morning(14)),
        (Channel.CALL, morning(28)),
    ]


def test_what_was_given_is_not_done_again() -> None:
    begun = replace(FACTS, oldest_due=DUE, tries=(StepTry("mail", 1, "accepted", "accepted", noon(5)),))
    assert on_schedule(ladder(MAIL, BRIEF), begun, noon(20)).tries[0] == begun.tries[0]
    assert position(ladder(MAIL, BRIEF), begun, POLICY, noon(40)) == Finished("ladder_ended")
    open_one = replace(begun, tries=(StepTry("mail", 1, "unclear", "", noon(5)),))
    assert on_schedule(ladder(MAIL, BRIEF), open_one, noon(20)) == open_one
    nothing_open = replace(FACTS, oldest_due=None, open=0)
    assert on_schedule(ladder(MAIL), nothing_open, noon(20)) == nothing_open


def test_the_rules_are_asked_about_the_step_that_is_due() -> None:
    fresh = replace(FACTS, oldest_due=DUE, payments_as_of=noon(3))
    assert position(ladder(MAIL), fresh, POLICY, noon(3)) == Due(MAIL, 1)
    stale = replace(fresh, payments_as_of=noon(1))
    assert position(ladder(MAIL), stale, POLICY, noon(3)) == Never(Reason.PAYMENTS_STALE)


def test_what_a_test_says_of_the_account_is_what_the_rules_see() -> None:
    given = Given(OPEN, 5, phone=True, country="AT", region="AT-9", segment="s", creditor="acme", language="en")
    account = imagine(STANDARD, given, noon(5)).account
    assert (account.country, account.region, account.segment, account.creditor) == ("AT", "AT-9", "s", "acme")
    assert account.language == "en"
    assert imagine(STANDARD, Given(OPEN, 5), noon(5)).account.language == "de"
    assert imagine(STANDARD, given, noon(5)).oldest_due == date(2026, 11, 2)


def test_a_ladder_of_steps_on_one_day_is_climbed_on_that_day() -> None:
    follow = Step("follow", Channel.SMS, after="mail", after_days=0)
    campaign = ladder(MAIL, follow, BRIEF)
    facts = on_schedule(campaign, imagine(campaign, Given(OPEN, 10, email=True, mobile=True), noon(10)), noon(10))
    assert [(one.step, one.at) for one in facts.tries] == [("mail", morning(3)), ("follow", morning(3))]
