"""The desk where things are not as usual, on both databases: agencies, calls looked at first, callers, colleagues."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.config.agreements import Agreements
from contactd.domain.account import Channel
from contactd.domain.agent import Agent, State
from contactd.domain.calendar import parse_windows
from contactd.domain.call import Disposition
from contactd.domain.campaign import Campaign
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.domain.policy import Policy
from contactd.engine.calls.roster import Roster
from contactd.engine.desk.concluding import Mistyped
from contactd.engine.desk.conversing import Conversing
from contactd.engine.desk.deskwork import Deskwork
from contactd.store import suppressions
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import account, agreement, attempt, contact_log
from contactd.store.schema_desk import draft
from contactd.store.schema_tasks import task
from contactd.store.suppressions import NewSuppression
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.engine.deskroom import AGENCY, DeskRoom, settings_of
from tests.engine.dialing import CALL, CALLER_ID, CAMPAIGN, a_list, a_scene, number, teams_of
from tests.engine.watched import WatchedBook

CALLS = Customer(Kind.ANSWERED, ring=60, patience=100, talk=400, listens=8)


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    made = DeskRoom(database)
    yield made
    await made.stored.commit.close()


@pytest.fixture
async def agency(database: Database) -> AsyncIterator[DeskRoom]:
    made = DeskRoom(database, **AGENCY)
    yield made
    await made.stored.commit.close()


async def test_an_agency_tells_the_costs_of_a_plan_before_it_agrees_on_it(agency: DeskRoom) -> None:
    scene = await agency.begin()
    async with scene.at_work():
        await agency.stored.clock.run(10)
        await agency.identify()
        assert (await agency.desk.card("anna", 1))["confidential"]["costs_first"]
        with pytest.raises(Mistyped, match="what the plan costs") as caught:
            await agency.foresee("plan", first="+7", count="2")
        assert caught.value.field == "costs"
        foreseen = await agency.foresee("plan", first="+7", count="2", costs="0")
        assert [one["what"] for one in foreseen["sends"]] == ["costs"]
        assert foreseen["agreements"] == []
        await agency.finish("plan", first="+7", count="2", costs="31,50")
        assert agency.rows(agreement) == []
        [duty] = agency.rows(task)
        assert (duty["owner"], duty["kind"]) == ("anna", "review")
        assert "once the notice of costs went out: 2 times, first on 2026-11-30" in duty["note"]


async def test_a_plan_of_a_creditor_costs_no_more_than_interest(room: DeskRoom) -> None:
    scene = await room.begin()
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(kind="business"))
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        assert not (await room.desk.card("anna", 1))["confidential"]["costs_first"]
        soon = (await room.foresee("plan", first="1.12.", count="1"))["plan_interest"]
        late = (await room.foresee("plan", first="1.12.2027", count="1"))["plan_interest"]
        assert 0 <= float(soon["amount"]) < float(late["amount"]) < 10
        assert (await room.foresee("promise", on="1.12."))["plan_interest"] is None


async def test_a_call_is_looked_at_before_it_is_placed_and_has_no_outcome_yet(room: DeskRoom) -> None:
    await room.begin()
    looked_at = a_list(mode="preview", preview=timedelta(seconds=30))
    book = WatchedBook(room.stored.callbook())
    room.stored.clock.at_rest = book.at_rest
    room.scene = scene = await a_scene(book, room.stored.clock, teams=teams_of(looked_at))
    room.desk = room.a_desk()
    async with scene.at_work():
        await room.stored.clock.run(5)
        assert room.desk.current("anna") == 1
        card = await room.desk.card("anna", 1)
        assert (card["phase"], card["confidential"]["open"]["amount"]) == ("offer", "50.00")
        assert card["calls_this_week"] == {"made": 0, "most": None}
        await room.desk.save("anna", 1, "prepare", "ask for the order number", {})
        with pytest.raises(Contradiction, match="nobody was spoken to yet"):
            await room.foresee("dropped")
        with pytest.raises(Contradiction, match="nobody was spoken to yet"):
            await room.finish("dropped")


async def test_a_callback_is_only_agreed_on_when_we_may_call(room: DeskRoom) -> None:
    windows = {Channel.CALL: parse_windows(["Mo-Fr 09:00-18:00"])}
    scene = await room.begin()
    policy = Policy("office", windows=windows, default_timezone="Europe/Berlin")
    room.settings = settings_of(Campaign(CAMPAIGN, (CALL,)), policy)
    async with scene.at_work():
        await room.stored.clock.run(10)
        with pytest.raises(Mistyped, match=r"outside_window.*the next time is 24\.11\.2026 09:00") as caught:
            await room.foresee("callback", callback_at="19:00")
        assert caught.value.field == "callback_at"
        assert (await room.foresee("callback", callback_at="17:00"))["callback"]["own"]
        team = await room.foresee("callback", callback_at="17:00", callback_own="no", callback_number="0 30-231 250 01")
        assert (team["callback"]["own"], team["callback"]["number"]) == (False, number(1))


async def test_a_callback_is_agreed_on_by_the_clock_of_the_customer(room: DeskRoom) -> None:
    scene = await room.begin()
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(timezone="Asia/Tokyo"))
    async with scene.at_work():
        await room.stored.clock.run(10)
        foreseen = await room.foresee("callback", callback_at="fr 8:30")
        assert foreseen["callback"]["when"] == "2026-11-27T08:30+09:00"
        assert foreseen["next_contact"] == "2026-11-27"  # their Friday, whatever day it is in Greenwich
        assert "27. November 2026, 08:30" in foreseen["summary"]["text"]


async def test_the_next_step_is_announced_for_the_day_it_is_where_the_customer_lives(room: DeskRoom) -> None:
    scene = await room.begin()
    later = replace(CALL, id="later", day=60)
    room.settings = settings_of(Campaign(CAMPAIGN, (CALL, later)), Policy("free", default_timezone="Europe/Berlin"))
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(timezone="Europe/Berlin"))
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        foreseen = await room.foresee("refuses")
        told = foreseen["next"]
        assert (told["step"], told["when"], told["on"]) == ("later", "2027-01-21T23:00:00+00:00", "2027-01-22")
        assert foreseen["next_contact"] == told["on"]


async def test_a_customer_who_calls_us_is_identified_like_any_other_and_called_back(room: DeskRoom) -> None:
    scene = await room.begin(planned=1)
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.finish("dropped")
        scene.carrier.call_in(number(1), CALLER_ID, CALLS)
        await room.stored.clock.run(5)
        attempt_id = room.desk.current("anna")
        assert attempt_id != 1
        card = await room.desk.card("anna", attempt_id)
        assert (card["step"], card["account"]["number"]) == ("inbound", "K-1")
        assert card["calls_this_week"]["made"] == 1
        await room.desk.finish("anna", attempt_id, "callback", {"callback_at": "fr 10:00"}, "")
        [call] = room.rows(attempt, attempt.c.state == "planned")
        assert (call["step"], call["kept_for"]) == ("anruf", "anna")


async def test_with_a_caller_nobody_knows_nothing_is_agreed_on(room: DeskRoom) -> None:
    scene = await room.begin(planned=0)
    async with scene.at_work():
        scene.carrier.call_in("+4930231250999", CALLER_ID, CALLS)
        await room.stored.clock.run(5)
        attempt_id = room.desk.current("anna")
        card = await room.desk.card("anna", attempt_id)
        assert (card["account"], card["confidential"]) == (None, None)
        await room.desk.meet("anna", attempt_id, "customer")
        assert (await room.desk.card("anna", attempt_id))["identification"]["why"] == "nothing_known"
        with pytest.raises(Contradiction, match="nobody knows who called"):
            await room.desk.finish("anna", attempt_id, "callback", {"callback_at": "fr 10:00"}, "")
        told = await room.desk.finish("anna", attempt_id, "dropped", {}, "wrong company")
        assert (told["hold"], told["next_contact"]) == (None, None)
        assert room.said()["account_id"] is None


async def test_two_colleagues_each_write_down_their_part_once(room: DeskRoom) -> None:
    scene = await room.begin(agents=("anna", "berta"))
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        scene.dialer.consultation.hand_over("anna", "berta")
        await room.stored.clock.run(1)
        assert (await room.desk.card("anna", 1))["phase"] == "wrap"
        assert not (await room.desk.card("berta", 1))["identification"]["sure"]
        await room.finish("promise", on="+7")
        with pytest.raises(NotThere):
            await room.finish("promise", on="+7")
        await room.desk.finish("berta", 1, "callback", {"callback_at": "fr 10:00"}, "")
        said = room.rows(contact_log, contact_log.c.event == "disposition")
        assert [(row["agent"], row["disposition"]) for row in said] == [("anna", "promise"), ("berta", "callback")]
        assert len(room.rows(agreement)) == 1
        assert room.stored.attempt(1)["disposition"] == "callback"


async def test_a_call_somebody_else_has_ended_meanwhile_is_not_taken_for_saved(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        with room.database.transaction() as connection:
            connection.execute(sa.update(attempt).values(claim_no=9))
        for ask in (room.foresee, room.finish):
            with pytest.raises(Contradiction, match="ended this call meanwhile"):
                await ask("promise", on="+7")
        assert room.rows(agreement) == []
        assert scene.roster.find("anna").state is State.READY  # and is not kept from work by it


async def test_what_may_not_be_agreed_on_leaves_the_conversation_to_be_handed_in(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        for ask in (room.foresee, room.finish):
            with pytest.raises(InputError, match="is more than the"):
                await ask("promise", on="+7", amount="999")
        assert room.rows(draft) != []
        assert (await room.desk.card("anna", 1))["phase"] == "talk"


async def test_nothing_is_sent_where_confirmations_are_off(room: DeskRoom) -> None:
    free = Policy("free", default_timezone="Europe/Berlin")
    room.settings = settings_of(Campaign(CAMPAIGN, (CALL,)), free, agreements=Agreements(confirm=False))
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        assert (await room.foresee("promise", on="+7"))["sends"] == []
        await room.finish("promise", on="+7")
        assert room.rows(attempt, attempt.c.campaign == "agreement") == []


async def test_nobody_reads_the_call_of_a_colleague(room: DeskRoom) -> None:
    scene = await room.begin(agents=("anna", "berta"))
    async with scene.at_work():
        await room.stored.clock.run(10)
        for ask in (
            room.desk.card("berta", 1),
            room.desk.save("berta", 1, "close", "", {}),
            room.desk.meet("berta", 1, "customer"),
            room.desk.foresee("berta", 1, "dropped", {}),
            room.desk.finish("berta", 1, "dropped", {}, ""),
        ):
            with pytest.raises(NotThere, match="is not yours"):
                await ask


async def test_two_daemons_asked_at_once_write_an_owed_outcome_once(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        await room.stored.clock.run(700)
    room.scene = await room.stored.scene()
    here, commit = room.a_desk(), GroupCommit(room.database)
    roster = Roster([Agent("anna")], room.stored.clock)
    there = Conversing(Deskwork(None, roster, commit), commit, room.stored.clock, lambda: room.settings)
    answers = await asyncio.gather(*(desk.finish("anna", 1, "promise", {"on": "+7"}, "") for desk in (here, there)))
    await commit.close()
    assert sorted(one["again"] for one in answers) == [False, True]
    assert len(room.rows(agreement)) == 1
    assert room.said()["disposition"] == "promise"


async def test_what_the_creditor_should_mend_is_a_task_for_them(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        typed = {"invoices": "R-1", "understood": "no order number", "improve": "put the order number on invoices"}
        assert [one["note"] for one in (await room.foresee("dispute", **typed))["tasks"]] == [typed["improve"]]
        await room.finish("dispute", **typed)
        assert [(one["kind"], one["note"]) for one in room.rows(task)] == [("creditor", typed["improve"])]


async def test_a_call_an_agent_is_kept_for_is_on_the_desk_while_it_rings(room: DeskRoom) -> None:
    scene = await room.begin()
    room.promise_an_agent()
    async with scene.at_work():
        await room.stored.clock.run(3)
        card = await room.desk.card("anna", 1)
        assert (card["phase"], card["confidential"]["history"]) == ("ringing", [])
        with pytest.raises(Contradiction, match="nobody was spoken to yet"):
            await room.foresee("dropped")
        await room.stored.clock.run(7)
        assert (await room.desk.card("anna", 1))["phase"] == "talk"


async def test_a_further_number_is_called_when_nobody_answers_there(room: DeskRoom) -> None:
    scene = await room.begin()
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(phone=number(2)))
    async with scene.at_work():
        await room.stored.clock.run(10)
        scene.usual = Customer(Kind.BUSY)
        for dialled in (number(2), number(1)):
            await room.desk.dial("anna", 1, "dropped", dialled, {}, "")
            await room.stored.clock.run(10)
        assert [detail for _, detail in scene.orders("place")] == [number(1), number(2), number(1)]
        assert len(room.rows(contact_log, contact_log.c.event == "disposition")) == 1
        scene.roster.pause("anna")
        with pytest.raises(Contradiction, match="agent anna"):
            await room.desk.dial("anna", 1, "dropped", number(2), {}, "")


async def test_every_way_to_reach_them_is_told_with_why_it_is_closed(room: DeskRoom) -> None:
    scene = await room.begin()
    stops = [NewSuppression("email", "customer@example.com", None, "opted_out", "test", room.stored.clock.now())]
    with room.database.transaction() as connection:
        address = {"street": "Beispielweg 1", "city": "Musterstadt", "phone": number(2)}
        connection.execute(sa.update(account).values(address))
        suppressions.add(connection, [*stops, replace(stops[0], kind="number", value=number(2), reason="wrong_number")])
    async with scene.at_work():
        await room.stored.clock.run(10)
        points = (await room.desk.card("anna", 1))["points"]
        assert [(one["kind"], one["dialled"], one["closed"]) for one in points] == [
            ("mobile", True, ""),
            ("phone", False, "wrong_number"),
            ("email", False, "opted_out"),
            ("postal", False, ""),
        ]
        assert points[-1]["value"] == "Beispielweg 1, 10115 Musterstadt"


async def test_no_callback_is_agreed_on_that_nobody_may_or_would_make(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        with room.database.transaction() as connection:
            stop = NewSuppression("account", "1", None, "stop", "test", room.stored.clock.now())
            suppressions.add(connection, [stop])
        with pytest.raises(Contradiction, match="no callback can be agreed on: stopped"):
            await room.foresee("callback", callback_at="fr 10:00")
        room.settings = settings_of(Campaign("another", (CALL,)), Policy("free", default_timezone="Europe/Berlin"))
        with pytest.raises(Contradiction, match="not in force any more"):
            await room.foresee("callback", callback_at="fr 10:00")


async def test_a_dispute_and_what_was_paid_take_a_day_of_their_own(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        dispute = await room.foresee("dispute", invoices="R-1", understood="broken", on="+10")
        assert [one["until"] for one in dispute["agreements"]] == ["2026-12-03"]
        paid = await room.foresee("paid", on="27.11.", amount="20")
        assert (paid["hold"]["until"], paid["agreements"][0]["amount"]["amount"]) == ("2026-11-27", "20.00")
        assert (await room.foresee("hardship", on="+10"))["hold"] == {"reason": "hardship", "until": "2026-12-03"}


async def test_where_nobody_is_called_nobody_dials(room: DeskRoom) -> None:
    await room.begin()
    deskwork = Deskwork(None, Roster([Agent("anna")], room.stored.clock), room.stored.commit)
    desk = Conversing(deskwork, room.stored.commit, room.stored.clock, lambda: room.settings)
    assert desk.current("anna") == 0
    with pytest.raises(Contradiction, match="nobody is called here"):
        await desk.dial("anna", 1, "dropped", number(2), {}, "")


async def test_what_a_terminal_hands_in_meanwhile_is_not_written_twice(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        at_desk, at_terminal = await asyncio.gather(
            room.finish("promise", on="+7"),
            scene.dialer.desk.dispose("anna", Disposition.REFUSES),
            return_exceptions=True,
        )
        assert isinstance(at_desk, InputError)
        assert at_terminal is None
        assert (room.said()["disposition"], room.rows(agreement)) == ("refuses", [])
        assert scene.roster.find("anna").state is State.READY
