"""What the books of accounts say, read in bulk: invoices, the money that came in, reminders; for engine/debt/claims.py.

Amounts are minor units of the account's currency.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel, Kind
from contactd.domain.agreement import ALIVE
from contactd.domain.agreement import Event as Said
from contactd.domain.agreement import Kind as Agreed
from contactd.domain.agreement import State as Standing
from contactd.domain.attempt import State
from contactd.domain.circumstance import Circumstance
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.posting import Posting
from contactd.store import circumstances, postings
from contactd.store.among import Keyed, Stated, among
from contactd.store.raw import day, instant
from contactd.store.schema import account, agreement, agreement_event, allocation, attempt, invoice, payment
from contactd.store.schema_notices import waiver

# What puts a debtor in default when it arrives (§ 286(1) BGB), with proof of it.
_REMINDERS = (Channel.EMAIL.value, Channel.SMS.value, Channel.LETTER.value)
_ABOUT_INVOICES = (Agreed.PLAN.value, Agreed.SETTLEMENT.value, Agreed.DISPUTE.value)
_BINDING = tuple(sorted(state.value for state in ALIVE - {Standing.DRAFT}))
_TAKEN_BACK = (Standing.WITHDRAWN.value, Standing.CANCELLED.value)
_ARRIVED = (State.ACCEPTED.value, State.DELIVERED.value)


@dataclass(frozen=True, slots=True)
class BookedInvoice:
    """An invoice; `covered` is what payments were laid against it, `taken_off` what only lists took off, and when.

    `opened` is what returns took off it that no payment had covered: money only lists had told of. `given_up` is what
    write-offs took off what is open. `claim_kind` and `contract_rate` are as lists said them, empty where none did.
    """

    number: str
    invoiced_on: date
    due_on: date
    amount: int
    open: int
    covered: int
    taken_off: int
    taken_off_on: date | None
    given_up: int = 0
    claim_kind: str = ""
    contract_rate: str = ""
    opened: int = 0


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """Money that came in, or below zero: went back; `invoice` is the one it names, if any.

    `part` tells the parts of one that went back in parts only; `received_at` is when we heard of it, `assigned_at` when
    it became the account's if it had waited. `charged` is what of it went to interest and costs, as far as that is
    known; `credited` what is left of it, or below zero: what of a return nobody saw come in.
    """

    id: int
    value_on: date
    amount: int
    invoice: str
    part: int = 0
    received_at: datetime | None = None
    charged: int = 0
    assigned_at: datetime | None = None
    credited: int = 0


class BookedReminder(NamedTuple):
    """A message that was delivered; `case_no` is that of the account at the time.

    `fee` is what it charged on the day it was sent; None: its step says nothing about that.
    """

    at: datetime
    channel: Channel
    case_no: int
    sent_at: datetime
    fee: int | None = None


class BookedWord(NamedTuple):
    """A plan the customer confirmed, or a deferral they asked for, when, and for which invoices; none: for all.

    Of a deferral `until` is the last day, and `ended_at` when it ended, which may be before; None: it has not.
    """

    kind: Agreed
    at: datetime
    invoices: tuple[str, ...]
    until: date | None = None
    ended_at: datetime | None = None


class BookedAgreement(NamedTuple):
    """A plan, a settlement or a dispute: for which invoices, and how much; alive where `ended_at` is None.

    `begun_at` is when it first was more than a draft; None: it never was.
    """

    kind: Agreed
    state: Standing
    amount: int
    begun_at: datetime | None
    ended_at: datetime | None
    invoices: tuple[str, ...]

    def was_in_force(self, at: datetime) -> bool:
        """Say whether it bound the customer, or was contested, then; who was found right contests it for good."""
        ended = self.state is not Standing.UPHELD and self.ended_at is not None and self.ended_at < at
        return self.begun_at is not None and self.begun_at < at and not ended


@dataclass(frozen=True, slots=True)
class Books:
    """One account, and the reminders it got.

    `named`: by agreement the invoices it is for, and what lists had taken off each when it was made.
    """

    account_id: int
    creditor: str
    number: str
    name: str
    currency: str
    kind: Kind
    timezone: str
    region: str
    invoices: list[BookedInvoice] = field(default_factory=list)
    payments: list[BookedPayment] = field(default_factory=list)
    reminders: list[BookedReminder] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    agreed: list[BookedAgreement] = field(default_factory=list)
    circumstances: list[Circumstance] = field(default_factory=list)
    acknowledged: list[BookedWord] = field(default_factory=list)
    named: dict[int, dict[str, int]] = field(default_factory=dict)


def read(connection: Connection, account_ids: Collection[int]) -> list[Books]:
    """Read the books of these accounts, in the order of their ids."""
    books = {row.id: _books(row) for row in _ACCOUNTS(connection, account_ids)}
    given_up: dict[int, int] = defaultdict(int)
    for account_id, booked_by_hand in postings.of_accounts(connection, books).items():
        books[account_id].postings.extend(one.posted for one in booked_by_hand)
        for one in booked_by_hand:
            given_up[one.invoice_id or 0] += one.laid
    for owner, booked in _invoices(connection, books, given_up):
        books[owner].invoices.append(booked)
    for owner, number, value_on, amount, named, received_at, charged, assigned_at, credited in _PAYMENTS.rows(
        connection, keys=list(books)
    ):
        heard = instant(received_at), charged, instant(assigned_at)
        money = BookedPayment(number, day(value_on), amount, named, 0, *heard, credited)
        books[owner].payments.append(money)
    for row in _REMINDED(connection, books):
        reminder = BookedReminder(row.at, Channel(row.channel), row.case_no, row.sending_at, row.fee)
        books[row.account_id].reminders.append(reminder)
    for owner, noted in circumstances.of_accounts(connection, books).items():
        books[owner].circumstances.extend(one.said for one in noted if one.withdrawn_at is None)
    waived: dict[int, list[str]] = defaultdict(list)
    for owner, number, invoice_no, taken_off in _NAMED(connection, books):
        waived[number].append(invoice_no)
        books[owner].named.setdefault(number, {})[invoice_no] = taken_off
    for row in _ACKNOWLEDGED(connection, books):
        until = row.until if row.kind == Agreed.DEFERRAL else None
        ended_at = None if row.state in ALIVE else row.ended_at
        word = BookedWord(Agreed(row.kind), row.at, tuple(waived[row.id]), until, ended_at)
        books[row.account_id].acknowledged.append(word)
    for owner, agreed in _agreements(connection, books, waived):
        books[owner].agreed.append(agreed)
    return list(books.values())


def with_open_due_before(connection: Connection, first: date, *, after: int = 0, limit: int | None = None) -> list[int]:
    """List the accounts with an open invoice that fell due before a day, by id; go on with `after`."""
    open_ = invoice.c.open > 0, invoice.c.due_date < first, invoice.c.account_id > after
    chosen = sa.select(invoice.c.account_id).where(*open_).distinct().order_by(invoice.c.account_id)
    return list(connection.scalars(chosen.limit(limit)))


def invoice_ids(connection: Connection, account_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """Answer which row each invoice of accounts is, by account and number."""
    columns = invoice.c.account_id, invoice.c.invoice_no, invoice.c.id
    rows = connection.execute(sa.select(*columns).where(among(connection, invoice.c.account_id, account_ids)))
    return {(row.account_id, row.invoice_no): row.id for row in rows}


def _books(row: Row[Any]) -> Books:
    region = row.region or row.country
    return Books(row.id, row.creditor, row.account_no, row.name, row.currency, Kind(row.kind), row.timezone, region)


def _invoices(
    connection: Connection, books: Mapping[int, Books], given_up: Mapping[int, int]
) -> Iterable[tuple[int, BookedInvoice]]:
    laid = {row[0]: (int(row[1]), max(-int(row[2]), 0)) for row in _LAID.rows(connection, keys=list(books))}
    for row in _INVOICES.rows(connection, keys=list(books)):
        owner, number, name, invoiced_on, due_on, amount, rest, taken_off, off_on, kind, rate = row
        covered, opened = laid.get(number, (0, 0))
        yield owner, BookedInvoice(
            name, day(invoiced_on), day(due_on), amount, rest, covered, taken_off, day(off_on),
            given_up.get(number, 0), kind, rate, opened,
        )  # fmt: skip


def _agreements(
    connection: Connection, books: Collection[int], named: Mapping[int, list[str]]
) -> Iterable[tuple[int, BookedAgreement]]:
    for row in _AGREED(connection, books):
        invoices = (row.invoice_no,) if row.invoice_no else tuple(named.get(row.id, ()))
        ended_at = None if row.state in ALIVE else row.ended_at
        yield (
            row.account_id,
            BookedAgreement(Agreed(row.kind), Standing(row.state), row.amount, row.begun_at, ended_at, invoices),
        )


def _agreed(among: Keyed) -> sa.Select[Any]:
    instant, mine = agreement.c.made_at.type, agreement_event.c.agreement_id == agreement.c.id
    first = sa.select(sa.func.min(agreement_event.c.at, type_=instant)).where(mine)
    begun_at = first.where(agreement_event.c.state.in_(_BINDING)).scalar_subquery().label("begun_at")
    return (
        sa.select(agreement, invoice.c.invoice_no, begun_at, _last_event().label("ended_at"))
        .select_from(agreement.outerjoin(invoice))
        .where(among(agreement.c.account_id), agreement.c.kind.in_(_ABOUT_INVOICES))
        .order_by(agreement.c.id)
    )


def _last_event() -> sa.ScalarSelect[datetime]:
    event = agreement_event.alias("last_event")
    last = sa.select(sa.func.max(event.c.at, type_=agreement.c.made_at.type))
    return last.where(event.c.agreement_id == agreement.c.id).scalar_subquery()


def _acknowledged(among: Keyed) -> sa.Select[Any]:
    """Choose what acknowledges a debt; what was withdrawn may never have been said."""
    plans = sa.and_(agreement.c.kind == Agreed.PLAN.value, agreement_event.c.event == Said.CONFIRMED.value)
    deferrals = sa.and_(agreement.c.kind == Agreed.DEFERRAL.value, agreement_event.c.state.in_(_BINDING))
    at = sa.func.min(agreement_event.c.at, type_=agreement_event.c.at.type).label("at")
    chosen = [agreement.c[name] for name in ("account_id", "id", "kind", "state", "until")]
    return (
        sa.select(*chosen, at, _last_event().label("ended_at"))
        .join_from(agreement, agreement_event, agreement_event.c.agreement_id == agreement.c.id)
        .where(among(agreement.c.account_id), agreement.c.state.not_in(_TAKEN_BACK), sa.or_(plans, deferrals))
        .group_by(*chosen)
        .order_by(agreement.c.id)
    )


def _named(among: Keyed) -> sa.Select[Any]:
    return (
        sa.select(agreement.c.account_id, waiver.c.agreement_id, invoice.c.invoice_no, waiver.c.taken_off)
        .join_from(waiver, agreement, agreement.c.id == waiver.c.agreement_id)
        .join(invoice, invoice.c.id == waiver.c.invoice_id)
        .where(among(agreement.c.account_id))
        .order_by(invoice.c.due_date, invoice.c.id)
    )


def _laid(among: Keyed) -> sa.Select[Any]:
    """Choose what covers each invoice by now, and the least that ever did."""
    by_then = sa.func.sum(allocation.c.amount).over(
        partition_by=allocation.c.invoice_id, order_by=allocation.c.id, rows=(None, 0)
    )
    rows = (
        sa.select(allocation.c.invoice_id, allocation.c.amount, by_then.label("by_then"))
        .join(invoice, invoice.c.id == allocation.c.invoice_id)
        .where(among(invoice.c.account_id))
        .subquery("laid")
    )
    summed = sa.func.sum(rows.c.amount), sa.func.min(rows.c.by_then)
    return sa.select(rows.c.invoice_id, *summed).group_by(rows.c.invoice_id)


def _reminders(among: Keyed) -> sa.Select[Any]:
    at = sa.func.coalesce(attempt.c.ended_at, attempt.c.sending_at, type_=attempt.c.ended_at.type).label("at")
    return (
        sa.select(attempt.c.account_id, attempt.c.channel, attempt.c.case_no, attempt.c.sending_at, attempt.c.fee, at)
        .where(among(attempt.c.account_id))
        .where(attempt.c.campaign != NOTICES)  # what was agreed puts nobody in default, and costs nothing
        .where(attempt.c.channel.in_(_REMINDERS), attempt.c.state.in_(_ARRIVED), attempt.c.sending_at.is_not(None))
        .order_by(attempt.c.id)
    )


_COLUMNS = ("id", "creditor", "account_no", "name", "currency", "kind", "timezone", "region", "country")
_ACCOUNTS = Stated(
    lambda among: sa.select(*(account.c[name] for name in _COLUMNS)).where(among(account.c.id)).order_by(account.c.id)
)
_INVOICE = ("account_id", "id", "invoice_no", "invoice_date", "due_date", "amount", "open", "taken_off", "taken_off_on",
            "claim_kind", "contract_rate")  # fmt: skip
_INVOICES = Stated(
    lambda among: (
        sa.select(*(invoice.c[name] for name in _INVOICE))
        .where(among(invoice.c.account_id))
        .order_by(invoice.c.due_date, invoice.c.id)
    )
)
_PAYMENT = ("account_id", "id", "value_date", "amount", "invoice_no", "received_at", "charged", "assigned_at",
            "credited")  # fmt: skip
_PAYMENTS = Stated(
    lambda among: (
        sa.select(*(payment.c[name] for name in _PAYMENT))
        .where(among(payment.c.account_id))
        .order_by(payment.c.value_date, payment.c.id)
    )
)
_LAID, _REMINDED = Stated(_laid), Stated(_reminders)
_AGREED, _NAMED, _ACKNOWLEDGED = Stated(_agreed), Stated(_named), Stated(_acknowledged)
