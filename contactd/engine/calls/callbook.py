"""What the dialer asks of the store: attempts to call, the gate, and to write down how calls went.

The dialer knows the protocol only, so that the same dialer runs on a database and, in rehearsals, without one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
import structlog

from contactd.domain.account import Channel
from contactd.domain.address import last_call
from contactd.domain.calendar import local_day
from contactd.domain.campaign import Step
from contactd.domain.clock import Clock
from contactd.domain.errors import IllegalTransition, StoreConflict
from contactd.domain.happened import AttemptMoved
from contactd.domain.ivr import Personal
from contactd.domain.ladder import zone_of
from contactd.domain.money import Money
from contactd.domain.queueing import Priority, in_order
from contactd.engine.bus import Bus
from contactd.engine.calls.ownership import Fence
from contactd.engine.gate import OVERTAKEN, Begun, Gate, Refused, release
from contactd.engine.sending.compose import overdue
from contactd.store import accounts, call_queue, calls, incoming, leases
from contactd.store.attempts import Claimed
from contactd.store.call_queue import CallBack
from contactd.store.calls import CallRow, HandedIn, Stage, Unfinished
from contactd.store.group_commit import GroupCommit
from contactd.store.incoming import Arrival, Caller

log = structlog.get_logger()


_A_CALL = Step("call", Channel.CALL)
NOT_OWNER = "not_owner"

# What follows from an outcome, in its transaction: locks the accounts, calls what writes the outcome, goes on.
Conclude = Callable[[sa.Connection, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Dial:
    """The intent is committed: now, and only now, the number may be called.

    `agent_first`: with an agent kept for it, because the last call to the number was abandoned. `personal`: what may be
    told to who knows the postcode, in steps that ask for it. `again`: of one who called us, for which campaign and step
    they would be called back.
    """

    claimed: Claimed
    number: str
    language: str = ""
    step: Step = _A_CALL
    agent_first: bool = False
    personal: Personal | None = None
    again: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Calls asked for: of which list (campaign, step), how many, who could take one, how likely each hour answers."""

    key: tuple[str, str]
    limit: int
    free: frozenset[str] = frozenset()
    reach: Mapping[int, float] = field(default_factory=dict)


class CallBook(Protocol):
    """Every method may raise StoreError, or StoreConflict when somebody was quicker; nothing is written then."""

    async def claim(self, wanted: Wanted) -> list[Claimed]:
        """Take due calls, in the order in which they are to be placed."""
        ...

    async def begin(self, claimed: Claimed) -> Dial | Refused:
        """Ask the rules again and commit the intent."""
        ...

    async def release(self, claimed: Claimed, later: datetime | None = None) -> None:
        """Give back what was certainly not called, to be taken up again at once or later."""
        ...

    async def skip(self, claimed: Claimed, agent: str, why: str, later: datetime) -> None:
        """Put off what an agent would rather not call now."""
        ...

    async def agree(self, item: CallBack) -> None:
        """Queue a callback."""
        ...

    async def dial(self, item: CallBack) -> Claimed:
        """Queue and take a call an agent wants to place at once."""
        ...

    async def arrived(self, arrival: Arrival) -> Caller:
        """Enter a call that comes in, and find out who it is; once only, however often it is told."""
        ...

    async def missed(self, number: str) -> int:
        """Queue a call to whoever called us from a number in vain; answers how many accounts that is."""
        ...

    async def record(self, claimed: Claimed, stage: Stage) -> None:
        """Write down how a call went on."""
        ...

    async def hand_in(self, item: HandedIn, conclude: Conclude | None = None) -> None:
        """Write down what a conversation achieved, with what follows in the same transaction; raises what that raises.

        Raises StoreConflict when the outcome was said already.
        """
        ...

    async def unfinished(self, campaigns: Collection[str]) -> list[Unfinished]:
        """List the calls of these campaigns whose end nobody has entered, whoever placed them."""
        ...

    async def strays(self, known: Collection[str]) -> list[Unfinished]:
        """List our own calls of all other campaigns whose end nobody has entered."""
        ...

    async def past(self, campaign: str, since: datetime) -> list[CallRow]:
        """Read the calls of a campaign that ended since then, for the pacing to learn from."""
        ...


