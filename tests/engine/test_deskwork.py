"""What agents do by words: every order does what it says, and a wrong one is told with the right form."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from contactd.domain import call as calls
from contactd.domain.agent import State
from contactd.domain.errors import IllegalTransition, InputError
from contactd.domain.happened import CallMoved
from contactd.engine.calls.roster import Roster
from contactd.engine.desk.deskwork import Deskwork
from contactd.store.database import Database
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.engine.dialing import Scene, StoredScene, a_list, a_scene, number, teams_of
from tests.engine.watched import WatchedBook

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=6, talk=600)
_TALK = {"hold", "retrieve", "mute", "unmute"}
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


@pytest.fixture
async def stored(database: Database) -> AsyncIterator[StoredScene]:
    """Give a database to work on."""
    scene = StoredScene(database)
    yield scene
    await scene.commit.close()


async def working(stored: StoredScene, *agents: str, planned: int = 1) -> tuple[Scene, Deskwork]:
    """Plan calls, and build a dialer with these agents and their desk."""
    stored.plan(planned)
    scene = await stored.scene(agents=agents or ("anna",))
    scene.usual = ANSWERS
    return scene, Deskwork(scene.dialer, scene.roster, stored.commit)


async def test_an_agent_signs_in_and_out_and_pauses(stored: StoredScene) -> None:
    scene, desk = await working(stored, planned=0)
    async with scene.at_work():
        assert (await desk.carry_out("anna", "pause", ["lunch"]))["reason"] == "lunch"
        assert (await desk.carry_out("anna", "resume", []))["state"] is State.READY
        assert (await desk.carry_out("anna", "sign-out", []))["state"] is State.OFFLINE
        await desk.carry_out("anna", "sign-in", [])
        await stored.clock.run(1)
        [anna] = await desk.agents()
        assert (anna["agent"], anna["state"], anna["call"], anna["account"]) == ("anna", State.READY, "", "")


async def test_a_call_is_shown_held_muted_and_ended_with_a_callback(stored: StoredScene) -> None:
    scene, desk = await working(stored)
    async with scene.at_work():
        await stored.clock.run(10)
        [anna] = await desk.agents()
        assert (anna["call"], anna["account"], anna["number"]) == ("1-1", "K-1", number(1))
        for order in ("hold", "retrieve", "mute", "unmute"):
            await desk.carry_out("anna", order, [])
            await stored.clock.run(1)
        assert [asked.order for asked in scene.carrier.ledger if asked.order in _TALK] == [
            "hold", "retrieve", "mute", "unmute",
        ]  # fmt: skip
        at = stored.clock.now() + timedelta(days=1)
        shown = await desk.carry_out("anna", "done", ["callback", at.isoformat(), number(1)])
        assert (shown["state"], shown["call"]) == (State.READY, "")
    again = stored.attempt(2)
    assert (again["not_before"], again["wanted"], again["kept_for"]) == (at, number(1), "anna")


async def test_a_desk_shows_the_call_that_is_coming_that_is_talked_in_and_that_is_owed(stored: StoredScene) -> None:
    scene, desk = await working(stored)
    heard: list[State] = []
    desk.listen(lambda agent: heard.append(agent.state))
    async with scene.at_work():
        while (coming := desk.standing("anna")).agent.state is State.READY:
            await stored.clock.run(0.1)
        assert (coming.agent.state, coming.live and coming.live.call.state) == (State.RESERVED, calls.State.BRIDGING)
        await stored.clock.run(7)
        assert desk.standing("anna").wrap_until is None
        await desk.carry_out("anna", "hang-up", [])
        await stored.clock.run(1)
        owing = desk.standing("anna")
        assert owing.live is not None
        assert (owing.live.reference, owing.live.call.state) == ("1-1", calls.State.ENDED)
        assert owing.wrap_until is not None
        with pytest.raises(IllegalTransition):
            await desk.carry_out("anna", "hang-up", [])
        with pytest.raises(IllegalTransition, match="time to write"):
            await desk.carry_out("anna", "extend", [])
        await desk.carry_out("anna", "done", ["dropped"])
        assert desk.standing("anna").live is None
    assert heard[:3] == [State.RESERVED, State.TALK, State.WRAP]


async def test_music_is_told_to_whoever_watches(stored: StoredScene) -> None:
    scene, desk = await working(stored)
    async with scene.at_work():
        await stored.clock.run(10)
        for order in ("hold", "retrieve"):
            await desk.carry_out("anna", order, [])
            await stored.clock.run(1)
    told = [event.stage for event in scene.happened if isinstance(event, CallMoved)]
    assert [stage for stage in told if stage in {"held", "retrieved"}] == ["held", "retrieved"]


async def test_whoever_was_made_up_signs_out_when_a_person_comes_to_the_desk(stored: StoredScene) -> None:
    made_up = {"anna"}

    def seated(agent: str) -> bool:
        sat = agent in made_up
        made_up.discard(agent)
        return sat

    scene, _ = await working(stored, planned=0)
    desk = Deskwork(scene.dialer, scene.roster, stored.commit, seated=seated)
    async with scene.at_work():
        desk.heard("anna")
        assert scene.roster.find("anna").state is State.OFFLINE
        await desk.carry_out("anna", "sign-in", [])
        desk.heard("anna")
        assert scene.roster.find("anna").state is State.READY
        with pytest.raises(InputError):
            desk.heard("nobody")


async def test_a_call_is_transferred_and_a_supervisor_is_shown_to_the_agent(stored: StoredScene) -> None:
    scene, desk = await working(stored, "anna", "berta", "chef")
    async with scene.at_work():
        await stored.clock.run(10)
        await desk.carry_out("chef", "pause", [])
        await desk.carry_out("chef", "listen", ["anna"])
        shown = {row["agent"]: row for row in await desk.agents()}
        assert shown["anna"]["heard_by"] == ["chef"]
        await desk.carry_out("chef", "stop-listening", [])
        await desk.carry_out("anna", "transfer", ["berta"])
        await stored.clock.run(1)
        shown = {row["agent"]: row for row in await desk.agents()}
        assert (shown["anna"]["state"], shown["berta"]["call"]) == (State.WRAP, "1-1")
        with pytest.raises(InputError, match="nobody to hear"):
            await desk.carry_out("chef", "listen", ["chef"])


async def test_a_third_person_comes_and_goes_and_another_number_is_dialled(stored: StoredScene) -> None:
    scene, desk = await working(stored)
    async with scene.at_work():
        await stored.clock.run(10)
        await desk.carry_out("anna", "invite", [number(90)])
        await stored.clock.run(10)
        await desk.carry_out("anna", "dismiss", [])
        await stored.clock.run(1)
        assert [reference for reference, _ in scene.orders("invite")] == ["1-1"]
        await desk.carry_out("anna", "dial", ["dropped", number(1)])
        await stored.clock.run(2)
    assert [to for _, to in scene.orders("place")] == [number(1), number(1)]


async def test_what_is_looked_at_is_shown_and_accepted_or_put_off(stored: StoredScene) -> None:
    looked_at = a_list(mode="preview", preview=timedelta(seconds=30))
    stored.book.replace([looked_at.campaign], stored.book.policies)
    stored.plan(2)
    book = WatchedBook(stored.callbook())
    stored.clock.at_rest = book.at_rest
    scene = await a_scene(book, stored.clock, teams=teams_of(looked_at))
    desk = Deskwork(scene.dialer, scene.roster, stored.commit)
    async with scene.at_work():
        await stored.clock.run(5)
        [anna] = await desk.agents()
        assert (anna["looks_at"], anna["account"]) == (1, "K-1")
        await desk.carry_out("anna", "skip", ["in court"])
        await stored.clock.run(2)
        await desk.carry_out("anna", "accept", [])
        await stored.clock.run(2)
    assert scene.orders("place") == [("2-1", number(2))]


async def test_wrong_orders_are_told_with_the_right_form(stored: StoredScene) -> None:
    scene, desk = await working(stored)
    async with scene.at_work():
        for agent, order, words, told in (
            ("nobody", "pause", [], "nobody"),
            ("anna", "dance", [], "is nothing an agent does; there is: sign-in"),
            ("anna", "skip", [], "write it like: skip WHY"),
            ("anna", "hold", ["on"], "write it like: hold"),
            ("anna", "done", ["well"], "is no outcome of a call; there is: promise"),
            ("anna", "done", ["promise", "soon"], "is no time"),
            ("anna", "done", ["promise", "2026-12-01"], "tells no time zone"),
        ):
            with pytest.raises(InputError, match=told):
                await desk.carry_out(agent, order, words)
        with pytest.raises(IllegalTransition):
            await desk.carry_out("anna", "done", ["promise"])


async def test_where_nobody_is_called_nobody_signs_in(stored: StoredScene) -> None:
    desk = Deskwork(None, Roster([], stored.clock), stored.commit)
    with pytest.raises(InputError, match='backend in \\[telephony\\] is "none"'):
        await desk.carry_out("anna", "sign-in", [])
    assert await desk.agents() == []
