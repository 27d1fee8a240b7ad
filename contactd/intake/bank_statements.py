"""Reads a file of bank statements, whatever its format, proves it by its balances and gives every payment its key.

A key is made of the account, the bank's reference, the end-to-end id, the amount and the dates; without a reference
of the bank also of the payer's IBAN and words. Equal ones of one statement are numbered, so two payments that look the
same are two, and the same statement again, one that overlaps or a camt.054 beside a camt.053 have the same keys.

What it cannot know: whether two equal payments without any reference of the bank in two statements (or notifications)
of the same day are one or two; it takes them for one. Nor that a payment is the same where a bank gives it another
reference or date in camt.054 or MT940 than in camt.053. So an account's statements are to come in one format.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from contactd.domain.bank import Entry, Statement
from contactd.domain.errors import InputError
from contactd.domain.money import Money
from contactd.domain.reference import normal
from contactd.intake import camt, mt940
from contactd.intake.booked import Fault, Head, Tail, Told
from contactd.intake.rows import days, digest
from contactd.intake.spool import Spool

_CHUNK = 2_000
_HEAD = 4_096
_MOST_FAULTS = 3
_XML_BEGINNINGS = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\x00", b"\xfe\xff\x00<")
_FOREIGN = {
    b"PK\x03\x04": "is a ZIP file; unpack it and import what is in it",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"%PDF": "is a PDF; export the statement as camt.053",
}


class Statements:
    """A file of statements that was read whole; use it in a `with`. `sha256` tells whether it came before."""

    def __init__(self, path: Path, currencies: Iterable[str] = ()) -> None:
        """Read the file; raises InputError when it is of no use as a whole.

        A statement with a fault, one that misses its closing balance and one in none of the `currencies` (empty: any)
        is kept as `refused`, the others are good.
        """
        self.path = path
        self.statements: list[Statement] = []
        self.takes_back = False  # whether an entry takes back an earlier payment
        self._currencies = frozenset(currencies)
        self._faults: list[Fault] = []
        self._equals: dict[str, int] = {}
        self._page: Head | None = None
        self._last = True  # of that page's statement
        self._spool = Spool(Entry._make, _CHUNK)
        try:
            with path.open("rb") as file:
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                self._take(_reader(path, file))
        except OSError as error:
            self._spool.__exit__(None, None, None)
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        except BaseException:
            self._spool.__exit__(None, None, None)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.__exit__(kind, error, trace)

    @property
    def refused(self) -> list[str]:
        """Give what is wrong with the statements nothing may be taken of, each with file, line and cure."""
        return [one.refused for one in self.statements if one.refused]

    def entries(self) -> Iterator[Entry]:
        """Give the payments of the good statements, in the file's order."""
        good = [not one.refused for one in self.statements]
        for chunk in self._spool.chunks():
            yield from (entry for entry in chunk if good[entry.statement])

    def _take(self, told: Iterator[Told]) -> None:
        for one in told:
            if isinstance(one, Entry):
                self._add(one)
            elif isinstance(one, Head):
                self._open(one)
            elif isinstance(one, Fault):
                self._faults.append(one)
            else:
                self._shut(one)
        self._finish()

    def _open(self, head: Head) -> None:
        """Begin a statement, or go on with the one this is the next page of."""
        before, self._page = self._page, head
        if before:
            if not self._last and head.page > 1 and before.account == head.account:
                return
            self._finish()
        self.statements.append(Statement(head.number, head.account, head.currency, head.format, head.line))

    def _add(self, entry: Entry) -> None:
        statement = self.statements[-1]
        words = () if entry.bank_ref else (entry.iban, normal(entry.purpose))
        figures = f"{entry.amount} {entry.currency} {days(entry.booked_on, entry.value_on)}"
        said = digest(statement.account, entry.bank_ref, entry.end_to_end_id, figures, *words)
        count = self._equals[said] = self._equals.get(said, 0) + 1
        self._spool.add((f"{said}-{count}", len(self.statements) - 1, *entry[2:]))
        statement.entries += 1
        self.takes_back = self.takes_back or entry.takes_back

    def _shut(self, tail: Tail) -> None:
        statement = self.statements[-1]
        if statement.opening is None:
            statement.opening = tail.opening
        statement.closing, self._last = tail.closing, tail.last
        statement.total += tail.total
        statement.pending += tail.pending

    def _finish(self) -> None:
        """Judge a statement whose pages are all in."""
        statement = self.statements[-1]
        reasons = [f"{self.path}: line {one.line}: {one.reason}" for one in self._faults]
        self._faults.clear()
        self._equals.clear()
        if not reasons:
            reasons = [f"{self.path}: line {statement.line}: {reason}" for reason in self._wrong(statement)]
        more = len(reasons) - _MOST_FAULTS
        statement.refused = "\n".join(reasons[:_MOST_FAULTS]) + (f"\n… and {more} more" if more > 0 else "")

    def _wrong(self, statement: Statement) -> Iterator[str]:
        named = f'statement "{statement.number}" of {statement.account or "an unnamed account"}'
        if not statement.account:
            yield f"{named}: does not say of which account it is; export it from the bank again"
        elif statement.entries and self._currencies and statement.currency not in self._currencies:
            known = ", ".join(sorted(self._currencies))
            yield f"{named}: is in {statement.currency or 'no currency'}, not in {known}; leave this account out"
        elif (statement.opening is None) != (statement.closing is None):
            which = "opening" if statement.opening is None else "closing"
            yield f"{named}: has no {which} balance: a page is missing; export the whole statement as one file"
        elif statement.difference:
            money = [Money(one, statement.currency) for one in (statement.opening or 0, statement.total)]
            closing, lacking = (
                Money(one, statement.currency) for one in (statement.closing or 0, statement.difference)
            )
            yield (
                f"{named}: {money[0]} and bookings of {money[1]} do not make {closing}: {lacking} is not told;"
                " nothing of it was taken; export it from the bank again, once the day is over"
            )


def read_statements(path: Path, currencies: Iterable[str] = ()) -> Statements:
    """Read a file of statements; raises InputError as `Statements` says."""
    return Statements(path, currencies)


def _reader(path: Path, file: BinaryIO) -> Iterator[Told]:
    """Tell the format from the beginning of the file."""
    head = file.read(_HEAD)
    file.seek(0)
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"{path}: {what}")
    if not head.strip():
        raise InputError(f"{path}: is empty")
    if head.lstrip().startswith(_XML_BEGINNINGS):
        return camt.read(path, file)
    if any(line.lstrip(b"\xef\xbb\xbf").startswith(b":20:") for line in islice(head.splitlines(), 50)):
        return mt940.read(path, file)
    raise InputError(f"{path}: is neither CAMT (XML) nor MT940; export camt.053 from the bank")
