"""A bank that writes statements: CAMT.053/.054 in the shapes of several versions, and MT940.

Its IBANs are computed for the bank code 00000000, which no bank has; its people do not exist.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape

OWN = "DE02120300000000202051"  # the documented example
DAY = date(2026, 3, 2)


def iban(number: int) -> str:
    """Compute the IBAN of an account that no bank has."""
    bban = f"00000000{number:010}"
    return f"DE{98 - int(f'{bban}131400') % 97:02}{bban}"


def money(minor: int) -> str:
    """Write minor units as banks do in XML, without a sign."""
    return f"{abs(minor) // 100}.{abs(minor) % 100:02}"


@dataclass(frozen=True)
class Payment:
    """One payment; `amount` in cents, positive when money comes in. `old`: written as in version 02."""

    amount: int
    lines: tuple[str, ...] = ()
    reference: str = ""
    document: str = ""
    end_to_end: str = ""
    mandate: str = ""
    bank_ref: str = ""
    name: str = "Erika Beispiel"
    iban: str = ""
    reason: str = ""
    why: str = ""
    instructed: int = 0
    charges: int = 0
    currency: str = "EUR"

    def xml(self, *, old: bool) -> str:
        """Write a TxDtls."""
        side = "CRDT" if self.amount > 0 else "DBIT"
        amount = f'<Amt Ccy="{self.currency}">{money(self.amount)}</Amt>'
        original = f'<InstdAmt><Amt Ccy="EUR">{money(self.instructed)}</Amt></InstdAmt>' if self.instructed else ""
        told = f"<TxAmt>{amount}</TxAmt>" if old else ""
        details = f"<AmtDtls>{original}{told}</AmtDtls>" if original or told else ""
        named = f"<Nm>{escape(self.name)}</Nm>"
        payer, paid = ("Dbtr", "Cdtr") if (self.amount > 0) != bool(self.reason) else ("Cdtr", "Dbtr")
        rest = "".join(f"<Ustrd>{escape(line)}</Ustrd>" for line in self.lines)
        if self.document:
            rest += f"<Strd><RfrdDocInf><Nb>{self.document}</Nb></RfrdDocInf></Strd>"
        if self.reference:
            rest += f"<Strd><CdtrRefInf><Ref>{self.reference}</Ref></CdtrRefInf></Strd>"
        charges = f'<Amt Ccy="EUR">{money(self.charges)}</Amt>'
        charged = f"<Chrgs>{charges if old else f'<Rcrd>{charges}</Rcrd>'}</Chrgs>" if self.charges else ""
        back = (
            f"<RtrInf><Rsn><Cd>{self.reason}</Cd></Rsn><AddtlInf>{self.why}</AddtlInf></RtrInf>" if self.reason else ""
        )
        return (
            f"<TxDtls><Refs>{_optional('AcctSvcrRef', self.bank_ref)}"
            f"<EndToEndId>{escape(self.end_to_end or 'NOTPROVIDED')}</EndToEndId>"
            f"{_optional('MndtId', self.mandate)}</Refs>"
            f"{'' if old else f'{amount}<CdtDbtInd>{side}</CdtDbtInd>'}{details}{charged}<RltdPties>"
            f"<{payer}>{named if old else f'<Pty>{named}</Pty>'}</{payer}>"
            f"<{payer}Acct><Id>{_optional('IBAN', self.iban)}</Id></{payer}Acct>"
            f"<{paid}Acct><Id><IBAN>{OWN}</IBAN></Id></{paid}Acct></RltdPties>"
            f"<RmtInf>{rest}</RmtInf>{back}</TxDtls>\n"
        )


@dataclass(frozen=True)
class Booking:
    """An entry: one payment, a batch, or only a sum; `amount` is its payments' sum unless told."""

    payments: tuple[Payment, ...] = ()
    amount: int | None = None
    bank_ref: str = ""
    booked: date = DAY
    valued: date | None = DAY
    status: str = "BOOK"
    reversal: bool = False
    count: int = 0
    info: str = ""
    currency: str = "EUR"
    silent: bool = False  # no TxDtls

    @property
    def value(self) -> int:
        """Answer what is booked."""
        return sum(one.amount for one in self.payments) if self.amount is None else self.amount

    def xml(self, *, old: bool) -> str:
        """Write a Ntry."""
        status = self.status if old else f"<Cd>{self.status}</Cd>" if self.status else ""
        batch = f"<Btch><NbOfTxs>{self.count}</NbOfTxs></Btch>" if self.count else ""
        inner = "" if self.silent else "".join(one.xml(old=old) for one in self.payments)
        return (
            f'<Ntry><Amt Ccy="{self.currency}">{money(self.value)}</Amt>'
            f"<CdtDbtInd>{'CRDT' if self.value > 0 else 'DBIT'}</CdtDbtInd>"
            f"{'<RvslInd>true</RvslInd>' if self.reversal else ''}{f'<Sts>{status}</Sts>' if status else ''}"
            f"<BookgDt><Dt>{self.booked}</Dt></BookgDt>"
            f"{f'<ValDt><Dt>{self.valued}</Dt></ValDt>' if self.valued else ''}"
            f"{_optional('AcctSvcrRef', self.bank_ref)}"
            f"<BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>\n<NtryDtls>{batch}{inner}</NtryDtls>"
            f"{_optional('AddtlNtryInf', self.info)}</Ntry>\n"
        )


