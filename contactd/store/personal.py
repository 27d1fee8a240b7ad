"""What is kept about a debtor, in all tables: found, read out (Art. 15, 20 GDPR), and blanked (Art. 17).

A table belongs to an account when one of its columns names it, or something that belongs to it: a new one is read out
without a word here. What of it is blanked stands in BLANKED; a test asks for it. Creditor, account and invoice numbers
stay: they are the keys of the creditor's books, which must be kept, and say nothing without them.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store import suppressions
from contactd.store.among import among
from contactd.store.columns import metadata
from contactd.store.schema import account, attempt, call, contact_log, inbox, suppression
from contactd.store.schema_desk import draft
from contactd.store.schema_escalation import sent_message

# What a column with such a name points to.
_NAMED = {
    "account_id": "account", "agreement_id": "agreement", "attempt_id": "attempt", "invoice_id": "invoice",
    "payment_id": "payment",
}  # fmt: skip
# Found by addresses and in other ways.
BY_ADDRESS = frozenset({"suppression", "inbox"})
# Tables about nobody, each with its reason.
ABOUT_NOBODY = {
    "batch": "sums",
    "failed_try": "digests of what was typed where a name belongs",
    "hook": "other software, and how far it was told",
    "import_run": "sums and the name of a file",
    "known_address": "digests of who works here and from where they signed in",
    "lease": "processes",
    "login": "those who work here, none of them a debtor",
    "pause": "campaigns and channels",
    "proposal": "sums, and who decided",
    "seal": "random numbers and hashes; what they seal is in contact_log",
    "seal_block": "hashes",
    "session": "those who work here",
    "setting": "the installation",
    "token": "other software",
}
_WAYS = ("email", "phone", "phone_type", "phone_zones", "mobile", "mobile_type", "mobile_zones")
# The contact log has a way of its own, store/seals.py; with its entries go the events made of them (hook_event).
BLANKED: Mapping[str, tuple[str, ...]] = {
    "account": (*_WAYS, "name", "street", "postcode", "city", "birth_date", "segment"),
    "invoice": ("goods", "terms"),
    "payment": ("reference", "payer", "iban", "end_to_end_id"),
    "agreement": ("reason",),
    "answered_request": ("digest", "answer"),
    "agreement_event": ("reason",),
    "audit": ("old", "new", "reason"),
    "attempt": ("reason", "wanted", "address", "provider_ref", "fingerprint", "disposition"),
    "call": ("number", "carrier_ref"),
    "circumstance": ("reason", "withdrawal"),
    "handover": ("reason", "anyway", "decision"),
    "posting": ("reason",),
    "proposal_line": ("wanted", "dropped"),
    "sent_message": ("content", "digest"),
    "task": ("note", "outcome"),
}
# Words that are replaced by a mark: without any, the line would be in its run again.
MARKED = frozenset({"proposal_line.dropped"})
# Rows that say nothing but what is personal go as a whole.
DELETED = frozenset({"draft", "returned_mail"})
# By which column rows are found again, where that is not `id`.
_KEYS = {"call": "attempt_id", "sent_message": "attempt_id", "proposal_line": "account_id"}
# What nobody is obliged to keep: the ways of reaching somebody, and what is known besides.
RESTRICTED: Mapping[str, tuple[str, ...]] = {"account": (*_WAYS, "birth_date", "segment")}
# Stands for words that were there. As the fingerprint of an account it keeps a list that says what is known already
# from writing it again.
ERASED = "erased"

Rows = dict[str, list[dict[str, Any]]]


class Reach(NamedTuple):
    """By which column a table belongs to another."""

    table: sa.Table
    column: str
    parent: str


def reached(tables: sa.MetaData = metadata) -> list[Reach]:
    """List the tables that belong to accounts, those they belong by first."""
    found = {"account": Reach(tables.tables["account"], "id", "account")}
    while True:
        more = [
            reach
            for name, table in sorted(tables.tables.items())
            if name not in found and name not in ABOUT_NOBODY and (reach := _reach(table, found)) is not None
        ]
        if not more:
            return list(found.values())
        found |= {reach.table.name: reach for reach in more}


def _reach(table: sa.Table, known: Collection[str]) -> Reach | None:
    pointing: dict[str, str] = {name: parent for name, parent in _NAMED.items() if name in table.columns}
    pointing |= {key.parent.name: key.column.table.name for key in table.foreign_keys}
    return next((Reach(table, name, pointing[name]) for name in pointing if pointing[name] in known), None)


def gather(connection: Connection, account_ids: Collection[int], *, inbox_too: bool = True) -> Rows:
    """Read all rows about these accounts, by table."""
    rows: Rows = {}
    for table, column, parent in reached():
        ids = sorted(account_ids) if table is account else [row[_key(parent)] for row in rows[parent]]
        rows[table.name] = _read(connection, table, among(connection, table.c[column], ids))
    ours = addresses(connection, rows)
    loose = contact_log.c.account_id.is_(None), among(connection, contact_log.c.address, sorted(ours))
    rows["contact_log"] += _read(connection, contact_log, sa.and_(*loose))
    rows["suppression"] = _suppressions(connection, rows["account"], ours)
    rows["inbox"] = _inbox(connection, rows, ours) if inbox_too else []
    return rows


def addresses(connection: Connection, rows: Rows) -> set[str]:
    """List every address that belongs to the accounts of these rows by now, and those they had that nobody has now."""
    now = {row[name] for row in rows["account"] for name in ("email", "phone", "mobile") if row[name]}
    had = {row["address"] for name in ("attempt", "contact_log") for row in rows[name] if row["address"]} - now
    owners = suppressions.owners(connection, {suppressions.key_of(one) for one in had})
    return now | {one for one in had if not owners[suppressions.key_of(one)]}


def _key(table: str) -> str:
    return _KEYS.get(table, "id")


def _read(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    chosen = sa.select(table).where(which).order_by(*table.primary_key)
    return [dict(row) for row in connection.execute(chosen).mappings()]


def _suppressions(
    connection: Connection, rows: Iterable[Mapping[str, Any]], ours: Collection[str]
) -> list[dict[str, Any]]:
    table = suppression
    customers = sorted({str(row["customer_id"]) for row in rows})
    theirs = sa.and_(table.c.kind == "account", among(connection, table.c.value, customers))
    by_address = sa.and_(table.c.kind != "account", among(connection, table.c.value, sorted(ours)))
    return _read(connection, table, sa.or_(theirs, by_address))


def _inbox(connection: Connection, rows: Rows, ours: Collection[str]) -> list[dict[str, Any]]:
    """Find what came in about attempts or from addresses; there is no index for a question asked so seldom."""

    def says(key: str, values: Iterable[str]) -> sa.ColumnElement[bool]:
        told: sa.ColumnElement[bool] = among(
            connection, sa.cast(inbox.c.payload[key].as_string(), sa.Text), sorted(values)
        )
        return told

    references = [f"{row['id']}-{claim}" for row in rows["attempt"] for claim in range(row["claim_no"] + 1)]
    customers = {str(row["customer_id"]) for row in rows["account"]}
    which = (says("reference", references), says("customer", customers), *(says(key, ours) for key in _SENDERS))
    return _read(connection, inbox, sa.or_(*which))


_SENDERS = ("from", "to", "address")


def blank(connection: Connection, rows: Rows, columns: Mapping[str, tuple[str, ...]], now: datetime) -> None:
    """Blank these columns of the rows gathered, and all that came in about them."""
    for name, blanked in columns.items():
        table, key = metadata.tables[name], _key(name)
        ids = [row[key] for row in rows[name]] if key in table.columns else []
        empty: dict[str, Any] = {one: _empty(table.c[one]) for one in blanked}
        if table is account:
            empty |= {"fingerprint": ERASED, "updated_at": now}
        connection.execute(sa.update(table).where(among(connection, table.c[key], ids)).values(empty))
    blank_inbox(connection, [row["id"] for row in rows["inbox"]])


def _empty(column: sa.Column[Any]) -> sa.ColumnElement[Any] | str | None:
    if str(column) in MARKED:
        return sa.case((column == "", ""), else_=ERASED)
    return "" if isinstance(column.type, sa.Text) else None


def delete(connection: Connection, rows: Rows) -> None:
    """Delete of the rows gathered what is nothing but personal."""
    for name in sorted(DELETED):
        table = metadata.tables[name]
        connection.execute(sa.delete(table).where(among(connection, table.c.id, [row["id"] for row in rows[name]])))


def blank_attempts(connection: Connection, attempt_ids: Collection[int], before: datetime) -> None:
    """Blank attempts that ended before an instant, with their calls and what was never handed in of them."""
    over = sa.select(attempt.c.id).where(among(connection, attempt.c.id, attempt_ids), attempt.c.ended_at < before)
    ids = list(connection.scalars(over))
    for table, key in ((attempt, attempt.c.id), (call, call.c.attempt_id), (sent_message, sent_message.c.attempt_id)):
        empty = dict.fromkeys(BLANKED[table.name], "")
        connection.execute(sa.update(table).where(among(connection, key, ids)).values(empty))
    connection.execute(sa.delete(draft).where(among(connection, draft.c.attempt_id, ids)))


def blank_inbox(connection: Connection, ids: Collection[int]) -> None:
    """Forget what came in, but not that it came: a repeated delivery is recognised as before."""
    connection.execute(sa.update(inbox).where(among(connection, inbox.c.id, ids)).values(payload={}))
