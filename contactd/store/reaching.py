"""Reaches the database at the start, patiently: after a reboot its server may come up later than we do."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from contactd.domain.errors import StoreAway
from contactd.store.database import Database, open_database

log = structlog.get_logger()

# Seconds between two looks.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 15.0


async def reach(
    url: str, *, patience: float, stopping: asyncio.Event, tell: Callable[[float], None]
) -> Database | None:
    """Open the database, waiting up to `patience` seconds for a server that is away; None: stopped meanwhile.

    `tell` hears before each pause how many seconds that is. Raises StoreError, at once for what waiting does not mend.
    """
    loop = asyncio.get_running_loop()
    end, pause = loop.time() + patience, _FIRST_PAUSE
    while not stopping.is_set():
        try:
            return await asyncio.to_thread(_checked, url)
        except StoreAway as error:
            left = end - loop.time()
            if left <= 0:
                raise
            log.warning("waiting_for_database", reason=str(error), seconds_left=round(left))
        tell(pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
    return None


def _checked(url: str) -> Database:
    database = open_database(url)
    try:
        database.check_version()
    except BaseException:
        database.close()
        raise
    return database
