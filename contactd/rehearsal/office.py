"""contactd's own side of a simulated year: the parts the daemon has, on a real database and a virtual clock.

Planner, rules, gate, senders, dialer, agreements and the readers of lists and statements are the daemon's; only what
they reach is made up: providers that take everything, and a carrier whose customers are told how a call goes.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.channels.base import Message, MessageChannel, Receipt
from contactd.channels.memory import MemoryChannel
from contactd.channels.render import Renderer
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agent import Agent, State
from contactd.domain.call import Disposition
from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelRejected
from contactd.domain.task import Kind
from contactd.engine.agreements.judgement import Judgement
from contactd.engine.bus import Bus
from contactd.engine.calls.callbook import StoredCallBook
from contactd.engine.calls.dialer import Dialer, Line
from contactd.engine.calls.lists import lists_of
from contactd.engine.calls.roster import Roster
from contactd.engine.debt.claims import terms_of
from contactd.engine.gate import Gate
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.engine.ladder.planning import Planning
from contactd.engine.sending.compose import Composer
from contactd.engine.sending.followup import FollowUp
from contactd.engine.sending.reconciler import Reconciler
from contactd.engine.sending.sender import Sender
from contactd.engine.tasks.task_channel import TaskChannel
from contactd.engine.tasks.tasking import Saying, Tasking
from contactd.rehearsal.virtual import VirtualClock
from contactd.store import settings as stored
from contactd.store import tasks
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import attempt
from contactd.store.tasks import Which
from contactd.telephony.base import Announcement, CallRequest
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier

_AGENTS = 12  # a team
_SAMPLE = 20  # one letter in so many is set, the first always
_WRITES = 2.0  # seconds after a conversation
_LOOK = 2.0
_RINGS = 12.0  # seconds
_SHIFT = timedelta(minutes=30)
_TASK_TAKES = timedelta(days=3)
_MESSAGES = (Channel.EMAIL, Channel.SMS, Channel.LETTER)
OWNER = "simulation"
_PLANNED = attempt.c.state == sa.literal_column("'planned'")
_NEXT = sa.select(sa.func.min(attempt.c.not_before, type_=attempt.c.not_before.type)).where(
    _PLANNED, attempt.c.channel != Channel.CALL
)
_DUE = (
    sa.select(attempt.c.channel)
    .distinct()
    .where(_PLANNED, attempt.c.not_before <= sa.bindparam("now", type_=attempt.c.not_before.type))
)


class DirectCommit(GroupCommit):
    """Writes at once and in the loop's own thread, for in virtual time a writer beside it would be overtaken."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._direct = database

    async def submit(self, function: Callable[[Connection, list[Any]], Sequence[Any]], item: Any) -> Any:  # noqa: ANN401 - as its base
        """Call the function with the one item."""
        with self._direct.transaction(brief=True) as connection:
            [answer] = function(connection, [item])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run(self, function: Callable[[Connection], Any]) -> Any:  # noqa: ANN401 - as its base
        """Write."""
        with self._direct.transaction(brief=True) as connection:
            return function(connection)


class Postman(MemoryChannel):
    """Takes every message and tells who it reached; `refuses` says which addresses nobody has."""

    def __init__(self, name: Channel, delivered: Callable[[Message], None], refuses: Callable[[str], bool]) -> None:
        super().__init__(name)
        self._delivered, self._refuses = delivered, refuses
        self.letters = self.sheets = 0  # how many were sent, and set for a sample

    async def send(self, message: Message) -> Receipt:
        """Deliver it, and keep no ledger."""
        if self.name is Channel.EMAIL and self._refuses(message.to):
            raise ChannelRejected("no such mailbox", code="550", dead=True)
        self._delivered(message)
        return Receipt(f"memory-{message.reference}", details=self._kept(message))

    def _kept(self, message: Message) -> Mapping[str, Any] | None:
        """Say of a letter what the spool would; only a few are set, for that takes longer than all the rest."""
        if message.letter is None:
            return None
        self.letters += 1
        if self.letters % _SAMPLE == 1:
            self.sheets += message.letter.pdf().startswith(b"%PDF-")
        return {"file": f"{message.reference}.pdf", **message.letter.place}


# What becomes of a call, and what a conversation with an account (its id) achieved.
Town = Callable[[CallRequest], Customer]
Talk = Callable[[int], Disposition]


