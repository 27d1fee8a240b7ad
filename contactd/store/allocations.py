"""Which money covers which invoice; for the store's modules, once they locked the accounts.

Over-payment stays with the payment that brought it (`payment.credited`) until an open invoice needs it; what of it went
to interest and costs by law is told apart (`payment.charged`, charges.py) and pays no invoice. A return that found
nothing to take back leaves a negative `credited`: nobody is asked for it, and only money of its day or an older one, of
which we hear later, fills it.

Lists and payments tell of the same money, in either order. What a list took off an invoice and no payment covers stands
in `invoice.taken_off`: a payment that may be what the list knew uses that up before anything else is paid with it, so
money is not counted twice. It may be, when its value date is not later than the day of the list (`taken_off_on`). A
later one that names the invoice pays what is open of it first.

A payment that names only the account may be what the list knew of any of its invoices. Only what a list took off
proves that the list knew the money, though: contactd knows when a list was read, not up to when it was booked, and
most payments are valued a day or two before the list beside which they arrive. So what no list took off pays what is
open, the oldest first: who has paid is not asked again, at worst somebody is asked a list later. That is a guess, and
gives way once a list shows that the creditor laid the money against another invoice (guesses.py). What the customer
contests, and was not found wrong about, lists take off because it was credited: only money that names it explains that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.agreement import ALIVE, Kind, State
from contactd.store import bulk
from contactd.store.among import Stated, among
from contactd.store.raw import Written, day, stored
from contactd.store.schema import agreement, allocation, invoice, payment
from contactd.store.schema_escalation import posting
from contactd.store.schema_notices import waiver

_CONTESTED = sorted(state.value for state in ALIVE | {State.UPHELD})
_IN_FORCE = sorted(state.value for state in ALIVE - {State.DRAFT})
_BINDING = (Kind.PLAN.value, Kind.SETTLEMENT.value)  # money that names no other invoice is for theirs


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
    due_on: date
    contested: int  # of disputes that are not decided yet, or in which the customer was right
    planned: bool  # a plan or settlement in force is for it

    @property
    def paid_by_list(self) -> int:
        """Give what a list took off that was paid; what is contested was credited rather than paid."""
        return max(self.taken_off - self.contested, 0)

    def may_know(self, value_on: date) -> bool:
        """Tell whether a list took something off that money of that value date has not explained yet."""
        return self.taken_off > 0 and self.taken_off_on is not None and value_on <= self.taken_off_on


@dataclass(slots=True)
class Money:
    """A payment while its money is moved; `kept` is `credited` as the store has it, `charge` what is charged more."""

    id: int
    credited: int
    value_on: date
    kept: int = 0
    charge: int = 0


@dataclass(slots=True)
class Guess:
    """Money of a payment that covers an invoice it does not name; `named` is the one it does, if that is known."""

    money: Money
    item_id: int
    amount: int
    named: int | None


@dataclass
class Ledger:
    """The invoices and the unspent money of some accounts; `write` stores what was moved."""

    items: dict[int, list[Item]]
    unspent: dict[int, list[Money]]
    moved: list[tuple[int, int, int]] = field(default_factory=list)  # payment, invoice, amount
    _items_changed: dict[int, Item] = field(default_factory=dict)
    _money_changed: dict[int, Money] = field(default_factory=dict)

    def spend(self, account_id: int, money: Money, *, first: int | None = None) -> None:
        """Cover gaps left by later returns, the named invoice, what lists took off others, open undisputed ones.

        Of these the ones that an agreement is for come first, unless the money names an invoice beside it.
        """
        for gap in sorted(self.unspent[account_id], key=lambda one: one.value_on):
            if gap.credited < 0 < money.credited and money.value_on <= gap.value_on:
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
                self._explain(money, item, min(money.credited, item.paid_by_list))
        agreed = all(item.planned for item in self.items[account_id] if item.id == first)
        for item in sorted(self.items[account_id], key=lambda one: agreed and not one.planned):
            if item.id != first and not item.disputed:
                self._pay(money, item)
        self._keep(account_id, money)

    @property
    def told_twice(self) -> list[int]:
        """Give the accounts with money that no list knew beside what lists took off and no money explains."""
        return [
            number
            for number, items in self.items.items()
            if any(item.taken_off > 0 for item in items) and any(item.open < item.imported_open for item in items)
        ]

    def change_places(self, guesses: list[Guess]) -> None:
        """Let money that covers another invoice than it names change places with guessed money on that one.

        What is open of an invoice and what lists took off stay as they are; only the guesses are fewer.
        """
        for one in guesses:  # those added below are looked at too
            for other in guesses:
                part = min(one.amount, other.amount) if one.named == other.item_id else 0
                if part > 0:
                    one.amount -= part
                    other.amount -= part
                    for money, item_id in ((other.money, one.item_id), (one.money, other.item_id)):
                        self.moved.append((money.id, item_id, part))
                    for guess in (one, other):
                        self.moved.append((guess.money.id, guess.item_id, -part))
                    if other.named != one.item_id:
                        guesses.append(Guess(other.money, one.item_id, part, other.named))

    def give_way(self, account_id: int, guesses: list[Guess]) -> None:
        """Lay guessed money, the last first, against what lists took off; its guess is open again if lists say so."""
        items = {item.id: item for item in self.items[account_id]}
        for item in self.items[account_id]:
            for guess in guesses:
                source = items[guess.item_id]
                if source is not item and item.may_know(guess.money.value_on):
                    part = min(item.paid_by_list, guess.amount, source.imported_open - source.open)
                    if part > 0:
                        guess.amount -= part
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

    def charge(self, account_id: int, money: Money, amount: int, laid: Iterable[tuple[int, int]]) -> None:
        """Spend money on interest and costs: what is left of it, then what covers invoices, in the order given.

        Below zero it is credit again. No more of an invoice is opened than the last list showed.
        """
        self._charge(money, min(amount, max(money.credited, 0)))
        items = {item.id: item for item in self.items[account_id]}
        for number, most in laid:
            item = items[number]
            part = min(amount - money.charge, most, item.imported_open - item.open)
            if part > 0:
                self._allocate(money, item, -part)
                self._charge(money, part)
        self._keep(account_id, money)

    def _charge(self, money: Money, part: int) -> None:
        money.credited -= part
        money.charge += part

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
        for _, number, part in self.moved:
            if number in mine:
                sums[number] = sums.pop(number, 0) + part
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
        self.moved.append((money.id, item.id, part))

    def write(self, connection: Connection, now: datetime) -> None:
        """Store what was moved."""
        bulk.insert(connection, allocation, ("payment_id", "invoice_id", "amount"), self.moved)
        at = stored(connection)(now)
        items = [
            {"id": item.id, "open": item.open, "taken_off": item.taken_off, "at": at}
            for item in self._items_changed.values()
        ]
        if items:
            _ITEMS.run(connection, items)
        money = [{"id": one.id, "credited": one.credited, "charge": one.charge} for one in self._money_changed.values()
                 if one.credited != one.kept or one.charge]  # fmt: skip
        if money:
            _MONEY.run(connection, money)


def _moved(values: Mapping[str, sa.ColumnElement[Any]], rows: sa.FromClause | None) -> sa.Update:
    del rows
    cleared = sa.func.coalesce(invoice.c.cleared_at, values["at"])
    return (
        sa.update(invoice)
        .where(invoice.c.id == values["id"])
        .values(
            open=values["open"],
            taken_off=values["taken_off"],
            cleared_at=sa.case((values["open"] != sa.literal_column("0"), sa.null()), else_=cleared),
        )
    )


def _credited(values: Mapping[str, sa.ColumnElement[Any]], rows: sa.FromClause | None) -> sa.Update:
    del rows
    moved = {"credited": values["credited"], "charged": payment.c.charged + values["charge"]}
    return sa.update(payment).where(payment.c.id == values["id"]).values(moved)


_ITEMS = Written(
    {name: invoice.c[name].type for name in ("id", "open", "taken_off")} | {"at": invoice.c.cleared_at.type}, _moved
)
_MONEY = Written(
    {name: payment.c[name].type for name in ("id", "credited")} | {"charge": payment.c.charged.type}, _credited
)


def ledger(connection: Connection, account_ids: Collection[int]) -> Ledger:
    """Read the invoices (oldest due first) and the unspent money (oldest first) of accounts that are locked."""
    items: dict[int, list[Item]] = defaultdict(list)
    with _OPEN_ITEMS(connection, account_ids) as found:
        rows = found.cursor.fetchall()
    for row in rows:
        number, account_id, rest, amount, imported_open, taken_off, off_on, disputed, given, due_on, *agreed = row
        more = day(off_on), bool(disputed), given, day(due_on) or date.max, agreed[0], bool(agreed[1])
        items[account_id].append(Item(number, account_id, rest, amount, imported_open, taken_off, *more))
    unspent: dict[int, list[Money]] = defaultdict(list)
    for account_id, payment_id, credited, value_on in _UNSPENT(connection, account_ids):
        unspent[account_id].append(Money(payment_id, credited, value_on, credited))
    return Ledger(items, unspent)


def spend_credit(connection: Connection, account_ids: Collection[int], now: datetime) -> None:
    """Let over-payments kept as credit cover what these accounts owe by now."""
    ids = list(_RICH(connection, account_ids).scalars())
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


def _contested() -> sa.ColumnElement[int]:
    mine = (agreement.c.account_id == invoice.c.account_id, agreement.c.invoice_id == invoice.c.id)
    known = (agreement.c.kind == Kind.DISPUTE.value, agreement.c.state.in_(_CONTESTED))
    amount = sa.select(sa.func.coalesce(sa.func.sum(agreement.c.amount), 0)).where(*mine, *known)
    return sa.cast(amount.scalar_subquery(), sa.BigInteger)


def _planned() -> sa.ColumnElement[bool]:
    mine = sa.select(waiver.c.invoice_id).join_from(agreement, waiver, waiver.c.agreement_id == agreement.c.id)
    mine = mine.where(agreement.c.account_id == invoice.c.account_id, waiver.c.invoice_id == invoice.c.id)
    return mine.where(agreement.c.state.in_(_IN_FORCE), agreement.c.kind.in_(_BINDING)).exists()


_OPEN_ITEMS = Stated(
    lambda among: sa.select(
        invoice.c.id, invoice.c.account_id, invoice.c.open, invoice.c.amount, invoice.c.imported_open,
        invoice.c.taken_off, invoice.c.taken_off_on, invoice.c.disputed, _given_up(), invoice.c.due_date,
        _contested(), _planned(),
    )
    .where(among(invoice.c.account_id))
    .order_by(invoice.c.due_date, invoice.c.id)
)  # fmt: skip
_UNSPENT = Stated(
    lambda among: (
        sa.select(payment.c.account_id, payment.c.id, payment.c.credited, payment.c.value_date)
        .where(among(payment.c.account_id), payment.c.credited != 0)
        .order_by(payment.c.id)
    )
)
_RICH = Stated(
    lambda among: sa.select(payment.c.account_id).where(among(payment.c.account_id), payment.c.credited > 0).distinct()
)
