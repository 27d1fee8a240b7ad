"""What bank statements are matched against, and the payments nobody has been found for; for intake/banking.py.

Amounts are minor units of the account's currency.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.bank import Entry
from contactd.domain.books import Books, Debtor, Item, Paid, open_books
from contactd.domain.errors import InputError
from contactd.store.among import among
from contactd.store.raw import driver_rows, raw_rows
from contactd.store.schema import account, invoice, payment


@dataclass(frozen=True, slots=True)
class Place:
    """Where a payment belongs, by the words a list would have: creditor, account number, invoice number."""

    creditor: str
    account_no: str
    currency: str


def books(connection: Connection, *, guessing: bool, returns: bool) -> Books:
    """Lay out every account and invoice to be looked up in; `guessing`: for suggestions as well.

    `returns`: with every payment, for only what takes one back asks for them.
    """
    name = account.c.name if guessing else sa.literal("")
    owners = sa.select(account.c.id, account.c.account_no, account.c.currency, account.c.creditor, name)
    items = sa.select(invoice.c.id, invoice.c.account_id, invoice.c.invoice_no, invoice.c.open)
    paid = sa.select(
        payment.c.fingerprint, payment.c.account_id, payment.c.amount, payment.c.end_to_end_id, payment.c.iban
    ).where(payment.c.account_id.is_not(None), payment.c.amount > 0)
    return open_books(
        _debtors(connection, owners.order_by(account.c.id)),
        map(Item._make, driver_rows(connection, items.order_by(invoice.c.account_id, invoice.c.id))),
        map(Paid._make, driver_rows(connection, paid.order_by(payment.c.id))) if returns else (),
        guessing=guessing,
    )


def _debtors(connection: Connection, owners: sa.Select[*tuple[Any, ...]]) -> Iterator[Debtor]:
    """Give the accounts with the IBANs they paid from; both come in the order of the accounts, none is kept."""
    known = sa.select(payment.c.account_id, payment.c.iban).where(payment.c.iban != "", payment.c.amount > 0)
    known = known.where(payment.c.account_id.is_not(None)).distinct().order_by(payment.c.account_id, payment.c.iban)
    payers = groupby(driver_rows(connection, known), itemgetter(0))
    payer, rows = next(payers, (None, None))
    for row in driver_rows(connection, owners):
        ibans: Sequence[str] = ()
        if rows is not None and payer == row[0]:
            ibans = [iban for _, iban in rows]
            payer, rows = next(payers, (None, None))
        number, account_no, currency, creditor, name = row
        yield Debtor(number, account_no, currency, creditor, name, ibans=ibans)


def places(connection: Connection, account_ids: Collection[int]) -> dict[int, Place]:
    """Read how lists call these accounts."""
    chosen = sa.select(account.c.id, account.c.creditor, account.c.account_no, account.c.currency)
    rows = raw_rows(connection, chosen.where(among(connection, account.c.id, account_ids)))
    return {row[0]: Place(*row[1:]) for row in rows}


def invoice_numbers(connection: Connection, invoice_ids: Collection[int]) -> dict[int, str]:
    """Read the numbers of these invoices."""
    chosen = sa.select(invoice.c.id, invoice.c.invoice_no).where(among(connection, invoice.c.id, invoice_ids))
    return {row[0]: row[1] for row in raw_rows(connection, chosen)}


def known(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Tell which payments are there already, by key, with the invoice each names."""
    chosen = sa.select(payment.c.fingerprint, payment.c.invoice_no)
    rows = raw_rows(connection, chosen.where(among(connection, payment.c.fingerprint, keys)))
    return {row[0]: row[1] for row in rows}


def numbers(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Read the numbers of payments, by key."""
    chosen = sa.select(payment.c.fingerprint, payment.c.id)
    rows = raw_rows(connection, chosen.where(among(connection, payment.c.fingerprint, keys)))
    return {row[0]: row[1] for row in rows}


def last_received(connection: Connection, keys: Collection[str]) -> datetime | None:
    """Answer when the newest of these payments came in; None where there is none of them."""
    came = sa.type_coerce(sa.func.max(payment.c.received_at), payment.c.received_at.type)
    return connection.scalar(sa.select(came).where(among(connection, payment.c.fingerprint, keys)))


def waiting(connection: Connection, payment_id: int | None = None) -> list[Row[Any]]:
    """List the payments nobody has been found for, the oldest first; or the one asked for."""
    chosen = sa.select(payment).where(payment.c.account_id.is_(None)).order_by(payment.c.value_date, payment.c.id)
    return list(connection.execute(chosen if payment_id is None else chosen.where(payment.c.id == payment_id)))


def entry_of(row: Row[Any]) -> Entry:
    """Make of a waiting payment what the bank told of it, to be matched again."""
    day: date = row.value_date
    return Entry(
        row.fingerprint, 0, 0, row.amount, row.currency, day, day, (row.reference,), end_to_end_id=row.end_to_end_id,
        name=row.payer, iban=row.iban, takes_back=row.amount < 0,
    )  # fmt: skip


def has_invoice(connection: Connection, account_id: int, invoice_no: str) -> bool:
    """Tell whether an account has an invoice of that number."""
    mine = sa.select(invoice.c.id).where(invoice.c.account_id == account_id, invoice.c.invoice_no == invoice_no)
    return connection.scalar(mine) is not None


def name_owner(connection: Connection, payment_id: int, owner: Place, invoice_no: str) -> None:
    """Say whose a waiting payment is, so that it finds its account; raises InputError when it waits no more."""
    mine = sa.update(payment).where(payment.c.id == payment_id, payment.c.account_id.is_(None))
    values = {"creditor": owner.creditor, "account_no": owner.account_no, "invoice_no": invoice_no}
    if not connection.execute(mine.values(values)).rowcount:
        raise InputError(f"payment {payment_id} waits no more; contactd payments unmatched lists those that do")
