"""Planning: what is due is taken up once, what a rule stands against is counted with its reason."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.channels.memory import MemoryChannel
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.calendar import parse_windows
from contactd.domain.campaign import NEXT_NUMBER, Campaign, Select, Step
from contactd.domain.errors import ChannelRejected, StoreError
from contactd.domain.happened import AttemptMoved
from contactd.domain.money import Money
from contactd.engine.gate import Begun
from contactd.engine.ladder import planner
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.engine.sending.followup import FollowUp
from contactd.store import attempts, pauses, schema, suppressions
from contactd.store.attempts import Transition
from contactd.store.database import Database, open_database
from contactd.store.suppressions import NewSuppression
from tests.clock import HandClock
from tests.engine.world import LADDER, open_world


async def test_a_due_account_is_taken_up_once_however_often_one_plans(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.debtor(2, days_due=1)
        first = world.planner.plan("standard", world.clock.now())
        again = world.planner.plan("standard", world.clock.now())
        assert (first.count, again.count) == (1, 0)
        assert [(row.account_id, row.step, row.try_no, row.state) for row in world.rows()] == [
            (1, "reminder", 1, "planned")
        ]


async def test_a_run_of_several_chunks_takes_up_everybody(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "CHUNK", 2)
    async with open_world(database) as world:
        for number in range(1, 8):
            world.debtor(number)
        assert world.planner.plan("standard", world.clock.now()).count == 7
        assert [row.account_id for row in world.rows()] == list(range(1, 8))


async def test_a_chunk_that_cannot_be_written_ends_the_run_and_those_before_it_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = attempts.plan, list[int]()

    def fail_at_last(connection: sa.Connection, planned: list[attempts.NewAttempt]) -> int:
        if len(written) == 2:
            raise StoreError("the disk is full")
        written.append(planned[0].account_id)
        return write(connection, planned)

    monkeypatch.setattr(planner, "CHUNK", 1)
    monkeypatch.setattr(attempts, "plan", fail_at_last)
    async with open_world(database) as world:
        for number in range(1, 4):
            world.debtor(number)
        with pytest.raises(StoreError, match="full"):
            world.planner.plan("standard", world.clock.now())
        assert [row.account_id for row in world.rows()] == [1, 2] == written
        with database.snapshot() as connection:
            assert connection.execute(sa.select(schema.batch)).one().finished_at is None


async def test_what_could_only_happen_when_its_time_is_over_is_not_taken_up(database: Database) -> None:
    by_day = parse_windows(["Mo-So 08:00-12:00"])
    step = Step("text", Channel.SMS, day=3, until=5, windows=by_day)
    async with open_world(database, campaigns=(Campaign("standard", (step,), timezone="Europe/Berlin"),)) as world:
        world.debtor(1, mobile="+4915228817386", days_due=5)
        world.debtor(2, mobile="+4915228817387", days_due=4)
        world.clock.advance(8 * 3_600)  # in the evening
        summary = world.planner.plan("standard", world.clock.now())
        assert (summary.count, summary.held_by_reason()) == (1, {})
        assert [row.account_id for row in world.rows()] == [2]


async def test_a_preview_counts_like_a_run_and_writes_nothing(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.debtor(2, email="")
        preview = world.planner.preview("standard", world.clock.now())
        assert world.rows() == []
        run = world.planner.plan("standard", world.clock.now())
        assert preview.steps_as_json() == run.steps_as_json()
        assert preview.held_as_json() == run.held_as_json()


async def test_the_batch_row_says_what_was_taken_and_what_was_held_by_which_rule(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.debtor(2, owed=2_500)
        with database.transaction() as connection:
            suppressions.add(connection, [NewSuppression("account", "2", None, "stop", "test", world.clock.now())])
        summary = world.planner.plan("standard", world.clock.now())
        with database.snapshot() as connection:
            [batch] = connection.execute(sa.select(schema.batch)).all()
        assert batch.id == summary.batch_id
        assert batch.finished_at == world.clock.now()
        assert batch.taken == 1
        assert batch.steps == {"reminder": {"count": 1, "amounts": {"EUR": 10_000}}}
        assert batch.held == {"reminder": {"stopped": {"count": 1, "amounts": {"EUR": 2_500}}}}
        assert summary.held_by_reason() == {"stopped": 1}


async def test_what_may_happen_later_today_is_planned_for_then(database: Database) -> None:
    evening = replace(LADDER, steps=(replace(LADDER.steps[0], windows=parse_windows(["Mo-Fr 17:00-18:00"])),))
    async with open_world(database, campaigns=(evening,)) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        [row] = world.rows()
        assert row.not_before == world.clock.now() + timedelta(hours=7)


async def test_what_may_not_happen_within_the_horizon_is_held(database: Database) -> None:
    sunday = replace(LADDER, steps=(replace(LADDER.steps[0], windows=parse_windows(["So 17:00-18:00"])),))
    async with open_world(database, campaigns=(sunday,)) as world:
        world.debtor(1)
        summary = world.planner.plan("standard", world.clock.now())
        assert summary.held_by_reason() == {"outside_window": 1}
        assert world.rows() == []


async def test_an_account_climbs_only_the_ladder_of_the_first_campaign_that_selects_it(database: Database) -> None:
    rich = Campaign("rich", (Step("call-them", Channel.EMAIL, day=1),), select=Select(min_open=Money(50_000, "EUR")))
    async with open_world(database, campaigns=(rich, LADDER)) as world:
        world.debtor(1, owed=60_000)
        world.debtor(2, owed=10_000)
        for campaign in ("rich", "standard"):
            world.planner.plan(campaign, world.clock.now())
        assert [(row.account_id, row.campaign) for row in world.rows()] == [(1, "rich"), (2, "standard")]


async def test_a_paused_campaign_is_planned_and_begins_only_when_it_is_resumed(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        with database.transaction() as connection:
            pauses.pause(connection, "campaign:standard", reason="", by="me", now=world.clock.now())
        assert world.planner.plan("standard", world.clock.now()).count == 1
        assert world.claim() == []
        with database.transaction() as connection:
            pauses.resume(connection, "campaign:standard")
        assert len(world.claim()) == 1


async def test_an_account_without_the_address_goes_on_with_the_other_channel_at_once(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1, email="", mobile="+4915228817386", mobile_type="mobile", mobile_zones="Europe/Berlin")
        world.planner.plan("standard", world.clock.now())
        assert [(row.step, row.channel) for row in world.rows()] == [("reminder-sms", "sms")]


async def test_a_dead_address_is_answered_by_the_other_channel_without_waiting_for_the_next_run(
    database: Database,
) -> None:
    async with open_world(database) as world:
        world.debtor(1, mobile="+4915228817386", mobile_type="mobile", mobile_zones="Europe/Berlin")
        world.planner.plan("standard", world.clock.now())
        woken: list[bool] = []
        followup = FollowUp(world.planner, world.clock, lambda: woken.append(True))
        world.bus.listen(followup.hear)
        await world.send(MemoryChannel(faults=[ChannelRejected("no such user", dead=True)]))
        await followup.plan_waiting()
        assert [(row.step, row.state) for row in world.rows()] == [("reminder", "failed"), ("reminder-sms", "planned")]
        assert woken == [True]


@pytest.mark.parametrize("state", ["accepted", "delivered", "planned", "unclear"])
def test_nothing_but_a_failure_is_followed_up(database_url: str, state: str) -> None:
    database = open_database(database_url)
    clock = HandClock()
    followup = FollowUp(Planner(database, Book((), {}), horizon=timedelta()), clock, lambda: None)
    followup.hear(AttemptMoved(1, 1, "standard", "reminder", "email", state, state))
    followup.hear("something else")
    assert not followup.waiting
    database.close()


async def test_a_retry_on_the_next_number_is_begun_on_that_number(database: Database) -> None:
    calls = Campaign(
        "calls", (Step("call", Channel.CALL, day=1, attempts=3, retry={"busy": NEXT_NUMBER}),), timezone="Europe/Berlin"
    )
    async with open_world(database, campaigns=(calls,)) as world:
        zones: dict[str, Any] = {"phone_zones": "Europe/Berlin", "mobile_zones": "Europe/Berlin"}
        world.debtor(1, phone="+493023125161", mobile="+4915228817386", mobile_type="mobile", **zones)
        world.planner.plan("calls", world.clock.now())
        [claim] = world.claim(Channel.CALL)
        first = await world.commit.submit(world.gate.begin, claim)
        assert isinstance(first, Begun)
        busy = Transition(claim.id, claim.claim_no, Event.REJECTED, world.clock.now(), outcome="busy")
        with database.transaction() as connection:
            attempts.apply(connection, [busy])
        assert world.planner.plan_accounts("calls", {1}, world.clock.now()) == 1
        [again] = world.claim(Channel.CALL)
        second = await world.commit.submit(world.gate.begin, again)
        assert isinstance(second, Begun)
        assert {first.address, second.address} == {"+493023125161", "+4915228817386"}
