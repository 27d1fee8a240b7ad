"""Posts costs and write-offs on accounts, and takes them back: one model for the command line and the API.

Nothing that was posted is edited: a mistake is reversed by another posting. All of a call is one transaction: postings,
their lines in the contact log, and what is open for dunning. What cannot be posted is refused with an InputError.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from contactd.config.fees import load_fees
from contactd.config.settings import Settings
from contactd.domain import agreement as rules
from contactd.domain.appropriation import COMMON, Part
from contactd.domain.charges import collection_costs
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.domain.money import Money
from contactd.domain.notice import CONFIRMED
from contactd.domain.posting import Kind, Posting, Purpose
from contactd.engine.agreements.judgement import judge, today_of
from contactd.engine.debt.debtors import Debtor, minor_of
from contactd.engine.debt.giving_up import ORDER, GivingUp
from contactd.store import accounts, agreements, postings
from contactd.store.postings import Booked

Told = dict[str, Any]
_EURO = "EUR"
_FIRST_DAY = date(1900, 1, 1)  # nobody owes anything since before


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be posted; amounts are written like "120.00", empty: all there is (of a write-off only).

    `on` is the value date, None: today. `rate` makes a cost that of a collection agency by RVG, instead of an amount.
    """

    kind: Kind
    amount: str = ""
    reason: str = ""
    on: date | None = None
    invoice_no: str = ""
    purpose: Purpose = Purpose.OTHER
    part: Part | None = None
    rate: str = ""


