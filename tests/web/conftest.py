"""Fixtures of the web floor: the frame around a database, and a visitor of the public application."""

from collections.abc import AsyncIterator

import pytest

from contactd.metrics import Metrics
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.web.app import public_app
from tests.clock import HandClock
from tests.web.frame import Frame, Visitor, settings, visiting


@pytest.fixture
async def frame(database: Database) -> AsyncIterator[Frame]:
    """Build a window on a fresh database."""
    commit = GroupCommit(database)
    yield Frame(database, commit, HandClock(), Metrics(), settings())
    await commit.close()


@pytest.fixture
async def visitor(frame: Frame) -> AsyncIterator[Visitor]:
    """Serve the public application and visit it."""
    async with visiting(public_app(frame.window)) as visitor:
        yield visitor
