"""Many callers, one commit: a writer thread that carries out what is waiting in one durable transaction.

The engine and the web use it for everything they write. What was handed in is carried out even when the caller has
been cancelled meanwhile: a result that arrived is never thrown away.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.engine import Connection

from contactd.domain.errors import StoreConflict, StoreError
from contactd.store.database import Database

I = TypeVar("I")  # noqa: E741 -- item
R = TypeVar("R")
_READERS = 4
_ATTEMPTS = 3


class _Call(NamedTuple):
    """One waiting caller; without `listed` the function takes the connection alone."""

    function: Callable[..., Any]
    item: Any
    listed: bool
    future: "asyncio.Future[Any]"


class GroupCommit:
    """Use from one event loop; `most` callers share a commit at the utmost."""

    def __init__(self, database: Database, *, most: int = 512) -> None:
        self.failure = ""  # why the store last refused a write; whoever has proved that it writes again empties it
        self._database = database
        self._most = most
        self._handed_in: list[_Call] = []  # in this round of the loop
        self._waiting: queue.SimpleQueue[list[_Call] | None] = queue.SimpleQueue()
        self._left: list[_Call] = []  # what was too much for the last commit; the writer's
        self._closed = False
        self._writer: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")

    async def submit(self, function: Callable[[Connection, list[I]], Sequence[R | Exception]], item: I) -> R:
        """Call the function once with the items of all who wait for it; an Exception among its results is raised.

        The function must be repeatable until the commit: when a shared transaction fails, each item is tried alone.
        """
        answer: R = await self._hand_in(function, item, listed=True)
        return answer

    async def run(self, function: Callable[[Connection], R]) -> R:
        """Write with a function of its own; it may share the commit, and must be repeatable like those of `submit`."""
        answer: R = await self._hand_in(function, None, listed=False)
        return answer

    async def read(self, function: Callable[[Connection], R]) -> R:
        """Read in a thread, in a snapshot of its own."""
        self._refuse_when_closed()

        def look() -> R:
            with self._database.snapshot() as connection:
                return function(connection)

        return await asyncio.get_running_loop().run_in_executor(self._readers, look)

    async def close(self) -> None:
        """Carry out what was handed in, then stop the threads."""
        self._closed = True
        if self._writer is not None:
            self._pass_on()
            self._waiting.put(None)
            await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.shutdown)

    def _hand_in(self, function: Callable[..., Any], item: object, *, listed: bool) -> "asyncio.Future[Any]":
        self._refuse_when_closed()
        if self._writer is None:
            self._writer = threading.Thread(target=self._work, name="store-writer", daemon=True)
            self._writer.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._handed_in:
            loop.call_soon(self._pass_on)
        self._handed_in.append(_Call(function, item, listed, future))
        return future

    def _pass_on(self) -> None:
        """Wake the writer once for all who came in the same round of the loop."""
        calls, self._handed_in = self._handed_in, []
        self._waiting.put(calls)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StoreError("the store is closing; nothing more is written or read")

    def _work(self) -> None:
        while True:
            calls, last = self._collect()
            if calls:
                _deliver(list(zip(calls, self._carry_out(calls), strict=True)))
            if last:
                return

    def _collect(self) -> tuple[list[_Call], bool]:
        """Wait for calls, take all there are; answers also whether they are the last."""
        calls, last = self._left, False
        while len(calls) < self._most and not last:
            try:
                more = self._waiting.get(block=not calls)
            except queue.Empty:
                break
            calls += more or []
            last = more is None
        self._left = calls[self._most :]
        if last and self._left:
            self._waiting.put(None)
        return calls[: self._most], last and not self._left

    def _carry_out(self, calls: list[_Call]) -> list[Any]:
        try:
            return self._commit(calls)
        except StoreError as error:
            self.failure = str(error)
            return [_copied(error) for _ in calls]
        except Exception:  # noqa: BLE001 -- whatever one call raised must not fail the others
            return [self._alone(call) for call in calls]

    def _alone(self, call: _Call) -> Any:  # noqa: ANN401 -- what the function answers, or what it raised
        answer: Any = None
        for _ in range(_ATTEMPTS):
            try:
                return self._commit([call])[0]
            except StoreConflict as error:  # two daemons met in the database: the next time one of them is through
                answer = error
            except Exception as error:  # noqa: BLE001 -- it is its caller's
                return error
        return answer

    def _commit(self, calls: list[_Call]) -> list[Any]:
        answers: dict[int, Any] = {}
        with self._database.transaction(brief=True) as connection:
            for group in _grouped(calls):
                first = group[0][1]
                if not first.listed:
                    answers[group[0][0]] = first.function(connection)
                    continue
                results = first.function(connection, [call.item for _, call in group])
                answers.update(zip((place for place, _ in group), results, strict=True))
        return [answers[place] for place in range(len(calls))]


def _copied(error: StoreError) -> StoreError:
    """Make one for each caller: an exception that is raised several times collects everybody's traceback."""
    copy = StoreError(str(error))
    copy.__cause__ = error.__cause__
    return copy


def _grouped(calls: list[_Call]) -> list[list[tuple[int, _Call]]]:
    """Put the calls of one function together, in the order in which the functions came first."""
    groups: dict[object, list[tuple[int, _Call]]] = {}
    for place, call in enumerate(calls):
        key = call.function if call.listed else (place,)
        groups.setdefault(key, []).append((place, call))
    return list(groups.values())


def _deliver(answers: list[tuple[_Call, Any]]) -> None:
    loop = answers[0][0].future.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(_settle, answers)


def _settle(answers: list[tuple[_Call, Any]]) -> None:
    for call, answer in answers:
        if call.future.done():  # cancelled
            continue
        if isinstance(answer, Exception):
            call.future.set_exception(answer)
        else:
            call.future.set_result(answer)