@dataclass
class Account:
    """A statement of one account; the closing balance is right unless told."""

    bookings: list[Booking] = field(default_factory=list)
    number: str = "2026-03-02"
    iban: str = OWN
    currency: str = "EUR"
    opening: int | None = 100_000
    closing: int | None = None
    codes: tuple[str, str] = ("PRCD", "CLBD")
    page: int = 0
    last: bool = True

    def balances(self) -> list[tuple[str, int]]:
        """Give the balances with their codes."""
        if self.opening is None and self.closing is None:
            return []
        moved = sum(one.value for one in self.bookings if one.status == "BOOK")
        closing = (self.opening or 0) + moved if self.closing is None else self.closing
        return [
            (code, value)
            for code, value in zip(self.codes, (self.opening, closing), strict=True)
            if code and value is not None
        ]

    def xml(self, kind: str, *, old: bool) -> Iterator[str]:
        """Write a Stmt or a Ntfctn, piece by piece."""
        name, pages = {"053": ("Stmt", "StmtPgntn"), "054": ("Ntfctn", "NtfctnPgntn")}[kind]
        yield f"<{name}><Id>{self.number}</Id>"
        if self.page:
            yield f"<{pages}><PgNb>{self.page}</PgNb><LastPgInd>{str(self.last).lower()}</LastPgInd></{pages}>"
        yield f"<Acct><Id>{_optional('IBAN', self.iban)}</Id>{_optional('Ccy', self.currency)}</Acct>\n"
        for code, value in self.balances() if kind == "053" else ():
            side = "CRDT" if value >= 0 else "DBIT"
            yield (
                f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{money(value)}</Amt>'
                f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt></Bal>\n"
            )
        for one in self.bookings:
            yield one.xml(old=old)
        yield f"</{name}>\n"


def camt(accounts: Iterable[Account], kind: str = "053", version: str = "08", *, bare: bool = False) -> str:
    """Write a document; `bare`: without a namespace."""
    root = {"053": "BkToCstmrStmt", "054": "BkToCstmrDbtCdtNtfctn"}[kind]
    space = "" if bare else f' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"'
    inner = "".join(piece for one in accounts for piece in one.xml(kind, old=int(version) < 8))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document{space}><{root}>\n<GrpHdr><MsgId>1</MsgId></GrpHdr>\n'
        f"{inner}</{root}></Document>\n"
    )


def write_camt(file: TextIO, payments: Iterable[Payment], opening: int, closing: int) -> None:
    """Write a long camt.053 as it comes, an entry a payment; the balances are told before."""
    head = Account(opening=opening, closing=closing, page=1)
    beginning, end = camt([head]).rsplit("</Stmt>", 1)
    file.write(beginning)
    file.writelines(Booking((one,), bank_ref=f"B{number}").xml(old=False) for number, one in enumerate(payments))
    file.write(f"</Stmt>{end}")


def mt940(
    lines: Iterable[str],
    *,
    opening: str = "C260301EUR1000,00",
    closing: str = "C260302EUR1000,00",
    account: str = OWN,
    number: str = "5/1",
) -> str:
    """Write a statement around its fields :61: and :86:."""
    inner = "".join(f"{line}\r\n" for line in lines)
    return f":20:STARTUMS\r\n:25:{account}\r\n:28C:{number}\r\n:60F:{opening}\r\n{inner}:62F:{closing}\r\n-\r\n"


def write(path: Path, text: str) -> Path:
    """Write a file as the bank does, and answer where."""
    path.write_text(text, encoding="utf-8", newline="")
    return path


def _optional(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""