class Office:
    """Everything that works for the creditor; `delivered` hears of each message, `talk` what was said on the phone."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: VirtualClock,
        *,
        delivered: Callable[[Message], None],
        refuses: Callable[[str], bool],
        town: Town,
        talk: Talk,
    ) -> None:
        self.settings, self.database, self.clock = settings, database, clock
        self._town, self._talk = town, talk
        self.commit = DirectCommit(database)
        self.bus = Bus()
        self.book = Book(settings.campaigns, settings.policies, terms_of(settings))
        self.gate = Gate(self.book, clock, lease=settings.sending.lease)
        planner = Planner(database, self.book, horizon=settings.planning.horizon)
        self.planning = Planning(planner, commit=self.commit, clock=clock, bus=self.bus, notify=_nobody)
        self.followup = FollowUp(planner, clock, _nobody)
        self.bus.listen(self.followup.hear)
        self.judgement = Judgement(self.commit, clock, lambda: settings)
        self.bus.listen(self.judgement.hear)
        postmen = {name: Postman(name, delivered, refuses) for name in _MESSAGES}
        self._letters = postmen[Channel.LETTER]
        self.channels: dict[Channel, MessageChannel] = {
            **postmen,
            Channel.TASK: TaskChannel(self.commit, self.book, clock),
        }
        self.reconciler = Reconciler(
            self.commit, dict(self.channels), clock, bus=self.bus, grace=settings.sending.grace
        )
        with database.snapshot() as connection:
            key = bytes.fromhex(stored.get(connection, "signing_key"))
        self.composer = Composer(settings, Renderer(settings.template_directories), key)

    @property
    def sheets(self) -> int:
        """Count the letters that were set; of every so many one is."""
        return self._letters.sheets

    # ---- messages ----------------------------------------------------------------------------------------------------

    def next_message(self) -> datetime | None:
        """Find out when the next message may go out."""
        with self.database.snapshot() as connection:
            following: datetime | None = connection.scalar(_NEXT)
        return following

    async def plan(self, campaign: str) -> None:
        """Plan a campaign."""
        await self.planning.plan(campaign)

    def do_tasks(self) -> None:
        """Do what the ladder has asked people to do some days ago; addresses are looked for by `fates`."""
        now = self.clock.now()
        with self.database.transaction() as connection:
            tasking = Tasking(self.settings, connection, by=OWNER, now=now)
            for one in tasks.listed(connection, Which()):
                if one.kind is Kind.MEETING and now - one.opened_at >= _TASK_TAKES:
                    tasking.say(one.id, Saying("done", "met"))

    async def apply_inbox(self) -> None:
        """Take note of what came back."""
        if await self.reconciler.apply_inbox():
            await self._follow_up()

    async def _follow_up(self) -> None:
        """Take up at once what could not be made."""
        await self.followup.plan_waiting()

    async def send(self) -> None:
        """Let the senders work until nothing is due, and take up at once what could not be made."""
        while True:
            due = self._due()
            senders = [self._sender(channel) for name, channel in self.channels.items() if name in due]
            if not senders:
                return
            running = [asyncio.ensure_future(sender.run()) for sender in senders]
            await self.clock.sleep(1.0)
            for sender in senders:
                sender.drain()
            await asyncio.gather(*running)
            await self.followup.plan_waiting()

    def _due(self) -> set[str]:
        """List the channels that have something to do."""
        with self.database.snapshot() as connection:
            return set(connection.scalars(_DUE, {"now": self.clock.now()}))

    def _sender(self, channel: MessageChannel) -> Sender:
        return Sender(
            channel,
            commit=self.commit,
            gate=self.gate,
            compose=self.composer,
            clock=self.clock,
            bus=self.bus,
            owner=OWNER,
            lease=self.settings.sending.lease,
        )

    # ---- calls -------------------------------------------------------------------------------------------------------

    def calls_due(self) -> bool:
        """Tell whether somebody may be called now."""
        return Channel.CALL in self._due()

    async def call(self) -> None:
        """Let the agents work until nobody is left to be called, or the shift is over."""
        teams = lists_of(self.book.campaigns.values())
        agents = [
            Agent(f"{team or 'agent'}-{number}", team=team, languages=("de", "en"))
            for team in sorted(teams)
            for number in range(1, _AGENTS + 1)
        ]
        roster = Roster(agents, self.clock)
        carrier = SimulatedCarrier(Options(), self.clock, customers=self._town)
        book = StoredCallBook(
            self.commit, self.gate, self.clock, self.bus, owner=OWNER, lease=self.settings.sending.lease
        )
        dialer = Dialer(
            roster=roster,
            carrier=carrier,
            book=book,
            clock=self.clock,
            bus=self.bus,
            teams=lambda: teams,
            say=Announcement,
            tell=lambda name, language, _: Announcement(name, language),
            line=Line(self.settings.telephony.caller_id, _RINGS),
        )
        desk = _Desk(dialer, roster, self.clock, self._talk)
        roster.listen(desk.agent_moved)
        await carrier.start(dialer.on_event)
        working = asyncio.ensure_future(dialer.run())
        for one in agents:
            dialer.desk.sign_in(one.id)
        end = self.clock.now() + _SHIFT
        while self.clock.now() < end and (self.calls_due() or dialer.status()["in_flight"] or desk.busy):
            await self.clock.sleep(_LOOK)
        await dialer.drain(600.0)
        await working
        await desk.close()
        await carrier.close()
        await self._follow_up()


class _Desk:
    """The agents: each writes a moment after a conversation and hands in what it achieved."""

    def __init__(self, dialer: Dialer, roster: Roster, clock: Clock, talk: Talk) -> None:
        self._dialer, self._roster, self._clock, self._talk = dialer, roster, clock, talk
        self.busy: set[asyncio.Task[None]] = set()

    def agent_moved(self, agent: Agent) -> None:
        """See that somebody has ended a conversation."""
        if agent.state is State.WRAP:
            task = asyncio.get_running_loop().create_task(self._write(agent.id))
            self.busy.add(task)
            task.add_done_callback(self.busy.discard)

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self.busy)

    async def _write(self, agent_id: str) -> None:
        await self._clock.sleep(_WRITES)
        live = self._dialer.desk.conversation_of(agent_id)
        if live is not None:
            await self._dialer.desk.dispose(agent_id, self._talk(live.dial.claimed.account_id))


def _nobody() -> None:
    """Wake nobody: who works is looked after by the year."""
