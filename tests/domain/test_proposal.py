"""Proposed runs: who may decide when, and what each step is called by whoever reads one."""

from datetime import UTC, datetime, timedelta

import pytest

from contactd.domain.account import Channel
from contactd.domain.campaign import Campaign, Step
from contactd.domain.policy import Reason
from contactd.domain.proposal import Standing, State, belongs, needs_other_eyes, only_waits, rungs, why_not

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
END = NOW + timedelta(days=3)
MOMENT = timedelta(microseconds=1)


def test_a_proposed_run_may_be_decided_until_its_time_is_over() -> None:
    standing = Standing(State.PROPOSED, "anna", END)
    assert (standing.at(END - MOMENT), str(why_not(standing, END - MOMENT))) == (State.PROPOSED, "")
    assert standing.at(END) is State.EXPIRED
    assert "has expired" in str(why_not(standing, END))


@pytest.mark.parametrize("state", [State.EXECUTED, State.REJECTED])
def test_what_was_decided_stays_as_it_is_however_late_it_gets(state: State) -> None:
    standing = Standing(state, "anna", END)
    assert standing.at(END) is state
    assert str(why_not(standing, NOW)) == str(why_not(standing, END)) == f"is {state} already, and stays as it is"


def test_four_eyes_are_those_of_two() -> None:
    standing = Standing(State.PROPOSED, "anna", END)
    assert needs_other_eyes(standing, "anna", four_eyes=True)
    assert not needs_other_eyes(standing, "anna", four_eyes=False)
    assert not needs_other_eyes(standing, "ben", four_eyes=True)


def test_the_hour_only_puts_a_step_off_and_an_agreement_ends_it() -> None:
    assert all(map(only_waits, (Reason.OUTSIDE_WINDOW, Reason.HOLIDAY, Reason.DAY_CAP, "quiet_hours")))
    assert not any(map(only_waits, (Reason.ON_HOLD, Reason.STOPPED, Reason.PAYMENTS_STALE, "too_late")))


CAMPAIGN = Campaign(
    "standard",
    (
        Step("mail", Channel.EMAIL, day=3, otherwise="mail-sms"),
        Step("mail-sms", Channel.SMS, implied=True),
        Step("letter", Channel.LETTER, day=14, otherwise="call"),
        Step("call", Channel.CALL, after="letter", after_days=10),
    ),
)


def test_the_next_try_and_what_stands_in_belong_to_a_contact_and_the_next_step_does_not() -> None:
    steps = [step.id for step in CAMPAIGN.steps]
    found = {last: [step for step in steps if belongs(CAMPAIGN, last, step)] for last in (*steps, "gone")}
    assert found == {
        "mail": ["mail", "mail-sms"], "mail-sms": ["mail-sms"], "letter": ["letter"], "call": ["call"], "gone": []
    }  # fmt: skip


def test_what_stands_in_for_a_step_is_of_its_level() -> None:
    assert rungs(CAMPAIGN) == {"mail": (1, "letter"), "mail-sms": (1, "letter"), "letter": (2, "call"), "call": (3, "")}
