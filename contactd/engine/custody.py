"""Keeps the evidence: seals the contact log every minute, erases each night what was kept long enough; a daemon's part.

Both off the hot path: what is computed is computed in threads, what is written in small transactions.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy.engine import Connection

from contactd.config.settings import Settings
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine import retention
from contactd.engine.erasing import delete_letters
from contactd.engine.evidence import Sealing
from contactd.engine.retention import Page
from contactd.engine.timetable import Appointment, Timetable
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()

_EVERY = 60.0  # seconds
_AT_NIGHT = "35 3 * * *"
_NIGHTLY = "retention"
_BREATH = 0.05  # seconds between two transactions of the night
_STEPS = (retention.erase_inbox, retention.erase_entries, retention.erase_accounts)


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
        for step in _STEPS:
            after: int | None = 0
            while after is not None:
                settings = self._settings()
                work: Callable[[Connection], Page] = partial(
                    step, after=after, settings=settings, now=self._clock.now()
                )
                page = await self._commit.run(work)
                await asyncio.to_thread(delete_letters, settings, page.letters)
                after, count = page.last, count + page.done
                if after is not None:
                    await self._clock.sleep(_BREATH)
        return count

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
