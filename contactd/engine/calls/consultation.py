"""What is done with a conversation besides talking: hold, mute, hand over, bring somebody in, listen in.

The desk speaks to it. An agent's own part ends with a wrap-up as always; whoever goes on with the person is told to
the bus, and a supervisor's ear to the agent, too.
"""

import structlog

from contactd.domain import agent as agents
from contactd.domain import call as calls
from contactd.domain.call import State
from contactd.domain.errors import ChannelError, IllegalTransition
from contactd.domain.happened import Supervised
from contactd.engine.bus import Bus
from contactd.engine.calls.live_call import Live
from contactd.engine.calls.roster import Roster
from contactd.engine.calls.switchboard import Switchboard
from contactd.telephony.base import Carrier, Supervision

log = structlog.get_logger()


class Consultation:
    """Every method raises IllegalTransition where there is nothing to do it with, InputError, or a ChannelError."""

    def __init__(self, switchboard: Switchboard, roster: Roster, carrier: Carrier, bus: Bus) -> None:
        self._switchboard = switchboard
        self._roster = roster
        self._carrier = carrier
        self._bus = bus
        self._hearing: dict[str, str] = {}  # by supervisor: the agent

    async def hold(self, agent_id: str) -> None:
        """Let the person an agent talks to hear music."""
        await self._carrier.hold(self._talk_of(agent_id, State.CONNECTED).reference)

    async def retrieve(self, agent_id: str) -> None:
        """Go on talking."""
        await self._carrier.retrieve(self._talk_of(agent_id, State.HOLD).reference)

    async def mute(self, agent_id: str, *, muted: bool) -> None:
        """Let nobody hear an agent who talks, or everybody again."""
        self._talk_of(agent_id)
        await self._carrier.mute(agent_id, muted=muted)

    def hand_over(self, agent_id: str, to: str) -> None:
        """Give the person to another agent, who has to be free; the first one writes down their part."""
        live = self._talk_of(agent_id)
        if self._roster.find(to).state is not agents.State.READY:
            raise IllegalTransition("agent %(to)s is %(state)s, not free", to=to, state=self._roster.find(to).state)
        self._roster.apply(to, agents.Event.RESERVED)
        live.next_agent = to
        self._switchboard.feed(live, calls.Event.HANDED_OVER)

    async def invite(self, agent_id: str, number: str) -> None:
        """Call a third person into the conversation."""
        live = self._talk_of(agent_id)
        await self._carrier.invite(live.reference, number, live.caller_id)

    async def dismiss(self, agent_id: str) -> None:
        """Let the third person go."""
        await self._carrier.dismiss(self._talk_of(agent_id).reference)

    async def leave(self, agent_id: str) -> None:
        """Leave the person to the third one, and write down one's part."""
        live = self._talk_of(agent_id)
        await self._carrier.leave(live.reference)
        self._switchboard.feed(live, calls.Event.LEFT)

    def hang_up(self, agent_id: str) -> None:
        """End the conversation, and write down what it achieved."""
        self._switchboard.feed(self._talk_of(agent_id), calls.Event.AGENT_DONE)

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Let a supervisor hear an agent, or speak; the agent sees it."""
        self._roster.find(agent_id)
        if self._roster.find(supervisor).state in (agents.State.READY, agents.State.RESERVED, agents.State.TALK):
            raise IllegalTransition("%(supervisor)s takes calls; pause first", supervisor=supervisor)
        try:
            await self._carrier.supervise(agent_id, supervisor, how)
        except ChannelError:
            self.ear_gone(supervisor)
            raise
        if self._hearing.get(supervisor) != agent_id:
            self.ear_gone(supervisor)  # of whom they heard before
        self._hearing[supervisor] = agent_id
        self._bus.publish(Supervised(agent_id, supervisor, how))
        log.info("supervised", agent=agent_id, supervisor=supervisor, how=how)

    async def unsupervise(self, supervisor: str) -> None:
        """Let them hear no more."""
        await self._carrier.unsupervise(supervisor)
        self.ear_gone(supervisor)

    def ear_gone(self, supervisor: str) -> None:
        """Hear that they hear nobody any more."""
        agent_id = self._hearing.pop(supervisor, "")
        if agent_id:
            self._bus.publish(Supervised(agent_id, supervisor, ""))

    def supervisors_of(self, agent_id: str) -> list[str]:
        """Name who hears an agent."""
        return [supervisor for supervisor, heard in self._hearing.items() if heard == agent_id]

    def _talk_of(self, agent_id: str, *states: State) -> Live:
        live = self._switchboard.conversation_of(agent_id)
        wanted = states or (State.CONNECTED, State.HOLD)
        if live is None or live.agent != agent_id or live.call.state not in wanted:
            raise IllegalTransition(
                "agent %(agent)s has no call that is %(states)s", agent=agent_id, states=tuple(wanted)
            )
        return live
