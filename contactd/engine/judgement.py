"""Which agreements were kept and which were broken: found by the payments that come in, and once a day.

The caller's transaction is the payment's own, so nobody ever sees the one without the other.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from contactd.config.settings import Settings
from contactd.domain import agreement as rules
from contactd.domain.agreement import ALIVE, TABLE, Event, Kind, Receipt, Standing, State, standing
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.domain.happened import AttemptMoved
from contactd.domain.money import Money
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.engine.claims import money_of, payment_id
from contactd.engine.giving_up import GivingUp
from contactd.engine.notifying import Notifying
from contactd.engine.task_ends import drop_moot
from contactd.engine.timetable import Appointment, Timetable
from contactd.store import accounts, agreements, ledgers, postings, waivers
from contactd.store.agreements import Change, Stored
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.ledgers import Books
from contactd.store.postings import BY_ITSELF
from contactd.store.schema import account

log = structlog.get_logger()

BY = BY_ITSELF
_AFTER_MIDNIGHT = "5 0 * * *"
_DAILY = "agreements"
_CHUNK = 500
_GATHER = 0.5  # seconds: failures come in swarms
_AGAIN = 5.0
_KEPT = frozenset({State.KEPT, State.FULFILLED})


@dataclass(frozen=True, slots=True)
class _Turn:
    """One judging: its transaction and its day."""

    connection: sa.Connection
    settings: Settings
    now: datetime
    today: date


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of an account: its books, whether nothing at all is owed any more, whether that was given up."""

    books: Books
    settled: bool
    written_off: bool


def today_of(settings: Settings, now: datetime) -> date:
    """Answer which day it is where agreements are kept."""
    return now.astimezone(ZoneInfo(settings.claims.timezone)).date()


def judge(connection: sa.Connection, account_ids: Collection[int], settings: Settings, now: datetime) -> int:
    """Judge the agreements of locked accounts and let the ladders rest or go on; answers how many changed.

    Customers hear of it where they should: thanks, reminders of what falls due, notices that did not arrive.
    """
    today, notifying = today_of(settings, now), Notifying(settings, connection, now)
    written_off = postings.written_off(connection, account_ids)
    if settings.agreements.thank == "always":
        notifying.thank_the_dunned(set(account_ids) - written_off)
    ids = agreements.with_agreements(connection, account_ids)
    if not ids:
        return 0
    owing = sa.select(account.c.id, account.c.open, account.c.disputed).where(account.c.id.in_(ids))
    settled = {row.id for row in connection.execute(owing) if row.open <= 0 and not row.disputed}
    known = {
        books.account_id: _Known(books, books.account_id in settled, books.account_id in written_off)
        for books in ledgers.read(connection, ids)
    }
    every = agreements.of_accounts(connection, ids)
    turn = _Turn(connection, settings, now, today)
    changed = [(one, _judge(turn, one, every, known[one.account_id])) for one in every]
    kept = {one.account_id for one, state in changed if state in _KEPT}
    agreements.hold(connection, ids, now)
    if kept and settings.agreements.thank != "never":
        notifying.thank(kept)
    notifying.follow(ids, agreements.of_accounts(connection, ids))
    return sum(state is not None for _, state in changed)


def _judge(turn: _Turn, one: Stored, every: Sequence[Stored], known: _Known) -> State | None:
    """Judge one agreement; answers its new state, None when that is the old one."""
    connection, table = turn.connection, TABLE[one.agreed.kind]
    others = _others(turn, one, known.books) if one.agreed.kind is Kind.SETTLEMENT else ()
    receipts = list(_receipts(one, known.books, others))
    settled_on, stands = _stands(one, receipts, turn.today, known)
    state = table.get((one.agreed.state, stands.event))
    if state is None:
        return None
    event, agreed = stands.event, one.agreed
    if agreed.state not in ALIVE and rules.rests(agreed.kind, state) and _newer(one, every):
        event, state = Event.SUPERSEDED, table[agreed.state, Event.SUPERSEDED]
    rests_until = stands.rests_until if rules.rests(agreed.kind, state) else None
    if (stands.received, rests_until, settled_on) != (one.received, one.rests_until, agreed.settled_on):
        agreements.found(connection, one, stands.received, rests_until, settled_on)
    if state is agreed.state:
        return None
    reason = _reason(stands, one, known.books.currency)
    if agreed.kind is Kind.SETTLEMENT:
        reason = _waived(turn, one, state, known.books.currency) or reason
    agreements.change(connection, one, Change(turn.now, event, state, BY, reason))
    return state


def _waived(turn: _Turn, one: Stored, state: State, currency: str) -> str:
    """Waive the rest of a settlement that was kept, or ask for it again when a payment went back; answers in words."""
    giving_up = GivingUp(turn.settings, turn.connection, one.account_id, BY, turn.now, turn.today)
    if state is State.FULFILLED:
        rest = giving_up.waive(one, today_of(turn.settings, one.made_at))
        return f"{Money(rest, currency)} waived" if rest else ""
    if one.agreed.state is State.FULFILLED:
        rest = giving_up.owe_again(one)
        return f"{Money(rest, currency)} owed again" if rest else ""
    return ""


def _others(turn: _Turn, one: Stored, books: Books) -> Collection[str]:
    """List the account's invoices that a settlement is not for: money that names one of them does not keep it."""
    return {known.number for known in books.invoices} - waivers.numbers(turn.connection, one.id)


