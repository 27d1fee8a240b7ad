"""Looks after what is agreed: callbacks that are needed no more are cancelled, agents are reminded of theirs.

Whoever has paid or wants no calls would not be called anyway; cancelled at once, they stand in nobody's list either.
The desk hears a reminder on the bus.
"""

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import StoreError
from contactd.domain.happened import CallbackSoon
from contactd.engine.bus import Bus
from contactd.store import call_queue
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()

_EVERY = 15.0  # seconds


class Reminders:
    """`ahead` is how long before it is due, in seconds; each callback is told of once."""

    def __init__(self, commit: GroupCommit, clock: Clock, bus: Bus, *, ahead: float) -> None:
        self._commit = commit
        self._clock = clock
        self._bus = bus
        self._ahead = ahead
        self._told: set[int] = set()

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                log.warning("store_unavailable", while_doing="remind", error=str(error))
            await self._clock.sleep(_EVERY)

    async def look(self) -> None:
        """Cancel what is needed no more, and tell of what is due soon and kept for somebody."""
        now = self._clock.now()
        if await self._commit.read(call_queue.needless):
            count = await self._commit.run(lambda connection: call_queue.withdraw(connection, now))
            log.info("callbacks_cancelled", count=count)
        waiting = await self._commit.read(call_queue.agreed)
        for row in waiting:
            if row.kept_for and row.id not in self._told and (row.not_before - now).total_seconds() <= self._ahead:
                self._told.add(row.id)
                self._bus.publish(CallbackSoon(row.id, row.kept_for, row.not_before))
        self._told &= {row.id for row in waiting}
