"""Letters that came back: which ones there are, and the addresses nobody writes to any more because of them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel
from contactd.store import contact_log as log
from contactd.store.among import among
from contactd.store.conflict import insert_into
from contactd.store.schema import account, attempt, contact_log
from contactd.store.schema_tasks import returned_mail

RETURNED_MAIL = "returned_mail"  # the outcome of an attempt
PLACE = ("street", "postcode", "city")
_SENT = ("accepted", "delivered")


def is_bad() -> sa.ColumnElement[bool]:
    """Say of an account row that a letter came back from the address it has now."""
    return (
        sa.exists()
        .where(returned_mail.c.account_id == account.c.id)
        .where(*(returned_mail.c[name] == account.c[name] for name in PLACE))
    )


def mark(connection: Connection, account_ids: Collection[int], reason: str, source: str, at: datetime) -> bool:
    """Mark the addresses of accounts as they stand; answers whether any was not marked before."""
    columns = (account.c.id, *(account.c[name] for name in PLACE))
    rows = [
        {"account_id": row.id, **{name: getattr(row, name) for name in PLACE}, "reason": reason, "at": at}
        for row in connection.execute(sa.select(*columns).where(among(connection, account.c.id, account_ids)))
    ]
    added: list[int] = []
    for row in rows:
        statement = insert_into(connection, returned_mail).values(row).on_conflict_do_nothing()
        added += connection.scalars(statement.returning(returned_mail.c.account_id)).all()
    _tell(connection, added, "suppressed", source, at)
    return bool(added)


def lift(connection: Connection, account_ids: Collection[int], source: str, at: datetime) -> bool:
    """Let letters go again to the addresses of accounts as they stand; answers whether any was marked."""
    mine = sa.exists().where(
        account.c.id == returned_mail.c.account_id, *(returned_mail.c[name] == account.c[name] for name in PLACE)
    )
    gone = sa.delete(returned_mail).where(among(connection, returned_mail.c.account_id, account_ids), mine)
    lifted = list(connection.scalars(gone.returning(returned_mail.c.account_id)))
    _tell(connection, lifted, "unsuppressed", source, at)
    return bool(lifted)


def _tell(connection: Connection, account_ids: Collection[int], event: str, source: str, at: datetime) -> None:
    row = {"at": at, "channel": Channel.LETTER, "event": event, "reason": RETURNED_MAIL, "details": {"source": source}}
    log.add(connection, [{**row, "account_id": account_id} for account_id in account_ids])


def letter(connection: Connection, attempt_id: int) -> Row[Any] | None:
    """Read an attempt by letter."""
    mine = sa.select(attempt).where(attempt.c.id == attempt_id, attempt.c.channel == Channel.LETTER)
    return connection.execute(mine).one_or_none()


def newest_letter(connection: Connection, account_ids: Collection[int]) -> Row[Any] | None:
    """Read the last letter to any of these accounts that left, whether or not it is known to have come back."""
    mine = sa.select(attempt).where(
        among(connection, attempt.c.account_id, account_ids),
        attempt.c.channel == Channel.LETTER,
        sa.or_(attempt.c.state.in_(_SENT), attempt.c.outcome == RETURNED_MAIL),
    )
    return connection.execute(mine.order_by(attempt.c.sending_at.desc()).limit(1)).one_or_none()


def went_to(connection: Connection, attempt_id: int, claim_no: int) -> dict[str, str]:
    """Answer the address of a letter as it left, as far as the log knows it; a letter found again is there without."""
    name = f"{attempt_id}-{claim_no}.pdf"
    chosen = sa.select(contact_log.c.details).where(contact_log.c.attempt_id == attempt_id)
    for details in connection.scalars(chosen.order_by(contact_log.c.id.desc())):
        if details and "postcode" in details and details.get("file", name).rpartition("/")[2] == name:
            return {column: details[column] for column in PLACE if column in details}
    return {}
