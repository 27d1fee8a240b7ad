"""Recordings of conversations are deleted when their time is over; the first ten letters of a name are its day.

What began a recording is in orders.py and the carrier; its name stands in the contact log.
"""

from datetime import date, timedelta

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError
from contactd.telephony.base import Carrier

log = structlog.get_logger()

_EVERY = 3600.0  # seconds
_DAY = len("2026-11-28")


class Recordings:
    """`kept` is for how many days after its own a recording is kept."""

    def __init__(self, carrier: Carrier, clock: Clock, *, kept: int) -> None:
        self._carrier = carrier
        self._clock = clock
        self._kept = kept

    async def run(self) -> None:
        """Look every hour, for ever."""
        while True:
            try:
                await self.expire()
            except ChannelError as error:
                log.info("recordings_not_looked_at", error=str(error))
            await self._clock.sleep(_EVERY)

    async def expire(self) -> None:
        """Delete what is older; files that are not ours bear no date."""
        last = self._clock.now().date() - timedelta(days=self._kept)
        for name in await self._carrier.recordings():
            day = _day_of(name)
            if day is not None and day < last:
                await self._carrier.forget(name)
                log.info("recording_deleted", name=name)


def _day_of(name: str) -> date | None:
    try:
        return date.fromisoformat(name[:_DAY])
    except ValueError:
        return None
