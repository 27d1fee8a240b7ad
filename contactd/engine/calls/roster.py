"""The agents at work, in memory: who is free, who has waited longest; desk, dialer and status ask here.

Every change goes through the table in domain/agent.py, and is told to the listeners.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from contactd.config.settings import Settings
from contactd.domain.agent import Agent, Event, State, longest_free, step
from contactd.domain.clock import Clock
from contactd.domain.errors import IllegalTransition, InputError

# Whoever is in one of these may be free in a moment.
_AT_WORK = frozenset({State.READY, State.RESERVED, State.TALK, State.WRAP})
WRAP_LIMIT = timedelta(seconds=60)  # desk.md: then a pause, with nothing discarded and no outcome invented
WRAP_OFFER = timedelta(seconds=20)  # desk.md: so long before its end more time is offered
WRAP_MORE = timedelta(seconds=60)
SILENCE_LIMIT = timedelta(seconds=15)  # desk.md: without a sign of life from the desk no calls

Listener = Callable[[Agent], None]


def agents_of(settings: Settings) -> list[Agent]:
    """Read them from the configuration."""
    return [
        Agent(agent_id, agent.name or agent_id, agent.team, agent.languages, leg=settings.telephony.backend == "none")
        for agent_id, agent in settings.agents.items()
    ]


class Roster:
    """All agents of the configuration; an unknown id is an InputError. Each configuration is a `revision`."""

    def __init__(self, agents: Iterable[Agent], clock: Clock, *, wrap_limit: timedelta = WRAP_LIMIT) -> None:
        self.revision = 1
        self._clock = clock
        self._wrap_limit = wrap_limit
        self._agents = {agent.id: agent for agent in agents}
        self._leaving: set[str] = set()
        self._heard: dict[str, datetime] = {}
        self._silent: set[str] = set()
        self._longer: dict[str, timedelta] = {}  # than the limit, for those who asked while they write
        self._listeners: list[Listener] = []
        self._untold: deque[Agent] = deque()
        self._telling = False

    def listen(self, listener: Listener) -> None:
        """Hear of every agent who changes, from now on."""
        self._listeners.append(listener)

    def find(self, agent_id: str) -> Agent:
        """Tell what an agent is doing."""
        try:
            return self._agents[agent_id]
        except KeyError:
            raise InputError("there is no agent %(agent)r", agent=agent_id) from None

    def agents(self, team: str | None = None) -> list[Agent]:
        """List the agents of a team, or all of them."""
        return [agent for agent in self._agents.values() if team is None or agent.team == team]

    def free(self, team: str) -> list[Agent]:
        """List who can take a call now, who has waited longest first."""
        return sorted((agent for agent in self.agents(team) if agent.state is State.READY), key=longest_free)

    def is_reserved(self, agent_id: str) -> bool:
        """Answer whether an agent is kept for a call; whoever has left the configuration is not."""
        agent = self._agents.get(agent_id)
        return agent is not None and agent.state is State.RESERVED

    def anybody(self, team: str) -> bool:
        """Answer whether somebody is at work who is free or may be so soon."""
        return any(agent.state in _AT_WORK and agent.wish is None for agent in self.agents(team))

    def counts(self) -> dict[str, Counter[State]]:
        """Count the agents of each team by what they are doing."""
        counted: dict[str, Counter[State]] = {}
        for agent in self._agents.values():
            counted.setdefault(agent.team, Counter())[agent.state] += 1
        return counted

    def reserve(self, team: str, language: str = "", *, first: str = "") -> Agent | None:
        """Take the longest-free agent for a call, before them one who speaks the language, and before all `first`."""
        free = self.free(team)
        if not free:
            return None
        wanted = [agent for agent in free if agent.id == first]
        speaking = [agent for agent in free if language in agent.languages]
        return self.apply((wanted or speaking or free)[0].id, Event.RESERVED)

    def sign_in(self, agent_id: str) -> None:
        """Let an agent begin to work."""
        self.apply(agent_id, Event.SIGNED_IN)

    def sign_out(self, agent_id: str) -> None:
        """Let an agent go; after the call, if there is one."""
        self.apply(agent_id, Event.SIGNED_OUT)

    def pause(self, agent_id: str, reason: str = "") -> None:
        """Give an agent a pause; after the call, if there is one."""
        self.apply(agent_id, Event.PAUSED, reason)

    def resume(self, agent_id: str) -> None:
        """End a pause or the wish for one; whoever has none or has left stays as they are."""
        agent = self.find(agent_id)
        if agent.state is State.PAUSE or agent.wish is State.PAUSE:
            self.apply(agent_id, Event.RESUMED)

    def apply(self, agent_id: str, event: Event, reason: str = "") -> Agent:
        """Let something happen to an agent; raises IllegalTransition when it cannot."""
        before = self.find(agent_id)
        if event is Event.SIGNED_IN and agent_id in self._heard:  # with a desk, which is alive
            self._heard[agent_id] = self._clock.now()
            self._silent.discard(agent_id)
        after = step(before, event, self._clock.now(), reason)
        self._agents[agent_id] = after
        if after.state is not State.WRAP:
            self._longer.pop(agent_id, None)
        if after != before:
            self._forget(agent_id)
            self._tell(after)
        return after

    def _tell(self, agent: Agent) -> None:
        """Tell every listener of one change before the next: a listener may change an agent itself."""
        self._untold.append(agent)
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                moved = self._untold.popleft()
                for listener in self._listeners:
                    listener(moved)
        finally:
            self._telling = False

    def heard(self, agent_id: str) -> None:
        """Take note that an agent's desk is there; from the first time on it has to be heard again and again."""
        self.find(agent_id)
        self._heard[agent_id] = self._clock.now()
        if agent_id in self._silent:
            self._silent.discard(agent_id)
            self.apply(agent_id, Event.FOUND)

    def overslept(self, seconds: float) -> None:
        """Blame nobody's desk for the silence of a time in which we heard nothing at all."""
        for agent_id in self._heard:
            self._heard[agent_id] += timedelta(seconds=seconds)

    def tick(self) -> None:
        """Send whoever has been writing too long into a pause, and count whose desk is silent as out of reach."""
        silent = self._clock.now() - SILENCE_LIMIT
        for agent_id, at in list(self._heard.items()):
            if at <= silent and agent_id not in self._silent:
                self._silent.add(agent_id)
                self.apply(agent_id, Event.LOST)
        now = self._clock.now()
        for agent_id in list(self._agents):
            until = self.wrap_until(agent_id)
            if until is not None and until <= now:
                self.apply(agent_id, Event.TIMED_OUT)

    def wrap_until(self, agent_id: str) -> datetime | None:
        """Tell until when an agent may write before they go into a pause; None while they do not write."""
        agent = self.find(agent_id)
        if agent.state is not State.WRAP or agent.since is None:
            return None
        return agent.since + self._wrap_limit + self._longer.get(agent_id, timedelta())

    def extend(self, agent_id: str) -> None:
        """Give an agent more time to write, near its end and as often as they ask; raises IllegalTransition."""
        until = self.wrap_until(agent_id)
        if until is None or until - self._clock.now() > WRAP_OFFER:
            raise IllegalTransition("agent %(agent)s is not at the end of the time to write", agent=agent_id)
        self._longer[agent_id] = self._longer.get(agent_id, timedelta()) + WRAP_MORE
        self._tell(self.find(agent_id))

    def replace(self, agents: Iterable[Agent]) -> None:
        """Take over another configuration: who is new is offline, who is gone is signed out, after the call if any."""
        self.revision += 1
        wanted = {agent.id: agent for agent in agents}
        self._leaving = set(self._agents) - set(wanted)
        for agent_id in list(self._leaving):
            self.apply(agent_id, Event.SIGNED_OUT)
            self._forget(agent_id)  # who was offline already has not moved
        for agent_id, agent in wanted.items():
            now = self._agents.get(agent_id, agent)
            self._agents[agent_id] = replace(now, name=agent.name, team=agent.team, languages=agent.languages)

    def _forget(self, agent_id: str) -> None:
        """Drop an agent the configuration no longer has, once they have left."""
        agent = self._agents.get(agent_id)
        if agent_id in self._leaving and agent is not None and agent.state is State.OFFLINE:
            del self._agents[agent_id]
            self._leaving.discard(agent_id)
            self._heard.pop(agent_id, None)
            self._silent.discard(agent_id)
