"""Who dials for a team: one owner at a time, on both databases; who has lost a team places nothing for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.domain.agent import Agent
from contactd.domain.campaign import Campaign, Step
from contactd.engine.calls.callbook import NOT_OWNER, Dial, StoredCallBook, Wanted
from contactd.engine.calls.lists import CallList
from contactd.engine.calls.ownership import EVERY, Alone, Leases, served
from contactd.engine.calls.roster import Roster
from contactd.engine.gate import Gate, Refused
from contactd.store import leases, schema
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from tests.clock import HandClock
from tests.engine.dialing import CALL, CAMPAIGN, LEASE, OWNER, StoredScene

NAME = "dialer:"


@pytest.fixture
async def stored(database: Database) -> AsyncIterator[StoredScene]:
    """Give a database to work on, each kind in turn."""
    scene = StoredScene(database)
    yield scene
    await scene.commit.close()


def owner(stored: StoredScene, holder: str = OWNER, *, by_process: bool = False) -> Leases:
    """Make an owner of the only team there is."""
    return Leases(stored.commit, stored.clock, holder=holder, teams=lambda: [""], by_process=by_process)


async def told(owner: Leases, clock: HandClock, seconds: float = 0.0) -> None:
    """Let an owner work until it has been answered, and for some seconds more by the hand clock."""
    answered = asyncio.Event()
    running = asyncio.ensure_future(owner.run(answered.set))
    await answered.wait()
    passed = 0.0
    while passed < seconds:
        await clock.settle()
        answered.clear()
        clock.advance(EVERY)
        passed += EVERY
        owner.in_doubt()
        await answered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def expire(stored: StoredScene) -> None:
    """Let the lease end, by the database's clock."""
    with stored.database.transaction() as connection:
        connection.execute(sa.update(schema.lease).values(expires_at=stored.clock.now() - timedelta(days=365)))


def take(stored: StoredScene, holder: str = "two") -> int | None:
    """Try to take the team for another daemon."""
    with stored.database.transaction() as connection:
        return leases.acquire(connection, NAME, holder=holder, lasting=timedelta(minutes=1))


async def test_a_team_belongs_to_whoever_was_first_until_the_lease_ends(stored: StoredScene) -> None:
    first, second = owner(stored, "one"), owner(stored, "two")
    await told(first, stored.clock)
    await told(second, stored.clock)
    assert (first.epoch(""), second.epoch("")) == (1, None)
    assert first.may_place("")
    assert not second.may_place("")
    expire(stored)
    await told(second, stored.clock)
    assert second.epoch("") == 2
    await told(first, stored.clock)
    assert first.epoch("") is None
    assert not first.may_place("")


async def test_a_lease_that_ended_while_nobody_wanted_it_is_renewed(stored: StoredScene) -> None:
    first = owner(stored)
    await told(first, stored.clock)
    expire(stored)
    await told(first, stored.clock, 4 * EVERY)
    assert first.epoch("") == 1
    assert first.may_place("")
    assert take(stored) is None


async def test_nothing_is_placed_when_the_lease_was_not_renewed_in_time(stored: StoredScene) -> None:
    first = owner(stored)
    await told(first, stored.clock)
    for _ in range(4):
        assert first.may_place("")
        stored.clock.advance(1.0)
        assert not first.in_doubt()
    stored.clock.advance(1.0)
    assert not first.may_place("")
    assert first.epoch("") == 1
    await told(first, stored.clock)
    assert first.may_place("")


async def test_a_clock_on_the_wall_that_went_on_while_the_machine_slept_counts_too(stored: StoredScene) -> None:
    first = owner(stored)
    await told(first, stored.clock)
    stored.clock._start += timedelta(seconds=10)  # noqa: SLF001 -- the other clock stood still
    assert not first.may_place("")


async def test_whoever_has_slept_is_in_doubt_until_the_store_has_answered(stored: StoredScene) -> None:
    first = owner(stored)
    await told(first, stored.clock)
    stored.clock.advance(3.0)
    assert not first.may_place("")
    assert first.in_doubt()
    await told(first, stored.clock)
    assert not first.in_doubt()
    assert first.may_place("")


async def test_a_store_that_is_away_ends_the_doubt_and_nothing_is_placed(stored: StoredScene) -> None:
    commit = GroupCommit(stored.database)
    first = Leases(commit, stored.clock, holder=OWNER, teams=lambda: [""])
    await told(first, stored.clock)
    stored.clock.advance(10.0)
    assert first.in_doubt()
    await commit.close()
    await told(first, stored.clock)
    assert not first.in_doubt()
    assert not first.may_place("")
    assert first.epoch("") == 1


