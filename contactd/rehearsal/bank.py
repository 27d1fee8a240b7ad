"""The bank and the creditor's books of a simulated year: kept apart from contactd's, and written as it is told them.

What contactd knows in the end is held against them, so nothing here asks contactd anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from xml.sax.saxutils import escape

OWN_IBAN = "DE02120300000000202051"  # the documented example
_DAY = timedelta(days=1)
_SATURDAY = 5
_CENTS = 100


@dataclass(slots=True)
class Bill:
    """An invoice; `paid` and `credited` in minor units, as the creditor's books have them."""

    number: str
    owner: str
    issued: date
    due: date
    amount: int
    paid: int = 0
    credited: int = 0

    @property
    def open(self) -> int:
        """Give what is open of it."""
        return self.amount - self.paid - self.credited


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking of the bank, `owner`'s in truth; `bills` are those it is meant for, `back` says why it was returned."""

    ref: str
    owner: str
    amount: int
    on: date
    purpose: str
    name: str
    iban: str
    bills: tuple[str, ...] = ()
    end_to_end: str = ""
    back: str = ""


@dataclass(slots=True)
class Bank:
    """One account of the creditor's; `holidays` are days on which nothing is booked."""

    holidays: frozenset[date]
    booked: dict[date, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    balance: int = 0
    _count: int = 0

    def banking_day(self, day: date) -> date:
        """Answer that day, or the next on which the bank books."""
        while day.weekday() >= _SATURDAY or day in self.holidays:
            day += _DAY
        return day

    def reference(self) -> str:
        """Give a reference nobody had before."""
        self._count += 1
        return f"BANK{self._count:08}"

    def book(self, entry: Entry) -> None:
        """Book it on its day."""
        self.booked[entry.on].append(entry)

    def totals(self, until: date) -> dict[str, int]:
        """Give what came in of everybody, less what went back, up to a day."""
        sums: dict[str, int] = defaultdict(int)
        for day, entries in self.booked.items():
            for one in entries if day <= until else ():
                sums[one.owner] += one.amount
        return dict(sums)

    def statement(self, day: date, currency: str) -> str:
        """Write the camt.053 of a day; its opening balance is the closing one of the last that was written."""
        entries = self.booked.get(day, [])
        opening, closing = self.balance, self.balance + sum(one.amount for one in entries)
        self.balance = closing
        return "".join(_camt(day, currency, entries, opening, closing))


def _camt(day: date, currency: str, entries: Sequence[Entry], opening: int, closing: int) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
    yield f"<GrpHdr><MsgId>{day}</MsgId><CreDtTm>{day}T22:00:00</CreDtTm></GrpHdr><Stmt><Id>{day}</Id>"
    yield f"<Acct><Id><IBAN>{OWN_IBAN}</IBAN></Id><Ccy>{currency}</Ccy></Acct>\n"
    for code, value in (("PRCD", opening), ("CLBD", closing)):
        yield (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_sum(value, currency)}<Dt><Dt>{day}</Dt></Dt></Bal>"
        )
    for one in entries:
        yield _written(one, currency)
    yield "</Stmt></BkToCstmrStmt></Document>\n"


def _sum(minor: int, currency: str) -> str:
    side = "CRDT" if minor >= 0 else "DBIT"
    amount = f"{abs(minor) // _CENTS}.{abs(minor) % _CENTS:02}"
    return f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _written(one: Entry, currency: str) -> str:
    """Write a booking as version 08 does; in a return the debtor stays the debtor."""
    money = _sum(one.amount, currency)
    back = f"<RtrInf><Rsn><Cd>{one.back}</Cd></Rsn></RtrInf>" if one.back else ""
    return (
        f"<Ntry>{money}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{one.on}</Dt></BookgDt><ValDt><Dt>{one.on}</Dt></ValDt>"
        f"<AcctSvcrRef>{one.ref}</AcctSvcrRef><NtryDtls><TxDtls><Refs><AcctSvcrRef>{one.ref}</AcctSvcrRef>"
        f"<EndToEndId>{escape(one.end_to_end or 'NOTPROVIDED')}</EndToEndId></Refs>{money}"
        f"<RltdPties><Dbtr><Pty><Nm>{escape(one.name)}</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{one.iban}</IBAN></Id>"
        f"</DbtrAcct></RltdPties><RmtInf><Ustrd>{escape(one.purpose)}</Ustrd></RmtInf>{back}</TxDtls></NtryDtls>"
        "</Ntry>\n"
    )


@dataclass(slots=True)
class Creditor:
    """The creditor's own books: every invoice, what was paid of it, what was paid too much."""

    bills: dict[str, list[Bill]] = field(default_factory=lambda: defaultdict(list))
    credit: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _by_number: dict[str, Bill] = field(default_factory=dict)

    def issue(self, bill: Bill) -> None:
        """Write an invoice."""
        self.bills[bill.owner].append(bill)
        self._by_number[bill.number] = bill

    def use_credit(self) -> None:
        """Let what was paid too much pay what is open by now: not before a list has told of it."""
        for owner, credit in self.credit.items():
            if credit > 0:
                self._lay(owner, ())

    def bill(self, number: str) -> Bill:
        """Find an invoice."""
        return self._by_number[number]

    def receive(self, entry: Entry) -> None:
        """Book money to the invoices it is meant for, then to the oldest; of a return, take it from there again."""
        self.credit[entry.owner] += entry.amount
        if entry.amount < 0:
            self._take_back(entry)
        else:
            self._lay(entry.owner, entry.bills)

    def write_off(self, number: str) -> int:
        """Credit what is open of an invoice: the customer was right."""
        bill = self._by_number[number]
        rest = max(bill.open, 0)
        bill.credited += rest
        return rest

    def open_bills(self, owner: str) -> list[Bill]:
        """List what is open of a customer, oldest first."""
        return [one for one in self.bills[owner] if one.open > 0]

    def open(self, owner: str, besides: Iterable[str] = ()) -> int:
        """Sum up what is open, leaving out some invoices."""
        left = set(besides)
        return sum(one.open for one in self.open_bills(owner) if one.number not in left)

    def _lay(self, owner: str, named: Sequence[str]) -> None:
        mine = self.open_bills(owner)
        for one in (*(one for one in mine if one.number in named), *mine):
            part = min(self.credit[owner], one.open)
            if part > 0:
                one.paid += part
                self.credit[owner] -= part

    def _take_back(self, entry: Entry) -> None:
        mine = self.bills[entry.owner]
        for one in (*(one for one in mine if one.number in entry.bills), *reversed(mine)):
            part = min(-self.credit[entry.owner], one.paid)
            if part > 0:
                one.paid -= part
                self.credit[entry.owner] += part
