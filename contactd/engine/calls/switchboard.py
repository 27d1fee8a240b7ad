"""The calls that are up: every event goes through the tables here, and what follows is carried out.

Decisions are taken at once, in memory; orders to the carrier and entries in the store follow in the background, in
order for each call. The dialer fills it; the desk speaks to it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from contactd.domain import agent as agents
from contactd.domain import call as calls
from contactd.domain.agent import Agent
from contactd.domain.call import Call, Command, Disposition, HowEnded, State
from contactd.domain.call_limits import Limits, deadline
from contactd.domain.clock import Clock
from contactd.domain.errors import IllegalTransition, InputError
from contactd.domain.happened import CallMoved
from contactd.engine.bus import Bus
from contactd.engine.calls import live_call
from contactd.engine.calls.callbook import CallBook, Dial
from contactd.engine.calls.calls_up import CallsUp
from contactd.engine.calls.ivr import Ivr, meaning
from contactd.engine.calls.live_call import NOTHING_SAID, Agreed, Live, Said, wants_agent
from contactd.engine.calls.orders import Orders, Say, Sure, Tell
from contactd.engine.calls.roster import Roster
from contactd.engine.errands import Errands, Lane, Work, insist
from contactd.store.calls import Stage
from contactd.telephony.announcements import APOLOGY, CLOSED, QUEUE, SORRY
from contactd.telephony.base import BESIDE, Carrier, CarrierEvent, Kind

log = structlog.get_logger()

_LEGS = {Kind.AGENT_UP: "LEG_UP", Kind.AGENT_DOWN: "LEG_DOWN"}
# Of an agent: not there for the call they are kept for, or had.
_GONE = frozenset(agents.State) - {agents.State.READY, agents.State.RESERVED, agents.State.TALK}
# Of a call whose agent is gone: nobody has answered yet, or the two were to be joined, or talk.
_KEPT_FOR = frozenset({State.PLACED, State.RINGING})
_SPOKEN_TO = frozenset({State.PLAYING, State.LISTENING, State.FAREWELL})
_WITH_AGENT = frozenset({State.BRIDGING, State.CONNECTED, State.HOLD})

Watch = Callable[[Live, State], None]  # a call that has moved, and the state it was in


class Switchboard:
    """`moved` is called whenever there may be room for another call; orders wait until `sure` returns."""

    def __init__(
        self,
        *,
        roster: Roster,
        carrier: Carrier,
        book: CallBook,
        clock: Clock,
        bus: Bus,
        say: Say,
        tell: Tell,
        limits: Limits,
        moved: Callable[[], None],
        watch: Watch | None = None,
        sure: Sure | None = None,
    ) -> None:
        self._roster, self._book, self._clock, self._bus = roster, book, clock, bus
        self._limits, self._moved, self._watch = limits, moved, watch
        self._calls: dict[str, Live] = {}
        self._by_team: dict[str, CallsUp] = defaultdict(CallsUp)
        self._conversations: dict[str, Live] = {}
        self._disposing: dict[str, Live] = {}  # what is being written down; until then it stays on the desk
        self._callers: Counter[int] = Counter()  # customers who call us at this moment
        self.errands, self.counts = Errands(), Counter[str]()
        self._orders = Orders(carrier, roster, say, tell, self.errands, feed=self.feed, sure=sure)
        self._ivr = Ivr(self._orders, clock, feed=self.feed, enter=self.enter)
        self._follow, self.play_music = self._what_follows(), self._orders.music
        roster.listen(self._agent_moved)

    def _what_follows(self) -> Mapping[Command, Callable[[Live], object]]:
        """Give what each command of the table does."""
        return {
            Command.NOTE_TAKEN: lambda live: self.enter(live, live_call.taken(live, self._clock.now())),
            Command.FIND_AGENT: self._find_agent,
            Command.ANSWER: self._answer,
            Command.QUEUE: lambda live: self._orders.queue(live, QUEUE),
            Command.SAY_CLOSED: lambda live: self._orders.speak(live, CLOSED),
            Command.BRIDGE: self._orders.bridge,
            Command.APOLOGISE: lambda live: self._orders.speak(live, SORRY if live.call.inbound else APOLOGY),
            Command.PLAY: self._ivr.speak,
            Command.LEAVE_TEXT: self._leave_text,
            Command.HANG_UP: self._orders.hang_up,
            Command.NOTE_CONNECTED: self._connected,
            Command.RELEASE_AGENT: lambda live: self._part(live, agents.Event.RELEASED),
            Command.LOSE_AGENT: lambda live: self._part(live, agents.Event.LOST),
            Command.PART_AGENT: self._part_from,
            Command.HAND_OVER: self._hand_over,
            Command.WRAP_UP: lambda live: self._agent(live.agent, agents.Event.HUNG_UP),
            Command.LOG: self._log,
        }

    def __len__(self) -> int:
        return len(self._calls)

    def live(self) -> list[Live]:
        """List the calls that are up."""
        return list(self._calls.values())

    def up(self, team: str) -> CallsUp:
        """Show the calls of a team."""
        return self._by_team[team]

    def conversation_of(self, agent_id: str) -> Live | None:
        """Find the call an agent talks in, or has yet to hand in."""
        return self._conversations.get(agent_id) or self._disposing.get(agent_id)

    def states(self) -> Counter[str]:
        """Count the calls that are up by where they stand."""
        return Counter(live.call.state.value for live in self._calls.values())

    def in_flight(self, team: str) -> int:
        """Count the calls that will want an agent of the team and have none yet."""
        return sum(wants_agent(live) for live in self.up(team).all.values())

    def take_up(self, dial: Dial, team: str, call: Call, caller_id: str, agent: str) -> Live:
        """Keep a call from now on, until it ends; `agent` is who is kept for it, if anybody is."""
        live = Live(dial, team, call, caller_id, Lane(self.errands), Lane(self.errands), agent)
        live.due = deadline(call, self._limits)
        self._calls[call.reference] = live
        self._by_team[team].add(live)
        if call.inbound:
            self._callers[dial.claimed.customer_id] += 1
            self.count(live, "incoming")
        return live

    def is_called_by(self, customer_id: int) -> bool:
        """Answer whether a customer is calling us, or talks to us since."""
        return self._callers[customer_id] > 0

    def knows(self, reference: str) -> bool:
        """Answer whether the call is one of ours that is up."""
        return reference in self._calls

    def resume_conversation(self, live: Live) -> None:
        """Put an agent back on the call that survived its daemon."""
        if any(agent.id == live.agent and agent.state is agents.State.READY for agent in self._roster.agents()):
            self._agent(live.agent, agents.Event.RESERVED)
        self._conversations[live.agent] = live
        self._agent(live.agent, agents.Event.BRIDGED)

    def let_go(self, team: str) -> None:
        """Forget the calls of a team that is another's now: they go on without us, and no order of ours reaches them.

        Their agents are done with them, and may still hand in what a conversation achieved. Whoever called us stays.
        """
        gone = [live for live in self.live() if live.team == team and not live.call.inbound]
        for live in gone:
            self._forget(live)
            live.gone, live.call = True, replace(live.call, state=State.ENDED)
            log.info("call_let_go", reference=live.reference)
        for live in gone:
            if self._conversations.get(live.agent) is live:
                self._agent(live.agent, agents.Event.HUNG_UP)
            self._give_back(live)

    def tick(self) -> None:
        """End what has lasted too long."""
        for live in self.live():
            if live.due is not None and live.due <= self._clock.now():  # the end of another may have moved it on
                self.feed(live, calls.Event.TIMED_OUT)

    def on_event(self, event: CarrierEvent) -> None:
        """Hear from the carrier; what concerns no call of ours is late or doubled, and dropped."""
        if event.kind in _LEGS:
            self._agent(event.details.get("agent", ""), agents.Event[_LEGS[event.kind]])
            return
        if event.kind is Kind.MISSED:
            self.errands.run(partial(self.note_missed, event.details.get("number", "")))
            return
        live = self._calls.get(event.reference)
        if live is None:
            log.debug("carrier_event_ignored", reference=event.reference, kind=event.kind)
            return
        live.refer_to(event.details.get("carrier_ref", ""))
        if event.kind in BESIDE:
            self._beside(live, event)
            return
        if event.kind is Kind.BRIDGED and event.details.get("agent", live.agent) != live.agent:
            return  # an earlier agent's bridge, given up meanwhile
        if event.kind is Kind.PRESSED:
            self._ivr.pressed(live, event.details.get("digit", ""))
        else:
            self.feed(live, meaning(live, event.kind))
            if event.kind in (Kind.HELD, Kind.RETRIEVED):
                self._tell(live, event.kind.value)

    def _beside(self, live: Live, event: CarrierEvent) -> None:
        """Tell that a third person has come or gone, or that it is recorded; nobody is left alone with silence."""
        self._tell(live, event.kind.value)
        if event.kind is Kind.RECORDED:
            live.recordings.append(event.details["name"])
        elif event.kind is Kind.THIRD_GONE and live.call.state is State.OUTSIDE:
            self._orders.hang_up(live)

    # -- for the desk --------------------------------------------------------------------------------------------

    def sign_in(self, agent_id: str) -> None:
        """Let an agent begin to work; raises IllegalTransition while they owe the outcome of a conversation."""
        self._refuse_who_owes(agent_id)
        self._roster.sign_in(agent_id)
        self._orders.seat(agent_id)

    def resume(self, agent_id: str) -> None:
        """End an agent's pause; raises IllegalTransition while they owe the outcome of a conversation."""
        self._refuse_who_owes(agent_id)
        self._roster.resume(agent_id)

    def _refuse_who_owes(self, agent_id: str) -> None:
        owed = self._conversations.get(agent_id)
        if owed is not None and owed.call.state is State.ENDED:
            raise IllegalTransition("agent %(agent)s has yet to say what their call achieved", agent=agent_id)

    async def dispose(
        self, agent_id: str, disposition: Disposition, callback: Agreed | None = None, said: Said = NOTHING_SAID
    ) -> None:
        """Take what an agent says the conversation achieved, and when to call again; committed, they are done with it.

        A call still up is ended. Raises IllegalTransition without a conversation, InputError when nobody can be called,
        and what `said.conclude` refuses: then it is still to be handed in.
        """
        live = self._conversations.get(agent_id)
        if live is None:
            raise IllegalTransition("agent %(agent)s has no call to hand in", agent=agent_id)
        if callback is not None and disposition is Disposition.REPRESENTED:
            raise InputError("whoever is represented is not called back: hand it in without a callback")
        again = live_call.called_back(live, agent_id, callback) if callback is not None else None
        if live.call.state in (State.CONNECTED, State.HOLD) and live.agent == agent_id:
            self.feed(live, calls.Event.AGENT_DONE)
        self._disposing[agent_id] = self._conversations.pop(agent_id)
        item = live_call.handed_in(live, agent_id, disposition, self._clock.now(), said)
        try:
            await live.entries.ask(lambda: self.insist(lambda: self._book.hand_in(item, said.conclude)))
        except InputError:
            self._conversations[agent_id] = live
            raise
        finally:
            del self._disposing[agent_id]
        if again is not None:
            await asyncio.shield(live.entries.put(lambda: self.insist(lambda: self._book.agree(again))))
        self._tell(live, "disposed", disposition.value)
        self._agent(agent_id, agents.Event.WRAPPED_UP)

    # -- a call goes on ------------------------------------------------------------------------------------------

    def feed(self, live: Live, event: calls.Event) -> None:
        """Let something happen to a call, and carry out what the table says."""
        was, was_answered = live.call, live.call.answered_at is not None
        try:
            live.call, commands = calls.step(live.call, event, self._clock.now())
        except IllegalTransition as error:
            log.warning("call_event_ignored", error=str(error))
            return
        if live.call is was:
            return
        live.due = deadline(live.call, self._limits)
        if live.call.state is State.RINGING:
            live.moved()
        self._by_team[live.team].moved(live)
        if live.call.answered_at and not was_answered:
            self.count(live, "answered")
        if self._watch is not None:
            self._watch(live, was.state)
        for command in commands:
            self._follow[command](live)

    def _find_agent(self, live: Live) -> None:
        if not live.agent:
            live.agent = found.id if (found := self._roster.reserve(live.team, live.dial.language)) else ""
        if live.agent:  # perhaps since before the call was placed
            self.feed(live, calls.Event.AGENT_FOUND)
        elif not self._roster.anybody(live.team):
            self.feed(live, calls.Event.NOBODY_FREE)
        elif live.call.inbound:
            self.play_music(live)  # they wait on
        elif live.due is not None:
            self.errands.run(partial(self._hold_out, live, live.due))

    def _answer(self, live: Live) -> None:
        self._orders.answer(live)
        self.enter(live, live_call.picked_up(live))

    async def _hold_out(self, live: Live, until: datetime) -> None:
        """Let a person wait no longer than that: the next tick may be too late for them."""
        await self._clock.sleep((until - self._clock.now()).total_seconds())
        if live.call.state is State.WAITING and live.due == until:
            self.feed(live, calls.Event.TIMED_OUT)

    def _leave_text(self, live: Live) -> None:
        self._give_back(live)
        self._orders.speak(live, live.dial.step.machine)

    def _part_from(self, live: Live) -> None:
        """Go on without an agent whose telephone is gone: they owe the outcome of what they were told."""
        live.agent, live.parted = "", live.agent

    def _hand_over(self, live: Live) -> None:
        """Let the agent who is reserved for it go on; the one before writes down their part."""
        live.parted, live.agent, live.next_agent = live.agent, live.next_agent, ""
        self._agent(live.parted, agents.Event.HUNG_UP)

    def _give_back(self, live: Live) -> None:
        """Let an agent go who was kept for the call and is not needed any more."""
        if self._roster.is_reserved(live.agent):
            self._part(live, agents.Event.RELEASED)

    def _connected(self, live: Live) -> None:
        self._conversations[live.agent] = live
        self._agent(live.agent, agents.Event.BRIDGED)
        self.enter(live, live_call.connected(live))
        self.count(live, "connected")
        self._orders.record(live)

    def _part(self, live: Live, event: agents.Event) -> None:
        """Separate a call and its agent; the call forgets first, so that it does not hear of it again."""
        agent, live.agent = live.agent, ""
        if self._roster.is_reserved(agent):  # else they have gone already, and it is known where to
            self._agent(agent, event)

    def _log(self, live: Live) -> None:
        """Enter the end, exactly once: the table gives this command when the call ends and never again."""
        self._forget(live)
        self.enter(live, live_call.ended(live, self._clock.now()))
        self._give_back(live)
        if live.call.inbound and not calls.is_spoken_to(live.call):
            live.entries.put(lambda: self.note_missed(live.dial.number))
        if live.call.how is HowEnded.ABANDONED and not live.call.inbound:
            self.counts["abandoned"] += 1
        self._tell(live, "ended", str(live.call.how))
        self._moved()

    def _forget(self, live: Live) -> None:
        self._calls.pop(live.reference, None)
        self._by_team[live.team].remove(live)
        if live.call.inbound:
            self._callers[live.dial.claimed.customer_id] -= 1

    def count(self, live: Live, stage: str) -> None:
        """Tell that a call has come to a stage; of those that came in only that they did is counted."""
        self.counts[stage] += stage == "incoming" or not live.call.inbound
        self._tell(live, stage)

    def _tell(self, live: Live, stage: str, how_ended: str = "") -> None:
        self._bus.publish(CallMoved(live.reference, stage, how_ended, live.call.inbound, live.agent))

    def _agent(self, agent_id: str, event: agents.Event) -> None:
        """Let something happen to an agent who may have gone meanwhile."""
        try:
            self._roster.apply(agent_id, event)
        except (IllegalTransition, InputError) as error:
            log.warning("agent_event_ignored", error=str(error))

    def _agent_moved(self, agent: Agent) -> None:
        """Give a freed agent to whose time to wait is over first; take the call of one who is gone away from them."""
        if agent.state is agents.State.READY:
            if waiting := self.up(agent.team).waiting.values():
                self._find_agent(min(waiting, key=lambda live: live.due or live.call.placed_at))
            self._moved()
        elif agent.state in _GONE:
            for live in [live for live in self._calls.values() if live.agent == agent.id]:
                self._lose_agent(live)
        # Who has gone, and who talks since before we were there: the telephone is to stay up after that.
        if agent.state is agents.State.OFFLINE or (agent.state is agents.State.TALK and not agent.leg):
            self._orders.seat(agent.id)

    def _lose_agent(self, live: Live) -> None:
        if live.call.state in _WITH_AGENT:
            self.feed(live, calls.Event.AGENT_LOST)
        elif live.call.state in _SPOKEN_TO:
            live.agent = ""
        elif live.call.state in _KEPT_FOR:
            live.agent = ""  # who was promised an agent is not called without one
            self.feed(live, calls.Event.CANCELLED)

    # -- written down ----------------------------------------------------------------------------------------------

    async def note_missed(self, number: str) -> None:
        """Have somebody called back who called us in vain."""
        if number:
            await self.insist(lambda: self._book.missed(number))
            self._moved()

    def enter(self, live: Live, stage: Stage) -> None:
        """Write down a stage, after the ones before it."""
        claimed = live.dial.claimed
        live.entries.put(lambda: self.insist(lambda: self._book.record(claimed, stage)))

    async def insist(self, work: Work) -> None:
        """Write it down, however long the store is away: it cannot be asked for twice."""
        await insist(work, self._clock)
