"""Customers who call us: put through to who is free, kept waiting, told that nobody is there; and called back."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from contactd.config.providers import Telephony
from contactd.config.settings import Settings
from contactd.domain.agent import Agent, State
from contactd.domain.calendar import parse_windows
from contactd.domain.call import Disposition
from contactd.domain.errors import InputError
from contactd.engine.calls.dialer import Line
from contactd.engine.calls.incoming import Reception, reception_of
from contactd.engine.calls.live_call import Agreed
from contactd.telephony.base import CarrierEvent, Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CALLER_ID, CAMPAIGN, MemoryCallBook, Scene, a_list, a_scene, number, teams_of

CALLS = Customer(Kind.ANSWERED, ring=60, patience=100, talk=40, listens=8)
AWAY = Customer(Kind.NO_ANSWER)


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory that knows who account 7 is."""
    book = MemoryCallBook(HandClock())
    book.customers = {7}
    return book


async def scene_of(book: MemoryCallBook, *agents: str | Agent, reception: Reception | None = None) -> Scene:
    """Build a scene in which nobody who is called answers."""
    line = Line(CALLER_ID, 30.0, reception=reception or Reception())
    scene = await a_scene(book, book.clock, agents=agents or ("anna",), line=line)
    scene.usual = AWAY
    return scene


def texts(scene: Scene) -> list[str]:
    """List what the callers heard."""
    return [detail for _, detail in scene.orders("play")]


def details(book: MemoryCallBook, reference: str) -> dict[str, object]:
    """Read what the log says beside the end of a call."""
    last = book.entries[reference][-1].transition
    assert last is not None
    return dict(last.details or {})


async def test_whoever_calls_us_is_answered_joined_with_an_agent_and_entered(book: MemoryCallBook) -> None:
    scene = await scene_of(book)
    async with scene.at_work():
        reference = scene.carrier.call_in(number(7), CALLER_ID[1:], CALLS)
        await scene.clock.run(5)
        live = scene.dialer.desk.conversation_of("anna")
        assert live is not None
        assert (live.dial.claimed.account_id, live.dial.number, live.caller_id) == (7, number(7), CALLER_ID)
        assert scene.roster.find("anna").state is State.TALK
        assert scene.dialer.desk.is_called_by(7)
        await scene.clock.run(60)
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
        assert scene.dialer.status()["incoming"] == 1
        assert not scene.dialer.desk.is_called_by(7)
    assert [order for order, *_ in map(_told, scene.carrier.ledger) if order in ("answer", "bridge")] == [
        "answer",
        "bridge",
    ]
    assert book.ends("1001-1") == ["answered"]
    assert [stage.settles for stage in book.entries["1001-1"]] == [0, 7, 0]
    assert details(book, "1001-1")["direction"] == "inbound"
    assert details(book, "1001-1")["called"] == CALLER_ID
    assert {stage.row.carrier_ref for stage in book.entries["1001-1"]} == {reference}
    assert [item.disposition for item in book.handed_in] == ["promise"]
    assert (book.missed_from, scene.dialer.status()["abandoned"], scene.dialer.status()["placed"]) == ([], 0, 0)


def _told(asked: object) -> tuple[str, str]:
    return getattr(asked, "order", ""), getattr(asked, "reference", "")


async def test_the_agent_who_knows_them_goes_first_then_who_speaks_their_language(book: MemoryCallBook) -> None:
    book.languages, book.spoke = {7: "tr"}, {7: "dora"}
    speaks = Agent("cem", languages=("tr",))
    scene = await scene_of(book, "anna", speaks, "dora")
    async with scene.at_work():
        for _ in range(3):
            scene.carrier.call_in(number(7), CALLER_ID, CALLS)
            await scene.clock.run(1)
    assert [agent for _, agent in scene.orders("bridge")] == ["dora", "cem", "anna"]


async def test_whoever_calls_when_all_talk_hears_a_text_then_music_and_gets_who_is_free_first(
    book: MemoryCallBook,
) -> None:
    scene = await scene_of(book)
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        second = scene.carrier.call_in(number(8), CALLER_ID, CALLS)
        await scene.clock.run(12)
        assert texts(scene) == ["queue ()"]
        assert scene.orders("hold") == [(second, "")]
        assert scene.dialer.status()["calls"] == {"connected": 1, "waiting": 1}
        await scene.clock.run(35)
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
        await scene.clock.run(1)
        assert scene.orders("bridge")[1] == (second, "anna")
        await scene.clock.run(60)
    assert (book.ends("1001-1"), book.ends("1002-1"), book.missed_from) == (["answered"], ["answered"], [])


