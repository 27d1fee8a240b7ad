"""Agents whose telephone or desk goes away at the worst moment, who are kept for a call, and who put people on hold."""

from datetime import timedelta

import pytest

from contactd.domain.account import Channel
from contactd.domain.agent import Agent, Event, State
from contactd.domain.call import Disposition
from contactd.domain.errors import ChannelUnclear, IllegalTransition
from contactd.store.attempts import Claimed
from contactd.store.calls import CallRow, Unfinished
from contactd.telephony.base import CallRequest, CarrierEvent, Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CAMPAIGN, MemoryCallBook, Scene, a_list, a_scene, number, teams_of
from tests.engine.disturbed import disturbed

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)
PRESSES = Customer(Kind.ANSWERED, setup=1, ring=5, patience=9, listens=4, talk=60, presses="1")


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


def telephone(scene: Scene, agent: str, kind: Kind = Kind.AGENT_DOWN) -> None:
    """Let the carrier report how an agent's telephone stands."""
    scene.dialer.on_event(CarrierEvent("", kind, scene.clock.now(), {"agent": agent}))


async def test_a_free_agent_whose_telephone_dies_is_called_for_no_more_until_it_is_back(book: MemoryCallBook) -> None:
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        telephone(scene, "anna")
        book.plan(1)
        await scene.clock.run(10)
        assert scene.roster.find("anna").state is State.PHONE_WAIT
        assert scene.orders("place") == []
        telephone(scene, "anna", Kind.AGENT_UP)
        await scene.clock.run(6)
        assert len(scene.orders("place")) == 1


@pytest.mark.parametrize("colleague", [True, False])
async def test_a_person_about_to_be_bridged_to_a_dead_telephone_gets_somebody_else_or_the_apology(
    book: MemoryCallBook, *, colleague: bool
) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book, *(("anna", "berta") if colleague else ("anna",)))
    scene.usual = ANSWERS
    carrier.faults["bridge"] = ChannelUnclear("time-out")
    async with scene.at_work():
        await scene.clock.run(11.4)
        assert scene.roster.find("anna").state is State.RESERVED
        carrier.faults.clear()
        telephone(scene, "anna")
        await scene.clock.run(2)
        assert scene.roster.find("anna").state is State.PHONE_WAIT
        assert scene.orders("bridge") == ([("1-1", "berta")] if colleague else [])
        assert scene.orders("play") == ([] if colleague else [("1-1", "sorry (de)")])
        await scene.clock.run(90)
    assert book.ends("1-1") == ["answered" if colleague else "abandoned"]


@pytest.mark.parametrize("colleague", [True, False])
@pytest.mark.parametrize("on_hold", [True, False])
async def test_when_a_telephone_dies_in_mid_call_the_person_goes_on_and_the_agent_owes_the_outcome(
    book: MemoryCallBook, *, colleague: bool, on_hold: bool
) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock, agents=("anna", "berta") if colleague else ("anna",))
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(15)
        if on_hold:
            await scene.dialer.consultation.hold("anna")
        telephone(scene, "anna")
        await scene.clock.run(3)
        assert scene.roster.find("anna").state is State.WRAP
        if colleague:
            assert scene.orders("bridge") == [("1-1", "anna"), ("1-1", "berta")]
            assert scene.roster.find("berta").state is State.TALK
        else:
            assert scene.orders("play") == [("1-1", "sorry (de)")]
        with pytest.raises(IllegalTransition):
            scene.dialer.consultation.retrieve("anna").send(None)
        await scene.dialer.desk.dispose("anna", Disposition.DROPPED)
        assert scene.roster.find("anna").state is State.PHONE_WAIT
        if colleague:
            assert scene.roster.find("berta").state is State.TALK
        telephone(scene, "anna", Kind.AGENT_UP)
        assert scene.roster.find("anna").state is State.READY
        await scene.clock.run(70)
        if colleague:
            await scene.dialer.desk.dispose("berta", Disposition.PROMISE)
    assert book.ends("1-1") == ["answered"]
    assert [(item.agent, item.beside) for item in book.handed_in] == (
        [("anna", True), ("berta", False)] if colleague else [("anna", False)]
    )


