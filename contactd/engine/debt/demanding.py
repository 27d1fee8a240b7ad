"""What a letter with `claim = "all"` asks for: the invoices, and the interest and costs of whoever is in default.

The gate reads what is owed in the transaction that begins the letter; the composer makes rows of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa

from contactd.channels.base import Demand, NoticeInvoice
from contactd.domain.account import Invoice
from contactd.domain.appropriation import COMMON
from contactd.domain.claim_terms import Bearing, RateBasis
from contactd.domain.ledger import Claim, Cost
from contactd.domain.money import Money
from contactd.domain.statement import Balance
from contactd.engine.debt.claims import Owed, Terms
from contactd.store import ledgers


@dataclass(frozen=True, slots=True)
class Reminding:
    """A reminder of today that is about to be sent: its fee, and the invoices it asks for."""

    today: date
    fee: int
    undisputed: Sequence[Invoice]


def owed_on(connection: sa.Connection, reminding: Mapping[int, Reminding], terms: Terms) -> dict[int, Owed]:
    """Derive what accounts owe with the reminders that go to them.

    The fee is charged when something the reminder asks for is in default already: none for one that brings it about.
    """
    found: dict[int, Owed] = {}
    for books in ledgers.read(connection, reminding):
        one = reminding[books.account_id]
        owed = terms.owed(books, one.today)
        if one.fee and _in_default(owed, one):
            owed = terms.owed(books, one.today, one.fee)
        found[books.account_id] = owed
    return found


def demanded(
    owed: Owed | None, invoices: list[NoticeInvoice], undisputed: Sequence[Invoice], today: date
) -> tuple[list[NoticeInvoice], Demand | None]:
    """Answer the invoices of a letter with what is open of each by law, and what is asked for beside them.

    As they are, and nothing beside, where nobody is in default. What is disputed or not due yet is not asked for.
    """
    if owed is None:
        return invoices, None
    chosen = _chosen(owed, {one.number for one in undisputed}, today)
    if not owed.fee and not any(balance.segments for _, balance in chosen):
        return invoices, None
    bearing = [one for _, one in chosen if one.interest]
    lines = [(one.claim, line) for one in bearing for line in one.segments]
    ids = {claim.id for claim, _ in chosen} | {COMMON}
    derived = owed.statement
    demand = Demand(
        principal=sum(one.principal for _, one in chosen),
        lines=lines,
        interest=sum(one.interest for one in bearing),
        costs=sorted((one for one in owed.ledger.costs_until(derived.as_of) if one.claim in ids), key=_charged_on),
        open_costs=sum(one.costs for one in derived.balances if one.claim in ids),
        rates=[(one.claim, bears) for one in bearing if (bears := owed.bearings[one.claim]).loan or _agreed(bears)],
        known_until=owed.known_until if any(line.provisional for _, line in lines) else None,
    )
    return list(_rows(owed, chosen, invoices)), demand


def _in_default(owed: Owed, one: Reminding) -> bool:
    return any(
        balance.principal and (default := owed.defaults.get(claim.id)) and default.interest_from <= one.today
        for claim, balance in _chosen(owed, {invoice.number for invoice in one.undisputed}, one.today)
    )


def _chosen(owed: Owed, undisputed: set[str], today: date) -> list[tuple[Claim, Balance]]:
    """Choose the claims that are asked for; one with nothing open on the list may still owe its interest."""
    left_out = {one.number for one in owed.books.invoices if one.open > 0 and one.number not in undisputed}
    return [
        (claim, balance)
        for claim, balance in owed.claims()
        if claim.due_on < today and claim.id not in left_out and balance.open
    ]


def _rows(
    owed: Owed, chosen: Iterable[tuple[Claim, Balance]], invoices: Iterable[NoticeInvoice]
) -> Iterator[NoticeInvoice]:
    """Give each invoice what is left of it by law: what came in may have gone to costs and interest first."""
    known, currency = {one.number: one for one in invoices}, owed.books.currency
    for claim, balance in chosen:
        if balance.principal:
            amount, left = Money(claim.principal, currency), Money(balance.principal, currency)
            days = (owed.statement.as_of - claim.due_on).days
            row = known.get(claim.id) or NoticeInvoice(claim.id, claim.arose_on, claim.due_on, amount, left, days)
            yield replace(row, open=left)


def _agreed(bears: Bearing) -> bool:
    return bears.basis is RateBasis.CONTRACT


def _charged_on(cost: Cost) -> date:
    return cost.on
