"""What may be owed and was paid, laid out so that a number, mandate, IBAN or amount is looked up at once.

Made once for an import and told of every match (`note`), so that what a statement pays twice is seen. For
domain.matching. Accounts and invoices stand in arrays; a target is the place of one of them (`account`, `invoice`).
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, TypeVar

from contactd.domain.reference import normal

# array[int] stands in quotation marks: Python 3.11 cannot subscript arrays at run time.
# What one key leads to: a single place, or several.
_Places = int | list[int]
# A key that leads to more than that tells nothing: the IBAN of a payment service, an id that is always the same.
_MOST = 50

_BETWEEN = "\x1f"  # in no key and no IBAN

K = TypeVar("K", str, int)


class Debtor(NamedTuple):
    """An account for matching; `ibans` and `mandates`: those it is known to pay from and by."""

    account_id: int
    number: str
    currency: str
    creditor: str = ""
    name: str = ""
    ibans: Sequence[str] = ()
    mandates: Sequence[str] = ()


class Item(NamedTuple):
    """An invoice for matching, also one that is paid; `open` in minor units of its account's currency."""

    invoice_id: int
    account_id: int
    number: str
    open: int


class Paid(NamedTuple):
    """An earlier payment, by its entry's key: what a return may take back."""

    key: str
    account_id: int
    amount: int
    end_to_end_id: str = ""
    iban: str = ""


class Target(NamedTuple):
    """An account's place, and an invoice's, -1 for none."""

    account: int
    invoice: int = -1


def _put(table: dict[K, _Places], key: K, place: int) -> None:
    before = table.setdefault(key, place)
    if isinstance(before, list):
        if before[-1] != place:
            before.append(place)
    elif before != place:
        table[key] = [before, place]


def _places(found: _Places | None) -> Sequence[int]:
    if found is None:
        return ()
    if isinstance(found, int):
        return (found,)
    return found if len(found) <= _MOST else ()


