"""What an account owes, reckoned once more and apart: day by day in whole numbers, from the rows of the database.

For the audit, which compares it with `contactd statement`. It shares no rule with domain/ or engine/debt/claims.py:
default, interest, reversals and what payments are set against are written down here a second time, as plainly as can
be. It knows the law's own terms only (`knows`): no contract rate, no letter fees, no pooling, no months of 30 days.
"""

import csv
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.config.claims import Claims
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.store.schema import account, agreement, allocation, attempt, invoice, payment
from contactd.store.schema import agreement_event as event
from contactd.store.schema_escalation import posting
from contactd.store.schema_notices import waiver

_DAY, _SATURDAY = timedelta(days=1), 5
_LUMP = 4_000
_COMMON = ""
_PARTS = ("costs", "interest", "principal")  # as postings call them
_ALIVE = ("open", "draft", "sent", "confirmed", "active", "overdue")
_COSTS, _INTEREST, _PRINCIPAL = range(3)  # in the order of § 367(1) BGB
_HALVES = (1, 7)  # base rates begin in January and July


class Result(NamedTuple):
    """What is open of all there is, what was paid too much, the interest there ever was, and the costs."""

    open: int
    credit: int
    interest: int
    costs: int


class Money(NamedTuple):
    """What came in on a day, for some invoices (the principal only, where a list took it off) or for all.

    `heard` is when contactd took it up, `last` are the invoices that were disputed then.
    """

    on: date
    order: int
    amount: int
    invoice: str = ""
    principal: bool = False
    heard: datetime | None = None
    names: tuple[str, ...] = ()
    last: tuple[str, ...] = ()


@dataclass(slots=True)
class Claim:
    """An invoice on its way through the days; `parts` are its open costs, interest and principal."""

    number: str
    arose: date
    due: date
    whole: int
    bears_from: date | None
    parts: list[int] = field(default_factory=lambda: [0, 0, 0])
    running: int = 0  # of the line that is not closed yet: principal times hundredths of a percent, over its days
    year: int = 365  # and the days of its year
    accrued: int = 0  # of all lines that are closed

    @property
    def line(self) -> int:
        """Give the interest of the running line, half a cent rounded up."""
        whole = 10_000 * self.year
        return (2 * self.running + whole) // (2 * whole)

    def close(self) -> None:
        """End the line: the principal or the rate changes."""
        self.parts[_INTEREST] += self.line
        self.accrued += self.line
        self.running = 0

    def grow(self, day: date, hundredths: int, year: int) -> None:
        """Bear the interest of a day."""
        if self.bears_from is not None and day >= self.bears_from:
            if day.day == 1 and day.month in _HALVES:
                self.close()
            self.year = year
            self.running += self.parts[_PRINCIPAL] * hundredths

    def take(self, part: int, most: int) -> int:
        """Pay a part as far as the money goes; answers what that took."""
        open_now = self.parts[part] + (self.line if part == _INTEREST else 0)
        taken = min(open_now, most)
        if taken and part == _PRINCIPAL:
            self.close()
        self.parts[part] -= taken
        return taken


_Begun = tuple[date, date] | None


