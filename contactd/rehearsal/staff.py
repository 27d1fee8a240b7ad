"""The agents of a rehearsal: they write after each conversation, take breaks, leave for an hour and come back."""

import asyncio
from collections.abc import Coroutine
from random import Random

from contactd.domain.agent import Agent, State
from contactd.domain.call import Disposition
from contactd.domain.clock import Clock
from contactd.engine.calls.roster import Roster
from contactd.rehearsal.people import lasting
from contactd.rehearsal.scenario import Scenario
from contactd.telephony.simulated_agents import Desk

_HOUR = 3600.0
_SHIFT = 2  # hours
_QUARTERS = 4
_BREAK = "break"


class Team:
    """Works at the desk like people do; the engine does not know the difference."""

    def __init__(self, scenario: Scenario, roster: Roster, clock: Clock) -> None:
        self._scenario = scenario
        self._roster = roster
        self._clock = clock
        self._desk: Desk | None = None
        self._ids = [agent.id for agent in roster.agents()]
        self._random = {one: Random(f"{scenario.seed}/{one}") for one in self._ids}  # noqa: S311 -- a rehearsal
        self._doing: set[asyncio.Task[None]] = set()
        self._writing: set[str] = set()
        self._gone: set[str] = set()
        roster.listen(self._agent_moved)

    def start(self, desk: Desk) -> None:
        """Sign everybody in."""
        self._desk = desk
        staff = self._scenario.staff
        for one in self._ids:
            desk.sign_in(one)
            if staff.breaks:
                self._begin(self._take_breaks(one))
        if staff.shifts:
            self._begin(self._change_shifts())

    async def close(self) -> None:
        """Go home without a word."""
        doing = list(self._doing)
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)

    def _begin(self, deed: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(deed)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    def _agent_moved(self, agent: Agent) -> None:
        if self._desk is None:
            return
        if agent.state is State.WRAP and agent.id not in self._writing:  # a wish uttered meanwhile begins nothing anew
            self._writing.add(agent.id)
            self._begin(self._write(self._desk, agent.id))
        elif agent.state is State.PAUSE and agent.reason == _BREAK:
            self._begin(self._rest(self._desk, agent.id))
        elif agent.state is State.OFFLINE and agent.id not in self._gone:  # their telephone goes down after them
            self._gone.add(agent.id)
            self._begin(self._come_back(self._desk, agent.id))

    async def _write(self, desk: Desk, agent: str) -> None:
        await self._clock.sleep(lasting(self._random[agent], self._scenario.wrap))
        self._writing.discard(agent)
        await desk.dispose(agent, Disposition.PROMISE)

    async def _take_breaks(self, agent: str) -> None:
        random = self._random[agent]
        while True:
            await self._clock.sleep(random.expovariate(self._scenario.staff.breaks / _HOUR))
            found = self._roster.find(agent)
            if found.wish is None and found.state not in (State.OFFLINE, State.PAUSE, State.PHONE_WAIT):
                self._roster.pause(agent, _BREAK)

    async def _rest(self, desk: Desk, agent: str) -> None:
        await self._clock.sleep(self._random[agent].uniform(0.5, 1.5) * self._scenario.staff.length.total_seconds())
        desk.resume(agent)

    async def _change_shifts(self) -> None:
        for shift in range(1, int(self._scenario.hours) + 1):
            await self._clock.sleep(_SHIFT * _HOUR)
            for place, agent in enumerate(self._ids):
                if place % _QUARTERS == shift % _QUARTERS:
                    self._roster.sign_out(agent)

    async def _come_back(self, desk: Desk, agent: str) -> None:
        await self._clock.sleep(self._random[agent].uniform(0.5, 1.5) * _HOUR)
        self._gone.discard(agent)
        desk.sign_in(agent)
