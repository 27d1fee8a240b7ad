"""Reads CAMT.053 and .054 (ISO 20022), every version, as a stream: one entry is in memory at a time.

Versions write the same thing in other places. Some banks tell the payments of a batch, some do not, some do in a second
file: an entry is taken apart where its payments add up to it. For intake.bank_statements.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lxml import etree

from contactd.domain.bank import Entry
from contactd.intake.booked import Fault, Head, Tail, Told, amount, iban, reference, unusable
from contactd.intake.camt_places import Element, Said, local, plans_for, take
from contactd.intake.spool import Spool
from contactd.intake.values import MACHINE

_FORMATS = {"Stmt": "camt.053", "Ntfctn": "camt.054"}
_INTRADAY = "Rpt"
_BATCH = 2_000  # payments of one entry in memory
# Codes of ISO 20022's bank transaction codes for what is undone: unpaid, returned and reversed payments and debits.
_UNDONE = {"UPDD", "UPCT", "RRTN", "RRCT", "RPCR", "PRDD", "ARET", "RVSL"}
_OPENING, _CLOSING, _BETWEEN = ("PRCD", "OPBD"), "CLBD", "ITBD"


class _Payment(NamedTuple):
    """A TxDtls; `amount` None where the bank tells none in the account's currency."""

    line: int
    amount: int | None
    charges: int
    instructed: int
    said: Said


class _Batch:
    """The payments of one entry, beside the memory once they are many."""

    def __init__(self) -> None:
        self.length = 0
        self._few: list[_Payment] = []
        self._many: Spool[_Payment] | None = None

    def add(self, one: _Payment) -> None:
        """Keep one more."""
        self.length += 1
        if self._many is None:
            self._few.append(one)
            if self.length < _BATCH:
                return
            self._many = Spool(_Payment._make, _BATCH)
            for before in self._few:
                self._many.add(before)
            self._few = []
        else:
            self._many.add(one)

    def __iter__(self) -> Iterator[_Payment]:
        return chain.from_iterable(self._many.chunks()) if self._many else iter(self._few)

    def close(self) -> None:
        """Let go of what is kept."""
        if self._many:
            self._many.__exit__(None, None, None)


