"""Several lists for one team: the highest priority first, equals by weight, and what a reload changes."""

from collections import Counter
from collections.abc import Sequence

import pytest

from contactd.domain.account import Channel
from contactd.domain.agent import Agent, State
from contactd.engine.calls.dialer import Line
from contactd.engine.calls.lists import CallList, Turns, lists_of
from contactd.engine.calls.pacer import Dialling
from contactd.store.attempts import Claimed
from contactd.store.calls import CallRow, Unfinished
from contactd.telephony.base import CallRequest, Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CALL, CAMPAIGN, MemoryCallBook, a_list, a_scene, teams_of

BUSY = Customer(Kind.BUSY, setup=1)
ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=10, patience=6, talk=60)
RINGS = Customer(Kind.NO_ANSWER, setup=1)


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


def campaigns_of(book: MemoryCallBook, count: int, campaigns: Sequence[str]) -> Counter[str]:
    """Count the calls of each campaign among the first ones; each was planned a hundred times, in this order."""
    references = list(book.entries)[:count]
    return Counter(campaigns[(int(reference.split("-")[0]) - 1) // 100] for reference in references)


async def test_lists_of_equal_priority_share_the_calls_by_their_weights(book: MemoryCallBook) -> None:
    heavy, light = a_list("heavy", weight=3), a_list("light", weight=1)
    book.plan(100, "heavy")
    book.plan(100, "light")
    scene = await a_scene(book, book.clock, agents=("anna", "berta"), teams=teams_of(heavy, light))
    scene.usual = BUSY
    async with scene.at_work():
        await scene.clock.run(60)
    shares = campaigns_of(book, 80, ("heavy", "light"))
    assert 57 <= shares["heavy"] <= 63


async def test_a_higher_priority_goes_first_and_the_others_get_what_it_leaves(book: MemoryCallBook) -> None:
    low, high = a_list("low", weight=9), a_list("high", priority=5)
    book.plan(3, "high")
    book.plan(9, "low")
    scene = await a_scene(book, book.clock, agents=("anna", "berta"), teams=teams_of(low, high))
    scene.usual = RINGS
    async with scene.at_work():
        await scene.clock.run(1)
        assert [reference for reference, _ in scene.orders("place")] == ["1-1", "2-1"]
        await scene.clock.run(31)
        assert [reference for reference, _ in scene.orders("place")][2:] == ["3-1", "4-1"]


async def test_no_agent_waits_because_the_list_of_the_highest_priority_is_empty(book: MemoryCallBook) -> None:
    low, high = a_list("low"), a_list("high", priority=5)
    book.plan(9, "low")
    scene = await a_scene(book, book.clock, agents=("anna", "berta"), teams=teams_of(low, high))
    scene.usual = RINGS
    async with scene.at_work():
        await scene.clock.settle()
        assert len(scene.orders("place")) == 2


async def test_a_message_beside_a_list_for_agents_takes_none_of_their_calls(book: MemoryCallBook) -> None:
    spoken, said = a_list("spoken"), a_list("said", mode="message", template="hinweis", lines=4, priority=9)
    book.plan(9, "spoken")
    book.plan(9, "said")
    scene = await a_scene(book, book.clock, agents=("anna", "berta"), teams=teams_of(spoken, said))
    scene.usual = RINGS
    async with scene.at_work():
        await scene.clock.run(2)
        placed = Counter(int(reference.split("-")[0]) > 9 for reference, _ in scene.orders("place"))
        assert placed == {False: 2, True: 4}
        assert scene.dialer.status()["in_flight"] == 2


async def test_no_more_lines_are_taken_than_there_are_whoever_wants_them(book: MemoryCallBook) -> None:
    spoken, said = a_list("spoken"), a_list("said", mode="message", template="hinweis", lines=4)
    book.plan(9, "spoken")
    book.plan(9, "said")
    line = Line("", 30.0, dialling=Dialling(trunks=3))
    scene = await a_scene(book, book.clock, agents=("anna", "berta"), teams=teams_of(spoken, said), line=line)
    scene.usual = RINGS
    async with scene.at_work():
        await scene.clock.run(20)
        assert len(scene.orders("place")) == 3


async def test_an_agent_whom_a_reload_gives_to_another_team_is_called_for_there(book: MemoryCallBook) -> None:
    near, far = a_list("near"), a_list("far")
    book.plan(9, "near")
    book.plan(9, "far")
    scene = await a_scene(book, book.clock, agents=[Agent("anna", team="here")], teams={"here": [near], "there": [far]})
    scene.usual = BUSY
    async with scene.at_work():
        await scene.clock.run(3)
        scene.roster.replace([Agent("anna", team="there")])
        await scene.clock.run(5)
        before = len(scene.orders("place"))
        await scene.clock.run(20)
        placed = [int(reference.split("-")[0]) for reference, _ in scene.orders("place")]
    assert placed[0] == 1
    assert len(placed) > before
    assert set(placed[before:]) <= set(range(10, 19))


async def test_all_teams_together_take_no_more_lines_than_there_are(book: MemoryCallBook) -> None:
    near, far = a_list("near"), a_list("far")
    book.plan(9, "near")
    book.plan(9, "far")
    people = [Agent(f"{team}-{number}", team=team) for team in ("here", "there") for number in range(3)]
    line = Line("", 30.0, dialling=Dialling(trunks=4))
    scene = await a_scene(book, book.clock, agents=people, teams={"here": [near], "there": [far]}, line=line)
    scene.usual = RINGS
    async with scene.at_work():
        await scene.clock.run(20)
        assert len(scene.orders("place")) == 4
        assert list(scene.dialer.looks()["there"].decisions.values()) == [(0, "trunks_full")]


async def test_a_message_that_was_being_heard_before_a_crash_goes_on(book: MemoryCallBook) -> None:
    said, now = a_list(mode="message", template="hinweis"), book.clock.now()
    claimed = Claimed(5, 1, 5, 5, CAMPAIGN, "anruf", Channel.CALL, 1, 1, now)
    book.left = [Unfinished(claimed, CallRow(5, "+493023125005", "", now, ringing_at=now, answered_at=now))]
    scene = await a_scene(book, book.clock, teams=teams_of(said))
    scene.usual = Customer(Kind.ANSWERED, setup=0.1, ring=0.1, patience=20)
    await scene.carrier.place(CallRequest("5-1", 5, "+493023125005", "", 30))
    await scene.clock.run(0.3)
    async with scene.at_work():
        assert scene.dialer.desk.states() == {"playing": 1}
        await scene.clock.run(30)
    assert book.ends("5-1") == ["answered"]
    assert scene.orders("play") == []


async def test_a_reload_takes_effect_at_once_and_finishes_what_is_under_way(book: MemoryCallBook) -> None:
    teams: dict[str, tuple[CallList, ...]] = dict(teams_of(a_list("old")))
    book.plan(9, "old")
    book.plan(9, "new")
    scene = await a_scene(book, book.clock, teams=teams)
    scene.people = {1: ANSWERS}
    scene.usual = RINGS
    async with scene.at_work():
        await scene.clock.run(2)
        teams[""] = (a_list("new"),)
        book.steps[a_list("new").key] = CALL
        await scene.clock.run(12)
        assert scene.orders("bridge") == [("1-1", "anna")]
        await scene.clock.run(70)
        scene.roster.sign_out("anna")
        teams.clear()
        await scene.clock.run(5)
    assert book.ends("1-1") == ["answered"]
    assert [reference for reference, _ in scene.orders("place")] == ["1-1"]


async def test_a_reload_brings_a_new_team_to_work(book: MemoryCallBook) -> None:
    teams: dict[str, tuple[CallList, ...]] = {}
    book.plan(2, "new")
    people = (Agent("anna"), Agent("nora", team="north"))
    scene = await a_scene(book, book.clock, agents=people, teams=teams or {"idle": ()})
    scene.usual = ANSWERS
    scene.dialer._teams_now = lambda: teams_of(a_list("new", team="north"))  # noqa: SLF001 -- as a reload does
    async with scene.at_work():
        await scene.clock.run(15)
        assert scene.roster.find("anna").state is State.READY
    assert scene.orders("bridge") == [("1-1", "nora")]


def test_what_was_served_is_forgotten_in_time_so_that_nobody_catches_up_for_ever() -> None:
    turns, one, two = Turns(), a_list("one"), a_list("two")
    for _ in range(50):
        turns.served(one.key, 10)
    shared = turns.share([one, two], lambda _, given: 400 - given.total())
    assert shared[one.key] >= 100


def test_the_lists_of_campaigns_are_their_calling_steps_by_team() -> None:
    lists = [a_list("low"), a_list("high", priority=3), a_list("north", team="north")]
    found = lists_of(one.campaign for one in lists)
    assert {team: [one.key for one in mine] for team, mine in found.items()} == {
        "": [("high", "anruf"), ("low", "anruf")],
        "north": [("north", "anruf")],
    }
    assert lists_of([]) == {}
    assert found[""][0].is_agentless is False
