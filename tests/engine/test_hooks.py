"""Other software is told what happened: at least once, signed, in order for each account, visibly where it fails."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import jsonschema_rs
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from contactd.config.secret import Secret
from contactd.config.settings import Sections, Settings
from contactd.domain.agreement import Kind
from contactd.domain.attempt import Event
from contactd.domain.errors import NotThere
from contactd.engine.agreements.agreeing import Agreeing, Order
from contactd.engine.debt.debtors import choose
from contactd.engine.hooks import failing
from contactd.engine.records.evidence import seal_now
from contactd.store import attempts, contact_log, hooks, seals
from contactd.store.attempts import Transition
from contactd.store.database import Database
from contactd.store.hooks import Standing
from contactd.store.schema import contact_log as log_table
from contactd.web.answers import SCHEMAS
from tests.engine.hooked import DAY, Office, open_office
from tests.store.seed import new_attempt
from tests.web.frame import take_store_away


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with open_office(database) as office:
        yield office


async def test_the_outcome_of_a_contact_and_an_agreement_are_told_as_they_are_described(office: Office) -> None:
    now = office.clock.now()
    with office.database.transaction() as connection:
        attempts.plan(connection, [new_attempt(1)])
        [claimed] = attempts.claim(
            connection, new_attempt(1).channel, owner="x", now=now, lease=timedelta(minutes=1), limit=1
        )
        for event in (Event.BEGUN, Event.TAKEN, Event.CONFIRMED):
            change = Transition(
                claimed.id, claimed.claim_no, event, now, address="debtor1@example.com", reason="by Eve"
            )
            attempts.apply(connection, [change])
        agreeing = Agreeing(Settings.of(Sections(), Path("contactd.toml")), connection, by="kim", now=now)
        agreeing.make(choose(connection, "K-2"), Order(Kind.DEFERRAL, on=(now + timedelta(days=5)).date()))
    await office.tell()
    heard = office.listener.ledger
    validator = jsonschema_rs.validator_for({"$ref": "#/components/schemas/Event", "components": {"schemas": SCHEMAS}})
    assert [error for one in heard for error in validator.iter_errors(one.body)] == []
    assert all(one.genuine for one in heard)
    assert sorted((one.body["type"], one.body["data"]["event"], one.body["data"]["state"]) for one in heard) == [
        ("agreement", "pending", "open"),
        ("outcome", "accepted", ""),
        ("outcome", "delivered", ""),
    ]
    assert {one.body["account"]["account"] for one in heard} == {"K-1", "K-2"}
    assert not any("debtor1" in str(one.body) or "Eve" in str(one.body) for one in heard)
    assert office.standing() == Standing("crm", 0, 0, 0, None, "")


async def test_only_what_was_asked_for_is_told_and_what_is_personal_where_it_is_said(office: Office) -> None:
    office.events, office.personal = ("agreement",), True
    office.happen(1)
    office.happen(1, "open", event="agreement")
    office.happen(2, "cancelled", event="stop")
    await office.tell()
    [heard] = office.listener.ledger
    assert (heard.body["type"], heard.body["data"]["address"]) == ("agreement", "erika@example.com")
    assert heard.body["data"]["reason"] == "said by Erika"


async def test_nothing_happened_nothing_is_told_and_a_caller_nobody_knows_is_no_account(office: Office) -> None:
    await office.tell()
    assert office.listener.ledger == []
    with office.database.transaction() as connection:
        contact_log.add(connection, [{"at": office.clock.now(), "event": "failed", "outcome": "no_answer"}])
    await office.tell()
    assert [one.body["account"] for one in office.listener.ledger] == [None]


@pytest.mark.parametrize("status", [500, 404, 409, 302, 307])
async def test_what_is_not_taken_is_told_again_after_a_pause_under_the_same_id(office: Office, status: int) -> None:
    office.listener.answers = [status]
    office.happen(1)
    await office.tell()
    assert (office.standing().waiting, office.standing().failing) == (1, 1)
    assert failing([office.standing()], office.clock.now())["crm"]["state"] == "failing"
    assert f"answered {status}" in office.standing().error
    await office.tell()
    assert len(office.listener.ledger) == 1, "not before its pause is over"
    office.clock.advance(5)
    await office.tell()
    assert len({one.id for one in office.listener.ledger}) == 1
    assert (len(office.listener.taken), office.standing().waiting, office.listener.elsewhere) == (1, 0, 0)


async def test_software_that_never_answers_is_left_and_one_that_is_away_is_told_of(office: Office) -> None:
    await office.hooks.close()
    office.hooks = office.another(patience=0.3)
    office.listener.hung = True
    office.happen(1)
    await office.tell()
    assert office.standing().error == "did not answer within 0.3 seconds"
    office.listener.url = "http://127.0.0.1:1/hook"
    office.clock.advance(5)
    await office.tell()
    assert office.standing().error == "cannot be reached: ClientConnectorError"


async def test_one_accounts_events_stay_in_order_and_hold_up_nobody_elses(office: Office) -> None:
    office.listener.broken = {"K-1"}
    for number in (1, 2, 1, 3, 2):
        office.happen(number)
    for _ in range(3):
        await office.tell()
    assert office.accounts == ["K-2", "K-3", "K-2"]
    assert (office.standing().waiting, office.standing().failing) == (2, 1)
    office.listener.broken = set()
    office.clock.advance(30)
    await office.tell()
    ids = [int(name.removeprefix("evt_")) for name in office.listener.taken[-2:]]
    assert (office.accounts[-2:], ids == sorted(ids)) == (["K-1", "K-1"], True)


async def test_after_a_day_it_is_given_up_for_all_to_see_and_told_when_somebody_says_so(office: Office) -> None:
    office.listener.broken = {"K-1"}
    office.happen(1)
    office.happen(1, "failed")
    with capture_logs() as lines:
        for _ in range(8):
            await office.tell()
            office.clock.advance(DAY / 6)
    assert (office.standing().given_up, office.standing().waiting) == (1, 1), "the next one has a day of its own"
    assert failing([office.standing()], office.clock.now())["crm"]["state"] == "given_up"
    assert [one["log_level"] for one in lines if one.get("given_up")] == ["error"]
    assert "K-1" not in str(lines)
    office.listener.broken = set()
    with office.database.transaction() as connection:
        assert hooks.retry(connection, "crm", office.clock.now()) == 2
    await office.tell()
    ids = [int(name.removeprefix("evt_")) for name in office.listener.taken]
    assert (len(ids), ids, office.standing().given_up) == (2, sorted(ids), 0)


async def test_a_daemon_that_dies_between_sending_and_noting_it_tells_the_same_event_again(office: Office) -> None:
    office.listener.hung = True
    office.happen(1)
    await office.hooks.serve(office.hook)
    dying = asyncio.create_task(office.hooks.serve(office.hook))
    await office.listener.asked.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    office.listener.hung = False
    part = office.another()
    await office.tell(part)
    await part.close()
    assert [one.id for one in office.listener.ledger] == [office.listener.taken[0]] * 2


async def test_of_two_daemons_one_tells(office: Office) -> None:
    second = office.another("two")
    office.happen(1)
    await office.tell(second)
    assert office.listener.ledger == []
    await office.tell()
    assert len(office.listener.ledger) == 1


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_an_entry_that_is_committed_after_a_later_one_is_told_as_well(office: Office) -> None:
    row = {"account_id": 1, "at": office.clock.now(), "event": "delivered", "outcome": "delivered"}
    with office.database.transaction() as slow:
        contact_log.add(slow, [row])
        office.happen(2)
        await office.tell()
        await office.tell()
        assert office.listener.ledger == []
    await office.tell()
    assert sorted(office.accounts) == ["K-1", "K-2"]


def known(office: Office) -> bool:
    """Tell whether the log is followed for somebody: what was written there before is not told."""
    with office.database.snapshot() as connection:
        return bool(hooks.listed(connection))


async def test_the_part_runs_by_itself(office: Office) -> None:
    running = asyncio.create_task(office.hooks.run())
    async with asyncio.timeout(60):
        while not known(office):
            await office.clock.run(1)
            await asyncio.sleep(0.01)
    office.happen(3)
    async with asyncio.timeout(60):
        while not office.listener.taken:
            await office.clock.run(1)
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert office.accounts == ["K-3"]
    assert 'contactd_webhook_events{state="given_up",webhook="crm"} 0.0' in office.metrics.render().decode()


async def test_neither_a_missing_secret_nor_a_fault_of_ours_nor_a_store_that_is_away_ends_it(
    office: Office,
) -> None:
    broken = office.hook.model_copy(update={"secret": Secret(problem="env CRM is not set")})
    office.happen(1)
    with capture_logs() as lines:
        for _ in range(2):
            await office.hooks.attend(broken)
        office.happen(2)
        for _ in range(2):
            await office.hooks.attend(office.hook.model_copy(update={"events": ("owls",)}))
        take_store_away(office.database)
        await office.hooks.attend(office.hook)
    assert [one["event"] for one in lines] == ["webhook_without_secret", "webhook_broke", "store_unavailable"]


async def test_a_webhook_nobody_was_told_of_is_no_webhook(office: Office) -> None:
    with office.database.transaction() as connection:
        for change in (
            lambda: hooks.retry(connection, "erp", office.clock.now()),
            lambda: hooks.forget(connection, "erp"),
        ):
            with pytest.raises(NotThere, match="no webhook erp was ever told anything; there is crm"):
                change()
        hooks.forget(connection, "crm")
        assert hooks.listed(connection) == []


async def test_a_webhook_that_is_forgotten_while_the_daemon_runs_begins_anew_with_what_comes(office: Office) -> None:
    office.listener.broken = {"K-1"}
    office.happen(1)
    await office.tell()
    with office.database.transaction() as connection:
        hooks.forget(connection, "crm")
    await office.tell()
    assert office.standing() == Standing("crm", 0, 0, 0, None, "")
    office.happen(2)
    await office.tell()
    assert office.accounts == ["K-2"]


async def test_a_count_that_fails_in_the_database_ends_nothing(office: Office) -> None:
    def rename(before: str, after: str) -> None:
        with office.database.transaction() as connection:
            connection.execute(sa.text(f"ALTER TABLE {before} RENAME TO {after}"))

    rename("hook_event", "away")
    with capture_logs() as lines:
        running = asyncio.create_task(office.hooks.run())
        async with asyncio.timeout(60):
            while not running.done() and "webhooks_not_counted" not in {one["event"] for one in lines}:
                await office.clock.run(1)
                await asyncio.sleep(0.01)
    rename("away", "hook_event")
    office.happen(3)
    async with asyncio.timeout(60):
        while not running.done() and not office.listener.taken:
            await office.clock.run(1)
            await asyncio.sleep(0.01)
    running.cancel()
    assert [type(one) for one in await asyncio.gather(running, return_exceptions=True)] == [asyncio.CancelledError]
    assert office.accounts == ["K-3"]


async def test_what_is_erased_is_not_told_any_more(office: Office) -> None:
    office.listener.broken = {"K-1", "K-2"}
    office.happen(1)
    office.happen(2)
    await office.tell()
    assert office.standing().waiting == 2
    seal_now(office.database, office.clock.now)
    with office.database.transaction() as connection:
        mine = connection.scalars(sa.select(log_table.c.id).where(log_table.c.account_id == 1)).all()
        assert seals.erase(connection, mine) == len(mine)
    assert office.standing().waiting == 1
    office.listener.broken = set()
    office.clock.advance(30)
    await office.tell()
    assert office.accounts == ["K-2"]
