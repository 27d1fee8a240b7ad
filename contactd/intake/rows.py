"""Checks a row and turns it into what the store takes; every fault names its column. For intake only."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from contactd.config import words
from contactd.domain.account import Kind
from contactd.domain.claim_terms import ClaimKind, check_agreed, read_rate, write_rate
from contactd.domain.money import Money
from contactd.intake.columns import SIDE, Columns
from contactd.intake.contacts import read_email, read_phone
from contactd.intake.records import Credit, Record, Rejected
from contactd.intake.values import Notation, clean
from contactd.store.imports import Claim, Key, NewAccount
from contactd.store.payments import NewPayment

_MOST_NUMBER, _MOST_NAME, _MOST_TEXT = 100, 200, 1_000
_REGION = re.compile(r"(?:([A-Z]{2})-)?([A-Z0-9]{1,3})")
_FINGERPRINT = blake2b(digest_size=12)


def digest(*parts: str) -> str:
    """Answer a short fingerprint; equal parts, equal fingerprint."""
    made = _FINGERPRINT.copy()  # half as dear as a new one
    # \x1f stands in no text: `clean` refuses it.
    made.update("\x1f".join(parts).encode())
    return made.hexdigest()


@lru_cache(maxsize=10_000)
def days(first: date, second: date) -> str:
    """Write two days, of which a list has few pairs."""
    return f"{first} {second}"


@lru_cache(maxsize=4_096)
def _language(text: str) -> str:
    head, _, tail = text.replace("_", "-").partition("-")
    return words.check_language(f"{head.lower()}-{tail.upper()}" if tail else head.lower())


@lru_cache(maxsize=4_096)
def _country(text: str) -> str:
    return words.check_country(text.upper())


@lru_cache(maxsize=4_096)
def _currency(text: str) -> str:
    return words.check_currency(text.upper())


@lru_cache(maxsize=4_096)
def _region(text: str, country: str) -> str:
    """Write a region as ISO 3166-2 does."""
    match = _REGION.fullmatch(text.upper())
    if match is None or not (match[1] or country):
        raise ValueError(f'"{text}" is no region; write it like "DE-BY" (ISO 3166-2)')
    if match[1] and country and match[1] != country:
        raise ValueError(f'"{text}" is no region of {country}')
    return f"{country or _country(match[1])}-{match[2]}"


@lru_cache(maxsize=1_000)
def _shared(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Answer the same tuple for all that are equal: it is kept once for thousands of accounts."""
    return columns


@lru_cache(maxsize=64)
def _kind(text: str) -> str:
    kind = text.lower()
    if kind not in set(Kind):
        raise ValueError(f'"{text}" is neither consumer nor business')
    return kind


@lru_cache(maxsize=64)
def _claim_kind(text: str, debtor: str) -> str:
    kind = text.lower()
    if kind and kind not in set(ClaimKind):
        raise ValueError(f'"{text}" is none of {words.listed(ClaimKind)}{words.suggest(kind, ClaimKind)}')
    if kind and ClaimKind(kind).of_loan and debtor.lower() == Kind.BUSINESS:
        raise ValueError(f'"{text}" is owed by a consumer, and the column kind says business; write "other"')
    return kind


@lru_cache(maxsize=4_096)
def _contract_rate(text: str, kind: str) -> str:
    rate = read_rate(text)
    check_agreed(ClaimKind(kind) if kind else None, rate)
    return write_rate(rate) if rate else ""


_ZONE = lru_cache(maxsize=4_096)(words.check_timezone)
# An account's columns: the most characters, and what checks a text that is not empty.
_CHECKS: tuple[tuple[str, int, Callable[[str], str] | None], ...] = (
    ("name", _MOST_NAME, None), ("kind", _MOST_TEXT, _kind), ("language", _MOST_TEXT, _language),
    ("timezone", _MOST_TEXT, _ZONE), ("country", _MOST_TEXT, _country), ("segment", _MOST_NAME, None),
    ("email", _MOST_TEXT, read_email), ("street", _MOST_NAME, None), ("postcode", _MOST_NUMBER, None),
    ("city", _MOST_NAME, None),
)  # fmt: skip
_CONSUMER = Kind.CONSUMER.value
_PARTS = re.compile(r'[;,|\t"]')
_MONEY = frozenset({"amount", "open"})
_NO_PHONE = ("", "", "")

# A row whose texts are clean; what stands for amounts may be a number.
Values = Mapping[str, Any]


