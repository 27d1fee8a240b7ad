"""Money on invoices it does not name is a guess: it goes where lists, or other payments, show that it went.

What a payment names goes before a guess. Money that went elsewhere because a guess covered what it names first
changes places with that. Then guessed money that pays what a list shows as open explains what lists took off other
invoices, and what it paid is open again. It is done after a list, and after payments where both are found: so they
come to the same, whichever came first.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.allocations import Guess, Ledger, Money, ledger
from contactd.store.among import among
from contactd.store.schema import allocation, invoice, payment


def to_reconcile(connection: Connection) -> list[int]:
    """Find the accounts with a guess that may give way.

    That is money on an invoice it does not name, beyond what the last list showed of that, which a list may have known
    when it took something off another, or which first changes places with money that it may have known.
    """
    listed, guessed = invoice.alias("listed"), invoice.alias("guessed")
    may = (
        sa.select(listed.c.account_id)
        .select_from(listed)
        .join(guessed, sa.and_(guessed.c.account_id == listed.c.account_id, guessed.c.id != listed.c.id))
        .join(allocation, sa.and_(allocation.c.invoice_id == guessed.c.id, allocation.c.amount > 0))
        .join(payment, payment.c.id == allocation.c.payment_id)
        .where(listed.c.taken_off > 0)
        .where(sa.or_(payment.c.value_date <= listed.c.taken_off_on, payment.c.invoice_no != ""))
        .where(payment.c.invoice_no != guessed.c.invoice_no, guessed.c.imported_open > guessed.c.open)
    )
    return list(connection.scalars(may.distinct().order_by(listed.c.account_id)))


def reconcile(connection: Connection, account_ids: Collection[int], now: datetime) -> None:
    """Lay guessed money of locked accounts where lists show that it went."""
    if not account_ids:
        return
    book = ledger(connection, account_ids)
    for account_id, guesses in _guesses(connection, account_ids, book).items():
        book.change_places(guesses)
        book.give_way(account_id, guesses)
    book.write(connection, now)


def _guesses(connection: Connection, account_ids: Collection[int], book: Ledger) -> dict[int, list[Guess]]:
    """Read, per account, the money that covers invoices it does not name, the last first."""
    part = sa.func.sum(allocation.c.amount)
    named = invoice.alias()
    statement = (
        sa.select(
            payment.c.account_id, payment.c.id, payment.c.credited, payment.c.value_date, invoice.c.id,
            sa.cast(part, sa.BigInteger), named.c.id,
        )
        .join_from(allocation, payment)
        .join(invoice, invoice.c.id == allocation.c.invoice_id)
        .outerjoin(
            named, sa.and_(named.c.account_id == payment.c.account_id, named.c.invoice_no == payment.c.invoice_no)
        )
        .where(among(connection, payment.c.account_id, account_ids), payment.c.invoice_no != invoice.c.invoice_no)
        .group_by(payment.c.id, invoice.c.id, named.c.id)
        .having(part > 0)
        .order_by(sa.func.max(allocation.c.id).desc())
    )  # fmt: skip
    monies = {money.id: money for unspent in book.unspent.values() for money in unspent}
    found: dict[int, list[Guess]] = defaultdict(list)
    for account_id, payment_id, credited, value_on, invoice_id, amount, named_id in connection.execute(statement):
        money = monies.setdefault(payment_id, Money(payment_id, credited, value_on, credited))
        found[account_id].append(Guess(money, invoice_id, amount, named_id))
    return found
