"""What people did: who, when, what, on what, from what to what, why; rows are added, never changed."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store.among import among
from contactd.store.schema import account, agreement, attempt, payment
from contactd.store.schema_audit import audit
from contactd.store.schema_escalation import circumstance, posting
from contactd.store.schema_tasks import task

_DIGITS = 15  # of a key of either database
_LONGEST = 500  # characters of each word: a reason, not a letter
# What belongs to an account, by how a deed names it.
_OWNED = {
    "agreement": agreement, "attempt": attempt, "circumstance": circumstance, "payment": payment, "posting": posting,
    "task": task,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person did; `about` names its kind and which, like `campaign:standard`."""

    at: datetime
    who: str
    what: str
    about: str = ""
    account_id: int | None = None
    old: str = ""
    new: str = ""
    reason: str = ""


def add(connection: Connection, deed: Deed) -> None:
    """Write it down, in the transaction that does it."""
    row = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in asdict(deed).items()}
    connection.execute(sa.insert(audit).values(row))


def account_of(connection: Connection, about: str, creditor: str = "") -> int | None:
    """Find the account a deed is about; of a debtor with several currencies the first."""
    kind, _, name = about.partition(":")
    if kind == "reference":  # a letter, by its attempt and claim, or the account of one
        letter = account_of(connection, f"attempt:{name.partition('-')[0]}")
        return letter or account_of(connection, f"account:{name}", creditor)
    if kind == "account":
        chosen = sa.select(account.c.id).where(account.c.account_no == name).order_by(account.c.id).limit(1)
        return connection.scalar(chosen.where(account.c.creditor == creditor) if creditor else chosen)
    if kind not in _OWNED or not (name.isascii() and name.isdecimal() and len(name) <= _DIGITS):
        return None
    table = _OWNED[kind]
    return connection.scalar(sa.select(table.c.account_id).where(table.c.id == int(name))) or None


def read(
    connection: Connection, *, since: datetime | None = None, who: str = "", after: int = 0, limit: int = 1000
) -> Sequence[Row[Any]]:
    """List rows oldest first, each with its account's number; go on with `after`, the last id."""
    chosen = (
        sa.select(audit, account.c.account_no)
        .select_from(audit.outerjoin(account, account.c.id == audit.c.account_id))
        .where(audit.c.id > after)
        .order_by(audit.c.id)
        .limit(limit)
    )
    if since is not None:
        chosen = chosen.where(audit.c.at >= since)
    if who:  # with or without how they came: kim is also cli:kim
        chosen = chosen.where(audit.c.who.in_([who, f"cli:{who}", f"api:{who}"]))
    return connection.execute(chosen).all()


def newest(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """List the newest rows, newest first."""
    return connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(limit)).all()


def old(connection: Connection, after: int, before: datetime, limit: int) -> Sequence[int]:
    """List the next rows from before an instant."""
    chosen = sa.select(audit.c.id).where(audit.c.id > after, audit.c.at < before)
    return connection.scalars(chosen.order_by(audit.c.id).limit(limit)).all()


def forget(connection: Connection, ids: Collection[int]) -> None:
    """Delete rows that were kept long enough."""
    connection.execute(sa.delete(audit).where(among(connection, audit.c.id, ids)))
