"""Claims that will soon be statute-barred (verjährt, §§195 to 213 BGB): found in time for whoever has to act."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from contactd.domain.limitation import limitation
from contactd.engine.claims import Owed, Terms
from contactd.store import ledgers

_YOUNGEST = 2  # whole calendar years a claim has at least: what fell due later cannot run out yet
_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Expiring:
    """An invoice, what is open of its principal in minor units, and the last day on which it can be enforced."""

    creditor: str
    account: str
    currency: str
    claim: str
    due_on: date
    principal: int
    last_day: date


def expiring(connection: sa.Connection, terms: Terms, today: date, within: int) -> Iterator[Expiring]:
    """List the claims that run out within so many days or have run out, by account."""
    born = date((today + timedelta(days=within)).year - _YOUNGEST, 1, 1)
    ids = ledgers.with_open_due_before(connection, born)
    for start in range(0, len(ids), _AT_A_TIME):
        for books in ledgers.read(connection, ids[start : start + _AT_A_TIME]):
            yield from _of(terms.owed(books, today), terms, today, within)


def _of(owed: Owed, terms: Terms, today: date, within: int) -> Iterator[Expiring]:
    books, holidays = owed.books, terms.holidays_of(owed.books)
    for claim, balance in owed.claims():
        if not balance.principal:
            continue
        # A part payment acknowledges the debt (§212(1) Nr. 1 BGB).
        paid = {one.on for one in owed.statement.allocations if one.claim == claim.id}
        ends = limitation(claim.due_on, holidays, restarts=paid)
        if ends.last_day is not None and ends.runs_out_within(within, today):
            yield Expiring(
                books.creditor, books.number, books.currency, claim.id, claim.due_on, balance.principal, ends.last_day
            )
