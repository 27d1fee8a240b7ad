"""Postings by hand: rows are added, never changed, each with its line in the contact log; for engine.

Whoever adds one has locked the account. Amounts are minor units of the account's currency.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.appropriation import COMMON, Part
from contactd.domain.money import Money
from contactd.domain.posting import Kind, Posting
from contactd.store import accounts, contact_log
from contactd.store.among import Keyed, Stated, among
from contactd.store.schema import account, invoice
from contactd.store.schema_escalation import posting

BY_ITSELF = "contactd"  # who posted, where facts did


@dataclass(frozen=True, slots=True)
class Booked:
    """A posting with its place in the books; `laid` is what it took off the invoice's open amount."""

    account_id: int
    posted: Posting
    at: datetime
    by: str
    laid: int = 0
    invoice_id: int | None = None
    reversed_by: int | None = None


def add(connection: Connection, new: Booked) -> int:
    """Write a posting, lay a write-off or its reversal against the invoice, and log it; answers its id."""
    posted = new.posted
    values = {
        "account_id": new.account_id, "at": new.at, "by": new.by, "kind": posted.kind.value, "value_date": posted.on,
        "amount": posted.amount, "invoice_id": new.invoice_id, "part": posted.part.value if posted.part else "",
        "purpose": posted.purpose, "laid": new.laid, "reason": posted.reason, "reverses": posted.reverses,
    }  # fmt: skip
    number: int = connection.execute(sa.insert(posting).values(values).returning(posting.c.id)).scalar_one()
    if new.laid:
        rest = invoice.c.open - new.laid
        cleared = sa.case((rest == 0, sa.literal(new.at, invoice.c.cleared_at.type)), else_=sa.null())
        changed = sa.update(invoice).where(invoice.c.id == new.invoice_id)
        connection.execute(changed.values(open=rest, cleared_at=cleared))
        accounts.refresh(connection, [new.account_id], new.at)
    currency = connection.execute(sa.select(account.c.currency).where(account.c.id == new.account_id)).scalar_one()
    details = {
        "posting": number, "kind": posted.kind.value, "on": posted.on.isoformat(), "invoice": posted.claim,
        "part": values["part"], "purpose": posted.purpose, "reverses": posted.reverses, "by": new.by,
    }  # fmt: skip
    words = f"{posted.kind.value} {number}: {Money(posted.amount, currency)}, {posted.reason}"
    row = {"account_id": new.account_id, "at": new.at, "event": "posting", "outcome": posted.kind.value}
    contact_log.add(connection, [{**row, "reason": words, "details": {k: v for k, v in details.items() if v}}])
    return number


def of_accounts(connection: Connection, account_ids: Collection[int]) -> dict[int, list[Booked]]:
    """Read all postings of accounts, oldest first; an account without any is left out."""
    found: dict[int, list[Booked]] = defaultdict(list)
    for row in _OF_ACCOUNTS(connection, account_ids):
        found[row.account_id].append(_booked(row))
    return found


def paged(connection: Connection, account_ids: Collection[int] | None, *, after: int = 0, limit: int) -> list[Booked]:
    """List postings by number, from behind `after`: of some accounts, or of all (None)."""
    chosen: sa.ColumnElement[bool] = posting.c.id > after
    if account_ids is not None:
        chosen = sa.and_(chosen, among(connection, posting.c.account_id, account_ids))
    return [_booked(row) for row in connection.execute(_chosen(chosen).limit(limit))]


def read(connection: Connection, number: int) -> Booked | None:
    """Read one."""
    return next(map(_booked, connection.execute(_chosen(posting.c.id == number))), None)


def written_off(connection: Connection, account_ids: Collection[int]) -> set[int]:
    """Pick the accounts of which a person wrote off what was open last, so that no money closed them."""
    return set(_WRITTEN_OFF(connection, account_ids).scalars())


def _written_off(among: Keyed) -> sa.Select[Any]:
    back = posting.alias("back")
    cleared = sa.select(sa.func.max(invoice.c.cleared_at)).where(invoice.c.account_id == posting.c.account_id)
    return sa.select(posting.c.account_id).where(
        among(posting.c.account_id),
        posting.c.kind == Kind.WRITE_OFF.value,
        posting.c.laid > 0,
        posting.c.by != BY_ITSELF,
        posting.c.at >= cleared.scalar_subquery(),
        ~sa.exists().where(back.c.reverses == posting.c.id),
    )


def _chosen(chosen: sa.ColumnElement[bool]) -> sa.Select[Any]:
    back = posting.alias("back")
    return (
        sa.select(posting, invoice.c.invoice_no, back.c.id.label("reversed_by"))
        .join_from(posting, invoice, invoice.c.id == posting.c.invoice_id, isouter=True)
        .join(back, back.c.reverses == posting.c.id, isouter=True)
        .where(chosen)
        .order_by(posting.c.id)
    )


_OF_ACCOUNTS = Stated(lambda among: _chosen(among(posting.c.account_id)))
_WRITTEN_OFF = Stated(_written_off)


def _booked(row: Row[Any]) -> Booked:
    part = Part(row.part) if row.part else None
    posted = Posting(
        row.id, Kind(row.kind), row.value_date, row.amount, row.invoice_no or COMMON, part, row.purpose, row.reason,
        row.reverses,
    )  # fmt: skip
    return Booked(row.account_id, posted, row.at, row.by, row.laid, row.invoice_id, row.reversed_by)
