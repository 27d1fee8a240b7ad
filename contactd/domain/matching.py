"""Whose payment an entry of a bank statement is: certain, or a list of guesses for a person; never guessed.

In this order: an RF reference, our own numbers in what the payer wrote, end-to-end and mandate ids, the payer's IBAN
with exactly what is open. The first that says something decides; what contradicts itself is no answer. A return goes to
the payment it takes back. Ask `match` for each entry in order and tell the books by `note` what was made of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from contactd.domain.bank import Entry
from contactd.domain.books import Books, Paid, Target
from contactd.domain.money import Money
from contactd.domain.reference import (
    APART,
    CUT,
    Hit,
    Text,
    after_rf,
    continues,
    cut_up,
    find,
    is_rf,
    labelled,
    like_a_date,
    normal,
    rf_body,
    rf_references,
    speaks_for_itself,
)

_MOST_SUGGESTIONS = 5
_LEAST_TOKEN = 3
# A number that goes over one of these may be two.
_OVER = {APART, CUT}
# How much a suggestion is worth, for their order alone.
_NUMBER, _PAYMENT, _IBAN, _NAME, _AMOUNT = 50, 40, 30, 20, 10


class By(StrEnum):
    """What a match rests on, the strongest first."""

    RF_REFERENCE = "rf_reference"
    NUMBER = "number"
    END_TO_END_ID = "end_to_end_id"
    MANDATE = "mandate"
    IBAN_AND_AMOUNT = "iban_and_amount"
    TAKEN_BACK = "taken_back"


class Match(NamedTuple):
    """Certain: the account, the invoices that are named, and of a return the key of the payment it takes back."""

    account_id: int
    by: By
    reason: str
    invoice_ids: tuple[int, ...] = ()
    takes_back: str = ""


class Suggestion(NamedTuple):
    """One guess for a person, with its reason in words; `weight` orders them."""

    account_id: int
    invoice_id: int | None
    reason: str
    weight: int
    takes_back: str = ""


class Unclear(NamedTuple):
    """Not certain: why, and what it may be, the likeliest first.

    `likely` are the few accounts that owe something and that it names as surely as a match does, or whose IBAN it came
    from with exactly what they owe: it is not for them only because that contradicts something else.
    """

    why: str
    suggestions: tuple[Suggestion, ...] = ()
    likely: tuple[int, ...] = ()


class _Guess(NamedTuple):
    """What speaks for a target, and how much."""

    target: Target
    reason: str
    weight: int


class _Clue(NamedTuple):
    """A number that leads to a target; `sure`: it may decide by itself, if the entry may be for that account at all."""

    target: Target
    token: str
    sure: bool


def match(books: Books, entry: Entry, creditor: str = "") -> Match | Unclear:
    """Say whose payment an entry is; `creditor`: whose bank account it came to, empty when any."""
    return _Asking(books, entry, creditor).answer()


def note(books: Books, entry: Entry, found: Match) -> None:
    """Tell the books what was made of an entry, so that the next one is asked of what is left."""
    books.settle(found.account_id, found.invoice_ids, entry.amount)
    if found.takes_back:
        books.take_back(found.takes_back)
    else:
        books.add_payment(Paid(entry.key, found.account_id, entry.amount, entry.end_to_end_id, entry.iban))


class _Asking:
    """One entry in front of the books."""

    def __init__(self, books: Books, entry: Entry, creditor: str) -> None:
        self.books = books
        self.entry = entry
        self.creditor = creditor
        self.text = cut_up(entry.lines)

    def answer(self) -> Match | Unclear:
        """Go through the ways in their order."""
        entry = self.entry
        if entry.undivided:
            why = f"the bank tells only the sum of {entry.undivided} payments; the camt.054 of that day lists them"
            return Unclear(why)
        if entry.takes_back:
            return self._taken_back()
        references = list(self._rf_references())
        clues = [*references, *self._numbers()]
        if entry.amount <= 0:
            return Unclear("the money went out", self._suggest(map(self._as_number, clues)))
        by_rf = any(map(self._decides, references))
        return (
            self._decide(list(filter(self._decides, clues)), By.RF_REFERENCE if by_rf else By.NUMBER)
            or self._decide(self._end_to_end(), By.END_TO_END_ID)
            or self._decide(self._mandate(), By.MANDATE)
            or self._iban()
            or self._unclear(clues)
        )

    def _usable(self, account: int) -> bool:
        """Tell whether the entry may be for that account at all."""
        currency, creditor = self.books.debtors[account]
        return currency == self.entry.currency and self.creditor in {"", creditor}

    def _decides(self, clue: _Clue) -> bool:
        return clue.sure and self._usable(clue.target.account)

    def _rf_references(self) -> Iterator[_Clue]:
        """Find what RF references carry, those in their own field first."""
        fields = [normal(one) for one in (*self.entry.references, self.entry.end_to_end_id)]
        for reference in (*fields, *rf_references(self.text)):
            body = rf_body(reference)
            if not body:
                continue
            for token in dict.fromkeys((body, body.lstrip("0"))):
                for target in self.books.named(token):
                    yield _Clue(target, reference, sure=True)

    def _numbers(self) -> list[_Clue]:
        """Find our own numbers, whole ones in fields made for them and those in what the payer wrote."""
        books = self.books
        clues = []
        for reference in self.entry.references:
            token = normal(reference)
            if token in books.tokens:
                clues += [_Clue(one, token, self._sure_whole(token, one)) for one in books.named(token)]
            elif not is_rf(token):
                clues += self._read(cut_up([reference]))
        return [*clues, *self._read(self.text)]

    def _read(self, text: Text) -> Iterator[_Clue]:
        books = self.books
        for hit, doubtful in self._outermost(text, find(text, books.tokens, books.longest, books.heads)):
            for target in books.named(hit.token):
                yield _Clue(target, hit.token, self._sure(text, hit, target, doubtful=doubtful))

    def _outermost(self, text: Text, hits: Iterable[Hit]) -> Iterator[tuple[Hit, bool]]:
        """Leave out numbers inside longer ones; doubtful are both when a blank makes them numbers of two accounts."""
        widest = None
        kept: dict[Hit, bool] = {}
        for hit in hits:
            if widest is None or hit.end > widest.end:
                widest = hit
                kept[hit] = False
            elif _OVER & set(text.gaps[widest.first + 1 : widest.end]) and self._strangers(widest, hit):
                kept[hit] = kept[widest] = True
        yield from kept.items()

    def _strangers(self, one: Hit, other: Hit) -> bool:
        owners = ({target.account for target in self.books.named(hit.token)} for hit in (one, other))
        return len(set.union(*owners)) > 1

    def _sure_whole(self, token: str, target: Target) -> bool:
        """Tell whether a number in a field of its own may decide: not when it may as well be a date."""
        told = len(token) >= _LEAST_TOKEN and not like_a_date(token)
        return told or self._fits(target)

    def _sure(self, text: Text, hit: Hit, target: Target, *, doubtful: bool) -> bool:
        """Tell whether a number in a text may decide: a short one by its label, the amount or being all there is."""
        if len(hit.token) < _LEAST_TOKEN or after_rf(text, hit):
            return False
        if self._fits(target):
            return True
        if doubtful or continues(text, hit):
            return False
        if speaks_for_itself(hit.token):
            return True
        kind = "account" if target.invoice < 0 else "invoice"
        alone = len(text.pieces) == 1 and not like_a_date(hit.token)
        return alone or labelled(text, hit) in {"either", kind}

    def _fits(self, target: Target) -> bool:
        """Tell whether the amount is exactly what is open."""
        books, amount = self.books, self.entry.amount
        if amount == books.totals[target.account]:
            return True
        invoices = books.invoices_of(target.account) if target.invoice < 0 else (target.invoice,)
        return any(books.opens[one] == amount for one in invoices)

    def _decide(self, clues: Sequence[_Clue], by: By) -> Match | Unclear | None:
        """Answer the one account all clues lead to; None when there is none."""
        accounts = {clue.target.account for clue in clues}
        if not accounts:
            return None
        if len(accounts) > 1:
            guesses = self._suggest(map(self._as_number, clues))
            return Unclear(f"leads to {len(accounts)} accounts", guesses, self._likely(clues))
        books = self.books
        invoices = dict.fromkeys(clue.target.invoice for clue in clues if clue.target.invoice >= 0)
        reason = f"{by.replace('_', ' ')}: {', '.join(dict.fromkeys(clue.token for clue in clues))}"
        ids = tuple(books.invoice_ids[one] for one in invoices)
        return Match(books.ids[min(accounts)], by, reason, ids)

    def _end_to_end(self) -> list[_Clue]:
        token = normal(self.entry.end_to_end_id)
        return [
            _Clue(target, token, sure=True)
            for target in self.books.named(token)
            if self._usable(target.account) and (speaks_for_itself(token) or self._fits(target))
        ]

    def _mandate(self) -> list[_Clue]:
        mandate = self.entry.mandate_id
        payers = self.books.mandated(mandate) if mandate else ()
        return [_Clue(Target(one), mandate, sure=True) for one in payers if self._usable(one)]

    def _iban(self) -> Match | None:
        """Take the one account known to pay from there, if it pays exactly what is open."""
        books, amount = self.books, self.entry.amount
        payers = books.payers(self.entry.iban)
        if len(payers) != 1 or not self._usable(payers[0]) or payers[0] in books.moved:
            return None
        account = payers[0]
        exact = [one for one in books.invoices_of(account) if books.opens[one] == amount]
        if not exact and books.totals[account] != amount:
            return None
        what = f"the {'invoice' if exact else 'account'} has exactly {self._money()} open"
        ids = (books.invoice_ids[exact[0]],) if len(exact) == 1 else ()
        return Match(books.ids[account], By.IBAN_AND_AMOUNT, f"pays from its known IBAN, {what}", ids)

    def _taken_back(self) -> Match | Unclear:
        """Find the payment that a return takes back."""
        entry, books = self.entry, self.books
        if entry.amount >= 0:
            return Unclear("a payment or direct debit was undone in our favour")
        amounts = {-entry.amount, entry.instructed or -entry.amount}
        found = [
            one
            for one in books.paid_by_end(entry.end_to_end_id, amounts)
            if not entry.iban or not one.iban or one.iban == entry.iban
        ]
        clues = [*self._rf_references(), *self._numbers(), *self._end_to_end(), *self._mandate()]
        if not found:
            accounts = dict.fromkeys(clue.target.account for clue in clues if self._decides(clue))
            found = [one for account in accounts for one in books.paid_by_sum(account, amounts)]
        told = f"takes back {self._money(entry.instructed or -entry.amount)}"
        if len(found) == 1:
            return Match(found[0].account_id, By.TAKEN_BACK, told, takes_back=found[0].key)
        if found:
            return Unclear(f"{told}: {len(found)} payments may be meant", self._earlier(found))
        return Unclear(f"{told}: no such payment is known", self._suggest(map(self._as_number, clues)))

    @staticmethod
    def _earlier(found: Sequence[Paid]) -> tuple[Suggestion, ...]:
        shown = found[-_MOST_SUGGESTIONS:][::-1]
        return tuple(Suggestion(one.account_id, None, "a payment of that amount", _PAYMENT, one.key) for one in shown)

    def _unclear(self, clues: Sequence[_Clue]) -> Unclear:
        seen = chain(map(self._as_number, clues), self._wrong_references(), self._lookalikes())
        return Unclear("nothing in it says for certain whose it is", self._suggest(seen), self._likely(clues))

    def _likely(self, clues: Iterable[_Clue]) -> tuple[int, ...]:
        books = self.books
        named = (clue.target.account for clue in clues if clue.sure)
        paying = (one for one in books.payers(self.entry.iban) if self._fits(Target(one)))
        found = dict.fromkeys(chain(named, paying))
        owing = [one for one in found if books.totals[one] > 0 and books.debtors[one][0] == self.entry.currency]
        return tuple(books.ids[one] for one in owing) if len(owing) <= _MOST_SUGGESTIONS else ()

    def _as_number(self, clue: _Clue) -> _Guess:
        books, (account, invoice) = self.books, clue.target
        currency, creditor = books.debtors[account]
        named = (
            f"account {books.account_numbers[account]}" if invoice < 0 else f"invoice {books.invoice_numbers[invoice]}"
        )
        if currency != self.entry.currency:
            return _Guess(clue.target, f"names {named}, which is in {currency}", 1)
        if self.creditor not in {"", creditor}:
            return _Guess(clue.target, f"names {named}, which is of {creditor}", 1)
        return _Guess(clue.target, f"names {named}", _NUMBER)

    def _wrong_references(self) -> Iterator[_Guess]:
        """Give what RF references with wrong check digits would lead to."""
        for reference in map(normal, self.entry.references):
            if is_rf(reference) and not rf_body(reference):
                for target in self.books.named(reference[4:]):
                    yield _Guess(target, f"the check digits of {reference} are wrong", _NUMBER)

    def _lookalikes(self) -> Iterator[_Guess]:
        """Give who pays from that IBAN, has that name, or owes exactly that."""
        books, entry = self.books, self.entry
        for account in books.payers(entry.iban):
            yield _Guess(Target(account), "has paid from this IBAN before", _IBAN)
        for account in books.namesakes(entry.name):
            yield _Guess(Target(account), "has the payer's name", _NAME)
        equal = books.with_open(entry.amount)
        for place in equal if len(equal) <= _MOST_SUGGESTIONS else ():
            what = f"of invoice {books.invoice_numbers[place]} exactly {self._money()} is open"
            yield _Guess(Target(books.owners[place], place), what, _AMOUNT)

    def _money(self, amount: int = 0) -> Money:
        return Money(amount or self.entry.amount, self.entry.currency)

    def _suggest(self, guesses: Iterable[_Guess]) -> tuple[Suggestion, ...]:
        """Put together what speaks for each account, the likeliest first; nothing where nobody wants to know."""
        books = self.books
        if not books.guessing:
            return ()
        reasons: dict[int, dict[str, int]] = {}
        invoices: dict[int, set[int]] = {}
        for (account, invoice), reason, weight in guesses:
            if weight == 1 or self._usable(account):
                reasons.setdefault(account, {})[reason] = weight
                invoices.setdefault(account, set()).update({invoice} - {-1})
        found = [
            Suggestion(
                books.ids[account],
                books.invoice_ids[min(invoices[account])] if len(invoices[account]) == 1 else None,
                "; ".join(why),
                sum(why.values()),
            )
            for account, why in reasons.items()
        ]
        return tuple(sorted(found, key=lambda one: (-one.weight, one.account_id))[:_MOST_SUGGESTIONS])
