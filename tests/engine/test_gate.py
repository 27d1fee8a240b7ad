"""The gate: what was committed before an intent is seen by it, and nobody passes it twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.config.policies import policy_of_notices
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.domain.campaign import Campaign, Select, Step
from contactd.domain.money import Money
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.policy import Cap, Policy
from contactd.engine.gate import Begun, Refused, release
from contactd.store import accounts, pauses, schema, suppressions
from contactd.store.database import Database
from contactd.store.suppressions import NewSuppression
from tests.engine.notified import open_office
from tests.engine.world import LADDER, OPEN_POLICY, open_world


async def test_a_planned_attempt_begins_with_its_address_and_a_log_row(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [claim] = world.claim()
        answer = await world.commit.submit(world.gate.begin, claim)
        assert isinstance(answer, Begun)
        assert answer.address == "debtor1@example.com"
        assert [invoice.number for invoice in answer.invoices] == ["R-1"]
        [row] = world.rows()
        assert (row.state, row.sending_at, row.address) == ("sending", world.clock.now(), "debtor1@example.com")
        assert world.log() == [("sending", "", "")]


async def test_a_payment_after_planning_cancels_the_attempt_with_its_reason(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [claim] = world.claim()
        world.clock.advance(60)
        with database.transaction() as connection:
            connection.execute(sa.update(schema.account).values(last_payment_at=world.clock.now()))
        answer = await world.commit.submit(world.gate.begin, claim)
        assert answer == Refused(claim, "paid_since_planning")
        assert world.rows()[0].state == "cancelled"
        assert world.log() == [("cancelled", "cancelled", "paid_since_planning")]


async def test_a_stop_after_planning_cancels_the_attempt(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [claim] = world.claim()
        with database.transaction() as connection:
            suppressions.add(connection, [NewSuppression("account", "1", None, "stop", "test", world.clock.now())])
        assert await world.commit.submit(world.gate.begin, claim) == Refused(claim, "stopped")
        assert world.rows()[0].state == "cancelled"


async def test_a_case_that_ended_meanwhile_is_not_contacted_for_it(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [claim] = world.claim()
        with database.transaction() as connection:
            connection.execute(sa.update(schema.invoice).values(open=0))
            accounts.refresh(connection, [1], world.clock.now())
            connection.execute(sa.update(schema.invoice).values(open=500))
            accounts.refresh(connection, [1], world.clock.now())
        assert await world.commit.submit(world.gate.begin, claim) == Refused(claim, "case_ended")


async def test_a_pause_postpones_and_nothing_is_lost(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [claim] = world.claim()
        with database.transaction() as connection:
            pauses.pause(connection, "campaign:standard", reason="", by="me", now=world.clock.now())
        answer = await world.commit.submit(world.gate.begin, claim)
        assert isinstance(answer, Refused)
        assert (answer.reason, answer.until) == ("paused", world.clock.now() + timedelta(minutes=5))
        assert world.rows()[0].state == "planned"
        assert world.log() == []


async def test_two_attempts_of_one_customer_in_one_batch_keep_the_daily_cap(database: Database) -> None:
    policy = replace(OPEN_POLICY, caps=(Cap(1, timedelta(days=1)),))
    async with open_world(database, policy=policy) as world:
        world.debtor(1)
        world.debtor(2, customer_id=1, account_no="K-1", currency="USD")
        world.planner.plan("standard", world.clock.now())
        claims = world.claim()
        assert len(claims) == 2
        with database.transaction() as connection:
            first, second = world.gate.begin(connection, claims)
        assert isinstance(first, Begun)
        assert isinstance(second, Refused)
        assert second.reason == "day_cap"
        assert second.until is not None
        assert second.until > world.clock.now()


async def test_a_notice_about_an_agreement_takes_up_none_of_what_a_day_allows(database: Database) -> None:
    async with open_office(database) as office:
        world, policy = office.world, replace(OPEN_POLICY, caps=(Cap(1, timedelta(days=1)),))
        world.book.replace((LADDER,), {"standard": policy, NOTICES: policy_of_notices(office.settings)})
        world.debtor(1)
        made = office.agree(Kind.PROMISE, on=office.today + timedelta(days=30))
        assert len((await office.send()).ledger) == 1
        office.say(made.id, "withdraw")
        world.planner.plan("standard", world.clock.now())
        [message] = (await office.send()).ledger
        assert [(row.campaign, row.state) for row in world.rows()] == [(NOTICES, "accepted"), ("standard", "accepted")]
        assert message.text


CALLS = Campaign("standard", (Step("call", Channel.CALL, day=3, attempts=4, pause=timedelta(minutes=1)),))


def set_state(database: Database, attempt_id: int, **values: object) -> None:
    with database.transaction() as connection:
        connection.execute(sa.update(schema.attempt).where(schema.attempt.c.id == attempt_id).values(**values))


@pytest.mark.parametrize("state", ["claimed", "sending", "unclear", "accepted"])
async def test_nobody_is_planned_for_another_call_while_one_is_under_way(database: Database, state: str) -> None:
    async with open_world(database, campaigns=(CALLS,)) as world:
        world.debtor(1, mobile="+4915228817386")
        assert world.planner.plan("standard", world.clock.now()).count == 1
        set_state(database, 1, state=state, sending_at=world.clock.now())
        world.clock.advance(3_600)
        assert world.planner.plan("standard", world.clock.now()).count == 0
        assert world.planner.plan_accounts("standard", [1], world.clock.now()) == 0


@pytest.mark.parametrize(
    ("state", "outcome", "reason"),
    [("accepted", "accepted", "attempt_open"), ("delivered", "answered", "already_done")],
)
async def test_a_planned_call_does_not_begin_while_another_is_up_or_after_it_was_answered(
    database: Database, state: str, outcome: str, reason: str
) -> None:
    async with open_world(database, campaigns=(CALLS,)) as world:
        world.debtor(1, mobile="+4915228817386")
        world.planner.plan("standard", world.clock.now())
        set_state(database, 1, state="failed", outcome="busy")
        assert world.planner.plan_accounts("standard", [1], world.clock.now()) == 1
        set_state(database, 1, state=state, outcome=outcome)
        world.clock.advance(3_600)
        [claim] = world.claim(Channel.CALL)
        assert await world.commit.submit(world.gate.begin, claim) == Refused(claim, reason)


async def test_a_step_whose_time_is_over_is_not_begun_and_the_ladder_goes_on(database: Database) -> None:
    ladder = replace(LADDER, steps=(replace(LADDER.steps[0], until=15), *LADDER.steps[1:]))
    async with open_world(database, campaigns=(ladder,)) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        with database.transaction() as connection:
            day = world.clock.now().date() - timedelta(days=16)
            connection.execute(sa.update(schema.account).values(oldest_due=day))
        [claim] = world.claim()
        assert await world.commit.submit(world.gate.begin, claim) == Refused(claim, "too_late")
        assert world.planner.plan_accounts("standard", [1], world.clock.now()) == 1
        assert [(row.step, row.state) for row in world.rows()] == [("reminder", "cancelled"), ("notice", "planned")]


async def test_a_claim_that_was_taken_over_begins_nothing(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [claim] = world.claim()
        stale = replace(claim, claim_no=claim.claim_no - 1)
        assert await world.commit.submit(world.gate.begin, stale) == Refused(stale, "overtaken")
        assert world.rows()[0].state == "claimed"


async def test_a_step_that_left_the_configuration_is_cancelled(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [claim] = world.claim()
        world.book.replace([Campaign("other", (Step("x", Channel.EMAIL, day=1),))], {"other": Policy("p")})
        assert await world.commit.submit(world.gate.begin, claim) == Refused(claim, "campaign_changed")


async def test_a_step_that_goes_another_way_since_planning_is_cancelled(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1, mobile="+4915228817386")
        world.planner.plan("standard", world.clock.now())
        changed = replace(LADDER.steps[0], channel=Channel.SMS, otherwise=""), LADDER.steps[2]
        world.book.replace((replace(LADDER, steps=changed),), {"standard": OPEN_POLICY})
        claims = world.claim()
        with world.database.transaction() as connection:
            [refused] = world.gate.begin(connection, claims)
        assert isinstance(refused, Refused)
        assert refused.reason == "campaign_changed"
        assert [(row.state, row.reason, row.address) for row in world.rows()] == [("cancelled", "campaign_changed", "")]


async def test_what_was_certainly_not_sent_is_planned_again_from_either_state(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.debtor(2)
        world.planner.plan("standard", world.clock.now())
        claims = world.claim()
        await world.commit.submit(world.gate.begin, claims[0])
        with database.transaction() as connection:
            release(connection, claims, world.clock.now())
        assert [row.state for row in world.rows()] == ["planned", "planned"]
        assert [row.sending_at for row in world.rows()] == [None, None]


async def test_the_memory_of_a_campaign_reaches_as_far_as_its_longest_cap(database: Database) -> None:
    policy = replace(OPEN_POLICY, caps=(Cap(1, timedelta(days=30)),), cool_down=7)
    async with open_world(database, campaigns=(LADDER,), policy=policy) as world:
        assert world.book.memory("standard") == timedelta(days=32)


async def test_what_was_booked_elsewhere_or_left_the_campaign_since_planning_is_not_sent(database: Database) -> None:
    choosy = replace(LADDER, select=Select(min_open=Money(1_000, "EUR")))
    async with open_world(database, campaigns=(choosy,)) as world:
        for number in (1, 2, 3):
            world.debtor(number)
        world.planner.plan("standard", world.clock.now())
        claims = world.claim()
        day = world.clock.now().date()
        with database.transaction() as connection:
            connection.execute(sa.update(schema.account).where(schema.account.c.id == 1).values(oldest_due=day))
            connection.execute(sa.update(schema.account).where(schema.account.c.id == 2).values(open=500))
            answers = world.gate.begin(connection, claims)
        assert answers[0] == Refused(claims[0], "not_due")
        assert answers[1] == Refused(claims[1], "not_selected")
        assert isinstance(answers[2], Begun)


async def test_a_debt_that_falls_due_after_the_last_was_paid_begins_another_case(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        later = world.clock.now().date() + timedelta(days=20)
        with database.transaction() as connection:
            world.owe(connection, 1, "R-later", later, 5_000)
            accounts.refresh(connection, [1], world.clock.now())
            before = connection.scalar(sa.select(schema.account.c.case_no))
            connection.execute(sa.update(schema.invoice).where(schema.invoice.c.invoice_no == "R-1").values(open=0))
            accounts.refresh(connection, [1], world.clock.now())
            row = connection.execute(sa.select(schema.account)).one()
        assert (before, row.case_no, row.open, row.oldest_due) == (1, 2, 5_000, later)
