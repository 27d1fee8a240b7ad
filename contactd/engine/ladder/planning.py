"""Has campaigns planned: when somebody asks, when the timetable says so, and what an earlier life did not finish."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import AwaitsApproval, StoreConflict, StoreError
from contactd.domain.happened import BatchPlanned
from contactd.engine.bus import Bus
from contactd.engine.ladder.planner import Planner
from contactd.engine.ladder.proposing import BY, Proposing
from contactd.engine.ladder.timetable import Appointment, Timetable
from contactd.store import batches, proposals
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()


class Planning:
    """One daemon's; `notify` wakes whoever works off what was planned."""

    def __init__(
        self, planner: Planner, *, commit: GroupCommit, clock: Clock, bus: Bus, notify: Callable[[], None]
    ) -> None:
        self._planner = planner
        self._proposing = Proposing(planner)
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
            await self._commit.run(proposals.forget_drafts)
        kept = await self._commit.read(batches.last_planned)
        self.timetable.replace(appointments, kept, await self._commit.read(batches.to_repeat))

    async def plan(self, campaign_id: str) -> dict[str, object]:
        """Plan one campaign now and have what is due sent, or propose it where somebody has to approve.

        Raises AwaitsApproval while a run of it waits.
        """
        now = self._clock.now()
        expired = await asyncio.to_thread(self._proposing.expire, now)
        if expired:
            log.warning("proposals_expired", batches=expired)
        await asyncio.to_thread(self._proposing.refuse_while_waiting, campaign_id, now)
        approval = self._planner.book.campaigns[campaign_id].approval
        if approval:
            summary = await asyncio.to_thread(self._proposing.propose, campaign_id, now, BY)
        else:
            summary = await asyncio.to_thread(self._planner.plan, campaign_id, now)
        held = summary.held_by_reason()
        self._bus.publish(BatchPlanned(campaign_id, 0 if approval else summary.count, held))
        said = "proposed" if approval else "planned"
        log.info(said, campaign=campaign_id, batch=summary.batch_id, taken=summary.count, held=held)
        self._notify()
        return {
            "campaign": campaign_id,
            "batch": summary.batch_id,
            "state": "proposed" if approval else "executed",
            "taken": summary.count,
            "steps": summary.steps_as_json(),
            "held": held,
        }

    async def campaigns(self, names: Iterable[str]) -> dict[str, dict[str, object]]:
        """Say of campaigns when they are planned next, and which run waits for approval."""
        now, upcoming = self._clock.now(), self.timetable.upcoming()
        waiting = await self._commit.read(lambda connection: proposals.waiting(connection, now))
        found: dict[str, dict[str, object]] = {}
        for name in names:
            found[name] = {"next_plan": upcoming[name].isoformat() if name in upcoming else ""}
            row = waiting.get(name)
            if row is not None:
                until = row.expires_at.isoformat()
                found[name]["awaits_approval"] = {"run": row.id, "accounts": row.taken, "until": until}
        return found

    async def _plan_when_due(self, campaign_id: str) -> bool:
        """Plan; answers False when that is worth another try."""
        try:
            await self.plan(campaign_id)
        except AwaitsApproval as waits:  # who reads it shall not find another in its place; its time has an end
            log.warning("awaits_approval", campaign=campaign_id, batch=waits.number)
        except (StoreError, StoreConflict) as error:
            log.error("store_unavailable", while_doing="plan", campaign=campaign_id, error=str(error))
            return False
        except Exception:  # a fault of ours, which a minute does not mend: this run ends here and has its next
            log.exception("planning_broke", campaign=campaign_id)
        return True
