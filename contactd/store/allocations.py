"""Which money covers which invoice; for the store's modules, once they locked the accounts.

Over-payment stays with the payment that brought it (`payment.credited`) until an open invoice needs it. A reversal that
found nothing to take back leaves a negative `credited`, which the next money fills first.

Lists and payments tell of the same money, in either order. What a list took off an invoice and no payment covers stands
in `invoice.taken_off`: a payment that may be what the list knew uses that up before anything else is paid with it, so
money is not counted twice. It may be, when its value date is not later than the day of the list (`taken_off_on`). A
later one that names the invoice pays what is open of it first.

A payment that names only the account may be what the list knew of any of its invoices. Only what a list took off
proves that the list knew the money, though: contactd knows when a list was read, not up to when it was booked, and
most payments are valued a day or two before the list beside which they arrive. So what no list took off pays what is
open, the oldest first: who has paid is not asked again, at worst somebody is asked a list later. That is a guess, and
gives way once a list shows that the creditor laid the money against another invoice (`reconcile`).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.schema import allocation, invoice, payment
from contactd.store.schema_escalation import posting


def among(connection: Connection, column: sa.ColumnElement[int] | sa.ColumnElement[str], values: Collection[int | str],
          ) -> sa.ColumnElement[bool]:  # fmt: skip
    """Compare with many values by one bound parameter: as one list, however long, and one statement for the cache."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))
    listed = sa.func.json_each(sa.literal(list(values), sa.JSON)).table_valued("value")
    return column.in_(sa.select(listed.c.value))


@dataclass(slots=True)
class Item:
    """An invoice while money is moved: `open` and `taken_off` change, the rest says how far."""

    id: int
    account_id: int
    open: int
    amount: int
    imported_open: int
    taken_off: int
    taken_off_on: date | None
    disputed: bool
    given_up: int  # what write-offs took off `open`

    def may_know(self, value_on: date) -> bool:
        """Tell whether a list took something off that money of that value date has not explained yet."""
        return self.taken_off > 0 and self.taken_off_on is not None and value_on <= self.taken_off_on


@dataclass(slots=True)
class Money:
    """A payment while its money is moved."""

    id: int
    credited: int
    value_on: date


class Guess(NamedTuple):
    """Money of a payment that covers an invoice it does not name."""

    money: Money
    item_id: int
    amount: int


