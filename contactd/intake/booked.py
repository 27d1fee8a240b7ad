"""What the readers of bank statements tell, in this order: a head, entries and faults, a tail. For intake only."""

import re
from functools import lru_cache
from typing import NamedTuple

from contactd.domain.bank import Entry
from contactd.domain.errors import InputError
from contactd.domain.reference import remainder
from contactd.intake.values import MACHINE

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
# What banks write where they have nothing to write.
_NOTHING = {"NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOTAVAILABLE", "KEINE"}


class Head(NamedTuple):
    """Where a statement, or one more page of it, begins."""

    line: int
    format: str
    number: str
    account: str
    currency: str
    page: int = 1


class Tail(NamedTuple):
    """Where a page ends: its balances as far as they are told, the sum of what is booked, how many entries are not.

    `last`: no other page follows.
    """

    opening: int | None
    closing: int | None
    total: int
    pending: int = 0
    last: bool = True


class Fault(NamedTuple):
    """Why nothing of the statement may be taken."""

    line: int
    reason: str


Told = Head | Entry | Tail | Fault


def reference(text: str) -> str:
    """Read an id of the bank or the payer; empty for the words that mean none."""
    if not text:
        return text
    text = text.strip()
    return "" if text.upper() in _NOTHING or not text.strip("0") else text


@lru_cache(maxsize=1_024)
def iban(text: str) -> str:
    """Read an IBAN; empty when it is none, like an account number of old."""
    tidy = text.replace(" ", "").upper()
    return tidy if _IBAN.fullmatch(tidy) and remainder(tidy[4:] + tidy[:4]) == 1 else ""


def amount(text: str, currency: str) -> int:
    """Read an amount without a sign; raises ValueError."""
    minor = MACHINE.read_amount(text.strip(), currency)
    if minor < 0:
        raise ValueError(f'"{text}" has a sign')
    return minor


def unusable(path: object, line: int, text: str) -> InputError:
    """Make the error for a file of which nothing can be taken."""
    return InputError(f"{path}: line {line}: {text}" if line else f"{path}: {text}")
