"""Which money covers which invoice; for store.accounts and store.payments, once they locked the accounts.

Over-payment stays with the payment that brought it (`payment.credited`) until an open invoice needs it. A reversal that
found nothing to take back leaves a negative `credited`, which the next money fills first.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.schema import allocation, invoice, payment


def among(connection: Connection, column: sa.ColumnElement[int] | sa.ColumnElement[str], values: Collection[int | str],
          ) -> sa.ColumnElement[bool]:  # fmt: skip
    """Compare with many values by one bound parameter: as one list, however long, and one statement for the cache."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))
    listed = sa.func.json_each(sa.literal(list(values), sa.JSON)).table_valued("value")
    return column.in_(sa.select(listed.c.value))


@dataclass(slots=True)
class Item:
    """An invoice while money is moved: `open` changes, the rest says in which order and how far."""

    id: int
    account_id: int
    number: str
    due_on: date
    amount: int
    open: int
    disputed: bool


@dataclass(slots=True)
class Money:
    """A payment while its money is moved."""

    id: int
    credited: int


@dataclass
class Ledger:
    """The invoices and the unspent money of some accounts; `write` stores what was moved."""

    items: dict[int, list[Item]]
    unspent: dict[int, list[Money]]
    moved: list[dict[str, int]] = field(default_factory=list)
    _items_changed: dict[int, Item] = field(default_factory=dict)
    _money_changed: dict[int, Money] = field(default_factory=dict)

    def spend(self, account_id: int, money: Money, *, first: int | None = None) -> None:
        """Cover gaps left by reversals, then the named invoice, then open undisputed ones, oldest first."""
        for gap in self.unspent[account_id]:
            if gap.credited < 0 < money.credited:
                self._shift(money, gap, min(money.credited, -gap.credited))
        named = [item for item in self.items[account_id] if item.id == first]
        others = [item for item in self.items[account_id] if item.id != first and not item.disputed]
        for item in named + others:
            part = min(money.credited, item.open)
            if part > 0:
                self._allocate(money, item, part)
        self._keep(account_id, money)

    def take_back(self, account_id: int, money: Money, covered: Mapping[int, int], *, first: int | None = None) -> None:
        """Undo: use up credit, newest first, then open again the named invoice, what was `covered`, the newest."""
        for credit in reversed(self.unspent[account_id]):
            if credit.credited > 0 > money.credited:
                self._shift(credit, money, min(credit.credited, -money.credited))
        items = {item.id: item for item in reversed(self.items[account_id])}
        limits = [(first, None), *covered.items(), *((number, None) for number in items)]
        for number, limit in limits:
            item = items.get(number) if number else None
            if item is not None:
                room = item.amount - item.open
                part = min(-money.credited, room if limit is None else min(limit, room))
                if part > 0:
                    self._allocate(money, item, -part)
        self._keep(account_id, money)

    def covered(self, account_id: int, before: Mapping[int, int]) -> dict[int, int]:
        """Answer how much of each invoice payments cover, the last covered first; `before` is what the store knows."""
        mine = {item.id for item in self.items[account_id]}
        sums = dict(reversed(list(before.items())))
        for move in self.moved:
            if move["invoice_id"] in mine:
                sums[move["invoice_id"]] = sums.pop(move["invoice_id"], 0) + move["amount"]
        return {number: part for number, part in reversed(list(sums.items())) if part > 0}

    def _keep(self, account_id: int, money: Money) -> None:
        """Remember what is left of a payment, as credit or as a gap."""
        self._money_changed[money.id] = money
        if money.credited and all(known.id != money.id for known in self.unspent[account_id]):
            self.unspent[account_id].append(money)

    def _shift(self, giver: Money, taker: Money, part: int) -> None:
        giver.credited -= part
        taker.credited += part
        self._money_changed[giver.id] = giver
        self._money_changed[taker.id] = taker

    def _allocate(self, money: Money, item: Item, part: int) -> None:
        money.credited -= part
        item.open -= part
        self._money_changed[money.id] = money
        self._items_changed[item.id] = item
        self.moved.append({"payment_id": money.id, "invoice_id": item.id, "amount": part})

    def write(self, connection: Connection, now: datetime) -> None:
        """Store what was moved."""
        if self.moved:
            connection.execute(sa.insert(allocation), self.moved)
        if self._items_changed:
            connection.execute(
                sa.update(invoice)
                .where(invoice.c.id == sa.bindparam("item"))
                .values(open=sa.bindparam("rest"), cleared_at=sa.bindparam("cleared")),
                [
                    {"item": item.id, "rest": item.open, "cleared": None if item.open else now}
                    for item in self._items_changed.values()
                ],
            )
        if self._money_changed:
            connection.execute(
                sa.update(payment).where(payment.c.id == sa.bindparam("money")).values(credited=sa.bindparam("rest")),
                [{"money": money.id, "rest": money.credited} for money in self._money_changed.values()],
            )


def ledger(connection: Connection, account_ids: Collection[int]) -> Ledger:
    """Read the invoices (oldest due first) and the unspent money (oldest first) of accounts that are locked."""
    items: dict[int, list[Item]] = defaultdict(list)
    found = sa.select(
        invoice.c.id, invoice.c.account_id, invoice.c.invoice_no, invoice.c.due_date, invoice.c.amount,
        invoice.c.open, invoice.c.disputed,
    )  # fmt: skip
    found = found.where(among(connection, invoice.c.account_id, account_ids))
    for row in connection.execute(found.order_by(invoice.c.due_date, invoice.c.id)):
        items[row.account_id].append(Item(*row))
    unspent: dict[int, list[Money]] = defaultdict(list)
    kept = sa.select(payment.c.id, payment.c.credited, payment.c.account_id)
    kept = kept.where(among(connection, payment.c.account_id, account_ids), payment.c.credited != 0)
    for payment_id, credited, account_id in connection.execute(kept.order_by(payment.c.id)):
        unspent[account_id].append(Money(payment_id, credited))
    return Ledger(items, unspent)


def spend_credit(connection: Connection, account_ids: Collection[int], now: datetime) -> None:
    """Let over-payments kept as credit cover what these accounts owe by now."""
    rich = sa.select(payment.c.account_id).where(among(connection, payment.c.account_id, account_ids))
    rich = rich.group_by(payment.c.account_id).having(sa.func.sum(payment.c.credited) > 0)
    ids = list(connection.scalars(rich))
    if not ids:
        return
    book = ledger(connection, ids)
    for account_id in ids:
        for money in list(book.unspent[account_id]):
            if money.credited > 0:
                book.spend(account_id, money)
    book.write(connection, now)
