"""What each jurisdiction permits at which hour, and that a campaign's limits only ever take away."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contactd.domain.account import Channel, Facts, PastContact, Phone
from contactd.domain.calendar import parse_windows
from contactd.domain.policy import Allowed, Never, NotBefore, Policy, Proposal, Reason
from contactd.domain.presets import PRESETS, Limits, tighten
from contactd.domain.rules import may_contact
from tests.domain.people import ACCOUNT, CALL, DAY, EMAIL, FACTS, MAIL, MONDAY, PLAIN, SMS, berlin, called, spoke

BERLIN, NEW_YORK, LONDON = "Europe/Berlin", "America/New_York", "Europe/London"
CHRISTMAS = frozenset({date(2026, 12, 25)})
HOLIDAYS = {"DE": CHRISTMAS, "US": CHRISTMAS, "GB": CHRISTMAS}


def someone(zone: str, country: str) -> Facts:
    """Make an account that lives there."""
    return replace(FACTS, account=replace(ACCOUNT, timezone=zone, country=country, region=""))


@pytest.mark.parametrize(
    ("preset", "proposal", "zone", "country", "local", "permitted"),
    [
        ("de", CALL, BERLIN, "DE", "2026-11-23T08:00", True),
        ("de", CALL, BERLIN, "DE", "2026-11-23T07:59", False),
        ("de", CALL, BERLIN, "DE", "2026-11-23T20:00", False),
        ("de", SMS, BERLIN, "DE", "2026-11-28T09:00", True),
        ("de", SMS, BERLIN, "DE", "2026-11-28T08:59", False),
        ("de", CALL, BERLIN, "DE", "2026-11-28T18:00", False),
        ("de", CALL, BERLIN, "DE", "2026-11-29T12:00", False),
        ("de", CALL, BERLIN, "DE", "2026-12-25T12:00", False),
        ("de", MAIL, BERLIN, "DE", "2026-11-29T03:00", True),
        ("de", MAIL, BERLIN, "DE", "2026-12-25T12:00", True),
        ("us-reg-f", CALL, NEW_YORK, "US", "2026-11-29T08:00", True),
        ("us-reg-f", CALL, NEW_YORK, "US", "2026-11-23T07:59", False),
        ("us-reg-f", SMS, NEW_YORK, "US", "2026-11-23T21:00", False),
        ("us-reg-f", MAIL, NEW_YORK, "US", "2026-11-23T20:59", True),
        ("us-reg-f", MAIL, NEW_YORK, "US", "2026-11-23T21:00", False),
        ("us-reg-f", CALL, NEW_YORK, "US", "2026-12-25T12:00", True),
        ("uk", CALL, LONDON, "GB", "2026-11-23T20:59", True),
        ("uk", CALL, LONDON, "GB", "2026-11-23T07:59", False),
        ("uk", SMS, LONDON, "GB", "2026-11-29T09:00", True),
        ("uk", SMS, LONDON, "GB", "2026-11-29T18:00", False),
        ("uk", CALL, LONDON, "GB", "2026-12-25T12:00", False),
        ("uk", MAIL, LONDON, "GB", "2026-11-29T03:00", True),
    ],
)
def test_a_preset_keeps_the_hours_of_its_country(
    preset: str, proposal: Proposal, zone: str, country: str, local: str, *, permitted: bool
) -> None:
    policy = tighten(PRESETS[preset], Limits(), holidays=HOLIDAYS)
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    assert isinstance(may_contact(someone(zone, country), proposal, policy, at), Allowed) is permitted


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_its_sources(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name
    assert preset.source
    assert all(cap.source for cap in preset.caps)


@pytest.mark.parametrize("name", ["de", "uk"])
def test_nobody_is_called_a_fourth_time_a_day_or_a_sixteenth_time_a_week(name: str) -> None:
    today = replace(FACTS, contacts=tuple(called(MONDAY, account=account) for account in (7, 8, 9)))
    assert may_contact(today, CALL, PRESETS[name], MONDAY) == NotBefore(berlin(24, 8), Reason.DAY_CAP)
    week = replace(FACTS, contacts=tuple(called(MONDAY - (1 + number % 6) * DAY) for number in range(15)))
    verdict = may_contact(week, CALL, PRESETS[name], MONDAY)
    assert isinstance(verdict, NotBefore)
    assert verdict.reason is Reason.WEEK_CAP
    fewer = replace(FACTS, contacts=week.contacts[:14])
    assert isinstance(may_contact(fewer, CALL, PRESETS[name], MONDAY), Allowed)


def test_regulation_f_stops_at_seven_calls_in_seven_days_about_a_debt() -> None:
    policy, at = PRESETS["us-reg-f"], datetime(2026, 11, 23, 17, tzinfo=UTC)
    debtor = someone(NEW_YORK, "US")
    calls = tuple(called(at - number * DAY) for number in range(7))
    assert isinstance(may_contact(replace(debtor, contacts=calls[:6]), CALL, policy, at), Allowed)
    assert may_contact(replace(debtor, contacts=calls), CALL, policy, at) == NotBefore(
        datetime(2026, 11, 24, 13, tzinfo=UTC), Reason.WEEK_CAP
    )
    about_another = tuple(replace(call, account_id=8) for call in calls)
    assert isinstance(may_contact(replace(debtor, contacts=about_another), CALL, policy, at), Allowed)


def test_regulation_f_rests_seven_days_after_a_conversation_its_day_included() -> None:
    policy, at = PRESETS["us-reg-f"], datetime(2026, 11, 23, 17, tzinfo=UTC)
    talked = replace(someone(NEW_YORK, "US"), contacts=(spoke(at),))
    eighth_day = datetime(2026, 11, 30, 13, tzinfo=UTC)
    assert may_contact(talked, CALL, policy, at) == NotBefore(eighth_day, Reason.COOL_DOWN)
    assert isinstance(may_contact(talked, CALL, policy, eighth_day), Allowed)
    assert isinstance(may_contact(talked, MAIL, policy, at), Allowed)
    other = replace(talked, contacts=(spoke(at, account=8),))
    assert isinstance(may_contact(other, CALL, policy, at), Allowed)


def test_regulation_f_asks_all_places_where_the_person_may_be() -> None:
    coast_to_coast = Phone("+12125550100", "unknown", (NEW_YORK, "America/Los_Angeles"))
    debtor = replace(FACTS, account=replace(ACCOUNT, timezone="", country="US", mobile=coast_to_coast, phone=None))
    eight_in_new_york = datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert may_contact(debtor, CALL, PRESETS["us-reg-f"], eight_in_new_york) == NotBefore(
        datetime(2026, 11, 23, 16, tzinfo=UTC), Reason.OUTSIDE_WINDOW
    )


def test_limits_add_their_caps_to_those_of_the_preset() -> None:
    policy = tighten(
        PRESETS["de"], Limits(per_customer_per_day=1, contacts_per_week=4, calls_per_day=2, calls_per_week=3)
    )
    assert [(cap.count, cap.period.days, sorted(cap.channels)) for cap in policy.caps] == [
        (3, 1, ["call"]),
        (15, 7, ["call"]),
        (1, 1, []),
        (4, 7, []),
        (2, 1, ["call"]),
        (3, 7, ["call"]),
    ]


def test_a_limit_may_be_of_each_number_and_a_lock_out_only_grows() -> None:
    policy = tighten(PRESETS["uk"], Limits(calls_per_number_per_day=1, lock_out=timedelta(hours=1)))
    (cap,) = [cap for cap in policy.caps if cap.per == "address"]
    assert (cap.count, cap.period, cap.channels, cap.source) == (1, DAY, frozenset({Channel.CALL}), "campaign")
    assert policy.lock_out == timedelta(hours=72)
    assert tighten(PLAIN, Limits(lock_out=timedelta(hours=1))).lock_out == timedelta(hours=1)


def test_a_generous_limit_does_not_loosen_the_preset() -> None:
    policy = tighten(PRESETS["de"], Limits(calls_per_day=50, windows={Channel.CALL: parse_windows("00:00-24:00")}))
    assert may_contact(FACTS, CALL, policy, berlin(23, 7)) == NotBefore(berlin(23, 8), Reason.OUTSIDE_WINDOW)
    three = replace(FACTS, contacts=(called(MONDAY),) * 3)
    assert isinstance(may_contact(three, CALL, policy, MONDAY), NotBefore)


def test_a_limit_of_nothing_forbids_the_channel() -> None:
    assert may_contact(FACTS, CALL, tighten(PLAIN, Limits(calls_per_week=0)), MONDAY) == Never(Reason.WEEK_CAP)


def test_windows_of_limits_narrow_those_of_the_preset_and_add_new_ones() -> None:
    limits = Limits(windows=dict.fromkeys((Channel.CALL, Channel.EMAIL), parse_windows("Mo-So 10:00-22:00")))
    policy = tighten(PRESETS["de"], limits)
    assert policy.windows[Channel.CALL] == parse_windows(["Mo-Fr 10:00-20:00", "Sa 10:00-18:00"])
    assert policy.windows[Channel.EMAIL] == parse_windows("10:00-22:00")
    assert policy.windows[Channel.SMS] == PRESETS["de"].windows[Channel.SMS]


def test_quiet_hours_add_up_and_hold_for_email_too() -> None:
    night = parse_windows("22:00-07:00", overnight=True)
    policy = tighten(PRESETS["de"], Limits(quiet=night))
    assert policy.quiet == night
    assert may_contact(FACTS, MAIL, policy, berlin(23, 23)) == NotBefore(berlin(24, 7), Reason.QUIET_HOURS)
    longer = tighten(policy, Limits(quiet=parse_windows("12:00-13:00")))
    assert may_contact(FACTS, MAIL, longer, berlin(23, 12)) == NotBefore(berlin(23, 13), Reason.QUIET_HOURS)
    assert tighten(longer, Limits()).quiet == longer.quiet


@pytest.mark.parametrize(("days", "expected"), [(None, 7), (2, 7), (10, 10)])
def test_the_longer_cool_down_counts(days: int | None, expected: int) -> None:
    policy = tighten(PRESETS["us-reg-f"], Limits(cool_down_days=days))
    assert policy.cool_down == expected
    assert policy.cool_down_per == ("account" if days is None else "customer")
    assert policy.cool_down_channels == {Channel.CALL}


def test_the_shorter_age_of_payments_counts() -> None:
    hours = timedelta(hours=1)
    assert tighten(PLAIN, Limits()).payments_max_age is None
    assert tighten(PLAIN, Limits(), payments_max_age=26 * hours).payments_max_age == 26 * hours
    strict = replace(PLAIN, payments_max_age=12 * hours)
    assert tighten(strict, Limits(), payments_max_age=26 * hours).payments_max_age == 12 * hours


def test_holidays_add_up_and_the_policys_own_zone_stays() -> None:
    policy = tighten(PRESETS["de"], Limits(), holidays=HOLIDAYS, default_timezone="Europe/Vienna")
    assert policy.holidays is HOLIDAYS
    assert policy.default_timezone == "Europe/Vienna"
    more = tighten(policy, Limits(), holidays={"DE": frozenset({MONDAY.date()})}, default_timezone="Asia/Tokyo")
    assert more.holidays["DE"] == CHRISTMAS | {MONDAY.date()}
    assert more.holidays["US"] == CHRISTMAS
    assert more.default_timezone == "Europe/Vienna"


def test_a_tightened_policy_does_not_remember_what_the_looser_one_answered() -> None:
    loose = Policy("loose", default_timezone=BERLIN)
    assert may_contact(FACTS, MAIL, loose, MONDAY) == Allowed(EMAIL)
    strict = tighten(loose, Limits(windows={Channel.EMAIL: parse_windows("Di 10:00-11:00")}))
    assert may_contact(FACTS, MAIL, strict, MONDAY) == NotBefore(berlin(24, 10), Reason.OUTSIDE_WINDOW)
    mailed = replace(FACTS, contacts=(PastContact(Channel.EMAIL, MONDAY, EMAIL, 7),))
    assert may_contact(mailed, MAIL, tighten(loose, Limits(per_customer_per_day=1)), MONDAY) == NotBefore(
        berlin(24, 0), Reason.DAY_CAP
    )
