"""What a claim is by law and which rate of interest it bears, with the ground for it; for intake and engine.

A claim says what kind it is and what rate was agreed for it; where it says nothing the law's rate counts (§§288, 497
BGB).
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from contactd.domain.interest import CONSUMER, SECURED_PROPERTY_LOAN, Rate, statutory, under_new_law

_BASE = r"(?P<base>(?:base|basis(?:zins(?:satz)?)?) ?\+ ?)?"
_RATE = re.compile(_BASE + r"(?P<points>\d{1,2}(?:[.,]\d{1,4})?) ?%", re.IGNORECASE)


class ClaimKind(StrEnum):
    """What a claim is: for goods or services (Entgeltforderung), another one, or of a consumer's loan."""

    SERVICE = "service"
    OTHER = "other"
    CONSUMER_LOAN = "consumer_loan"
    PROPERTY_LOAN = "property_loan"  # a consumer's, secured by property

    @property
    def of_loan(self) -> bool:
        """Say whether §497 BGB applies: the law's rate, and payments settle the principal before interest."""
        return self in {ClaimKind.CONSUMER_LOAN, ClaimKind.PROPERTY_LOAN}


class RateBasis(StrEnum):
    """Why a claim bears its rate."""

    CONTRACT = "contract"  # §288(3)
    CONSUMER = "consumer"  # §288(1): a consumer is involved
    NO_SERVICE = "no_service"  # §288(1): not for goods or services
    BUSINESS = "business"  # §288(2)
    BUSINESS_UNTIL_2014 = "business_until_2014"  # §288(2) as it stood up to 28 July 2014
    CONSUMER_LOAN = "consumer_loan"  # §497(1)
    PROPERTY_LOAN = "property_loan"  # §497(4)


_LOANS = {ClaimKind.CONSUMER_LOAN: CONSUMER, ClaimKind.PROPERTY_LOAN: SECURED_PROPERTY_LOAN}


@dataclass(frozen=True, slots=True)
class Bearing:
    """The rate of a claim, why it bears it, and whether payments settle it as a consumer's loan (§497(3))."""

    rate: Rate
    basis: RateBasis
    loan: bool = False


def read_rate(text: str) -> Rate | None:
    """Read `"11 %"` or `"base + 7 %"`, None for nothing agreed; raises ValueError."""
    if not text:
        return None
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text}" is no rate of interest; write it like "11 %" or "base + 7 %", or "" for the law\'s')
    return Rate(Decimal(found["points"].replace(",", ".")), over_base=found["base"] is not None)


def write_rate(rate: Rate) -> str:
    """Write a rate so that `read_rate` reads it."""
    return f"{'base + ' if rate.over_base else ''}{rate.points:f} %"


def check_agreed(kind: ClaimKind | None, agreed: Rate | None) -> None:
    """Refuse what may not be agreed: a consumer's loan in default bears no more than the law says; raises ValueError.

    A fixed rate could be more, whenever the base rate falls (§§497(1), 512 BGB).
    """
    if kind is not None and agreed is not None and _too_much(kind, agreed):
        raise ValueError(
            f"a {kind.value.replace('_', ' ')} in default bears no more than {write_rate(_LOANS[kind])} (§ 497 BGB); "
            'write a lower one over the base rate, or "" for the law\'s'
        )


def bearing(kind: ClaimKind, agreed: Rate | None, *, consumer_involved: bool, arose_on: date) -> Bearing:
    """Answer which rate a claim bears: what was agreed for it, else the law's; of a loan never more than the law's."""
    if agreed is not None and not _too_much(kind, agreed):
        return Bearing(agreed, RateBasis.CONTRACT, kind.of_loan)
    if kind.of_loan:
        return Bearing(_LOANS[kind], RateBasis(kind.value), loan=True)
    service = kind is ClaimKind.SERVICE
    rate = statutory(consumer_involved=consumer_involved, payment_for_service=service, arose_on=arose_on)
    if consumer_involved or not service:
        return Bearing(rate, RateBasis.CONSUMER if consumer_involved else RateBasis.NO_SERVICE)
    return Bearing(rate, RateBasis.BUSINESS if under_new_law(arose_on) else RateBasis.BUSINESS_UNTIL_2014)


def _too_much(kind: ClaimKind, agreed: Rate) -> bool:
    return kind in _LOANS and (not agreed.over_base or agreed.points > _LOANS[kind].points)