async def test_a_daemon_that_ends_leaves_its_teams_to_the_next_at_once(stored: StoredScene) -> None:
    first = owner(stored)
    await told(first, stored.clock)
    await first.give_up()
    assert first.epoch("") is None
    assert take(stored) == 2


async def test_a_store_that_is_away_at_the_end_keeps_nobody(stored: StoredScene) -> None:
    commit = GroupCommit(stored.database)
    first = Leases(commit, stored.clock, holder=OWNER, teams=lambda: [""])
    await told(first, stored.clock)
    await commit.close()
    await first.give_up()
    assert take(stored) is None


async def test_a_process_that_is_alone_owns_its_teams_for_good_and_after_a_crash_at_once(stored: StoredScene) -> None:
    first = owner(stored, "one", by_process=True)
    await told(first, stored.clock)
    stored.clock.advance(100_000.0)
    assert first.may_place("")
    again = owner(stored, "another name", by_process=True)
    await told(again, stored.clock)
    assert again.epoch("") == 2


def callbook(stored: StoredScene, fences: Leases) -> StoredCallBook:
    """Make a call book whose intents have to prove something."""
    gate = Gate(stored.book, stored.clock, lease=LEASE)
    return StoredCallBook(stored.commit, gate, stored.clock, stored.bus, owner=OWNER, lease=LEASE, fences=fences)


@pytest.mark.parametrize("by_process", [False, True])
async def test_an_intent_of_an_old_epoch_is_refused_and_the_attempt_planned_again_untouched(
    stored: StoredScene, *, by_process: bool
) -> None:
    first, second = stored.plan(2)
    fences = owner(stored, by_process=by_process)
    await told(fences, stored.clock)
    book = callbook(stored, fences)
    stored.clock.advance(1)
    one, two = await book.claim(Wanted((CAMPAIGN, "anruf"), 2, reach=dict.fromkeys(range(24), 0.3)))
    assert isinstance(await book.begin(one), Dial)
    expire(stored)
    assert take(stored) == 2
    before = stored.log()
    assert await book.begin(two) == Refused(two, NOT_OWNER)
    assert not fences.may_place("")
    assert {one.id, two.id} == {first, second}
    kept = stored.attempt(two.id)
    assert (kept["state"], kept["claimed_by"], kept["sending_at"]) == ("planned", "", None)
    assert stored.log() == before
    await told(fences, stored.clock)
    assert fences.epoch("") is None


async def test_of_intents_in_one_commit_only_those_of_the_owner_begin(stored: StoredScene) -> None:
    stored.plan(2)
    fences, stale = owner(stored), owner(stored, "nobody")
    await told(fences, stored.clock)
    stored.clock.advance(1)
    one, two = await callbook(stored, fences).claim(Wanted((CAMPAIGN, "anruf"), 2, reach=dict.fromkeys(range(24), 0.3)))
    answers = await asyncio.gather(callbook(stored, stale).begin(one), callbook(stored, fences).begin(two))
    assert answers[0] == Refused(one, NOT_OWNER)
    assert isinstance(answers[1], Dial)


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_an_owner_who_stands_still_in_mid_transaction_keeps_nobody_waiting(stored: StoredScene) -> None:
    first = owner(stored)
    await told(first, stored.clock)
    expire(stored)
    with stored.database.transaction() as connection:
        connection.execute(sa.select(schema.lease).with_for_update())
        assert take(stored) is None  # for now
    assert take(stored) == 2


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_a_brief_transaction_lets_go_of_its_locks_before_long(database: Database) -> None:
    commit = GroupCommit(database)
    shown = await commit.run(lambda connection: connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")))
    await commit.close()
    assert shown == "4s"


def test_a_daemon_serves_the_teams_whose_agents_it_has_and_those_that_need_none() -> None:
    roster = Roster([Agent("anna", team="north")], HandClock())
    message = Step("text", CALL.channel, mode="message")
    teams = {
        team: (CallList(Campaign(team, (step,), team=team), step),)
        for team, step in (("north", CALL), ("south", CALL), ("texts", message))
    }
    assert served(teams, roster) == ["north", "texts"]


async def test_whoever_is_alone_owns_everything() -> None:
    alone = Alone()
    await alone.run(lambda: None)
    await alone.give_up()
    assert (alone.epoch("any"), alone.may_place("any"), alone.in_doubt()) == (1, True, False)
