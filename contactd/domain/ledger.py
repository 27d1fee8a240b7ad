"""The facts of one account from which everything owed is derived: claims, costs, payments, reversals, write-offs.

`statement.py` reads them; whoever keeps the books makes them and only ever adds to them. Amounts are minor units of one
currency, days are dates without a time; what is dated after the day a statement is asked for has not happened yet.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from contactd.domain.appropriation import COMMON, UNDESIGNATED, Designation, Part
from contactd.domain.interest import DayCount, Rate


@dataclass(frozen=True, slots=True)
class Claim:
    """A principal debt (Hauptforderung), like an invoice; it is on the account from `arose_on` on, due or not.

    `interest_from` is that of `default_date.Default`, or what a contract says; None bears no interest. `secured` and
    `consumer_loan` matter to what payments are set against (§366(2), §497(3) BGB).
    """

    id: str
    principal: int
    arose_on: date
    due_on: date
    rate: Rate
    interest_from: date | None = None
    day_count: DayCount = DayCount.ACT_ACT
    secured: bool = False
    consumer_loan: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost of default (Verzugsschaden): a dunning fee, the lump sum, an agency; it bears no interest.

    `claim` is COMMON when it belongs to no one claim, as that of a letter about several does. `reason` is a word,
    `note` what whoever booked it has to say. `amount` is what is owed of it, `set_off` what a lump sum took off before
    (`charges.set_off`), of all of it maybe.
    """

    on: date
    amount: int
    claim: str = COMMON
    reason: str = ""
    note: str = ""
    set_off: int = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received with value date `on`."""

    id: str
    on: date
    amount: int
    designation: Designation = UNDESIGNATED


@dataclass(frozen=True, slots=True)
class Reversal:
    """A payment that was taken back (Rücklastschrift) on that day, and what the bank asked for it."""

    payment: str
    on: date
    cost: int = 0
    claim: str = COMMON


@dataclass(frozen=True, slots=True)
class WriteOff:
    """A part of a claim given up (Ausbuchung, Erlass §397 BGB) after the payments of that day, as far as it is open."""

    on: date
    claim: str
    part: Part
    amount: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """All facts of one account, in any order; raises ValueError with everything that contradicts itself."""

    claims: tuple[Claim, ...] = ()
    costs: tuple[Cost, ...] = ()
    payments: tuple[Payment, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    write_offs: tuple[WriteOff, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no statement could be made of."""
        found = [*_twice(self), *_unknown(self), *_amounts(self)]
        if found:
            raise ValueError("; ".join(found))

    def costs_until(self, day: date) -> tuple[Cost, ...]:
        """List the costs up to that day, those of reversals among them."""
        of_reversals = [Cost(one.on, one.cost, one.claim, "reversal") for one in self.reversals if one.cost]
        return tuple(cost for cost in (*self.costs, *of_reversals) if cost.on <= day)

    def payments_until(self, day: date) -> tuple[Payment, ...]:
        """List the payments up to that day, without those that were reversed by then."""
        gone = {reversal.payment for reversal in self.reversals if reversal.on <= day}
        return tuple(payment for payment in self.payments if payment.on <= day and payment.id not in gone)


def _twice(ledger: Ledger) -> Iterator[str]:
    kinds: tuple[tuple[str, Iterable[str]], ...] = (
        ("claim", (claim.id for claim in ledger.claims)),
        ("payment", (payment.id for payment in ledger.payments)),
        ("reversal of payment", (reversal.payment for reversal in ledger.reversals)),
    )
    for kind, names in kinds:
        yield from (f"{kind} {name!r} is there twice" for name, count in Counter(names).items() if count > 1)


def _unknown(ledger: Ledger) -> Iterator[str]:
    claims = {claim.id for claim in ledger.claims}
    if COMMON in claims:
        yield "a claim has no name; an empty one stands for costs that belong to no one claim"
    named = [
        *((cost.claim, "a cost") for cost in ledger.costs),
        *((reversal.claim, "a reversal") for reversal in ledger.reversals),
        *((write_off.claim, "a write-off") for write_off in ledger.write_offs),
        *((claim, f"payment {payment.id!r}") for payment in ledger.payments for claim in _wanted(payment)),
    ]
    yield from (
        f"{who} names claim {claim!r}, which is not there" for claim, who in named if claim not in claims | {COMMON}
    )
    paid_on = {payment.id: payment.on for payment in ledger.payments}
    for reversal in ledger.reversals:
        paid = paid_on.get(reversal.payment)
        if paid is None:
            yield f"payment {reversal.payment!r} was reversed but is not there"
        elif reversal.on < paid:
            yield f"payment {reversal.payment!r} was reversed on {reversal.on}, before it came in on {paid}"


def _wanted(payment: Payment) -> tuple[str, ...]:
    return payment.designation.claims + payment.designation.last


def _amounts(ledger: Ledger) -> Iterator[str]:
    amounts = [
        *((claim.principal, f"claim {claim.id!r}") for claim in ledger.claims),
        *((cost.amount or cost.set_off, f"a cost of {cost.on}") for cost in ledger.costs),
        *((payment.amount, f"payment {payment.id!r}") for payment in ledger.payments),
        *((write_off.amount, f"a write-off of {write_off.on}") for write_off in ledger.write_offs),
    ]
    yield from (f"{what} must be above zero, not {amount}" for amount, what in amounts if amount <= 0)
    yield from (
        f"the reversal of payment {reversal.payment!r} cannot cost {reversal.cost}"
        for reversal in ledger.reversals
        if reversal.cost < 0
    )
