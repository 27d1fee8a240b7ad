"""Which rung comes next and when: days, gaps, retries, dead addresses, filters."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contactd.domain.account import Channel, Facts, Kind, Phone, StepTry, Suppression
from contactd.domain.campaign import NEXT_NUMBER, Campaign, Select, Step
from contactd.domain.ladder import (
    Due,
    Finished,
    NotSelected,
    Waiting,
    local_date,
    next_step,
    no_longer_due,
    selects,
    unselected,
    zone_of,
)
from contactd.domain.money import Money
from tests.domain.ladders import ANRUF, ANWALT, BRIEF, DUE, MAIL, STANDARD, ladder, morning, noon
from tests.domain.people import ACCOUNT, EMAIL, FACTS, FIXED, MOBILE, tried

HOUR = timedelta(hours=1)
DEAD_MAIL = Suppression("email", EMAIL, None, "undeliverable")


def debtor(*tries: StepTry, **changes: object) -> Facts:
    """Make an account whose oldest open invoice fell due on DUE, with what was tried so far."""
    return replace(FACTS, oldest_due=DUE, tries=tries, **changes)  # type: ignore[arg-type] # any field of Facts


def reached_by(**changes: object) -> Facts:
    """Make the same with another account."""
    return replace(debtor(), account=replace(ACCOUNT, **changes))  # type: ignore[arg-type] # any field of the account


def test_a_step_is_due_from_the_first_instant_of_its_day() -> None:
    campaign = ladder(MAIL, BRIEF)
    assert next_step(campaign, debtor(), morning(3) - timedelta.resolution) == Waiting(MAIL, morning(3), "not_due")
    assert next_step(campaign, debtor(), morning(3)) == Due(MAIL, 1)
    assert next_step(campaign, debtor(), noon(9)) == Due(MAIL, 1)


def test_the_day_is_the_accounts_own() -> None:
    tokyo = reached_by(timezone="Asia/Tokyo")
    assert next_step(ladder(MAIL), tokyo, datetime(2026, 11, 4, 15, tzinfo=UTC)) == Due(MAIL, 1)
    assert isinstance(next_step(ladder(MAIL), debtor(), datetime(2026, 11, 4, 15, tzinfo=UTC)), Waiting)


def test_a_late_account_climbs_rung_by_rung_with_the_gaps_of_the_schedule() -> None:
    campaign = ladder(MAIL, BRIEF, ANWALT)
    assert next_step(campaign, debtor(), noon(40)) == Due(MAIL, 1)
    once = debtor(tried("mail", noon(40)))
    assert next_step(campaign, once, noon(40)) == Waiting(BRIEF, morning(51), "not_due")
    twice = debtor(tried("mail", noon(40)), tried("brief", noon(51)))
    assert next_step(campaign, twice, noon(51)) == Waiting(ANWALT, morning(97), "not_due")


def test_a_step_on_time_does_not_hasten_the_next_one() -> None:
    assert next_step(ladder(MAIL, BRIEF), debtor(tried("mail", noon(3))), noon(3)) == Waiting(
        BRIEF, morning(14), "not_due"
    )


def test_a_late_letter_moves_the_call() -> None:
    late = debtor(tried("mail", noon(3)), tried("brief", noon(20)))
    assert next_step(ladder(MAIL, BRIEF, ANRUF), late, noon(20)) == Waiting(ANRUF, morning(34), "not_due")
    assert next_step(ladder(MAIL, BRIEF, ANRUF), late, morning(34)) == Due(ANRUF, 1)


def test_a_step_after_one_that_was_passed_over_counts_from_its_day() -> None:
    no_letter = replace(debtor(tried("mail", noon(3))), account=replace(ACCOUNT, postal=False))
    assert next_step(ladder(MAIL, BRIEF, ANRUF), no_letter, noon(15)) == Waiting(ANRUF, morning(28), "not_due")
    called = replace(no_letter, tries=(*no_letter.tries, tried("anruf", noon(28), "answered")))
    assert next_step(ladder(MAIL, BRIEF, ANRUF, ANWALT), called, noon(29)) == Waiting(ANWALT, morning(60), "not_due")


def test_a_step_after_a_later_one_counts_from_the_due_date() -> None:
    early = Step("early", Channel.EMAIL, after="brief", after_days=2)
    assert next_step(ladder(early, BRIEF), debtor(), noon(1)) == Waiting(early, morning(2), "not_due")


@pytest.mark.parametrize("state", ["planned", "claimed", "sending", "unclear"])
def test_nothing_else_is_begun_while_an_attempt_is_open(state: str) -> None:
    open_one = tried("mail", noon(3), "", state=state, try_no=2)
    assert next_step(ladder(MAIL, BRIEF), debtor(open_one), noon(20)) == Waiting(MAIL, None, "attempt_open", 2)
    gone = tried("removed", noon(3), "", state=state)
    assert next_step(ladder(MAIL, BRIEF), debtor(gone), noon(20)) == Waiting(None, None, "attempt_open", 1)


def test_whoever_was_not_reached_for_days_is_tried_another_way_and_may_be_written_to_again() -> None:
    mail = replace(MAIL, otherwise="sms")
    text = Step("sms", Channel.SMS, implied=True)
    late = Step("late", Channel.EMAIL, day=14)
    seen = debtor(tried("mail", noon(3), "unreachable"))
    assert next_step(ladder(mail, text, late), seen, noon(7)) == Due(text, 1)
    later = debtor(tried("mail", noon(3), "unreachable"), tried("sms", noon(7)))
    assert next_step(ladder(mail, text, late), later, noon(30)) == Due(late, 1)


def test_a_call_that_is_up_is_open_and_a_message_that_was_accepted_is_not() -> None:
    up = tried("anruf", noon(28), "accepted", state="accepted")
    assert next_step(ladder(MAIL, BRIEF, ANRUF), debtor(up), noon(40)) == Waiting(ANRUF, None, "attempt_open", 1)
    removed = replace(tried("removed", noon(28), "accepted", state="accepted"), channel=Channel.CALL)
    assert next_step(ladder(MAIL), debtor(removed), noon(40)) == Waiting(None, None, "attempt_open", 1)
    sent = tried("removed", noon(28), "accepted", state="accepted")
    assert next_step(ladder(MAIL), debtor(sent), noon(40)) == Due(MAIL, 1)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (debtor(), ""),
        (replace(debtor(), open=0), ""),
        (replace(debtor(), oldest_due=None), "not_due"),
        (replace(debtor(), oldest_due=noon(20).date()), "not_due"),
        (replace(debtor(), account=replace(ACCOUNT, kind=Kind.BUSINESS)), "not_selected"),
        (replace(debtor(), oldest_due=noon(-20).date()), "too_late"),
        (debtor(tried("brief", noon(14), "", state="sending")), "attempt_open"),
        (debtor(tried("brief", noon(14))), "passed_over"),
        (debtor(tried("brief", noon(14), "cancelled")), ""),
        (debtor(tried("mail", noon(3))), "already_done"),
        (debtor(tried("mail", noon(3), "rejected")), ""),
        (debtor(tried("mail", noon(3), "", state="claimed", try_no=2)), ""),
        (debtor(tried("brief", noon(3), "", state="claimed", try_no=2)), "attempt_open"),
        (debtor(tried("removed", noon(3))), ""),
    ],
)
def test_a_planned_try_is_begun_only_while_it_still_is_its_turn(facts: Facts, reason: str) -> None:
    mail = replace(MAIL, until=30, select=Select(kinds=frozenset({Kind.CONSUMER})))
    assert no_longer_due(ladder(mail, BRIEF), mail, 2, facts, noon(20)) == reason


def test_attempts_of_a_step_that_was_removed_do_not_move_the_position() -> None:
    assert next_step(ladder(MAIL), debtor(tried("removed", noon(1))), noon(3)) == Due(MAIL, 1)


def test_a_cancelled_try_does_not_count_but_has_its_number() -> None:
    cancelled = tried("mail", noon(3), "cancelled")
    assert next_step(ladder(MAIL, BRIEF), debtor(cancelled), noon(4)) == Due(MAIL, 2)
    again = tried("mail", noon(4), "cancelled", try_no=2)
    assert next_step(ladder(MAIL, BRIEF), debtor(again, cancelled), noon(5)) == Due(MAIL, 3)


def test_a_failed_message_with_attempts_left_is_tried_again_after_the_pause() -> None:
    stubborn = replace(MAIL, attempts=2, pause=3 * HOUR)
    failed = debtor(tried("mail", noon(3), "rejected"))
    assert next_step(ladder(stubborn, BRIEF), failed, noon(3)) == Waiting(stubborn, noon(3) + 3 * HOUR, "retry", 2)
    assert next_step(ladder(stubborn, BRIEF), failed, noon(3) + 3 * HOUR) == Due(stubborn, 2)


def test_a_failed_message_without_attempts_left_leads_to_the_next_rung() -> None:
    assert next_step(ladder(MAIL, BRIEF), debtor(tried("mail", noon(3), "rejected")), noon(4)) == Waiting(
        BRIEF, morning(14), "not_due"
    )


@pytest.mark.parametrize(
    ("outcome", "delay"),
    [
        ("busy", timedelta(minutes=30)),
        ("no_answer", 4 * HOUR),
        ("machine", timedelta(days=1)),
        ("dropped", timedelta(days=1)),
    ],
)
def test_a_call_is_tried_again_exactly_as_configured(outcome: str, delay: timedelta) -> None:
    step = STANDARD.steps[3]
    facts = debtor(tried("mahnung-brief", noon(14)), tried("anruf", noon(28), outcome))
    assert next_step(STANDARD, facts, noon(28)) == Waiting(step, noon(28) + delay, "retry", 2)
    assert next_step(STANDARD, facts, noon(28) + delay) == Due(step, 2)


def test_a_call_ends_with_a_conversation_or_its_last_attempt() -> None:
    letter = tried("mahnung-brief", noon(14))
    spoken = debtor(letter, tried("anruf", noon(28), "busy"), tried("anruf", noon(29), "answered", try_no=2))
    assert next_step(STANDARD, spoken, noon(30)) == Waiting(STANDARD.steps[4], morning(61), "not_due")
    calls = [tried("anruf", noon(28 + number), "no_answer", try_no=number + 1) for number in range(6)]
    assert isinstance(next_step(STANDARD, debtor(letter, *calls[:5]), noon(40)), Due)
    assert next_step(STANDARD, debtor(letter, *calls), noon(40)) == Waiting(STANDARD.steps[4], morning(65), "not_due")


def test_a_call_that_only_reached_a_machine_is_not_done() -> None:
    patient = replace(ANRUF, day=1, after="", attempts=2)
    machine = debtor(tried("anruf", noon(1), "machine", state="delivered"))
    assert next_step(ladder(patient), machine, noon(3)) == Due(patient, 2)


def test_an_invalid_number_is_followed_by_the_other_one_at_once() -> None:
    step = STANDARD.steps[3]
    letter = tried("mahnung-brief", noon(14))
    first = tried("anruf", noon(28), "invalid", address=MOBILE.number)
    assert next_step(STANDARD, debtor(letter, first), noon(28)) == Due(step, 2, FIXED.number)
    unknown = tried("anruf", noon(28), "invalid")
    assert next_step(STANDARD, debtor(letter, unknown), noon(28)) == Due(step, 2, FIXED.number)
    second = tried("anruf", noon(28), "invalid", address=FIXED.number, try_no=2)
    assert next_step(STANDARD, debtor(letter, first, second), noon(28)) == Waiting(
        STANDARD.steps[4], morning(60), "not_due"
    )


def test_after_an_invalid_number_the_one_that_was_busy_is_tried_again_later() -> None:
    step = STANDARD.steps[3]
    tries = (
        tried("mahnung-brief", noon(14)),
        tried("anruf", noon(28), "busy", address=FIXED.number),
        tried("anruf", noon(29), "invalid", address=MOBILE.number, try_no=2),
    )
    assert next_step(STANDARD, debtor(*tries), noon(29)) == Waiting(step, noon(30), "retry", 3)


def test_next_number_after_a_busy_line_is_another_one_once() -> None:
    step = replace(ANRUF, day=1, after="", attempts=4, retry={"busy": NEXT_NUMBER})
    first = tried("anruf", noon(1), "busy", address=MOBILE.number)
    assert next_step(ladder(step), debtor(first), noon(1)) == Due(step, 2, FIXED.number)
    second = tried("anruf", noon(1), "busy", address=FIXED.number, try_no=2)
    assert next_step(ladder(step), debtor(first, second), noon(1)) == Waiting(step, noon(2), "retry", 3)


def test_without_an_address_the_other_way_is_taken_on_the_same_day() -> None:
    sms = STANDARD.steps[1]
    no_mail = reached_by(email="")
    assert next_step(STANDARD, no_mail, morning(3)) == Due(sms, 1)
    opted_out = debtor(suppressions=(Suppression("email", EMAIL, Channel.EMAIL, "opted_out"),))
    assert next_step(STANDARD, opted_out, noon(3)) == Due(sms, 1)
    refused = debtor(suppressions=(Suppression("account", "5", Channel.EMAIL, "stop"),))
    assert next_step(STANDARD, refused, noon(3)) == Due(sms, 1)
    early = replace(STANDARD, select=Select())
    assert next_step(early, no_mail, noon(1)) == Waiting(sms, morning(3), "not_due")


def test_an_account_that_is_stopped_altogether_stays_where_it_is() -> None:
    stopped = debtor(suppressions=(Suppression("account", "5", None, "stop"),))
    assert next_step(STANDARD, stopped, noon(3)) == Due(STANDARD.steps[0], 1)


def test_an_address_that_rests_for_a_while_is_waited_for() -> None:
    resting = debtor(suppressions=(replace(DEAD_MAIL, until=noon(5)),))
    assert next_step(STANDARD, resting, noon(3)) == Due(STANDARD.steps[0], 1)


def test_a_bounce_leads_to_the_other_way_at_once() -> None:
    bounced = debtor(tried("erinnerung-email", noon(5), "undeliverable"))
    assert next_step(STANDARD, bounced, noon(5)) == Due(STANDARD.steps[1], 1)
    with_stop = replace(bounced, suppressions=(DEAD_MAIL,))
    assert next_step(STANDARD, with_stop, noon(5)) == Due(STANDARD.steps[1], 1)


def test_an_address_that_died_before_the_retry_leads_to_the_other_way() -> None:
    patient = replace(STANDARD.steps[0], attempts=3)
    campaign = ladder(patient, *STANDARD.steps[1:])
    failed = debtor(tried("erinnerung-email", noon(5), "rejected"), suppressions=(DEAD_MAIL,))
    assert next_step(campaign, failed, noon(5)) == Due(STANDARD.steps[1], 1)


def test_a_second_number_is_not_tried_when_the_attempts_are_used_up() -> None:
    call = replace(ANRUF, day=1, after="", attempts=1, otherwise="sms")
    sms = Step("sms", Channel.SMS)
    dead = debtor(tried("anruf", noon(1), "invalid", address=FIXED.number))
    assert next_step(ladder(call, sms), dead, noon(1)) == Due(sms, 1)


def test_without_any_address_the_next_rung_comes_on_its_day() -> None:
    no_way = reached_by(email="", mobile=None, phone=None)
    assert next_step(STANDARD, no_way, noon(3)) == Waiting(STANDARD.steps[2], morning(14), "not_due")
    assert next_step(ladder(replace(MAIL, otherwise="gone"), BRIEF), no_way, noon(3)) == Waiting(
        BRIEF, morning(14), "not_due"
    )


def test_otherwise_never_leads_back() -> None:
    back = replace(BRIEF, otherwise="mail")
    no_letter = replace(debtor(tried("mail", noon(3))), account=replace(ACCOUNT, postal=False))
    assert next_step(ladder(MAIL, back, ANWALT), no_letter, noon(15)) == Waiting(ANWALT, morning(60), "not_due")


def test_what_follows_the_other_way_keeps_its_distance_to_it() -> None:
    tries = (tried("erinnerung-email", noon(4), "undeliverable"), tried("erinnerung-sms", noon(6)))
    assert next_step(STANDARD, debtor(*tries), noon(7)) == Waiting(STANDARD.steps[2], morning(17), "not_due")
    follow = Step("follow", Channel.EMAIL, after="erinnerung-email", after_days=20)
    campaign = ladder(*STANDARD.steps[:2], follow)
    assert next_step(campaign, debtor(*tries), noon(7)) == Waiting(follow, morning(26), "not_due")


def test_an_address_that_comes_later_does_not_lead_back() -> None:
    by_sms = debtor(tried("erinnerung-sms", noon(3)))
    assert next_step(STANDARD, by_sms, noon(4)) == Waiting(STANDARD.steps[2], morning(14), "not_due")


def test_a_late_bounce_of_an_earlier_rung_does_not_lead_back() -> None:
    tries = (tried("erinnerung-email", noon(15), "undeliverable"), tried("mahnung-brief", noon(14)))
    assert next_step(STANDARD, debtor(*tries), noon(16)) == Waiting(STANDARD.steps[3], morning(28), "not_due")


def test_a_step_is_not_begun_after_its_until() -> None:
    urgent = replace(MAIL, until=10)
    assert next_step(ladder(urgent, BRIEF), debtor(), noon(10)) == Due(urgent, 1)
    assert next_step(ladder(urgent, BRIEF), debtor(), noon(11)) == Waiting(BRIEF, morning(14), "not_due")
    retried = replace(urgent, attempts=3, pause=timedelta(days=2))
    failed = debtor(tried("mail", noon(9), "rejected"))
    assert next_step(ladder(retried, BRIEF), failed, noon(9)) == Waiting(BRIEF, morning(20), "not_due")
    assert next_step(ladder(replace(retried, pause=HOUR), BRIEF), failed, noon(9)) == Waiting(
        replace(retried, pause=HOUR), noon(9) + HOUR, "retry", 2
    )


def test_a_step_is_passed_over_when_its_filter_says_so() -> None:
    rich = replace(MAIL, select=Select(min_open=Money(100_000, "EUR")))
    assert next_step(ladder(rich, BRIEF), debtor(), noon(3)) == Waiting(BRIEF, morning(14), "not_due")
    patient = replace(rich, attempts=3)
    failed = debtor(tried("mail", noon(3), "rejected"))
    assert next_step(ladder(patient, BRIEF), failed, noon(5)) == Waiting(BRIEF, morning(14), "not_due")
    matching = replace(MAIL, select=Select(min_open=Money(100, "EUR")))
    assert next_step(ladder(matching, BRIEF), debtor(), noon(3)) == Due(matching, 1)


def test_the_ladder_ends_above_its_last_rung() -> None:
    assert next_step(ladder(MAIL), debtor(tried("mail", noon(3))), noon(4)) == Finished("ladder_ended")
    assert next_step(ladder(), debtor(), noon(4)) == Finished("ladder_ended")


def test_an_account_without_open_invoices_is_on_no_ladder() -> None:
    assert next_step(ladder(MAIL), debtor(open=0), noon(4)) == Finished("nothing_open")
    assert next_step(ladder(MAIL), replace(debtor(), oldest_due=None), noon(4)) == Finished("nothing_open")
    assert next_step(ladder(MAIL), debtor(open=0, disputed=True), noon(4)) == Finished("disputed")


@pytest.mark.parametrize(
    ("select", "why"),
    [
        (Select(min_open=Money(8001, "EUR")), "amount"),
        (Select(max_open=Money(7999, "EUR")), "amount"),
        (Select(min_open=Money(1, "CHF")), "amount"),
        (Select(min_days_due=5), "min_days_due"),
        (Select(kinds=frozenset({Kind.BUSINESS})), "kinds"),
        (Select(segments=frozenset({"vip"})), "segments"),
        (Select(creditors=frozenset({"other"})), "creditors"),
        (Select(countries=frozenset({"AT"})), "countries"),
        (Select(currencies=frozenset({"CHF"})), "currencies"),
        (Select(languages=frozenset({"de"})), "languages"),
    ],
)
def test_a_filter_that_holds_the_account_back_is_named(select: Select, why: str) -> None:
    assert unselected(select, debtor(), date(2026, 11, 6)) == why
    assert not selects(select, debtor(), date(2026, 11, 6))
    assert next_step(ladder(MAIL, select=select), debtor(), noon(4)) == NotSelected(why)


def test_filters_that_fit_let_the_account_through() -> None:
    fitting = Select(
        min_open=Money(8000, "EUR"),
        max_open=Money(8000, "EUR"),
        min_days_due=4,
        kinds=frozenset({Kind.CONSUMER}),
        segments=frozenset({"", "vip"}),
        creditors=frozenset({"acme"}),
        countries=frozenset({"DE", "AT"}),
        currencies=frozenset({"EUR"}),
        languages=frozenset({"", "de"}),
    )
    assert selects(fitting, debtor(), date(2026, 11, 6))
    assert selects(Select(min_days_due=4), replace(debtor(), oldest_due=None), date(2026, 11, 6))


def test_the_zone_of_the_ladder_is_the_first_that_is_known() -> None:
    los_angeles = Phone("+12135550100", "unknown", ("Mars/Olympus", "America/Los_Angeles"))
    for account, campaign, name in (
        (ACCOUNT, STANDARD, "Europe/Berlin"),
        (replace(ACCOUNT, timezone="", mobile=los_angeles, phone=None), STANDARD, "America/Los_Angeles"),
        (
            replace(ACCOUNT, timezone="", mobile=None, phone=None),
            Campaign("c", (), timezone="Asia/Tokyo"),
            "Asia/Tokyo",
        ),
        (replace(ACCOUNT, timezone="Mars/Olympus"), Campaign("c", (), timezone="Mars/Olympus"), "UTC"),
    ):
        assert str(zone_of(account, campaign)) == name
    assert local_date("Asia/Tokyo", noon(0).replace(hour=15)) == date(2026, 11, 3)
    assert local_date("Mars/Olympus", noon(0).replace(hour=15)) == date(2026, 11, 2)


def test_every_step_has_a_day_on_schedule() -> None:
    assert dict(STANDARD.nominal) == {
        "erinnerung-email": 3,
        "erinnerung-sms": 3,
        "mahnung-brief": 14,
        "anruf": 28,
        "anwalt": 60,
    }
    lost = Step("lost", Channel.SMS, after="nowhere", after_days=2)
    assert ladder(MAIL, lost, Step("aside", Channel.SMS)).nominal == {"mail": 3, "lost": 5, "aside": 5}
    assert STANDARD.step("anruf") is STANDARD.steps[3]
    assert STANDARD.step("gone") is None
