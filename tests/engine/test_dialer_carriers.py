"""The dialer with carriers that refuse, break, lose sight or report late, on a call book in memory."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from contactd.domain import agent as agents
from contactd.domain import call as calls
from contactd.domain.agent import State
from contactd.domain.attempt import Event as AttemptEvent
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)
from contactd.engine.calls.dialer import Line
from contactd.engine.calls.idleness import why
from contactd.engine.calls.refusals import Refusals, Trunks
from contactd.engine.calls.shown import Shown
from contactd.telephony.base import UNSERVED, CallRequest, CarrierEvent, Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_scene
from tests.engine.disturbed import disturbed

BUSY = Customer(Kind.BUSY, setup=0.5, ring=1)
ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)
SLOW = Customer(Kind.ANSWERED, setup=1, ring=20, patience=6, talk=60)


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


@pytest.mark.parametrize(
    ("fault", "seconds"), [(ChannelUnavailable("no trunk", retry_after=20), 20), (ChannelMisconfigured("no"), 300)]
)
async def test_a_carrier_that_refuses_is_left_alone_for_a_while_and_the_attempt_is_planned_again(
    book: MemoryCallBook, fault: ChannelError, seconds: float
) -> None:
    book.plan(9)
    scene, carrier = await disturbed(book)
    carrier.faults["place"] = fault
    async with scene.at_work():
        await scene.clock.run(1)
        began = book.clock.now()
        assert scene.dialer.status()["resting"]
        assert book.ends("1-1") == ["congestion"]
        (stage,) = book.entries["1-1"]
        assert stage.transition is not None
        assert stage.transition.event is AttemptEvent.NOT_TAKEN
        assert stage.transition.not_before is not None
        assert stage.transition.not_before >= began + timedelta(seconds=seconds - 1.5)
        carrier.faults.clear()
        await scene.clock.run(seconds - 3)
        assert scene.orders("place") == []
        await scene.clock.run(6)
        assert len(scene.orders("place")) == 1


async def numbers_refused(book: MemoryCallBook, refused: Callable[[int], bool]) -> Scene:
    """Build a scene whose carrier refuses some accounts' numbers for their own trunk and takes the others."""
    scene, carrier = await disturbed(book)
    inner = carrier.place

    async def place(request: CallRequest) -> None:
        if refused(request.attempt_id):
            raise ChannelUnavailable("no call rings by trunk dead", retry_after=60, of_recipient=True)
        await inner(request)

    carrier.place = place  # type: ignore[method-assign] # a worse carrier for this test
    scene.usual = BUSY
    return scene


async def test_a_number_whose_trunk_is_out_is_put_off_and_the_others_are_called(book: MemoryCallBook) -> None:
    book.plan(30)
    scene = await numbers_refused(book, lambda attempt: attempt % 2 == 1)
    async with scene.at_work():
        await scene.clock.run(15)
        assert scene.dialer.status()["resting"] is False
        (look,) = scene.dialer.looks().values()
        told = why(look, {}, (), {})
        assert told[-1] == {"reason": "trunk_rests", "why": "no call rings by trunk dead"}
        assert "carrier_rests" not in [one["reason"] for one in told]
        await scene.clock.run(85)
    assert [reference for reference, _ in scene.orders("place")] == [f"{n}-1" for n in range(2, 31, 2)]
    stages = [stage for n in range(1, 31, 2) for stage in book.entries[f"{n}-1"]]
    assert {stage.transition.event for stage in stages if stage.transition} == {AttemptEvent.NOT_TAKEN}
    later = [stage.transition.not_before for stage in stages if stage.transition and stage.transition.not_before]
    assert len(later) == 15
    assert all(after - before >= timedelta(seconds=1) for before, after in pairwise(later))


async def test_a_team_whose_numbers_are_all_refused_rests_with_the_reason(book: MemoryCallBook) -> None:
    book.plan(200)
    scene = await numbers_refused(book, lambda _: True)
    async with scene.at_work():
        await scene.clock.run(50)
        assert len([entry for entries in book.entries.values() for entry in entries]) == 20
        assert scene.dialer.status()["resting"]
        (look,) = scene.dialer.looks().values()
        assert why(look, {}, (), {})[0] == {"reason": "carrier_rests", "why": "no call rings by trunk dead"}
        await scene.clock.run(30)
        assert 20 < len([entry for entries in book.entries.values() for entry in entries]) <= 40


