"""The dialer on a real database, through the real gate: what the contact log says afterwards."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.call import Disposition
from contactd.domain.errors import InputError
from contactd.domain.policy import Never, Policy, Proposal, Reason
from contactd.domain.rules import may_contact
from contactd.engine.calls.callbook import Dial, Wanted
from contactd.engine.calls.live_call import Agreed, end_left
from contactd.engine.gate import OVERTAKEN, Refused
from contactd.store import attempts, call_queue, calls, facts, pauses
from contactd.store.calls import CallRow
from contactd.store.database import Database
from contactd.store.schema import attempt, suppression
from contactd.telephony.base import CarrierEvent, Kind
from contactd.telephony.simulated import Customer
from tests.engine.dialing import CALL, CALLER_ID, CAMPAIGN, OWNER, StoredScene, number

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)


@pytest.fixture
async def stored(database: Database) -> AsyncIterator[StoredScene]:
    """Give a database to work on, each kind in turn."""
    scene = StoredScene(database)
    yield scene
    await scene.commit.close()


def suppressed(stored: StoredScene) -> list[tuple[str, str, str]]:
    """List who may not be contacted any more."""
    with stored.database.snapshot() as connection:
        rows = connection.execute(sa.select(suppression.c.value, suppression.c.channel, suppression.c.reason))
        return [(row[0], row[1], row[2]) for row in rows]


async def test_the_rest_after_a_conversation_begins_with_it_and_not_with_its_end(stored: StoredScene) -> None:
    [first] = stored.plan(1)
    scene = await stored.scene()
    scene.people = {first: ANSWERS}
    async with scene.at_work():
        await stored.clock.run(20)
        assert stored.attempt(first)["state"] == "accepted"
        assert stored.attempt(first)["conversation_at"] == stored.call(first)["connected_at"] is not None


async def test_calls_for_which_there_is_no_carrier_any_more_end_as_lost(stored: StoredScene) -> None:
    [first] = stored.plan(1)
    scene = await stored.scene()
    scene.people = {first: ANSWERS}
    async with scene.at_work():
        await stored.clock.run(20)
    with stored.database.transaction() as connection:
        end_left(connection, owner=OWNER, now=stored.clock.now())
    assert (stored.attempt(first)["state"], stored.attempt(first)["outcome"]) == ("failed", "lost")
    assert stored.call(first)["how_ended"] == "lost"


async def test_an_answered_call_is_logged_with_agent_times_and_what_it_achieved(stored: StoredScene) -> None:
    (first, second) = stored.plan(2)
    scene = await stored.scene(agents=("anna", "berta"))
    scene.people = {first: ANSWERS, second: Customer(Kind.BUSY, setup=1)}
    async with scene.at_work():
        await stored.clock.run(80)
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
    assert [entry for entry in stored.log() if entry[0] == first] == [
        (first, "sending", "", "", ""),
        (first, "accepted", "accepted", "", ""),
        (first, "delivered", "answered", "anna", ""),
        (first, "disposition", "answered", "anna", "promise"),
    ]
    assert [entry[1:3] for entry in stored.log() if entry[0] == second] == [("sending", ""), ("failed", "busy")]
    kept, row = stored.attempt(first), stored.call(first)
    assert (kept["state"], kept["outcome"], kept["disposition"]) == ("delivered", "answered", "promise")
    assert kept["conversation_at"] == row["connected_at"]
    assert (row["number"], row["caller_id"], row["agent"], row["how_ended"]) == (
        number(1), CALLER_ID, "anna", "answered",
    )  # fmt: skip
    times = [row[name] for name in ("placed_at", "ringing_at", "answered_at", "connected_at", "ended_at")]
    assert times == sorted(times)
    assert row["ended_at"] - row["connected_at"] == timedelta(seconds=60)


async def test_the_log_of_a_calls_end_carries_the_times_of_its_stages(stored: StoredScene) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene()
    scene.usual = Customer(Kind.NO_ANSWER)
    async with scene.at_work():
        await stored.clock.run(40)
    row = stored.call(only)
    with stored.database.snapshot() as connection:
        details = connection.execute(
            sa.text("SELECT details FROM contact_log WHERE event = 'failed'").columns(details=sa.JSON)
        ).scalar_one()
    assert details == {
        "caller_id": CALLER_ID,
        "placed_at": row["placed_at"].isoformat(),
        "ringing_at": row["ringing_at"].isoformat(),
        "ended_at": row["ended_at"].isoformat(),
    }


async def test_an_abandoned_call_is_logged_as_that(stored: StoredScene) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene()
    scene.usual = ANSWERS
    async with scene.at_work():
        await stored.clock.run(5)
        scene.roster.pause("anna")
        await stored.clock.run(30)
    assert stored.log()[-1] == (only, "failed", "abandoned", "", "")
    assert stored.call(only)["answered_at"] is not None


@pytest.mark.parametrize(
    ("fate", "disposition", "reason"),
    [(Kind.INVALID, None, "undeliverable"), (Kind.ANSWERED, Disposition.WRONG_PERSON, "wrong_number")],
)
async def test_a_number_that_is_dead_or_somebody_elses_is_used_by_nobody_any_more(
    stored: StoredScene, fate: Kind, disposition: Disposition | None, reason: str
) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene()
    scene.usual = Customer(fate)
    async with scene.at_work():
        await stored.clock.run(200)
        if disposition is not None:
            await scene.dialer.desk.dispose("anna", disposition)
    assert suppressed(stored) == [(number(1), "", reason)]
    assert stored.attempt(only)["conversation_at"] is None


async def test_whoever_is_represented_is_contacted_in_no_way_and_nothing_agreed_with_them_stays(
    stored: StoredScene,
) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene()
    scene.usual = ANSWERS
    async with scene.at_work():
        await stored.clock.run(80)
        tomorrow = stored.clock.now() + timedelta(days=1)
        with stored.database.transaction() as connection:
            (waits,) = call_queue.agree(connection, [call_queue.CallBack(only, tomorrow)], stored.clock.now())
        with pytest.raises(InputError, match="whoever is represented is not called back"):
            await scene.dialer.desk.dispose("anna", Disposition.REPRESENTED, Agreed(tomorrow))
        await scene.dialer.desk.dispose("anna", Disposition.REPRESENTED)
    assert suppressed(stored) == [("1", "", "represented")]
    with stored.database.snapshot() as connection:
        assert connection.scalar(sa.select(suppression.c.source)) == "agent anna"
    assert [stored.attempt(waits)[name] for name in ("state", "reason")] == ["cancelled", "represented"]
    assert stored.attempt(only)["disposition"] == "represented"
    with stored.database.transaction() as connection:
        for channel in (Channel.EMAIL, Channel.SMS, Channel.CALL):
            seen = facts.load(connection, [1], campaign=None, since=stored.clock.now())[1]
            policy = Policy("free", default_timezone="Europe/Berlin")
            assert may_contact(seen, Proposal(channel), policy, stored.clock.now()) == Never(Reason.REPRESENTED)


async def test_congestion_plans_the_same_attempt_again_for_later(stored: StoredScene) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene()
    scene.usual = Customer(Kind.CONGESTION)
    async with scene.at_work():
        await stored.clock.run(5)
        kept = stored.attempt(only)
        assert (kept["state"], kept["outcome"], kept["sending_at"]) == ("planned", "congestion", None)
        assert kept["not_before"] > stored.clock.now() + timedelta(minutes=4)
        scene.usual = Customer(Kind.BUSY)
        await stored.clock.run(400)
    assert [entry[1:3] for entry in stored.log()] == [
        ("sending", ""), ("not_taken", "congestion"), ("sending", ""), ("failed", "busy"),
    ]  # fmt: skip
    assert stored.call(only)["how_ended"] == "busy"


async def test_a_paused_campaign_is_not_called(stored: StoredScene) -> None:
    stored.plan(1)
    with stored.database.transaction() as connection:
        pauses.pause(connection, f"campaign:{CAMPAIGN}", reason="", by="test", now=stored.clock.now())
    scene = await stored.scene()
    async with scene.at_work():
        await stored.clock.run(20)
    assert scene.orders("place") == []
    assert stored.log() == []


async def test_an_attempt_that_was_begun_and_not_called_is_planned_again(stored: StoredScene) -> None:
    (only,) = stored.plan(1)
    book = stored.callbook()
    stored.clock.advance(1)
    (claimed,) = await book.claim(Wanted((CAMPAIGN, "anruf"), 5, reach=dict.fromkeys(range(24), 0.3)))
    dial = await book.begin(claimed)
    assert dial == Dial(claimed, number(1), "de", CALL)
    await book.release(claimed)
    assert [entry[1] for entry in stored.log()] == ["sending", "not_taken"]
    assert stored.attempt(only)["state"] == "planned"


async def test_an_account_that_paid_after_planning_is_not_called(stored: StoredScene) -> None:
    (first, second) = stored.plan(2)
    with stored.database.transaction() as connection:
        connection.execute(sa.text("UPDATE account SET open = 0, oldest_due = NULL WHERE id = 1"))
    scene = await stored.scene()
    scene.usual = Customer(Kind.BUSY)
    async with scene.at_work():
        await stored.clock.run(20)
    assert scene.orders("place") == [(f"{second}-1", number(2))]
    assert stored.attempt(first)["state"] == "cancelled"


async def test_after_a_crash_every_call_under_way_is_lost_exactly_once_and_the_rest_is_called(
    stored: StoredScene,
) -> None:
    ids = stored.plan(5)
    scene = await stored.scene(agents=("anna", "berta", "clara"))
    scene.people = {
        ids[0]: Customer(Kind.ANSWERED, setup=1, ring=3, talk=600),
        ids[1]: Customer(Kind.NO_ANSWER, setup=1),
        ids[2]: Customer(Kind.NO_ANSWER, setup=60),
    }
    async with scene.at_work():
        await stored.clock.run(10)
    with stored.database.transaction() as connection:
        assert attempts.take_back(connection, owner=OWNER, now=stored.clock.now()) == (0, 1)
    again = await stored.scene()
    again.usual = Customer(Kind.BUSY)
    async with again.at_work():
        await stored.clock.run(30)
    ends = {entry[0]: entry[2] for entry in stored.log() if entry[1] in ("failed", "delivered")}
    assert ends == dict(zip(ids, ["lost", "lost", "lost", "busy", "busy"], strict=True))
    assert len([entry for entry in stored.log() if entry[1] in ("failed", "delivered")]) == 5
    assert stored.attempt(ids[0])["conversation_at"] == stored.call(ids[0])["connected_at"]
    assert stored.call(ids[1])["how_ended"] == "lost"
    assert [reference for reference, _ in again.orders("place")] == [f"{ids[3]}-1", f"{ids[4]}-1"]
    third = await stored.scene()
    before = stored.log()
    async with third.at_work():
        await stored.clock.run(30)
    assert stored.log() == before


async def test_an_outcome_that_was_handed_in_is_not_overwritten(stored: StoredScene) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene()
    scene.usual = ANSWERS
    async with scene.at_work():
        await stored.clock.run(80)
        await scene.dialer.desk.dispose("anna", Disposition.PLAN)
    with stored.database.transaction() as connection:
        kept = calls.HandedIn(only, 1, "berta", "refuses", stored.clock.now())
        (answer,) = calls.hand_in(connection, [kept])
    assert isinstance(answer, Exception)
    assert stored.attempt(only)["disposition"] == "plan"


async def test_what_was_settled_meanwhile_is_not_written_over_by_a_late_stage(stored: StoredScene) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene()
    scene.usual = ANSWERS
    async with scene.at_work():
        await stored.clock.run(20)
        with stored.database.transaction() as connection:
            connection.execute(sa.text("UPDATE attempt SET claim_no = claim_no + 1"))
        await stored.clock.run(60)
        assert stored.call(only)["how_ended"] == ""
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
    assert stored.attempt(only)["disposition"] == ""


def test_a_later_stage_of_a_call_replaces_the_row_of_an_earlier_one(database: Database) -> None:
    scene = StoredScene(database)
    (only,) = scene.plan(1)
    now = scene.clock.now()
    early = CallRow(only, number(1), CALLER_ID, now)
    late = CallRow(only, number(1), CALLER_ID, now, ringing_at=now, agent="anna")
    with database.transaction() as connection:
        assert calls.get(connection, only) is None
        assert calls.record(connection, []) == []
        assert calls.record(connection, [calls.Stage(early), calls.Stage(late)]) == [None, None]
    with database.snapshot() as connection:
        assert calls.get(connection, only) == late


async def test_a_claim_somebody_else_has_taken_over_is_told_to_nobody_as_cancelled(stored: StoredScene) -> None:
    stored.plan(1)
    book = stored.callbook()
    stored.clock.advance(1)
    (claimed,) = await book.claim(Wanted((CAMPAIGN, "anruf"), 5, reach=dict.fromkeys(range(24), 0.3)))
    told: list[object] = []
    stored.bus.listen(told.append)
    stale = replace(claimed, claim_no=claimed.claim_no - 1)
    assert await book.begin(stale) == Refused(stale, OVERTAKEN)
    assert told == []
    assert stored.log() == []


@pytest.mark.parametrize("colleague", [True, False])
async def test_whoever_went_on_with_a_call_has_the_last_word_and_the_agent_before_is_in_the_log(
    stored: StoredScene, *, colleague: bool
) -> None:
    (only,) = stored.plan(1)
    scene = await stored.scene(agents=("anna", "berta") if colleague else ("anna",))
    scene.usual = ANSWERS
    async with scene.at_work():
        await stored.clock.run(20)
        scene.dialer.on_event(CarrierEvent("", Kind.AGENT_DOWN, stored.clock.now(), {"agent": "anna"}))
        await stored.clock.run(2)
        await scene.dialer.desk.dispose("anna", Disposition.DROPPED)
        await stored.clock.run(70)
        if colleague:
            await scene.dialer.desk.dispose("berta", Disposition.PROMISE)
    last = ("berta", "promise") if colleague else ("anna", "dropped")
    kept = stored.attempt(only)
    assert (kept["agent"], kept["disposition"], kept["outcome"]) == (*last, "answered")
    said = [(event, agent, disposition) for _, event, _, agent, disposition in stored.log()]
    assert ("disposition", "anna", "dropped") in said
    assert ("disposition", *last) in said
    assert [agent for event, agent, _ in said if event == "delivered"] == [last[0]]


async def test_a_customer_who_calls_back_is_logged_spoken_to_and_not_called_that_day(stored: StoredScene) -> None:
    first, second = stored.plan(2)
    scene = await stored.scene()
    scene.usual = Customer(Kind.NO_ANSWER, setup=1)
    with stored.database.transaction() as connection:
        later = stored.clock.now() + timedelta(hours=2)
        connection.execute(sa.update(attempt).values(not_before=later))
    async with scene.at_work():
        reference = scene.carrier.call_in(number(2).replace("+49", "0"), CALLER_ID[1:], ANSWERS)
        await stored.clock.run(3)
        live = scene.dialer.desk.conversation_of("anna")
        assert live is not None
        assert live.dial.claimed.account_id == 2
        await stored.clock.run(60)
        later_today = Agreed(stored.clock.now() + timedelta(hours=1))
        await scene.dialer.desk.dispose("anna", Disposition.CALLBACK, later_today)
    inbound = live.dial.claimed.id
    assert [entry[1:] for entry in stored.log() if entry[0] == inbound] == [
        ("accepted", "accepted", "", ""),
        ("delivered", "answered", "anna", ""),
        ("disposition", "answered", "anna", "callback"),
    ]
    assert (stored.attempt(second)["state"], stored.attempt(second)["reason"]) == ("cancelled", "customer_called")
    assert stored.attempt(first)["state"] == "planned"
    kept = stored.attempt(inbound)
    assert (kept["step"], kept["provider_ref"], kept["conversation_at"]) == (
        "inbound", reference, stored.call(inbound)["connected_at"],
    )  # fmt: skip
    with stored.database.snapshot() as connection:
        [agreed] = call_queue.agreed(connection)
    assert (agreed.campaign, agreed.account_no) == (CAMPAIGN, "K-2")


async def test_a_customer_who_waited_in_vain_is_called_before_all_others(stored: StoredScene) -> None:
    first, _ = stored.plan(2)
    scene = await stored.scene()
    scene.people = {first: Customer(Kind.ANSWERED, setup=1, ring=2, talk=40)}
    scene.usual = Customer(Kind.NO_ANSWER, setup=1)
    async with scene.at_work():
        await stored.clock.run(6)
        reference = scene.carrier.call_in(number(2), CALLER_ID[1:], ANSWERS)
        await stored.clock.run(3)
        scene.carrier.ring_off(reference)
        await stored.clock.run(2)
        with stored.database.snapshot() as connection:
            waits = attempts.get(connection, 2)
    assert waits is not None
    assert (waits.state, waits.priority) == ("planned", 1)
    assert [entry[1:3] for entry in stored.log() if entry[0] not in (1, 2)] == [
        ("accepted", "accepted"),
        ("failed", "abandoned"),
    ]
