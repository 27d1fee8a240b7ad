"""What the creditor took off disputed invoices since they were disputed: the credit that follows from being right.

A list says it of the invoice itself: it shows less of it, and no payment explains that; up to the disputed sum this is
a credit rather than money nobody told of (allocations.py), as long as nobody was found wrong. A write-off names its
invoice.
A credit note with a number of its own names none: lists have no column for it, and which of several invoices it is for
would be a guess. It counts for the account, and is shown beside no dispute.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.agreement import ALIVE, State
from contactd.domain.appropriation import Part
from contactd.domain.posting import Kind
from contactd.store import postings
from contactd.store.agreements import Stored
from contactd.store.among import among
from contactd.store.schema import invoice

_CONTESTED = ALIVE | {State.UPHELD}


@dataclass(frozen=True, slots=True)
class Credit:
    """Minor units that a list (`posting` 0) or a posting took off; `on` None: no list says since when."""

    on: date | None
    amount: int
    posting: int = 0


def since_disputed(connection: Connection, stored: Iterable[Stored]) -> dict[int, list[Credit]]:
    """Answer, by dispute, what was taken off its invoice since; those of which nothing was are left out."""
    disputes = [one for one in stored if one.billed is not None and one.agreed.state in _CONTESTED]
    found: dict[int, list[Credit]] = defaultdict(list)
    if not disputes:
        return found
    columns = invoice.c.id, invoice.c.amount, invoice.c.taken_off, invoice.c.taken_off_on
    mine = among(connection, invoice.c.id, {one.invoice_id for one in disputes if one.invoice_id})
    invoices = {row.id: row for row in connection.execute(sa.select(*columns).where(mine))}
    write_offs = {
        account_id: [one for one in booked if one.posted.kind is Kind.WRITE_OFF and one.posted.part is Part.PRINCIPAL]
        for account_id, booked in postings.of_accounts(connection, {one.account_id for one in disputes}).items()
    }
    for one in disputes:
        row = invoices[one.invoice_id or 0]
        less = min((one.billed or 0) - (row.amount - row.taken_off), one.amount)
        if less > 0:
            found[one.id].append(Credit(row.taken_off_on if row.taken_off else None, less))
        found[one.id] += [
            Credit(known.posted.on, known.posted.amount, known.posted.id)
            for known in write_offs.get(one.account_id, [])
            if known.invoice_id == one.invoice_id and known.at > one.made_at and known.reversed_by is None
        ]
    return found