def test_numbers_that_are_refused_come_back_one_by_one_and_not_too_late() -> None:
    trunks = Trunks(Shown("", {}), 30.0, lambda: None)
    refusals = Refusals(trunks, lambda: 1000.0)
    error = ChannelUnavailable("full", retry_after=15, of_recipient=True)
    waits = [refusals.hear(error) for _ in range(1000)]
    assert waits[:3] == [15, 16, 17]
    assert max(waits) == 900
    assert waits[886] == 15
    assert trunks.rest_until == 0
    assert refusals.rests()


async def test_congestion_before_a_ring_is_tried_again_later_and_after_a_ring_it_was_a_try(
    book: MemoryCallBook,
) -> None:
    book.plan(2)
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    scene.people = {1: Customer(Kind.CONGESTION), 2: SLOW}
    async with scene.at_work():
        await scene.clock.run(3)
        scene.dialer.on_event(CarrierEvent("2-1", Kind.CONGESTION, book.clock.now()))
        await scene.clock.settle()
    events = [stage.transition.event for stage in (book.entries["1-1"] + book.entries["2-1"]) if stage.transition]
    assert events == [AttemptEvent.NOT_TAKEN, AttemptEvent.TAKEN, AttemptEvent.REJECTED]


@pytest.mark.parametrize(("dead", "outcome"), [(True, "invalid"), (False, "rejected")])
async def test_a_number_the_carrier_rejects_is_invalid_only_when_it_is_dead(
    book: MemoryCallBook, *, dead: bool, outcome: str
) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    carrier.faults["place"] = ChannelRejected("no", dead=dead)
    async with scene.at_work():
        await scene.clock.run(1)
    assert book.ends("1-1") == [outcome]
    (stage,) = book.entries["1-1"]
    assert (stage.suppress is not None) == dead