@dataclass
class Ledger:
    """The invoices and the unspent money of some accounts; `write` stores what was moved."""

    items: dict[int, list[Item]]
    unspent: dict[int, list[Money]]
    moved: list[dict[str, int]] = field(default_factory=list)
    _items_changed: dict[int, Item] = field(default_factory=dict)
    _money_changed: dict[int, Money] = field(default_factory=dict)

    def spend(self, account_id: int, money: Money, *, first: int | None = None) -> None:
        """Cover gaps left by reversals, the named invoice, what lists took off others, open undisputed ones."""
        for gap in self.unspent[account_id]:
            if gap.credited < 0 < money.credited:
                self._shift(money, gap, min(money.credited, -gap.credited))
        for item in self.items[account_id]:
            if item.id == first and item.may_know(money.value_on):
                self._explain(money, item)
                self._pay(money, item)
            elif item.id == first:
                self._pay(money, item)
                self._explain(money, item)
        for item in self.items[account_id]:
            if item.id != first and item.may_know(money.value_on):
                self._explain(money, item)
        for item in self.items[account_id]:
            if item.id != first and not item.disputed:
                self._pay(money, item)
        self._keep(account_id, money)

    def give_way(self, account_id: int, guesses: list[Guess]) -> None:
        """Lay guessed money, the last first, against what lists took off; its guess is open again if lists say so."""
        items = {item.id: item for item in self.items[account_id]}
        rest = {place: guess.amount for place, guess in enumerate(guesses)}
        for item in self.items[account_id]:
            for place, guess in enumerate(guesses):
                source = items[guess.item_id]
                if source is not item and item.may_know(guess.money.value_on):
                    part = min(item.taken_off, rest[place], source.imported_open - source.open)
                    if part > 0:
                        rest[place] -= part
                        self._allocate(guess.money, source, -part)
                        self._explain(guess.money, item, part)

    def _pay(self, money: Money, item: Item) -> None:
        """Cover what is open of an invoice, as far as the money goes."""
        part = min(money.credited, item.open)
        if part > 0:
            self._allocate(money, item, part)

    def _explain(self, money: Money, item: Item, most: int | None = None) -> None:
        """Cover what a list took off an invoice: nothing less is open of it."""
        part = min(money.credited if most is None else most, item.taken_off)
        if part > 0:
            self._allocate(money, item, part, listed=True)

    def take_back(self, account_id: int, money: Money, covered: Mapping[int, int], *, first: int | None = None) -> None:
        """Undo: what a list opened again, then credit, then open the named invoice, the `covered`, the newest."""
        self._told_before(account_id, money, covered, first)
        for credit in reversed(self.unspent[account_id]):
            if credit.credited > 0 > money.credited:
                self._shift(credit, money, min(credit.credited, -money.credited))
        items = {item.id: item for item in reversed(self.items[account_id])}
        limits = [(first, None), *covered.items(), *((number, None) for number in items)]
        for number, limit in limits:
            item = items.get(number) if number else None
            if item is not None:
                room = item.amount - item.given_up - item.open
                part = min(-money.credited, room if limit is None else min(limit, room))
                if part > 0:
                    self._allocate(money, item, -part)
        self._keep(account_id, money)

    def _told_before(self, account_id: int, money: Money, covered: Mapping[int, int], first: int | None) -> None:
        """Take money off invoices of which more is open than it leaves: a list told of the return first.

        The named invoice goes before the others, the newest of them first.
        """
        newest_first = self.items[account_id][::-1]
        for item in sorted(newest_first, key=lambda item: item.id != first):
            part = min(-money.credited, covered.get(item.id, 0) - (item.amount - item.given_up - item.open))
            if part > 0:
                self._allocate(money, item, -part)
                item.open -= part

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

    def _allocate(self, money: Money, item: Item, part: int, *, listed: bool = False) -> None:
        money.credited -= part
        if listed:
            item.taken_off -= part
        else:
            item.open -= part
        self._money_changed[money.id] = money
        self._items_changed[item.id] = item
        self.moved.append({"payment_id": money.id, "invoice_id": item.id, "amount": part})

    def write(self, connection: Connection, now: datetime) -> None:
        """Store what was moved."""
        if self.moved:
            connection.execute(sa.insert(allocation), self.moved)
        if self._items_changed:
            at = sa.func.coalesce(invoice.c.cleared_at, sa.literal(now, invoice.c.cleared_at.type))
            rest = sa.bindparam("rest", type_=sa.BigInteger)
            connection.execute(
                sa.update(invoice)
                .where(invoice.c.id == sa.bindparam("item"))
                .values(
                    open=rest,
                    taken_off=sa.bindparam("listed"),
                    cleared_at=sa.case((rest != 0, sa.null()), else_=at),
                ),
                [
                    {"item": item.id, "rest": item.open, "listed": item.taken_off}
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
        invoice.c.id, invoice.c.account_id, invoice.c.open, invoice.c.amount, invoice.c.imported_open,
        invoice.c.taken_off, invoice.c.taken_off_on, invoice.c.disputed, _given_up(),
    )  # fmt: skip
    found = found.where(among(connection, invoice.c.account_id, account_ids))
    for row in connection.execute(found.order_by(invoice.c.due_date, invoice.c.id)):
        items[row.account_id].append(Item(*row))
    unspent: dict[int, list[Money]] = defaultdict(list)
    kept = sa.select(payment.c.account_id, payment.c.id, payment.c.credited, payment.c.value_date)
    kept = kept.where(among(connection, payment.c.account_id, account_ids), payment.c.credited != 0)
    for account_id, payment_id, credited, value_on in connection.execute(kept.order_by(payment.c.id)):
        unspent[account_id].append(Money(payment_id, credited, value_on))
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


def note_taken_off(connection: Connection, invoice_ids: Collection[int], today: date) -> None:
    """Derive, after a list changed these invoices, what it took off beyond what payments cover and was written off."""
    covered = sa.select(sa.func.coalesce(sa.func.sum(allocation.c.amount), 0))
    covered = covered.where(allocation.c.invoice_id == invoice.c.id)
    known = sa.cast(covered.scalar_subquery(), sa.BigInteger) + _given_up()
    figure = invoice.c.amount - invoice.c.imported_open - known
    figure = sa.case((sa.and_(invoice.c.amount > 0, figure > 0), figure), else_=0)
    day = sa.case((figure > invoice.c.taken_off, sa.literal(today)), else_=invoice.c.taken_off_on)
    mine = sa.update(invoice).where(among(connection, invoice.c.id, invoice_ids))
    connection.execute(mine.values(taken_off=figure, taken_off_on=day))


def given_up(connection: Connection, invoice_ids: Collection[int]) -> dict[int, int]:
    """Answer how much of these invoices write-offs took off what is open; those without any are left out."""
    if not invoice_ids:
        return {}
    chosen = sa.select(invoice.c.id, _given_up()).where(among(connection, invoice.c.id, invoice_ids))
    return {number: amount for number, amount in connection.execute(chosen) if amount}


def _given_up() -> sa.ColumnElement[int]:
    laid = sa.select(sa.func.coalesce(sa.func.sum(posting.c.laid), 0)).where(posting.c.invoice_id == invoice.c.id)
    return sa.cast(laid.scalar_subquery(), sa.BigInteger)


def to_reconcile(connection: Connection) -> list[int]:
    """Find the accounts with money on invoices it does not name while lists took something off others."""
    listed = sa.select(invoice.c.account_id).where(invoice.c.taken_off > 0)
    paid = sa.select(payment.c.account_id).where(payment.c.account_id.in_(listed)).distinct()
    return list(connection.scalars(paid.order_by(payment.c.account_id)))


def reconcile(connection: Connection, account_ids: Collection[int], now: datetime) -> None:
    """Lay guessed money of locked accounts where lists show that it went."""
    book = ledger(connection, account_ids)
    for account_id, guesses in _guesses(connection, account_ids, book).items():
        book.give_way(account_id, guesses)
    book.write(connection, now)


def _guesses(connection: Connection, account_ids: Collection[int], book: Ledger) -> dict[int, list[Guess]]:
    """Read, per account, the money that covers invoices it does not name, the last first."""
    part = sa.func.sum(allocation.c.amount)
    statement = (
        sa.select(
            payment.c.account_id, payment.c.id, payment.c.credited, payment.c.value_date, invoice.c.id,
            sa.cast(part, sa.BigInteger),
        )
        .join_from(allocation, payment)
        .join(invoice)
        .where(among(connection, payment.c.account_id, account_ids), payment.c.invoice_no != invoice.c.invoice_no)
        .group_by(payment.c.id, invoice.c.id)
        .having(part > 0)
        .order_by(sa.func.max(allocation.c.id).desc())
    )  # fmt: skip
    monies = {money.id: money for unspent in book.unspent.values() for money in unspent}
    found: dict[int, list[Guess]] = defaultdict(list)
    for account_id, payment_id, credited, value_on, invoice_id, amount in connection.execute(statement):
        money = monies.setdefault(payment_id, Money(payment_id, credited, value_on))
        found[account_id].append(Guess(money, invoice_id, amount))
    return found
