"""Agents who are not there: they sign in, take every call at once, write a while and hand in an outcome; for the demo.

They sit at the desk the dialer offers, like people; the engine does not know the difference.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from random import Random
from typing import Protocol

import structlog

from contactd.domain.agent import WRAP_TOO_LONG, Agent, State
from contactd.domain.call import Disposition
from contactd.domain.clock import Clock
from contactd.domain.errors import ContactdError
from contactd.telephony.simulated import skewed

log = structlog.get_logger()

_RECONNECT_SECONDS = 5.0
# How often a conversation ends in what; only the proportions count.
_WEIGHTS = {
    Disposition.PROMISE: 35,
    Disposition.PLAN: 10,
    Disposition.PAID: 10,
    Disposition.DISPUTE: 8,
    Disposition.REFUSES: 12,
    Disposition.CALLBACK: 13,
    Disposition.WRONG_PERSON: 5,
    Disposition.DROPPED: 7,
}


class Desk(Protocol):
    """What an agent can do."""

    def sign_in(self, agent_id: str) -> None:
        """Begin to work."""
        ...

    def resume(self, agent_id: str) -> None:
        """End a pause."""
        ...

    async def dispose(self, agent_id: str, disposition: Disposition) -> None:
        """Say what the conversation achieved, and be ready for the next."""
        ...


class SimulatedAgents:
    """Works for each agent it was told to; `wrap` is the mean time of writing, in seconds."""

    def __init__(self, clock: Clock, *, seed: int = 1, wrap: float = 30.0) -> None:
        self._clock = clock
        self._random = Random(f"{seed}/agents")  # noqa: S311 -- a rehearsal, no secret
        self._wrap = wrap
        self._desk: Desk | None = None
        self._ids: frozenset[str] = frozenset()
        self._busy: set[asyncio.Task[None]] = set()
        self._overdue: set[str] = set()  # wrote too long and were sent into a pause

    def start(self, desk: Desk, agent_ids: Iterable[str]) -> None:
        """Sign everybody in."""
        self._desk = desk
        self._ids = frozenset(agent_ids)
        for agent_id in sorted(self._ids):
            desk.sign_in(agent_id)

    async def close(self) -> None:
        """Let go of everything; what is being written is lost, as with a person who leaves."""
        busy = list(self._busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    def give_up_seat(self, agent_id: str) -> bool:
        """Do nothing more for an agent whose desk a person has come to; answers whether one of ours sat there."""
        sat = agent_id in self._ids
        self._ids -= {agent_id}
        return sat

    def agent_moved(self, agent: Agent) -> None:
        """See what became of an agent; one of ours writes after a call, and comes back when the connection was lost."""
        if self._desk is None or agent.id not in self._ids:
            return
        if agent.state is State.WRAP:
            self._begin(self._write(self._desk, agent))
        elif agent.state is State.PAUSE and agent.reason == WRAP_TOO_LONG:
            self._overdue.add(agent.id)
        elif agent.state is State.UNREACHABLE:
            self._begin(self._come_back(self._desk, agent))

    def _begin(self, deed: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(deed)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _come_back(self, desk: Desk, agent: Agent) -> None:
        await self._clock.sleep(_RECONNECT_SECONDS)
        try:
            desk.sign_in(agent.id)
        except ContactdError as error:
            log.warning("simulated_agent_refused", agent=agent.id, error=str(error))

    async def _write(self, desk: Desk, agent: Agent) -> None:
        seconds = skewed(self._random, self._wrap, 0.5)
        (disposition,) = self._random.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))
        await self._clock.sleep(seconds)
        try:
            await desk.dispose(agent.id, disposition)
            if agent.id in self._overdue:
                self._overdue.discard(agent.id)
                desk.resume(agent.id)
        except ContactdError as error:
            log.warning("simulated_agent_refused", agent=agent.id, error=str(error))
