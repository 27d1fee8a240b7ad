"""Requests of a desk that come too early or too late, on both databases: they meet the call they name, or nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from contactd.domain.agent import State
from contactd.domain.call import Disposition
from contactd.domain.conversation import NotIdentified
from contactd.domain.errors import Contradiction, NotThere
from contactd.store.database import Database
from contactd.store.schema import account, attempt, contact_log, suppression
from contactd.store.schema_tasks import task
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.engine.deskroom import DeskRoom
from tests.engine.dialing import number


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    made = DeskRoom(database)
    yield made
    await made.stored.commit.close()


async def test_a_page_that_missed_the_end_of_its_call_ends_no_other(room: DeskRoom) -> None:
    scene = await room.begin(planned=2)
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.finish("dropped")
        await room.stored.clock.run(10)
        assert room.desk.current("anna") == 2
        with pytest.raises(NotThere, match="call 1 is over; you are at call 2 by now"):
            await room.desk.dial("anna", 1, "wrong_person", number(1), {}, "")
        assert scene.roster.find("anna").state is State.TALK
        assert (room.stored.attempt(2)["disposition"], room.rows(suppression)) == ("", [])


async def test_after_a_call_no_number_is_called_for_another_one(room: DeskRoom) -> None:
    scene = await room.begin()
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(phone=number(2)))
    async with scene.at_work():
        await room.stored.clock.run(10)
        scene.usual = Customer(Kind.BUSY)
        await room.desk.dial("anna", 1, "dropped", number(2), {}, "")
        await room.stored.clock.run(10)
        with pytest.raises(Contradiction, match="no call to dial another number for"):
            await room.desk.dial("anna", 7, "dropped", number(1), {}, "")
        assert [detail for _, detail in scene.orders("place")] == [number(1), number(2)]


async def test_a_call_that_ended_at_a_terminal_is_not_taken_for_the_next_one(room: DeskRoom) -> None:
    scene = await room.begin(planned=2)
    async with scene.at_work():
        await room.stored.clock.run(10)
        late = asyncio.create_task(room.finish("wrong_person"))
        await asyncio.sleep(0)
        await scene.dialer.desk.dispose("anna", Disposition.DROPPED)
        await room.stored.clock.run(10)
        with pytest.raises((Contradiction, NotThere)):
            await late
        assert room.stored.attempt(1)["disposition"] == "dropped"
        assert (room.stored.attempt(2)["disposition"], room.rows(suppression)) == ("", [])


async def test_what_another_daemon_has_ended_suppresses_nothing(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        with room.database.transaction() as connection:
            connection.execute(sa.update(attempt).values(claim_no=9))
        with pytest.raises(Contradiction, match="nothing of it was written"):
            await room.finish("wrong_person")
        assert scene.roster.find("anna").state is State.READY
        assert room.rows(suppression) == []
        assert room.rows(contact_log, contact_log.c.event.in_(["suppressed", "disposition"])) == []


async def test_a_terminal_suppresses_nothing_either_when_it_comes_too_late(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        with room.database.transaction() as connection:
            connection.execute(sa.update(attempt).values(claim_no=9))
        await scene.dialer.desk.dispose("anna", Disposition.WRONG_PERSON)
        assert room.rows(suppression) == []


async def test_nobody_is_identified_before_somebody_is_on_the_line(room: DeskRoom) -> None:
    scene = await room.begin()
    room.promise_an_agent()
    async with scene.at_work():
        await room.stored.clock.run(3)
        assert (await room.desk.card("anna", 1))["phase"] == "ringing"
        with pytest.raises(Contradiction, match="nobody is on the line yet"):
            await room.desk.meet("anna", 1, "customer")
        with pytest.raises(Contradiction, match="nobody is on the line yet"):
            await room.desk.identify("anna", 1, "postcode", "10115")
        await room.stored.clock.run(7)
        with pytest.raises(NotIdentified):
            await room.foresee("refuses")


async def test_a_note_from_before_the_talk_is_there_in_it_and_the_figures_are_not(room: DeskRoom) -> None:
    scene = await room.begin()
    room.promise_an_agent()
    async with scene.at_work():
        await room.stored.clock.run(3)
        await room.desk.save("anna", 1, "prepare", "ask for the order number", {})
        assert (await room.desk.card("anna", 1))["confidential"] is not None
        await room.stored.clock.run(7)
        room.desk = room.a_desk()  # and the page is loaded anew
        card = await room.desk.card("anna", 1)
        assert (card["draft"]["step"], card["draft"]["note"]) == ("identify", "ask for the order number")
        assert (card["phase"], card["confidential"]) == ("talk", None)
        await room.stored.clock.run(700)
    room.scene = await room.stored.scene()
    room.desk = room.a_desk()
    assert (await room.desk.card("anna", 1))["draft"]["step"] == "identify"  # after a restart neither


async def test_what_was_prepared_and_comes_after_somebody_is_there_does_not_lead_back(room: DeskRoom) -> None:
    scene = await room.begin()
    room.promise_an_agent()
    async with scene.at_work():
        await room.stored.clock.run(10)  # they talk
        await room.desk.save("anna", 1, "prepare", "ask for the order number", {}, "ringing")
        card = await room.desk.card("anna", 1)
        assert (card["draft"]["step"], card["draft"]["note"]) == ("identify", "ask for the order number")
        assert card["confidential"] is None
        await room.desk.save("anna", 1, "prepare", "", {}, "talk")  # whoever goes back does so
        assert (await room.desk.card("anna", 1))["draft"]["step"] == "prepare"


async def test_the_case_stays_on_the_desk_until_its_outcome_is_written(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        seen: list[int] = []
        scene.roster.listen(lambda _: seen.append(room.desk.current("anna")))
        saving = asyncio.create_task(scene.dialer.desk.dispose("anna", Disposition.DROPPED))
        await asyncio.sleep(0)
        assert room.desk.current("anna") == 1
        with pytest.raises(Contradiction, match=r"has no call to (hand in|dial another number for)"):
            await room.desk.dial("anna", 1, "dropped", number(1), {}, "")
        await saving
        assert room.desk.current("anna") == 0
        assert seen[-1] == 0


async def test_what_was_understood_is_kept_when_another_number_is_called(room: DeskRoom) -> None:
    scene = await room.begin()
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(phone=number(2)))
    async with scene.at_work():
        await room.stored.clock.run(10)
        typed = {"understood": "the books are kept there", "why": "liquidity", "next_contact": "+14"}
        await room.desk.dial("anna", 1, "dropped", number(2), typed, "an office")
        said = room.said()
        assert said["reason"] == "liquidity"
        assert (said["details"]["understood"], said["details"]["note"]) == ("the books are kept there", "an office")
        assert [str(one["due_on"]) for one in room.rows(task)] == ["2026-12-07"]