class Fences(Protocol):
    """What the call book asks whoever owns the teams."""

    def fence(self, team: str) -> Fence:
        """Name what an intent of the team has to prove in its transaction."""
        ...

    def refused(self, team: str) -> None:
        """Hear that it was proved no more."""
        ...


@dataclass(frozen=True, slots=True)
class _Intent:
    """A call to begin, and what its team's owner has to prove; None: nothing."""

    claimed: Claimed
    fence: Fence | None


class StoredCallBook:
    """The call book of one daemon, in its database; intents are `fences`' to allow, if there are any."""

    def __init__(
        self,
        commit: GroupCommit,
        gate: Gate,
        clock: Clock,
        bus: Bus,
        *,
        owner: str,
        lease: timedelta,
        fences: Fences | None = None,
    ) -> None:
        self._commit = commit
        self._gate = gate
        self._clock = clock
        self._bus = bus
        self._owner = owner
        self._lease = lease
        self._fences = fences

    async def claim(self, wanted: Wanted) -> list[Claimed]:
        """Take attempts in one transaction, ours until the lease ends."""
        now = self._clock.now()
        return await self._commit.run(
            lambda connection: call_queue.take(
                connection,
                [wanted.key],
                owner=self._owner,
                now=now,
                lease=self._lease,
                limit=wanted.limit,
                free=wanted.free,
                choose=lambda waiting: in_order(waiting, wanted.reach, now),
            )
        )

    async def begin(self, claimed: Claimed) -> Dial | Refused:
        """Go through the gate together with whoever else is at it."""
        team = self._gate.team(claimed.campaign)
        fence = self._fences.fence(team) if self._fences else None
        answer: Dial | Refused = await self._commit.submit(self._begin, _Intent(claimed, fence))
        if isinstance(answer, Dial):
            return answer
        if answer.reason == NOT_OWNER and self._fences:
            log.warning("intent_refused", attempt=claimed.id, team=team, epoch=fence.epoch if fence else 0)
            self._fences.refused(team)
        if answer.reason != OVERTAKEN:
            waits = claimed.priority != Priority.DIALLED and (answer.until or answer.reason == NOT_OWNER)
            state = "planned" if waits else "cancelled"
            self._tell(claimed, state, "", answer.reason)
        return answer

    def _begin(self, connection: sa.Connection, intents: list[_Intent]) -> Sequence[Dial | Refused]:
        """Let through what its team's owner begins, who stays so until the commit; the others are planned again."""
        fences = {intent.fence for intent in intents if intent.fence is not None}
        stand: set[Fence | None] = {fence for fence in fences if leases.holds(connection, fence.name, fence.epoch)}
        stand.add(None)
        late = [intent.claimed for intent in intents if intent.fence not in stand]
        release(connection, late, self._clock.now())
        answers = self._gate.begin(connection, [intent.claimed for intent in intents if intent.fence in stand])
        asked = [one.claimed.account_id for one in answers if isinstance(one, Begun) and one.rung.step.identify]
        postcodes = accounts.postcodes(connection, asked)
        begun = (_dial(one, postcodes) if isinstance(one, Begun) else one for one in answers)
        return [next(begun) if intent.fence in stand else Refused(intent.claimed, NOT_OWNER) for intent in intents]

    async def release(self, claimed: Claimed, later: datetime | None = None) -> None:
        """Plan it again, whether or not its intent was committed; what an agent has dialled is over."""
        await self._commit.run(lambda connection: release(connection, [claimed], self._clock.now(), later))
        if claimed.priority == Priority.DIALLED:
            self._tell(claimed, "cancelled", "unavailable", "not_sent")

    async def skip(self, claimed: Claimed, agent: str, why: str, later: datetime) -> None:
        """Plan it again for later, with a row of the log."""
        now = self._clock.now()
        await self._commit.run(lambda connection: call_queue.put_off(connection, [(claimed, agent, why, later)], now))

    async def agree(self, item: CallBack) -> None:
        """Queue a callback instead of what was agreed before."""
        now = self._clock.now()
        await self._commit.run(lambda connection: call_queue.agree(connection, [item], now))

    async def dial(self, item: CallBack) -> Claimed:
        """Queue it for its agent, ours already."""
        now, owner, lease = self._clock.now(), self._owner, self._lease
        return await self._commit.run(
            lambda connection: call_queue.dial(connection, item, owner=owner, now=now, lease=lease)
        )

    async def arrived(self, arrival: Arrival) -> Caller:
        """Enter it in the database."""
        caller = await self._commit.run(lambda connection: incoming.arrive(connection, arrival, owner=self._owner))
        self._tell(caller.claimed, "accepted", "accepted", "")
        return caller

    async def missed(self, number: str) -> int:
        """Queue it before the campaigns' own, or let what waits for them go first."""
        now = self._clock.now()
        return len(await self._commit.run(lambda connection: call_queue.missed(connection, number, now)))

    async def record(self, claimed: Claimed, stage: Stage) -> None:
        """Write a stage; when the attempt was settled meanwhile, what was written then is at least as good."""
        try:
            state = await self._commit.submit(calls.record, stage)
        except (StoreConflict, IllegalTransition) as error:
            log.info("already_settled", attempt=claimed.id, error=str(error))
            return
        if state is not None and stage.transition is not None:
            self._tell(claimed, state.value, stage.transition.outcome, stage.transition.reason)

    async def hand_in(self, item: HandedIn, conclude: Conclude | None = None) -> None:
        """Write a disposition, together with whoever else is at it unless something follows."""
        if conclude is None:
            await self._commit.submit(calls.hand_in, item)
        else:
            await self._commit.run(lambda connection: conclude(connection, lambda: enter(connection, item)))

    async def unfinished(self, campaigns: Collection[str]) -> list[Unfinished]:
        """Read what is open, by campaign."""
        return await self._commit.read(lambda connection: calls.unfinished(connection, campaigns))

    async def strays(self, known: Collection[str]) -> list[Unfinished]:
        """Read what this daemon's name was calling for campaigns nobody here knows."""
        return await self._commit.read(lambda connection: calls.strays(connection, owner=self._owner, besides=known))

    async def past(self, campaign: str, since: datetime) -> list[CallRow]:
        """Read them from the database."""
        return await self._commit.read(lambda connection: calls.past(connection, campaign, since))

    def _tell(self, claimed: Claimed, state: str, outcome: str, reason: str) -> None:
        self._bus.publish(
            AttemptMoved(
                claimed.id, claimed.account_id, claimed.campaign, claimed.step, claimed.channel, state, outcome, reason
            )
        )


def enter(connection: sa.Connection, item: HandedIn) -> None:
    """Write a disposition; raises StoreConflict when it was said already."""
    [conflict] = calls.hand_in(connection, [item])
    if conflict is not None:
        raise conflict


def _dial(begun: Begun, postcodes: Mapping[int, str]) -> Dial:
    """Say what the dialer needs to know of a call that has begun."""
    last = last_call(begun.facts, begun.address)
    return Dial(
        begun.claimed,
        begun.address,
        begun.facts.account.language,
        begun.rung.step,
        agent_first=last is not None and last.abandoned,
        personal=_personal(begun, postcodes.get(begun.claimed.account_id, "")),
    )


def _personal(begun: Begun, postcode: str) -> Personal | None:
    """Say what may be told of the account to who knows its postcode; None where there is none, or nothing to tell."""
    account = begun.facts.account
    owed = overdue(begun, local_day(zone_of(account, begun.rung.campaign), begun.at))
    if not postcode or not owed:
        return None
    total = min(sum(invoice.open.minor for invoice in owed), begun.facts.open)
    oldest = min(invoice.due_on for invoice in owed)
    return Personal(postcode, Money(total, account.currency), len(owed), oldest, account.number)
