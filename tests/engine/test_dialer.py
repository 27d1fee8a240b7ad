"""The dialer on a call book in memory: who is called when, who gets the call, and what happens when things go wrong."""

from datetime import timedelta

import pytest

from contactd.domain import agent as agents
from contactd.domain.agent import State
from contactd.domain.call import Disposition
from contactd.domain.campaign import Campaign
from contactd.domain.errors import (
    IllegalTransition,
)
from contactd.domain.happened import CallMoved
from contactd.engine.calls.lists import CallList
from contactd.engine.gate import Refused
from contactd.store.attempts import Claimed
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CALL, CAMPAIGN, MemoryCallBook, a_scene, number

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)
SLOW = Customer(Kind.ANSWERED, setup=1, ring=20, patience=6, talk=60)


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


async def test_one_call_is_placed_for_each_free_agent_and_no_more(book: MemoryCallBook) -> None:
    book.plan(9)
    scene = await a_scene(book, book.clock, agents=("anna", "berta", "clara"))
    scene.roster.pause("clara", "lunch")
    async with scene.at_work():
        await scene.clock.run(5)
    assert [reference for reference, _ in scene.orders("place")] == ["1-1", "2-1"]


async def test_an_answered_call_goes_to_the_longest_free_agent(book: MemoryCallBook) -> None:
    book.plan(2)
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    scene.roster.pause("anna")
    scene.roster.resume("anna")
    scene.people = {1: SLOW, 2: ANSWERS}
    async with scene.at_work():
        await scene.clock.run(40)
    assert scene.orders("bridge") == [("2-1", "berta"), ("1-1", "anna")]
    assert scene.roster.find("berta").state is State.TALK


async def test_an_agent_who_speaks_the_customers_language_goes_before_one_who_does_not(book: MemoryCallBook) -> None:
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    assert scene.roster.reserve("", "fr") == scene.roster.find("anna")
    scene.roster.apply("anna", agents.Event.RELEASED)
    scene.roster.replace(
        [scene.roster.find("anna"), agents.Agent("berta", languages=("fr",))],
    )
    assert scene.roster.reserve("", "fr") == scene.roster.find("berta")


@pytest.mark.parametrize(
    ("fate", "outcome"),
    [
        (Kind.BUSY, "busy"),
        (Kind.NO_ANSWER, "no_answer"),
        (Kind.MACHINE, "machine"),
        (Kind.INVALID, "invalid"),
        (Kind.REJECTED, "rejected"),
        (Kind.FAILED, "failed"),
    ],
)
async def test_a_call_that_reaches_nobody_is_entered_once_with_how_it_ended(
    book: MemoryCallBook, fate: Kind, outcome: str
) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = Customer(fate)
    async with scene.at_work():
        await scene.clock.run(90)
    assert book.ends("1-1") == [outcome]
    assert scene.roster.find("anna").state is State.READY
    assert len(scene.dialer.desk) == 0


async def test_the_next_call_is_placed_as_soon_as_one_has_come_to_nothing(book: MemoryCallBook) -> None:
    book.plan(3)
    scene = await a_scene(book, book.clock)
    scene.usual = Customer(Kind.BUSY, setup=1)
    async with scene.at_work():
        await scene.clock.run(10)
    assert [reference for reference, _ in scene.orders("place")] == ["1-1", "2-1", "3-1"]