class _Page:
    """One statement, or one page of it, while it is read."""

    def __init__(self, element: Element) -> None:
        self._plans = plans_for(element)
        said = take(element, self._plans.page).words
        balances = [take(child, self._plans.balance) for child in element if local(child) == "Bal"]
        currencies = [said["currency"]] if "currency" in said else [_money(one)[1] for one in balances]
        currency = currencies[0] if currencies else self._currency_of(element)
        account = said.get("account", "")
        page = said.get("page", "")
        self.head = Head(
            element.sourceline, _FORMATS[local(element)], said.get("number", ""), iban(account) or account, currency,
            int(page[:9]) if page.isdecimal() else 1,
        )  # fmt: skip
        self.balances = balances
        self.last = said.get("last", "") in {"", "true", "1"}
        self.total = self.pending = 0
        self._silent = True

    def told(self) -> Iterator[Head]:
        """Give the head, once."""
        if self._silent:
            self._silent = False
            yield self.head

    def tail(self) -> Tail | Fault:
        """Tell the balances: of the day before, of the day, and on pages those between."""
        found: dict[str, list[int]] = {}
        try:
            for one in self.balances:
                value = _signed(amount(_money(one)[0], self.head.currency), one)
                found.setdefault(one.words.get("kind", ""), []).append(value)
        except ValueError as error:
            return Fault(self.head.line, f"a balance: {error}")
        between = found.get(_BETWEEN, [])
        opening = next((found[kind][0] for kind in _OPENING if kind in found), None)
        if opening is None and between:
            opening = between.pop(0)
        closing = found[_CLOSING][0] if _CLOSING in found else between[-1] if between else None
        return Tail(opening, closing, self.total, self.pending, self.last)

    def payment(self, element: Element) -> _Payment:
        """Read a TxDtls; raises ValueError."""
        said = take(element, self._plans.payment)
        instructed = self._own(said, "instructed")
        charges = said.money.get("charge", ())
        return _Payment(
            element.sourceline,
            self._own(said, "amount") or instructed,
            sum(amount(text, currency) for text, currency in charges if currency == self.head.currency),
            instructed or 0,
            said,
        )

    def _own(self, said: Said, word: str) -> int | None:
        """Read the first amount in the account's currency."""
        for text, currency in said.money.get(word, ()):
            if currency == self.head.currency:
                return amount(text, currency)
        return None

    def _currency_of(self, element: Element) -> str:
        """Answer the currency of the first entry, where the account has none."""
        entries = (take(child, self._plans.entry) for child in element if local(child) == "Ntry")
        return next((_money(one)[1] for one in entries), "")

    def entry(self, element: Element, payments: _Batch) -> Iterable[Entry]:
        """Answer the payments of an entry, once it is booked; raises ValueError."""
        said = take(element, self._plans.entry)
        words = said.words
        status = words.get("status") or _status(element)
        if not status:
            raise ValueError("an entry does not say whether it is booked (Sts); ask the bank")
        if status != "BOOK":
            self.pending += 1
            return ()
        text, currency = _money(said)
        if currency != self.head.currency:
            raise ValueError(
                f"an entry is in {currency or 'no currency'}, its account in {self.head.currency}; ask the bank"
            )
        value = _signed(amount(text, currency), said)
        told = words.get("payments", "")
        count = int(told) if told.isdecimal() else 0
        whole = Entry(
            "", 0, element.sourceline, value, currency, *_days(words), bank_ref=reference(words.get("bank_ref", "")),
            takes_back=words.get("reversal") in {"true", "1"} or words.get("code") in _UNDONE,
            instructed=self._own(said, "instructed") or 0,
        )  # fmt: skip
        self.total += value
        if payments.length == 1 and count <= 1:
            return [_merged(whole, value, one) for one in payments]
        if payments.length and count in {0, payments.length} and self._adds_up(payments, value):
            return (_merged(whole, _sided(one, value), one) for one in payments)
        many = max(count, payments.length)
        return [whole._replace(lines=tuple(said.texts.get("more", ())), undivided=many if many > 1 else 0)]

    @staticmethod
    def _adds_up(payments: _Batch, value: int) -> bool:
        """Tell whether the payments, less the bank's charges, make up the entry."""
        total = 0
        for one in payments:
            if one.amount is None:
                return False
            total += _sided(one, value)
        return value in {total, total - sum(one.charges for one in payments)}


def _merged(whole: Entry, value: int, one: _Payment) -> Entry:
    """Put together what the entry and its payment say."""
    words, texts, _ = one.said
    said = words.get
    takes_back = whole.takes_back or "reason" in words or said("code") in _UNDONE
    # Who has paid is the debtor, and who was paid the creditor, also when it comes back.
    who, account = ("debtor", "debtor_iban") if (value > 0) != takes_back else ("creditor", "creditor_iban")
    return Entry(
        "", 0, one.line, value, whole.currency, whole.booked_on, whole.value_on,
        tuple(texts.get("lines") or texts.get("more") or ()), tuple(texts.get("references", ())),
        reference(said("end_to_end", "")), reference(said("mandate", "")),
        whole.bank_ref or reference(said("bank_ref", "")), reference(said(who, "")), iban(said(account, "")),
        takes_back, said("reason", ""), " ".join(texts.get("why", ())), one.instructed or whole.instructed,
    )  # fmt: skip


def _status(element: Element) -> str:
    """Read the status where older versions have it: <Sts>BOOK</Sts>."""
    return next(((one.text or "").strip() for one in element if local(one) == "Sts"), "")


def _money(said: Said) -> tuple[str, str]:
    """Answer the first amount and its currency."""
    return said.money["amount"][0] if "amount" in said.money else ("", "")


def _signed(value: int, said: Said) -> int:
    side = said.words.get("side", "")
    if side not in {"CRDT", "DBIT"}:
        raise ValueError(f'"{side}" is neither CRDT nor DBIT')
    return value if side == "CRDT" else -value


