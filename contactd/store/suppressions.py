"""Do not contact: addresses and debtors that nobody reaches any more, each with its reason; every change is logged.

Whoever adds one locks the accounts it concerns, so that no contact with them begins after its commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel, Suppression
from contactd.store import accounts, contact_log
from contactd.store.among import Stated, among
from contactd.store.conflict import insert_into
from contactd.store.raw import instant
from contactd.store.schema import account, suppression

REPRESENTED = "represented"  # the reason where somebody else speaks for the customer

# Written out, so that the statement's text is the same for every database.
_KINDS: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{kind}'") for kind in ("email", "number", "account")]
_EMAIL, _NUMBER, _ACCOUNT = _KINDS
_HAVING = ((_EMAIL, account.c.email), (_NUMBER, account.c.phone), (_NUMBER, account.c.mobile))


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """`kind` is `email`, `number` or `account` (its value is the customer_id); `channel` None closes every channel."""

    kind: str
    value: str
    channel: Channel | None
    reason: str
    source: str
    at: datetime
    until: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Name the address the way it is stored."""
        return self.kind, self.value.lower() if self.kind == "email" else self.value


def key_of(address: str) -> tuple[str, str]:
    """Name an address the way it is stored."""
    return ("email", address.lower()) if "@" in address else ("number", address)


def add(connection: Connection, new: Sequence[NewSuppression]) -> list[bool]:
    """Suppress; answers False for what is suppressed already for the same reason and as long."""
    found = lock(connection, new)
    added = [_insert(connection, item) for item in new]
    contact_log.add(
        connection,
        [
            _log_row(item, account_id, "stop" if item.reason == "stop" else "suppressed")
            for item, is_new in zip(new, added, strict=True)
            if is_new
            for account_id in (*found[item.key],) or (None,)
        ],
    )
    return added


def lock(connection: Connection, new: Sequence[NewSuppression]) -> dict[tuple[str, str], list[int]]:
    """Lock the accounts some suppressions concern, before anything else is; answers them by kind and value."""
    found = owners(connection, {item.key for item in new})
    accounts.lock(connection, sorted({account_id for ids in found.values() for account_id in ids}))
    return found


def remove(
    connection: Connection,
    kind: str,
    value: str,
    *,
    source: str,
    now: datetime,
    channel: Channel | None = None,
    reason: str = "",
) -> int:
    """Lift what suppresses an address or debtor, all or of one channel or reason; answers how many it was."""
    wanted = NewSuppression(kind, value, None, "", source, now)
    gone = sa.delete(suppression).where(suppression.c.kind == kind, suppression.c.value == wanted.key[1])
    if channel is not None:
        gone = gone.where(suppression.c.channel == channel)
    if reason:
        gone = gone.where(suppression.c.reason == reason)
    lifted = connection.execute(gone.returning(suppression.c.channel, suppression.c.reason)).all()
    ids = owners(connection, {wanted.key})[wanted.key]
    contact_log.add(
        connection,
        [
            _log_row(wanted, account_id, "unsuppressed") | {"channel": channel, "reason": reason}
            for channel, reason in lifted
            for account_id in (*ids,) or (None,)
        ],
    )
    return len(lifted)


def for_addresses(
    connection: Connection,
    keys: Collection[tuple[str, str]],
) -> dict[tuple[str, str], list[Suppression]]:
    """Read what stands against these (kind, value) pairs, whether or not its time is over."""
    values = list({value for _, value in keys})
    return _grouped(_LISTED.rows(connection, values=values))


def everybody(connection: Connection) -> tuple[set[int], set[int]]:
    """Read whom the list concerns, also where its time is over: accounts by their addresses, and customers."""
    accounts_of_it = {number for (number,) in _BY_ADDRESS.rows(connection)}
    return accounts_of_it, {int(value) for (value,) in _CUSTOMERS.rows(connection)}


