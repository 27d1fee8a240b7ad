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

# An account's place and an amount in one number: less than 13 digits of the smallest unit, as intake makes sure.
_AMOUNT_BITS = 44

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
    """All accounts and invoices money may be for; make it with `open_books`."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    totals: "array[int]" = field(default_factory=lambda: array("q"))
    debtors: list[tuple[str, str, str]] = field(default_factory=list)  # number, currency, creditor
    invoice_ids: "array[int]" = field(default_factory=lambda: array("q"))
    owners: "array[int]" = field(default_factory=lambda: array("q"))
    opens: "array[int]" = field(default_factory=lambda: array("q"))
    numbers: list[str] = field(default_factory=list)
    longest: int = 0  # token
    heads: set[str] = field(default_factory=set)  # what tokens begin with
    moved: set[int] = field(default_factory=set)  # accounts with money on them nobody knows for which invoice
    tokens: dict[str, _Places] = field(default_factory=dict)  # an account's place doubled, an invoice's plus one
    _of: dict[int, int] = field(default_factory=dict)  # account's id: place
    _ibans: dict[str, _Places] = field(default_factory=dict)
    _mandates: dict[str, _Places] = field(default_factory=dict)
    _names: dict[str, _Places] = field(default_factory=dict)
    _paid: list[Paid] = field(default_factory=list)
    _by_end: dict[str, _Places] = field(default_factory=dict)
    _by_sum: dict[int, _Places] = field(default_factory=dict)
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
        self.debtors.append((one.number, one.currency, one.creditor))
        self._token(one.number, place * 2)
        for iban in one.ibans:
            _put(self._ibans, iban, place)
        for mandate in one.mandates:
            _put(self._mandates, normal(mandate), place)
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
        self.numbers.append(one.number)
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
        self._paid.append(one)
        if one.end_to_end_id:
            _put(self._by_end, one.end_to_end_id, place)
        _put(self._by_sum, account << _AMOUNT_BITS | one.amount, place)

    def paid_by_end(self, end_to_end_id: str, amounts: set[int]) -> list[Paid]:
        """Give the payments with that end-to-end id and amount that were not taken back."""
        return [one for one in self._left(self._by_end.get(end_to_end_id)) if one.amount in amounts]

    def paid_by_sum(self, account: int, amounts: set[int]) -> list[Paid]:
        """Give an account's payments of that amount that were not taken back."""
        keys = [account << _AMOUNT_BITS | amount for amount in sorted(amounts)]
        return [one for key in keys for one in self._left(self._by_sum.get(key))]

    def _left(self, found: _Places | None) -> list[Paid]:
        return [one for place in _places(found) if (one := self._paid[place]).key not in self._taken]

    def take_back(self, key: str) -> None:
        """Remember that a payment was taken back."""
        self._taken.add(key)


def name_key(name: str) -> str:
    """Write a name so that "Anna Müller" and "MUELLER, ANNA" are equal."""
    return " ".join(sorted(normal(word) for word in name.replace(",", " ").split()))


def open_books(accounts: Iterable[Debtor], invoices: Iterable[Item], payments: Iterable[Paid] = ()) -> Books:
    """Make the books of an import."""
    books = Books()
    for account in accounts:
        books.add_account(account)
    for invoice in invoices:
        books.add_invoice(invoice)
    for payment in payments:
        books.add_payment(payment)
    books.arrange()
    return books
