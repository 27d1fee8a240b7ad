"""Goes on at once where a contact could not be made: a dead address's other channel, a call's next try."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.domain.happened import AttemptMoved
from contactd.engine.ladder.planner import Planner

log = structlog.get_logger()

_GATHER = 0.5  # seconds: failures come in swarms, one statement plans them all
_AGAIN = 5.0
# The gate found since planning that this rung is none any more: the address is gone, which the step's `otherwise`
# answers, or its time is over; the ladder goes on.
_RUNG_GONE = {"undeliverable", "opted_out", "no_address", "too_late"}


class FollowUp:
    """Listens to the bus, and plans the accounts whose attempt failed; a scheduled run takes up what a crash forgot."""

    def __init__(self, planner: Planner, clock: Clock, notify: Callable[[], None]) -> None:
        self._planner = planner
        self._clock = clock
        self._notify = notify
        self.waiting: dict[str, set[int]] = defaultdict(set)
        self._some = asyncio.Event()

    def hear(self, event: object) -> None:
        """Take note of a failure."""
        if isinstance(event, AttemptMoved) and (
            event.state == "failed" or (event.state == "cancelled" and event.reason in _RUNG_GONE)
        ):
            self.waiting[event.campaign].add(event.account_id)
            self._some.set()

    async def run(self) -> None:
        """Plan what is noted, for ever."""
        while True:
            await self._some.wait()
            await self._clock.sleep(_GATHER)
            self._some.clear()
            await self.plan_waiting()

    async def plan_waiting(self) -> None:
        """Plan what is noted."""
        waiting, self.waiting = self.waiting, defaultdict(set)
        for campaign, accounts in waiting.items():
            await self._plan(campaign, accounts)

    async def _plan(self, campaign: str, accounts: set[int]) -> None:
        try:
            planned = await asyncio.to_thread(self._planner.plan_accounts, campaign, accounts, self._clock.now())
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="follow_up", error=str(error))
            self.waiting[campaign] |= accounts
            await self._clock.sleep(_AGAIN)
            self._some.set()
            return
        except Exception:  # one gathering ends here; the scheduled run takes the accounts up
            log.exception("follow_up_broke", campaign=campaign)
            return
        if planned:
            self._notify()