class _Facts(NamedTuple):
    """The rows of an account, and since when it is in default with each invoice."""

    owner: Row[Any]
    invoices: Sequence[Row[Any]]
    payments: Sequence[Row[Any]]
    defaults: Mapping[str, _Begun]
    agreed: Sequence["Agreed"]
    given: Sequence[Row[Any]]

    def waived(self, day: date) -> Iterator[tuple[str, int, int]]:
        """List what was given up on a day of plans and settlements that were kept: invoice, part, how much."""
        gone = {one.reverses for one in self.given}
        numbers = {one.id: one.invoice_no for one in self.invoices}
        for one in sorted(self.given, key=lambda row: (numbers.get(row.invoice_id, _COMMON), row.part)):
            if one.kind == "write_off" and one.value_date == day and one.id not in gone:
                yield numbers.get(one.invoice_id, _COMMON), _PARTS.index(one.part), one.amount

    def right(self, bill: Row[Any]) -> int:
        """Answer how much of an invoice the customer was right not to pay."""
        disputed = sum(one.amount for one in self.agreed if one.state == "upheld" and one.names == [bill.invoice_no])
        unpaid: int = min(bill.amount, bill.open + bill.covered + bill.taken_off) - bill.covered
        return min(disputed, max(unpaid, 0))

    def claims(self) -> Iterator[Claim]:
        """Begin anew with each invoice; what was paid before contactd first heard of it is no matter of ours."""
        for one in self.invoices:
            whole = one.amount - max(one.amount - one.open - one.covered - one.taken_off, 0)
            begun = self.defaults[one.invoice_no]
            whole -= self.right(one)
            if whole > 0:
                yield Claim(one.invoice_no, one.invoice_date, one.due_date, whole, begun[1] if begun else None)

    def listed(self, as_of: date) -> Iterator[Money]:
        """List what only lists took off."""
        for one in self.invoices:
            amount = one.taken_off - self.right(one)
            if amount > 0 and one.taken_off_on <= as_of:
                yield Money(one.taken_off_on, 0, amount, one.invoice_no, principal=True, names=(one.invoice_no,))

    def meant(self, money: Money, there: Collection[str]) -> Money:
        """Say what money is for: the invoice it names, those of a plan or settlement in force; disputed ones last."""
        now = [one for one in self.agreed if money.heard and one.binds(money.heard)]
        last = [number for one in now if one.kind == "dispute" for number in one.names if number in there]
        plans = [one.names for one in now if one.kind != "dispute"]
        planned = [number for number in (plans[-1] if plans else []) if number in there]
        names = [money.invoice] if money.invoice in there else []
        if not names or names[0] in planned:
            names += [number for number in planned if number not in (*last, *names)]
        return money._replace(names=tuple(names), last=tuple(dict.fromkeys(last)))


@dataclass(slots=True)
class Agreed:
    """A plan, a settlement or a dispute, with the invoices it is for; `ended` is when it did."""

    kind: str
    state: str
    amount: int
    made: datetime
    ended: datetime | None
    names: list[str]

    def binds(self, at: datetime) -> bool:
        """Say whether it was in force at an instant; a customer who was found right stays so."""
        over = self.state not in _ALIVE and self.state != "upheld" and self.ended is not None and self.ended < at
        return self.made < at and self.state != "draft" and not over


class Rows:
    """The rows of all accounts, read once; of postings there are only those that kept agreements cause."""

    def __init__(self, connection: Connection) -> None:
        covered = (
            sa.select(sa.func.coalesce(sa.func.sum(allocation.c.amount), 0))
            .where(allocation.c.invoice_id == invoice.c.id)
            .scalar_subquery()
        )
        at = sa.func.coalesce(attempt.c.ended_at, attempt.c.sending_at, type_=attempt.c.ended_at.type).label("at")
        arrived = (
            attempt.c.channel.in_(("email", "sms", "letter")), attempt.c.state.in_(("accepted", "delivered")),
            attempt.c.campaign != NOTICES, attempt.c.sending_at.is_not(None),
        )  # fmt: skip
        self._owners = {row.id: row for row in connection.execute(sa.select(account))}
        self._invoices = _grouped(connection, sa.select(invoice, covered.label("covered")))
        self._payments = _grouped(connection, sa.select(payment).where(payment.c.account_id.is_not(None)))
        self._agreed = _agreed(connection)
        self._given = _grouped(connection, sa.select(posting))
        self._reminders = _grouped(connection, sa.select(attempt.c.account_id, attempt.c.channel, at).where(*arrived))

    def number(self, account_id: int) -> str:
        """Give the number of an account."""
        return str(self._owners[account_id].account_no)

    def of(
        self, account_id: int
    ) -> tuple[Row[Any], list[Row[Any]], list[Row[Any]], list[tuple[datetime, str]], list[Agreed], list[Row[Any]]]:
        """Give what `Reckoner.reckon` takes."""
        reminders = [(row.at, row.channel) for row in self._reminders[account_id]]
        rows = self._invoices[account_id], self._payments[account_id]
        return self._owners[account_id], *rows, reminders, self._agreed[account_id], self._given[account_id]


