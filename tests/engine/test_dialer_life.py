"""The dialer while the store is away, at its end, and after a crash, on a call book in memory."""

import asyncio
from datetime import timedelta

import pytest

from contactd.domain.account import Channel
from contactd.domain.agent import State
from contactd.domain.call import Disposition
from contactd.domain.errors import (
    ChannelUnavailable,
)
from contactd.store.attempts import Claimed
from contactd.store.calls import CallRow, Unfinished
from contactd.telephony.base import CallRequest, Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CAMPAIGN, MemoryCallBook, a_scene, number
from tests.engine.disturbed import disturbed

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


async def test_while_the_store_is_away_nothing_new_is_called_and_every_end_is_entered_when_it_is_back(
    book: MemoryCallBook,
) -> None:
    book.plan(3)
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    scene.usual = Customer(Kind.BUSY, setup=5)
    async with scene.at_work():
        await scene.clock.run(2)
        book.down = True
        await scene.clock.run(30)
        assert len(scene.orders("place")) == 2
        assert book.ends("1-1") == []
        book.down = False
        await scene.clock.run(20)
    assert [book.ends(f"{n}-1") for n in (1, 2, 3)] == [["busy"], ["busy"], ["busy"]]


async def test_an_intent_the_store_could_not_commit_is_taken_back(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)

    def fail(_: Claimed) -> None:
        book.down = True
        book._answer()  # noqa: SLF001 -- the store goes away at this very moment

    book.refuse = fail
    async with scene.at_work():
        await scene.clock.run(5)
        book.down = False
        await scene.clock.run(5)
    assert scene.orders("place") == []
    assert [claimed.reference for claimed in book.released] == ["1-1"]


async def test_an_intent_whose_transaction_met_another_one_is_taken_back(book: MemoryCallBook) -> None:
    book.plan(1)
    book.collisions.update(claim=1, begin=1)
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        await scene.clock.run(10)
        assert [claimed.reference for claimed in book.released] == ["1-1"]
        assert not book.collisions.total()
    assert scene.orders("place") == []


async def test_a_drain_places_nothing_more_and_returns_when_the_running_calls_have_ended(
    book: MemoryCallBook,
) -> None:
    book.plan(5)
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    scene.people = {1: Customer(Kind.BUSY), 2: ANSWERS}
    async with scene.at_work():
        await scene.clock.run(0.5)
        draining = asyncio.ensure_future(scene.dialer.drain(600))
        await scene.clock.run(60)
        assert not draining.done()
        assert scene.dialer.status()["draining"]
        await scene.clock.run(30)
        assert draining.done()
    assert len(scene.orders("place")) == 2
    assert book.ends("1-1") + book.ends("2-1") == ["busy", "answered"]


async def test_a_drain_leaves_what_does_not_end_in_time_as_it_stands(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(20)
        draining = asyncio.ensure_future(scene.dialer.drain(20))
        await scene.clock.run(21)
        assert draining.done()
    assert book.ends("1-1") == []


def left_behind(n: int, *, seconds: int, agent: str = "", row: dict[str, int] | None = None) -> Unfinished:
    """Say that a call was placed so many seconds ago; `row` tells when its stages were, in seconds after that."""
    now = HandClock().now() - timedelta(seconds=seconds)
    claimed = Claimed(n, 1, n, n, CAMPAIGN, "anruf", Channel.CALL, 1, 1, now)
    times = {name: now + timedelta(seconds=after) for name, after in (row or {}).items()}
    kept = CallRow(
        attempt_id=n,
        number=number(n),
        caller_id="+493023125000",
        placed_at=now,
        ringing_at=times.get("ringing_at"),
        answered_at=times.get("answered_at"),
        connected_at=times.get("connected_at"),
        agent=agent,
    )
    return Unfinished(claimed, kept)


async def test_after_a_crash_every_call_the_carrier_no_longer_has_is_lost_exactly_once(book: MemoryCallBook) -> None:
    talked = {"ringing_at": 1, "answered_at": 9, "connected_at": 10}
    book.left = [left_behind(1, seconds=60), left_behind(2, seconds=60, agent="anna", row=talked)]
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        await scene.clock.run(600)
    assert (book.ends("1-1"), book.ends("2-1")) == (["lost"], ["lost"])
    (stage,) = book.entries["2-1"]
    assert stage.transition is not None
    assert stage.transition.conversation_at == book.left[1].row.connected_at
    assert stage.transition.agent == "anna"


async def test_calls_that_survived_are_adopted_where_they_stood(book: MemoryCallBook) -> None:
    rang, answered = {"ringing_at": 1}, {"ringing_at": 1, "answered_at": 4}
    book.left = [
        left_behind(1, seconds=5),
        left_behind(2, seconds=5, row=rang),
        left_behind(3, seconds=5, row=answered),
        left_behind(4, seconds=5, agent="anna", row=answered | {"connected_at": 4}),
        left_behind(5, seconds=5, agent="gone", row=answered | {"connected_at": 4}),
    ]
    scene = await a_scene(book, book.clock, agents=("anna",))
    scene.usual = Customer(Kind.ANSWERED, setup=0.1, ring=0.1, patience=900)
    scene.roster.sign_out("anna")
    for item in book.left:
        await scene.carrier.place(CallRequest(item.claimed.reference, item.claimed.id, item.row.number, "", 30))
    await scene.clock.run(0.15)
    async with scene.at_work():
        assert scene.dialer.status()["calls"] == {"placed": 1, "ringing": 1, "waiting": 1, "connected": 2}
        await scene.clock.run(0.5)
        assert scene.orders("play") == [("3-1", "sorry ()")]
        assert scene.roster.find("anna").state is State.TALK
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
        await scene.clock.run(60)
        assert (book.ends("4-1"), book.ends("3-1")) == (["answered"], ["abandoned"])
        assert scene.roster.find("anna").state is not State.PHONE_WAIT


async def test_nothing_is_called_until_the_carrier_has_said_which_calls_it_still_has(book: MemoryCallBook) -> None:
    book.plan(1)
    book.left = [left_behind(9, seconds=60)]
    scene, carrier = await disturbed(book)
    carrier.faults["live"] = ChannelUnavailable("down")
    async with scene.at_work():
        await scene.clock.run(20)
        assert scene.orders("place") == []
        assert book.ends("9-1") == []
        carrier.faults.clear()
        await scene.clock.run(6)
        assert len(scene.orders("place")) == 1
    assert book.ends("9-1") == ["lost"]


async def test_a_drain_before_the_carrier_has_answered_ends_the_dialer(book: MemoryCallBook) -> None:
    book.left = [left_behind(9, seconds=60)]
    scene, carrier = await disturbed(book)
    carrier.faults["live"] = ChannelUnavailable("down")
    running = asyncio.ensure_future(scene.dialer.run())
    draining = asyncio.ensure_future(scene.dialer.drain(1))
    await scene.clock.run(10)
    assert draining.done()
    assert running.done()
    await scene.carrier.close()
