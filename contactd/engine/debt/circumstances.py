"""Notes what people say about claims, and takes it back: one model for the command line, the API and the desk.

All of a call is one transaction: the note, its line in the contact log, and what follows from it for interest and
agreements. What cannot be is refused with an InputError.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.appropriation import COMMON
from contactd.domain.circumstance import LASTING, Circumstance, Kind
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.domain.phrase import NONE, Phrase
from contactd.engine.agreements.judgement import judge, today_of
from contactd.engine.debt.debtors import Debtor
from contactd.store import accounts, circumstances
from contactd.store.circumstances import Noted
from contactd.store.schema import invoice

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody says happened on a day, None: today; `invoice_no` empty: it is about all invoices.

    `until` is the last day of what lasts, None while it goes on.
    """

    kind: Kind
    reason: str
    on: date | None = None
    invoice_no: str = ""
    until: date | None = None


class Circumstances:
    """One set of settings; `by` is who is at work, `now` the instant of the transaction."""

    def __init__(self, settings: Settings, connection: sa.Connection, *, by: str, now: datetime) -> None:
        self._settings, self._connection, self._by, self._now = settings, connection, by, now
        self._today = today_of(settings, now)

    def note(self, debtor: Debtor, note: Note) -> Noted:
        """Note what a person judged."""
        if not note.reason.strip():
            raise InputError("say in which words, and how we know", command="--reason …")
        on = note.on or self._today
        if on > self._today:
            raise InputError("the day %(day)s is to come; it may be %(today)s or earlier", day=on, today=self._today)
        if note.until is not None:
            self._refuse_end(note.kind, on, note.until)
        accounts.lock(self._connection, [debtor.id])
        invoice_id = self._invoice_of(debtor, note.invoice_no, on)
        said = Circumstance(0, note.kind, on, note.invoice_no or COMMON, note.reason, note.until)
        for one in circumstances.of_accounts(self._connection, [debtor.id]).get(debtor.id, []):
            if one.withdrawn_at is None and (one.said.kind, one.said.on, one.said.claim) == (said.kind, on, said.claim):
                raise Contradiction(
                    "that is noted already: %(kind)s %(number)s of %(day)s", kind=said.kind, number=one.said.id, day=on
                )
        number = circumstances.add(self._connection, Noted(debtor.id, said, self._now, self._by, invoice_id))
        return self._settle(number, debtor.id)

    def end(self, number: int, until: date | None) -> Noted:
        """Say on which day, None: today, something ended that lasted."""
        known = self._read(number)
        accounts.lock(self._connection, [known.account_id])
        known, last = self._read(number), until or self._today
        self._refuse_end(known.said.kind, known.said.on, last)
        if known.withdrawn_at is not None or known.said.until is not None:
            how = Phrase("withdrawn")
            if known.withdrawn_at is None:
                how = Phrase("ended on %(day)s", {"day": known.said.until})
            raise Contradiction("%(kind)s %(number)s is %(how)s already", kind=known.said.kind, number=number, how=how)
        circumstances.end(self._connection, known, last, by=self._by, at=self._now)
        return self._settle(number, known.account_id)

    def _refuse_end(self, kind: Kind, on: date, until: date) -> None:
        if kind not in LASTING:
            raise InputError(
                "%(kind)s happens on one day; what ends is: %(lasting)s", kind=kind, lasting=tuple(sorted(LASTING))
            )
        if not on <= until <= self._today:
            raise InputError(
                "it cannot have ended on %(until)s; it may be %(day)s to %(today)s",
                until=until,
                day=on,
                today=self._today,
            )

    def withdraw(self, number: int, reason: str) -> Noted:
        """Take back what was wrong."""
        if not reason.strip():
            raise InputError("say why", command="--reason …")
        known = self._read(number)
        accounts.lock(self._connection, [known.account_id])
        known = self._read(number)
        if known.withdrawn_at is not None:
            raise Contradiction(
                "%(kind)s %(number)s is %(how)s already", kind=known.said.kind, number=number, how=Phrase("withdrawn")
            )
        circumstances.withdraw(self._connection, known, reason=reason, by=self._by, at=self._now)
        return self._settle(number, known.account_id)

    def _settle(self, number: int, account_id: int) -> Noted:
        """Let payments be charged anew, for another default is another interest, and answer what is noted."""
        judge(self._connection, [account_id], self._settings, self._now)
        return self._read(number)

    def _read(self, number: int) -> Noted:
        known = circumstances.read(self._connection, number)
        if known is None:
            raise NotThere("nothing is noted under %(number)s", number=number, command="contactd claim list ACCOUNT")
        return known

    def _invoice_of(self, debtor: Debtor, number: str, on: date) -> int | None:
        """Find the invoice it is about; refuses a day on which there was none it could be about."""
        rows = list(self._connection.execute(sa.select(invoice).where(invoice.c.account_id == debtor.id)))
        named = [row for row in rows if row.invoice_no == number] if number else rows
        if number and not named:
            raise NotThere(
                "account %(account)s has no invoice %(number)r; it has: %(known)s",
                account=debtor.number,
                number=number,
                known=tuple(row.invoice_no for row in rows) or NONE,
            )
        if all(row.invoice_date > on for row in named):
            first = min((row.invoice_date for row in named), default=None)
            raise InputError(
                "on %(day)s there was no invoice yet it could be about; the first is of %(first)s",
                day=on,
                first=first or NONE,
            )
        return named[0].id if number else None


def told(connection: sa.Connection, noted: Iterable[Noted]) -> Iterator[Told]:
    """Write them as the command line and the API do."""
    chosen = list(noted)
    rows = accounts.named(connection, {one.account_id for one in chosen})
    for one in chosen:
        creditor, number, _ = rows[one.account_id]
        said, gone = one.said, one.withdrawn_at
        yield {
            "id": said.id, "kind": said.kind.value, "account": number, "creditor": creditor, "invoice": said.claim,
            "on": said.on.isoformat(), "until": said.until.isoformat() if said.until else None,
            "reason": said.reason, "at": one.at.isoformat(timespec="seconds"), "by": one.by,
            "withdrawn_at": gone.isoformat(timespec="seconds") if gone else None, "withdrawn_by": one.withdrawn_by,
            "withdrawal": one.withdrawal,
        }  # fmt: skip
