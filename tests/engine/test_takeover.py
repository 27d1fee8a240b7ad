"""A team changes hands: the new owner takes its calls over, the old one lets them go and orders nothing more."""

from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from contactd.domain.agent import State
from contactd.domain.call import Disposition
from contactd.store.calls import Unfinished
from contactd.telephony.base import CallRequest, CarrierEvent, Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_scene
from tests.engine.test_dialer_life import left_behind

TALKS = Customer(Kind.ANSWERED, setup=1, ring=3, patience=60, talk=600)


class OwnerByHand:
    """Owns what the test says."""

    def __init__(self) -> None:
        self.epochs: dict[str, int] = {"": 1}
        self.placing = True
        self.doubt = False
        self.given_up = False
        self.told: Callable[[], None] = lambda: None

    def epoch(self, team: str) -> int | None:
        """Answer as told."""
        return self.epochs.get(team)

    def may_place(self, team: str) -> bool:
        """Answer as told."""
        return self.placing and team in self.epochs

    def in_doubt(self) -> bool:
        """Answer as told."""
        return self.doubt

    async def run(self, told: Callable[[], None]) -> None:
        """Keep whom to tell."""
        self.told = told

    async def give_up(self) -> None:
        """Take note."""
        self.given_up = True

    def lose(self) -> None:
        """Let the team be another's."""
        self.epochs.clear()
        self.told()


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


@pytest.fixture
def owner() -> OwnerByHand:
    """Give an owner whom the test moves."""
    return OwnerByHand()


async def scene_of(book: MemoryCallBook, owner: OwnerByHand, *names: str) -> Scene:
    """Build a scene with customers who talk for long."""
    scene = await a_scene(book, book.clock, agents=names or ("anna",), owner=owner)
    scene.usual = TALKS
    return scene