def _stands(one: Stored, receipts: Sequence[Receipt], today: date, known: _Known) -> tuple[date | None, Standing]:
    """Answer where it stands, and since when nothing is owed any more; a write-off of all there was keeps nothing."""
    stands = standing(one.agreed, receipts, today)
    if known.settled and one.agreed.state in ALIVE and stands.event is not Event.SETTLED:
        if known.written_off and one.agreed.kind is not Kind.DISPUTE:
            return None, replace(stands, event=Event.SUPERSEDED)
        stands = standing(replace(one.agreed, settled_on=today), receipts, today)
        return today, stands
    return one.agreed.settled_on, stands


def _receipts(one: Stored, books: Books, others: Collection[str]) -> Iterable[Receipt]:
    """List the money nobody knew of when it was agreed: what was known then was off the sum already.

    Money that names one of the `others` is for that invoice.
    """
    heard = {booked.id: booked.received_at for booked in books.payments if booked.invoice not in others}
    payments, reversals = money_of(books)
    gone = {reversal.payment: reversal.on for reversal in reversals}
    for payment in payments:
        received_at = heard.get(payment_id(payment))
        if received_at is not None and received_at > one.made_at:
            yield Receipt(payment.on, payment.amount, gone.get(payment.id))


def _newer(one: Stored, every: Iterable[Stored]) -> bool:
    return any(
        other.id > one.id and other.account_id == one.account_id and rules.rests(other.agreed.kind, other.agreed.state)
        for other in every
    )


def _reason(stands: Standing, one: Stored, currency: str) -> str:
    if stands.event is Event.SUPERSEDED:
        return "written off"
    if one.agreed.kind not in rules.ABOUT_MONEY or stands.event is Event.SETTLED or not stands.missing:
        return ""
    whole = Money(one.agreed.amount, currency)
    return f"{Money(stands.missing, currency)} of {whole} missing"


def judge_everyone(connection: sa.Connection, after: int, settings: Settings, now: datetime) -> int | None:
    """Judge the next accounts that have a living agreement; answers the last of them, None when there are no more."""
    ids = agreements.alive_accounts(connection, after, _CHUNK)
    if not ids:
        return None
    accounts.lock(connection, ids)
    judge(connection, ids, settings, now)
    return ids[-1]


def judge_of(settings: Settings, clock: Clock) -> Callable[[sa.Connection, Collection[int]], int]:
    """Give an import what judges the accounts it has locked."""

    def at_once(connection: sa.Connection, account_ids: Collection[int]) -> int:
        return judge(connection, account_ids, settings, clock.now())

    return at_once


def judge_all(database: Database, settings: Settings, clock: Clock) -> None:
    """Judge every living agreement, some hundred accounts a transaction: a list of accounts shows what is settled."""
    after: int | None = 0
    while after is not None:
        with database.transaction() as connection:
            after = judge_everyone(connection, after, settings, clock.now())


class Judgement:
    """Judges every living agreement when a daemon starts, and soon after each midnight; one daemon's."""

    def __init__(self, commit: GroupCommit, clock: Clock, settings: Callable[[], Settings]) -> None:
        """Take what answers the settings in force; another time zone moves the turn only after a restart."""
        self._commit = commit
        self._clock = clock
        self._settings = settings
        self._stuck: set[int] = set()
        self._some = asyncio.Event()
        self.timetable = Timetable(clock, self._look)
        daily = {_DAILY: Appointment(_AFTER_MIDNIGHT, settings().claims.timezone)}
        self.timetable.replace(daily, at_once=[_DAILY])

    async def run(self) -> None:
        """Look again and again, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.timetable.run())
            group.create_task(self._go_on())

    def hear(self, event: object) -> None:
        """Take note of a notice that did not reach its customer."""
        if isinstance(event, AttemptMoved) and event.campaign == NOTICES and event.state in {"failed", "cancelled"}:
            self._stuck.add(event.account_id)
            self._some.set()

    async def _go_on(self) -> None:
        """Send notices another way that did not arrive; what a crash forgets the next night takes up."""
        while True:
            await self._some.wait()
            await self._clock.sleep(_GATHER)
            self._some.clear()
            stuck, self._stuck = self._stuck, set()
            try:
                await self._commit.run(partial(self._another_way, account_ids=sorted(stuck)))
            except (StoreError, StoreConflict) as error:
                log.warning("store_unavailable", while_doing="another_way", error=str(error))
                self._stuck |= stuck
                await self._clock.sleep(_AGAIN)
                self._some.set()
            except Exception:  # a fault of ours: the next night takes the accounts up
                log.exception("another_way_broke")

    def _another_way(self, connection: sa.Connection, account_ids: Collection[int]) -> None:
        accounts.lock(connection, account_ids)
        Notifying(self._settings(), connection, self._clock.now()).follow(account_ids, ())

    async def look(self) -> None:
        """Judge all living agreements, some hundred accounts a transaction, and drop tasks nobody needs any more."""
        after: int | None = 0
        while after is not None:
            look = partial(judge_everyone, after=after, settings=self._settings(), now=self._clock.now())
            after = await self._commit.run(look)
        await self._commit.run(lambda connection: drop_moot(connection, self._clock.now()))

    async def _look(self, name: str) -> bool:
        try:
            await self.look()
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing=name, error=str(error))
            return False
        except Exception:  # a fault of ours, which a minute does not mend: it has its next turn tomorrow
            log.exception("judging_broke")
        return True
