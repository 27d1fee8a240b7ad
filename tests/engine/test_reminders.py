"""What is agreed is looked after: reminders to agents, and no callback that is needed no more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.happened import CallbackSoon
from contactd.domain.queueing import Priority
from contactd.engine.bus import Bus
from contactd.engine.calls.reminders import Reminders
from contactd.store import attempts
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import account, attempt
from tests.clock import HandClock
from tests.store.seed import NOW, add_account, new_attempt

MINUTE = timedelta(minutes=1)
CALLBACK = {"step": "call", "channel": Channel.CALL, "priority": int(Priority.CALLBACK)}


class Scene:
    """Two accounts with a callback each, the first kept for Anna and due in six minutes."""

    def __init__(self, database: Database, commit: GroupCommit) -> None:
        self.database, self.clock, self.heard = database, HandClock(NOW), list[object]()
        bus = Bus()
        bus.listen(self.heard.append)
        self.reminders = Reminders(commit, self.clock, bus, ahead=300.0)
        with database.transaction() as connection:
            for number, whose in ((1, "anna"), (2, "")):
                add_account(connection, number)
                due = NOW + 6 * MINUTE
                attempts.plan(connection, [new_attempt(number, not_before=due, kept_for=whose, **CALLBACK)])

    def states(self) -> list[tuple[str, str]]:
        """Read where the callbacks stand, and why."""
        with self.database.transaction() as connection:
            chosen = sa.select(attempt.c.state, attempt.c.reason).order_by(attempt.c.id)
            return [(state, reason) for state, reason in connection.execute(chosen)]


@pytest_asyncio.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    commit = GroupCommit(database)
    yield Scene(database, commit)
    await commit.close()


async def test_an_agent_is_reminded_once_and_only_of_their_own(scene: Scene) -> None:
    await scene.reminders.look()
    assert scene.heard == []
    for _ in range(2):
        scene.clock.advance(60)
        await scene.reminders.look()
        assert scene.heard == [CallbackSoon(1, "anna", NOW + 6 * MINUTE)]


async def test_a_callback_that_is_needed_no_more_is_cancelled_and_nobody_reminded(scene: Scene) -> None:
    with scene.database.transaction() as connection:
        connection.execute(sa.update(account).where(account.c.id == 1).values(open=0))
    scene.clock.advance(120)
    await scene.reminders.look()
    assert scene.states() == [("cancelled", "nothing_open"), ("planned", "")]
    assert scene.heard == []


async def test_a_store_that_is_away_is_asked_again(database: Database) -> None:
    commit, clock = GroupCommit(database), HandClock(NOW)
    await commit.close()
    running = asyncio.create_task(Reminders(commit, clock, Bus(), ahead=300.0).run())
    await clock.run(60)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
