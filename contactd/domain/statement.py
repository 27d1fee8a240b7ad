"""The statement of claim (Forderungsaufstellung): what is owed on a day, derived from facts and never edited.

For whoever shows, prints or demands a balance. Everything is worked out anew from a `Ledger`: every line of interest,
every allocation of every payment, and what is left; the same ledger and day give the same statement.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from contactd.domain.appropriation import COMMON, Debt, Part, Scheme, Share, appropriate
from contactd.domain.base_rates import BaseRates
from contactd.domain.deadlines import DAY
from contactd.domain.interest import Rate, Segment, segments, total
from contactd.domain.ledger import Claim, Cost, Ledger, Payment, WriteOff

_NOBODYS = Claim(COMMON, 0, date.min, date.min, Rate(Decimal(0), over_base=False))


@dataclass(frozen=True, slots=True)
class Allocation:
    """So much of a payment went to a part of a claim; `on` is later than the payment when it was credit until then."""

    payment: str
    on: date
    claim: str
    part: Part
    amount: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What is open of one claim, and every line of the interest it ever bore."""

    claim: str
    costs: int
    interest: int
    principal: int
    segments: tuple[Segment, ...]

    @property
    def open(self) -> int:
        """Give what is open of all of it."""
        return self.costs + self.interest + self.principal


@dataclass(frozen=True, slots=True)
class Statement:
    """What is owed at the end of a day; balances in the order of the ledger's claims, costs of no one claim first.

    `credit` is what was paid too much; nothing is open then. `write_offs` are those that took effect, and how far.
    `payoff` settles everything if it is received with the value date of that day, which bears no interest any more.
    """

    as_of: date
    balances: tuple[Balance, ...]
    allocations: tuple[Allocation, ...]
    write_offs: tuple[WriteOff, ...]
    credit: int
    payoff: int

    @property
    def costs(self) -> int:
        """Give the open costs."""
        return sum(balance.costs for balance in self.balances)

    @property
    def interest(self) -> int:
        """Give the open interest."""
        return sum(balance.interest for balance in self.balances)

    @property
    def principal(self) -> int:
        """Give the open principal, due or not."""
        return sum(balance.principal for balance in self.balances)

    @property
    def open(self) -> int:
        """Give all that is open."""
        return sum(balance.open for balance in self.balances)

    @property
    def accrued(self) -> int:
        """Give all interest there ever was, paid or not."""
        return sum(total(balance.segments) for balance in self.balances)

    @property
    def provisional(self) -> bool:
        """Say whether a figure rests on a base rate that the table does not know yet."""
        return any(line.provisional for balance in self.balances for line in balance.segments)


def statement(ledger: Ledger, as_of: date, rates: BaseRates, scheme: Scheme = Scheme.STATUTORY) -> Statement:
    """Derive the statement; the day itself counts for interest and for what came in on it.

    All payments of a day that are designated alike are set against the claims as one sum, designated ones first; so
    their order never matters. A payment reversed by that day counts as if it had never been, but for what the reversal
    cost. Credit is used as soon as there is something to pay (a set-off works back to that day, §389 BGB). Raises
    ValueError when interest begins before the base-rate table.
    """
    book = _Book(ledger, as_of, rates, scheme)
    book.go_on(as_of)
    return Statement(
        as_of,
        tuple(account.balance(as_of) for account in book.accounts.values()),
        tuple(book.allocations),
        tuple(book.write_offs),
        sum(source.left for source in book.credit),
        sum(account.debt(as_of).total for account in book.accounts.values() if not account.settled),
    )


def principals(
    ledger: Ledger, asked: Mapping[str, date], rates: BaseRates, scheme: Scheme = Scheme.STATUTORY
) -> dict[str, int]:
    """Answer what was open of the principal of each claim (by its id) at the end of a day of its own.

    To the cent what a `statement` of that day says, in minor units; but the days are gone through only once for all
    that lie between the same two reversals. Raises ValueError when interest begins before the base-rate table.
    """

    def reversed_by(one: tuple[str, date]) -> int:
        return sum(reversal.on <= one[1] for reversal in ledger.reversals)

    found: dict[str, int] = {}
    for _, alike in groupby(sorted(asked.items(), key=lambda one: one[1]), key=reversed_by):
        wanted = list(alike)
        book = _Book(ledger, wanted[-1][1], rates, scheme)
        for claim, day in wanted:
            book.go_on(day)
            found[claim] = book.accounts[claim].principal
    return found