async def test_whoever_answers_while_nobody_can_be_free_hears_the_apology_at_once(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(5)
        scene.roster.pause("anna")
        await scene.clock.run(6.5)
        assert scene.orders("play") == [("1-1", "sorry (de)")]
        await scene.clock.run(30)
    assert book.ends("1-1") == ["abandoned"]
    assert scene.dialer.status()["abandoned"] == 1


async def test_nobody_who_answered_waits_longer_than_two_seconds_for_an_agent_who_may_come(
    book: MemoryCallBook,
) -> None:
    book.plan(2)
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    scene.people = {1: ANSWERS, 2: SLOW}
    async with scene.at_work():
        await scene.clock.run(5)
        scene.roster.pause("berta")
        await scene.clock.run(30)
    asked = {asked.order: asked for asked in scene.carrier.ledger if asked.reference == "2-1"}
    (answered,) = {stage.row.answered_at for stage in book.entries["2-1"] if stage.row.ended_at}
    assert answered is not None
    assert timedelta(seconds=1) <= asked["play"].at - answered <= timedelta(seconds=2)
    assert book.ends("2-1") == ["abandoned"]


async def test_an_agent_who_is_free_in_time_takes_the_call_that_waits(book: MemoryCallBook) -> None:
    book.plan(2)
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    scene.people = {1: ANSWERS, 2: SLOW}
    async with scene.at_work():
        await scene.clock.run(5)
        scene.roster.pause("berta")
        await scene.clock.run(16.5)
        scene.roster.resume("berta")
        await scene.clock.run(5)
    assert scene.orders("bridge")[-1] == ("2-1", "berta")


async def test_a_call_placed_for_an_agent_who_pauses_meanwhile_is_not_placed(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)

    def pause(_: Claimed) -> None:
        scene.roster.pause("anna")

    book.refuse = pause
    async with scene.at_work():
        await scene.clock.run(5)
    assert scene.orders("place") == []
    assert [claimed.reference for claimed in book.released] == ["1-1"]


async def test_an_attempt_the_rules_refuse_is_never_placed_and_the_next_one_is(book: MemoryCallBook) -> None:
    book.plan(2)
    book.refuse = lambda claimed: Refused(claimed, "paid_since_planning") if claimed.id == 1 else None
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        await scene.clock.run(5)
    assert scene.orders("place") == [("2-1", number(2))]


async def test_each_team_calls_for_its_own_campaigns_only(book: MemoryCallBook) -> None:
    book.plan(2, CAMPAIGN)
    book.plan(2, "other")
    here, there = (CallList(Campaign(name, (CALL,)), CALL) for name in (CAMPAIGN, "other"))
    teams: dict[str, tuple[CallList, ...]] = {"": (here,), "north": (there,), "idle": ()}
    scene = await a_scene(book, book.clock, agents=("anna",), teams=teams)
    async with scene.at_work():
        await scene.clock.run(3)
    assert [reference for reference, _ in scene.orders("place")] == ["1-1"]


async def test_what_was_planned_meanwhile_is_called_within_seconds_and_at_once_when_announced(
    book: MemoryCallBook,
) -> None:
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        await scene.clock.run(60)
        book.plan(1)
        scene.dialer.notify()
        await scene.clock.settle()
        assert len(scene.orders("place")) == 1
        await scene.clock.run(120)
        scene.roster.resume("anna")
        book.plan(1)
        await scene.clock.run(6)
        assert len(scene.orders("place")) == 1  # anna still owes the outcome of her first conversation


async def test_the_agents_outcome_is_entered_after_the_end_and_makes_them_free(book: MemoryCallBook) -> None:
    book.plan(2)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(75)
        assert scene.roster.find("anna").state is State.WRAP
        assert book.ends("1-1") == ["answered"]
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
        assert scene.roster.find("anna").state is State.READY
        await scene.clock.run(1)
    (item,) = book.handed_in
    assert (item.disposition, item.agent) == ("promise", "anna")
    assert item.conversation_at is not None
    assert item.suppress is None
    assert scene.orders("place")[-1][0] == "2-1"


@pytest.mark.parametrize(
    ("disposition", "reason"), [(Disposition.WRONG_PERSON, "wrong_number"), (Disposition.DROPPED, "")]
)
async def test_when_the_debtor_was_not_spoken_to_no_cool_down_begins(
    book: MemoryCallBook, disposition: Disposition, reason: str
) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(75)
        await scene.dialer.desk.dispose("anna", disposition)
    (item,) = book.handed_in
    assert item.conversation_at is None
    assert (item.suppress.reason if item.suppress else "") == reason


async def test_an_outcome_handed_in_during_the_call_ends_it_first(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(20)
        await scene.dialer.desk.dispose("anna", Disposition.REFUSES)
        await scene.clock.settle()
        assert book.ends("1-1") == ["answered"]
        assert scene.orders("hang_up") == [("1-1", "")]
        with pytest.raises(IllegalTransition, match="has no call to hand in"):
            await scene.dialer.desk.dispose("anna", Disposition.PROMISE)


async def test_whoever_writes_too_long_is_paused_and_owes_the_outcome_before_the_next_call(
    book: MemoryCallBook,
) -> None:
    book.plan(2)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(150)
        anna = scene.roster.find("anna")
        assert (anna.state, anna.reason) == (State.PAUSE, "nachbearbeitung")
        with pytest.raises(IllegalTransition, match="yet to say what their call achieved"):
            scene.dialer.desk.resume("anna")
        with pytest.raises(IllegalTransition, match="yet to say what their call achieved"):
            scene.dialer.desk.sign_in("anna")
        await scene.dialer.desk.dispose("anna", Disposition.PAID)
        scene.dialer.desk.resume("anna")
        await scene.clock.run(1)
    assert len(scene.orders("place")) == 2


async def test_everybody_who_watches_hears_each_stage_of_a_call(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(90)
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
    assert [(moved.stage, moved.how_ended) for moved in scene.happened if isinstance(moved, CallMoved)] == [
        ("placed", ""),
        ("answered", ""),
        ("connected", ""),
        ("ended", "answered"),
        ("disposed", "promise"),
    ]
