"""Reads MT940 as German banks write it, one field at a time; what stands behind `?` in :86: is taken apart here.

The patterns of the fields are those of the package mt-940. Its own reading is not used: it glues the payer's IBAN to
the name and takes the reversal of a credit for a payment. For intake.bank_statements.
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mt940 import tags

from contactd.domain.bank import Entry
from contactd.intake.booked import Fault, Head, Tail, Told, amount, iban, reference, unusable
from contactd.intake.mt940_details import Details, read_details

_FIELD = re.compile(r":(\d\d[A-Z]?|NS):(.*)", re.DOTALL)
_BALANCE, _LINE = tags.BalanceBase(), tags.StatementGLS()
_ENVELOPE = ("{", "-}")
_CENTURY = 2000
_FEBRUARY = 2
_OPENINGS, _CLOSINGS = {"60F", "60M"}, {"62F", "62M"}
_INCOMING, _REVERSALS = {"C", "RD"}, {"RC", "RD"}
_ORIGINAL = re.compile(r"/OCMT/([A-Z]{3})([\d,]+)/")


class _Field(NamedTuple):
    """A field: its tag, its text with the ends of lines in it, and its line."""

    tag: str
    text: str
    line: int


def read(path: Path, file: BinaryIO) -> Iterator[Told]:
    """Read an open file; raises InputError when it is no MT940."""
    page: _Page | None = None
    for field in _fields(_lines(file)):
        if field.tag == "20":
            yield from page.end() if page else ()
            page = _Page(field)
        elif page:
            yield from page.hear(field)
        else:
            what = f"field :{field.tag}: stands before :20:; get the file from the bank again"
            raise unusable(path, field.line, what)
    yield from page.end() if page else ()


def _lines(file: BinaryIO) -> Iterator[str]:
    """Read lines as UTF-8, or as Windows writes where they are none."""
    for number, line in enumerate(file):
        data = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
        yield text.rstrip("\r\n").replace("\x1f", " ")


def _fields(lines: Iterable[str]) -> Iterator[_Field]:
    """Put the lines of each field together; what stands between two messages is left out."""
    tag, texts, begun = "", [""], 0
    for number, line in enumerate(lines, 1):
        match = _FIELD.match(line)
        if match is None and line.strip() != "-" and not line.startswith(_ENVELOPE):
            texts.append(line)
            continue
        if tag:
            yield _Field(tag, "\n".join(texts), begun)
        tag, texts, begun = (match[1], [match[2]], number) if match else ("", [""], number)
    if tag:
        yield _Field(tag, "\n".join(texts), begun)


class _Page:
    """One statement, or one page of it, while it is read."""

    def __init__(self, field: _Field) -> None:
        self._line = field.line
        self._number = field.text.strip()
        self._account = ""
        self._page = 1
        self._currency = ""
        self._opening: int | None = None
        self._closing: int | None = None
        self._total = 0
        self._told = False
        self._last = True
        self._waiting: Entry | None = None

    def hear(self, field: _Field) -> Iterator[Told]:
        """Take a field in."""
        try:
            if field.tag == "25":
                text = "".join(field.text.split())
                self._account = iban(text) or iban(text[:-3]) or text  # some add the currency
            elif field.tag in {"28", "28C"}:
                number, _, page = field.text.strip().partition("/")
                self._number, self._page = number or self._number, int(page) if page.isdecimal() else 1
            elif field.tag in _OPENINGS:
                self._opening = self._balance(field)
                self._page = max(self._page, 2) if field.tag == "60M" else self._page
            elif field.tag == "61":
                yield from self._let_go()
                self._waiting = self._entry(field)
            elif field.tag == "86" and self._waiting:
                self._waiting = _detailed(self._waiting, read_details(field.text))
                yield from self._let_go()
            elif field.tag in _CLOSINGS:
                yield from self._let_go()
                self._closing, self._last = self._balance(field), field.tag == "62F"
        except ValueError as error:
            yield Fault(field.line, f":{field.tag}: {error}")

    def end(self) -> Iterator[Told]:
        """Tell what is left, and the balances."""
        yield from self._let_go()
        yield from self._head()
        yield Tail(self._opening, self._closing, self._total, last=self._last)

    def _head(self) -> Iterator[Head]:
        if not self._told:
            self._told = True
            yield Head(self._line, "mt940", self._number, self._account, self._currency, self._page)

    def _let_go(self) -> Iterator[Told]:
        """Give the entry out whose :86: has come or does not come."""
        if self._waiting:
            yield from self._head()
            yield self._waiting
        self._waiting = None

    def _balance(self, field: _Field) -> int:
        match = _BALANCE.re.match(field.text)
        if match is None:
            raise ValueError(f'"{field.text}" is no balance; get the file from the bank again')
        currency = match["currency"].upper()
        if self._currency not in {"", currency}:
            raise ValueError(f"is in {currency}, the statement in {self._currency}; ask the bank")
        self._currency = currency
        return _amount(match["amount"], currency) * (1 if match["status"].upper() == "C" else -1)

    def _entry(self, field: _Field) -> Entry:
        # The rest of the second line is the bank's own; there is no third.
        match = _LINE.re.match("\n".join(field.text.split("\n")[:2]))
        if match is None:
            raise ValueError(f'"{field.text}" is no booking; get the file from the bank again')
        if not self._currency:
            raise ValueError("stands before the opening balance (:60F:); an MT942 has none: export MT940")
        mark = match["status"].upper()
        value = _amount(match["amount"], self._currency) * (1 if mark in _INCOMING else -1)
        valued = _day(_CENTURY + int(match["year"]), int(match["month"]), int(match["day"]))
        original = _ORIGINAL.search(match["extra_details"] or "")
        self._total += value
        return Entry(
            key="", statement=0, line=field.line, amount=value, currency=self._currency,
            booked_on=_booked(match["entry_month"], match["entry_day"], valued), value_on=valued,
            end_to_end_id=reference(match["customer_reference"] or ""),
            bank_ref=reference(match["bank_reference"] or ""),
            takes_back=mark in _REVERSALS,
            instructed=_amount(original[2], self._currency) if original and original[1] == self._currency else 0,
        )  # fmt: skip


def _detailed(entry: Entry, found: Details) -> Entry:
    """Add what :86: says to what :61: says."""
    return entry._replace(
        lines=found.lines,
        end_to_end_id=found.end_to_end_id or entry.end_to_end_id,
        mandate_id=found.mandate_id,
        name=found.name,
        iban=found.iban,
        takes_back=entry.takes_back or found.undone,
        code=found.code if entry.takes_back or found.undone else "",
        instructed=_original(found.original, entry) or entry.instructed,
    )


def _original(text: str, entry: Entry) -> int:
    """Read the amount before charges; 0 when it is in another currency or none."""
    number = text.removeprefix(entry.currency).strip()
    return _amount(number, entry.currency) if re.fullmatch(r"\d[\d,]*", number) else 0


def _amount(text: str, currency: str) -> int:
    return amount(text.replace(",", ".").rstrip("."), currency)


def _day(year: int, month: int, day: int) -> date:
    """Answer a day; banks that count thirty days a month write the 30th of February."""
    if month == _FEBRUARY:
        day = min(day, calendar.monthrange(year, month)[1])
    return date(year, month, day)


def _booked(month: str | None, day: str | None, valued: date) -> date:
    """Answer the day of booking, which is written without its year: the one nearest to the value date."""
    if not month or not day or not (month + day).isdecimal():
        return valued
    days = [_day(valued.year + shift, int(month), int(day)) for shift in (-1, 0, 1)]
    return min(days, key=lambda one: abs(one - valued))
