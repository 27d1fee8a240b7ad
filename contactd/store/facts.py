"""Everything the rules may look at, read set by set: one builder for planner, gate and `why`."""

from collections.abc import Collection, Container, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Account, Facts, Hold, Invoice, Kind, Phone, PostalAddress
from contactd.store import history, returned
from contactd.store.among import Stated
from contactd.store.history import Known
from contactd.store.raw import day, instant, maker
from contactd.store.schema import account, import_run, invoice

_ADDRESSES = ("email", "phone", "mobile")
# A row names who it is, how much is open and what stands against a contact; then comes what is alike for many.
_OWN = [
    account.c[name]
    for name in (
        "id", "customer_id", "email", "phone", "mobile", "account_no", "name", "case_no", "open", "credit",
        "hold_reason", "hold_until", "last_payment_at",
    )
]  # fmt: skip
# All else that ladder and rules look at.
SHARED = [
    *(
        account.c[name]
        for name in (
            "creditor", "currency", "kind", "language", "timezone", "country", "region", "segment", "phone_type",
            "phone_zones", "mobile_type", "mobile_zones", "oldest_due", "disputed",
        )
    ),
    sa.and_(account.c.street != "", account.c.city != "", sa.not_(returned.is_bad())).label("postal"),
    *((account.c[name] != "").label(f"has_{name}") for name in _ADDRESSES),
]  # fmt: skip
_KINDS = {kind.value: kind for kind in Kind}


def load(
    connection: Connection,
    account_ids: Collection[int],
    *,
    campaign: str | None,
    since: datetime,
    today: date | None = None,
    eventful: Container[int] | None = None,
) -> dict[int, Facts]:
    """Read the facts of accounts; without `today` all that is open is overdue, without `campaign` no try is read.

    What happened before is read of the eventful ones only, of all unless they are given.
    """
    if not account_ids:
        return {}
    if today is None:
        rows = _BY_ID.rows(connection, keys=list(account_ids))
    else:
        rows = list(_OF_TODAY(connection, account_ids, today=today).cursor.fetchall())
    some = rows if eventful is None else [row for row in rows if row[0] in eventful]
    known, fresh = history.known(connection, campaign, since, some), instant(_PAYMENTS_AS_OF.rows(connection)[0][0])
    return {row[0]: _facts(row, known, fresh) for row in rows}


def invoices(connection: Connection, account_ids: Collection[int]) -> dict[int, list[Invoice]]:
    """List the open, undisputed invoices of accounts, oldest first; an account without any is left out."""
    found: dict[int, list[Invoice]] = {}
    for row in _INVOICES.rows(connection, keys=list(account_ids)):
        contracted = day(row[8]) if row[8] else None
        made = _make_invoice(row[1], day(row[2]), day(row[3]), *row[4:8], contracted, False)
        found.setdefault(row[0], []).append(made)
    return found


def postal_addresses(connection: Connection, account_ids: Collection[int]) -> dict[int, PostalAddress]:
    """Read where letters to accounts go."""
    return {row[0]: PostalAddress(*row[1:]) for row in _POSTAL.rows(connection, keys=list(account_ids))}


def overdue() -> sa.ColumnElement[int | None]:
    """Sum up what is due before the parameter `today`, in minor units, of an account's open and undisputed invoices."""
    return (
        sa.select(sa.func.sum(invoice.c.open))
        .where(invoice.c.account_id == account.c.id, invoice.c.open > 0)
        .where(sa.not_(invoice.c.disputed), invoice.c.due_date < sa.bindparam("today", type_=sa.Date()))
        .scalar_subquery()
        .label("overdue")
    )


def _facts(row: Sequence[Any], known: Known, fresh: datetime | None) -> Facts:
    (
        number, customer, email, phone, mobile, account_no, name, case_no, owed, credit, hold, hold_until, paid_at,
        creditor, currency, kind, language, timezone, country, region, segment, phone_type, phone_zones, mobile_type,
        mobile_zones, oldest_due, disputed, postal, _, _, _, due,
    ) = row  # fmt: skip
    owner = _make_account(
        number, customer, creditor, account_no, currency, name, _KINDS[kind], language, timezone, country, region,
        segment, email,
        _make_phone(phone, phone_type or "unknown", _zones(phone_zones)) if phone else None,
        _make_phone(mobile, mobile_type or "unknown", _zones(mobile_zones)) if mobile else None,
        bool(postal), case_no,
    )  # fmt: skip
    return _make_facts(
        owner,
        owed,
        net(due, owed, credit),
        day(oldest_due),
        bool(disputed),
        instant(paid_at),
        fresh,
        Hold(hold, day(hold_until)) if hold else None,
        known.suppressions(customer, email, phone, mobile),
        known.contacts.get(customer, ()),
        known.tries.get((number, case_no), ()),
        None,
        None,
    )


def net(due: int | None, owed: int, credit: int) -> int:
    """Answer what is overdue, in minor units, net of credit and never more than is owed."""
    return owed if due == owed else min(owed, max(int(due or 0) - max(credit, 0), 0))


_make_facts = maker(Facts)
_make_account = maker(Account)
_make_phone = maker(Phone)
_make_invoice = maker(Invoice)


@lru_cache(maxsize=1024)
def _zones(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_OF_TODAY = Stated(lambda among: sa.select(*_OWN, *SHARED, overdue()).where(among(account.c.id)))
_BY_ID = Stated(lambda among: sa.select(*_OWN, *SHARED, account.c.open).where(among(account.c.id)))
_INVOICES = Stated(
    lambda among: sa.select(
        invoice.c.account_id, invoice.c.invoice_no, invoice.c.invoice_date, invoice.c.due_date, invoice.c.amount,
        invoice.c.open, invoice.c.goods, invoice.c.terms, invoice.c.contract_date,
    )
    .where(among(invoice.c.account_id), invoice.c.open > 0, sa.not_(invoice.c.disputed))
    .order_by(invoice.c.due_date, invoice.c.id)
)  # fmt: skip
_PAYMENTS_AS_OF = Stated(
    lambda _: sa.select(sa.func.max(import_run.c.finished_at)).where(import_run.c.kind == "payments")
)
_POSTAL = Stated(
    lambda among: sa.select(
        account.c.id, account.c.street, account.c.postcode, account.c.city, account.c.country
    ).where(among(account.c.id))
)
