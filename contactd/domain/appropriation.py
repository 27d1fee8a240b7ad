"""What a payment is set against (Anrechnung, §§366, 367, 497 BGB): which claim first, and which part of it.

For `statement.py` only, which asks once for each day and designation. Amounts are minor units of one currency. The law
by itself goes claim by claim; some creditors' books pool all claims instead, which needs an agreement.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import chain, groupby
from typing import NamedTuple

from contactd.domain.money import pro_rata

COMMON = ""  # stands for costs that belong to no one claim


class Part(StrEnum):
    """What a claim consists of."""

    COSTS = "costs"
    INTEREST = "interest"
    PRINCIPAL = "principal"


class Scheme(StrEnum):
    """How several claims are paid: one after the other (§366(2) BGB), or as if they were one."""

    STATUTORY = "statutory"
    POOLED = "pooled"


_BY_LAW = (Part.COSTS, Part.INTEREST, Part.PRINCIPAL)  # §367(1)
_OF_LOANS = (Part.COSTS, Part.PRINCIPAL, Part.INTEREST)  # §497(3): a consumer's loan
_STAGES = ((Part.COSTS, None), (Part.INTEREST, False), (Part.PRINCIPAL, None), (Part.INTEREST, True))


@dataclass(frozen=True, slots=True)
class Debt:
    """What is open of one claim on the day of the payment, none of it below zero.

    `since`: when it arose, for its age. `percent`: what it costs the debtor a year on that day; the dearer is the more
    burdensome. Costs that belong to no one claim are a debt of the name COMMON and are paid before everything else.
    """

    claim: str
    since: date
    costs: int = 0
    interest: int = 0
    principal: int = 0
    due: bool = True
    secured: bool = False
    percent: Decimal = Decimal(0)
    consumer_loan: bool = False

    @property
    def order(self) -> tuple[Part, ...]:
        """Give its parts in the order in which they are paid."""
        return parts_in_order(consumer_loan=self.consumer_loan)

    def open(self, part: Part) -> int:
        """Give what is open of a part."""
        if part is Part.COSTS:
            return self.costs
        return self.interest if part is Part.INTEREST else self.principal

    @property
    def total(self) -> int:
        """Give what is open of all of it."""
        return self.costs + self.interest + self.principal


@dataclass(frozen=True, slots=True)
class Designation:
    """What the debtor said the payment is for (§366(1), §367(2) BGB): claims in this order, a part, or both.

    A payment under an instalment plan is for the claims of the plan. Against another order of parts than the law's
    the creditor may refuse the payment; who keeps it has agreed. `last` are claims the debtor contests: what he pays
    without naming them is for everything else before it is for them.
    """

    claims: tuple[str, ...] = ()
    part: Part | None = None
    last: tuple[str, ...] = ()


UNDESIGNATED = Designation()


def parts_in_order(*, consumer_loan: bool) -> tuple[Part, ...]:
    """Give the parts of a claim in the order in which payments settle them."""
    return _OF_LOANS if consumer_loan else _BY_LAW


class Share(NamedTuple):
    """So much of a payment went to this part of this claim."""

    claim: str
    part: Part
    amount: int


class Appropriation(NamedTuple):
    """Where an amount went; `credit` is what was too much. Both together are the amount."""

    shares: tuple[Share, ...]
    credit: int


# Slots are filled in order within a bucket; the buckets of a tier are equals and share in proportion to what is open.
_Slot = tuple[str, Part]
_Bucket = tuple[_Slot, ...]
_Tier = Sequence[_Bucket]


def appropriate(
    amount: int,
    debts: Sequence[Debt],
    designation: Designation = UNDESIGNATED,
    scheme: Scheme = Scheme.STATUTORY,
) -> Appropriation:
    """Set an amount against debts: as designated, the rest by the scheme, what is too much becomes credit.

    Statutory: due before not due, less secured, more burdensome, older, equals in proportion (§366(2) BGB), each by
    §367(1) or §497(3) within. Pooled: all costs, all interest, then principal, each due before not due and older first;
    the interest of consumer loans comes last. Raises ValueError when something is below zero or a claim stands twice.
    """
    left = {(debt.claim, part): debt.open(part) for debt in debts for part in _BY_LAW}
    if amount < 0 or min(left.values(), default=0) < 0:
        raise ValueError("neither a payment nor a debt can be below zero")
    if len(left) < len(debts) * len(_BY_LAW):
        raise ValueError("a claim stands among the debts twice")
    shares: list[Share] = []
    ranks = _ranks(debts, scheme, designation.last)
    for tier in chain(_as_designated(debts, designation, ranks), _by_scheme(ranks, scheme)):
        if not amount:
            break
        for share in _pour(amount, tier, left):
            amount -= share.amount
            left[share.claim, share.part] -= share.amount
            shares.append(share)
    return Appropriation(tuple(shares), amount)


def _pour(amount: int, tier: _Tier, left: dict[_Slot, int]) -> Iterator[Share]:
    wanted = [sum(left[slot] for slot in bucket) for bucket in tier]
    for bucket, given in zip(tier, pro_rata(min(amount, sum(wanted)), wanted), strict=True):
        rest = given
        for slot in bucket:
            taken = min(rest, left[slot])
            rest -= taken
            if taken:
                yield Share(*slot, taken)


def _as_designated(debts: Sequence[Debt], designation: Designation, ranks: Iterable[Sequence[Debt]]) -> Iterator[_Tier]:
    named = [debt for claim in designation.claims for debt in debts if debt.claim == claim]
    if designation.part is not None:
        wanted = [[debt] for debt in named] if designation.claims else ranks
        yield from ([((debt.claim, designation.part),) for debt in rank] for rank in wanted)
    yield from ([_whole(debt)] for debt in named)


def _by_scheme(ranks: Sequence[Sequence[Debt]], scheme: Scheme) -> Iterator[_Tier]:
    if scheme is Scheme.STATUTORY:
        yield from ([_whole(debt) for debt in rank] for rank in ranks)
        return
    for part, of_loans in _STAGES:
        for rank in ranks:
            yield [((debt.claim, part),) for debt in rank if of_loans is None or debt.consumer_loan is of_loans]


def _whole(debt: Debt) -> _Bucket:
    return tuple((debt.claim, part) for part in debt.order)


def _ranks(debts: Iterable[Debt], scheme: Scheme, last: Collection[str]) -> list[list[Debt]]:
    """Put the debts in the order of payment; those in one list are equals."""

    def rank(debt: Debt) -> tuple[object, ...]:
        first = (debt.claim != COMMON, debt.claim in last, not debt.due)
        if scheme is Scheme.POOLED:
            return (*first, debt.since)
        return (*first, debt.secured, -debt.percent, debt.since)

    ordered = sorted(debts, key=lambda debt: (*rank(debt), debt.claim))
    return [list(equals) for _, equals in groupby(ordered, key=rank)]
