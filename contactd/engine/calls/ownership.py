"""Which teams this daemon dials for: a lease for each, so that no team is dialled for twice; the dialer asks here.

On PostgreSQL the lease is a row, by the database's clock, renewed while we are awake; on SQLite the process itself is
the owner, for there is no other. Each intent repeats the epoch in its own transaction, so what is believed here may
be late without harm.
"""

import asyncio
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.engine import Connection

from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.calls.lists import CallList
from contactd.engine.calls.roster import Roster
from contactd.engine.errands import either
from contactd.store import leases
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()

LASTING = timedelta(seconds=6)
EVERY = 2.0
_FRESH = 4.5  # seconds after a renewal in which calls are placed; the rest is for what is on its way to the carrier
_ASLEEP = 2.0  # whoever was not asked for so long has slept, and asks before anything else
_FOR_GOOD = timedelta(days=36_500)  # the process is the owner as long as it lives


@dataclass(frozen=True, slots=True)
class Fence:
    """What an intent proves in its transaction: the lease of its team, and the epoch in which we hold it."""

    name: str
    epoch: int


class Owner(Protocol):
    """Tells the dialer which teams are ours."""

    def epoch(self, team: str) -> int | None:
        """Answer since which epoch a team is ours, as far as we know; None: it is not."""
        ...

    def may_place(self, team: str) -> bool:
        """Answer whether a call may be placed for the team at this moment."""
        ...

    def in_doubt(self) -> bool:
        """Answer whether we have slept, and may find that what was ours is another's; ask several times a second."""
        ...

    async def run(self, told: Callable[[], None]) -> None:
        """Take and keep teams; calls `told` whenever it knows more."""
        ...

    async def give_up(self) -> None:
        """Leave every team to whoever wants it."""
        ...


class Alone:
    """The owner of everything, where there is nobody else: in rehearsals."""

    def epoch(self, team: str) -> int | None:
        """Own every team."""
        del team
        return 1

    def may_place(self, team: str) -> bool:
        """Place whenever there is reason to."""
        del team
        return True

    def in_doubt(self) -> bool:
        """Fear nobody."""
        return False

    async def run(self, told: Callable[[], None]) -> None:
        """Have nothing to do."""
        del told

    async def give_up(self) -> None:
        """Have nothing to give up."""


class Leases:
    """Of one daemon, `holder`; `teams` says each time which ones it would serve."""

    def __init__(
        self,
        commit: GroupCommit,
        clock: Clock,
        *,
        holder: str,
        teams: Callable[[], Collection[str]],
        by_process: bool = False,
    ) -> None:
        self._commit = commit
        self._clock = clock
        self._holder = holder
        self._teams = teams
        self._by_process = by_process
        self._lasting = _FOR_GOOD if by_process else LASTING
        self._fresh = math.inf if by_process else _FRESH
        self._epochs: dict[str, int] = {}
        # When the last renewal that held was begun, by the monotonic clock, which may stand still while the machine
        # sleeps, and by the wall's.
        self._renewed: dict[str, tuple[float, datetime]] = {}
        self._seen = clock.monotonic()
        self._doubted: float | None = None
        self._again = asyncio.Event()

    def epoch(self, team: str) -> int | None:
        """Answer since which epoch a team is ours, as far as we know."""
        return self._epochs.get(team)

    def may_place(self, team: str) -> bool:
        """Answer whether the lease was renewed a moment ago."""
        if team not in self._renewed or self.in_doubt():
            return False
        at, on_the_wall = self._renewed[team]
        passed = max(self._clock.monotonic() - at, (self._clock.now() - on_the_wall).total_seconds())
        return passed < self._fresh

    def in_doubt(self) -> bool:
        """Notice that we have slept; the next answer of the store ends the doubt, even one that it is away."""
        now = self._clock.monotonic()
        if now - self._seen >= _ASLEEP and not self._by_process:
            self._doubted = now
            self._again.set()
        self._seen = now
        return self._doubted is not None

    def fence(self, team: str) -> Fence:
        """Name what an intent of the team has to prove; nobody ever has epoch 0."""
        return Fence(_name(team), self._epochs.get(team, 0))

    def refused(self, team: str) -> None:
        """Hear that an intent was refused: place nothing before the lease has been renewed."""
        self._renewed.pop(team, None)
        self._again.set()

    async def run(self, told: Callable[[], None]) -> None:
        """Renew what is held and take what is free, for ever."""
        while True:
            self._again.clear()
            await self._ask()
            told()
            await either(self._clock.sleep(EVERY), self._again.wait())

    async def give_up(self) -> None:
        """Let another daemon take over at once."""
        held, self._epochs, self._renewed = dict(self._epochs), {}, {}

        def release(connection: Connection) -> None:
            for team, epoch in held.items():
                leases.release(connection, _name(team), epoch)

        try:
            await self._commit.run(release)
        except (StoreError, StoreConflict) as error:
            log.info("teams_not_released", error=str(error))  # they are free when the lease ends

    async def _ask(self) -> None:
        began, on_the_wall = self._clock.monotonic(), self._clock.now()
        certain = self._renewed if self._by_process else {}
        held = {team: epoch for team, epoch in self._epochs.items() if team not in certain}
        wanted = sorted(set(self._teams()) - set(self._epochs))
        if held or wanted:
            try:
                kept, taken = await self._commit.run(lambda connection: self._answer(connection, held, wanted))
            except (StoreError, StoreConflict) as error:
                log.warning("teams_not_renewed", teams=sorted(held), error=str(error))
            else:
                self._learn(held, kept, taken, (began, on_the_wall))
        if self._doubted is not None and began >= self._doubted:
            self._doubted = None

    def _answer(
        self, connection: Connection, held: Mapping[str, int], wanted: Sequence[str]
    ) -> tuple[set[str], dict[str, int]]:
        kept = {
            team for team, epoch in held.items() if leases.renew(connection, _name(team), epoch, lasting=self._lasting)
        }
        taken = {
            team: leases.acquire(
                connection, _name(team), holder=self._holder, lasting=self._lasting, by_force=self._by_process
            )
            for team in wanted
        }
        return kept, {team: epoch for team, epoch in taken.items() if epoch is not None}

    def _learn(
        self, held: Mapping[str, int], kept: set[str], taken: Mapping[str, int], began: tuple[float, datetime]
    ) -> None:
        for team in held:
            if team in kept:
                self._renewed[team] = began
            else:
                log.warning("team_lost", team=team, epoch=held[team])
                del self._epochs[team]
                self._renewed.pop(team, None)
        for team, epoch in taken.items():
            log.info("team_taken", team=team, epoch=epoch)
            self._epochs[team] = epoch
            self._renewed[team] = began


def served(teams: Mapping[str, Sequence[CallList]], roster: Roster) -> list[str]:
    """List the teams a daemon can serve: those that have agents with it, or need none."""
    return [
        team for team, lists in teams.items() if roster.agents(team) or any(one.step.mode == "message" for one in lists)
    ]


def _name(team: str) -> str:
    return f"dialer:{team}"
