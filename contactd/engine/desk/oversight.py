"""The whole floor at a glance, and what a supervisor does with it: for wallboard and live view.

Who works on what, which calls are up, how each list is dialled: read from memory, so that it may be asked every second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contactd.domain import agent as agents
from contactd.domain.clock import Clock
from contactd.domain.errors import InputError
from contactd.domain.phrase import Phrase
from contactd.engine.calls.dialer import Dialer
from contactd.engine.calls.idleness import why_each
from contactd.engine.calls.lists import CallList
from contactd.engine.calls.roster import Roster
from contactd.store import levels
from contactd.store.group_commit import GroupCommit
from contactd.telephony.base import Supervision

_LEVELLED = ("power", "predictive")  # modes that place more than one call for each free agent


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent at this moment; `call` is the reference of the call they talk in, `heard_by` who listens."""

    id: str
    name: str
    team: str
    state: agents.State
    since: datetime | None
    reason: str
    wish: str
    call: str
    campaign: str
    heard_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Up:
    """A call that is up."""

    reference: str
    attempt_id: int
    account_id: int
    campaign: str
    step: str
    team: str
    state: str
    since: datetime
    agent: str
    inbound: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A calling step and how it is dialled; `level` None: none to set. `place`, `reason`: the pacing's last word."""

    campaign: str
    step: str
    team: str
    mode: str
    max_abandon: float
    level: float | None
    place: int
    reason: str


class Oversight:
    """`dialer` None: nobody is called here."""

    def __init__(self, dialer: Dialer | None, roster: Roster, commit: GroupCommit, clock: Clock) -> None:
        self._dialer, self._roster, self._commit, self._clock = dialer, roster, commit, clock

    def listen(self, listener: Callable[[], None]) -> None:
        """Hear, from now on, that an agent has moved."""
        self._roster.listen(lambda _: listener())

    def seats(self) -> list[Seat]:
        """List the agents."""
        return [self._seat(agent) for agent in self._roster.agents()]

    def _seat(self, agent: agents.Agent) -> Seat:
        live = heard = None
        if self._dialer is not None:
            live = self._dialer.desk.conversation_of(agent.id)
            heard = self._dialer.consultation.supervisors_of(agent.id)
        return Seat(
            agent.id, agent.name, agent.team, agent.state, agent.since, agent.reason, agent.wish or "",
            live.reference if live else "", live.dial.claimed.campaign if live else "", tuple(heard or ()),
        )  # fmt: skip

    def calls(self) -> list[Up]:
        """List the calls that are up, the oldest first."""
        if self._dialer is None:
            return []
        found = [
            Up(
                live.reference, live.dial.claimed.id, live.dial.claimed.account_id, *live.key, live.team,
                live.call.state.value, live.call.since or live.call.placed_at, live.agent, live.call.inbound,
            )
            for live in self._dialer.desk.live()
        ]  # fmt: skip
        return sorted(found, key=lambda one: one.since)

    def lists(self) -> list[Listed]:
        """List what is called, by team in the order of priority."""
        if self._dialer is None:
            return []
        return [
            self._listed(one, team, look.decisions.get(one.key, (0, "")))
            for team, look in self._dialer.looks().items()
            for one in look.lists
        ]

    def _listed(self, one: CallList, team: str, decision: tuple[int, str]) -> Listed:
        level = self._levels().get(one.campaign.id, 1.0) if one.step.mode in _LEVELLED else None
        return Listed(*one.key, team, one.step.mode, one.step.max_abandon, level, *decision)

    def trouble(self) -> Phrase:
        """Say in the carrier's own words what keeps it from calling; empty: nothing, or there is no carrier."""
        looks = self._dialer.looks().values() if self._dialer is not None else ()
        return next((look.trouble or look.refusal for look in looks if look.trouble or look.carrier_rests), Phrase())

    async def why(self) -> dict[str, list[dict[str, Any]]]:
        """Say for each team what keeps it from dialling, or that nothing does."""
        if self._dialer is None:
            return {}
        looks, now = self._dialer.looks(), self._clock.now()
        return await self._commit.read(lambda connection: why_each(connection, looks, now))

    async def look_up_levels(self) -> None:
        """Take over how boldly people want campaigns to be dialled, whichever daemon they told."""
        if self._dialer is not None:
            self._levels().update(await self._commit.read(levels.read))

    def _levels(self) -> dict[str, float]:
        return self._dialer.levels if self._dialer is not None else {}

    async def hear(self, supervisor: str, agent: str, how: Supervision) -> None:
        """Let a supervisor with a telephone hear an agent, or speak; raises InputError or a ChannelError."""
        if self._dialer is None or supervisor == agent:
            raise InputError("there is nobody to hear")
        if self._roster.find(agent).state is agents.State.OFFLINE:
            raise InputError(
                "there is nobody to hear: agent %(agent)s is %(state)s", agent=agent, state=agents.State.OFFLINE
            )
        await self._dialer.consultation.supervise(agent, supervisor, how)

    async def hear_no_more(self, supervisor: str) -> None:
        """Let them hear nobody."""
        if self._dialer is not None:
            await self._dialer.consultation.unsupervise(supervisor)
