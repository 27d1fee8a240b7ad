"""Fixtures of the engine's tests."""

from collections.abc import AsyncIterator

import pytest

from contactd.engine.ladder.proposing import Proposing
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from tests.engine.world import LADDER, World, open_world


@pytest.fixture
async def commit(database: Database) -> AsyncIterator[GroupCommit]:
    """Write together."""
    made = GroupCommit(database)
    yield made
    await made.close()


@pytest.fixture
async def world(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Build the parts for the CAMPAIGNS of a module, else for the usual ladder."""
    async with open_world(database, campaigns=getattr(request.module, "CAMPAIGNS", (LADDER,))) as made:
        yield made


@pytest.fixture
def proposing(world: World) -> Proposing:
    """Propose runs of it."""
    return Proposing(world.planner)
