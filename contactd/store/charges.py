"""What of each payment went to interest and costs (`payment.charged`): kept apart, so that only the rest is credit.

How much that is the law says (engine/debt/charging.py). Whoever writes here has locked the accounts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store import accounts
from contactd.store.allocations import Ledger, Money, ledger
from contactd.store.among import Keyed, Stated
from contactd.store.schema import account, allocation, invoice, payment


@dataclass(slots=True)
class Came:
    """A payment that came in: what of it was charged, is left, and covers which invoices, the last covered first.

    `named` is the invoice it names, if it covers something of that; `early` are those that were not overdue yet.
    `fresh` is as much of `laid` as no list has told of since: what lists show as paid stays so.
    """

    id: int
    value_on: date
    invoice_no: str
    charged: int
    credited: int
    laid: dict[int, int] = field(default_factory=dict)
    fresh: dict[int, int] = field(default_factory=dict)
    named: int | None = None
    early: set[int] = field(default_factory=set)

    @property
    def on_named(self) -> int:
        """Give what it covers of the invoice it names."""
        return self.laid.get(self.named, 0) if self.named is not None else 0

    @property
    def beside(self) -> int:
        """Give what may be taken from whatever it does not name."""
        return self._apart(number for number in self.fresh if number != self.named)

    @property
    def beyond(self) -> int:
        """Give what may be taken from what it does not name and was not overdue."""
        return self._apart(number for number in self.fresh if number in self.early)

    def _apart(self, numbers: Iterable[int]) -> int:
        return self.charged + max(self.credited, 0) + sum(self.fresh[number] for number in numbers)


@dataclass(frozen=True, slots=True)
class Position:
    """Where an account stands: its payments, the oldest first, and by how much credit notes cover what they covered.

    `waits` is what of the credit is kept for disputed invoices that are overdue, `taken_off` what only lists took off
    invoices, each with the day of the list.
    """

    account_id: int
    came: Sequence[Came]
    spare: int
    waits: int
    taken_off: Sequence[tuple[date, int]]


def chargeable(connection: Connection, account_ids: Collection[int]) -> list[int]:
    """Pick the accounts with money that may have gone to interest and costs: more than what was overdue or named."""
    return sorted(_CHARGEABLE(connection, account_ids).scalars())


def charged(connection: Connection, account_ids: Collection[int]) -> list[int]:
    """Pick the accounts of which some money was charged."""
    return sorted(_CHARGED(connection, account_ids).scalars())


def chargeable_after(connection: Connection, after: int, limit: int) -> list[int]:
    """List those that owe something, have credit, or of which lists took something off, by id; go on with `after`."""
    return list(connection.scalars(_chargeable_after(), {"after": after, "most": limit}))


@cache
def _chargeable_after() -> sa.Select[tuple[int]]:
    listed = sa.select(invoice.c.id).where(invoice.c.account_id == account.c.id, invoice.c.taken_off > 0)
    stands = sa.or_(account.c.open > 0, account.c.credit > 0, listed.exists())
    later = account.c.id > sa.bindparam("after", type_=sa.BigInteger())
    chosen = _chargeable().join(account, account.c.id == payment.c.account_id).where(stands, later)
    return chosen.order_by(payment.c.account_id).limit(sa.bindparam("most", type_=sa.Integer()))


def positions(connection: Connection, account_ids: Collection[int]) -> dict[int, Position]:
    """Read where these accounts stand."""
    book = ledger(connection, account_ids)
    came = _came(connection, account_ids)
    return {number: _position(number, book, came[number]) for number in account_ids}


def is_charged(stands: Position, wanted: Mapping[int, int]) -> bool:
    """Tell whether each payment (by its id) is charged with so much already."""
    return all(wanted.get(one.id, one.charged) == one.charged for one in stands.came)


def change(connection: Connection, stands: Position, wanted: Mapping[int, int], now: datetime) -> bool:
    """Have each payment (by its id) charge so much, as far as it has it; answers whether anything changed.

    What is not charged any more is credit again. Invoices that a payment covers unnamed are opened before its own.
    """
    if is_charged(stands, wanted):
        return False
    book = ledger(connection, [stands.account_id])
    monies = {money.id: money for money in book.unspent[stands.account_id]}
    moved = False
    for one in stands.came:
        more = wanted.get(one.id, one.charged) - one.charged
        if more:
            money = monies.get(one.id) or Money(one.id, one.credited, one.value_on, one.credited)
            laid = _to_open(one, stands.spare)
            book.charge(stands.account_id, money, more, laid)
            moved = moved or bool(money.charge)
    if moved:
        book.write(connection, now)
        accounts.refresh(connection, [stands.account_id], now)
    return moved


def _to_open(one: Came, spare: int) -> Iterator[tuple[int, int]]:
    """List what a payment covers that it may have to give up for charges, the first to give up first.

    That is what was not overdue, what it does not name, and of the rest no more than credit notes cover instead.
    """
    yield from ((number, amount) for number, amount in one.fresh.items() if number in one.early)
    for number, amount in one.fresh.items():
        if number not in one.early and one.invoice_no and number != one.named:
            yield number, amount
        elif number not in one.early:
            yield number, min(amount, spare)
            spare -= min(amount, spare)


def _position(number: int, book: Ledger, came: Sequence[Came]) -> Position:
    items = book.items[number]
    last = max((one.value_on for one in came), default=date.min)
    notes = -sum(item.open for item in items if item.open < 0)
    overdue = sum(item.open for item in items if item.open > 0 and item.due_on < last)
    waits = sum(item.open for item in items if item.open > 0 and item.due_on < last and item.disputed)
    taken_off = [(item.taken_off_on, item.paid_by_list) for item in items if item.taken_off_on and item.paid_by_list]
    return Position(number, came, max(notes - overdue, 0), waits, taken_off)


def _came(connection: Connection, account_ids: Collection[int]) -> dict[int, list[Came]]:
    found: dict[int, list[Came]] = defaultdict(list)
    known: dict[int, Came] = {}
    for owner, number, *rest in _CAME(connection, account_ids):
        known[number] = Came(number, *rest)
        found[owner].append(known[number])
    untold: dict[int, int] = {}  # of each invoice, what no list has told of: the newest money
    for payment_id, invoice_id, invoice_no, due_on, amount, unlisted in _LAID(connection, account_ids):
        one = known[payment_id]
        one.laid[invoice_id] = amount
        one.fresh[invoice_id] = max(min(amount, untold.setdefault(invoice_id, unlisted)), 0)
        untold[invoice_id] -= one.fresh[invoice_id]
        if invoice_no == one.invoice_no:
            one.named = invoice_id
        elif due_on >= one.value_on:
            one.early.add(invoice_id)
    return found


def _laid(among: Keyed) -> sa.Select[Any]:
    """Choose how much of each payment covers which invoice, the last covered first."""
    part = sa.func.sum(allocation.c.amount)
    return (
        sa.select(
            allocation.c.payment_id, invoice.c.id, invoice.c.invoice_no, invoice.c.due_date,
            sa.cast(part, sa.BigInteger), invoice.c.imported_open - invoice.c.open,
        )
        .join_from(allocation, payment)
        .join(invoice, invoice.c.id == allocation.c.invoice_id)
        .where(among(payment.c.account_id), payment.c.amount > 0)
        .group_by(allocation.c.payment_id, invoice.c.id)
        .having(part > 0)
        .order_by(sa.func.max(allocation.c.id).desc())
    )  # fmt: skip


def _chargeable() -> sa.Select[Any]:
    elsewhere = (
        sa.select(allocation.c.id)
        .join_from(allocation, invoice)
        .where(allocation.c.payment_id == payment.c.id, invoice.c.invoice_no != payment.c.invoice_no)
    )
    note = sa.select(invoice.c.id).where(invoice.c.account_id == payment.c.account_id, invoice.c.amount < 0)
    beside = sa.or_(
        payment.c.credited != 0,
        payment.c.charged != 0,
        elsewhere.where(sa.or_(payment.c.invoice_no != "", invoice.c.due_date >= payment.c.value_date)).exists(),
        note.exists(),
    )
    return sa.select(payment.c.account_id).where(beside).distinct()


_COLUMNS = ("account_id", "id", "value_date", "invoice_no", "charged", "credited")
_CAME = Stated(
    lambda among: (
        sa.select(*(payment.c[name] for name in _COLUMNS))
        .where(among(payment.c.account_id), payment.c.amount > 0)
        .order_by(payment.c.value_date, payment.c.id)
    )
)
_LAID = Stated(_laid)
_CHARGED = Stated(
    lambda among: sa.select(payment.c.account_id).where(among(payment.c.account_id), payment.c.charged != 0).distinct()
)
_CHARGEABLE = Stated(lambda among: _chargeable().where(among(payment.c.account_id)))
