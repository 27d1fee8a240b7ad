"""When each campaign is planned: cron expressions by APScheduler, waited for on the engine's clock.

An appointment that could not be kept is tried again, ever less often, until it is kept or the next one falls due.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from apscheduler.triggers.cron import CronTrigger

from contactd.config.settings import Settings
from contactd.domain.clock import Clock

log = structlog.get_logger()

_LONGEST_NAP = 60.0  # seconds: a clock that was set is noticed within a minute
_FIRST_PAUSE = timedelta(seconds=5)  # after a failure; doubled each time
_LONGEST_PAUSE = timedelta(minutes=1)


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


@dataclass(frozen=True, slots=True)
class _Again:
    """An appointment that failed: when it is tried again, and how long after the failure that is."""

    at: datetime
    pause: timedelta


def appointments_of(settings: Settings) -> dict[str, Appointment]:
    """Read when each campaign is planned from the configuration."""
    return {
        campaign.id: Appointment(campaign.schedule or settings.planning.schedule, campaign.timezone)
        for campaign in settings.campaigns
    }


class Timetable:
    """Runs every appointment when it is due; what fell due while one ran, or while we slept, runs once."""

    def __init__(self, clock: Clock, run: Callable[[str], Awaitable[bool]]) -> None:
        """Take what to call with the name of a due appointment; it answers whether that was kept."""
        self._clock = clock
        self._run = run
        self._due: dict[str, datetime] = {}
        self._again: dict[str, _Again] = {}
        self._appointments: Mapping[str, Appointment] = {}
        self._changed = asyncio.Event()

    def replace(
        self,
        appointments: Mapping[str, Appointment],
        kept: Mapping[str, datetime] | None = None,
        at_once: Collection[str] = (),
    ) -> None:
        """Put other appointments in force; those that stay the same keep their next time.

        `kept` says when each was kept last, in an earlier life: what was missed since then is due at once. So is what
        `at_once` names.
        """
        now = self._clock.now()
        known = {name: self._due.get(name) for name, one in appointments.items() if self._appointments.get(name) == one}
        last = kept or {}
        self._again = {name: again for name, again in self._again.items() if known.get(name)}
        self._appointments = dict(appointments)
        self._due = {
            name: due
            for name, one in appointments.items()
            if (due := now if name in at_once else known.get(name) or one.next_after(last.get(name, now)))
        }
        self._changed.set()

    def upcoming(self) -> dict[str, datetime]:
        """Answer when each appointment runs next."""
        again = {name: min(one.at, self._due.get(name, one.at)) for name, one in self._again.items()}
        return self._due | again

    async def run(self) -> None:
        """Wait and run, for ever."""
        while True:
            self._changed.clear()
            now, upcoming = self._clock.now(), self.upcoming()
            for name in sorted((name for name, due in upcoming.items() if due <= now), key=upcoming.__getitem__):
                appointment = self._appointments.get(name)
                if appointment is not None:  # not taken away by a reload while another one ran
                    await self._keep(name, appointment, now)
            await self._nap()

    async def _keep(self, name: str, appointment: Appointment, now: datetime) -> None:
        failed = self._again.pop(name, None)
        due = self._due.get(name)
        if due is not None and due <= now:
            failed = None  # what was missed before is made up for together with this one
            self._due.pop(name)
            following = appointment.next_after(now)
            if following is not None:
                self._due[name] = following
        if not await self._run(name) and self._appointments.get(name) == appointment:
            pause = min(failed.pause * 2, _LONGEST_PAUSE) if failed else _FIRST_PAUSE
            self._again[name] = _Again(self._clock.now() + pause, pause)

    async def _nap(self) -> None:
        upcoming = self.upcoming().values()
        left = min(((due - self._clock.now()).total_seconds() for due in upcoming), default=_LONGEST_NAP)
        waiting = asyncio.ensure_future(self._clock.sleep(max(0.0, min(left, _LONGEST_NAP))))
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({waiting, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            changed.cancel()