def _sided(one: _Payment, value: int) -> int:
    """Give a payment's amount the sign of its side, or that of its entry."""
    side = one.said.words.get("side")
    incoming = side == "CRDT" if side else value > 0
    return (one.amount or 0) * (1 if incoming else -1)


def _days(words: dict[str, str]) -> tuple[date, date]:
    """Read the days of booking and value; one stands for the other where a bank tells only one."""
    booked, valued = words.get("booked", "")[:10], words.get("valued", "")[:10]
    if not booked and not valued:
        raise ValueError("an entry has no date; ask the bank")
    return MACHINE.read_date(booked or valued), MACHINE.read_date(valued or booked)


class _Unnamed(NamedTuple):
    """A file whose name lxml does not ask for: one that is no UTF-8 would break it."""

    file: BinaryIO

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self.file.read(size)


def read(path: Path, file: BinaryIO) -> Iterator[Told]:
    """Read an open file; raises InputError when it is no whole CAMT.053 or .054."""
    tags = [f"{{*}}{name}" for name in ("TxDtls", "Ntry", *_FORMATS, _INTRADAY)]
    context = etree.iterparse(
        _Unnamed(file), tag=tags, resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    with closing(_Document(path)) as document:
        try:
            for _, element in context:
                name = local(element)
                if name == "TxDtls":
                    document.payment(element)
                elif name == "Ntry":
                    yield from document.entry(element)
                else:
                    yield from document.statement(element)
                _forget(element)
        except etree.XMLSyntaxError as error:
            what = f"is no whole XML: {error.msg}; get the file from the bank again"
            raise unusable(path, error.lineno or 0, what) from error
        document.end(context.root)


class _Document:
    """Follows the elements of one file, each at its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = False
        self._page: _Page | None = None
        self._batch = _Batch()
        self._fault: Fault | None = None  # of the entry that is being read

    def close(self) -> None:
        """Let go of what is kept beside the memory."""
        self._batch.close()

    def payment(self, element: Element) -> None:
        """Take a TxDtls in."""
        page = self._page or self._open(element)
        try:
            self._batch.add(page.payment(element))
        except ValueError as error:
            self._fault = Fault(element.sourceline, str(error))

    def entry(self, element: Element) -> Iterator[Told]:
        """Take a Ntry in, and give its payments out."""
        page = self._page or self._open(element)
        yield from page.told()
        try:
            if self._fault:
                yield self._fault
            else:
                yield from page.entry(element, self._batch)
        except ValueError as error:
            yield Fault(element.sourceline, str(error))
        self._fault = None
        self._batch.close()
        self._batch = _Batch()

    def statement(self, element: Element) -> Iterator[Told]:
        """Take the end of a statement in."""
        page = self._page or self._open(element)
        yield from page.told()
        yield page.tail()
        self._page = None

    def end(self, root: Element) -> None:
        """Refuse a document without statements."""
        if not self._begun:
            kind = "/".join([local(root), *[local(child) for child in root][:1]])
            raise unusable(self.path, root.sourceline, f"is no bank statement but {kind}; export camt.053 or camt.054")

    def _open(self, element: Element) -> _Page:
        """Begin the statement an element stands in."""
        if not self._begun and element.getroottree().docinfo.doctype:
            raise unusable(self.path, 1, "has a DOCTYPE, which no bank writes; get the file from the bank again")
        self._begun = True
        for one in (element, *element.iterancestors()):
            if local(one) in _FORMATS:
                self._page = _Page(one)
                return self._page
        what = f"{local(element)} stands in no Stmt or Ntfctn; export camt.053 or camt.054"
        if local(element) == _INTRADAY or any(local(one) == _INTRADAY for one in element.iterancestors()):
            what = "is a camt.052, which may still change; export camt.053 or camt.054"
        raise unusable(self.path, element.sourceline, what)


def _forget(element: Element) -> None:
    """Free an element and those of its kind before it."""
    element.clear()
    parent = element.getparent()
    before = element.getprevious()
    while before is not None and before.tag == element.tag:
        parent.remove(before)
        before = element.getprevious()