async def test_an_agent_who_becomes_free_cuts_the_text_short(book: MemoryCallBook) -> None:
    scene = await scene_of(book, "anna", "berta")
    scene.roster.pause("berta")
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        second = scene.carrier.call_in(number(8), CALLER_ID, CALLS)
        await scene.clock.run(2)
        scene.dialer.desk.resume("berta")
        await scene.clock.run(1)
    assert scene.orders("bridge")[1] == (second, "berta")
    assert scene.orders("hold") == []


async def test_whoever_waits_too_long_hears_so_and_is_called_back(book: MemoryCallBook) -> None:
    scene = await scene_of(book, reception=Reception(wait=timedelta(seconds=20)))
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        scene.carrier.call_in(number(8), CALLER_ID, CALLS)
        await scene.clock.run(19)
        assert texts(scene) == ["queue ()"]
        await scene.clock.run(12)
    assert texts(scene) == ["queue ()", "sorry ()"]
    assert (book.ends("1002-1"), book.missed_from) == (["abandoned"], [number(8)])
    assert scene.dialer.status()["abandoned"] == 0  # of the calls we place


async def test_whoever_rings_off_while_they_wait_is_called_back(book: MemoryCallBook) -> None:
    scene = await scene_of(book)
    async with scene.at_work():
        scene.carrier.call_in(number(8), CALLER_ID, CALLS)
        await scene.clock.run(2)
        second = scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        scene.carrier.ring_off(second)
        await scene.clock.run(2)
    assert (book.ends("1002-1"), book.missed_from) == (["abandoned"], [number(7)])


async def test_whoever_rings_off_before_it_is_known_who_it_was_is_missed(book: MemoryCallBook) -> None:
    scene = await scene_of(book)
    async with scene.at_work():
        book.down = True
        reference = scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(3)
        assert scene.dialer.status()["calls"] == {}
        scene.carrier.ring_off(reference)
        await scene.clock.run(1)
        book.down = False
        await scene.clock.run(5)
    assert (book.ends("1001-1"), book.missed_from) == (["missed"], [number(7)])
    assert scene.orders("answer") == []
    assert scene.roster.find("anna").state is State.READY


@pytest.mark.parametrize("why", ["hours", "nobody", "draining"])
async def test_whoever_calls_when_nobody_is_there_hears_so_and_is_called_back(book: MemoryCallBook, why: str) -> None:
    late = Reception(hours=parse_windows("Mo-Fr 08:00-09:30"))
    scene = await scene_of(book, reception=late if why == "hours" else None)
    async with scene.at_work():
        if why == "nobody":
            scene.roster.sign_out("anna")
        if why == "draining":
            scene.carrier.call_in(number(8), CALLER_ID, CALLS)  # who is served to the end
            await scene.clock.run(2)
        draining = asyncio.ensure_future(scene.dialer.drain(60)) if why == "draining" else None
        await scene.clock.run(1)
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(12)
        if draining is not None:
            await scene.clock.run(60)
            await draining
    assert texts(scene) == ["closed ()"]
    assert book.missed_from == [number(7)]
    served = {"answered"} if why == "draining" else set()
    assert {how for reference in book.entries for how in book.ends(reference)} == {"missed", *served}


async def test_the_hours_are_those_of_the_teams_campaigns(book: MemoryCallBook) -> None:
    scene = await scene_of(book, reception=Reception(hours=parse_windows("Mo-Fr 09:30-10:30")))
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
    assert texts(scene) == []
    assert len(scene.orders("bridge")) == 1


async def test_who_is_unknown_or_hides_their_number_gets_somebody_free_and_is_nobodys_customer(
    book: MemoryCallBook,
) -> None:
    people = (Agent("anna", team="north"), Agent("berta"), Agent("cem", team="south"))
    scene = await scene_of(book, *people)
    async with scene.at_work():
        for caller in ("anonymous", "03023125099", "493023125098"):
            scene.carrier.call_in(caller, CALLER_ID, CALLS)
            await scene.clock.run(1)
        live = scene.dialer.desk.conversation_of("berta")
        assert live is not None
        assert (live.dial.claimed.account_id, live.dial.number) == (0, "")
        with pytest.raises(InputError, match="nobody knows"):
            await scene.dialer.desk.dispose("berta", Disposition.CALLBACK, Agreed(scene.clock.now()))
        await scene.dialer.desk.dispose("berta", Disposition.WRONG_PERSON)
    assert [agent for _, agent in scene.orders("bridge")] == ["berta", "anna", "cem"]
    assert [arrival.numbers[:1] for arrival in book.arrivals] == [(), ("+493023125099",), ("+493023125098",)]
    assert [item.suppress for item in book.handed_in] == [None]


