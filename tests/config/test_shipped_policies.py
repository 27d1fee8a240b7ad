"""The policies of the shipped campaigns: who is met, called or written to first, by segment, kind, amount and count."""

from dataclasses import replace
from datetime import datetime

import pytest

from contactd.config.load import Loaded, inspect
from contactd.config.shipped import defaults_directory
from contactd.domain.account import Kind
from contactd.domain.campaign import Step
from contactd.domain.ladder import selects
from contactd.domain.money import Money
from contactd.domain.scenario import Given, expected_step, imagine

TUESDAY = datetime.fromisoformat("2026-12-01T10:00+01:00")
FIRM = Given(
    Money.parse("900.00 EUR"), 0, phone=True, email=True, kind=Kind.BUSINESS, language="de", segment="commercial",
    customers=40,
)  # fmt: skip
PERSON = replace(FIRM, kind=Kind.CONSUMER, segment="private", customers=2_000, mobile=True)


@pytest.fixture(scope="module")
def shipped() -> list[Loaded]:
    found = inspect(defaults_directory() / "config" / "contactd.toml")
    assert (found.findings.errors, found.findings.warnings) == ([], [])
    return list(found.campaigns)


def met(shipped: list[Loaded], given: Given) -> list[tuple[str, Step]]:
    """List the steps an account meets in its first month, each day in the first campaign that selects it."""
    steps: list[tuple[str, Step]] = []
    for days in range(31):
        older = replace(given, days_due=days)
        for one in shipped:
            if selects(one.campaign.select, imagine(one.campaign, older, TUESDAY), TUESDAY.date()):
                found = expected_step(one.campaign, older, one.policy, TUESDAY)
                step = one.campaign.step(found.step)
                steps.extend([(one.campaign.id, step)] if step else [])
                break
    return steps


@pytest.mark.parametrize(
    ("given", "campaign", "channel"),
    [
        pytest.param(replace(FIRM, segment="strategic"), "behoerden-grosskunden", "task", id="strategic: a meeting"),
        pytest.param(replace(FIRM, segment="government"), "behoerden-grosskunden", "task", id="government: a meeting"),
        pytest.param(
            replace(FIRM, segment="government", customers=2_000), "behoerden-grosskunden", "task",
            id="government among many: a meeting",
        ),
        pytest.param(
            replace(FIRM, segment="government", open=Money.parse("60.00 EUR")), "mahnung-standard", "email",
            id="too little for a meeting: an e-mail",
        ),
        pytest.param(FIRM, "geschaeftskunden", "call", id="few businesses: a call"),
        pytest.param(replace(FIRM, segment=""), "geschaeftskunden", "call", id="few without a segment: a call"),
        pytest.param(replace(FIRM, customers=2_000), "mahnung-standard", "email", id="many businesses: an e-mail"),
        pytest.param(
            replace(FIRM, open=Money.parse("40.00 EUR")), "mahnung-standard", "email",
            id="a business that owes little: an e-mail",
        ),
        pytest.param(PERSON, "mahnung-standard", "email", id="consumers: an e-mail"),
        pytest.param(replace(FIRM, language="en"), "reminder-english", "email", id="who reads English: an e-mail"),
    ],
)  # fmt: skip
def test_the_first_contact_is_by_the_channel_of_its_kind_of_customer(
    shipped: list[Loaded], given: Given, campaign: str, channel: str
) -> None:
    first, step = met(shipped, given)[0]
    assert (first, step.channel.value) == (campaign, channel)


@pytest.mark.parametrize(("amount", "mode"), [("50.00 EUR", "ivr"), ("50.01 EUR", "progressive")])
def test_small_amounts_are_written_to_by_email_and_sms_and_then_announced(
    shipped: list[Loaded], amount: str, mode: str
) -> None:
    steps = [step for _, step in met(shipped, replace(PERSON, open=Money.parse(amount)))]
    ways = list(dict.fromkeys(step.mode if step.channel == "call" else step.channel.value for step in steps))
    assert ways == ["email", "sms", mode]


def test_a_meeting_is_somebodys_has_a_day_and_says_what_for(shipped: list[Loaded]) -> None:
    _, step = met(shipped, replace(FIRM, segment="strategic"))[0]
    assert (step.task, step.owner, step.within_days) == ("meeting", "anna", 10)
    assert "Bestellnummer" in step.text
