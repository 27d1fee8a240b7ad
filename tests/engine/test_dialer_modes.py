"""The modes in which more is called than agents are free, or nobody's agent is needed; and answering machines."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contactd.domain.agent import Event, State
from contactd.engine.calls.dialer import Line
from contactd.engine.calls.pacer import Dialling
from contactd.store.attempts import Claimed
from contactd.telephony.base import CallRequest, CarrierEvent, Kind
from contactd.telephony.simulated import Customer
from tests.clock import MONDAY_TEN, HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_list, a_scene, teams_of

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)
RINGS = Customer(Kind.NO_ANSWER, setup=1)
BUSY = Customer(Kind.BUSY, setup=1)
PRESSES = Customer(Kind.ANSWERED, setup=1, ring=5, patience=9, listens=4, talk=60, presses="1")
LISTENS = Customer(Kind.ANSWERED, setup=1, ring=5, listens=4)
MACHINE = Customer(Kind.MACHINE, setup=1, ring=5, listens=4)
LEARNT = 60  # calls that came to nothing, after which the pacing has learned enough


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


async def a_shift(
    book: MemoryCallBook,
    mode: str,
    *agents: str,
    dialling: Dialling | None = None,
    **step: Any,  # noqa: ANN401 -- any field of a step
) -> Scene:
    """Build a scene with one list in a mode."""
    lists = a_list(mode=mode, **step)
    line = Line("", 30.0, dialling=dialling or Dialling())
    return await a_scene(book, book.clock, agents=agents, teams=teams_of(lists), line=line)


async def learn(scene: Scene, book: MemoryCallBook) -> None:
    """Let the pacing see many calls that come to nothing."""
    book.plan(LEARNT)
    scene.usual = BUSY
    await scene.clock.run(150)
    assert len(book.entries) == LEARNT


def ringing(scene: Scene) -> int:
    """Count the calls that ring."""
    return scene.dialer.desk.states()["ringing"]


async def test_power_places_its_ratio_for_each_free_agent_once_it_has_learned(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "power", "anna", "berta", ratio=2.5)
    async with scene.at_work():
        await learn(scene, book)
        scene.usual = RINGS
        book.plan(20)
        scene.dialer.notify()
        await scene.clock.run(3)
        assert ringing(scene) == 5
        scene.roster.pause("berta")
        await scene.clock.run(60)
        assert ringing(scene) == 3


@pytest.mark.parametrize("mode", ["power", "predictive", "progressive"])
async def test_before_anything_is_learned_there_is_one_call_for_a_free_agent(book: MemoryCallBook, mode: str) -> None:
    scene = await a_shift(book, mode, "anna", "berta", ratio=3.0)
    scene.usual = RINGS
    async with scene.at_work():
        book.plan(20)
        await scene.clock.run(20)
        assert ringing(scene) == 2


async def test_predictive_places_ahead_of_free_agents_once_it_has_learned(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "predictive", "anna", "berta")
    async with scene.at_work():
        await learn(scene, book)
        scene.usual = RINGS
        book.plan(40)
        scene.dialer.notify()
        await scene.clock.run(5)
        assert ringing(scene) > 2


async def test_a_call_that_would_meet_nobody_is_hung_up_after_it_has_rung_long_enough(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "predictive", "anna")
    scene.usual = Customer(Kind.NO_ANSWER, setup=5)
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(10)
        scene.roster.pause("anna")
        await scene.clock.run(9.5)
        assert scene.orders("hang_up") == []  # placed 20 s ago, ringing for 14
        await scene.clock.run(2)
    assert scene.orders("hang_up") == [("1-1", "")]
    assert book.ends("1-1") == ["cancelled"]
    rang = next(stage.row.ringing_at for stage in book.entries["1-1"] if stage.row.ringing_at)
    (asked,) = [asked.at for asked in scene.carrier.ledger if asked.order == "hang_up"]
    assert timedelta(seconds=15) <= asked - rang < timedelta(seconds=16)


async def test_what_is_rung_for_a_free_agent_is_not_hung_up(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "predictive", "anna")
    scene.usual = RINGS
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(40)
    assert book.ends("1-1") == ["no_answer"]


async def test_hanging_up_can_be_switched_off(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "predictive", "anna", dialling=Dialling(min_ring=None))
    scene.usual = RINGS
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(10)
        scene.roster.pause("anna")
        await scene.clock.run(40)
    assert book.ends("1-1") == ["no_answer"]


@pytest.mark.parametrize("event", [Event.PAUSED, Event.SIGNED_OUT])
async def test_predictive_counts_nobody_who_has_gone_or_wishes_to(book: MemoryCallBook, event: Event) -> None:
    scene = await a_shift(book, "predictive", "anna", "berta")
    async with scene.at_work():
        await learn(scene, book)
        scene.usual = ANSWERS
        book.plan(1)
        scene.dialer.notify()
        await scene.clock.run(13)  # one of them talks
        scene.roster.apply("anna", event)
        scene.roster.apply("berta", event)
        assert sorted(agent.state for agent in scene.roster.agents())[1:] == [State.TALK]
        book.plan(20)
        before = len(scene.orders("place"))
        scene.dialer.notify()
        await scene.clock.run(30)
        assert len(scene.orders("place")) == before


async def test_who_leaves_while_a_call_is_claimed_is_not_called_for(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "progressive", "anna")
    inner = book.claim

    async def slow(wanted):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 -- as the book does
        claims = await inner(wanted)
        if claims:
            scene.roster.pause("anna")
        return claims

    book.claim = slow  # type: ignore[method-assign] # a slow store
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(10)
    assert scene.orders("place") == []
    assert [claimed.id for claimed in book.released] == [1]


async def test_whoever_presses_1_gets_an_agent(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "ivr", "anna", template="frage")
    scene.usual = PRESSES
    book.plan(1)
    async with scene.at_work():
        await scene.clock.run(11)
        assert scene.orders("play") == [("1-1", "frage (de)")]
        assert scene.orders("bridge") == [("1-1", "anna")]
        assert scene.roster.find("anna").state is State.TALK
        await scene.clock.run(70)
    assert book.ends("1-1") == ["answered"]


async def test_a_key_that_means_nothing_changes_nothing(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "ivr", "anna", template="frage")
    scene.usual = replace(PRESSES, presses="5")
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(40)
    assert scene.orders("bridge") == []
    assert book.ends("1-1") == ["answered"]


async def test_whoever_does_not_press_was_reached_all_the_same_and_costs_no_agent(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "ivr", "anna", template="frage")
    scene.usual = LISTENS
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(15)
        assert book.ends("1-1") == []  # a key may still follow
        await scene.clock.run(5)
        assert scene.roster.find("anna").state is State.READY
    assert book.ends("1-1") == ["answered"]
    assert scene.orders("bridge") == []


async def test_nobody_is_asked_to_press_1_while_nobody_is_at_work(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "ivr", "anna", template="frage")
    scene.usual = PRESSES
    scene.roster.pause("anna")
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(20)
        assert scene.orders("place") == []
        assert {str(decision.reason) for decision in scene.dialer._teams[""].decisions.values()} == {"no_agent"}  # noqa: SLF001 - what nobody shows


async def test_the_last_agent_who_goes_while_the_rules_are_asked_keeps_the_question_from_being_asked(
    book: MemoryCallBook,
) -> None:
    scene = await a_shift(book, "ivr", "anna", template="frage")

    def pause(_: Claimed) -> None:
        scene.roster.pause("anna")

    book.refuse = pause
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(20)
    assert scene.orders("place") == []


async def test_whoever_pressed_1_while_nobody_is_free_hears_the_apology_within_two_seconds(
    book: MemoryCallBook,
) -> None:
    scene = await a_shift(book, "ivr", "anna", template="frage", lines=2)
    scene.people = {1: PRESSES, 2: replace(PRESSES, listens=7.3)}
    book.plan(2)
    async with scene.at_work():
        await scene.clock.run(40)
    assert scene.orders("bridge") == [("1-1", "anna")]
    (sorry,) = [asked for asked in scene.carrier.ledger if asked.detail == "sorry (de)"]
    pressed = MONDAY_TEN + timedelta(seconds=1 + 1 + 5 + 7.3)  # signed in, set up, rung, listened
    assert sorry.reference == "2-1"
    assert timedelta(seconds=1) <= sorry.at - pressed <= timedelta(seconds=2)
    assert book.ends("2-1") == ["abandoned"]


async def test_a_message_needs_no_agent_and_takes_as_many_lines_as_it_may(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "message", template="hinweis", lines=3)
    scene.usual = LISTENS
    async with scene.at_work():
        book.plan(7)
        await scene.clock.run(2)
        assert len(scene.orders("place")) == 3
        await scene.clock.run(60)
    assert scene.orders("play") == [(f"{n}-1", "hinweis (de)") for n in range(1, 8)]
    assert [book.ends(f"{n}-1") for n in range(1, 8)] == [["answered"]] * 7


@pytest.mark.parametrize(("detect", "asked"), [("none", ""), ("beside", "beside"), ("first", "first")])
async def test_the_carrier_is_told_when_to_tell_machines_from_people(
    book: MemoryCallBook, detect: str, asked: str
) -> None:
    requests: list[CallRequest] = []
    scene = await a_shift(book, "progressive", "anna", detect=detect)
    inner = scene.carrier.place

    async def place(request: CallRequest) -> None:
        requests.append(request)
        await inner(request)

    scene.carrier.place = place  # type: ignore[method-assign] # to see the whole request
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(5)
    assert [request.detect for request in requests] == [asked]


@pytest.mark.parametrize(("seconds", "outcome"), [(6, "lost"), (11.05, "lost"), (30, "answered")])
async def test_a_call_the_carrier_has_lost_is_over_and_its_agent_free_or_writing(
    book: MemoryCallBook, seconds: float, outcome: str
) -> None:
    scene = await a_shift(book, "progressive", "anna")
    scene.usual = ANSWERS
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(seconds)
        (live,) = scene.dialer.desk.live()
        scene.dialer.on_event(CarrierEvent(live.reference, Kind.LOST, book.clock.now()))
        await scene.clock.run(0.1)
        talked = outcome == "answered"
        assert scene.roster.find("anna").state is (State.WRAP if talked else State.READY)
        assert len(scene.dialer.desk) == 0
    assert book.ends("1-1") == [outcome]


@pytest.mark.parametrize(("text", "outcome"), [("box", "box (de)"), ("", "")])
async def test_an_answering_machine_gets_the_campaigns_neutral_text_or_nothing(
    book: MemoryCallBook, text: str, outcome: str
) -> None:
    scene = await a_shift(book, "progressive", "anna", machine=text)
    scene.usual = MACHINE
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(15)
        assert scene.roster.find("anna").state is State.READY
    assert [said for _, said in scene.orders("play")] == [outcome] * bool(text)
    assert book.ends("1-1") == ["machine"]
    assert scene.orders("hang_up") == [("1-1", "")]


async def test_a_machine_told_apart_late_gives_the_agent_back_and_gets_its_text(book: MemoryCallBook) -> None:
    scene = await a_shift(book, "progressive", "anna", machine="box")
    scene.usual = Customer(Kind.ANSWERED, setup=1, ring=5, patience=60, listens=4)
    book.plan(1)
    async with scene.at_work():
        await scene.clock.run(6.05)
        assert scene.roster.find("anna").state is State.RESERVED
        (live,) = scene.dialer.desk.live()
        scene.dialer.on_event(CarrierEvent(live.reference, Kind.MACHINE, book.clock.now()))
        await scene.clock.run(1)
        assert scene.roster.find("anna").state is State.READY
        await scene.clock.run(20)
    assert book.ends("1-1") == ["machine"]
