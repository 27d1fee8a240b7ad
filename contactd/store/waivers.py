"""Which invoices an agreement is for; what is waived once a plan or settlement is kept is posted (giving_up.py).

Whoever writes here has locked the account.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.schema import invoice
from contactd.store.schema_notices import waiver


def name(connection: Connection, agreement_id: int, account_id: int) -> None:
    """Note for which invoices an agreement is: those of the account that are open now and not disputed."""
    mine = (invoice.c.account_id == account_id, invoice.c.open > 0, sa.not_(invoice.c.disputed))
    chosen = sa.select(sa.literal(agreement_id, sa.BigInteger), invoice.c.id, invoice.c.taken_off).where(*mine)
    connection.execute(sa.insert(waiver).from_select(["agreement_id", "invoice_id", "taken_off"], chosen))


def open_of(connection: Connection, agreement_id: int) -> int:
    """Sum up what is open of the invoices a settlement is for, in minor units."""
    chosen = sa.select(sa.func.coalesce(sa.func.sum(invoice.c.open), 0))
    chosen = chosen.join_from(waiver, invoice, invoice.c.id == waiver.c.invoice_id)
    return int(connection.scalar(chosen.where(waiver.c.agreement_id == agreement_id, invoice.c.open > 0)) or 0)


def numbers(connection: Connection, agreement_id: int) -> set[str]:
    """Read the numbers of the invoices an agreement is for."""
    chosen = sa.select(invoice.c.invoice_no).join_from(waiver, invoice, invoice.c.id == waiver.c.invoice_id)
    return set(connection.scalars(chosen.where(waiver.c.agreement_id == agreement_id)))
