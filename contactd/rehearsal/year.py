"""A simulated year: contactd's engine on a virtual clock, among made-up customers, with a bank of its own.

Idle time is passed over. Nobody is contacted, no network is used, and the database is a temporary one.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from contactd.channels.base import Message
from contactd.channels.dsn import Bounce
from contactd.config.holidays import regions
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind, State
from contactd.domain.call import Disposition
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.engine.agreements.agreeing import Order
from contactd.engine.ladder.timetable import appointments_of
from contactd.rehearsal.audit import FIRST, Audit, audit
from contactd.rehearsal.bank import Bank, Bill, Creditor, Entry
from contactd.rehearsal.conditions import reachable
from contactd.rehearsal.counter import Clerk
from contactd.rehearsal.fates import Fates
from contactd.rehearsal.office import Office
from contactd.rehearsal.umpire import Umpire
from contactd.rehearsal.villagers import SAID, Habit, Villager, iban_of, react, villagers
from contactd.rehearsal.villagers import Fate as Doom
from contactd.rehearsal.virtual import VirtualClock, VirtualLoop
from contactd.store import inbox
from contactd.store.database import Database, open_database
from contactd.store.migrate import upgrade
from contactd.store.schema import account, attempt
from contactd.telephony.base import CallRequest
from contactd.telephony.base import Kind as Fate
from contactd.telephony.simulated import Customer

BERLIN = ZoneInfo("Europe/Berlin")
_DAY = timedelta(days=1)
_DAYS_TO_PAY = 14
_LATE_STATEMENT = 37  # the bank is late every so many days
_STRANGERS = 900_000  # from here on IBANs are of people who pay for others
_SHIFT = time(15, 30)  # when it is working time in Berlin, in London and in New York
_LISTED = {0, 2, 4}  # on Mondays, Wednesdays and Fridays
_PATIENCE = 3  # open bills: who does not pay so many gets nothing more that would have to be paid

_ATTEMPT = sa.select(attempt.c.account_id, attempt.c.channel, attempt.c.campaign).where(
    attempt.c.id == sa.bindparam("number", type_=sa.BigInteger())
)
Look = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What is simulated; the same gives the same year."""

    days: int = 365
    accounts: int = 500
    seed: int = 1


