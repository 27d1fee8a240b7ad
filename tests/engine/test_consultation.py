"""A conversation is handed over, a third person brought in, a supervisor listens: who goes on, and who owes what."""

import pytest

from contactd.domain.agent import Event, State
from contactd.domain.call import Disposition
from contactd.domain.errors import ChannelUnavailable, IllegalTransition, InputError
from contactd.domain.happened import CallMoved, Supervised
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CALLER_ID, MemoryCallBook, Scene, a_scene
from tests.engine.disturbed import disturbed

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=6, talk=60)
OUTSIDE = "+493023125999"


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


async def talking(book: MemoryCallBook, *agents: str) -> Scene:
    """Build a scene in which anna will talk after ten seconds."""
    book.plan(1)
    scene = await a_scene(book, book.clock, agents=agents or ("anna",))
    scene.usual = ANSWERS
    return scene


async def test_a_person_is_handed_over_to_a_colleague_and_both_write_down_their_part(book: MemoryCallBook) -> None:
    scene = await talking(book, "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(10)
        scene.dialer.consultation.hand_over("anna", "berta")
        await scene.clock.run(1)
        assert scene.orders("bridge") == [("1-1", "anna"), ("1-1", "berta")]
        assert [scene.roster.find(name).state for name in ("anna", "berta")] == [State.WRAP, State.TALK]
        await scene.dialer.desk.dispose("anna", Disposition.HARDSHIP)
        assert scene.roster.find("anna").state is State.READY
        await scene.clock.run(90)
        await scene.dialer.desk.dispose("berta", Disposition.PLAN)
    assert book.ends("1-1") == ["answered"]
    assert [(item.agent, item.disposition, item.beside) for item in book.handed_in] == [
        ("anna", "hardship", True),
        ("berta", "plan", False),
    ]
    assert book.entries["1-1"][-1].row.agent == "berta"


async def test_a_person_on_hold_is_handed_over_as_well(book: MemoryCallBook) -> None:
    scene = await talking(book, "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(10)
        await scene.dialer.consultation.hold("anna")
        await scene.clock.run(1)
        scene.dialer.consultation.hand_over("anna", "berta")
        await scene.clock.run(1)
        assert scene.roster.find("berta").state is State.TALK


async def test_only_who_talks_hands_over_and_only_to_who_is_free(book: MemoryCallBook) -> None:
    scene = await talking(book, "anna", "berta")
    async with scene.at_work():
        consultation = scene.dialer.consultation
        with pytest.raises(IllegalTransition, match="has no call"):
            consultation.hand_over("anna", "berta")
        await scene.clock.run(10)
        scene.roster.pause("berta")
        with pytest.raises(IllegalTransition, match="not free"):
            consultation.hand_over("anna", "berta")
        with pytest.raises(InputError):
            consultation.hand_over("anna", "nobody")
        assert scene.roster.find("anna").state is State.TALK


async def test_a_colleague_whose_telephone_dies_meanwhile_leaves_the_person_to_somebody_else(
    book: MemoryCallBook,
) -> None:
    scene = await talking(book, "anna", "berta", "carla")
    async with scene.at_work():
        await scene.clock.run(10)
        scene.dialer.consultation.hand_over("anna", "berta")
        scene.roster.apply("berta", Event.LEG_DOWN)
        await scene.clock.run(1)
        assert scene.roster.find("carla").state is State.TALK
    assert book.ends("1-1") in ([], ["answered"])


async def test_a_third_person_joins_and_the_agent_leaves_the_two(book: MemoryCallBook) -> None:
    scene = await talking(book)
    async with scene.at_work():
        await scene.clock.run(10)
        consultation = scene.dialer.consultation
        await consultation.invite("anna", OUTSIDE)
        await consultation.dismiss("anna")
        await consultation.invite("anna", OUTSIDE)
        stages = [event.stage for event in scene.happened if isinstance(event, CallMoved)]
        assert [stage for stage in stages if "third" in stage] == ["third_joined", "third_gone", "third_joined"]
        assert scene.orders("invite") == [("1-1", f"{OUTSIDE} {CALLER_ID}")] * 2
        await consultation.leave("anna")
        assert scene.roster.find("anna").state is State.WRAP
        await scene.dialer.desk.dispose("anna", Disposition.REPRESENTED)
        assert scene.roster.find("anna").state is State.READY
        assert len(scene.dialer.desk) == 1
        await scene.clock.run(90)
    assert book.ends("1-1") == ["answered"]
    assert book.entries["1-1"][-1].row.agent == "anna"


async def test_whoever_is_left_alone_by_the_third_person_is_hung_up(book: MemoryCallBook) -> None:
    scene = await talking(book)
    async with scene.at_work():
        await scene.clock.run(10)
        await scene.dialer.consultation.invite("anna", OUTSIDE)
        await scene.dialer.consultation.leave("anna")
        await scene.carrier.dismiss("1-1")
        await scene.clock.run(1)
        assert scene.orders("hang_up") == [("1-1", "")]
    assert book.ends("1-1") == ["answered"]


async def test_a_person_on_hold_is_left_to_the_third_one_as_well(book: MemoryCallBook) -> None:
    scene = await talking(book)
    async with scene.at_work():
        await scene.clock.run(10)
        await scene.dialer.consultation.invite("anna", OUTSIDE)
        await scene.dialer.consultation.hold("anna")
        await scene.dialer.consultation.leave("anna")
        assert scene.roster.find("anna").state is State.WRAP
        await scene.carrier.dismiss("1-1")
        await scene.clock.run(1)
        assert scene.orders("hang_up") == [("1-1", "")]
    assert book.ends("1-1") == ["answered"]


async def test_a_supervisor_hears_and_the_agent_sees_it(book: MemoryCallBook) -> None:
    scene = await talking(book, "anna", "berta")
    async with scene.at_work():
        consultation = scene.dialer.consultation
        await scene.clock.run(10)
        with pytest.raises(IllegalTransition, match="pause first"):
            await consultation.supervise("anna", "berta", "listen")
        scene.roster.pause("berta")
        await consultation.supervise("anna", "berta", "whisper")
        assert consultation.supervisors_of("anna") == ["berta"]
        await consultation.unsupervise("berta")
        await consultation.unsupervise("berta")
        assert consultation.supervisors_of("anna") == []
    seen = [event for event in scene.happened if isinstance(event, Supervised)]
    assert seen == [Supervised("anna", "berta", "whisper"), Supervised("anna", "berta", "")]


async def test_a_supervisor_whose_telephone_is_gone_hears_nobody_any_more(book: MemoryCallBook) -> None:
    scene = await talking(book, "anna", "berta")
    async with scene.at_work():
        consultation = scene.dialer.consultation
        await scene.clock.run(10)
        scene.roster.pause("berta")
        await consultation.supervise("anna", "berta", "listen")
        await scene.carrier.unseat("berta")
        assert consultation.supervisors_of("anna") == []
    seen = [event for event in scene.happened if isinstance(event, Supervised)]
    assert seen == [Supervised("anna", "berta", "listen"), Supervised("anna", "berta", "")]


async def test_who_turns_to_another_agent_is_heard_of_by_the_first_one_too(book: MemoryCallBook) -> None:
    scene = await talking(book, "anna", "berta", "carla")
    async with scene.at_work():
        consultation = scene.dialer.consultation
        scene.roster.pause("carla")
        await consultation.supervise("anna", "carla", "listen")
        await consultation.supervise("berta", "carla", "listen")
        assert (consultation.supervisors_of("anna"), consultation.supervisors_of("berta")) == ([], ["carla"])
    seen = [(event.agent, event.how) for event in scene.happened if isinstance(event, Supervised)]
    assert seen == [("anna", "listen"), ("anna", ""), ("berta", "listen")]


async def test_who_cannot_hear_another_agent_hears_nobody(book: MemoryCallBook) -> None:
    book.plan(1)
    scene, carrier = await disturbed(book, "anna", "berta", "carla")
    async with scene.at_work():
        consultation = scene.dialer.consultation
        scene.roster.pause("carla")
        await consultation.supervise("anna", "carla", "listen")
        carrier.faults["supervise"] = ChannelUnavailable("no telephone")
        with pytest.raises(ChannelUnavailable):
            await consultation.supervise("berta", "carla", "listen")
        assert consultation.supervisors_of("anna") == consultation.supervisors_of("berta") == []


async def test_an_agent_who_talks_is_muted(book: MemoryCallBook) -> None:
    scene = await talking(book)
    async with scene.at_work():
        await scene.clock.run(10)
        await scene.dialer.consultation.mute("anna", muted=True)
        await scene.dialer.consultation.mute("anna", muted=False)
        assert scene.orders("mute") == scene.orders("unmute") == [("", "anna")]