def _agreed(connection: Connection) -> dict[int, list[Agreed]]:
    """Read plans, settlements and disputes by account, the oldest first, each with its last event."""
    found: dict[int, list[Agreed]] = defaultdict(list)
    numbers = {row.id: row.invoice_no for row in connection.execute(sa.select(invoice))}
    due = {row.id: (row.due_date, row.id) for row in connection.execute(sa.select(invoice))}
    named: dict[int, list[int]] = defaultdict(list)
    for row in connection.execute(sa.select(waiver)):
        named[row.agreement_id].append(row.invoice_id)
    ended = {row.agreement_id: row.at for row in connection.execute(sa.select(event).order_by(event.c.id))}
    wanted = agreement.c.kind.in_(("plan", "settlement", "dispute"))
    for row in connection.execute(sa.select(agreement).where(wanted).order_by(agreement.c.id)):
        mine = [row.invoice_id] if row.invoice_id else sorted(named[row.id], key=due.__getitem__)
        names = [numbers[one] for one in mine]
        found[row.account_id].append(Agreed(row.kind, row.state, row.amount, row.made_at, ended.get(row.id), names))
    return found


def _grouped(connection: Connection, chosen: sa.Select[Any]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(chosen):
        found[row.account_id].append(row)
    return found


class Reckoner:
    """Reckons by one set of terms."""

    def __init__(self, agreed: Claims, rates: Path, holidays: Mapping[str, AbstractSet[date]]) -> None:
        """Take the terms, the file of base rates, and the public holidays of each region."""
        self._agreed, self._holidays = agreed, holidays
        with rates.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(line for line in file if line.strip() and not line.startswith("#")))
        self._rates = [(date.fromisoformat(row["valid_from"]), round(float(row["percent"]) * 100)) for row in rows]

    @property
    def knows(self) -> bool:
        """Say whether it can reckon by these terms."""
        terms = self._agreed
        plain = terms.day_count != "30/360" and terms.appropriation == "statutory"
        return plain and not terms.contract_rate and not terms.letter_fees

    def reckon(
        self,
        owner: Row[Any],
        invoices: Sequence[Row[Any]],
        payments: Sequence[Row[Any]],
        reminders: Sequence[tuple[datetime, str]],
        agreed: Sequence[Agreed],
        given: Sequence[Row[Any]],
        as_of: date,
    ) -> Result:
        """Reckon at the end of a day; of an invoice `covered` is what payments were laid against it."""
        free = self._holidays.get(owner.region or owner.country, self._holidays[self._agreed.holidays])
        zone = ZoneInfo(owner.timezone or self._agreed.timezone)
        received = [
            at.astimezone(zone).date() + timedelta(days=self._agreed.letters_arrive if channel == "letter" else 0)
            for at, channel in reminders
        ]
        defaults = {one.invoice_no: self._default(one, owner.kind, received, free) for one in invoices}
        facts = _Facts(owner, invoices, payments, defaults, agreed, given)
        charges: dict[str, tuple[date, int]] = {}
        if owner.kind == "business" and self._agreed.lump_sum and self._agreed.for_services:
            for number, begun in defaults.items():
                if begun and begun[0] <= as_of:
                    before = self._run(facts, {}, begun[0] - _DAY)[1]
                    if any(claim.number == number and claim.parts[_PRINCIPAL] for claim in before):
                        charges[number] = (begun[0], _LUMP)
        return self._run(facts, charges, as_of)[0]

    def _default(self, one: Row[Any], kind: str, received: Iterable[date], free: AbstractSet[date]) -> _Begun:
        """Answer the first day of default and the first that bears interest (§ 286 BGB)."""
        last, found = _working(one.due_date, free), []
        if self._agreed.due_date_agreed:
            found.append((last + _DAY, last + _DAY))
        found += [(day + _DAY, day) for day in received if day > last]
        if kind == "business" or self._agreed.thirty_days_notice:
            end = _working(max(one.due_date, one.invoice_date) + timedelta(days=30), free)
            found.append((end + _DAY, end + _DAY))
        if not found:
            return None
        bears, begins = min(found)
        return begins, bears

    def _hundredths(self, day: date, kind: str) -> int:
        base = self._rates[bisect_right(self._rates, (day, 99_999)) - 1][1]
        points = 900 if kind == "business" and self._agreed.for_services else 500
        return max(base + points, 0)

    def _run(self, facts: "_Facts", charges: Mapping[str, tuple[date, int]], as_of: date) -> tuple[Result, list[Claim]]:
        claims = list(facts.claims())
        there = {one.number for one in claims}
        came = [*(facts.meant(one, there) for one in _standing(facts.payments, as_of)), *facts.listed(as_of)]
        events = {claim.arose for claim in claims} | {money.on for money in came} | {day for day, _ in charges.values()}
        events |= {one.value_date for one in facts.given}
        left: list[list[Any]] = []  # money with what is left of it
        owed: list[Claim] = []  # what has principal that may bear interest
        day = min(events, default=as_of + _DAY)
        while day <= as_of:
            if day in events:
                for claim in claims:
                    claim.parts[_PRINCIPAL] += claim.whole if claim.arose == day else 0
                    on, costs = charges.get(claim.number, (None, 0))
                    claim.parts[_COSTS] += costs if on == day else 0
                left += [[money, money.amount] for money in came if money.on == day]
                left = _settle(claims, left, day)
                for number, part, amount in facts.waived(day):
                    for claim in claims:
                        claim.take(part, amount if claim.number == number else 0)
                owed = [claim for claim in claims if claim.parts[_PRINCIPAL]]
            if owed:
                rate, year = self._hundredths(day, facts.owner.kind), 365
                if self._agreed.day_count == "act/act":
                    year = (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
                for claim in owed:
                    claim.grow(day, rate, year)
            day += _DAY
        for claim in claims:
            claim.close()
        total = sum(sum(claim.parts) for claim in claims)
        costs = sum(amount for on, amount in charges.values() if on <= as_of)
        return Result(total, sum(rest for _, rest in left), sum(claim.accrued for claim in claims), costs), claims


def _settle(claims: Sequence[Claim], left: Sequence[list[Any]], day: date) -> list[list[Any]]:
    """Set the money of a day, and what was too much before, against the claims: named ones first (§ 366 BGB)."""
    for source in sorted(left, key=_wish):
        money = source[0]
        named = [claim for number in money.names for claim in claims if claim.number == number]
        if money.principal:
            for claim in named:
                source[1] -= claim.take(_PRINCIPAL, source[1])
        for claim in (*named, *sorted(claims, key=lambda one: _turn(one, day, source[0].last))):
            for part in (_COSTS, _INTEREST, _PRINCIPAL):
                source[1] -= claim.take(part, source[1])
    return [source for source in left if source[1]]


def _wish(source: Sequence[Any]) -> tuple[object, ...]:
    money = source[0]
    return not money.names, money.names, money.principal, money.last, money.on, money.order


def _turn(claim: Claim, day: date, last: Iterable[str]) -> tuple[bool, bool, bool, date]:
    """Order claims by § 366(2) BGB: what is due, what bears interest, what is older; what is disputed last."""
    bears = claim.bears_from is not None and claim.bears_from <= day
    return claim.number in last, claim.due > day, not bears, claim.arose


def _standing(payments: Iterable[Row[Any]], as_of: date) -> list[Money]:
    """List what came in and was not taken back by that day: of a return the newest of its amount, or the newest."""
    known: list[Money] = []
    for row in sorted(payments, key=lambda one: (one.value_date, one.id)):
        if row.value_date > as_of:
            continue
        if row.amount > 0:
            known.append(Money(row.value_date, row.id, row.amount, row.invoice_no, heard=row.received_at))
            continue
        alike = [one for one in known if one.amount == -row.amount]
        alike = [one for one in alike if one.invoice == row.invoice_no] or alike
        if alike:
            known.remove(alike[-1])
            continue
        back = -row.amount
        for one in reversed(tuple(known)):
            part = min(one.amount, back)
            back -= part
            place = known.index(one)
            known[place : place + 1] = [one._replace(amount=one.amount - part)] if one.amount > part else []
    return known


def _working(day: date, free: AbstractSet[date]) -> date:
    while day.weekday() >= _SATURDAY or day in free:
        day += _DAY
    return day
