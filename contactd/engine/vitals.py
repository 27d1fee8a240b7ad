"""The daemon's pulse: does the loop turn, does the store answer, how old is the oldest waiting attempt."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.calls.roster import Roster
from contactd.metrics import Metrics
from contactd.store import overview, settings
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()

_LAG_EVERY = 1.0
_LOOK_EVERY = 15.0
_PROBE_EVERY = 1.0


class Vitals:
    """Measures in real seconds, whatever clock the work runs on."""

    def __init__(
        self,
        commit: GroupCommit,
        clock: Clock,
        metrics: Metrics,
        roster: Roster,
        look_further: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._commit = commit
        self._clock = clock
        self._metrics = metrics
        self._roster = roster
        self._look_further = look_further

    @property
    def store_up(self) -> bool:
        """Tell whether the store takes what is written; a full disk can still be read."""
        return not self._commit.failure

    async def watch(self, every: float | None, tell: Callable[[], None]) -> None:
        """Say every so many seconds that we live, as long as the store answers; None: nobody wants to know."""
        while every is not None:
            try:
                await self._commit.read(overview.answers)
            except StoreError as error:
                # No reason to be restarted: it would not bring the store back.
                log.error("store_unavailable", while_doing="watch", error=str(error))
            tell()
            await asyncio.sleep(every)

    async def measure_lag(self) -> None:
        """Measure how late the loop is."""
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            await asyncio.sleep(_LAG_EVERY)
            self._metrics.lagged(loop.time() - asked - _LAG_EVERY)

    async def probe(self) -> None:
        """Write something as long as the store refuses, to know when it takes it again."""
        while True:
            await asyncio.sleep(_PROBE_EVERY)
            if self._commit.failure:
                with contextlib.suppress(StoreError, StoreConflict):
                    await self._commit.run(partial(settings.put, name="probed_at", value=str(self._clock.now())))
                    self._commit.failure = ""
                    log.warning("store_available")

    async def look_over(self) -> None:
        """Refresh what metrics cannot hear on the bus."""
        while True:
            now = self._clock.now()
            try:
                oldest = await self._commit.read(partial(overview.oldest_due, now=now))
            except StoreError as error:
                log.error("store_unavailable", while_doing="look_over", error=str(error))
            else:
                if self._look_further is not None:
                    await self._look_further()
                self._metrics.waited({channel: (now - since).total_seconds() for channel, since in oldest.items()})
            self._metrics.staffed(self._roster.counts())
            await asyncio.sleep(_LOOK_EVERY)