@dataclass(slots=True)
class _Reading:
    """What the readers of accounts and payments share; `column` is the one being read."""

    columns: Columns
    notation: Notation
    country: str
    currency: str
    today: date
    column: str = ""
    free: bool = False  # rows may have any keys: there was no header to check

    def tidied(self, record: Record) -> Values:
        """Answer the row's values with their texts cleaned."""
        if record.tidy:
            return record.values
        if self.free and not record.values.keys() <= set(self.columns.names):
            self.column = str(min(record.values.keys() - self.columns.names))
            raise ValueError(f"unknown column{words.suggest(self.column, self.columns.names)}")
        cleaned: dict[str, object] = {}
        for self.column, value in record.values.items():
            number = self.column in _MONEY and value is not None and not isinstance(value, str)
            cleaned[self.column] = value if number else clean(value)
        return cleaned

    def text(self, values: Values, column: str, limit: int = _MOST_TEXT) -> str:
        """Read a text that may be missing."""
        self.column = column
        text: str = values.get(column, "")
        if len(text) > limit:
            raise ValueError(f"is longer than {limit} characters")
        return text

    def needed(self, values: Values, column: str, limit: int = _MOST_NUMBER) -> str:
        """Read a text that must not be empty."""
        self.column = column
        text: str = values.get(column, "")
        if not 0 < len(text) <= limit:
            raise ValueError(f"is longer than {limit} characters" if text else "is empty")
        return text

    def currency_of(self, values: Values) -> str:
        """Read the row's currency, or the one of rows that name none."""
        self.column = "currency"
        text = values.get("currency")
        return _currency(text) if text else self.currency

    def date(self, values: Values, column: str) -> date:
        """Read a date that must not be empty."""
        return self.notation.read_date(self.needed(values, column))

    def amount(self, values: Values, column: str, currency: str) -> int | None:
        """Read an amount with the sign of its S/H column; None when there is none."""
        self.column = column
        value = values.get(column, "")
        if value == "":
            return None
        minor = self.notation.read_amount(value, currency)
        return -minor if values.get(SIDE) == "-" else minor


@dataclass(slots=True)
class AccountRows:
    """Reads the rows of one list of accounts; an account's first good row says what is known about it."""

    reading: _Reading
    seen: set[Key] = field(default_factory=set)
    invoices: dict[int, int] = field(default_factory=dict)  # hash of the key: row
    owing: set[Key] = field(default_factory=set)  # those with a row that shows something open
    protected: set[tuple[str, str]] = field(default_factory=set)  # creditors' numbers in rejected rows
    perhaps: set[str] = field(default_factory=set)  # cells of rejected rows: one of each row's is the number
    nameless: list[int] = field(default_factory=list)  # rejected rows that do not tell whose they are
    credits: list[Credit] = field(default_factory=list)  # rows that show that the creditor owes

    def read(self, record: Record) -> Claim | Rejected:
        """Answer what the row claims, or what is wrong with it."""
        try:
            return self._claim(record.row, self.reading.tidied(record))
        except ValueError as error:
            self.protect(record)
            return Rejected(record.row, self.reading.column, str(error))

    def protect(self, record: Record) -> None:
        """Remember whose row was rejected: what a list meant to say about it is unknown, so nothing is cleared."""
        if not record.values and len(record.cells) > 1:
            self.perhaps.update(cell.strip() for cell in record.cells)
            return
        try:
            number, creditor = clean(record.values.get("account_no")), clean(record.values.get("creditor"))
        except ValueError:
            number = creditor = ""
        if number:
            self.protected.add((creditor, number))
        else:
            self.nameless.append(record.row)

    def _claim(self, row: int, values: Values) -> Claim:
        reading = self.reading
        creditor = reading.text(values, "creditor", _MOST_NUMBER)
        key = (creditor, reading.needed(values, "account_no"), reading.currency_of(values))
        number = reading.needed(values, "invoice_no")
        mark = hash((key, number))
        if mark in self.invoices:
            raise ValueError(f'"{number}" of this account stands in row {self.invoices[mark]} already')
        invoiced, due = reading.date(values, "invoice_date"), reading.date(values, "due_date")
        if due < invoiced:
            raise ValueError(f"is before the date of the invoice ({invoiced})")
        amount, rest = self._amounts(values, key[2])
        goods = reading.text(values, "goods") if "goods" in values else None
        terms = reading.text(values, "terms") if "terms" in values else None
        kind, rate, contracted = self._terms(values)
        figures = f"{days(invoiced, due)} {amount} {goods is None} {terms is None}"
        said = digest(figures, goods or "", terms or "", f"{kind} {rate} {contracted}")
        account = None if key in self.seen else self._account(values)
        self.seen.add(key)
        if rest > 0:
            self.owing.add(key)
        if rest < 0:
            self._note_credit(row, number, Money(-rest, key[2]), over_paid=amount is not None and amount > 0)
        self.invoices[mark] = row
        return Claim(key, account, number, invoiced, due, amount, rest, goods, terms, said, kind, rate, contracted)

    def _terms(self, values: Values) -> tuple[str | None, str | None, date | None]:
        """Read what kind of claim it is, the rate agreed for it and the day of its contract; None: not said."""
        kind = rate = None
        if "claim_kind" in values:
            kind = _claim_kind(self.reading.text(values, "claim_kind"), values.get("kind", ""))
        if "contract_rate" in values:
            rate = _contract_rate(self.reading.text(values, "contract_rate"), kind or "")
        return kind, rate, self.reading.date(values, "contract_date") if values.get("contract_date") else None

    def _note_credit(self, row: int, number: str, money: Money, *, over_paid: bool) -> None:
        what = f"invoice {number} is over-paid" if over_paid else f"{number} is a credit note"
        self.credits.append(Credit(row, f"{what}: {money.amount} {money.currency} kept as credit on the account"))

    def _amounts(self, values: Values, currency: str) -> tuple[int | None, int]:
        """Read amount and open; a list may have one of them only."""
        amount = self.reading.amount(values, "amount", currency)
        if amount is not None and values.get("open") == values["amount"]:
            return amount, amount
        rest = self.reading.amount(values, "open", currency)
        if rest is None:
            if amount is None or "open" in values:
                raise ValueError("is empty")
            rest = amount
        if amount is not None and amount < 0 < rest:
            raise ValueError("has another sign than the amount")
        if amount is not None and abs(rest) > abs(amount) and not rest < 0 < amount:  # that one is over-paid
            raise ValueError(f"is more than the amount of the {'credit note' if amount < 0 else 'invoice'}")
        return amount, rest

    def _account(self, values: Values) -> NewAccount:
        reading = self.reading
        reading.needed(values, "name", _MOST_NAME)
        said: dict[str, object] = {"kind": _CONSUMER}
        name = ""
        try:
            for name, limit, check in _CHECKS:
                if name in values:
                    text = values[name]
                    if len(text) > limit:
                        raise ValueError(f"is longer than {limit} characters")  # noqa: TRY301 - a call a cell is dear
                    said[name] = check(text) if check and text else text
        except ValueError:
            reading.column = name
            raise
        said["kind"] = said["kind"] or _CONSUMER
        self._region(values, said)
        country = str(said.get("country") or reading.country)
        for name in ("phone", "mobile"):
            if name in values:
                reading.column = name
                number, kind, zones = read_phone(values[name], country) if values[name] else _NO_PHONE
                said |= {name: number, f"{name}_type": kind, f"{name}_zones": zones}
        if values.get("birth_date"):
            text = reading.needed(values, "birth_date")
            said["birth_date"] = reading.notation.read_birth_date(text, reading.today)
        elif "birth_date" in values:
            said["birth_date"] = None
        values_said = tuple(said.values())
        return digest(*said, *map(str, values_said)), _shared(tuple(said)), values_said

    def _region(self, values: Values, said: dict[str, object]) -> None:
        """Read the region, which tells the country too."""
        if "region" not in values:
            return
        self.reading.column = "region"
        text = values["region"]
        said["region"] = _region(text, str(said.get("country") or "")) if text else ""
        if text:
            said["country"] = str(said["region"])[:2]