async def test_a_number_no_way_leads_to_keeps_nobody_from_calling_the_others(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    carrier.faults["place"] = ChannelMisconfigured("no trunk serves it", code=UNSERVED)
    async with scene.at_work():
        await scene.clock.run(1)
        assert scene.dialer.status()["resting"] is False
    assert book.ends("1-1") == ["failed"]


@pytest.mark.parametrize("fault", [ChannelUnclear("time-out"), RuntimeError("nobody foresaw it")])
async def test_a_call_that_may_have_been_placed_is_entered_as_unclear_and_goes_on_when_it_is_heard_of(
    book: MemoryCallBook, fault: Exception
) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    scene.usual = ANSWERS
    carrier.faults["place"], carrier.after = fault, {"place"}
    async with scene.at_work():
        await scene.clock.run(120)
    events = [stage.transition.event for stage in book.entries["1-1"] if stage.transition]
    assert events == [AttemptEvent.LOST_SIGHT, AttemptEvent.TAKEN, AttemptEvent.CONFIRMED]


async def test_a_call_never_heard_of_is_hung_up_and_lost_when_its_time_is_over(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    carrier.faults["place"] = ChannelUnclear("time-out")
    async with scene.at_work():
        await scene.clock.run(55)
        assert book.ends("1-1") == []
        await scene.clock.run(10)
    assert book.ends("1-1") == ["lost"]
    assert scene.orders("hang_up") == [("1-1", "")]


async def test_a_call_that_is_answered_before_the_placing_request_has_is_no_doubt(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    carrier.faults["place"], carrier.after = ChannelUnclear("time-out"), {"place"}
    scene.usual = ANSWERS
    inner = scene.carrier.place

    async def slow(request: CallRequest) -> None:
        await inner(request)
        await scene.clock.sleep(5)

    scene.carrier.place = slow  # type: ignore[method-assign] # a slower or worse carrier for this test
    async with scene.at_work():
        await scene.clock.run(90)
    events = [stage.transition.event for stage in book.entries["1-1"] if stage.transition]
    assert events == [AttemptEvent.TAKEN, AttemptEvent.CONFIRMED]


async def test_an_agent_the_carrier_cannot_reach_is_out_of_reach_and_another_takes_the_call(
    book: MemoryCallBook,
) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book, "anna", "berta")
    scene.usual = ANSWERS
    carrier.faults["bridge"] = ChannelUnavailable("the agent's telephone is gone")
    async with scene.at_work():
        await scene.clock.run(11.4)
        assert scene.roster.find("anna").state is State.UNREACHABLE
        assert scene.roster.find("berta").state is State.UNREACHABLE
        await scene.clock.run(30)
    assert book.ends("1-1") == ["abandoned"]


async def test_an_agent_whose_desk_is_lost_before_the_bridge_is_replaced(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book, "anna", "berta")
    scene.usual = ANSWERS
    carrier.faults["bridge"] = ChannelUnclear("time-out")
    async with scene.at_work():
        await scene.clock.run(11.4)
        assert scene.roster.find("anna").state is State.RESERVED
        carrier.faults.clear()
        scene.roster.apply("anna", agents.Event.LOST)
        await scene.clock.run(5)
        scene.dialer.on_event(CarrierEvent("1-1", Kind.BRIDGED, book.clock.now(), {"agent": "anna"}))
    assert scene.orders("bridge") == [("1-1", "berta")]
    assert scene.roster.find("berta").state is State.TALK


async def test_a_late_bridge_to_an_agent_given_up_is_not_taken_for_the_next_ones(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book, "anna", "berta")
    scene.usual = ANSWERS
    carrier.faults["bridge"] = ChannelUnclear("time-out")
    async with scene.at_work():
        await scene.clock.run(11.4)
        scene.roster.apply("anna", agents.Event.LOST)
        await scene.clock.settle()
        scene.dialer.on_event(CarrierEvent("1-1", Kind.BRIDGED, book.clock.now(), {"agent": "anna"}))
        assert scene.roster.find("berta").state is State.RESERVED


async def test_a_customer_who_is_gone_when_the_bridge_is_made_costs_no_agent(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    scene.usual = ANSWERS
    carrier.faults["bridge"] = ChannelRejected("the call is over")
    async with scene.at_work():
        await scene.clock.run(12)
    assert book.ends("1-1") == ["abandoned"]
    assert scene.roster.find("anna").state is State.READY


async def test_a_bridge_that_fails_after_the_customer_hung_up_changes_nothing(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    scene.usual = ANSWERS
    carrier.faults["bridge"] = ChannelUnavailable("no")
    gone = asyncio.Event()

    async def hangs(reference: str, agent_id: str) -> None:
        del agent_id
        scene.dialer.on_event(CarrierEvent(reference, Kind.HUNG_UP, book.clock.now()))
        gone.set()
        raise ChannelUnavailable("no")

    carrier.bridge = hangs  # type: ignore[method-assign] # a slower or worse carrier for this test
    async with scene.at_work():
        await scene.clock.run(12)
    assert gone.is_set()
    assert scene.roster.find("anna").state is State.READY
    assert book.ends("1-1") == ["abandoned"]


async def test_a_person_who_cannot_be_spoken_to_is_not_left_in_silence(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book)
    scene.usual = ANSWERS
    carrier.faults |= {"play": ChannelUnavailable("no"), "hang_up": ChannelUnavailable("no")}
    async with scene.at_work():
        await scene.clock.run(5)
        scene.roster.pause("anna")
        await scene.clock.run(8)
        assert book.ends("1-1") == ["abandoned"]


async def test_a_conversation_whose_end_is_never_reported_ends_after_a_while(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock, line=Line("", 30, talk_seconds=300))
    scene.usual = Customer(Kind.ANSWERED, talk=90000)
    async with scene.at_work():
        await scene.clock.run(320)
    assert book.ends("1-1") == ["answered"]
    assert scene.roster.find("anna").state is State.WRAP


async def test_whoever_slept_hears_what_happened_meanwhile_before_counting_the_time(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = Customer(Kind.NO_ANSWER, setup=2)
    async with scene.at_work():
        await scene.clock.run(1)
        scene.clock.advance(3600)  # the ticks wake before the carrier's report of the same hour
        scene.dialer.on_event(CarrierEvent("1-1", Kind.BUSY, book.clock.now()))
        await scene.clock.run(5)
    assert book.ends("1-1") == ["busy"]


async def test_a_suspended_machine_does_not_lose_the_calls_whose_reports_wait(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = Customer(Kind.NO_ANSWER, setup=2)
    async with scene.at_work():
        await scene.clock.run(10)
        scene.clock.advance(3600)
        await scene.clock.settle()
        await scene.clock.run(5)
    assert book.ends("1-1") == ["no_answer"]
    assert scene.orders("hang_up") == []


async def test_a_thing_that_cannot_happen_to_a_call_is_ignored(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        await scene.clock.run(0.5)
        (live,) = scene.dialer.desk.live()
        scene.dialer.desk.feed(live, calls.Event.AGENT_DONE)
        assert live.call.state is calls.State.PLACED
