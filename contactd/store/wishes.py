"""What a person wished outlives their data: "do not contact me" is kept as a hash of the address, with a key.

Such a row stands against nobody: rules and planning look for addresses, not for hashes. When an import brings the
address back, the wish is in force again before anything is planned. Used by erasing and by imports.
"""

import hmac
from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.store import settings, suppressions
from contactd.store.among import among
from contactd.store.conflict import insert_into
from contactd.store.schema import account, suppression
from contactd.store.suppressions import NewSuppression

WISHES = ("stop", "opted_out")
SOURCE = "said before the address was erased"
_HASHED = {"email": "email#", "number": "number#"}
_PLAIN = {hashed: kind for kind, hashed in _HASHED.items()}


def forget(connection: Connection, account_ids: Collection[int], addresses: Iterable[str]) -> None:
    """Turn wishes about addresses of these accounts, which nobody else has, into hashes; drop what else is kept.

    What was said about the debtors themselves stays; by whom it was entered and why does not.
    """
    keys = {suppressions.key_of(one) for one in addresses}
    mine = set(account_ids)
    alone = {key for key, owners in suppressions.owners(connection, keys).items() if set(owners) <= mine}
    secret = settings.get(connection, "signing_key")
    listed = sa.select(suppression).where(among(connection, suppression.c.value, sorted(value for _, value in alone)))
    for row in connection.execute(listed).all():
        if (row.kind, row.value) not in alone:
            continue
        connection.execute(sa.delete(suppression).where(suppression.c.id == row.id))
        if row.reason in WISHES:
            values = row._asdict() | {
                "kind": _HASHED[row.kind], "value": _hash(secret, row.kind, row.value), "source": SOURCE
            }  # fmt: skip
            del values["id"]
            connection.execute(insert_into(connection, suppression).values(values).on_conflict_do_nothing())
    customers = sa.select(sa.cast(account.c.customer_id, sa.Text)).where(among(connection, account.c.id, mine))
    theirs = sa.update(suppression).where(suppression.c.kind == "account", suppression.c.value.in_(customers))
    connection.execute(theirs.values(source=SOURCE))


def recall(connection: Connection, account_ids: Collection[int], now: datetime) -> int:
    """Put the wishes about addresses of these accounts in force again; answers how many there were."""
    kept = suppression.c.kind.in_(list(_PLAIN))
    if connection.scalar(sa.select(suppression.c.id).where(kept).limit(1)) is None:
        return 0
    secret = settings.get(connection, "signing_key")
    hashes = {_hash(secret, kind, value): value for kind, value, _ in _addresses(connection, account_ids) if value}
    back = connection.execute(
        sa.delete(suppression)
        .where(kept, among(connection, suppression.c.value, sorted(hashes)))
        .returning(suppression)
    ).all()
    again = [
        NewSuppression(
            _PLAIN[row.kind], hashes[row.value], Channel(row.channel) if row.channel else None, row.reason, SOURCE, now,
            row.until,
        )
        for row in back
    ]  # fmt: skip
    suppressions.add(connection, again)
    return len(again)


def _addresses(connection: Connection, account_ids: Collection[int]) -> list[tuple[str, str, int]]:
    chosen = sa.select(account.c.id, account.c.email, account.c.phone, account.c.mobile)
    rows = connection.execute(chosen.where(among(connection, account.c.id, account_ids)))
    return [
        (kind, value, number)
        for number, email, phone, mobile in rows
        for kind, value in (("email", email.lower()), ("number", phone), ("number", mobile))
    ]


def _hash(secret: str, kind: str, value: str) -> str:
    return hmac.digest(bytes.fromhex(secret), f"{kind}:{value}".encode(), "sha256").hex()