class Year:
    """One year, and the village its customers act in (rehearsal/villagers.py)."""

    def __init__(self, settings: Settings, database: Database, folder: Path, options: Options) -> None:
        self.options, self.settings, self.database = options, settings, database
        begin = datetime.combine(FIRST, time(), BERLIN).astimezone(UTC)
        self.clock = VirtualClock(begin, asyncio.get_running_loop())
        self.people = list(villagers(options.seed, options.accounts, settings.campaigns, FIRST))
        self._by_number = {one.number: one for one in self.people}
        self.books = Creditor()
        holidays = regions(["DE"], range(FIRST.year - 1, FIRST.year + options.days // 365 + 3))["DE"]
        self.bank = Bank(holidays)
        self.luck = Random(f"{options.seed}/world")  # noqa: S311 -- a rehearsal, no secret
        self.fates = Fates(self)
        self.office = Office(
            settings, database, self.clock,
            delivered=self._delivered, refuses=lambda to: to.endswith("@gone.example"),
            town=self._answer, talk=self._talk,
        )  # fmt: skip
        self.clerk = Clerk(self.office, self.bank, self.books, folder, "EUR")
        self.umpire = Umpire(settings, {one.number: one.row for one in self.people}, holidays)
        self._coming: list[tuple[datetime, int, Callable[[], object]]] = []
        self._count, self._bills = count(), count(1)
        self._payers: dict[str, tuple[Villager, int, date]] = {}
        self._unreadable: set[str] = set()
        self._booked = self.told_until = FIRST - _DAY
        self.listed: set[str] = set()  # invoices a list has told of
        self._owners: dict[int, Villager] = {}
        self._disputed: dict[str, set[str]] = {one.number: set() for one in self.people}

    # ---- time --------------------------------------------------------------------------------------------------------

    def at(self, when: datetime, what: Callable[[], object]) -> None:
        """Have something happen; what is awaitable is awaited."""
        heapq.heappush(self._coming, (max(when, self.clock.now()), next(self._count), what))

    def today(self) -> date:
        """Give the day it is where the office is."""
        return self.clock.now().astimezone(BERLIN).date()

    def _on(self, day: date, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), BERLIN).astimezone(UTC)

    async def run(self, look: Look) -> Audit:
        """Live through the year and audit it."""
        self.fates.begin()
        for number in range(self.options.days):
            day = FIRST + number * _DAY
            self._plan_day(day)
            await self._live_until(self._on(day + _DAY, 0))
            look((number + 1) / self.options.days)
        for _ in range(2):  # of what was written off, and of the credit that pays what the first tells of
            self._list(self.told_until)
        self.clerk.assign(self._whose)
        return audit(self)

    async def _live_until(self, end: datetime) -> None:
        while True:
            when = self._coming[0][0] if self._coming else end
            message = self.office.next_message()  # whatever happened may have left one
            following = min(when, end, message or end)
            await self._pass(following)
            if message is not None and message <= following:
                await self.office.send()
            elif when <= following and self._coming:
                what = heapq.heappop(self._coming)[2]()
                if asyncio.iscoroutine(what):
                    await what
            if following >= end and (not self._coming or self._coming[0][0] > end):
                return

    async def _pass(self, when: datetime) -> None:
        seconds = (when - self.clock.now()).total_seconds()
        if seconds > 0:
            await self.clock.sleep(seconds)

    def _plan_day(self, day: date) -> None:
        self.at(self._on(day, 0, 5), self.office.judgement.look)
        self.at(self._on(day, 0, 30), lambda: self._issue(day))
        late = (day - FIRST).days % _LATE_STATEMENT == _LATE_STATEMENT - 1
        before = day.day % 5 == 0  # on some days the list comes before the statement it knows of
        self.at(self._on(day, 15) if late else self._on(day, 5, 30), lambda: self._statement(day - _DAY))
        if day.weekday() in _LISTED:
            hour, minute = (15, 20) if late else (5, 0) if before else (6, 0)
            self.at(self._on(day, hour, minute), lambda: self._list(day - _DAY))
        self.at(self._on(day, 11), lambda: self.clerk.assign(self._whose) if day.day % 2 else None)
        self.at(self._on(day, 12), self.office.apply_inbox)
        self.at(self._on(day, 16), self.office.do_tasks)
        for campaign, appointment in appointments_of(self.settings).items():
            when = appointment.next_after(self._on(day, 0))
            if when is not None and when < self._on(day + _DAY, 0):
                self.at(when, partial(self.office.plan, campaign))
        self.at(self._on(day, _SHIFT.hour, _SHIFT.minute), self._calls)

    async def _calls(self) -> None:
        if self.office.calls_due():
            await self.office.call()

    # ---- what the bank and the creditor tell -------------------------------------------------------------------------

    def _issue(self, day: date) -> None:
        for who in self.people:
            if who.bill_day == day.day and not who.gone and len(self.books.open_bills(who.number)) < _PATIENCE:
                self._bill(who, day)

    def _bill(self, who: Villager, day: date) -> None:
        amount = max(who.amount + who.luck.randint(-who.amount // 4, who.amount // 4), 500)
        bill = Bill(f"RE-{next(self._bills):06}", who.number, day, day + _DAYS_TO_PAY * _DAY, amount)
        self.books.issue(bill)
        who.bills = [*who.bills[-5:], bill.number]
        if who.habit is Habit.DEBIT:
            self._collect(who, bill)
        elif who.pays_in_time():
            self.pay(who, amount, _DAYS_TO_PAY - who.luck.randint(1, 6), (bill.number,))

    def _collect(self, who: Villager, bill: Bill) -> None:
        """Collect by direct debit; some come back."""
        on = self.bank.banking_day(bill.due)
        debit = Entry(self.bank.reference(), who.number, bill.amount, on, f"Lastschrift {bill.number}",
                      who.row["name"], who.iban, (bill.number,), f"DD{bill.number}")  # fmt: skip
        who.sent += debit.amount
        self.bank.book(debit)
        if who.luck.random() < 0.2:  # noqa: PLR2004 - a fifth
            back = self.bank.banking_day(on + who.luck.randint(3, 6) * _DAY)
            self.bank.book(replace(debit, ref=self.bank.reference(), amount=-debit.amount, on=back, back="AC04"))

    def _book_until(self, day: date) -> None:
        """Let the creditor's books learn what the bank booked."""
        while self._booked < day:
            self._booked += _DAY
            for entry in self.bank.booked.get(self._booked, ()):
                self.books.receive(entry)
                if entry.amount > 0:
                    who = self._by_number[entry.owner]
                    who.sent = max(who.sent - entry.amount, 0)

    def _statement(self, day: date) -> None:
        self._book_until(day)
        now = self.clock.now()
        self.told_until = day
        self.umpire.payments_known(now)
        for entry in self.clerk.statement(day):
            if entry.ref not in self._unreadable:
                self.umpire.money(entry.owner, now, entry.on, entry.amount)
                self._note(entry.owner)

    def _list(self, day: date) -> None:
        self._book_until(day)
        self.clerk.list_accounts(self.people)
        self.fates.note()
        self.listed |= {bill.number for who in self.people for bill in self.books.open_bills(who.number)}
        self.books.use_credit()
        for who in self.people:
            self._note(who.number)

    def asked(self, number: str) -> int:
        """Sum up what contactd is to ask for: what a list has told of, is open and not disputed."""
        mine = (bill for bill in self.books.open_bills(number) if bill.number in self.listed)
        return sum(bill.open for bill in mine if bill.number not in self._disputed[number])

    def _note(self, number: str) -> None:
        """Tell the umpire what contactd has been told by now."""
        self.umpire.owes(number, self.clock.now(), self.asked(number))
        if not self.books.open_bills(number):
            self._by_number[number].contacts = 0

    def _whose(self, iban: str) -> tuple[str, str] | None:
        paid = self._payers.get(iban)
        if paid is None:  # a customer's own, of which the statement alone left doubt
            return next(((who.number, who.row["creditor"]) for who in self.people if who.iban == iban), None)
        who, amount, on = paid
        self.umpire.money(who.number, self.clock.now(), on, amount)
        return who.number, who.row["creditor"]

    # ---- what customers do (Village) ---------------------------------------------------------------------------------

    def pay(self, who: Villager, amount: int, days: int, bills: Sequence[str] = (), *, clear: bool = True) -> None:
        """Transfer money; without a number it comes from an account nobody knows."""
        if amount <= 0:
            return
        on = self.bank.banking_day(self.today() + max(days, 1) * _DAY)
        named = [one for one in bills if self.books.bill(one).open > 0][:2]
        purpose = " ".join(("Rechnung", *named)) if named else f"Kundennummer {who.number}"
        iban, name, ref = who.iban, who.row["name"], self.bank.reference()
        if not clear:
            iban, name, purpose, named = iban_of(_STRANGERS + len(self._payers)), "Onkel Unbekannt", "danke", []
            self._payers[iban] = who, amount, on
            self._unreadable.add(ref)
        who.sent += amount
        self.bank.book(Entry(ref, who.number, amount, on, purpose, name, iban, tuple(named)))

    def agree(self, who: Villager, kind: Kind, days: int = 0, count: int | None = None) -> None:
        """Have it written down."""
        on = self.today() + days * _DAY if days else None
        state = State.CONFIRMED if kind is Kind.PLAN else State.DRAFT
        made = self.clerk.agree(who, Order(kind, on=on, count=count, state=state, reason="says the customer"))
        if made is not None:
            self.umpire.agreed(who.number, self.clock.now(), made.agreed)

    def dispute(self, who: Villager, *, right: bool, days: int) -> None:
        """Dispute the oldest invoice."""
        number, _ = self.oldest(who)
        made = self.clerk.agree(who, Order(Kind.DISPUTE, invoice_no=number, reason="never delivered"))
        if made is None:
            return
        self._disputed[who.number].add(number)
        self._note(who.number)
        self.at(self.clock.now() + days * _DAY, lambda: self._decide(who, number, made.id, right=right))

    def _decide(self, who: Villager, bill: str, agreement: int, *, right: bool) -> None:
        self.clerk.say(agreement, "uphold" if right else "reject")
        if right:
            self.books.write_off(bill)
        else:
            self._disputed[who.number].discard(bill)
        self._note(who.number)

    def represent(self, who: Villager) -> None:
        """Let a lawyer write."""
        self._taken_over(who)
        self.clerk.represented(who)

    def _taken_over(self, who: Villager) -> None:
        who.befallen = True
        self.umpire.stopped(who.number, self.clock.now())

    def stop(self, who: Villager) -> None:
        """Stop."""
        self.clerk.stop(who)
        self.umpire.stopped(who.number, self.clock.now())

    def owes(self, who: Villager) -> int:
        """Give what is open and not on its way."""
        return max(self.books.open(who.number, self._disputed[who.number]) - who.sent, 0)

    def oldest(self, who: Villager) -> tuple[str, int]:
        """Give the oldest open invoice."""
        found = [one for one in self.books.open_bills(who.number) if one.number not in self._disputed[who.number]]
        return (found[0].number, found[0].open) if found else ("", 0)

    # ---- what reaches them -------------------------------------------------------------------------------------------

    def _delivered(self, message: Message) -> None:
        """Let a message be read, or come back."""
        attempt_id, reference = message.attempt_id, message.reference
        self.at(self.clock.now() + timedelta(hours=self.luck.uniform(1, 50)), lambda: self._read(attempt_id, reference))

    def _read(self, attempt_id: int, reference: str) -> None:
        account_id, channel, campaign = self._attempt(attempt_id)
        who = self._of(account_id)
        if channel == Channel.LETTER and self.fates.loses_letter(who, reference):
            return
        if channel == Channel.EMAIL and who.dead_mail:
            bounce = Bounce(reference, hard=True, status="5.1.1", diagnostic="550 unknown user", token=reference)
            with self.database.transaction() as connection:
                inbox.receive(
                    connection, [inbox.Event("smtp_bounce", bounce.token, bounce.payload(), self.clock.now())]
                )
            return
        if campaign != NOTICES:  # who reads what was agreed has agreed already
            react(self, who)

    def _attempt(self, attempt_id: int) -> tuple[int, str, str]:
        with self.database.snapshot() as connection:
            row = connection.execute(_ATTEMPT, {"number": attempt_id}).one()
        return row.account_id, row.channel, row.campaign

    def _of(self, account_id: int) -> Villager:
        if account_id not in self._owners:
            with self.database.snapshot() as connection:
                number = connection.scalar(sa.select(account.c.account_no).where(account.c.id == account_id))
            self._owners[account_id] = self._by_number[str(number)]
        return self._owners[account_id]

    def _answer(self, request: CallRequest) -> Customer:
        """Make up how a call goes."""
        random = Random(f"{self.options.seed}/{request.reference}")  # noqa: S311 -- a rehearsal, no secret
        who = self._of(self._attempt(request.attempt_id)[0])
        if self.fates.is_called_in_vain(who) and self.fates.is_disconnected():
            return Customer(Fate.INVALID, ring=1.0)
        fates = (Fate.ANSWERED, Fate.NO_ANSWER, Fate.MACHINE, Fate.BUSY, Fate.INVALID)
        [fate] = random.choices(fates, weights=(50, 25, 12, 10, 3))
        return Customer(fate, ring=random.uniform(1, 5), talk=random.uniform(3, 10))

    def _talk(self, account_id: int) -> Disposition:
        """Let a conversation achieve what the customer does."""
        who = self._of(account_id)
        stranger = who.luck.random() < 0.02  # noqa: PLR2004 - few are somebody else
        if stranger or self.fates.is_called_in_vain(who):
            self.clerk.counts["wrong_numbers"] += 1
            return Disposition.WRONG_PERSON
        if who.fate is Doom.LAWYER and not who.befallen:
            self._taken_over(who)
            self.clerk.counts["represented_by_call"] += 1
            return Disposition.REPRESENTED
        react(self, who)
        return SAID.get(who.habit, Disposition.PROMISE)


def simulate(settings: Settings, folder: Path, options: Options, look: Look = lambda _: None) -> Audit:
    """Live through a year in a database of its own in an empty folder."""
    database = open_database(f"sqlite:///{folder / 'year.db'}")
    try:
        _forget_quickly(database)
        upgrade(database)
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(_live(settings, database, folder, options, look))
    finally:
        database.close()


async def _live(settings: Settings, database: Database, folder: Path, options: Options, look: Look) -> Audit:
    return await Year(reachable(settings), database, folder, options).run(look)


def _forget_quickly(database: Database) -> None:
    """Let the disk be late, and what is erased lie in the file: the database is thrown away in the end."""

    def careless(connection: DBAPIConnection, record: object) -> None:
        del record
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("PRAGMA secure_delete = OFF")
        cursor.close()

    sa.event.listen(database.engine, "connect", careless)
    database.engine.dispose()