class Bookings:
    """One set of settings; `by` is who is at work, `now` the instant of the transaction."""

    def __init__(self, settings: Settings, connection: sa.Connection, *, by: str, now: datetime) -> None:
        self._settings, self._connection, self._by, self._now = settings, connection, by, now
        self._today = today_of(settings, now)

    def post(self, debtor: Debtor, entry: Entry) -> list[Booked]:
        """Post a cost, or a write-off: one posting for each invoice and part it concerns."""
        if not entry.reason.strip():
            raise InputError("say why: --reason …")
        on = entry.on or self._today
        if on > self._today:
            raise InputError(f"the value date {on} is to come; it may be {self._today} or earlier")
        if on < _FIRST_DAY:
            raise InputError(f"the value date {on} is long past; it may be {_FIRST_DAY} or later")
        accounts.lock(self._connection, [debtor.id])
        make = self._costs if entry.kind is Kind.COST else self._write_offs
        new = list(make(debtor, entry, on))
        self._refuse_below_agreed(debtor, new)
        return self._write(debtor.id, new)

    def reverse(self, number: int, reason: str) -> Booked:
        """Take a posting back; what it had closed is open again, as far as no list has cleared it since."""
        if not reason.strip():
            raise InputError("say why: --reason …")
        known = postings.read(self._connection, number)
        if known is None:
            raise NotThere(f"there is no posting {number}; contactd post list ACCOUNT names them")
        accounts.lock(self._connection, [known.account_id])
        known = postings.read(self._connection, number) or known
        if known.posted.kind is Kind.REVERSAL:
            raise Contradiction(f"posting {number} is a reversal; post anew what it took back")
        if known.reversed_by is not None:
            raise Contradiction(f"posting {number} is reversed already, by posting {known.reversed_by}")
        giving_up = self._giving_up(known.account_id)
        row = next((row for row in giving_up.invoices.values() if row.id == known.invoice_id), None)
        room = row.imported_open - row.open if row is not None else 0
        new = giving_up.take_back(known, room, reason)
        [made] = self._write(known.account_id, [new])
        return made

    def _write(self, account_id: int, new: Iterable[Booked]) -> list[Booked]:
        ids = [postings.add(self._connection, one) for one in new]
        judge(self._connection, [account_id], self._settings, self._now)
        return [one for one in (postings.read(self._connection, number) for number in ids) if one is not None]

    def _costs(self, debtor: Debtor, entry: Entry, on: date) -> Iterator[Booked]:
        if entry.part is not None:
            raise InputError("a cost has no part; that is of write-offs")
        amount = self._by_rate(debtor, entry, on) if entry.rate else minor_of(entry.amount, debtor.currency)
        if amount <= 0:
            raise InputError(f"{entry.amount!r} is no cost; a cost that was wrong is reversed: contactd post reverse")
        row = self._invoice(debtor, entry.invoice_no) if entry.invoice_no else None
        purpose = Purpose.AGENCY if entry.rate else entry.purpose
        posted = Posting(
            0, Kind.COST, on, amount, entry.invoice_no or COMMON, purpose=purpose.value, reason=entry.reason
        )
        yield Booked(debtor.id, posted, self._now, self._by, invoice_id=row.id if row else None)

    def _by_rate(self, debtor: Debtor, entry: Entry, on: date) -> int:
        """Work out what an agency may ask for (§ 13e RDG, VV 2300 RVG) on the principal that is open."""
        if entry.amount:
            raise InputError("give an amount or a rate of the RVG, not both")
        if debtor.currency != _EURO:
            raise InputError(f"fees of the RVG are in euros; the account is in {debtor.currency}")
        try:
            rate = Decimal(entry.rate)
            return collection_costs(
                self._giving_up(debtor.id).statement(on).principal, on, load_fees(self._settings.fees_path).rvg, rate
            ).total
        except (ValueError, ArithmeticError) as error:
            raise InputError(f"rate {entry.rate}: {error}") from None

    def _write_offs(self, debtor: Debtor, entry: Entry, on: date) -> Iterator[Booked]:
        if entry.rate:
            raise InputError("a write-off has no rate; that is of costs")
        claim = entry.invoice_no and self._invoice(debtor, entry.invoice_no).invoice_no
        parts = [entry.part] if entry.part else list(ORDER if not entry.amount else ORDER[:1])
        giving_up = self._giving_up(debtor.id)
        open_by = giving_up.open(parts, on, by_books=not entry.amount)
        there = {key: amount for key, amount in open_by.items() if claim in {"", key[1]}}
        whole = sum(there.values())
        wanted = minor_of(entry.amount, debtor.currency) if entry.amount else whole
        if not 0 < wanted <= whole:
            known = " and ".join(part.value for part in parts)
            least, most = Money(wanted, debtor.currency), Money(whole, debtor.currency)
            raise InputError(f"{least} cannot be written off: of {known} {most} was open on {on} and still is")
        for (part, number), amount in there.items():
            taken = min(amount, wanted)
            wanted -= taken
            if taken:
                yield giving_up.give_up(part, number, taken, entry.reason, on)

    def _refuse_below_agreed(self, debtor: Debtor, new: Iterable[Booked]) -> None:
        """Refuse to leave less open than an agreement in force still asks for; where nothing is left, it just ends."""
        rows = {row.id: row for row in self._giving_up(debtor.id).invoices.values()}
        whole = sum(row.open for row in rows.values() if not row.disputed)
        left = whole - sum(one.laid for one in new if one.invoice_id in rows and not rows[one.invoice_id].disputed)
        for one in agreements.of_accounts(self._connection, [debtor.id]):
            missing = one.amount - one.received
            asked = one.agreed.kind in CONFIRMED and rules.rests(one.agreed.kind, one.agreed.state)
            if asked and 0 < left < min(missing, whole):
                raise Contradiction(
                    f"{one.agreed.kind} {one.id} still asks for {Money(missing, debtor.currency)}, more than the "
                    f"{Money(left, debtor.currency)} that would be left; end it first: "
                    f"contactd agree withdraw {one.id} --reason …"
                )

    def _giving_up(self, account_id: int) -> GivingUp:
        return GivingUp(self._settings, self._connection, account_id, self._by, self._now, self._today)

    def _invoice(self, debtor: Debtor, number: str) -> sa.Row[Any]:
        rows = self._giving_up(debtor.id).invoices
        if number not in rows:
            raise NotThere(f"account {debtor.number} has no invoice {number!r}; it has: {', '.join(rows) or 'none'}")
        return rows[number]


def told(connection: sa.Connection, booked: Iterable[Booked]) -> Iterator[Told]:
    """Write postings as the command line and the API do."""
    chosen = list(booked)
    rows = accounts.named(connection, {one.account_id for one in chosen})
    for one in chosen:
        creditor, number, currency = rows[one.account_id]
        posted = one.posted
        yield {
            "id": posted.id, "kind": posted.kind.value, "account": number, "creditor": creditor,
            "on": posted.on.isoformat(), "amount": Money(posted.amount, currency).as_json(), "invoice": posted.claim,
            "part": posted.part.value if posted.part else "", "purpose": posted.purpose, "reason": posted.reason,
            "reverses": posted.reverses, "reversed_by": one.reversed_by,
            "at": one.at.isoformat(timespec="seconds"), "by": one.by,
        }  # fmt: skip
