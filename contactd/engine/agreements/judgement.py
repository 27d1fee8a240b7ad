"""Which agreements were kept and which were broken: found by the payments that come in, and once a day.

The caller's transaction is the payment's own, so nobody ever sees the one without the other.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from contactd.config.holidays import every_region
from contactd.config.settings import Settings
from contactd.domain import agreement as rules
from contactd.domain.account import Kind as DebtorKind
from contactd.domain.agreement import ALIVE, TABLE, Agreement, Event, Kind, Receipt, Standing, State, standing
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.domain.happened import AttemptMoved
from contactd.domain.money import Money
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.engine.agreements.notifying import Notifying, make_up_by
from contactd.engine.agreements.receipts import receipts_of, went_back
from contactd.engine.debt.charging import Charging, Unmoved, charge_everyone
from contactd.engine.debt.clarifying import clarify
from contactd.engine.debt.expiring import warn_everyone
from contactd.engine.debt.giving_up import GivingUp
from contactd.engine.ladder.timetable import Appointment, Timetable
from contactd.engine.tasks.task_ends import drop_moot
from contactd.intake import awaiting
from contactd.intake.accept import commit_again
from contactd.store import accounts, agreements, ledgers, notices, postings
from contactd.store.agreements import Change, Found, Stored
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.ledgers import Books
from contactd.store.payments import Charge
from contactd.store.postings import BY_ITSELF
from contactd.store.schema import account

log = structlog.get_logger()

BY = BY_ITSELF
_AFTER_MIDNIGHT = "5 0 * * *"
_DAILY = "agreements"
_CHUNK = 50  # a transaction holds up everybody who writes
_GATHER = 0.5  # seconds: failures come in swarms
_AGAIN = 5.0
_YEARS = range(2000, 2061)
_NAMING = frozenset({Kind.PLAN, Kind.SETTLEMENT})  # the invoices they are for
_KEPT = frozenset({State.KEPT, State.FULFILLED})
_PAID = frozenset({Event.SETTLED, Event.PAID_BEFORE})
_WAITING = frozenset({State.CONFIRMED, State.ACTIVE, State.FULFILLED})  # for a notice, before the rest falls due


@dataclass(frozen=True, slots=True)
class _Turn:
    """One judging: its transaction and its day."""

    connection: sa.Connection
    settings: Settings
    now: datetime
    today: date
    notifying: Notifying
    warned: Mapping[int, tuple[tuple[int, date], ...]]


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
    Charging(settings, now).charge(connection, account_ids)
    return _judge_charged(connection, account_ids, settings, now)


def _judge_charged(connection: sa.Connection, account_ids: Collection[int], settings: Settings, now: datetime) -> int:
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
    turn = _Turn(connection, settings, now, today, notifying, _warned(connection, ids, settings))
    changed = [(one, _judge(turn, one, every, known[one.account_id])) for one in every]
    kept = {one.account_id for one, state in changed if state in _KEPT or _is_paid_up(known[one.account_id], state)}
    agreements.hold(connection, ids, now)
    if kept and settings.agreements.thank != "never":
        notifying.thank(kept)
    notifying.follow(ids, agreements.of_accounts(connection, ids))
    return sum(state is not None for _, state in changed)


def _judge(turn: _Turn, one: Stored, every: Sequence[Stored], known: _Known) -> State | None:
    """Judge one agreement as TABLE has it; answers its new state, None when that is the old one."""
    connection, table = turn.connection, TABLE[one.agreed.kind]
    old = one.agreed.state
    one = _with_notice(turn, _as_it_stood(connection, one), known.books.kind)
    receipts = receipts_of(one, known.books, today_of(turn.settings, one.made_at))
    settled_on, stands = _stands(turn, one.agreed, receipts, known)
    state = table.get((one.agreed.state, stands.event))
    if state is None:
        return None
    if stands.warn_of:
        turn.notifying.warn(one, stands.warn_of)
    event, agreed = stands.event, one.agreed
    if old not in ALIVE and rules.rests(agreed.kind, state) and _newer(one, every):
        event, state = Event.SUPERSEDED, table[agreed.state, Event.SUPERSEDED]
    rests_until = stands.rests_until if rules.rests(agreed.kind, state) else None
    back = went_back(receipts, turn.today)
    agreements.found(connection, one, Found(stands.received, rests_until, settled_on, back.amount, back.gone_on))
    if state is old:
        return None
    reason = _reason(stands, one, known)
    if agreed.kind in _NAMING:
        reason = _waived(turn, one, state, known.books.currency) or reason
    if reason and stands.missing and back.gone_on:
        reason = f"{Money(back.amount, known.books.currency)} went back on {back.gone_on}; {reason}"
    agreements.change(connection, one, Change(turn.now, event, state, BY, reason))
    return state


def _as_it_stood(connection: sa.Connection, one: Stored) -> Stored:
    """Give what was paid before it was made as it stood: a plan nobody had agreed to is only offered again then."""
    if one.agreed.state is not State.PAID_BEFORE:
        return one
    changes = agreements.history(connection, [one.id])[one.id]
    stood = [change.state for change in changes if change.state is not State.PAID_BEFORE]
    return replace(one, agreed=replace(one.agreed, state=stood[-1]))


def _is_paid_up(known: _Known, state: State | None) -> bool:
    """Tell whether an agreement ended because money had come in before it was made that was all there was to pay."""
    return state is State.PAID_BEFORE and known.settled and not known.written_off


def _warned(
    connection: sa.Connection, account_ids: Collection[int], settings: Settings
) -> Mapping[int, tuple[tuple[int, date], ...]]:
    """Read by agreement who was told that the rest falls due, and the last day for the arrears, with its grace."""
    found: dict[int, tuple[tuple[int, date], ...]] = defaultdict(tuple)
    if settings.agreements.needs_notice == "never":
        return found
    holidays = every_region(_YEARS)[settings.claims.holidays]
    for one in notices.warned(connection, account_ids):
        told = make_up_by(settings, one.channel, one.days, one.sent_at)
        found[one.agreement_id] += ((one.number, rules.last_day(told, settings.agreements.grace, holidays)),)
    return found


def _with_notice(turn: _Turn, one: Stored, debtor: DebtorKind) -> Stored:
    """Have the rest of a plan in force wait for its notice; what fell due without one stays due."""
    agreed = turn.settings.agreements
    warned = turn.warned.get(one.id, ())
    if not agreed.notice_for(debtor):
        return one
    if one.agreed.kind is not Kind.PLAN or not (warned or one.agreed.state in _WAITING):
        return one
    return replace(one, agreed=replace(one.agreed, notice_days=agreed.notice_deadline, warned=warned))


def _waived(turn: _Turn, one: Stored, state: State, currency: str) -> str:
    """Waive what an agreement leaves that was kept, or ask for it again when a payment went back; answers in words."""
    giving_up = GivingUp(turn.settings, turn.connection, one.account_id, BY, turn.now, turn.today)
    if state is State.FULFILLED:
        rest = giving_up.waive(one, today_of(turn.settings, one.made_at))
        return f"{Money(rest, currency)} waived" if rest else ""
    if one.agreed.state is State.FULFILLED:
        rest = giving_up.owe_again(one)
        return f"{Money(rest, currency)} owed again" if rest else ""
    return ""


def _stands(turn: _Turn, agreed: Agreement, receipts: Sequence[Receipt], known: _Known) -> tuple[date | None, Standing]:
    """Answer where it stands, and since when nothing is owed any more; a write-off of all there was keeps nothing."""
    if any(receipt.gone_on for receipt in receipts) and _returned_since(turn, agreed.settled_on, known.books):
        agreed = replace(agreed, settled_on=None)
    stands = standing(agreed, receipts, turn.today)
    if known.settled and agreed.state in ALIVE and stands.event not in _PAID:
        if known.written_off and agreed.kind is not Kind.DISPUTE:
            return None, replace(stands, event=Event.SUPERSEDED)
        return turn.today, standing(replace(agreed, settled_on=turn.today), receipts, turn.today)
    return agreed.settled_on, stands


def _returned_since(turn: _Turn, day: date | None, books: Books) -> bool:
    """Tell whether a return was heard of since a day: banks may give it an older value date."""
    heard = (booked.received_at for booked in books.payments if booked.amount < 0 and booked.received_at)
    return day is not None and any(today_of(turn.settings, at) >= day for at in heard)


def _newer(one: Stored, every: Iterable[Stored]) -> bool:
    return any(
        other.id > one.id and other.account_id == one.account_id and rules.rests(other.agreed.kind, other.agreed.state)
        for other in every
    )


def _reason(stands: Standing, one: Stored, known: _Known) -> str:
    if stands.event is Event.PAID_BEFORE:
        return "paid before it was made"
    if stands.event is Event.SUPERSEDED:
        return "written off"
    if one.agreed.kind not in rules.ABOUT_MONEY or stands.event is Event.SETTLED or not stands.missing:
        return ""
    currency = known.books.currency
    return f"{Money(stands.missing, currency)} of {Money(one.agreed.amount, currency)} missing"


def judge_everyone(connection: sa.Connection, after: int, settings: Settings, now: datetime) -> int | None:
    """Judge the next accounts that have a living agreement; answers the last of them, None when there are no more."""
    ids = agreements.alive_accounts(connection, after, _CHUNK)
    if not ids:
        return None
    accounts.lock(connection, ids)
    _apart(connection, ids, partial(judge, settings=settings, now=now))
    return ids[-1] if len(ids) == _CHUNK else None


def _apart(connection: sa.Connection, account_ids: Collection[int], work: Callable[..., int]) -> int:
    """Judge locked accounts together; when one of them breaks it, each by itself, and that one not at all.

    Answers how many agreements changed.
    """
    try:
        with connection.begin_nested():
            return work(connection, account_ids)
    except (StoreError, StoreConflict, sa.exc.SQLAlchemyError):
        raise
    except Exception:  # a fault of ours in one account keeps no other from being judged, and no money out
        if len(account_ids) > 1:
            return sum(_apart(connection, [one], work) for one in account_ids)
        log.exception("account_not_judged", account_id=[*account_ids])
        return 0


@dataclass(frozen=True)
class _Judge:
    """Judges the accounts that an import has locked, and charged when it laid the money; see intake/accept.py."""

    settings: Settings
    clock: Clock

    @cached_property
    def charge(self) -> Charge:
        """Keep interest and costs apart that were paid."""
        return Charging(self.settings, self.clock.now()).charge

    def __call__(self, connection: sa.Connection, account_ids: Collection[int]) -> int:
        """Answer how many agreements changed."""
        now = self.clock.now()
        clarify(connection, account_ids, self.settings, now)
        return _apart(connection, account_ids, partial(_judge_charged, settings=self.settings, now=now))

    def rest(self, connection: sa.Connection, likely: Mapping[int, Collection[int]]) -> None:
        """Let locked accounts rest while payments wait that are likely theirs, for the days somebody has for it."""
        within, now = self.settings.tasks.assign_within, self.clock.now()
        if within:
            holidays = every_region(_YEARS)[self.settings.claims.holidays]
            until = rules.last_day(today_of(self.settings, now), within, holidays)
            awaiting.rest(connection, likely, until, self.settings.tasks.owner, now)


def judge_of(settings: Settings, clock: Clock) -> _Judge:
    """Give an import what judges the accounts it has locked."""
    return _Judge(settings, clock)


def judge_some(database: Database, account_ids: Collection[int], settings: Settings, clock: Clock) -> None:
    """Charge accounts of which a list told something new and judge their living agreements, some at a time.

    All others wait for the nightly turn: nothing new is known of them (Report.touched).
    """

    def look(connection: sa.Connection, ids: Collection[int]) -> None:
        now = clock.now()
        accounts.lock(connection, ids)
        Charging(settings, now).charge(connection, ids)
        alive = agreements.alive_among(connection, ids)
        if alive:
            _apart(connection, alive, partial(_judge_charged, settings=settings, now=now))

    every = sorted(account_ids)
    for start in range(0, len(every), _CHUNK):
        commit_again(database, look, every[start : start + _CHUNK])


class Judgement:
    """Judges every living agreement when a daemon starts, and soon after each midnight; one daemon's."""

    def __init__(self, commit: GroupCommit, clock: Clock, settings: Callable[[], Settings]) -> None:
        """Take what answers the settings in force; another time zone moves the turn only after a restart."""
        self._commit = commit
        self._clock = clock
        self._settings = settings
        self._unmoved = Unmoved()
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
        """Judge all living agreements, some accounts a transaction; open tasks that warn, drop those nobody needs."""
        for every in (partial(charge_everyone, unmoved=self._unmoved), judge_everyone, warn_everyone):
            after: int | None = 0
            try:
                while after is not None:
                    look = partial(every, after=after, settings=self._settings(), now=self._clock.now())
                    after = await self._commit.run(look)
            except (StoreError, StoreConflict):
                raise
            except Exception:  # a fault of ours in the one pass is no reason to leave out the other
                log.exception("judging_broke", after=after)
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
