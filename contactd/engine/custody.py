"""Keeps the evidence: seals the contact log every minute, off the hot path; one part of the daemon."""

from collections.abc import Callable

import structlog

from contactd.config.settings import Settings
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.evidence import Sealing
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()

_EVERY = 60.0  # seconds


class Custody:
    """`settings` answers those in force."""

    def __init__(self, commit: GroupCommit, clock: Clock, settings: Callable[[], Settings]) -> None:
        self._commit = commit
        self._clock = clock
        self._settings = settings
        self.sealing = Sealing(commit, clock)

    async def run(self) -> None:
        """Seal every minute, for ever."""
        while True:
            try:
                await self.sealing.seal()
            except (StoreError, StoreConflict) as error:
                log.warning("store_unavailable", while_doing="seal", error=str(error))
            except Exception:  # a fault of ours must not end the daemon; what is not sealed yet `log verify` tells
                log.exception("sealing_broke")
            await self._clock.sleep(_EVERY)
