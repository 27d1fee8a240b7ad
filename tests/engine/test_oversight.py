"""The floor at a glance: who does what, which calls are up, how each list is dialled, and what a supervisor may do."""

from collections.abc import AsyncIterator

import pytest

from contactd.domain.agent import State
from contactd.domain.errors import InputError
from contactd.domain.pacing import Reason
from contactd.domain.phrase import Phrase
from contactd.engine.calls.roster import Roster
from contactd.engine.desk.oversight import Oversight
from contactd.engine.desk.steering import Steering
from contactd.store.database import Database
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.engine.dialing import CAMPAIGN, Scene, StoredScene, a_list, a_scene, teams_of
from tests.engine.watched import WatchedBook

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=6, talk=600)
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


@pytest.fixture
async def stored(database: Database) -> AsyncIterator[StoredScene]:
    """Give a database to work on."""
    scene = StoredScene(database)
    yield scene
    await scene.commit.close()


async def watched(
    stored: StoredScene, *agents: str, mode: str = "power", ratio: float = 3.0
) -> tuple[Scene, Oversight]:
    """Let a team dial five customers by a ratio, and look at it."""
    one = a_list(mode=mode, ratio=ratio)
    stored.book.replace([one.campaign], stored.book.policies)
    stored.plan(5)
    book = WatchedBook(stored.callbook())
    stored.clock.at_rest = book.at_rest
    scene = await a_scene(book, stored.clock, agents=agents, teams=teams_of(one))
    scene.usual = ANSWERS
    return scene, Oversight(scene.dialer, scene.roster, stored.commit, stored.clock)


async def test_agents_calls_and_lists_are_shown_as_they_are(stored: StoredScene) -> None:
    scene, sight = await watched(stored, "anna", "chef", mode="progressive")
    moved: list[None] = []
    sight.listen(lambda: moved.append(None))
    scene.roster.pause("chef", "lunch")
    async with scene.at_work():
        await stored.clock.run(10)
        anna, chef = sight.seats()
        assert (anna.state, anna.call, anna.campaign, anna.heard_by) == (State.TALK, "1-1", CAMPAIGN, ())
        assert (chef.state, chef.reason, chef.call) == (State.PAUSE, "lunch", "")
        [call] = sight.calls()
        assert (call.reference, call.account_id, call.step, call.state, call.agent) == (
            "1-1", 1, "anruf", "connected", "anna",
        )  # fmt: skip
        [listed] = sight.lists()
        assert (listed.campaign, listed.mode, listed.level) == (CAMPAIGN, "progressive", None)
        assert len(moved) >= 3, "paused, reserved, talking"
        assert not sight.trouble()
        [told] = (await sight.why())[""]
        assert told["reason"] == "dialling"


async def test_a_supervisor_hears_an_agent_and_hears_no_more(stored: StoredScene) -> None:
    scene, sight = await watched(stored, "anna", "chef")
    scene.roster.pause("chef")
    async with scene.at_work():
        await stored.clock.run(10)
        await sight.hear("chef", "anna", "whisper")
        assert sight.seats()[0].heard_by == ("chef",)
        await sight.hear_no_more("chef")
        assert sight.seats()[0].heard_by == ()
        scene.roster.sign_out("chef")
        for agent in ("anna", "chef"):
            with pytest.raises(InputError, match="nobody to hear"):
                await sight.hear("anna", agent, "listen")


async def test_a_level_that_people_set_takes_effect_on_the_next_decision(stored: StoredScene) -> None:
    scene, sight = await watched(stored, "anna", "bert")
    scene.dialer.levels[CAMPAIGN] = 0.0
    async with scene.at_work():
        await stored.clock.run(3)
        [listed] = sight.lists()
        assert (listed.level, listed.reason, scene.dialer.status()["calls"]) == (0.0, Reason.LEVEL_ZERO, {})
        with stored.database.transaction() as connection:
            Steering(connection, who="kim", by="Kim", now=stored.clock.now()).set_level(CAMPAIGN, 0.5, "")
        await sight.look_up_levels()
        await stored.clock.run(3)
        assert (sight.lists()[0].level, len(sight.calls())) == (0.5, 2)


async def test_nobody_is_called_where_there_is_no_dialer(stored: StoredScene) -> None:
    sight = Oversight(None, Roster([], stored.clock), stored.commit, stored.clock)
    await sight.look_up_levels()
    await sight.hear_no_more("chef")
    assert (sight.seats(), sight.calls(), sight.lists(), sight.trouble(), await sight.why()) == (
        [],
        [],
        [],
        Phrase(),
        {},
    )
    with pytest.raises(InputError, match="nobody to hear"):
        await sight.hear("chef", "anna", "listen")
