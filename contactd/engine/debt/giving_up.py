"""What of a debt can be given up, and the postings that do it: for write-offs, and for settlements that were kept."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.agreement import Kind as Agreed
from contactd.domain.agreement import State
from contactd.domain.appropriation import COMMON, Part
from contactd.domain.deadlines import DAY
from contactd.domain.posting import Kind, Posting
from contactd.domain.statement import Statement
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.store import agreements, postings, waivers
from contactd.store.agreements import Stored
from contactd.store.postings import BY_ITSELF, Booked
from contactd.store.schema import account, invoice

ORDER = (Part.PRINCIPAL, Part.INTEREST, Part.COSTS)
Open = dict[tuple[Part, str], int]


@dataclass(frozen=True)
class GivingUp:
    """One locked account's, in one transaction; `by` is who is at work, `today` the day where claims are kept."""

    settings: Settings
    connection: sa.Connection
    account_id: int
    by: str
    now: datetime
    today: date

    def statement(self, on: date) -> Statement:
        """Derive what the account owes at the end of a day."""
        [owed] = owed_by(self.connection, [self.account_id], terms_of(self.settings), on)
        return owed.statement

    @cached_property
    def invoices(self) -> dict[str, sa.Row[Any]]:
        """Read the account's invoices by their numbers, the oldest due first."""
        listed = sa.select(invoice).where(invoice.c.account_id == self.account_id)
        rows = self.connection.execute(listed.order_by(invoice.c.due_date, invoice.c.id))
        return {row.invoice_no: row for row in rows}

    def open(self, parts: Collection[Part], on: date, *, by_books: bool = False) -> Open:
        """List by part and claim what was open on that day and still is.

        By the books another invoice may be paid than by law: with `by_books` what only they have open is listed too.
        """
        found = self._today(parts)
        if on != self.today:
            then = self._open(parts, on)
            least = {key: min(amount, then.get(key, 0)) for key, amount in found.items()}
            found = {key: amount for key, amount in least.items() if amount}
        if by_books and Part.PRINCIPAL in parts:
            for number, row in self.invoices.items():
                if row.open > 0 and row.invoice_date <= on:
                    found.setdefault((Part.PRINCIPAL, number), row.open)
        return found

    def give_up(self, part: Part, number: str, amount: int, reason: str, on: date) -> Booked:
        """Give up a part of a claim; what the books have open of it is closed with the whole of its principal."""
        row = self.invoices.get(number)
        laid = 0
        if row is not None and part is Part.PRINCIPAL:
            whole = amount >= self._today([part]).get((part, number), 0)
            unpaid = max(row.open - self._paid_beside.get(number, 0), 0)
            laid = unpaid if whole else min(amount, unpaid)
        posted = Posting(0, Kind.WRITE_OFF, on, amount, number if row else COMMON, part, reason=reason)
        return Booked(self.account_id, posted, self.now, self.by, laid, row.id if row else None)

    def take_back(self, known: Booked, room: int, reason: str) -> Booked:
        """Reverse a posting; `room` is how much more may be open of its invoice."""
        laid = -min(known.laid, max(room, 0))
        posted = replace(known.posted, kind=Kind.REVERSAL, on=max(self.today, known.posted.on), reason=reason)
        posted = replace(posted, reverses=known.posted.id)
        return Booked(self.account_id, posted, self.now, self.by, laid, known.invoice_id)

    def waive(self, one: Stored, made_on: date) -> int:
        """Give up what a plan or settlement that was kept leaves; answers how much less is asked for.

        Of a settlement that is all of the invoices it is for, of a plan what the law still has open of those that the
        books have as paid: interest and costs, and what these took of the payments. With them goes what was open when
        it was made of costs of no one invoice. Where interest is kept, only a settlement gives up something: what the
        books have open.
        """
        named = waivers.numbers(self.connection, one.id)
        rest = {key: amount for key, amount in self.open(ORDER, self.today, by_books=True).items() if key[1] in named}
        reason = f"{one.agreed.kind} {one.id} kept"
        if one.interest == "keep":
            books = dict(self._in_books(rest)) if one.agreed.kind is Agreed.SETTLEMENT else {}
            return self._write([self._laid(number, amount, reason) for (_, number), amount in books.items()])
        unpaid = {number for number in named if self.invoices[number].open > 0}
        if one.agreed.kind is Agreed.PLAN:
            rest = {key: amount for key, amount in rest.items() if key[1] not in unpaid}
        common = self.open([Part.COSTS], made_on).get((Part.COSTS, COMMON), 0)
        if common and (one.agreed.kind is Agreed.SETTLEMENT or not unpaid):
            rest[Part.COSTS, COMMON] = common
        return self._write(
            [self.give_up(part, number, rest[part, number], reason, self.today) for part, number in rest]
        )

    def _in_books(self, rest: Open) -> Iterator[tuple[tuple[Part, str], int]]:
        """Give only what the books have open."""
        for part, number in rest:
            if part is Part.PRINCIPAL and self.invoices[number].open > 0:
                yield (part, number), self.invoices[number].open

    def _laid(self, number: str, amount: int, reason: str) -> Booked:
        """Give up principal as the books have it, whatever more of it is open by law."""
        unpaid = max(amount - self._paid_beside.get(number, 0), 0)
        return replace(self.give_up(Part.PRINCIPAL, number, amount, reason, self.today), laid=unpaid)

    def owe_again(self, one: Stored) -> int:
        """Take back what was given up when an agreement was kept; answers how much more is asked for."""
        changes = agreements.history(self.connection, [one.id])[one.id]
        kept_at = max(change.at for change in changes if change.state is State.FULFILLED)
        rows = {row.id: row for row in self.invoices.values()}
        back: list[Booked] = []
        for known in postings.of_accounts(self.connection, [self.account_id]).get(self.account_id, []):
            waived = known.by == BY_ITSELF and known.at == kept_at and known.posted.kind is Kind.WRITE_OFF
            if waived and known.reversed_by is None:
                row = rows.get(known.invoice_id or 0)
                room = row.amount - row.open if row is not None else 0
                back.append(self.take_back(known, room, f"{one.agreed.kind} {one.id} not kept"))
        return -self._write(back)

    @cached_property
    def _paid_beside(self) -> dict[str, int]:
        """Lay the account's credit against disputed invoices: it pays them only once their disputes end."""
        credit = self.connection.scalar(sa.select(account.c.credit).where(account.c.id == self.account_id)) or 0
        found: dict[str, int] = {}
        for number, row in self.invoices.items():
            if row.disputed and row.open > 0:
                found[number] = min(row.open, credit)
                credit -= found[number]
        return found

    def _write(self, new: Collection[Booked]) -> int:
        for one in new:
            postings.add(self.connection, one)
        return sum(one.laid for one in new)

    def _today(self, parts: Collection[Part]) -> Open:
        return {key: amount for key, amount in self._all_today.items() if key[0] in parts}

    @cached_property
    def _all_today(self) -> Open:
        return self._open(ORDER, self.today)

    def _open(self, parts: Collection[Part], on: date) -> Open:
        """List what is open of these parts by claim; interest of the day itself is not there yet."""
        return dict(self._balances(parts, on))

    def _balances(self, parts: Collection[Part], on: date) -> Iterator[tuple[tuple[Part, str], int]]:
        after, before = (self.statement(day).balances for day in (on, on - DAY))
        for part in parts:
            for one, earlier in zip(after, before, strict=True):
                interest = part is Part.INTEREST
                amount = min(one.interest, earlier.interest) if interest else getattr(one, part.value)
                if amount:
                    yield (part, one.claim), amount
