"""Keeps the evidence: seals the contact log every minute, erases each night what was kept long enough; a daemon's part.

Both off the hot path: what is computed is computed in threads, what is written in small transactions.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from contactd.config.settings import Settings
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.ladder.timetable import Appointment, Timetable
from contactd.engine.records import retention
from contactd.engine.records.erasing import delete_letters
from contactd.engine.records.evidence import Sealing
from contactd.engine.records.retention import Step
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()

_EVERY = 60.0  # seconds
_AT_NIGHT = "35 3 * * *"
_NIGHTLY = "retention"
_BREATH = 0.05  # seconds between two transactions of the night


class Custody:
    """`settings` answers those in force."""

    def __init__(self, commit: GroupCommit, clock: Clock, settings: Callable[[], Settings]) -> None:
        self._commit = commit
        self._clock = clock
        self._settings = settings
        self.sealing = Sealing(commit, clock)
        self.timetable = Timetable(clock, self._keep)
        self.timetable.replace({_NIGHTLY: Appointment(_AT_NIGHT, settings().claims.timezone)})

    async def run(self) -> None:
        """Seal and erase, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._seal())
            group.create_task(self.timetable.run())

    async def _seal(self) -> None:
        while True:
            try:
                await self.sealing.seal()
            except (StoreError, StoreConflict) as error:
                log.warning("store_unavailable", while_doing="seal", error=str(error))
            except Exception:  # a fault of ours must not end the daemon; what is not sealed yet `log verify` tells
                log.exception("sealing_broke")
            await self._clock.sleep(_EVERY)

    async def erase_due(self) -> int:
        """Erase all that has been kept long enough; answers how many rows it was."""
        count = 0
        for step in retention.STEPS:
            after: int | None = 0
            while after is not None:
                ids = await self._due(step, after)
                for first in range(0, len(ids), step.together):
                    count += await self._erase(step, ids[first : first + step.together])
                after = ids[-1] if ids else None
        return count

    async def _due(self, step: Step, after: int) -> Sequence[int]:
        settings, now = self._settings(), self._clock.now()
        return await self._commit.read(lambda connection: step.due(connection, after, settings, now))

    async def _erase(self, step: Step, ids: Sequence[int]) -> int:
        settings, now = self._settings(), self._clock.now()
        done = await self._commit.run(lambda connection: step.erase(connection, ids, settings, now))
        await asyncio.to_thread(delete_letters, settings, done.letters)
        await self._clock.sleep(_BREATH)
        return done.rows

    async def _keep(self, name: str) -> bool:
        try:
            count = await self.erase_due()
            if count:
                log.info("erased_what_was_due", count=count)
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing=name, error=str(error))
            return False
        except Exception:  # a fault of ours, which a minute does not mend: it has its next turn tomorrow
            log.exception("erasing_broke")
        return True