async def test_a_telephone_that_dies_while_the_outcome_is_written_is_waited_for_afterwards(
    book: MemoryCallBook,
) -> None:
    book.plan(2)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(75)
        assert scene.roster.find("anna").state is State.WRAP
        telephone(scene, "anna")
        assert scene.roster.find("anna").state is State.WRAP
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
        assert scene.roster.find("anna").state is State.PHONE_WAIT
        await scene.clock.run(5)
    assert len(scene.orders("place")) == 1


async def test_an_agent_signs_in_by_being_seated_and_leaves_their_telephone(book: MemoryCallBook) -> None:
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        scene.dialer.desk.sign_in("anna")
        scene.roster.sign_out("anna")
        scene.dialer.desk.sign_in("anna")
        await scene.clock.run(1)
        assert scene.roster.find("anna").state is State.READY
        assert scene.orders("seat")[-1] == ("", "anna")
        scene.roster.sign_out("anna")
        await scene.clock.run(1)
        assert scene.roster.find("anna").leg is False
        scene.dialer.desk.sign_in("anna")
        assert scene.roster.find("anna").state is State.PHONE_WAIT
        await scene.clock.run(1)
        assert scene.roster.find("anna").state is State.READY


async def test_a_carrier_that_cannot_seat_is_no_end_of_the_world(book: MemoryCallBook) -> None:
    scene, carrier = await disturbed(book)
    carrier.faults |= {"seat": ChannelUnclear("time-out"), "unseat": ChannelUnclear("time-out")}
    async with scene.at_work():
        scene.dialer.desk.sign_in("anna")
        await scene.clock.run(1)
        scene.roster.sign_out("anna")
        await scene.clock.run(1)
        assert scene.roster.find("anna").state is State.OFFLINE


async def test_an_agent_puts_the_person_on_hold_and_takes_them_back(book: MemoryCallBook) -> None:
    book.plan(1)
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    desk = scene.dialer.desk
    async with scene.at_work():
        with pytest.raises(IllegalTransition, match="has no call that is connected"):
            await scene.dialer.consultation.hold("anna")
        await scene.clock.run(15)
        await scene.dialer.consultation.hold("anna")
        assert desk.states() == {"hold": 1}
        with pytest.raises(IllegalTransition, match="has no call that is connected"):
            await scene.dialer.consultation.hold("anna")
        await scene.dialer.consultation.retrieve("anna")
        assert desk.states() == {"connected": 1}
        await scene.dialer.consultation.hold("anna")
        await desk.dispose("anna", Disposition.PROMISE)
        await scene.clock.run(1)
    assert book.ends("1-1") == ["answered"]
    assert [order for order, _ in scene.orders("hold")] == ["1-1", "1-1"]


async def test_a_number_whose_last_call_was_abandoned_is_called_only_with_an_agent_kept_for_it(
    book: MemoryCallBook,
) -> None:
    book.plan(1)
    book.abandoned = {1}
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(1)
        assert scene.orders("place") != []
        assert scene.roster.find("anna").state is State.RESERVED
        await scene.clock.run(11)
    assert scene.orders("bridge") == [("1-1", "anna")]


async def test_without_a_free_agent_a_number_whose_last_call_was_abandoned_is_put_off(book: MemoryCallBook) -> None:
    book.plan(1)
    book.abandoned = {1}
    scene = await a_scene(book, book.clock)

    def take_agent(_: Claimed) -> None:
        scene.roster.apply("anna", Event.RESERVED)  # for somebody who called meanwhile

    book.refuse = take_agent
    async with scene.at_work():
        await scene.clock.run(5)
    assert scene.orders("place") == []
    assert timedelta(seconds=50) < book.put_off[1] - book.clock.now() < timedelta(minutes=1)


@pytest.mark.parametrize("wished", [True, False])
@pytest.mark.parametrize("event", [Event.LOST, Event.LEG_DOWN])
async def test_a_call_for_which_an_agent_is_kept_is_ended_when_the_agent_goes(
    book: MemoryCallBook, event: Event, *, wished: bool
) -> None:
    book.plan(1)
    book.abandoned = {1}
    scene = await a_scene(book, book.clock)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(5)
        if wished:
            scene.roster.pause("anna")
        scene.roster.apply("anna", event)
        await scene.clock.run(20)
    assert book.ends("1-1") == ["cancelled"]
    assert scene.orders("hang_up") == [("1-1", "")]


