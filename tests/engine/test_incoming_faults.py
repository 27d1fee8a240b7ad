"""Customers who call us while something fails: a daemon that crashed, a carrier that cannot do what it is told."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import ClassVar

import pytest

from contactd.domain.agent import State
from contactd.domain.call import Disposition
from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnclear
from contactd.store.calls import Unfinished
from contactd.telephony.base import Announcement
from contactd.telephony.simulated import Options, SimulatedCarrier
from tests.clock import HandClock
from tests.engine.dialing import CALLER_ID, MemoryCallBook, Scene, a_scene, number
from tests.engine.test_dialer_life import left_behind
from tests.engine.test_incoming import CALLS, details, scene_of, texts


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory that knows who account 7 is."""
    book = MemoryCallBook(HandClock())
    book.customers = {7}
    return book


# -- after a crash -----------------------------------------------------------------------------------------------


def left_caller(account: int, reference: str, *, row: dict[str, int], agent: str = "") -> Unfinished:
    """Describe a call of a customer that an earlier life left."""
    item = left_behind(account, seconds=5, agent=agent, row=row)
    claimed = replace(item.claimed, step="inbound")
    return replace(item, claimed=claimed, row=replace(item.row, carrier_ref=reference))


async def again(book: MemoryCallBook, left: Collection[Unfinished], *, up: bool = True) -> Scene:
    """Build a scene whose carrier has a call of an earlier life, and has said so before anybody asked."""
    scene = await scene_of(book)
    if up:
        reference = scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        assert [item.reference for item in left] == [reference] * len(left)
    book.left = list(left)
    return scene


async def test_a_talk_with_a_caller_goes_on_after_a_crash(book: MemoryCallBook) -> None:
    row = {"answered_at": 2, "connected_at": 2}
    scene = await again(book, [left_caller(7, "in-1", row=row, agent="anna")])
    await scene.carrier.answer("in-1")
    async with scene.at_work():
        await scene.clock.run(2)
        assert scene.dialer.status()["calls"] == {"connected": 1}
        assert scene.roster.find("anna").state is State.TALK
        scene.carrier.ring_off("in-1")
        await scene.clock.run(2)
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
    assert (book.ends("7-1"), book.arrivals, book.missed_from) == (["answered"], [], [])


@pytest.mark.parametrize("answered", [True, False])
async def test_who_rang_or_waited_when_we_crashed_waits_on_and_is_served(
    book: MemoryCallBook, *, answered: bool
) -> None:
    scene = await again(book, [left_caller(7, "in-1", row={"answered_at": 2} if answered else {})])
    if answered:
        await scene.carrier.answer("in-1")
    scene.roster.sign_out("anna")
    async with scene.at_work():
        await scene.clock.run(3)
        assert texts(scene) == ([] if answered else ["queue ()"])
        assert len(scene.orders("hold")) == answered
        scene.dialer.desk.sign_in("anna")
        await scene.clock.run(1)
        assert scene.dialer.status()["calls"] == {"connected": 1}
    assert book.arrivals == []


async def test_a_caller_of_whom_nothing_was_written_is_taken_in_after_a_crash(book: MemoryCallBook) -> None:
    scene = await again(book, [])
    async with scene.at_work():
        await scene.clock.run(3)
        assert scene.dialer.status()["calls"] == {"connected": 1}
        assert scene.orders("hang_up") == []
    assert [arrival.reference for arrival in book.arrivals] == ["in-1"]


async def test_a_caller_whom_the_crash_cut_off_is_entered_as_lost_and_called_back(book: MemoryCallBook) -> None:
    talked = left_caller(8, "in-9", row={"answered_at": 2, "connected_at": 2}, agent="anna")
    scene = await again(book, [left_caller(7, "in-8", row={}), talked], up=False)
    async with scene.at_work():
        await scene.clock.run(3)
    assert (book.ends("7-1"), book.ends("8-1")) == (["lost"], ["lost"])
    assert details(book, "7-1")["direction"] == "inbound"
    assert book.missed_from == [number(7)]


# -- a carrier that fails --------------------------------------------------------------------------------------------


class Failing(SimulatedCarrier):
    """Refuses the orders in `refused`."""

    refused: ClassVar[dict[str, ChannelError]] = {}

    async def answer(self, reference: str) -> None:
        """Pick up, perhaps."""
        self._fail("answer")
        await super().answer(reference)

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Speak, perhaps."""
        self._fail("play")
        await super().play(reference, announcement, ask=ask)

    async def hold(self, reference: str) -> None:
        """Play music, perhaps."""
        self._fail("hold")
        await super().hold(reference)

    def _fail(self, order: str) -> None:
        if order in self.refused:
            raise self.refused[order]


async def failing(book: MemoryCallBook, **refused: ChannelError) -> Scene:
    """Build a scene whose carrier fails at these orders, with one agent who talks."""
    carrier = Failing(Options(), book.clock)
    carrier.refused = refused  # type: ignore[misc] # of this one only
    scene = await a_scene(book, book.clock, wrap=lambda _: carrier)
    scene.carrier = carrier
    await carrier.start(scene.dialer.on_event)
    return scene


async def test_a_text_or_music_that_cannot_be_played_leaves_who_waits_in_the_queue(book: MemoryCallBook) -> None:
    scene = await failing(book, play=ChannelUnclear("time-out"), hold=ChannelUnclear("time-out"))
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        second = scene.carrier.call_in(number(8), CALLER_ID, CALLS)
        await scene.clock.run(5)
        assert scene.dialer.status()["calls"] == {"connected": 1, "waiting": 1}
        await scene.clock.run(38)
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
        await scene.clock.run(1)
        assert scene.orders("bridge")[1] == (second, "anna")


async def test_whoever_has_rung_off_when_we_pick_up_gives_the_agent_back(book: MemoryCallBook) -> None:
    scene = await failing(book, answer=ChannelRejected("gone"))
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        assert scene.roster.find("anna").state is State.READY
    assert (book.ends("1001-1"), scene.orders("bridge"), book.missed_from) == (["abandoned"], [], [number(7)])


async def test_whoever_was_perhaps_not_answered_is_let_go_when_they_cannot_be_joined(book: MemoryCallBook) -> None:
    scene = await failing(book, answer=ChannelUnclear("time-out"))
    async with scene.at_work():
        reference = scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        assert scene.orders("hang_up") == [(reference, "")]
        assert scene.roster.find("anna").state is State.READY
    assert (book.ends("1001-1"), book.missed_from) == (["abandoned"], [number(7)])


async def test_a_text_that_waited_for_its_turn_is_not_played_to_who_is_joined_by_then(book: MemoryCallBook) -> None:
    scene = await scene_of(book, "anna", "berta")
    scene.roster.pause("berta")
    owner_asleep = asyncio.Event()
    async with scene.at_work():
        scene.carrier.call_in(number(7), CALLER_ID, CALLS)
        await scene.clock.run(2)
        second = scene.carrier.call_in(number(8), CALLER_ID, CALLS)
        answer = scene.carrier.answer

        async def slow(reference: str) -> None:
            await owner_asleep.wait()
            await answer(reference)

        scene.carrier.answer = slow  # type: ignore[method-assign] # it takes its time
        await scene.clock.run(1)
        scene.dialer.desk.resume("berta")
        await scene.clock.run(1)
        owner_asleep.set()
        await scene.clock.run(1)
    assert texts(scene) == []
    assert scene.orders("bridge")[1] == (second, "berta")
