"""Fixtures of the web floor: the frame around a database, and a visitor of the public application."""

from collections.abc import AsyncIterator

import pytest

from contactd.metrics import Metrics
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.web.app import public_app
from tests.clock import HandClock
from tests.web.frame import CALLERS, Frame, Visitor, everything_of, settings, visiting
from tests.web.people import Entrance, entrance


@pytest.fixture
async def frame(database: Database) -> AsyncIterator[Frame]:
    """Build a window on a fresh database."""
    commit = GroupCommit(database)
    frame = Frame(database, commit, HandClock(), Metrics(), settings())
    for name, secret, families in CALLERS:
        frame.admit(name, secret, everything_of(families))
    yield frame
    await commit.close()


@pytest.fixture
async def visitor(frame: Frame) -> AsyncIterator[Visitor]:
    """Serve the public application and visit it."""
    async with visiting(public_app(frame.window)) as visitor:
        yield visitor


@pytest.fixture
async def door(frame: Frame) -> AsyncIterator[Entrance]:
    """Serve the pages to people."""
    async with entrance(frame) as door:
        yield door
