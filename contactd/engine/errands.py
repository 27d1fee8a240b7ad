"""Work in the background that somebody waits for: each piece is run to its end, and a failure ends only that piece.

The dialer's: a lane keeps the order within one call, errands of different calls overtake each other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import InputError, StoreConflict, StoreError

log = structlog.get_logger()

_STORE_DOWN = 1.0

Work = Callable[[], Awaitable[object]]


class Errands:
    """Tasks that are kept until they are done."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def run(self, work: Work, *, after: "asyncio.Task[None] | None" = None) -> "asyncio.Task[None]":
        """Begin a piece of work, when another piece is done."""
        task = asyncio.get_running_loop().create_task(_carry_out(work, after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def abandon(self) -> None:
        """Stop what is still running."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Lane:
    """Errands that are run one after the other."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._last: asyncio.Task[None] | None = None

    def put(self, work: Work) -> "asyncio.Task[None]":
        """Run the work when everything put in before is done."""
        after = self._last if self._last is not None and not self._last.done() else None
        self._last = self._errands.run(work, after=after)
        return self._last

    async def ask(self, work: Work) -> None:
        """Run the work in its turn and wait for it; it goes on when whoever waits is gone. Raises its InputError."""
        refused: list[InputError] = []

        async def carry_out() -> None:
            try:
                await work()
            except InputError as error:
                refused.append(error)

        await asyncio.shield(self.put(carry_out))
        if refused:
            raise refused[0]


async def _carry_out(work: Work, after: "asyncio.Task[None] | None") -> None:
    if after is not None:
        await asyncio.wait([after])
    try:
        await work()
    except Exception:  # one piece of work ends here; what it belongs to is settled by its deadline or its lease
        log.exception("errand_broke")


async def insist(work: Work, clock: Clock) -> None:
    """Do it however long the store is away, unless it is refused."""
    while True:
        try:
            await work()
        except StoreError as error:
            log.warning("store_unavailable", while_doing="enter_call", error=str(error))
            await clock.sleep(_STORE_DOWN)
            continue
        except StoreConflict as error:
            log.warning("entry_refused", error=str(error))
        return


async def either(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for whichever comes first; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
