"""Calls an agent looks at first: offered, accepted, skipped, withdrawn."""

import asyncio
from datetime import timedelta

import pytest

from contactd.domain.agent import Agent, Event, State
from contactd.domain.errors import IllegalTransition
from contactd.domain.happened import PreviewOffered
from contactd.engine.calls.dialer import Line
from contactd.engine.calls.pacer import Dialling
from contactd.engine.gate import Refused
from contactd.store.attempts import Claimed
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_list, a_scene, teams_of

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)
LOOKED_AT = a_list(mode="preview", preview=timedelta(seconds=30))


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


async def looking(book: MemoryCallBook, *agents: str) -> Scene:
    """Build a scene in which everything is looked at first."""
    scene = await a_scene(book, book.clock, agents=agents or ("anna",), teams=teams_of(LOOKED_AT))
    scene.usual = ANSWERS
    return scene


async def test_a_call_is_offered_to_the_longest_free_agent_and_placed_when_they_accept(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await looking(book, "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(5)
        assert scene.happened == [PreviewOffered(1, 1, "anna")]
        offer = scene.dialer.previews.look_at("anna")
        assert offer is not None
        assert offer.claimed.id == 1
        assert scene.roster.find("anna").state is State.RESERVED
        assert scene.orders("place") == []
        scene.dialer.previews.accept("anna")
        await scene.clock.run(15)
        assert scene.orders("bridge") == [("1-1", "anna")]
        with pytest.raises(IllegalTransition, match="looks at no call"):
            scene.dialer.previews.accept("anna")


async def test_each_free_agent_is_offered_one_call_of_their_own(book: MemoryCallBook) -> None:
    book.plan(5)
    scene = await looking(book, "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(5)
        assert len(scene.dialer.previews) == 2
        looked_at = [scene.dialer.previews.look_at(name) for name in ("anna", "berta")]
    assert [offer.claimed.id for offer in looked_at if offer] == [1, 2]


async def test_no_more_calls_are_offered_than_there_are_lines_for(book: MemoryCallBook) -> None:
    book.plan(5)
    line = Line("", 30.0, dialling=Dialling(trunks=1))
    scene = await a_scene(book, book.clock, agents=("anna", "berta"), teams=teams_of(LOOKED_AT), line=line)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(5)
        assert len(scene.dialer.previews) == 1
        scene.dialer.previews.accept("anna")
        await scene.clock.run(5)
        assert (len(scene.dialer.previews), len(scene.orders("place"))) == (0, 1)


async def test_a_call_is_offered_to_whoever_speaks_the_customers_language(book: MemoryCallBook) -> None:
    book.plan(1, language="en")
    scene = await a_scene(
        book,
        book.clock,
        agents=(Agent("anna", languages=("de",)), Agent("emma", languages=("en",))),
        teams=teams_of(LOOKED_AT),
    )
    async with scene.at_work():
        await scene.clock.run(5)
        assert scene.happened == [PreviewOffered(1, 1, "emma")]


async def test_a_skipped_call_is_put_off_with_agent_and_reason_and_the_next_one_offered(book: MemoryCallBook) -> None:
    book.plan(2)
    scene = await looking(book)
    async with scene.at_work():
        await scene.clock.run(5)
        scene.dialer.previews.skip("anna", "in court")
        await scene.clock.run(1)
        offer = scene.dialer.previews.look_at("anna")
    assert book.skipped == [(1, "anna", "in court")]
    assert book.put_off[1] == book.clock.now() + timedelta(minutes=60) - timedelta(seconds=1)
    assert offer is not None
    assert offer.claimed.id == 2


async def test_whoever_does_not_look_in_time_is_sent_into_a_pause(book: MemoryCallBook) -> None:
    book.plan(3)
    scene = await looking(book)
    async with scene.at_work():
        await scene.clock.run(40)
        anna = scene.roster.find("anna")
        assert (anna.state, anna.reason) == (State.PAUSE, "preview_time_over")
        assert len(scene.dialer.previews) == 0
    assert book.skipped == [(1, "anna", "preview_time_over")]


@pytest.mark.parametrize("event", [Event.LOST, Event.LEG_DOWN, Event.SIGNED_OUT, Event.PAUSED])
async def test_what_somebody_looks_at_who_goes_is_put_off_at_once(book: MemoryCallBook, event: Event) -> None:
    book.plan(2)
    scene = await looking(book)
    async with scene.at_work():
        await scene.clock.run(5)
        scene.roster.apply("anna", event)
        await scene.clock.run(2)
        assert scene.dialer.previews.look_at("anna") is None
        assert scene.roster.find("anna").state not in (State.READY, State.RESERVED)
    assert book.skipped == [(1, "anna", "agent_gone")]
    assert scene.orders("place") == []


async def test_whoever_goes_after_accepting_is_not_called_for(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await looking(book)

    def pause(_: Claimed) -> None:
        scene.roster.pause("anna")

    book.refuse = pause
    async with scene.at_work():
        await scene.clock.run(5)
        scene.dialer.previews.accept("anna")
        await scene.clock.run(5)
        assert scene.roster.find("anna").state is State.PAUSE
    assert scene.orders("place") == []
    assert [claimed.id for claimed in book.released] == [1]


async def test_whoever_was_reserved_anew_meanwhile_is_not_taken_for_kept(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await looking(book)

    def come_and_go(_: Claimed) -> None:
        scene.roster.apply("anna", Event.LOST)
        scene.roster.sign_in("anna")
        scene.roster.apply("anna", Event.RESERVED)

    book.refuse = come_and_go
    async with scene.at_work():
        await scene.clock.run(5)
        scene.dialer.previews.accept("anna")
        await scene.clock.run(5)
        assert scene.roster.find("anna").state is State.RESERVED
    assert scene.orders("place") == []


async def test_an_accepted_call_the_rules_refuse_gives_the_agent_back(book: MemoryCallBook) -> None:
    book.plan(2)
    book.refuse = lambda claimed: Refused(claimed, "paid_since_planning") if claimed.id == 1 else None
    scene = await looking(book)
    async with scene.at_work():
        await scene.clock.run(5)
        scene.dialer.previews.accept("anna")
        await scene.clock.run(5)
        offer = scene.dialer.previews.look_at("anna")
    assert offer is not None
    assert offer.claimed.id == 2
    assert scene.orders("place") == []


async def test_a_gate_that_breaks_does_not_keep_the_agent(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await looking(book)

    def broken(_: Claimed) -> None:
        raise RuntimeError("nobody foresaw it")

    book.refuse = broken
    async with scene.at_work():
        await scene.clock.run(5)
        scene.dialer.previews.accept("anna")
        await scene.clock.run(5)
        assert scene.roster.find("anna").state is State.READY


async def test_a_drain_withdraws_what_is_looked_at_and_offers_nothing_more(book: MemoryCallBook) -> None:
    book.plan(3)
    scene = await looking(book)
    async with scene.at_work():
        await scene.clock.run(5)
        draining = asyncio.ensure_future(scene.dialer.drain(60))
        await scene.clock.run(5)
        assert draining.done()
        assert len(scene.dialer.previews) == 0
        assert scene.roster.find("anna").state is State.READY
    assert book.skipped == [(1, "anna", "withdrawn")]


async def test_what_is_claimed_while_a_drain_begins_is_not_offered(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await looking(book)
    inner, going = book.claim, asyncio.Event()

    async def slow(wanted):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 -- as the book does
        claims = await inner(wanted)
        if claims:
            going.set()
            await book.clock.sleep(3)
        return claims

    book.claim = slow  # type: ignore[method-assign] # a slow store
    async with scene.at_work():
        await going.wait()
        draining = asyncio.ensure_future(scene.dialer.drain(60))
        await scene.clock.run(10)
        assert draining.done()
        assert len(scene.dialer.previews) == 0
        assert scene.roster.find("anna").state is State.READY
    assert [claimed.id for claimed in book.released] == [1]


async def test_an_agent_the_configuration_loses_while_looking_leaves_nothing_behind(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await looking(book)
    async with scene.at_work():
        await scene.clock.run(5)
        scene.roster.replace([Agent("berta")])
        await scene.clock.run(5)
        assert [agent.id for agent in scene.roster.agents()] == ["berta"]
        assert len(scene.dialer.previews) == 0
    assert book.skipped == [(1, "anna", "agent_gone")]


async def test_a_call_accepted_by_one_agent_is_never_given_to_another_while_they_stay(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await looking(book, "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(5)
        scene.dialer.previews.accept("anna")
        await scene.clock.run(5)
        scene.roster.apply("anna", Event.LOST)  # before anybody answered
        await scene.clock.run(30)
    assert book.ends("1-1") == ["cancelled"]
    assert scene.orders("bridge") == []