async def test_nothing_is_placed_for_a_team_that_is_anothers_or_not_certainly_ours(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    book.plan(2)
    owner.epochs.clear()
    scene = await scene_of(book, owner)
    async with scene.at_work():
        await scene.clock.run(10)
        assert scene.orders("place") == []
        owner.epochs[""], owner.placing = 1, False
        await scene.clock.run(10)
        assert scene.orders("place") == []
        owner.placing = True
        await scene.clock.run(10)
        assert len(scene.orders("place")) == 1


async def test_a_lease_that_ends_after_the_intent_gives_the_attempt_back(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    book.plan(1)
    scene = await scene_of(book, owner)

    def expire(_: object) -> None:
        owner.placing = False

    book.refuse = expire
    async with scene.at_work():
        await scene.clock.run(5)
    assert scene.orders("place") == []
    assert len(book.released) == 1
    assert scene.roster.find("anna").state is State.READY


async def test_whoever_loses_a_team_lets_its_calls_go_and_the_agent_still_hands_in(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    book.plan(2)
    scene = await scene_of(book, owner, "anna", "berta")
    scene.people = {2: Customer(Kind.ANSWERED, setup=1, ring=20, talk=600)}
    async with scene.at_work():
        await scene.clock.run(10)
        assert scene.roster.find("anna").state is State.TALK
        owner.lose()
        assert scene.dialer.status()["calls"] == {}
        assert scene.dialer.status()["teams"] == []
        assert scene.roster.find("anna").state is State.WRAP
        await scene.dialer.desk.dispose("anna", Disposition.PROMISE)
        await scene.clock.run(60)
        assert (scene.orders("hang_up"), len(scene.orders("bridge"))) == ([], 1)
        assert set(await scene.carrier.live()) == {"1-1"}  # the second has hung up by themselves
    assert [item.disposition for item in book.handed_in] == ["promise"]
    assert (book.ends("1-1"), book.ends("2-1")) == ([], [])


async def test_whoever_has_slept_orders_nothing_before_it_knows_what_is_still_its_own(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    book.plan(2)
    scene = await scene_of(book, owner, "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(2)
        owner.doubt = True
        await scene.clock.run(10)  # both answer
        assert scene.orders("bridge") == []
        owner.doubt = False
        owner.told()
        await scene.clock.run(1)
        assert len(scene.orders("bridge")) == 2


async def test_an_order_given_before_the_sleep_waits_and_is_dropped_with_the_call(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    book.plan(1)
    scene = await scene_of(book, owner)
    async with scene.at_work():
        await scene.clock.run(2)
        owner.doubt = True
        [live] = scene.dialer.desk.live()
        scene.dialer.desk.on_event(CarrierEvent("1-1", Kind.ANSWERED, scene.clock.now()))
        await scene.clock.run(1)
        assert live.call.state == "bridging"
        owner.doubt = False
        owner.lose()
        await scene.clock.run(5)
        assert scene.orders("bridge") == []
        assert scene.roster.find("anna").state is State.READY


async def test_a_team_that_comes_back_is_taken_over_with_what_is_still_up(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    owner.epochs.clear()
    row = {"ringing_at": 1, "answered_at": 2, "connected_at": 2}
    book.left = [left_behind(1, seconds=5, agent="anna", row=row), left_behind(2, seconds=5)]
    scene = await scene_of(book, owner)
    await scene.carrier.place(CallRequest("1-1", 1, book.left[0].row.number, "", 30))
    async with scene.at_work():
        await scene.clock.run(3)
        assert scene.dialer.status()["calls"] == {}
        owner.epochs[""] = 2
        await scene.clock.run(1)
        assert scene.dialer.status()["calls"] == {"connected": 1}
        assert scene.roster.find("anna").state is State.TALK
        assert book.ends("2-1") == ["lost"]


async def test_an_agent_who_has_left_a_call_to_a_third_person_is_not_put_back_on_it(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    row = {"ringing_at": 1, "answered_at": 2, "connected_at": 2}
    book.left = [left_behind(1, seconds=5, agent="anna", row=row)]
    scene = await scene_of(book, owner)
    await scene.carrier.place(CallRequest("1-1", 1, book.left[0].row.number, "", 30))
    unfinished = book.unfinished

    async def told_meanwhile(campaigns: Collection[str]) -> list[Unfinished]:
        scene.dialer.on_event(CarrierEvent("1-1", Kind.OUTSIDE, scene.clock.now()))
        return await unfinished(campaigns)

    book.unfinished = told_meanwhile  # type: ignore[method-assign] # the carrier speaks at this moment
    async with scene.at_work():
        await scene.clock.run(1)
        assert scene.dialer.status()["calls"] == {"outside": 1}
        assert scene.roster.find("anna").state is State.READY
        scene.dialer.on_event(CarrierEvent("1-1", Kind.THIRD_GONE, scene.clock.now()))
        await scene.clock.run(1)
    assert scene.orders("hang_up") == [("1-1", "")]
    assert book.ends("1-1") == ["answered"]
    assert book.entries["1-1"][-1].row.agent == "anna"


async def test_what_the_carrier_reports_while_calls_are_taken_over_is_not_lost(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    book.left = [left_behind(1, seconds=5), left_behind(2, seconds=5)]
    scene = await scene_of(book, owner)
    unfinished = book.unfinished

    async def busy_meanwhile(campaigns: Collection[str]) -> list[Unfinished]:
        for kind in (Kind.RINGING, Kind.BUSY):
            scene.dialer.on_event(CarrierEvent("1-1", kind, scene.clock.now()))
        scene.dialer.on_event(CarrierEvent("", Kind.AGENT_UP, scene.clock.now(), {"agent": "anna"}))
        return await unfinished(campaigns)

    book.unfinished = busy_meanwhile  # type: ignore[method-assign] # the carrier speaks at this moment
    async with scene.at_work():
        await scene.clock.run(2)
    assert (book.ends("1-1"), book.ends("2-1")) == (["busy"], ["lost"])


async def test_a_team_lost_while_it_is_taken_over_is_let_go_again(book: MemoryCallBook, owner: OwnerByHand) -> None:
    book.left = [left_behind(1, seconds=5)]
    scene = await scene_of(book, owner)
    await scene.carrier.place(CallRequest("1-1", 1, book.left[0].row.number, "", 30))
    unfinished = book.unfinished

    async def lost_meanwhile(campaigns: Collection[str]) -> list[Unfinished]:
        owner.epochs[""] += 1  # whenever somebody asks
        return await unfinished(campaigns)

    book.unfinished = lost_meanwhile  # type: ignore[method-assign] # another daemon is quicker
    async with scene.at_work():
        await scene.clock.run(0.4)
        assert scene.dialer.status()["calls"] == {}


async def test_a_dialer_that_ends_gives_its_teams_up_and_one_that_crashes_does_not(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    scene = await scene_of(book, owner)
    async with scene.at_work():
        await scene.clock.run(1)
    assert not owner.given_up
    again = await scene_of(book, owner)
    async with again.at_work():
        await again.dialer.drain(1)
        await again.clock.settle()
        assert owner.given_up


async def test_our_calls_of_a_campaign_nobody_has_any_more_are_taken_over_too(
    book: MemoryCallBook, owner: OwnerByHand
) -> None:
    item = left_behind(1, seconds=5)
    book.left = [replace(item, claimed=replace(item.claimed, campaign="gone"))]
    scene = await scene_of(book, owner)
    async with scene.at_work():
        await scene.clock.run(2)
    assert book.ends("1-1") == ["lost"]


async def test_a_call_of_an_earlier_life_that_nobody_knows_is_hung_up_and_no_other(book: MemoryCallBook) -> None:
    book.left = [left_behind(1, seconds=5)]
    scene = await a_scene(book, book.clock)
    scene.usual = TALKS
    for reference in ("1-1", "2-1"):
        await scene.carrier.place(CallRequest(reference, 1, book.left[0].row.number, "", 30))
    async with scene.at_work():
        await scene.clock.run(2)
        assert scene.orders("hang_up") == [("2-1", "")]
        assert await scene.carrier.live() == ["1-1"]
