"""Has campaigns planned: when somebody asks, when the timetable says so, and what an earlier life did not finish."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.domain.happened import BatchPlanned
from contactd.engine.bus import Bus
from contactd.engine.planner import Planner
from contactd.engine.timetable import Appointment, Timetable
from contactd.store import batches
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()


class Planning:
    """One daemon's; `notify` wakes whoever works off what was planned."""

    def __init__(
        self, planner: Planner, *, commit: GroupCommit, clock: Clock, bus: Bus, notify: Callable[[], None]
    ) -> None:
        self._planner = planner
        self._commit = commit
        self._clock = clock
        self._bus = bus
        self._notify = notify
        self.timetable = Timetable(clock, self._plan_when_due)

    async def make_up(self, appointments: Mapping[str, Appointment]) -> None:
        """Set the timetable by what was planned in earlier lives: what was missed or cut short is due at once."""
        cut_short = await self._commit.run(lambda connection: batches.close_interrupted(connection, self._clock.now()))
        if cut_short:
            log.warning("planning_interrupted", batches=cut_short)
        kept = await self._commit.read(batches.last_planned)
        self.timetable.replace(appointments, kept, await self._commit.read(batches.to_repeat))

    async def plan(self, campaign_id: str) -> dict[str, object]:
        """Plan one campaign now and have what is due sent."""
        summary = await asyncio.to_thread(self._planner.plan, campaign_id, self._clock.now())
        held = summary.held_by_reason()
        self._bus.publish(BatchPlanned(campaign_id, summary.count, held))
        log.info("planned", campaign=campaign_id, batch=summary.batch_id, taken=summary.count, held=held)
        self._notify()
        return {
            "campaign": campaign_id,
            "batch": summary.batch_id,
            "taken": summary.count,
            "steps": summary.steps_as_json(),
            "held": held,
        }

    async def _plan_when_due(self, campaign_id: str) -> bool:
        """Plan; answers False when that is worth another try."""
        try:
            await self.plan(campaign_id)
        except (StoreError, StoreConflict) as error:
            log.error("store_unavailable", while_doing="plan", campaign=campaign_id, error=str(error))
            return False
        except Exception:  # a fault of ours, which a minute does not mend: this run ends here and has its next
            log.exception("planning_broke", campaign=campaign_id)
        return True
