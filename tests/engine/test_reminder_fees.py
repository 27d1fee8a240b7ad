"""The fee of a reminder: in its own letter, owed once it was sent, once a letter, and never before default."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.config.claims import Claims
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.campaign import Campaign, Step
from contactd.domain.ledger import Cost
from contactd.domain.money import Money
from contactd.engine.debt.claims import Terms, owed_by
from contactd.engine.gate import Begun
from contactd.store import attempts, schema
from contactd.store.attempts import Transition
from contactd.store.database import Database
from tests.engine.test_demanding import AGREED, RATES, said, written
from tests.engine.test_letters import HOME
from tests.engine.world import OPEN_POLICY, World, open_world

FEE = Money(120, "EUR")
NOTICE = Step("notice", Channel.LETTER, day=3, template="mahnung", deadline_days=10, claim="all", fee=FEE, attempts=2)
CHARGING = Campaign(id="standard", timezone="Europe/Berlin", language="de", steps=(NOTICE,))


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with open_world(database, campaigns=(CHARGING,)) as made:
        in_force(made)
        yield made


def in_force(world: World, campaign: Campaign = CHARGING, agreed: Claims = AGREED) -> None:
    """Put a ladder and terms in force."""
    world.book.replace((campaign,), {"standard": OPEN_POLICY}, Terms(agreed, RATES))


def begin(world: World, channel: Channel = Channel.LETTER) -> Begun:
    """Let what is due begin."""
    world.planner.plan("standard", world.clock.now())
    claims = world.claim(channel)
    with world.database.transaction() as connection:
        [begun] = world.gate.begin(connection, claims)
    assert isinstance(begun, Begun)
    return begun


def happen(world: World, begun: Begun, *events: Event) -> None:
    """Let an attempt go on."""
    now = world.clock.now()
    with world.database.transaction() as connection:
        for event in events:
            one = Transition(begun.claimed.id, None, event, now, not_before=now)
            attempts.apply(connection, [one])


def fees(world: World, agreed: Claims = AGREED) -> list[Cost]:
    """Answer what the account was charged for reminders, as the statement of that day has it."""
    with world.database.snapshot() as connection:
        [owed] = owed_by(connection, [1], Terms(agreed, RATES), world.clock.now().date())
    return [one for one in owed.ledger.costs if one.reason in {"reminder", "letter"}]


async def test_a_letter_shows_its_own_fee_which_is_owed_once_the_letter_was_handed_over(world: World) -> None:
    world.debtor(1, days_due=40, **HOME)
    begun = begin(world)
    letter = said(begun)
    assert letter.count("Mahnkosten") == 1
    assert "Mahnkosten 1,20 €" in letter
    assert fees(world) == []  # it may still not go out
    happen(world, begun, Event.TAKEN)
    today = world.clock.now().date()
    assert fees(world) == [Cost(today, 120, reason="reminder")]
    with world.database.snapshot() as connection:
        [owed] = owed_by(connection, [1], Terms(AGREED, RATES), today)
        logged = connection.execute(sa.select(schema.contact_log.c.event, schema.contact_log.c.details)).all()
    assert begun.owed is not None
    assert owed.statement.open == begun.owed.statement.open  # as the letter said
    assert [tuple(one) for one in logged] == [("sending", {"fee": "1.20 EUR"}), ("accepted", None)]
    world.clock.advance(9 * 86_400)
    happen(world, begun, Event.CONFIRMED)  # the printer tells later
    assert fees(world) == [Cost(today, 120, reason="reminder")]


@pytest.mark.parametrize(
    "events",
    [(Event.REJECTED,), (Event.LOST_SIGHT,), (Event.LOST_SIGHT, Event.REJECTED), (Event.TAKEN, Event.REJECTED)],
)
async def test_a_letter_that_does_not_go_out_or_comes_back_costs_nothing(
    world: World, events: tuple[Event, ...]
) -> None:
    world.debtor(1, days_due=40, **HOME)
    happen(world, begin(world), *events)
    assert fees(world) == []


async def test_a_letter_that_is_tried_again_is_charged_once(world: World) -> None:
    world.debtor(1, days_due=40, **HOME)
    happen(world, begin(world), Event.LOST_SIGHT, Event.NOT_TAKEN)
    [row] = world.rows()
    assert (row.state, row.fee) == ("planned", None)
    again = begin(world)
    happen(world, again, Event.LOST_SIGHT, Event.TAKEN)
    happen(world, again, Event.TAKEN, Event.CONFIRMED, Event.CONFIRMED)  # said twice
    assert [one.amount for one in fees(world)] == [120]


async def test_the_next_try_of_a_step_is_charged_in_the_place_of_the_one_that_failed(world: World) -> None:
    world.debtor(1, days_due=40, **HOME)
    happen(world, begin(world), Event.TAKEN, Event.REJECTED)
    world.clock.advance(2 * 86_400)
    happen(world, begin(world), Event.TAKEN)
    assert [one.amount for one in fees(world)] == [120]
    assert len(world.rows()) == 2


async def test_the_reminder_that_brings_default_about_is_free_and_the_next_one_is_not(world: World) -> None:
    again = replace(NOTICE, id="second", day=None, after="notice", after_days=14)
    in_force(world, replace(CHARGING, steps=(NOTICE, again)), Claims())
    world.debtor(1, days_due=10, **HOME)
    first = begin(world)
    assert "Mahnkosten" not in said(first)
    happen(world, first, Event.TAKEN)
    assert fees(world, Claims()) == []
    world.clock.advance(15 * 86_400)
    second = begin(world)
    assert "Mahnkosten 1,20 €" in said(second)
    happen(world, second, Event.TAKEN)
    assert [one.amount for one in fees(world, Claims())] == [120]


async def test_default_with_what_is_paid_or_disputed_makes_no_fee_for_the_rest(world: World) -> None:
    in_force(world, agreed=Claims(thirty_days_notice=True))
    world.debtor(1, days_due=10, **HOME)
    old = world.clock.now().date() - timedelta(days=200)
    with world.database.transaction() as connection:
        world.owe(connection, 1, "R-DISPUTED", old, 50_000)
        chosen = schema.invoice.c.invoice_no == "R-DISPUTED"
        connection.execute(sa.update(schema.invoice).where(chosen).values(disputed=True))
    begun = begin(world)
    assert begun.owed is not None
    assert begun.owed.defaults["R-DISPUTED"] is not None
    assert begun.fee == 0
    assert "Mahnkosten" not in said(begun)


async def test_a_fee_in_another_currency_is_not_charged(world: World) -> None:
    world.debtor(1, days_due=40, currency="CHF", **HOME)
    assert begin(world).fee == 0


@pytest.mark.parametrize(
    ("language", "fee", "total"),
    [("de", "Mahnkosten für diese Nachricht", "101,20 €"), ("en-GB", "Cost of this reminder", "€101.20")],
)
async def test_an_email_tells_what_it_charges_in_both_its_parts(
    world: World, language: str, fee: str, total: str
) -> None:
    step = replace(NOTICE, channel=Channel.EMAIL)
    in_force(world, replace(CHARGING, steps=(step,)))
    world.debtor(1, days_due=40, **HOME | {"email": "debtor@example.com", "language": language})
    message = written(begin(world, Channel.EMAIL))
    for part in (message.text, message.html):
        flat = " ".join(part.split())
        assert (flat.count(fee), flat.count(total)) == (1, 2)
        assert "1.20" in flat.partition(fee)[2][:260] or "1,20" in flat.partition(fee)[2][:260]


async def test_an_email_without_a_fee_or_before_default_tells_of_none(world: World) -> None:
    first = replace(NOTICE, channel=Channel.EMAIL)
    in_force(world, replace(CHARGING, steps=(first,)), Claims())
    world.debtor(1, days_due=40, **HOME | {"email": "debtor@example.com"})
    begun = begin(world, Channel.EMAIL)
    assert begun.fee == 0
    message = written(begun)
    assert "Mahnkosten" not in message.text + message.html


async def test_an_email_may_be_charged_as_a_letter_is(world: World) -> None:
    step = replace(NOTICE, channel=Channel.EMAIL)
    in_force(world, replace(CHARGING, steps=(step,)))
    world.debtor(1, days_due=40, **HOME | {"email": "debtor@example.com"})
    begun = begin(world, Channel.EMAIL)
    assert (begun.owed, begun.fee) == (None, 120)
    happen(world, begun, Event.TAKEN)
    assert [one.amount for one in fees(world)] == [120]


async def test_the_fee_of_a_step_takes_the_place_of_what_letters_cost_otherwise(world: World) -> None:
    agreed = AGREED.model_copy(update={"letter_fees": (Money(300, "EUR"),)})
    free, plain = replace(NOTICE, fee=Money(0, "EUR")), replace(NOTICE, id="plain", day=20, fee=None)
    in_force(world, replace(CHARGING, steps=(free, plain)), agreed)
    world.debtor(1, days_due=5, **HOME)
    happen(world, begin(world), Event.TAKEN)
    assert fees(world, agreed) == []
    world.clock.advance(20 * 86_400)
    happen(world, begin(world), Event.TAKEN)
    assert [(one.amount, one.reason) for one in fees(world, agreed)] == [(300, "letter")]