@dataclass(slots=True)
class Books:
    """All accounts and invoices money may be for; make it with `open_books`.

    `guessing`: also with what nothing but suggestions go by. An import has no use for them.
    """

    guessing: bool = True
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    totals: "array[int]" = field(default_factory=lambda: array("q"))
    debtors: list[tuple[str, str]] = field(default_factory=list)  # currency and creditor
    invoice_ids: "array[int]" = field(default_factory=lambda: array("q"))
    owners: "array[int]" = field(default_factory=lambda: array("q"))
    opens: "array[int]" = field(default_factory=lambda: array("q"))
    account_numbers: list[str] = field(default_factory=list)  # as they are written, for guesses
    invoice_numbers: list[str] = field(default_factory=list)
    longest: int = 0  # token
    heads: set[str] = field(default_factory=set)  # what tokens begin with
    moved: set[int] = field(default_factory=set)  # accounts with money on them nobody knows for which invoice
    tokens: dict[str, _Places] = field(default_factory=dict)  # an account's place doubled, an invoice's plus one
    _of: dict[int, int] = field(default_factory=dict)  # account's id: place
    _ibans: dict[str, _Places] = field(default_factory=dict)
    _mandates: dict[str, _Places] = field(default_factory=dict)
    _names: dict[str, _Places] = field(default_factory=dict)
    _pairs: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # each there is once
    # Payments: key, IBAN and end-to-end id in one text, which is a third of three and a tuple.
    _paid: list[str] = field(default_factory=list)
    _paid_by: "array[int]" = field(default_factory=lambda: array("q"))
    _paid_amounts: "array[int]" = field(default_factory=lambda: array("q"))
    _paid_before: "array[int]" = field(default_factory=lambda: array("q"))  # the same account's payment before, or -1
    _paid_last: "array[int]" = field(default_factory=lambda: array("q"))  # each account's last payment, or -1
    _by_end: dict[int, _Places] = field(default_factory=dict)  # by the id's hash: the id itself stands in `_paid`
    _taken: set[str] = field(default_factory=set)
    _begins: "array[int]" = field(default_factory=lambda: array("q"))  # where each account's are in there
    _of_account: "array[int]" = field(default_factory=lambda: array("q"))  # invoices ordered by account
    _by_open: "array[int]" = field(default_factory=lambda: array("q"))  # invoices ordered by what was open
    _were: "array[int]" = field(default_factory=lambda: array("q"))  # open at first

    def add_account(self, one: Debtor) -> None:
        """Take up an account."""
        place = self._of[one.account_id] = len(self.ids)
        self.ids.append(one.account_id)
        self.totals.append(0)
        self._paid_last.append(-1)
        pair = (one.currency, one.creditor)
        self.debtors.append(self._pairs.setdefault(pair, pair))
        self._token(one.number, place * 2)
        for iban in one.ibans:
            _put(self._ibans, iban, place)
        for mandate in one.mandates:
            _put(self._mandates, normal(mandate), place)
        if self.guessing:
            self.account_numbers.append(one.number)
            if one.name:
                _put(self._names, name_key(one.name), place)

    def add_invoice(self, one: Item) -> None:
        """Take up an invoice of an account that is known; one of an account that is not says nothing."""
        owner = self._of.get(one.account_id)
        if owner is None:
            return
        place = len(self.invoice_ids)
        self.invoice_ids.append(one.invoice_id)
        self.owners.append(owner)
        self.opens.append(one.open)
        if self.guessing:
            self.invoice_numbers.append(one.number)
        self.totals[owner] += one.open
        self._token(one.number, place * 2 + 1)

    def _token(self, number: str, target: int) -> None:
        token = normal(number)
        if token:
            self.longest = max(self.longest, len(token))
            self.heads.add(token[0])
            _put(self.tokens, token, target)

    def arrange(self) -> None:
        """Order the invoices by account and by what is open, once all are in."""
        every = range(len(self.invoice_ids))
        self._of_account = array("q", sorted(every, key=self.owners.__getitem__))
        counts = Counter(self.owners)
        self._begins = array("q", accumulate((counts[one] for one in range(len(self.ids))), initial=0))
        if self.guessing:
            self._by_open = array("q", sorted(every, key=self.opens.__getitem__))
            self._were = self.opens[:]

    def named(self, token: str) -> Iterator[Target]:
        """Give whose number this is."""
        for target in _places(self.tokens.get(token)):
            place = target // 2
            yield Target(self.owners[place], place) if target % 2 else Target(place)

    def payers(self, iban: str) -> Sequence[int]:
        """Give the accounts known to pay from an IBAN."""
        return _places(self._ibans.get(iban))

    def mandated(self, mandate_id: str) -> Sequence[int]:
        """Give the accounts that pay by a mandate."""
        return _places(self._mandates.get(normal(mandate_id)))

    def namesakes(self, name: str) -> Sequence[int]:
        """Give the accounts of that name, whatever the order of its words."""
        return _places(self._names.get(name_key(name))) if name else ()

    def invoices_of(self, account: int) -> Sequence[int]:
        """Give the places of an account's invoices."""
        return self._of_account[self._begins[account] : self._begins[account + 1]]

    def with_open(self, amount: int) -> Sequence[int]:
        """Give the places of invoices of which exactly that is open; none when they are many."""
        begin = bisect_left(self._by_open, amount, key=self._were.__getitem__)
        end = bisect_left(self._by_open, amount + 1, key=self._were.__getitem__)
        return [one for one in self._by_open[begin:end] if self.opens[one] == amount] if end - begin <= _MOST else ()

    def settle(self, account_id: int, invoice_ids: Sequence[int], amount: int) -> None:
        """Lower what is open by a payment; where it does not say of which invoice, the account is `moved`."""
        account = self._of[account_id]
        self.totals[account] -= amount
        named = [one for one in self.invoices_of(account) if self.invoice_ids[one] in invoice_ids]
        if len(named) == 1 and 0 < amount <= self.opens[named[0]]:
            self.opens[named[0]] -= amount
        else:
            self.moved.add(account)

    def add_payment(self, one: Paid) -> None:
        """Remember a payment that may be taken back; one of an account that is not known says nothing."""
        account = self._of.get(one.account_id)
        if account is None:
            return
        place = len(self._paid)
        self._paid.append(f"{one.key}{_BETWEEN}{one.iban}{_BETWEEN}{one.end_to_end_id}")
        self._paid_by.append(account)
        self._paid_amounts.append(one.amount)
        self._paid_before.append(self._paid_last[account])
        self._paid_last[account] = place
        if one.end_to_end_id:
            _put(self._by_end, hash(one.end_to_end_id), place)

    def paid_by_end(self, end_to_end_id: str, amounts: set[int]) -> list[Paid]:
        """Give the payments with that end-to-end id and amount that were not taken back."""
        found = self._left(_places(self._by_end.get(hash(end_to_end_id))))
        return [one for one in found if one.end_to_end_id == end_to_end_id and one.amount in amounts]

    def paid_by_sum(self, account: int, amounts: set[int]) -> list[Paid]:
        """Give an account's payments of these amounts that were not taken back, the oldest first; none when many."""
        places = [place for place in self._payments_of(account) if self._paid_amounts[place] in amounts]
        return self._left(places[::-1]) if len(places) <= _MOST else []

    def _payments_of(self, account: int) -> Iterator[int]:
        place = self._paid_last[account]
        while place >= 0:
            yield place
            place = self._paid_before[place]

    def _left(self, places: Sequence[int]) -> list[Paid]:
        return [one for one in map(self._paid_at, places) if one.key not in self._taken]

    def _paid_at(self, place: int) -> Paid:
        key, iban, end_to_end_id = self._paid[place].split(_BETWEEN, 2)
        return Paid(key, self.ids[self._paid_by[place]], self._paid_amounts[place], end_to_end_id, iban)

    def take_back(self, key: str) -> None:
        """Remember that a payment was taken back."""
        self._taken.add(key)


def name_key(name: str) -> str:
    """Write a name so that "Anna Müller" and "MUELLER, ANNA" are equal."""
    return " ".join(sorted(normal(word) for word in name.replace(",", " ").split()))


def open_books(
    accounts: Iterable[Debtor], invoices: Iterable[Item], payments: Iterable[Paid] = (), *, guessing: bool = True
) -> Books:
    """Make the books."""
    books = Books(guessing)
    for account in accounts:
        books.add_account(account)
    for invoice in invoices:
        books.add_invoice(invoice)
    for payment in payments:
        books.add_payment(payment)
    books.arrange()
    return books
