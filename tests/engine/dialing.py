"""What the dialer's tests begin with: a call book in memory or in a database, customers to order, and a clock."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.agent import Agent
from contactd.domain.attempt import Event, State, step
from contactd.domain.campaign import INBOUND, Campaign, Step
from contactd.domain.errors import StoreConflict, StoreError
from contactd.domain.ivr import Personal
from contactd.domain.policy import Policy
from contactd.engine.bus import Bus
from contactd.engine.calls.callbook import CallBook, Conclude, Dial, StoredCallBook, Wanted
from contactd.engine.calls.dialer import Dialer, Line
from contactd.engine.calls.lists import CallList, Key, key_of
from contactd.engine.calls.ownership import Owner
from contactd.engine.calls.roster import Roster
from contactd.engine.gate import Gate, Refused
from contactd.engine.ladder.book import Book
from contactd.store import attempts
from contactd.store.attempts import Claimed, NewAttempt
from contactd.store.call_queue import CallBack
from contactd.store.calls import CallRow, HandedIn, Stage, Unfinished
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.incoming import Arrival, Caller
from contactd.store.schema import account, attempt, call, contact_log, invoice
from contactd.telephony.announcements import APOLOGY
from contactd.telephony.base import Announcement, CallRequest, Carrier, Kind
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier
from tests.clock import HandClock
from tests.engine.watched import WatchedBook

CAMPAIGN = "mahnung"
CALLER_ID = "+493023125000"
CALL = Step("anruf", Channel.CALL, day=0, attempts=6)
LEASE = timedelta(minutes=2)
OWNER = "one"


def number(account_id: int) -> str:
    """Give each account a number of its own, in a range reserved for fiction."""
    return f"+4930231250{account_id:02}"


def say(name: str, language: str) -> Announcement:
    """Say everything in one line, sorry above all."""
    return Announcement(f"{'sorry' if name == APOLOGY else name} ({language})", language)


def tell(name: str, language: str, personal: Personal) -> Announcement:
    """Tell what is open."""
    return Announcement(f"{name} {personal.open} ({language})", language)


class MemoryCallBook:
    """A call book without a database: it keeps the attempt's table, and a ledger of every entry, in order."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.planned: list[Claimed] = []
        self.left: list[Unfinished] = []
        self.states: dict[str, State] = {}
        self.entries: dict[str, list[Stage]] = defaultdict(list)
        self.handed_in: list[HandedIn] = []
        self.released: list[Claimed] = []
        self.refuse: Callable[[Claimed], Refused | None] = lambda _: None
        self.down = False
        self.steps: dict[Key, Step] = {}
        self.abandoned: set[int] = set()
        self.skipped: list[tuple[int, str, str]] = []
        self.put_off: dict[int, datetime] = {}
        self.languages: dict[int, str] = {}
        self.personal: dict[int, Personal] = {}
        self.agreed: list[CallBack] = []
        self.dialled: list[CallBack] = []
        self.missed_from: list[str] = []
        self.customers: set[int] = set()
        self.spoke: dict[int, str] = {}
        self.arrivals: list[Arrival] = []
        self.before: list[CallRow] = []
        self.collisions: Counter[str] = Counter()

    def plan(self, count: int, campaign: str = CAMPAIGN, kept_for: str = "", language: str = "") -> None:
        """Queue that many more attempts, one for each of as many accounts."""
        now = self.clock.now()
        first = len(self.states) + len(self.planned) + 1
        self.planned += [
            Claimed(n, 1, n, n, campaign, "anruf", Channel.CALL, 1, 1, now, kept_for=kept_for, language=language)
            for n in range(first, first + count)
        ]

    async def claim(self, wanted: Wanted) -> list[Claimed]:
        """Hand out what is queued."""
        self._answer("claim")
        mine = [
            claimed
            for claimed in self.planned
            if key_of(claimed) == wanted.key and claimed.kept_for in {"", *wanted.free}
        ][: wanted.limit]
        for claimed in mine:
            self.planned.remove(claimed)
            self.states[claimed.reference] = State.CLAIMED
        return mine

    async def begin(self, claimed: Claimed) -> Dial | Refused:
        """Let everything pass that `refuse` lets pass."""
        await asyncio.sleep(0)
        self._answer("begin")
        refused = self.refuse(claimed)
        if refused is not None:
            self._follow(claimed.reference, Event.FORBIDDEN)
            return refused
        self._follow(claimed.reference, Event.BEGUN)
        first = claimed.account_id in self.abandoned
        language = self.languages.get(claimed.id, "de")
        step = self.steps.get(key_of(claimed), CALL)
        personal = self.personal.get(claimed.id)
        return Dial(
            claimed, claimed.wanted or number(claimed.id % 100), language, step, agent_first=first, personal=personal
        )

    async def skip(self, claimed: Claimed, agent: str, why: str, later: datetime) -> None:
        """Take back what an agent has skipped."""
        self._answer()
        self.put_off[claimed.id] = later
        self._follow(claimed.reference, Event.SKIPPED)
        self.skipped.append((claimed.id, agent, why))

    async def agree(self, item: CallBack) -> None:
        """Remember what was agreed."""
        self._answer()
        self.agreed.append(item)

    async def dial(self, item: CallBack) -> Claimed:
        """Take what an agent dials, kept for them."""
        self._answer("dial")
        campaign, step = item.key or (CAMPAIGN, "anruf")
        claimed = Claimed(
            2000 + len(self.dialled), 1, item.attempt_id, item.attempt_id, campaign, step, Channel.CALL, 1, 1,
            self.clock.now(), wanted=item.number, kept_for=item.kept_for,
        )  # fmt: skip
        self.dialled.append(item)
        self.states[claimed.reference] = State.CLAIMED
        return claimed

    async def arrived(self, arrival: Arrival) -> Caller:
        """Know who has the number of one of the accounts in `customers`, or nobody."""
        await asyncio.sleep(0)
        self._answer("arrived")
        self.arrivals.append(arrival)
        who = next((n for n in self.customers if number(n) in arrival.numbers), 0)
        claimed = Claimed(
            1000 + len(self.arrivals), 1, who, who, CAMPAIGN if who else "", INBOUND, Channel.CALL, 1, 1, arrival.at
        )
        self.states[claimed.reference] = State.ACCEPTED
        spoke = self.spoke.get(who, "")
        return Caller(claimed, next(iter(arrival.numbers), ""), self.languages.get(who, ""), spoke)

    async def missed(self, number: str) -> int:
        """Remember who called in vain."""
        self._answer()
        self.missed_from.append(number)
        return 1

    async def release(self, claimed: Claimed, later: datetime | None = None) -> None:
        """Take back what was not called."""
        self._answer()
        if later is not None:
            self.put_off[claimed.id] = later
        sending = self.states[claimed.reference] is State.SENDING
        self._follow(claimed.reference, Event.NOT_TAKEN if sending else Event.RELEASED)
        self.released.append(claimed)

    async def record(self, claimed: Claimed, stage: Stage) -> None:
        """Follow the attempt's table, and remember."""
        await asyncio.sleep(0)
        self._answer()
        if stage.transition is not None:
            self._follow(claimed.reference, stage.transition.event)
        self.entries[claimed.reference].append(stage)

    async def hand_in(self, item: HandedIn, conclude: Conclude | None = None) -> None:
        """Remember; only the first counts, and nothing else is done with it."""
        del conclude
        self._answer()
        if not item.beside and any(one.attempt_id == item.attempt_id and not one.beside for one in self.handed_in):
            raise StoreConflict(f"attempt {item.attempt_id} has a disposition already")
        self.handed_in.append(item)

    async def unfinished(self, campaigns: Collection[str]) -> list[Unfinished]:
        """List what the test says was left behind."""
        return self._left([item for item in self.left if item.claimed.campaign in campaigns and not item.inbound])

    async def strays(self, known: Collection[str]) -> list[Unfinished]:
        """List what was left behind of other campaigns."""
        return self._left([item for item in self.left if item.claimed.campaign not in known or item.inbound])

    def _left(self, items: list[Unfinished]) -> list[Unfinished]:
        self._answer()
        for item in items:
            self.states.setdefault(
                item.claimed.reference, State.ACCEPTED if item.row.ringing_at or item.inbound else State.UNCLEAR
            )
        return items

    async def past(self, campaign: str, since: datetime) -> list[CallRow]:
        """Tell what the test says happened before."""
        del campaign, since
        self._answer()
        return self.before

    def ends(self, reference: str) -> list[str]:
        """List the outcomes of the entries that end the call."""
        return [
            stage.transition.outcome
            for stage in self.entries[reference]
            if stage.transition is not None and stage.transition.event not in (Event.TAKEN, Event.LOST_SIGHT)
        ]

    def _answer(self, what: str = "") -> None:
        if self.down:
            raise StoreError("disk full")
        if self.collisions[what]:
            self.collisions[what] -= 1
            raise StoreConflict("two transactions met")

    def _follow(self, reference: str, event: Event) -> None:
        self.states[reference] = step(self.states[reference], event)