@dataclass(slots=True)
class PaymentRows:
    """Reads the rows of one list of payments; equal rows are told apart by their place among their equals."""

    reading: _Reading
    equals: dict[str, int] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)  # numbers in rejected rows: of accounts and invoices

    def doubt(self, record: Record) -> None:
        """Remember whose payment was rejected; of a row that could not be taken apart, every piece may be a number."""
        values = record.values
        told = [values.get("account_no"), values.get("invoice_no")] if values else _PARTS.split(";".join(record.cells))
        self.doubtful.update(number for one in told if isinstance(one, str | int) and (number := str(one).strip()))

    def read(self, record: Record) -> NewPayment | Rejected:
        """Answer the payment, or what is wrong with the row."""
        try:
            return self._payment(self.reading.tidied(record))
        except ValueError as error:
            self.doubt(record)
            return Rejected(record.row, self.reading.column, str(error))

    def _payment(self, values: Values) -> NewPayment:
        reading = self.reading
        creditor = reading.text(values, "creditor", _MOST_NUMBER)
        number = reading.text(values, "account_no", _MOST_NUMBER)
        document = reading.text(values, "invoice_no", _MOST_NUMBER)
        if not number and not document:
            raise ValueError("is empty, and account_no too: whose payment is it?")
        currency = reading.currency_of(values)
        amount = reading.amount(values, "amount", currency)
        if amount is None:
            raise ValueError("is empty")
        if amount == 0:
            raise ValueError("is zero")
        value_date = reading.date(values, "value_date")
        reference = reading.text(values, "reference")
        said = digest(creditor, number, document, f"{amount} {currency} {value_date}", reference)
        self.equals[said] = self.equals.get(said, 0) + 1
        mark = f"{said}-{self.equals[said]}"
        return NewPayment(mark, creditor, number, document, amount, currency, value_date, reference)


def account_rows(
    columns: Columns, notation: Notation, country: str, currency: str, *, today: date = date.max, free: bool = False
) -> AccountRows:
    """Read accounts; `country` is that of numbers without one, `currency` that of rows without one.

    `today`: nobody was born later. `free`: the rows may have keys that are no columns, and those are refused.
    """
    return AccountRows(_Reading(columns, notation, country, currency, today, free=free))


def payment_rows(columns: Columns, notation: Notation, currency: str, *, free: bool = False) -> PaymentRows:
    """Read payments; `currency` is that of rows without one."""
    return PaymentRows(_Reading(columns, notation, "", currency, date.max, free=free))
