"""What default costs the debtor besides interest: the lump sum, dunning fees, a collection agency.

For whoever books costs on an account. Amounts are euro cents. None of these bears interest here; none is booked before
the debtor is in default (§280(2) BGB).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from contactd.domain.account import Channel, Kind
from contactd.domain.appropriation import COMMON
from contactd.domain.default_date import Default
from contactd.domain.fees import FeeTable
from contactd.domain.interest import under_new_law
from contactd.domain.ledger import Cost
from contactd.domain.money import half_up
from contactd.domain.posting import Purpose

_ZERO = Decimal(0)

# ---- lump sum, §288(5) BGB -----------------------------------------------------------------------------------------

LUMP_SUM = 4000
_PURSUIT = frozenset({Purpose.AGENCY, Purpose.LAWYER})  # those of a court are owed by its order, not as damages


def lump_sum(
    default: Default | None,
    debtor: Kind,
    *,
    payment_for_service: bool,
    arose_on: date,
    performed_on: date | None = None,
) -> int:
    """Answer the lump sum for one claim or one late instalment: 40 €, or nothing (§288(5) BGB).

    Due for an Entgeltforderung whose debtor is in default and no consumer, under the law since 29 July 2014 (dates as
    in `under_new_law`). It brings forth no second one: never ask for it about a lump sum.
    """
    if default is None or debtor is Kind.CONSUMER or not payment_for_service:
        return 0
    return LUMP_SUM if under_new_law(arose_on, performed_on) else 0


def beyond_lump_sum(legal_costs: int, lump: int) -> int:
    """Answer what of the costs of legal pursuit is left when the lump sum is set off against them (§288(5) S. 3)."""
    return max(legal_costs - lump, 0)


def set_off(costs: Iterable[Cost], lumps: Iterable[Cost]) -> Iterator[Cost]:
    """Set each lump sum off, once, against what agency and lawyer cost because of the same default (§288(5) S. 3).

    That is a cost of the lump sum's claim, or of no one claim, from the day on which the default began. Gives all
    costs, those of one claim first, for the lump sums of the others are left to what concerns all.
    """
    left = {lump.claim: lump.amount for lump in lumps}
    begun = {lump.claim: lump.on for lump in lumps}
    for cost in sorted(costs, key=lambda one: (one.claim == COMMON, one.on)):
        rest = cost.amount
        for claim in left if cost.reason in _PURSUIT else ():
            if cost.claim in (claim, COMMON) and begun[claim] <= cost.on:
                taken = rest - beyond_lump_sum(rest, left[claim])
                left[claim] -= taken
                rest -= taken
        yield replace(cost, amount=rest, set_off=cost.amount - rest)


# ---- dunning fees --------------------------------------------------------------------------------------------------

# Print, envelope and postage only (BGH, 26 June 2019, VIII ZR 95/18); what goes out by wire costs nothing.
DUNNING_FEES: Mapping[Channel, Sequence[int]] = MappingProxyType({Channel.LETTER: (0, 120)})


def dunning_fee(
    level: int,
    channel: Channel,
    sent_on: date,
    default: Default | None,
    fees: Mapping[Channel, Sequence[int]] = DUNNING_FEES,
) -> int:
    """Answer the fee of a reminder of that level, counted from 1; levels past the last fee cost as much as that.

    Nothing before default, nor for the reminder that brings it about. Raises ValueError for a level below 1 and for a
    fee below zero.
    """
    if level < 1:
        raise ValueError(f"there is no dunning level {level}; the first one is 1")
    steps = fees.get(channel, ())
    if any(fee < 0 for fee in steps):
        raise ValueError(f"a dunning fee is below zero: {min(steps)}; write 0 for none")
    if default is None or sent_on < default.interest_from or not steps:
        return 0
    return steps[min(level, len(steps)) - 1]


# ---- collection agency, §13e RDG with the RVG ----------------------------------------------------------------------

SIMPLE = Decimal("0.5")  # paid at the first demand (RVG, VV 2300, Anm. 2)
NORMAL = Decimal("0.9")
HIGHEST = Decimal("1.3")
_TINY = (5000, 3150)  # §13(2) RVG: undisputed and up to 50 €
_LEAST_FEE = 1500  # §13(3) RVG
_OUTLAY = Fraction(1, 5)  # VV 7002
_MOST_OUTLAY = 2000


@dataclass(frozen=True, slots=True)
class CollectionCosts:
    """What a collection agency may ask for, in cents."""

    fee: int
    outlay: int
    vat: int = 0

    @property
    def total(self) -> int:
        """Add the parts."""
        return self.fee + self.outlay + self.vat


def outlay_of(fee: int) -> int:
    """Answer the lump sum for post and telephone that goes with a fee (VV 7002)."""
    return min(half_up(_OUTLAY * fee), _MOST_OUTLAY)


def collection_costs(
    value: int,
    ordered_on: date,
    table: FeeTable,
    rate: Decimal = NORMAL,
    *,
    disputed: bool = False,
    vat_percent: Decimal = _ZERO,
) -> CollectionCosts:
    """Answer business fee (VV 2300), outlay (VV 7002) and VAT for a claim of that value (the principal, in cents).

    `rate`: 0.5 when it is paid at the first demand, 0.9 as a rule, at most 1.3. `vat_percent`: only where the creditor
    cannot deduct it. `table` is that of the RVG. Raises ValueError for a rate the law does not know, and wherever the
    table ends: for a value above its last row and for orders from before its day.
    """
    if not SIMPLE <= rate <= HIGHEST:
        raise ValueError(f"{rate} is no rate of the business fee; it lies between {SIMPLE} and {HIGHEST}")
    full = table.full(value, ordered_on)
    if value <= _TINY[0] and not disputed:
        full = _TINY[1]
    fee = max(half_up(Fraction(rate) * full), _LEAST_FEE)
    outlay = outlay_of(fee)
    return CollectionCosts(fee, outlay, half_up(Fraction(vat_percent) * (fee + outlay) / 100))
