"""What the books of accounts say, read in bulk: invoices, the money that came in, reminders; engine/claims.py uses it.

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
from contactd.domain.attempt import State
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.posting import Posting
from contactd.store import postings
from contactd.store.allocations import among
from contactd.store.schema import account, allocation, attempt, invoice, payment

# What puts a debtor in default when it arrives (§ 286(1) BGB), with proof of it.
_REMINDERS = (Channel.EMAIL.value, Channel.SMS.value, Channel.LETTER.value)
_ARRIVED = (State.ACCEPTED.value, State.DELIVERED.value)


@dataclass(frozen=True, slots=True)
class BookedInvoice:
    """An invoice; `covered` is what payments were laid against it, `taken_off` what only lists took off, and when.

    `given_up` is what write-offs took off what is open.
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


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """Money that came in, or below zero: went back; `invoice` is the one it names, if any.

    `part` tells the parts of one that went back in parts only; `received_at` is when we heard of it.
    """

    id: int
    value_on: date
    amount: int
    invoice: str
    part: int = 0
    received_at: datetime | None = None


class BookedReminder(NamedTuple):
    """A message that was delivered; `case_no` is that of the account at the time."""

    at: datetime
    channel: Channel
    case_no: int


@dataclass(frozen=True, slots=True)
class Books:
    """One account, and the reminders it got."""

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


def read(connection: Connection, account_ids: Collection[int]) -> list[Books]:
    """Read the books of these accounts, in the order of their ids."""
    columns = ("id", "creditor", "account_no", "name", "currency", "kind", "timezone", "region", "country")
    chosen = sa.select(*(account.c[name] for name in columns)).where(among(connection, account.c.id, account_ids))
    books = {row.id: _books(row) for row in connection.execute(chosen.order_by(account.c.id))}
    given_up: dict[int, int] = defaultdict(int)
    for account_id, booked_by_hand in postings.of_accounts(connection, books).items():
        books[account_id].postings.extend(one.posted for one in booked_by_hand)
        for one in booked_by_hand:
            given_up[one.invoice_id or 0] += one.laid
    for owner, booked in _invoices(connection, books, given_up):
        books[owner].invoices.append(booked)
    for row in connection.execute(_of(connection, payment, books).order_by(payment.c.value_date, payment.c.id)):
        money = BookedPayment(row.id, row.value_date, row.amount, row.invoice_no, received_at=row.received_at)
        books[row.account_id].payments.append(money)
    for row in connection.execute(_reminders(connection, books)):
        books[row.account_id].reminders.append(BookedReminder(row.at, Channel(row.channel), row.case_no))
    return list(books.values())


def with_open_due_before(connection: Connection, day: date) -> list[int]:
    """List the accounts with an open invoice that fell due before a day."""
    chosen = sa.select(invoice.c.account_id).where(invoice.c.open > 0, invoice.c.due_date < day)
    return list(connection.scalars(chosen.distinct().order_by(invoice.c.account_id)))


def _books(row: Row[Any]) -> Books:
    region = row.region or row.country
    return Books(row.id, row.creditor, row.account_no, row.name, row.currency, Kind(row.kind), row.timezone, region)


def _invoices(
    connection: Connection, books: Mapping[int, Books], given_up: Mapping[int, int]
) -> Iterable[tuple[int, BookedInvoice]]:
    covered: dict[int, int] = defaultdict(int)
    laid = (
        sa.select(allocation.c.invoice_id, sa.func.sum(allocation.c.amount))
        .join(invoice, invoice.c.id == allocation.c.invoice_id)
        .where(among(connection, invoice.c.account_id, books))
        .group_by(allocation.c.invoice_id)
    )
    covered.update({row[0]: int(row[1]) for row in connection.execute(laid)})
    for row in connection.execute(_of(connection, invoice, books).order_by(invoice.c.due_date, invoice.c.id)):
        yield row.account_id, BookedInvoice(
            row.invoice_no, row.invoice_date, row.due_date, row.amount, row.open, covered[row.id], row.taken_off,
            row.taken_off_on, given_up.get(row.id, 0),
        )  # fmt: skip


def _of(connection: Connection, table: sa.Table, books: Mapping[int, Books]) -> sa.Select[Any]:
    return sa.select(table).where(among(connection, table.c.account_id, books))


def _reminders(connection: Connection, books: Mapping[int, Books]) -> sa.Select[Any]:
    at = sa.func.coalesce(attempt.c.ended_at, attempt.c.sending_at, type_=attempt.c.ended_at.type).label("at")
    return (
        sa.select(attempt.c.account_id, attempt.c.channel, attempt.c.case_no, at)
        .where(among(connection, attempt.c.account_id, books))
        .where(attempt.c.campaign != NOTICES)  # what was agreed puts nobody in default, and costs nothing
        .where(attempt.c.channel.in_(_REMINDERS), attempt.c.state.in_(_ARRIVED), attempt.c.sending_at.is_not(None))
        .order_by(attempt.c.id)
    )