def _grouped(rows: Sequence[Sequence[Any]]) -> dict[tuple[str, str], list[Suppression]]:
    found: dict[tuple[str, str], list[Suppression]] = {}
    for kind, value, channel, reason, until in rows:
        entry = Suppression(kind, value, Channel(channel) if channel else None, reason, instant(until))
        found.setdefault((kind, value), []).append(entry)
    return found


def owners(connection: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """Find the accounts each address belongs to."""
    found: dict[tuple[str, str], list[int]] = {key: [] for key in keys}
    columns = {"email": [account.c.email], "number": [account.c.phone, account.c.mobile]}
    for kind, having in columns.items():
        values = sorted({value for known, value in keys if known == kind})
        for column in having if values else []:
            chosen = sa.select(column, account.c.id).where(among(connection, column, values))
            for value, account_id in connection.execute(chosen):
                found[kind, value].append(account_id)
    customers = sorted({int(value) for kind, value in keys if kind == "account"})
    if customers:
        # The first row of a debtor carries his number itself: locking it keeps his other rows' contacts off as well.
        for (account_id,) in connection.execute(
            sa.select(account.c.id).where(among(connection, account.c.id, customers)),
        ):
            found["account", str(account_id)].append(account_id)
    return found


def keys_of(connection: Connection, account_ids: Collection[int]) -> set[tuple[str, str]]:
    """List the (kind, value) pairs by which contact with these accounts is suppressed, if it is."""
    columns = (account.c.customer_id, account.c.email, account.c.phone, account.c.mobile)
    rows = connection.execute(sa.select(*columns).where(among(connection, account.c.id, account_ids))).all()
    keys = {key_of(value) for row in rows for value in row[1:] if value}
    return keys | {("account", str(row.customer_id)) for row in rows}


def paged(
    connection: Connection, values: Collection[tuple[str, str]] | None = None, *, after: int = 0, limit: int
) -> list[sa.Row[Any]]:
    """List suppressions in the order they were made, from behind `after`: all, or those of (kind, value) pairs."""
    chosen = sa.select(suppression).where(suppression.c.id > after).order_by(suppression.c.id).limit(limit)
    if values is not None:
        pairs = sa.tuple_(suppression.c.kind, suppression.c.value)
        chosen = chosen.where(pairs.in_(sorted(values)) if values else sa.false())
    return list(connection.execute(chosen))


_COLUMNS = sa.select(
    suppression.c.kind, suppression.c.value, suppression.c.channel, suppression.c.reason, suppression.c.until
)
_BY_ADDRESS = Stated(
    lambda _: sa.union_all(
        *(
            sa.select(account.c.id)
            .join_from(suppression, account, column == suppression.c.value)
            .where(suppression.c.kind == kind)
            for kind, column in _HAVING
        )
    )
)
_CUSTOMERS = Stated(lambda _: sa.select(suppression.c.value).where(suppression.c.kind == _ACCOUNT))
_LISTED = Stated(lambda among: _COLUMNS.where(among(suppression.c.value, "values"), suppression.c.kind.in_(_KINDS)))


def _insert(connection: Connection, item: NewSuppression) -> bool:
    kind, value = item.key
    statement = insert_into(connection, suppression).values(
        kind=kind,
        value=value,
        channel=item.channel or "",
        reason=item.reason,
        source=item.source,
        until=item.until,
        created_at=item.at,
    )
    longer = sa.or_(statement.excluded.until.is_(None), statement.excluded.until > suppression.c.until)
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "value", "channel", "reason"],
        set_={"until": statement.excluded.until, "source": statement.excluded.source},
        where=sa.and_(suppression.c.until.is_not(None), longer),
    )
    return connection.scalar(statement.returning(suppression.c.id)) is not None


def _log_row(item: NewSuppression, account_id: int | None, event: str) -> dict[str, object]:
    return {
        "account_id": account_id,
        "at": item.at,
        "channel": item.channel or "",
        "event": event,
        "reason": item.reason,
        "address": "" if item.kind == "account" else item.key[1],
        "details": {"source": item.source},
    }