async def test_a_callback_agreed_with_a_caller_is_one_of_their_campaign(book: MemoryCallBook) -> None:
    scene = await scene_of(book)
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(3)
        await scene.dialer.desk.dispose("anna", Disposition.CALLBACK, Agreed(scene.clock.now()))
    [agreed] = book.agreed
    assert (agreed.key, agreed.number) == ((CAMPAIGN, "anruf"), number(7))


async def test_the_call_to_a_customer_who_calls_us_meanwhile_is_hung_up_and_no_other_is_placed(
    book: MemoryCallBook,
) -> None:
    scene = await scene_of(book, "anna", "berta")
    book.plan(1)
    claimed = book.planned[0]
    book.planned[0] = replace(claimed, account_id=7, customer_id=7)
    async with scene.at_work():
        await scene.clock.run(5)
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(5)
        assert book.ends("1-1") == ["cancelled"]
        assert scene.dialer.status()["calls"] == {"connected": 1}
        book.planned = [replace(claimed, claim_no=2, account_id=7, customer_id=7)]
        scene.dialer.notify()
        await scene.clock.run(5)
        assert [reference for reference, _ in scene.orders("place")] == ["1-1"]
    assert book.put_off == {1: book.put_off[1]}


async def test_a_freed_agent_goes_to_whom_we_called_before_whoever_has_time_to_wait(book: MemoryCallBook) -> None:
    scene = await scene_of(book, "anna", "berta")
    scene.usual = Customer(Kind.ANSWERED, setup=1, ring=8, patience=30, talk=60)
    book.plan(1)
    async with scene.at_work():
        await scene.clock.run(2)
        scene.roster.pause("berta")
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)  # takes anna
        await scene.clock.run(3)
        second = scene.carrier.call_in(number(8), CALLER_ID, CALLS)
        await scene.clock.run(5)  # the customer we called has answered
        scene.dialer.desk.resume("berta")
        await scene.clock.run(1)
        bridged = [reference for reference, _ in scene.orders("bridge")]
    assert second not in bridged


async def test_a_call_that_comes_in_belongs_to_no_owner_of_a_team(book: MemoryCallBook) -> None:
    scene = await scene_of(book)
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(3)
        scene.dialer.desk.let_go("")
        assert scene.dialer.status()["calls"] == {"connected": 1}


async def test_a_call_told_twice_is_one_call(book: MemoryCallBook) -> None:
    scene = await scene_of(book)
    async with scene.at_work():
        told = CarrierEvent("in-1", Kind.INCOMING, scene.clock.now(), {"number": number(7), "called": "100"})
        scene.carrier.call_in(number(7), "100", CALLS)
        scene.dialer.on_event(told)
        await scene.clock.run(3)
        scene.dialer.on_event(told)
        await scene.clock.run(1)
        assert scene.dialer.status()["calls"] == {"connected": 1}
    assert [(arrival.reference, arrival.called) for arrival in book.arrivals] == [("in-1", "100")]


async def test_a_team_without_campaigns_takes_callers_by_another_teams_clock(book: MemoryCallBook) -> None:
    line = Line(CALLER_ID, 30.0, reception=Reception(hours=parse_windows("Mo-Fr 09:30-10:30")))
    teams = teams_of(a_list(team="north"))
    scene = await a_scene(book, book.clock, agents=(Agent("anna", team="south"),), teams=teams, line=line)
    async with scene.at_work():
        scene.carrier.call_in("anonymous", CALLER_ID, CALLS)
        await scene.clock.run(2)
    assert [agent for _, agent in scene.orders("bridge")] == ["anna"]


def test_the_settings_say_how_customers_are_received() -> None:
    assert reception_of(Settings()) == Reception()
    told = Settings(telephony=Telephony(hours=("Mo-Fr 08:00-18:00",), inbound_wait=timedelta(seconds=30)))
    assert reception_of(told) == Reception(parse_windows("Mo-Fr 08:00-18:00"), timedelta(seconds=30), "DE")
