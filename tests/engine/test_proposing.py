"""Runs on approval: nothing of them is anybody's to send before it is approved, and nothing changes afterwards."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from contactd.channels.memory import MemoryChannel
from contactd.domain.errors import AwaitsApproval, InputError, StoreConflict
from contactd.domain.proposal import State
from contactd.engine.ladder import planner
from contactd.engine.ladder.planner import Planner
from contactd.engine.ladder.planning import Planning
from contactd.engine.ladder.proposing import Person, Proposing, account_ids
from contactd.store import attempts, batches, proposals, schema, suppressions
from contactd.store.schema_proposals import proposal_line
from contactd.store.suppressions import NewSuppression
from tests.engine.proposed import ANNA, ON_APPROVAL, approve, everything, lines, propose, read, told
from tests.engine.test_planning import DAILY, a_life
from tests.engine.world import LADDER, OPEN_POLICY, World

CAMPAIGNS = (ON_APPROVAL,)


async def test_nothing_of_a_proposed_run_can_be_taken_before_it_is_approved(world: World, proposing: Proposing) -> None:
    for number in range(1, 4):
        world.debtor(number)
    run = propose(world, proposing)
    channel = MemoryChannel()
    await world.send(channel)
    assert (world.rows(), world.claim(), channel.ledger) == ([], [], [])
    assert approve(world, proposing, run) == (3, {})
    await world.send(channel)
    assert len(channel.ledger) == 3
    assert {(row.batch_id, row.state) for row in world.rows()} == {(run, "accepted")}


async def test_a_run_shows_every_account_as_whoever_approves_asks(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    world.debtor(2, email="", mobile="+4915228817386", mobile_type="mobile", mobile_zones="Europe/Berlin", owed=2_500)
    world.debtor(3)
    with world.database.transaction() as connection:
        connection.execute(
            sa.insert(schema.import_run).values(
                kind="payments", as_of=world.clock.now(), finished_at=world.clock.now(), counts={}
            )
        )
        suppressions.add(connection, [NewSuppression("account", "3", None, "stop", "test", world.clock.now())])
    run = propose(world, proposing)
    shown = told(world, run)
    assert (shown["state"], shown["planned_by"], shown["accounts"], shown["released"]) == ("proposed", "ben", 2, 0)
    assert shown["payments_as_of"] == world.clock.now().isoformat()
    assert shown["steps"]["reminder"] == {"count": 1, "amounts": [{"amount": "100.00", "currency": "EUR"}]}
    assert shown["held"]["reminder"]["stopped"]["count"] == 1
    first, second = lines(world, run).values()
    due = (world.clock.now().date() - timedelta(days=5)).isoformat()
    assert (first["step"], first["level"], first["next_step"], first["due_since"]) == ("reminder", 1, "notice", due)
    assert (second["step"], second["channel"], second["level"]) == ("reminder-sms", "sms", 1)
    assert second["amount"] == {"amount": "25.00", "currency": "EUR"}


async def test_a_dropped_account_is_logged_left_out_and_comes_again(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    world.debtor(2)
    run = propose(world, proposing)
    with world.database.snapshot() as connection:
        ids = account_ids(connection, run, ["K-2"], None)
        with pytest.raises(InputError, match="'K-9' is not in run"):
            account_ids(connection, run, ["K-1", "K-9"], None)
    with pytest.raises(InputError, match="say the reason"):
        proposing.drop(run, ids, reason=" ", by="anna", now=world.clock.now())
    assert proposing.drop(run, ids, reason="visit on Friday", by="anna", now=world.clock.now()) == 1
    assert proposing.drop(run, ids, reason="once more", by="anna", now=world.clock.now()) == 0
    assert approve(world, proposing, run) == (1, {"visit on Friday": 1})
    assert [row.account_id for row in world.rows()] == [1]
    assert (lines(world, run)["K-2"]["dropped"], lines(world, run)["K-2"]["dropped_by"]) == ("visit on Friday", "anna")
    assert world.log() == [("dropped", "", "visit on Friday")]
    again = propose(world, proposing)
    assert list(lines(world, again)) == ["K-2"]
    assert lines(world, again)["K-2"]["try"] == 1


async def test_what_happened_meanwhile_falls_out_with_its_reason(world: World, proposing: Proposing) -> None:
    for number in range(1, 9):
        world.debtor(number)
    run = propose(world, proposing)
    world.clock.advance(60)
    now, account = world.clock.now(), schema.account
    with world.database.transaction() as connection:

        def change(number: int, **values: Any) -> None:  # noqa: ANN401 - any column
            connection.execute(sa.update(account).where(account.c.id == number).values(values))

        change(1, open=0, last_payment_at=now)
        change(2, open=5_000, last_payment_at=now)
        change(3, hold_reason="promise", hold_until=date(2026, 12, 31))
        change(4, case_no=2)
        change(5, open=0, disputed=True)
        suppressions.add(connection, [NewSuppression("account", "6", None, "stop", "test", now)])
        other = attempts.NewAttempt(7, 7, None, "other", "mail", LADDER.steps[0].channel, 1, 1, now, now)
        attempts.plan(connection, [other])
    told, fallen = proposing.outlook(run, now)
    assert fallen == {
        1: "paid_since_planning", 2: "paid_since_planning", 3: "on_hold", 4: "case_ended", 5: "disputed", 6: "stopped",
        7: "attempt_open",
    }  # fmt: skip
    assert [(one["account"], one["reason"]) for one in told["falls_out"]][2:4] == [
        ("K-3", "on_hold"),
        ("K-4", "case_ended"),
    ]
    assert approve(world, proposing, run) == (
        1,
        {"attempt_open": 1, "case_ended": 1, "disputed": 1, "on_hold": 1, "paid_since_planning": 2, "stopped": 1},
    )
    assert {row.account_id for row in world.rows()} == {7, 8}
    assert {line["dropped_by"] for line in lines(world, run).values()} == {"", "contactd"}
    assert world.log().count(("dropped", "", "paid_since_planning")) == 2
    assert proposing.outlook(run, now)[1] == {}


async def test_the_hour_of_the_day_leaves_a_run_as_it_is(world: World, proposing: Proposing) -> None:
    from contactd.domain.calendar import parse_windows  # noqa: PLC0415 - only here

    world.debtor(1)
    run = propose(world, proposing)
    sunday = replace(ON_APPROVAL, steps=(replace(LADDER.steps[0], windows=parse_windows(["So 17:00-18:00"])),))
    world.book.replace((sunday,), {"standard": OPEN_POLICY})
    assert approve(world, proposing, run) == (1, {})


async def test_a_step_or_campaign_that_is_no_more_is_not_carried_out(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    world.debtor(2, days_due=20)
    run = propose(world, proposing)
    world.book.replace((replace(ON_APPROVAL, steps=LADDER.steps[2:]),), {"standard": OPEN_POLICY})
    with pytest.raises(InputError, match=r"nothing left that could be sent: 2 campaign_changed; reject it"):
        approve(world, proposing, run)
    world.book.replace((), {})
    with pytest.raises(InputError, match="configured no more"):
        approve(world, proposing, run)
    assert proposing.outlook(run, world.clock.now())[1] == {1: "campaign_changed", 2: "campaign_changed"}
    assert (read(world, run).state, world.log()) == ("proposed", [])


async def test_a_campaign_has_one_run_that_waits_and_is_not_planned_beside_it(
    world: World, proposing: Proposing
) -> None:
    world.debtor(1)
    run = propose(world, proposing)
    world.debtor(2)
    with pytest.raises(AwaitsApproval, match=f"contactd proposal show {run}"):
        propose(world, proposing)
    world.book.replace((LADDER,), {"standard": OPEN_POLICY})  # it needs no approval any more: still it waits
    with pytest.raises(AwaitsApproval):
        await a_life(world).plan("standard")
    assert world.rows() == []
    proposing.reject(run, reason="not today", by="anna", now=world.clock.now())
    assert (await a_life(world).plan("standard"))["taken"] == 2
    assert (told(world, run)["state"], told(world, run)["reason"]) == ("rejected", "not today")


async def test_a_run_nobody_decides_about_expires_and_nothing_is_lost(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    run = propose(world, proposing)
    world.clock.advance(3 * 86_400 - 1)
    assert told(world, run)["state"] == "proposed"
    world.clock.advance(1)
    assert told(world, run)["state"] == "expired"
    for late in (
        lambda: approve(world, proposing, run),
        lambda: proposing.reject(run, reason="no", by="anna", now=world.clock.now()),
        lambda: proposing.drop(run, [1], reason="no", by="anna", now=world.clock.now()),
    ):
        with pytest.raises(InputError, match="has expired"):
            late()
    again = propose(world, proposing)
    assert (read(world, run).state, read(world, run).decided_by) == ("expired", "contactd")
    assert approve(world, proposing, again)[0] == 1


async def test_who_proposed_does_not_approve_where_four_eyes_are_asked_for(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    run = propose(world, proposing, by="anna")
    with pytest.raises(InputError, match="somebody else has to approve"):
        approve(world, proposing, run)
    with pytest.raises(InputError, match="somebody else"):
        proposing.approve(run, Person("ben (anna)", "anna"), world.clock.now(), four_eyes=True)
    assert proposing.approve(run, ANNA, world.clock.now(), four_eyes=False) == (1, {})


@pytest.mark.parametrize("decided", ["executed", "rejected"])
async def test_what_is_decided_is_changed_by_nobody(world: World, proposing: Proposing, decided: str) -> None:
    world.debtor(1)
    world.debtor(2)
    run = propose(world, proposing)
    if decided == "executed":
        approve(world, proposing, run)
    else:
        proposing.reject(run, reason="not today", by="anna", now=world.clock.now())
    before = everything(world)
    now = world.clock.now()
    for verb in (
        lambda: approve(world, proposing, run),
        lambda: proposing.reject(run, reason="after all", by="anna", now=now),
        lambda: proposing.drop(run, [1], reason="after all", by="anna", now=now),
    ):
        with pytest.raises(InputError, match=f"is {decided} already"):
            verb()
    with world.database.transaction() as connection:
        decision = proposals.Decision(State.REJECTED, now, "somebody")
        assert not proposals.decide(connection, run, decision)
        assert not proposals.hold_open(connection, run, now)
        assert proposals.expire(connection, now + timedelta(days=30), "contactd") == []
        assert proposals.forget_drafts(connection) == 0
    assert everything(world) == before


async def test_a_number_that_is_no_proposal_is_told(world: World, proposing: Proposing) -> None:
    planned = world.planner.plan("standard", world.clock.now()).batch_id
    assert planned is not None
    with pytest.raises(InputError, match="was planned without a proposal"):
        approve(world, proposing, planned)
    with pytest.raises(InputError, match="is not known"):
        approve(world, proposing, 99)
    assert (told(world, planned)["state"], told(world, planned)["planned_by"]) == ("executed", "contactd")


async def test_whoever_dies_while_approving_has_done_nothing(
    world: World, proposing: Proposing, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.debtor(1)
    world.debtor(2)
    run = propose(world, proposing)
    before = everything(world)

    def die(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(proposals, "decide", die)
        with pytest.raises(KeyboardInterrupt):
            approve(world, proposing, run)
    assert everything(world) == before
    assert approve(world, proposing, run) == (2, {})


async def test_a_run_that_was_cut_short_while_written_is_forgotten(
    world: World, proposing: Proposing, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.debtor(1)
    world.debtor(2)
    write, written = proposals.add_lines, list[int]()

    def die_at_last(connection: sa.Connection, some: list[proposals.NewLine]) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(some[0].account_id)
        write(connection, some)

    monkeypatch.setattr(planner, "CHUNK", 1)
    with monkeypatch.context() as patch:
        patch.setattr(proposals, "add_lines", die_at_last)
        with pytest.raises(KeyboardInterrupt):
            propose(world, proposing)
    await a_life(world).make_up(DAILY)
    with world.database.snapshot() as connection:
        assert connection.execute(sa.select(proposal_line)).all() == []
        [cut] = proposals.listed(connection, limit=5)
    assert told(world, cut.id)["state"] == "interrupted"
    run = propose(world, proposing)
    assert list(lines(world, run)) == ["K-1", "K-2"]


async def test_a_run_that_a_new_daemon_took_for_dead_is_not_proposed_with_half_of_its_accounts(
    world: World, proposing: Proposing, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.debtor(1)
    draft = Planner.draft

    def and_a_daemon_begins(self: Planner, *given: Any) -> Any:  # noqa: ANN401 - as it is
        summary = draft(self, *given)
        with world.database.transaction() as connection:
            batches.close_interrupted(connection, world.clock.now())
            assert proposals.forget_drafts(connection) == 1
        return summary

    with monkeypatch.context() as patch:
        patch.setattr(Planner, "draft", and_a_daemon_begins)
        with pytest.raises(StoreConflict, match="propose again"):
            propose(world, proposing)
    assert len(lines(world, propose(world, proposing))) == 1


async def work_until(planning: Planning, world: World, event: str) -> list[Any]:
    """Let the timetable work until it says so; answers its log."""
    running = asyncio.create_task(planning.timetable.run())
    with capture_logs() as logged:
        for _ in range(8_000):
            await world.clock.settle()
            await asyncio.sleep(0.005)
            if any(entry["event"] == event for entry in logged):
                break
    running.cancel()
    return logged


async def test_on_schedule_a_campaign_on_approval_only_proposes_and_waits(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    planning = a_life(world)
    planning.timetable.replace(DAILY, at_once=["standard"])
    [said] = [entry for entry in await work_until(planning, world, "proposed") if entry["event"] == "proposed"]
    run = said["batch"]
    assert (said["taken"], world.rows()) == (1, [])
    status = await planning.campaigns(["standard", "other"])
    assert status["other"] == {"next_plan": ""}
    assert status["standard"]["awaits_approval"] == {
        "run": run, "accounts": 1, "until": (world.clock.now() + timedelta(days=3)).isoformat()
    }  # fmt: skip
    planning.timetable.replace(DAILY, at_once=["standard"])
    await work_until(planning, world, "awaits_approval")
    assert approve(world, proposing, run) == (1, {})
    assert "awaits_approval" not in (await planning.campaigns(["standard"]))["standard"]


async def test_an_expired_run_is_told_and_proposed_anew_on_schedule(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    run = propose(world, proposing)
    world.clock.advance(3 * 86_400)
    planning = a_life(world)
    planning.timetable.replace(DAILY, at_once=["standard"])
    logged = await work_until(planning, world, "proposed")
    assert [entry["batches"] for entry in logged if entry["event"] == "proposals_expired"] == [[run]]
    assert read(world, run).state == "expired"


async def test_lines_are_read_by_the_page(world: World, proposing: Proposing, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        world.debtor(number)
    run = propose(world, proposing)
    monkeypatch.setattr(proposals, "_PAGE", 2)
    with world.database.snapshot() as connection:
        ids = [line.account_id for line in proposals.lines(connection, run)]
        assert ids == [1, 2, 3, 4, 5]
        assert [line.account_id for line in proposals.lines(connection, run, after=1, limit=3)] == [2, 3, 4]