class _Account:
    """One claim on its way through the days."""

    __slots__ = ("claim", "closed", "closed_interest", "costs", "principal", "rates", "settled_interest", "since")

    def __init__(self, claim: Claim, rates: BaseRates) -> None:
        self.claim, self.rates = claim, rates
        self.closed: list[Segment] = []  # the lines up to the last change of principal
        self.since = claim.arose_on  # the day of that change
        self.costs = self.principal = self.closed_interest = self.settled_interest = 0

    @property
    def settled(self) -> bool:
        """Say that nothing is open of it, nor comes to be by time alone."""
        return not self.principal and not self.costs and self.closed_interest == self.settled_interest

    def lines(self, until: date) -> tuple[Segment, ...]:
        """List the lines since the last change of principal, up to and with a day."""
        if self.claim.interest_from is None or not self.principal:
            return ()
        balance = (max(self.since, self.claim.interest_from), self.principal)
        return segments([balance], until, self.claim.rate, self.rates, self.claim.day_count)

    def interest(self, until: date) -> int:
        """Tell the open interest."""
        return self.closed_interest + total(self.lines(until)) - self.settled_interest

    def change(self, day: date, by: int) -> None:
        """Let another principal begin on a day."""
        done = self.lines(day - DAY)
        self.closed.extend(done)
        self.closed_interest += total(done)
        self.since, self.principal = day, self.principal + by

    def settle(self, day: date, part: Part, amount: int) -> None:
        """Take something off a part."""
        if part is Part.COSTS:
            self.costs -= amount
        elif part is Part.INTEREST:
            self.settled_interest += amount
        else:
            self.change(day, -amount)

    def debt(self, day: date) -> Debt:
        """Tell what can be paid on a day, with the interest up to the day before."""
        claim = self.claim
        bears = claim.interest_from is not None and claim.interest_from <= day
        return Debt(
            claim.id,
            claim.arose_on,
            self.costs,
            self.interest(day - DAY),
            self.principal,
            due=claim.due_on <= day,
            secured=claim.secured,
            percent=claim.rate.percent_on(day, self.rates) if bears else Decimal(0),
            consumer_loan=claim.consumer_loan,
        )

    def balance(self, day: date) -> Balance:
        """Tell what is open at the end of a day."""
        lines = self.lines(day)
        interest = self.closed_interest + total(lines) - self.settled_interest
        return Balance(self.claim.id, self.costs, interest, self.principal, (*self.closed, *lines))


class _Source:
    """A payment, and how much of it is not used yet."""

    __slots__ = ("left", "payment")

    def __init__(self, payment: Payment) -> None:
        self.payment, self.left = payment, payment.amount


class _Book:
    """Goes through the days on which something happened, up to the one asked for."""

    def __init__(self, ledger: Ledger, as_of: date, rates: BaseRates, scheme: Scheme) -> None:
        self.scheme = scheme
        self.accounts = {claim.id: _Account(claim, rates) for claim in (_NOBODYS, *ledger.claims)}
        self.allocations: list[Allocation] = []
        self.write_offs: list[WriteOff] = []
        self.credit: list[_Source] = []
        self._claims = [claim for claim in ledger.claims if claim.arose_on <= as_of]
        self._costs, self._payments = ledger.costs_until(as_of), ledger.payments_until(as_of)
        self._given_up = [write_off for write_off in ledger.write_offs if write_off.on <= as_of]
        days = {claim.arose_on for claim in self._claims} | {cost.on for cost in self._costs}
        days |= {one.on for one in self._payments} | {write_off.on for write_off in self._given_up}
        self._ahead = deque(sorted(days))

    def go_on(self, until: date) -> None:
        """Go through the days that are left, up to and with that one."""
        while self._ahead and self._ahead[0] <= until:
            day = self._ahead.popleft()
            self._grow(day, self._claims, self._costs)
            self._pay(day, [payment for payment in self._payments if payment.on == day])
            self._write_off([write_off for write_off in self._given_up if write_off.on == day])

    def _grow(self, day: date, claims: Iterable[Claim], costs: Iterable[Cost]) -> None:
        for claim in claims:
            if claim.arose_on == day:
                self.accounts[claim.id].change(day, claim.principal)
        for cost in costs:
            if cost.on == day:
                self.accounts[cost.claim].costs += cost.amount

    def _pay(self, day: date, payments: Iterable[Payment]) -> None:
        sources = sorted([*self.credit, *map(_Source, payments)], key=_turn)
        for _, alike in groupby(sources, key=_wish):
            self._use(day, list(alike))
        self.credit = [source for source in sources if source.left]

    def _use(self, day: date, sources: Sequence[_Source]) -> None:
        """Set what is designated alike against the claims as one sum, then say which payment went where."""
        debts = [account.debt(day) for account in self.accounts.values() if not account.settled]
        if not debts:
            return
        amount, designation = sum(source.left for source in sources), sources[0].payment.designation
        for share in appropriate(amount, debts, designation, self.scheme).shares:
            self.accounts[share.claim].settle(day, share.part, share.amount)
            self.allocations.extend(_deal(day, share, sources))

    def _write_off(self, write_offs: Iterable[WriteOff]) -> None:
        for wanted in sorted(write_offs, key=lambda one: (one.claim, one.part)):
            account = self.accounts[wanted.claim]
            amount = min(wanted.amount, account.debt(wanted.on).open(wanted.part))
            if amount:
                account.settle(wanted.on, wanted.part, amount)
                self.write_offs.append(WriteOff(wanted.on, wanted.claim, wanted.part, amount))


def _wish(source: _Source) -> tuple[bool, tuple[str, ...], str, tuple[str, ...]]:
    wanted = source.payment.designation
    return (not wanted.claims and wanted.part is None, wanted.claims, wanted.part or "", wanted.last)


def _turn(source: _Source) -> tuple[object, ...]:
    return (*_wish(source), source.payment.on, source.payment.id)


def _deal(day: date, share: Share, sources: Iterable[_Source]) -> Iterator[Allocation]:
    """Take a share from the payments in their turn."""
    wanted = share.amount
    for source in sources:
        taken = min(source.left, wanted)
        if taken:
            source.left -= taken
            wanted -= taken
            yield Allocation(source.payment.id, day, share.claim, share.part, taken)
