"""What a person has to say about a claim before the law looks at it: that the debtor refused for good, and the like.

No message and no outcome of a call says it by itself: somebody judges what was said. A circumstance is never changed,
only withdrawn. Days are dates without a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contactd.domain.appropriation import COMMON


class Kind(StrEnum):
    """What happened."""

    REFUSAL = "refusal"  # serious and final (§286(2) Nr. 3 BGB)
    ACKNOWLEDGEMENT = "acknowledgement"  # of the debt, towards the creditor (§212(1) Nr. 1 BGB)
    NEGOTIATIONS = "negotiations"  # about the claim, or what it rests on (§203 BGB)
    COURT_ORDER = "court_order"  # a payment order was served (§204(1) Nr. 3 BGB)
    TITLE = "title"  # became final (§197(1) Nr. 3 BGB)


LASTING = frozenset({Kind.NEGOTIATIONS, Kind.COURT_ORDER})


@dataclass(frozen=True, slots=True)
class Circumstance:
    """One of them, on a day; `claim` is the invoice's number, COMMON: of all invoices there were on that day.

    `until` is the last day of what lasts, None while it goes on; of a court order the day the proceedings ended.
    """

    id: int
    kind: Kind
    on: date
    claim: str = COMMON
    reason: str = ""
    until: date | None = None

    def concerns(self, claim: str, arose_on: date) -> bool:
        """Say whether it is about a claim."""
        return self.claim == claim or (self.claim == COMMON and arose_on <= self.on)


def days_of(kind: Kind, circumstances: Iterable[Circumstance], claim: str, arose_on: date) -> set[date]:
    """Answer on which days something of a kind happened about a claim."""
    return {one.on for one in circumstances if one.kind is kind and one.concerns(claim, arose_on)}
