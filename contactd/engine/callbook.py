"""What the dialer asks of the store: attempts to call, the gate, and to write down how calls went.

The dialer knows the protocol only, so that the same dialer runs on a database and, in rehearsals, without one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from contactd.domain.account import Channel
from contactd.domain.clock import Clock
from contactd.domain.errors import IllegalTransition, StoreConflict
from contactd.domain.happened import AttemptMoved
from contactd.engine.bus import Bus
from contactd.engine.gate import OVERTAKEN, Begun, Gate, Refused, release
from contactd.store import attempts, calls
from contactd.store.attempts import Claimed
from contactd.store.calls import HandedIn, Stage, Unfinished
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Dial:
    """The intent is committed: now, and only now, the number may be called."""

    claimed: Claimed
    number: str
    language: str = ""


class CallBook(Protocol):
    """Every method may raise StoreError, or StoreConflict when somebody was quicker; nothing is written then."""

    async def claim(self, campaigns: Collection[str], limit: int) -> list[Claimed]:
        """Take attempts of these campaigns that are due, longest due first."""
        ...

    async def begin(self, claimed: Claimed) -> Dial | Refused:
        """Ask the rules again and commit the intent."""
        ...

    async def release(self, claimed: Claimed) -> None:
        """Give back what was certainly not called."""
        ...

    async def record(self, claimed: Claimed, stage: Stage) -> None:
        """Write down how a call went on."""
        ...

    async def hand_in(self, item: HandedIn) -> None:
        """Write down what a conversation achieved; raises StoreConflict when that was said already."""
        ...

    async def unfinished(self) -> list[Unfinished]:
        """List the calls we were making when we stopped."""
        ...


class StoredCallBook:
    """The call book of one daemon, in its database."""

    def __init__(
        self,
        commit: GroupCommit,
        gate: Gate,
        clock: Clock,
        bus: Bus,
        *,
        owner: str,
        lease: timedelta,
    ) -> None:
        self._commit = commit
        self._gate = gate
        self._clock = clock
        self._bus = bus
        self._owner = owner
        self._lease = lease

    async def claim(self, campaigns: Collection[str], limit: int) -> list[Claimed]:
        """Take attempts in one statement, ours until the lease ends."""
        return await self._commit.run(
            lambda connection: attempts.claim(
                connection,
                Channel.CALL,
                owner=self._owner,
                now=self._clock.now(),
                lease=self._lease,
                limit=limit,
                campaigns=campaigns,
            )
        )

    async def begin(self, claimed: Claimed) -> Dial | Refused:
        """Go through the gate together with whoever else is at it."""
        answer: Begun | Refused = await self._commit.submit(self._gate.begin, claimed)
        if isinstance(answer, Begun):
            return Dial(claimed, answer.address, answer.facts.account.language)
        if answer.reason != OVERTAKEN:
            self._tell(claimed, "planned" if answer.until else "cancelled", "", answer.reason)
        return answer

    async def release(self, claimed: Claimed) -> None:
        """Plan it again, whether or not its intent was committed."""
        await self._commit.run(lambda connection: release(connection, [claimed], self._clock.now()))

    async def record(self, claimed: Claimed, stage: Stage) -> None:
        """Write a stage; when the attempt was settled meanwhile, what was written then is at least as good."""
        try:
            state = await self._commit.submit(calls.record, stage)
        except (StoreConflict, IllegalTransition) as error:
            log.info("already_settled", attempt=claimed.id, error=str(error))
            return
        if state is not None and stage.transition is not None:
            self._tell(claimed, state.value, stage.transition.outcome, stage.transition.reason)

    async def hand_in(self, item: HandedIn) -> None:
        """Write a disposition."""
        await self._commit.submit(calls.hand_in, item)

    async def unfinished(self) -> list[Unfinished]:
        """Read what this daemon's name was calling."""
        return await self._commit.read(lambda connection: calls.unfinished(connection, owner=self._owner))

    def _tell(self, claimed: Claimed, state: str, outcome: str, reason: str) -> None:
        self._bus.publish(
            AttemptMoved(
                claimed.id, claimed.account_id, claimed.campaign, claimed.step, claimed.channel, state, outcome, reason
            )
        )
