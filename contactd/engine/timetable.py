"""When each campaign is planned: cron expressions by APScheduler, waited for on the engine's clock."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from apscheduler.triggers.cron import CronTrigger

from contactd.config.settings import Settings
from contactd.domain.clock import Clock

log = structlog.get_logger()

_LONGEST_NAP = 60.0  # seconds: a clock that was set is noticed within a minute


@dataclass(frozen=True, slots=True)
class Appointment:
    """A recurring run: a five-field cron expression in a time zone."""

    cron: str
    timezone: str

    def next_after(self, at: datetime) -> datetime | None:
        """Answer the first instant later than `at`; None when the expression never comes true again."""
        trigger = CronTrigger.from_crontab(self.cron, timezone=ZoneInfo(self.timezone))
        found: datetime | None = trigger.get_next_fire_time(at, at)
        return found


def appointments_of(settings: Settings) -> dict[str, Appointment]:
    """Read when each campaign is planned from the configuration."""
    return {
        campaign.id: Appointment(campaign.schedule or settings.planning.schedule, campaign.timezone)
        for campaign in settings.campaigns
    }


class Timetable:
    """Runs every appointment when it is due; what fell due while one ran, or while we slept, runs once."""

    def __init__(self, clock: Clock, run: Callable[[str], Awaitable[None]]) -> None:
        """Take what to call with the name of a due appointment."""
        self._clock = clock
        self._run = run
        self._due: dict[str, datetime] = {}
        self._appointments: Mapping[str, Appointment] = {}
        self._changed = asyncio.Event()

    def replace(self, appointments: Mapping[str, Appointment], kept: Mapping[str, datetime] | None = None) -> None:
        """Put other appointments in force; those that stay the same keep their next time.

        `kept` says when each was kept last, in an earlier life: what was missed since then is due at once.
        """
        now = self._clock.now()
        known = {name: self._due.get(name) for name, one in appointments.items() if self._appointments.get(name) == one}
        last = kept or {}
        self._appointments = dict(appointments)
        self._due = {
            name: due
            for name, one in appointments.items()
            if (due := known.get(name) or one.next_after(last.get(name, now)))
        }
        self._changed.set()

    def upcoming(self) -> dict[str, datetime]:
        """Answer when each appointment runs next."""
        return dict(self._due)

    async def run(self) -> None:
        """Wait and run, for ever."""
        while True:
            self._changed.clear()
            now = self._clock.now()
            for name in sorted((name for name, due in self._due.items() if due <= now), key=self._due.__getitem__):
                appointment = self._appointments.get(name)
                if appointment is None:
                    continue  # taken away by a reload while another one ran
                self._due.pop(name)
                following = appointment.next_after(now)
                if following is not None:
                    self._due[name] = following
                await self._run(name)
            await self._nap()

    async def _nap(self) -> None:
        left = min(((due - self._clock.now()).total_seconds() for due in self._due.values()), default=_LONGEST_NAP)
        waiting = asyncio.ensure_future(self._clock.sleep(max(0.0, min(left, _LONGEST_NAP))))
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({waiting, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            changed.cancel()
