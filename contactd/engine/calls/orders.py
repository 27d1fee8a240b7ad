"""Orders to the carrier, in order for each call and each agent's telephone; what fails comes back as an event.

The switchboard gives them. Each waits for its turn in the background, and until it is sure whose the call is.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from contactd.domain import agent as agents
from contactd.domain import call as calls
from contactd.domain.call import State
from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnclear
from contactd.domain.ivr import Personal
from contactd.engine.calls.live_call import Live
from contactd.engine.calls.roster import Roster
from contactd.engine.errands import Errands, Lane, Work
from contactd.telephony.announcements import CONSENT, RECORDING
from contactd.telephony.base import Announcement, Carrier

log = structlog.get_logger()

Say = Callable[[str, str], Announcement]  # a text of that name, in a language
Tell = Callable[[str, str, Personal], Announcement]  # the same, knowing an account
Sure = Callable[[], Awaitable[None]]


class Orders:
    """`feed` hears what became of an order; orders wait until `sure` returns."""

    def __init__(
        self,
        carrier: Carrier,
        roster: Roster,
        say: Say,
        tell: Tell,
        errands: Errands,
        *,
        feed: Callable[[Live, calls.Event], None],
        sure: Sure | None,
    ) -> None:
        self._carrier = carrier
        self._roster = roster
        self._say = say
        self._tell = tell
        self._errands = errands
        self._feed = feed
        self._sure = sure
        self._seats: dict[str, Lane] = {}

    def answer(self, live: Live) -> None:
        """Pick up for somebody who calls us."""
        self._put(live, partial(self._answer, live))

    def queue(self, live: Live, text: str) -> None:
        """Say that they have to wait, unless an agent has been found meanwhile."""
        self._put(live, partial(self._queue, live, text))

    def music(self, live: Live) -> None:
        """Let somebody who waits hear music."""
        self._put(live, partial(self._music, live))

    def bridge(self, live: Live) -> None:
        """Join the person and the agent of the call."""
        self._put(live, partial(self._bridge, live, live.agent))

    def speak(self, live: Live, text: str) -> None:
        """Play a text; where it cannot be, what comes after it comes at once."""
        self._put(live, partial(self._speak, live, text, self._say))

    def tell(self, live: Live, text: str, personal: Personal) -> None:
        """Play a text that knows the account, to who has identified."""
        self._put(live, partial(self._speak, live, text, lambda name, language: self._tell(name, language, personal)))

    def record(self, live: Live) -> None:
        """Keep what is said, if the step wants it; it is announced, or asked for, once in a call."""
        if live.dial.step.record != "off":
            self._put(live, partial(self._record, live))

    def hang_up(self, live: Live) -> None:
        """End the call."""
        self._put(live, partial(self._hang_up, live))

    def seat(self, agent_id: str) -> None:
        """Let the agent's telephone be as the agent is when it is their turn; in order, for they may come and go."""
        self._seats.setdefault(agent_id, Lane(self._errands)).put(partial(self._seat, agent_id))

    def _put(self, live: Live, work: Work) -> None:
        live.orders.put(partial(self._carry_out, live, work))

    async def _carry_out(self, live: Live, work: Work) -> None:
        if self._sure is not None:
            await self._sure()
        if not live.gone:
            await work()

    async def _answer(self, live: Live) -> None:
        try:
            await self._carrier.answer(live.reference)
        except ChannelError as error:
            log.warning("call_not_answered", reference=live.reference, error=str(error))
            if isinstance(error, ChannelRejected):  # they have rung off, and it was not told yet
                self._feed(live, calls.Event.HUNG_UP)

    async def _queue(self, live: Live, text: str) -> None:
        if live.call.state is not State.QUEUED:
            return
        try:
            await self._carrier.play(live.reference, self._say(text, live.dial.language))
        except ChannelError as error:
            log.warning("text_not_played", reference=live.reference, text=text, error=str(error))
            if live.call.state is State.QUEUED:
                self._feed(live, calls.Event.PLAYED)

    async def _music(self, live: Live) -> None:
        if live.call.state is not State.WAITING:
            return
        try:
            await self._carrier.hold(live.reference)
        except ChannelError as error:  # they wait in silence
            log.warning("music_not_played", reference=live.reference, error=str(error))

    async def _bridge(self, live: Live, agent: str) -> None:
        if not _is_joining(live, agent):
            return  # gone while the order waited for those before it
        try:
            await self._carrier.bridge(live.reference, agent)
        except ChannelUnclear as error:  # `bridged` comes, or the deadline
            log.warning("bridge_unclear", reference=live.reference, agent=agent, error=str(error))
        except ChannelError as error:
            log.warning("bridge_failed", reference=live.reference, agent=agent, error=str(error))
            if not _is_joining(live, agent):
                return
            if isinstance(error, ChannelRejected):
                await self._hang_up(live)
                self._feed(live, calls.Event.HUNG_UP)
            else:
                self._feed(live, calls.Event.AGENT_LOST)

    async def _speak(self, live: Live, text: str, say: Say) -> None:
        state = live.call.state
        try:
            ask = live.dial.step.mode == "ivr" and state is State.PLAYING
            await self._carrier.play(live.reference, say(text, live.dial.language), ask=ask)
        except ChannelError as error:
            log.warning("text_not_played", reference=live.reference, text=text, error=str(error))
            if live.call.state is state:
                self._feed(live, calls.Event.TIMED_OUT)

    async def _record(self, live: Live) -> None:
        asks = live.dial.step.record == "consented"
        name = f"{live.call.placed_at:%Y-%m-%d}-{live.reference}-{len(live.recordings) + 1}"
        try:
            text = None if live.recordings else self._say(CONSENT if asks else RECORDING, live.dial.language)
            await self._carrier.record(live.reference, name, text, ask=asks)
        except ChannelError as error:  # the conversation goes on unrecorded
            log.warning("not_recorded", reference=live.reference, error=str(error))

    async def _hang_up(self, live: Live) -> None:
        try:
            await self._carrier.hang_up(live.reference)
        except ChannelError as error:
            log.warning("hang_up_failed", reference=live.reference, error=str(error))

    async def _seat(self, agent_id: str) -> None:
        left = all(agent.id != agent_id or agent.state is agents.State.OFFLINE for agent in self._roster.agents())
        try:
            await (self._carrier.unseat(agent_id) if left else self._carrier.seat(agent_id))
        except ChannelError as error:
            log.warning("agent_not_unseated" if left else "agent_not_seated", agent=agent_id, error=str(error))


def _is_joining(live: Live, agent: str) -> bool:
    """Tell whether the call is to be joined with that agent."""
    return live.call.state is State.BRIDGING and live.agent == agent
