"""What people post on an account by hand: costs, write-offs, and the reversal of either; a posting is never changed.

`ledger.py` takes what stands of them on a day.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contactd.domain.appropriation import COMMON, Part
from contactd.domain.ledger import Cost, WriteOff


class Kind(StrEnum):
    """What a posting does."""

    COST = "cost"
    WRITE_OFF = "write_off"
    REVERSAL = "reversal"


class Purpose(StrEnum):
    """What a cost was for, as the court's application sorts them."""

    AGENCY = "agency"
    LAWYER = "lawyer"
    COURT = "court"
    INQUIRY = "inquiry"
    REMINDER = "reminder"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Posting:
    """One posting with its value date; `claim` is the invoice's number, COMMON: of no one invoice.

    `part` is that of a write-off, `purpose` that of a cost, `reverses` the posting a reversal takes back.
    """

    id: int
    kind: Kind
    on: date
    amount: int
    claim: str = COMMON
    part: Part | None = None
    purpose: str = ""
    reason: str = ""
    reverses: int | None = None


def standing(postings: Iterable[Posting], as_of: date) -> list[Posting]:
    """List the costs and write-offs that stand on a day; one reversed by then counts as if it had never been."""
    known = [one for one in postings if one.on <= as_of]
    gone = {one.reverses for one in known if one.kind is Kind.REVERSAL}
    return [one for one in known if one.kind is not Kind.REVERSAL and one.id not in gone]


def costs_of(postings: Iterable[Posting], claims: Collection[str]) -> Iterator[Cost]:
    """Make the costs of a ledger that has these claims."""
    for one in postings:
        if one.kind is Kind.COST:
            yield Cost(one.on, one.amount, _claim(one, claims), one.purpose, one.reason)


def write_offs_of(postings: Iterable[Posting], claims: Collection[str]) -> Iterator[WriteOff]:
    """Make the write-offs of a ledger that has these claims."""
    for one in postings:
        if one.kind is Kind.WRITE_OFF and one.part is not None:
            yield WriteOff(one.on, _claim(one, claims), one.part, one.amount)


def _claim(one: Posting, claims: Collection[str]) -> str:
    """Answer the claim a posting is of; an invoice that is no claim any more leaves it to all."""
    return one.claim if one.claim in claims else COMMON
