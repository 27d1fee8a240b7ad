"""Callers share commits, and what one of them does wrong does no harm to the others."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.errors import StoreConflict, StoreError
from contactd.store import schema
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit

NAMES = sa.select(schema.setting.c.name).where(schema.setting.c.name.like("test%")).order_by(schema.setting.c.name)


@pytest_asyncio.fixture
async def commit(database: Database) -> AsyncIterator[GroupCommit]:
    commit = GroupCommit(database, most=64)
    yield commit
    await commit.close()


def keep(connection: Connection, names: list[str]) -> list[int | Exception]:
    """Write settings; answers how many were written together, refuses a bad word."""
    connection.execute(sa.insert(schema.setting), [{"name": name, "value": ""} for name in names])
    return [ValueError(name) if "bad" in name else len(names) for name in names]


def kept(database: Database) -> list[str]:
    with database.snapshot() as connection:
        return list(connection.scalars(NAMES))


async def hold_up(commit: GroupCommit) -> threading.Event:
    """Keep the writer busy, so that what comes next is collected."""
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait(connection: Connection) -> None:
        del connection
        loop.call_soon_threadsafe(started.set)
        go_on.wait()

    holding = asyncio.ensure_future(commit.run(wait))
    await started.wait()
    holding.add_done_callback(lambda done: done.result())
    return go_on


async def together(commit: GroupCommit, *names: str) -> list[object]:
    go_on = await hold_up(commit)
    waiting = [asyncio.ensure_future(commit.submit(keep, name)) for name in names]
    await asyncio.sleep(0)
    go_on.set()
    return list(await asyncio.gather(*waiting, return_exceptions=True))


async def test_callers_that_wait_share_one_call_and_one_commit(commit: GroupCommit, database: Database) -> None:
    names = [f"test{number:03}" for number in range(100)]
    answers = await together(commit, *names)
    assert answers == [64] * 64 + [36] * 36
    assert kept(database) == names


async def test_an_exception_among_the_results_is_its_callers_alone(commit: GroupCommit, database: Database) -> None:
    answers = await together(commit, "test-a", "test-bad", "test-c")
    assert [type(answer) for answer in answers] == [int, ValueError, int]
    assert kept(database) == ["test-a", "test-bad", "test-c"]


async def test_a_call_that_breaks_is_undone_and_the_others_are_carried_out(
    commit: GroupCommit, database: Database
) -> None:
    answers = await together(commit, "test-a", "test-a", "test-c")
    assert answers[0] == 1
    assert isinstance(answers[1], sa.exc.IntegrityError)
    assert answers[2] == 1
    assert kept(database) == ["test-a", "test-c"]


async def test_functions_are_called_in_the_order_in_which_they_came(commit: GroupCommit) -> None:
    order: list[str] = []

    def first(connection: Connection, items: list[str]) -> list[None]:
        del connection
        order.extend(items)
        return [None] * len(items)

    def second(connection: Connection, items: list[str]) -> list[None]:
        return first(connection, items)

    go_on = await hold_up(commit)
    waiting = [commit.submit(first, "a"), commit.submit(second, "b"), commit.submit(first, "c")]
    gathered = asyncio.gather(*waiting)
    await asyncio.sleep(0)
    go_on.set()
    await gathered
    assert order == ["a", "c", "b"]


async def test_a_collision_is_tried_again_and_then_answered(commit: GroupCommit) -> None:
    tries: list[str] = []

    def collide(connection: Connection, items: list[int]) -> list[str]:
        del connection
        tries.append("")
        if len(tries) < items[0]:
            raise StoreConflict("met")
        return ["through"]

    assert await commit.submit(collide, 3) == "through"
    with pytest.raises(StoreConflict):
        await commit.submit(collide, 99)


async def test_an_unusable_store_fails_everybody_at_once(commit: GroupCommit, database: Database) -> None:
    calls: list[int] = []

    def fail(connection: Connection, items: list[int]) -> list[None]:
        del connection
        calls.append(len(items))
        raise StoreError("the disk is full")

    go_on = await hold_up(commit)
    waiting = asyncio.gather(*(commit.submit(fail, number) for number in range(5)), return_exceptions=True)
    other = asyncio.ensure_future(commit.submit(keep, "test-a"))
    await asyncio.sleep(0)
    go_on.set()
    answers = await waiting
    assert [str(answer) for answer in answers] == ["the disk is full"] * 5
    assert len({id(answer) for answer in answers}) == 5
    with pytest.raises(StoreError):
        await other
    assert calls == [5]
    assert kept(database) == []
    assert await commit.submit(keep, "test-b") == 1


async def test_what_a_cancelled_caller_handed_in_is_carried_out(commit: GroupCommit, database: Database) -> None:
    go_on = await hold_up(commit)
    call = asyncio.ensure_future(commit.submit(keep, "test-a"))
    await asyncio.sleep(0)
    call.cancel()
    go_on.set()
    assert await commit.submit(keep, "test-b") >= 1
    assert call.cancelled()
    assert kept(database) == ["test-a", "test-b"]


async def test_a_function_of_its_own_writes_and_reads(commit: GroupCommit) -> None:
    assert await commit.run(lambda connection: keep(connection, ["test-a"])) == [1]
    assert await commit.read(lambda connection: list(connection.scalars(NAMES))) == ["test-a"]


async def test_closing_carries_out_what_waits_and_refuses_the_rest(database: Database) -> None:
    commit = GroupCommit(database)
    go_on = await hold_up(commit)
    last = asyncio.ensure_future(commit.submit(keep, "test-a"))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(commit.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="closing"):
        await commit.submit(keep, "test-b")
    with pytest.raises(StoreError, match="closing"):
        await commit.read(lambda connection: connection)
    go_on.set()
    await closing
    assert await last == 1
    assert kept(database) == ["test-a"]


async def test_closing_what_never_wrote_is_quick(database: Database) -> None:
    await GroupCommit(database).close()
