"""What a message announces: only a way by which this customer can be reached, and only what is overdue."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contactd.domain.account import Account, Channel, Facts, Invoice, Phone, Suppression
from contactd.domain.campaign import Campaign, Select, Step
from contactd.domain.money import Money
from contactd.domain.policy import Policy
from contactd.engine.gate import Begun
from contactd.engine.ladder.book import Rung
from contactd.engine.sending.compose import next_channel, overdue
from contactd.store.attempts import Claimed

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = AT.date()
LADDER = Campaign(
    "standard",
    (
        Step("mail", Channel.EMAIL, day=3),
        Step("text", Channel.SMS, day=10, until=20),
        Step("notice", Channel.EMAIL, day=14, otherwise="notice-sms"),
        Step("notice-sms", Channel.SMS, implied=True),
        Step("call", Channel.CALL, day=24),
    ),
)
DEBTOR = Account(
    1, 1, "acme", "K-1", "EUR", "Debtor", email="debtor@example.com", mobile=Phone("+4915228817386", "mobile")
)


def begun(step: str = "mail", account: Account = DEBTOR, *, days_due: int = 5, **facts: object) -> Begun:
    found = LADDER.step(step)
    assert found is not None
    seen = Facts(account, 100, 100, TODAY - timedelta(days=days_due))
    claim = Claimed(1, 1, 1, 1, "standard", step, found.channel, 1, 1, AT)
    return Begun(claim, Rung(LADDER, found, Policy("p")), replace(seen, **facts), (), "", AT)  # type: ignore[arg-type] # any fact


@pytest.mark.parametrize(
    ("asked", "channel"),
    [
        (begun("mail"), "sms"),
        (begun("mail", replace(DEBTOR, mobile=None)), "email"),
        (begun("mail", days_due=30), "email"),  # too late for the SMS
        (begun("text", replace(DEBTOR, email="")), "sms"),  # the notice goes by SMS where there is no e-mail
        (begun("notice"), "call"),
        (begun("notice", replace(DEBTOR, mobile=None)), "none"),
        (begun("call"), "none"),
    ],
)
def test_the_next_channel_is_one_that_reaches_the_customer(asked: Begun, channel: str) -> None:
    assert next_channel(asked) == channel


def on_ladder(*steps: Step, step: str, open: int = 8_000, days_due: int = 5) -> Begun:  # noqa: A002 - the field's name
    ladder = Campaign("standard", steps)
    found = ladder.step(step)
    assert found is not None
    seen = Facts(replace(DEBTOR, postal=True), open, open, TODAY - timedelta(days=days_due))
    claim = Claimed(1, 1, 1, 1, "standard", step, found.channel, 1, 1, AT)
    return Begun(claim, Rung(ladder, found, Policy("p")), seen, (), "", AT)


def test_nobody_is_threatened_with_a_step_that_is_not_for_them() -> None:
    large = Select(min_open=Money(50_000, "EUR"))
    steps = (
        Step("mail", Channel.EMAIL, day=3),
        Step("court", Channel.HANDOVER, day=10, select=large),
        Step("mail-2", Channel.EMAIL, day=14),
    )
    assert next_channel(on_ladder(*steps, step="mail")) == "email"
    assert next_channel(on_ladder(*steps, step="mail", open=60_000)) == "handover"


def test_a_step_whose_time_will_be_over_when_it_would_be_its_turn_is_not_announced() -> None:
    steps = (
        Step("mail", Channel.EMAIL, day=3),
        Step("text", Channel.SMS, day=10, until=20),
        Step("court", Channel.HANDOVER, day=14),
    )
    assert next_channel(on_ladder(*steps, step="mail", days_due=5)) == "sms"
    assert next_channel(on_ladder(*steps, step="mail", days_due=18)) == "handover"


def test_a_channel_the_customer_refused_is_not_announced() -> None:
    stop = Suppression("number", "+4915228817386", None, "opted_out")
    assert next_channel(begun("mail", suppressions=(stop,))) == "email"


def test_only_overdue_invoices_are_asked_for() -> None:
    def bill(number: str, due: date) -> Invoice:
        return Invoice(number, due - timedelta(days=14), due, 500, 400)

    both = (bill("R-1", TODAY - timedelta(days=9)), bill("R-2", TODAY))
    [one] = overdue(replace(begun(), invoices=both), TODAY)
    assert (one.number, one.days_overdue, str(one.open)) == ("R-1", 9, "4.00 EUR")
