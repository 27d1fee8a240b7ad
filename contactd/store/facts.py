"""Everything the rules may look at, read set by set: one builder for planner, gate and `why`."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Account, Facts, Hold, Invoice, Kind, Phone
from contactd.store.among import among
from contactd.store.asked import Asked
from contactd.store.history import History, Known
from contactd.store.raw import day, instant, maker, raw_rows
from contactd.store.schema import account, import_run, invoice

_ADDRESSES = ("email", "phone", "mobile")
# A row names who it is, how much is open and what stands against a contact; then comes what is alike for many.
_OWN = (
    "id", "customer_id", "email", "phone", "mobile", "account_no", "name", "case_no", "open", "credit", "hold_reason",
    "hold_until", "last_payment_at",
)  # fmt: skip
_SHARED = (
    "creditor", "currency", "kind", "language", "timezone", "country", "region", "segment", "phone_type", "phone_zones",
    "mobile_type", "mobile_zones", "oldest_due", "disputed",
)  # fmt: skip
SHARED = slice(
    len(_OWN), len(_OWN) + len(_SHARED) + 1 + len(_ADDRESSES)
)  # of a row: all else that ladder and rules look at
_KINDS = {kind.value: kind for kind in Kind}


def load(
    connection: Connection,
    account_ids: Collection[int],
    *,
    campaign: str | None,
    since: datetime,
    today: date | None = None,
) -> dict[int, Facts]:
    """Read the facts of accounts; without `today` all that is open is overdue, without `campaign` no try is read."""
    if today is None:
        rows = _BY_ID.rows(connection, ids=list(account_ids))
    else:
        rows = raw_rows(connection, accounts(today).where(among(connection, account.c.id, account_ids)))
    known, fresh = History(connection, campaign, since).of(rows), payments_as_of(connection)
    return {row[0]: facts_of(row, known, fresh) for row in rows}


def invoices(connection: Connection, account_ids: Collection[int]) -> dict[int, list[Invoice]]:
    """List the open, undisputed invoices of accounts, oldest first; an account without any is left out."""
    found: dict[int, list[Invoice]] = {}
    for row in _INVOICES.rows(connection, ids=list(account_ids)):
        made = _make_invoice(row[1], day(row[2]), day(row[3]), *row[4:], False)
        found.setdefault(row[0], []).append(made)
    return found


def payments_as_of(connection: Connection) -> datetime | None:
    """Answer up to when payments are known: the end of the newest import of them."""
    return instant(_PAYMENTS_AS_OF.rows(connection)[0][0])


def accounts(today: date | None) -> sa.Select[Any]:
    """Select the rows of which `facts_of` makes facts; without `today` all that is open is overdue."""
    overdue: sa.ColumnElement[Any] = account.c.open
    if today is not None:
        overdue = (
            sa.select(sa.func.sum(invoice.c.open))
            .where(invoice.c.account_id == account.c.id, invoice.c.open > 0)
            .where(sa.not_(invoice.c.disputed), invoice.c.due_date < today)
            .scalar_subquery()
        )
    postal = sa.and_(account.c.street != "", account.c.city != "")
    reachable = [postal.label("postal"), *((account.c[name] != "").label(f"has_{name}") for name in _ADDRESSES)]
    return sa.select(*(account.c[name] for name in (*_OWN, *_SHARED)), *reachable, overdue.label("overdue"))


def facts_of(row: Sequence[Any], known: Known, fresh: datetime | None) -> Facts:
    """Make the facts of an account whose history is among the known."""
    (
        number, customer, email, phone, mobile, account_no, name, case_no, owed, credit, hold, hold_until, paid_at,
        creditor, currency, kind, language, timezone, country, region, segment, phone_type, phone_zones, mobile_type,
        mobile_zones, oldest_due, disputed, postal, _, _, _, overdue, *_,
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
        net(overdue, owed, credit),
        day(oldest_due),
        bool(disputed),
        instant(paid_at),
        fresh,
        Hold(hold, day(hold_until)) if hold else None,
        known.suppressions(customer, email, phone, mobile),
        known.contacts.get(customer, ()),
        known.tries.get((number, case_no), ()),
    )


def net(overdue: int | None, owed: int, credit: int) -> int:
    """Answer what is overdue, in minor units, net of credit and never more than is owed."""
    return owed if overdue == owed else min(owed, max(int(overdue or 0) - max(credit, 0), 0))


_make_facts = maker(Facts)
_make_account = maker(Account)
_make_phone = maker(Phone)
_make_invoice = maker(Invoice)


@lru_cache(maxsize=1024)
def _zones(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BY_ID = Asked(lambda among: accounts(None).where(among(account.c.id, "ids")))
_INVOICES = Asked(
    lambda among: sa.select(
        invoice.c.account_id, invoice.c.invoice_no, invoice.c.invoice_date, invoice.c.due_date, invoice.c.amount,
        invoice.c.open, invoice.c.goods, invoice.c.terms,
    )
    .where(among(invoice.c.account_id, "ids"), invoice.c.open > 0, sa.not_(invoice.c.disputed))
    .order_by(invoice.c.due_date, invoice.c.id)
)  # fmt: skip
_PAYMENTS_AS_OF = Asked(
    lambda _: sa.select(sa.func.max(import_run.c.finished_at)).where(import_run.c.kind == "payments")
)
