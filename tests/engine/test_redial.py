"""Another number of the account, dialled by the agent: at once, by the rules, and for nobody else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.agent import Event, State
from contactd.domain.call import Disposition
from contactd.domain.errors import IllegalTransition, InputError, StoreConflict
from contactd.domain.happened import AttemptMoved
from contactd.domain.policy import Cap, Policy
from contactd.domain.queueing import Reach
from contactd.engine.calls.callbook import Dial, Wanted
from contactd.engine.gate import Refused
from contactd.store import attempts, call_queue
from contactd.store.attempts import Claimed
from contactd.store.call_queue import CallBack
from contactd.store.database import Database
from contactd.store.schema import account, attempt
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CAMPAIGN, OWNER, MemoryCallBook, Scene, StoredScene, a_list, a_scene, number, teams_of

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=6, talk=10)
OTHER = number(77)
FREE = Policy("free", default_timezone="Europe/Berlin")


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


@pytest.fixture
async def stored(database: Database) -> AsyncIterator[StoredScene]:
    """Give a database to work on, each kind in turn."""
    scene = StoredScene(database)
    yield scene
    await scene.commit.close()


async def after_a_call(book: MemoryCallBook, *agents: str) -> Scene:
    """Build a scene in which the first agent is soon to say what a call achieved."""
    book.plan(1)
    scene = await a_scene(book, book.clock, agents=agents or ("anna",))
    scene.usual = ANSWERS
    return scene


async def test_another_number_is_called_at_once_for_the_agent_who_asked(book: MemoryCallBook) -> None:
    scene = await after_a_call(book, "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(20)
        await scene.dialer.redial.dial("anna", Disposition.WRONG_PERSON, OTHER)
        assert scene.roster.find("anna").state is State.RESERVED
        await scene.clock.run(7)
        assert scene.orders("place")[-1] == ("2000-1", OTHER)
        assert scene.orders("bridge")[-1] == ("2000-1", "anna")
        assert scene.roster.find("berta").state is State.READY
    (item,) = book.dialled
    assert (item.attempt_id, item.kept_for, item.number) == (1, "anna", OTHER)
    assert [one.disposition for one in book.handed_in] == [Disposition.WRONG_PERSON]


async def test_a_rule_that_forbids_it_leaves_the_agent_free(book: MemoryCallBook) -> None:
    scene = await after_a_call(book)
    async with scene.at_work():
        await scene.clock.run(20)
        book.refuse = lambda claimed: Refused(claimed, "outside_hours")
        await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        await scene.clock.run(2)
        assert scene.roster.find("anna").state is State.READY
    assert len(scene.orders("place")) == 1


async def test_when_nobody_answers_there_a_further_number_is_dialled_and_nothing_handed_in_twice(
    book: MemoryCallBook,
) -> None:
    scene = await after_a_call(book)
    async with scene.at_work():
        await scene.clock.run(20)
        scene.usual = Customer(Kind.BUSY)
        await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        await scene.clock.run(5)
        assert scene.roster.find("anna").state is State.READY
        scene.usual = ANSWERS
        await scene.dialer.redial.dial("anna", Disposition.DROPPED, number(78))
        await scene.clock.run(7)
        assert scene.orders("bridge")[-1] == ("2001-1", "anna")
        assert scene.orders("place")[-1] == ("2001-1", number(78))
    assert [one.disposition for one in book.handed_in] == [Disposition.DROPPED]


async def test_who_has_paused_since_has_no_case_any_more(book: MemoryCallBook) -> None:
    scene = await after_a_call(book)
    async with scene.at_work():
        await scene.clock.run(20)
        scene.usual = Customer(Kind.BUSY)
        await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        await scene.clock.run(5)
        scene.roster.pause("anna")
        scene.roster.resume("anna")
        with pytest.raises(IllegalTransition, match="no call to dial another number for"):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, number(78))


async def test_who_has_had_no_call_dials_nothing(book: MemoryCallBook) -> None:
    scene = await a_scene(book, book.clock)
    async with scene.at_work():
        with pytest.raises(IllegalTransition, match="no call to dial another number for"):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)


async def test_who_is_to_pause_dials_nothing_and_still_owes_the_outcome(book: MemoryCallBook) -> None:
    scene = await after_a_call(book)
    async with scene.at_work():
        await scene.clock.run(20)
        scene.roster.pause("anna")
        with pytest.raises(IllegalTransition, match="is to pause"):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        assert scene.dialer.desk.conversation_of("anna") is not None
    assert book.handed_in == []


async def test_for_a_step_that_is_gone_or_without_agents_nothing_is_dialled(book: MemoryCallBook) -> None:
    book.plan(1)
    teams = teams_of(a_list())
    scene = await a_scene(book, book.clock, teams=teams)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(20)
        teams[""] = (a_list(mode="ivr", template="frage"),)
        with pytest.raises(InputError, match="has no calls by agents"):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
    assert book.handed_in == []


async def test_a_store_that_is_away_leaves_the_agent_free(book: MemoryCallBook) -> None:
    scene = await after_a_call(book)
    async with scene.at_work():
        await scene.clock.run(20)
        book.collisions["dial"] = 1
        with pytest.raises(StoreConflict):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        assert scene.roster.find("anna").state is State.READY
    assert [one.disposition for one in book.handed_in] == [Disposition.DROPPED]


async def test_what_was_looked_at_may_be_called_at_another_number(book: MemoryCallBook) -> None:
    book.plan(1)
    looked_at = a_list(mode="preview", preview=timedelta(seconds=30))
    scene = await a_scene(book, book.clock, teams=teams_of(looked_at))
    async with scene.at_work():
        await scene.clock.run(5)
        scene.dialer.previews.accept("anna", OTHER)
        await scene.clock.run(5)
    assert scene.orders("place") == [("1-1", OTHER)]


# -- by the rules, on a database -----------------------------------------------------------------------------------


async def dialled(stored: StoredScene, to: str, disposition: Disposition, policy: Policy) -> Scene:
    """Call somebody who has two numbers at the first, then let the agent dial."""
    stored.book.replace(stored.book.campaigns.values(), {CAMPAIGN: policy})
    stored.plan(1)
    with stored.database.transaction() as connection:
        connection.execute(sa.update(account).values(phone=OTHER))
    scene = await stored.scene()
    scene.usual = ANSWERS
    async with scene.at_work():
        await stored.clock.run(20)
        await scene.dialer.redial.dial("anna", disposition, to)
        await stored.clock.run(3)
    return scene


async def test_the_accounts_other_number_is_called_and_logged(stored: StoredScene) -> None:
    scene = await dialled(stored, OTHER, Disposition.DROPPED, FREE)
    assert [to for _, to in scene.orders("place")] == [number(1), OTHER]
    assert scene.roster.find("anna").state is State.RESERVED
    assert [row[0:3] for row in stored.log()][-2:] == [(2, "sending", ""), (2, "accepted", "accepted")]


@pytest.mark.parametrize(
    ("to", "disposition", "policy", "reason"),
    [
        (number(50), Disposition.DROPPED, FREE, "no_address"),
        (OTHER, Disposition.PROMISE, replace(FREE, cool_down=7), "cool_down"),
        (OTHER, Disposition.DROPPED, replace(FREE, caps=(Cap(1, timedelta(days=1)),)), "day_cap"),
    ],
)
async def test_no_rule_is_passed_over_for_an_agents_wish(
    stored: StoredScene, to: str, disposition: Disposition, policy: Policy, reason: str
) -> None:
    told = list[object]()
    stored.bus.listen(told.append)
    scene = await dialled(stored, to, disposition, policy)
    assert len(scene.orders("place")) == 1
    assert scene.roster.find("anna").state is State.READY
    attempt = stored.attempt(2)
    assert (attempt["state"], attempt["reason"]) == ("cancelled", reason)
    assert AttemptMoved(2, 1, CAMPAIGN, "anruf", Channel.CALL, "cancelled", "", reason) in told


async def test_what_was_agreed_before_stands_for_nobody_may_answer(stored: StoredScene) -> None:
    (origin,) = stored.plan(1)
    at = stored.clock.now() + timedelta(days=1)
    with stored.database.transaction() as connection:
        [agreed] = call_queue.agree(connection, [CallBack(origin, at)], stored.clock.now())
    claimed = await stored.callbook().dial(CallBack(origin, stored.clock.now(), OTHER, "anna"))
    assert (claimed.wanted, claimed.kept_for, claimed.try_no) == (OTHER, "anna", 3)
    assert stored.attempt(claimed.id)["claimed_by"] == OWNER
    assert stored.attempt(agreed)["state"] == "planned"


async def test_a_callback_that_is_agreed_keeps_no_agent_from_dialling_and_still_waits(stored: StoredScene) -> None:
    at = stored.clock.now() + timedelta(days=1)
    stored.plan(1)
    with stored.database.transaction() as connection:
        connection.execute(sa.update(account).values(phone=OTHER))
    scene = await stored.scene()
    scene.usual = ANSWERS
    async with scene.at_work():
        await stored.clock.run(20)
        await stored.callbook().agree(CallBack(1, at))
        await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        await stored.clock.run(3)
    assert [to for _, to in scene.orders("place")] == [number(1), OTHER]
    assert stored.attempt(2)["state"] == "planned"


async def test_a_callback_that_is_due_while_an_agent_dials_is_made_later(stored: StoredScene) -> None:
    (origin,) = stored.plan(1)
    book, now = stored.callbook(), stored.clock.now()
    with stored.database.transaction() as connection:
        connection.execute(sa.update(attempt).values(state="failed"))
        call_queue.agree(connection, [CallBack(origin, now)], now)
    assert isinstance(await book.begin(await book.dial(CallBack(origin, now, number(1), "anna"))), Dial)
    [due] = await book.claim(Wanted((CAMPAIGN, "anruf"), 1, reach=Reach().table()))
    answer = await book.begin(due)
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.until) == ("attempt_open", now + timedelta(minutes=5))
    assert stored.attempt(due.id)["state"] == "planned"


@pytest.mark.parametrize("begun", [False, True])
async def test_what_was_dialled_and_not_called_never_waits_for_later(stored: StoredScene, *, begun: bool) -> None:
    (origin,) = stored.plan(1)
    with stored.database.transaction() as connection:
        attempts.take_back(connection, owner=OWNER, now=stored.clock.now())
        connection.execute(sa.update(attempt).values(state="failed"))
    book = stored.callbook()
    claimed = await book.dial(CallBack(origin, stored.clock.now(), number(1), "anna"))
    told = list[object]()
    stored.bus.listen(told.append)
    if begun:
        assert isinstance(await book.begin(claimed), Dial)
    await book.release(claimed)
    left = stored.attempt(claimed.id)
    assert (left["state"], left["sending_at"]) == ("cancelled", None)
    assert left["ended_at"] is not None
    assert stored.log()[-1][:3] == (claimed.id, "cancelled", "unavailable" if begun else "cancelled")
    assert [one.state for one in told if isinstance(one, AttemptMoved)] == ["cancelled"]


async def test_what_a_daemon_that_died_had_dialled_is_not_called_by_the_next(stored: StoredScene) -> None:
    (origin,) = stored.plan(1)
    claimed = await stored.callbook().dial(CallBack(origin, stored.clock.now(), number(1), "anna"))
    with stored.database.transaction() as connection:
        attempts.take_back(connection, owner=OWNER, now=stored.clock.now())
    left = stored.attempt(claimed.id)
    assert (left["state"], left["reason"]) == ("cancelled", "daemon_restarted")
    assert stored.log()[-1][:3] == (claimed.id, "cancelled", "cancelled")


# -- what comes between ----------------------------------------------------------------------------------------------


async def interrupted(book: MemoryCallBook, *between: Event) -> Scene:
    """Let something happen to the agent while the call they dial is being queued."""
    scene = await after_a_call(book)
    dial = book.dial

    async def slow(item: CallBack) -> Claimed:
        for event in between:
            scene.roster.apply("anna", event)
        return await dial(item)

    book.dial = slow  # type: ignore[method-assign] # as a database under load
    async with scene.at_work():
        await scene.clock.run(20)
        with pytest.raises(IllegalTransition, match="gone"):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        await scene.clock.run(3)
    assert len(scene.orders("place")) == 1
    assert [claimed.id for claimed in book.released] == [2000]
    return scene


async def test_an_agent_whose_telephone_went_meanwhile_is_dialled_nobody(book: MemoryCallBook) -> None:
    scene = await interrupted(book, Event.LEG_DOWN)
    assert scene.roster.find("anna").state is State.PHONE_WAIT


async def test_an_agent_who_is_kept_for_another_meanwhile_is_not_put_through_twice(book: MemoryCallBook) -> None:
    scene = await interrupted(book, Event.LEG_DOWN, Event.LEG_UP, Event.RESERVED)
    assert scene.roster.find("anna").state is State.RESERVED


async def test_a_store_that_is_away_frees_no_agent_who_is_kept_for_another_meanwhile(book: MemoryCallBook) -> None:
    scene = await after_a_call(book)

    async def fails(item: CallBack) -> Claimed:
        del item
        for event in (Event.LEG_DOWN, Event.LEG_UP, Event.RESERVED):
            scene.roster.apply("anna", event)
        raise StoreConflict("two transactions met")

    book.dial = fails  # type: ignore[method-assign] # as a database under load
    async with scene.at_work():
        await scene.clock.run(20)
        with pytest.raises(StoreConflict):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        assert scene.roster.find("anna").state is State.RESERVED


async def test_who_has_written_too_long_dials_nothing_and_still_owes_the_outcome(book: MemoryCallBook) -> None:
    scene = await after_a_call(book)
    async with scene.at_work():
        await scene.clock.run(100)
        assert scene.roster.find("anna").state is State.PAUSE
        with pytest.raises(IllegalTransition, match="is pause, and dials nobody"):
            await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        assert scene.dialer.desk.conversation_of("anna") is not None
    assert book.handed_in == []


async def test_a_campaign_that_is_another_teams_since_keeps_no_agent_for_ever(book: MemoryCallBook) -> None:
    book.plan(1)
    teams = teams_of(a_list())
    scene = await a_scene(book, book.clock, teams=teams)
    scene.usual = ANSWERS
    async with scene.at_work():
        await scene.clock.run(20)
        teams.clear()
        teams |= teams_of(a_list(team="north"))
        await scene.dialer.redial.dial("anna", Disposition.DROPPED, OTHER)
        await scene.clock.run(7)
        assert scene.orders("bridge")[1:] == [("2000-1", "anna")]