def a_list(campaign: str = CAMPAIGN, team: str = "", priority: int = 0, weight: int = 1, **step: Any) -> CallList:  # noqa: ANN401 - any of a step
    """Make a list whose step differs from the usual one in what is given."""
    changed = replace(CALL, **step)
    return CallList(Campaign(campaign, (changed,), team=team, priority=priority, weight=weight), changed)


def teams_of(*lists: CallList) -> dict[str, tuple[CallList, ...]]:
    """Sort lists by the team of their campaign."""
    return {team: tuple(one for one in lists if one.campaign.team == team) for team in {o.campaign.team for o in lists}}


@dataclass
class Scene:
    """A dialer at work; `people` says how the customer of each account behaves, `usual` how the others do."""

    clock: HandClock
    roster: Roster
    carrier: SimulatedCarrier
    dialer: Dialer
    happened: list[object]
    people: dict[int, Customer] = field(default_factory=dict)
    usual: Customer = field(default_factory=lambda: Customer(Kind.ANSWERED))

    def orders(self, order: str) -> list[tuple[str, str]]:
        """List what the carrier was asked, as (reference, detail)."""
        return [(asked.reference, asked.detail) for asked in self.carrier.ledger if asked.order == order]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Run the dialer for the length of the block, then end it without mercy, as a crash would."""
        running = asyncio.ensure_future(self.dialer.run())
        await self.clock.settle()
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self.carrier.close()


async def a_scene(
    book: CallBook,
    clock: HandClock,
    *,
    agents: Collection[str | Agent] = ("anna",),
    teams: Mapping[str, Sequence[CallList]] | None = None,
    wrap: Callable[[Carrier], Carrier] = lambda carrier: carrier,
    line: Line | None = None,
    owner: Owner | None = None,
) -> Scene:
    """Build a dialer with these agents, all of them signed in one second after the other."""
    people = [one if isinstance(one, Agent) else Agent(one, languages=("de",)) for one in agents]
    roster = Roster(people, clock)
    scene: Scene
    carrier = SimulatedCarrier(Options(), clock, customers=lambda request: scene.people.get(_who(request), scene.usual))
    bus, happened = Bus(), list[object]()
    bus.listen(happened.append)
    teams = teams or {"": (CallList(Campaign(CAMPAIGN, (CALL,)), CALL),)}
    if isinstance(book, MemoryCallBook):
        book.steps |= {one.key: one.step for lists in teams.values() for one in lists}
    dialer = Dialer(
        roster=roster,
        carrier=wrap(carrier),
        book=book,
        clock=clock,
        bus=bus,
        teams=lambda: teams,
        say=say,
        tell=tell,
        line=line or Line(CALLER_ID, 30.0),
        owner=owner,
    )
    await carrier.start(dialer.on_event)
    scene = Scene(clock, roster, carrier, dialer, happened)
    for agent in people:
        roster.sign_in(agent.id)
        clock.advance(1)
    return scene


def _who(request: CallRequest) -> int:
    return request.attempt_id


class StoredScene:
    """A database with accounts and a campaign of calls, and scenes that work on it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = HandClock()
        self.commit = GroupCommit(database)
        campaign = Campaign(CAMPAIGN, (CALL,))
        self.book = Book([campaign], {CAMPAIGN: Policy("free", default_timezone="Europe/Berlin")})
        self.bus = Bus()

    def plan(self, count: int) -> list[int]:
        """Make that many accounts who owe something, and plan a call to each; answers the attempts' ids."""
        now = self.clock.now()
        with self.database.transaction() as connection:
            for n in range(1, count + 1):
                row = {"id": n, "customer_id": n, "creditor": "acme", "account_no": f"K-{n}", "currency": "EUR"}
                row |= {"name": f"Customer {n}", "mobile": number(n), "language": "de", "open": 5000}
                row |= {"oldest_due": date(2026, 10, 1), "created_at": now, "updated_at": now}
                connection.execute(sa.insert(account).values(row))
                owed = {"account_id": n, "invoice_no": f"R-{n}", "invoice_date": date(2026, 9, 1)}
                owed |= {"due_date": date(2026, 10, 1), "amount": 5000, "open": 5000, "imported_open": 5000}
                connection.execute(sa.insert(invoice).values(owed))
            attempts.plan(
                connection,
                [
                    NewAttempt(n, n, None, CAMPAIGN, "anruf", Channel.CALL, 1, 1, now + timedelta(microseconds=n), now)
                    for n in range(1, count + 1)
                ],
            )
            return list(connection.scalars(sa.select(attempt.c.id).order_by(attempt.c.account_id)))

    def callbook(self) -> StoredCallBook:
        """Make the call book the dialer works with."""
        gate = Gate(self.book, self.clock, lease=LEASE)
        return StoredCallBook(self.commit, gate, self.clock, self.bus, owner=OWNER, lease=LEASE)

    async def scene(self, *, agents: Collection[str] = ("anna",)) -> Scene:
        """Put a dialer to work on the database."""
        book = WatchedBook(self.callbook())
        self.clock.at_rest = book.at_rest
        return await a_scene(book, self.clock, agents=agents)

    def log(self) -> list[tuple[int, str, str, str, str]]:
        """Read the contact log: attempt, event, outcome, agent, disposition."""
        columns = [contact_log.c[name] for name in ("attempt_id", "event", "outcome", "agent", "disposition")]
        with self.database.snapshot() as connection:
            rows = connection.execute(sa.select(*columns).order_by(contact_log.c.id))
            return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    def attempt(self, attempt_id: int) -> Mapping[str, Any]:
        """Read an attempt."""
        with self.database.snapshot() as connection:
            return dict(connection.execute(sa.select(attempt).where(attempt.c.id == attempt_id)).mappings().one())

    def call(self, attempt_id: int) -> Mapping[str, Any]:
        """Read a call."""
        with self.database.snapshot() as connection:
            return dict(connection.execute(sa.select(call).where(call.c.attempt_id == attempt_id)).mappings().one())
