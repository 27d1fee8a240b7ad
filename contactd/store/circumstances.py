"""What people said about claims (domain/circumstance.py): rows are added and withdrawn, each with its log line.

Whoever adds one has locked the account.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.appropriation import COMMON
from contactd.domain.circumstance import Circumstance, Kind
from contactd.store import contact_log
from contactd.store.among import Keyed, Stated, among
from contactd.store.schema import invoice
from contactd.store.schema_escalation import circumstance


@dataclass(frozen=True, slots=True)
class Noted:
    """A circumstance as it was noted; `withdrawal` is why it was withdrawn."""

    account_id: int
    said: Circumstance
    at: datetime
    by: str
    invoice_id: int | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawal: str = ""


def add(connection: Connection, new: Noted) -> int:
    """Write one down and log it; answers its id."""
    said = new.said
    values = {
        "account_id": new.account_id, "at": new.at, "by": new.by, "kind": said.kind.value, "on_day": said.on,
        "until": said.until, "invoice_id": new.invoice_id, "reason": said.reason,
    }  # fmt: skip
    made = sa.insert(circumstance).values(values).returning(circumstance.c.id)
    number: int = connection.execute(made).scalar_one()
    _log(connection, new, number, f"{said.kind.value} {number} of {said.on}: {said.reason}", new.at, new.by)
    return number


def withdraw(connection: Connection, known: Noted, *, reason: str, by: str, at: datetime) -> None:
    """Take one back: it counts as if it had never been."""
    changed = sa.update(circumstance).where(circumstance.c.id == known.said.id)
    connection.execute(changed.values(withdrawn_at=at, withdrawn_by=by, withdrawal=reason))
    words = f"{known.said.kind.value} {known.said.id} of {known.said.on} withdrawn: {reason}"
    _log(connection, known, known.said.id, words, at, by)


def end(connection: Connection, known: Noted, until: date, *, by: str, at: datetime) -> None:
    """Note the last day of what lasts."""
    connection.execute(sa.update(circumstance).where(circumstance.c.id == known.said.id).values(until=until))
    words = f"{known.said.kind.value} {known.said.id} of {known.said.on} ended on {until}"
    _log(connection, known, known.said.id, words, at, by)


def of_accounts(connection: Connection, account_ids: Collection[int]) -> dict[int, list[Noted]]:
    """Read all of accounts, oldest first, withdrawn ones too; an account without any is left out."""
    found: dict[int, list[Noted]] = defaultdict(list)
    for row in _OF_ACCOUNTS(connection, account_ids):
        found[row.account_id].append(_noted(row))
    return found


def paged(connection: Connection, account_ids: Collection[int] | None, *, after: int = 0, limit: int) -> list[Noted]:
    """List them by number, from behind `after`: of some accounts, or of all (None)."""
    chosen: sa.ColumnElement[bool] = circumstance.c.id > after
    if account_ids is not None:
        chosen = sa.and_(chosen, among(connection, circumstance.c.account_id, account_ids))
    return [_noted(row) for row in connection.execute(_chosen(chosen).limit(limit))]


def read(connection: Connection, number: int) -> Noted | None:
    """Read one."""
    return next(map(_noted, connection.execute(_chosen(circumstance.c.id == number))), None)


def _log(connection: Connection, one: Noted, number: int, words: str, at: datetime, by: str) -> None:
    told = {"circumstance": number, "on": one.said.on.isoformat(), "invoice": one.said.claim, "by": by}
    row = {"account_id": one.account_id, "at": at, "event": "circumstance", "outcome": one.said.kind.value}
    contact_log.add(connection, [{**row, "reason": words, "details": {k: v for k, v in told.items() if v}}])


def _chosen(chosen: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(circumstance, invoice.c.invoice_no)
        .join_from(circumstance, invoice, invoice.c.id == circumstance.c.invoice_id, isouter=True)
        .where(chosen)
        .order_by(circumstance.c.id)
    )


def _of_accounts(among: Keyed) -> sa.Select[Any]:
    return _chosen(among(circumstance.c.account_id))


_OF_ACCOUNTS = Stated(_of_accounts)


def _noted(row: Row[Any]) -> Noted:
    said = Circumstance(row.id, Kind(row.kind), row.on_day, row.invoice_no or COMMON, row.reason, row.until)
    return Noted(
        row.account_id, said, row.at, row.by, row.invoice_id, row.withdrawn_at, row.withdrawn_by, row.withdrawal
    )
