"""Each rule by itself: what it forbids, until when, and that it says nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contactd.domain.account import Channel, Hold, PastContact, Phone, Suppression
from contactd.domain.calendar import parse_windows
from contactd.domain.policy import Allowed, Cap, Never, NotBefore, Policy, Proposal, Reason
from contactd.domain.rules import answers, least_contacts, may_contact
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
    berlin,
    called,
    facts,
    mailed,
    moved,
    spoke,
)

CALLS = frozenset({Channel.CALL})
LATER = MONDAY + timedelta(days=3)


@pytest.mark.parametrize("proposal", ALL)
def test_an_overdue_account_with_nothing_against_it_may_be_contacted(proposal: Proposal) -> None:
    assert isinstance(may_contact(FACTS, proposal, PLAIN, MONDAY), Allowed)


@pytest.mark.parametrize("proposal", ALL)
def test_a_paid_account_is_never_contacted(proposal: Proposal) -> None:
    assert may_contact(facts(open=0), proposal, PLAIN, MONDAY) == Never(Reason.NOTHING_OPEN)
    assert may_contact(facts(open=-100), proposal, PLAIN, MONDAY) == Never(Reason.NOTHING_OPEN)


def test_an_account_with_nothing_undisputed_is_disputed() -> None:
    assert may_contact(facts(open=0, disputed=True), MAIL, PLAIN, MONDAY) == Never(Reason.DISPUTED)
    assert isinstance(may_contact(facts(disputed=True), MAIL, PLAIN, MONDAY), Allowed)


def test_a_payment_since_planning_cancels_the_contact() -> None:
    planned = replace(MAIL, planned_at=MONDAY)
    for paid_at, expected in (
        (MONDAY, Never(Reason.PAID_SINCE_PLANNING)),
        (MONDAY + timedelta(seconds=1), Never(Reason.PAID_SINCE_PLANNING)),
        (MONDAY - timedelta(seconds=1), Allowed(EMAIL)),
    ):
        assert may_contact(facts(last_payment_at=paid_at), planned, PLAIN, LATER) == expected
    assert isinstance(may_contact(facts(last_payment_at=LATER), MAIL, PLAIN, LATER), Allowed)
    assert isinstance(may_contact(FACTS, planned, PLAIN, LATER), Allowed)


def test_nobody_is_dunned_on_stale_payments() -> None:
    fresh = replace(PLAIN, payments_max_age=timedelta(hours=26))
    as_of = MONDAY - timedelta(hours=26)
    assert isinstance(may_contact(facts(payments_as_of=as_of), MAIL, fresh, MONDAY), Allowed)
    late = MONDAY + timedelta(microseconds=1)
    assert may_contact(facts(payments_as_of=as_of), MAIL, fresh, late) == Never(Reason.PAYMENTS_STALE)
    assert may_contact(FACTS, MAIL, fresh, MONDAY) == Never(Reason.PAYMENTS_STALE)


def test_a_paused_step_contacts_nobody() -> None:
    assert may_contact(FACTS, replace(MAIL, paused=True), PLAIN, MONDAY) == Never(Reason.PAUSED)


def test_the_ladder_rests_through_the_last_day_of_a_promise() -> None:
    held = facts(hold=Hold("promise", date(2026, 11, 25)))
    thursday = berlin(26, 0)
    assert may_contact(held, MAIL, PLAIN, MONDAY) == NotBefore(thursday, Reason.ON_HOLD)
    assert may_contact(held, MAIL, PLAIN, thursday - timedelta(microseconds=1)) == NotBefore(thursday, Reason.ON_HOLD)
    assert isinstance(may_contact(held, MAIL, PLAIN, thursday), Allowed)


def test_a_hold_without_end_never_ends_by_itself() -> None:
    assert may_contact(facts(hold=Hold("dispute")), MAIL, PLAIN, MONDAY) == Never(Reason.ON_HOLD)


def test_calls_rest_for_whole_days_after_a_conversation() -> None:
    rested = replace(PLAIN, cool_down=7)
    talked = facts(contacts=(spoke(berlin(16, 23, 59)), spoke(berlin(2, 12))))
    assert may_contact(talked, CALL, rested, MONDAY - 2 * DAY) == NotBefore(berlin(23, 0), Reason.COOL_DOWN)
    assert isinstance(may_contact(talked, CALL, rested, berlin(23, 0)), Allowed)
    assert isinstance(may_contact(talked, MAIL, rested, MONDAY - 2 * DAY), Allowed)
    assert isinstance(may_contact(facts(contacts=(called(MONDAY),)), CALL, rested, MONDAY), Allowed)


def test_the_cool_down_may_concern_one_debt_only() -> None:
    talked = facts(contacts=(spoke(MONDAY, account=8),))
    policy = replace(PLAIN, cool_down=2, cool_down_per="account")
    assert isinstance(may_contact(talked, CALL, policy, MONDAY), Allowed)
    assert may_contact(talked, CALL, replace(PLAIN, cool_down=2), MONDAY) == NotBefore(berlin(25, 0), Reason.COOL_DOWN)


def test_a_daily_cap_counts_local_calendar_days() -> None:
    capped = replace(PLAIN, caps=(Cap(2, DAY),))
    twice = facts(contacts=(called(berlin(23, 0)), mailed(berlin(23, 9))))
    assert may_contact(twice, MAIL, capped, MONDAY) == NotBefore(berlin(24, 0), Reason.DAY_CAP)
    yesterday = facts(contacts=(called(berlin(22, 23, 59)), mailed(berlin(23, 9))))
    assert isinstance(may_contact(yesterday, MAIL, capped, MONDAY), Allowed)


def test_a_weekly_cap_counts_today_and_the_six_days_before() -> None:
    capped = replace(PLAIN, caps=(Cap(1, 7 * DAY),))
    assert may_contact(facts(contacts=(mailed(berlin(17, 0)),)), MAIL, capped, MONDAY) == NotBefore(
        berlin(24, 0), Reason.WEEK_CAP
    )
    assert isinstance(may_contact(facts(contacts=(mailed(berlin(16, 23, 59)),)), MAIL, capped, MONDAY), Allowed)


def test_after_too_many_contacts_the_latest_ones_count() -> None:
    capped = replace(PLAIN, caps=(Cap(2, 7 * DAY),))
    often = facts(contacts=tuple(mailed(berlin(day, 12)) for day in (21, 18, 20, 17, 19)))
    assert may_contact(often, MAIL, capped, berlin(22, 12)) == NotBefore(berlin(27, 0), Reason.WEEK_CAP)


def test_a_rule_answers_yes_at_the_very_instant_it_named() -> None:
    policy, free = replace(PLAIN, caps=(Cap(1, DAY),)), berlin(24, 0)
    once = facts(contacts=(mailed(MONDAY),))
    assert NotBefore(free, Reason.DAY_CAP) in dict(answers(once, MAIL, policy, free - timedelta.resolution)).values()
    assert {type(verdict) for verdict in dict(answers(once, MAIL, policy, free)).values()} == {Allowed}


def test_a_rolling_cap_counts_back_from_the_instant() -> None:
    capped = replace(PLAIN, caps=(Cap(1, timedelta(hours=72), rolling=True),))
    once = facts(contacts=(called(MONDAY),))
    free = MONDAY + timedelta(hours=72)
    assert may_contact(once, CALL, capped, free - timedelta.resolution) == NotBefore(free, Reason.CAP)
    assert isinstance(may_contact(once, CALL, capped, free), Allowed)


def test_a_calendar_cap_of_less_than_a_day_is_a_whole_day() -> None:
    capped = replace(PLAIN, caps=(Cap(1, timedelta(hours=2)),))
    assert may_contact(facts(contacts=(called(MONDAY),)), CALL, capped, MONDAY) == NotBefore(berlin(24, 0), Reason.CAP)


def test_a_cap_of_nothing_forbids_for_good() -> None:
    assert may_contact(FACTS, CALL, replace(PLAIN, caps=(Cap(0, DAY, CALLS),)), MONDAY) == Never(Reason.DAY_CAP)


def test_a_cap_concerns_its_channels_only() -> None:
    capped = replace(PLAIN, caps=(Cap(1, DAY, CALLS),))
    assert isinstance(may_contact(facts(contacts=(called(MONDAY),)), MAIL, capped, MONDAY), Allowed)
    assert isinstance(may_contact(facts(contacts=(mailed(MONDAY),)), CALL, capped, MONDAY), Allowed)
    assert may_contact(facts(contacts=(called(MONDAY),)), CALL, capped, MONDAY) == NotBefore(
        berlin(24, 0), Reason.DAY_CAP
    )


def test_giving_a_case_away_is_no_contact() -> None:
    capped = replace(PLAIN, caps=(Cap(1, DAY),))
    assert isinstance(may_contact(facts(contacts=(mailed(MONDAY),)), HANDOVER, capped, MONDAY), Allowed)
    given_away = facts(contacts=(PastContact(Channel.HANDOVER, MONDAY, "", 7),))
    assert isinstance(may_contact(given_away, MAIL, capped, MONDAY), Allowed)


def test_a_conversation_is_not_counted_beside_its_call() -> None:
    capped = replace(PLAIN, caps=(Cap(2, DAY, CALLS),))
    once = facts(contacts=(called(MONDAY), spoke(MONDAY + timedelta(minutes=1))))
    assert isinstance(may_contact(once, CALL, capped, MONDAY), Allowed)


@pytest.mark.parametrize(
    ("per", "contact", "counted"),
    [
        ("customer", called(MONDAY, account=8, address=FIXED.number), True),
        ("account", called(MONDAY, account=8), False),
        ("account", called(MONDAY, account=7), True),
        ("account", called(MONDAY, account=0), True),
        ("address", called(MONDAY, account=8), True),
        ("address", called(MONDAY, address=FIXED.number), False),
    ],
)
def test_a_cap_counts_per_customer_debt_or_address(per: str, contact: PastContact, *, counted: bool) -> None:
    capped = replace(PLAIN, caps=(Cap(1, DAY, CALLS, per=per),))
    verdict = may_contact(facts(contacts=(contact,)), replace(CALL, address=MOBILE.number), capped, MONDAY)
    assert isinstance(verdict, NotBefore) is counted


def test_windows_are_those_of_policy_and_step_together() -> None:
    office = replace(PLAIN, windows={Channel.CALL: parse_windows("Mo-Fr 08:00-20:00")})
    narrow = replace(CALL, windows=parse_windows("Mo-Sa 11:00-21:00"))
    assert isinstance(may_contact(FACTS, CALL, office, MONDAY), Allowed)
    assert may_contact(FACTS, narrow, office, MONDAY) == NotBefore(berlin(23, 11), Reason.OUTSIDE_WINDOW)
    assert may_contact(FACTS, narrow, office, berlin(27, 20)) == NotBefore(berlin(30, 11), Reason.OUTSIDE_WINDOW)
    assert isinstance(may_contact(FACTS, MAIL, office, berlin(22, 3)), Allowed)


def test_windows_that_never_meet_forbid_for_good() -> None:
    office = replace(PLAIN, windows={Channel.CALL: parse_windows("Mo-Fr 08:00-20:00")})
    sunday = replace(CALL, windows=parse_windows("So 08:00-20:00"))
    assert may_contact(FACTS, sunday, office, MONDAY) == Never(Reason.OUTSIDE_WINDOW)
    tired = facts(contacts=(called(MONDAY),))
    capped = replace(office, windows={}, caps=(Cap(1, DAY),), quiet=parse_windows("00:00-24:00"))
    assert may_contact(tired, CALL, capped, MONDAY) == Never(Reason.QUIET_HOURS)


def test_quiet_hours_bind_what_arrives_at_an_hour() -> None:
    quiet = replace(PLAIN, quiet=parse_windows("22:00-08:00", overnight=True))
    for proposal in (MAIL, SMS, CALL):
        assert may_contact(FACTS, proposal, quiet, berlin(23, 22)) == NotBefore(berlin(24, 8), Reason.QUIET_HOURS)
        assert isinstance(may_contact(FACTS, proposal, quiet, berlin(24, 8)), Allowed)
    assert isinstance(may_contact(FACTS, LETTER, quiet, berlin(23, 22)), Allowed)


def test_public_holidays_of_country_region_and_campaign_close_the_day() -> None:
    holidays = {"DE": frozenset({date(2026, 11, 23)}), "DE-BY": frozenset({date(2026, 11, 24)})}
    holidays["US"] = frozenset({date(2026, 11, 25)})
    closed = replace(PLAIN, closed=CALLS, holidays=holidays)
    assert may_contact(FACTS, CALL, closed, MONDAY) == NotBefore(berlin(25, 0), Reason.HOLIDAY)
    abroad = replace(CALL, holiday_regions=("US", "ZZ"))
    assert may_contact(FACTS, abroad, closed, MONDAY) == NotBefore(berlin(26, 0), Reason.HOLIDAY)
    assert isinstance(may_contact(moved(country="AT", region=""), CALL, closed, MONDAY), Allowed)
    assert isinstance(may_contact(FACTS, MAIL, closed, MONDAY), Allowed)


def test_the_zone_is_the_accounts_else_its_numbers_else_the_policys() -> None:
    policy = Policy("t", windows={Channel.EMAIL: parse_windows("08:00-21:00")}, default_timezone="Asia/Tokyo")
    new_york = Phone("+12125550100", "unknown", ("America/New_York",))
    los_angeles = Phone("+12135550100", "unknown", ("America/Los_Angeles",))
    at = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    for account, opens in (
        (moved(), at),
        (moved(timezone="", mobile=new_york), datetime(2026, 11, 23, 13, tzinfo=UTC)),
        (moved(timezone="", mobile=new_york, phone=los_angeles), datetime(2026, 11, 23, 16, tzinfo=UTC)),
        (moved(timezone="", mobile=None, phone=None), datetime(2026, 11, 23, 23, tzinfo=UTC)),
    ):
        verdict = may_contact(account, MAIL, policy, at)
        assert verdict == (Allowed(EMAIL) if opens == at else NotBefore(opens, Reason.OUTSIDE_WINDOW))


@pytest.mark.parametrize("proposal", ALL)
def test_nobody_is_contacted_in_an_unknown_time_zone(proposal: Proposal) -> None:
    nowhere = Phone(MOBILE.number, "mobile")
    assert may_contact(moved(timezone="", phone=nowhere, mobile=nowhere), proposal, Policy("t"), MONDAY) == Never(
        Reason.UNKNOWN_TIMEZONE
    )
    assert may_contact(moved(timezone="Mars/Olympus"), proposal, PLAIN, MONDAY) == Never(Reason.UNKNOWN_TIMEZONE)
    half_known = moved(timezone="", mobile=Phone(MOBILE.number, "mobile", ("Mars/Olympus", "Europe/Berlin")))
    assert may_contact(half_known, proposal, PLAIN, MONDAY) == Never(Reason.UNKNOWN_TIMEZONE)


def test_days_count_in_all_zones_when_they_conflict() -> None:
    zones = Phone("+12125550100", "unknown", ("America/New_York", "America/Los_Angeles"))
    somewhere = moved(timezone="", mobile=zones, phone=None)
    once = replace(somewhere, contacts=(called(MONDAY),))
    capped = replace(PLAIN, caps=(Cap(1, DAY),))
    assert may_contact(once, CALL, capped, MONDAY) == NotBefore(datetime(2026, 11, 24, 8, tzinfo=UTC), Reason.DAY_CAP)


def test_not_before_names_a_time_at_which_all_rules_agree() -> None:
    policy = replace(
        PLAIN,
        windows={Channel.CALL: parse_windows("Mo-Fr 08:00-20:00")},
        closed=CALLS,
        holidays={"DE": frozenset({date(2026, 11, 30)})},
        caps=(Cap(1, 7 * DAY, CALLS),),
    )
    once = facts(contacts=(called(berlin(21, 12)),), hold=Hold("promise", date(2026, 11, 24)))
    verdict = may_contact(once, CALL, policy, berlin(22, 3))
    assert verdict == NotBefore(datetime(2026, 12, 1, 7, tzinfo=UTC), Reason.WEEK_CAP)  # Saturday, Sunday, a holiday


def test_never_wins_over_not_before_and_the_first_never_is_told() -> None:
    held = facts(hold=Hold("promise", date(2026, 11, 25)), suppressions=(Suppression("account", "5", None, "stop"),))
    assert may_contact(held, MAIL, PLAIN, MONDAY) == Never(Reason.STOPPED)
    assert may_contact(replace(held, open=0), MAIL, PLAIN, MONDAY) == Never(Reason.NOTHING_OPEN)


def test_every_rule_answers_by_its_name() -> None:
    policy = replace(
        PLAIN,
        windows={Channel.CALL: parse_windows("Mo-Fr 08:00-20:00")},
        caps=(Cap(1, DAY), Cap(3, 7 * DAY, CALLS, per="account")),
        cool_down=1,
    )
    seen = facts(contacts=(mailed(MONDAY - DAY),), hold=Hold("promise", date(2026, 11, 23)))
    told = dict(answers(seen, CALL, policy, berlin(22, 12)))
    assert list(told) == [
        "something open",
        "account not stopped",
        "no payment since planning",
        "payments fresh",
        "not paused",
        "address usable",
        "time zone known",
        "not on hold",
        "cooled down",
        "at most 1 contacts in 1 days per customer",
        "at most 3 call in 7 days per account",
        "call windows",
        "no quiet hours",
        "no public holiday",
    ]
    assert {name: verdict for name, verdict in told.items() if not isinstance(verdict, Allowed)} == {
        "not on hold": NotBefore(berlin(24, 0), Reason.ON_HOLD),
        "at most 1 contacts in 1 days per customer": NotBefore(berlin(23, 0), Reason.DAY_CAP),
        "call windows": NotBefore(berlin(23, 8), Reason.OUTSIDE_WINDOW),
    }


def test_the_answers_are_about_the_number_the_verdict_is_about() -> None:
    dead = facts(suppressions=(Suppression("number", MOBILE.number, None, "wrong_number"),))
    assert dict(answers(dead, CALL, PLAIN, MONDAY))["address usable"] == Allowed()
    told = dict(answers(moved(phone=None, mobile=None), CALL, PLAIN, MONDAY))
    assert told["address usable"] == Never(Reason.NO_ADDRESS)


def test_a_policy_remembers_many_kinds_of_accounts_and_still_answers_rightly() -> None:
    policy = replace(PLAIN, windows={Channel.CALL: parse_windows("Mo-Fr 08:00-20:00")})
    for number in range(5000):
        assert may_contact(moved(region=f"DE-{number}"), CALL, policy, berlin(22, 12)) == NotBefore(
            berlin(23, 8), Reason.OUTSIDE_WINDOW
        )


def test_contacts_matter_from_the_least_count_of_a_cap_on() -> None:
    caps = (Cap(3, DAY), Cap(2, 7 * DAY, CALLS), Cap(0, DAY, CALLS))
    assert least_contacts(replace(PLAIN, caps=caps)) == 2
    assert least_contacts(replace(PLAIN, caps=caps[2:])) is None
    assert least_contacts(PLAIN) is None


def test_a_notice_about_an_agreement_goes_out_while_the_ladder_rests_or_nothing_is_open() -> None:
    resting = facts(hold=Hold("promise", date(2027, 1, 1)), open=0, overdue=0)
    assert isinstance(may_contact(resting, MAIL, PLAIN, MONDAY), Never)
    assert isinstance(may_contact(resting, replace(MAIL, agreed=True), PLAIN, MONDAY), Allowed)
    stopped = replace(resting, suppressions=(Suppression("account", "1", None, "stop"),))
    assert isinstance(may_contact(stopped, replace(MAIL, agreed=True), PLAIN, MONDAY), Never)