async def test_an_agent_kept_for_whoever_may_press_1_who_goes_is_not_bridged(book: MemoryCallBook) -> None:
    book.plan(1)
    book.abandoned = {1}
    asked = a_list(mode="ivr", template="frage")
    scene = await a_scene(book, book.clock, agents=("anna", "berta"), teams=teams_of(asked))
    scene.usual = PRESSES
    async with scene.at_work():
        await scene.clock.run(8)
        assert scene.roster.find("anna").state is State.RESERVED
        scene.roster.apply("anna", Event.LOST)
        await scene.clock.run(5)
    assert scene.orders("bridge") == [("1-1", "berta")]


async def test_a_message_to_a_number_whose_last_call_was_abandoned_keeps_nobody(book: MemoryCallBook) -> None:
    book.plan(1)
    book.abandoned = {1}
    scene = await a_scene(book, book.clock, teams=teams_of(a_list(mode="message", template="hinweis")))
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(2)
        assert scene.roster.find("anna").state is State.READY
    assert len(scene.orders("place")) == 1


async def test_a_callback_kept_for_an_agent_is_placed_when_they_are_free_and_bridged_to_them(
    book: MemoryCallBook,
) -> None:
    book.plan(1, kept_for="berta")
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    scene.usual = ANSWERS
    scene.roster.pause("berta")
    async with scene.at_work():
        await scene.clock.run(10)
        assert scene.orders("place") == []
        scene.roster.resume("berta")
        await scene.clock.run(20)
    assert scene.orders("bridge") == [("1-1", "berta")]


async def test_a_callback_whose_agent_is_taken_meanwhile_waits_for_them(book: MemoryCallBook) -> None:
    book.plan(1, kept_for="berta")
    scene = await a_scene(book, book.clock, agents=("anna", "berta"))
    inner = book.claim

    async def slow(wanted):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 -- as the book does
        claims = await inner(wanted)
        if claims:
            scene.roster.apply("berta", Event.RESERVED)
        return claims

    book.claim = slow  # type: ignore[method-assign] # a slow store
    async with scene.at_work():
        await scene.clock.run(10)
    assert scene.orders("place") == []
    assert [claimed.id for claimed in book.released] == [1]


async def test_somebody_is_given_an_agent_who_speaks_their_language_if_one_is_free(book: MemoryCallBook) -> None:
    book.plan(2)
    book.languages = {1: "tr", 2: "tr"}
    people = (Agent("anna", languages=("de",)), Agent("cem", languages=("de", "tr")))
    scene = await a_scene(book, book.clock, agents=people)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(15)
    assert scene.orders("bridge") == [("1-1", "cem"), ("2-1", "anna")]


async def test_what_concerns_nobody_we_know_is_ignored(book: MemoryCallBook) -> None:
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        scene.dialer.on_event(CarrierEvent("", Kind.MISSED, book.clock.now(), {"number": number(7)}))
        scene.dialer.on_event(CarrierEvent("9-9", Kind.ANSWERED, book.clock.now()))
        telephone(scene, "zora")
        telephone(scene, "")
        await scene.clock.run(2)
    assert scene.orders("place") == []


async def test_a_call_adopted_with_an_agent_nobody_knows_any_more_ends_like_any_other(book: MemoryCallBook) -> None:
    now = book.clock.now()
    claimed = Claimed(5, 1, 5, 5, CAMPAIGN, "anruf", Channel.CALL, 1, 1, now)
    row = CallRow(5, number(5), "", now, ringing_at=now, answered_at=now, connected_at=now, agent="gone")
    book.left = [Unfinished(claimed, row)]
    scene = await a_scene(book, book.clock)
    scene.usual = Customer(Kind.ANSWERED, setup=0.1, ring=0.1, patience=20)
    await scene.carrier.place(CallRequest("5-1", 5, number(5), "", 30))
    await scene.clock.run(0.3)
    async with scene.at_work():
        await scene.clock.run(30)
        assert len(scene.dialer.desk) == 0
        assert scene.happened != []
    assert book.ends("5-1") == ["answered"]
