"""Calls an agent looks at before they are placed: offered, accepted or skipped, withdrawn when the time is over.

The agent is reserved for what they look at; nothing is begun with the rules before they accept.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contactd.domain.agent import Agent, Event, State
from contactd.domain.clock import Clock
from contactd.domain.errors import IllegalTransition
from contactd.domain.happened import PreviewOffered
from contactd.engine.bus import Bus
from contactd.engine.calls.lists import CallList
from contactd.engine.calls.roster import Roster
from contactd.store.attempts import Claimed

SKIPPED_FOR = timedelta(hours=1)  # an account an agent has skipped does not come up again before
TOO_LONG = "preview_time_over"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an agent looks at, and until when."""

    claimed: Claimed
    of: CallList
    until: datetime


class Previews:
    """Of one dialer; `place` begins an accepted call for its agent, `skip` puts one off, with agent and reason."""

    def __init__(
        self,
        roster: Roster,
        clock: Clock,
        bus: Bus,
        *,
        place: Callable[[Claimed, CallList, str], object],
        skip: Callable[[Claimed, CallList, str, str], object],
    ) -> None:
        self._roster = roster
        self._clock = clock
        self._bus = bus
        self._place = place
        self._skip = skip
        self._offers: dict[str, Offer] = {}
        roster.listen(self._agent_moved)

    def __len__(self) -> int:
        return len(self._offers)

    def look_at(self, agent_id: str) -> Offer | None:
        """Tell what an agent is offered."""
        return self._offers.get(agent_id)

    def offer(self, claimed: Claimed, of: CallList, agent_id: str) -> None:
        """Show a call to an agent who has been reserved for it."""
        self._offers[agent_id] = Offer(claimed, of, self._clock.now() + of.step.preview)
        self._bus.publish(PreviewOffered(claimed.id, claimed.account_id, agent_id))

    def accept(self, agent_id: str, number: str = "") -> None:
        """Let the call be placed, perhaps to another number of the account; raises IllegalTransition without one."""
        offer = self._taken(agent_id)
        claimed = replace(offer.claimed, wanted=number) if number else offer.claimed
        self._place(claimed, offer.of, agent_id)

    def skip(self, agent_id: str, why: str) -> None:
        """Put the call off; the agent is ready for another. Raises IllegalTransition when there is none."""
        offer = self._taken(agent_id)
        self._skip(offer.claimed, offer.of, agent_id, why)
        self._roster.apply(agent_id, Event.RELEASED)

    def withdraw(self) -> None:
        """Take back every offer: nothing is to be placed any more."""
        for agent_id in list(self._offers):
            self.skip(agent_id, "withdrawn")

    def tick(self) -> None:
        """Withdraw what nobody has answered in time; whoever does not look is sent into a pause."""
        now = self._clock.now()
        for agent_id, offer in list(self._offers.items()):
            if now >= offer.until:
                self.skip(agent_id, TOO_LONG)
                if self._roster.find(agent_id).state is State.READY:
                    self._roster.pause(agent_id, TOO_LONG)

    def _taken(self, agent_id: str) -> Offer:
        offer = self._offers.pop(agent_id, None)
        if offer is None:
            raise IllegalTransition("agent %(agent)s looks at no call", agent=agent_id)
        return offer

    def _agent_moved(self, agent: Agent) -> None:
        """Put off what somebody was looking at who is gone, or wishes to go: they need not wait for the time to end."""
        if agent.id not in self._offers:
            return
        if agent.state is not State.RESERVED:
            offer = self._offers.pop(agent.id)
            self._skip(offer.claimed, offer.of, agent.id, "agent_gone")
        elif agent.wish is not None:
            self.skip(agent.id, "agent_gone")
