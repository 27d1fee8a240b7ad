"""What settlements waive: the invoices each is for, and how much of each was waived when it was kept.

Whoever writes here has locked the account. A waived rest is no longer open of its invoice; what it was stands here, so
that it is asked for again when the money that kept the settlement goes back.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store import accounts
from contactd.store.schema import invoice
from contactd.store.schema_notices import waiver


def name(connection: Connection, agreement_id: int, account_id: int) -> None:
    """Note for which invoices a settlement is: those of the account that are open now and not disputed."""
    mine = (invoice.c.account_id == account_id, invoice.c.open > 0, sa.not_(invoice.c.disputed))
    chosen = sa.select(sa.literal(agreement_id, sa.BigInteger), invoice.c.id).where(*mine)
    connection.execute(sa.insert(waiver).from_select(["agreement_id", "invoice_id"], chosen))


def open_of(connection: Connection, agreement_id: int) -> int:
    """Sum up what is open of the invoices a settlement is for, in minor units."""
    chosen = sa.select(sa.func.coalesce(sa.func.sum(invoice.c.open), 0))
    chosen = chosen.join_from(waiver, invoice, invoice.c.id == waiver.c.invoice_id)
    return int(connection.scalar(chosen.where(waiver.c.agreement_id == agreement_id, invoice.c.open > 0)) or 0)


def waive(connection: Connection, agreement_id: int, account_id: int, now: datetime) -> int:
    """Waive what is still open of the invoices a settlement is for; answers how much."""
    mine = sa.select(invoice.c.id, invoice.c.open).join_from(waiver, invoice, invoice.c.id == waiver.c.invoice_id)
    mine = mine.where(waiver.c.agreement_id == agreement_id, invoice.c.open > 0, sa.not_(invoice.c.disputed))
    rests = [{"b_invoice": row.id, "b_rest": row.open} for row in connection.execute(mine.order_by(invoice.c.id))]
    if not rests:
        return 0
    of = (waiver.c.agreement_id == agreement_id, waiver.c.invoice_id == sa.bindparam("b_invoice"))
    connection.execute(sa.update(waiver).where(*of).values(amount=sa.bindparam("b_rest")), rests)
    at = sa.literal(now, invoice.c.cleared_at.type)
    this = invoice.c.id == sa.bindparam("b_invoice")
    connection.execute(sa.update(invoice).where(this).values(open=0, cleared_at=at), [
        {"b_invoice": one["b_invoice"]} for one in rests
    ])  # fmt: skip
    accounts.refresh(connection, [account_id], now)
    return sum(int(one["b_rest"]) for one in rests)


def take_back(connection: Connection, agreement_id: int, account_id: int, now: datetime) -> int:
    """Let what was waived be owed again, as far as the invoices have room for it; answers how much."""
    mine = sa.select(invoice.c.id, invoice.c.open, invoice.c.amount, waiver.c.amount.label("waived"))
    mine = mine.join_from(waiver, invoice, invoice.c.id == waiver.c.invoice_id)
    mine = mine.where(waiver.c.agreement_id == agreement_id, waiver.c.amount > 0).order_by(invoice.c.id)
    found = connection.execute(mine).all()
    back = [{"b_invoice": row.id, "b_rest": min(row.waived, max(row.amount - row.open, 0))} for row in found]
    if not back:
        return 0
    connection.execute(sa.update(waiver).where(waiver.c.agreement_id == agreement_id).values(amount=0))
    this, more = invoice.c.id == sa.bindparam("b_invoice"), sa.bindparam("b_rest", type_=sa.BigInteger)
    connection.execute(sa.update(invoice).where(this).values(open=invoice.c.open + more, cleared_at=None), back)
    accounts.refresh(connection, [account_id], now)
    return sum(int(one["b_rest"]) for one in back)
