"""Erases what has been kept long enough, in small transactions; where something is owed nothing is due.

Run twice, or by two daemons at once, it does no more than once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.config.settings import Settings
from contactd.domain.agreement import ALIVE
from contactd.engine.erasing import NotErasable, Order, erase, files_of, is_erased, rows_of
from contactd.engine.judgement import today_of
from contactd.store import personal, seals
from contactd.store.personal import ERASED
from contactd.store.schema import account, agreement, contact_log, inbox
from contactd.store.schema_evidence import seal

_PAGE = 200
_BY = "contactd"
_REASON = "kept long enough"


class Page(NamedTuple):
    """A small transaction: where the next one goes on (None: nowhere), how much was erased, which letters go."""

    last: int | None
    done: int
    letters: Sequence[str] = ()


def first_of_year(settings: Settings, now: datetime, years: int) -> datetime:
    """Answer the instant before which everything has been kept for so many whole years and the rest of its own."""
    return datetime(today_of(settings, now).year - years, 1, 1, tzinfo=UTC)


def erase_entries(connection: Connection, after: int, settings: Settings, now: datetime) -> Page:
    """Empty the next entries of the contact log that are old enough, their attempts, calls and letters with them."""
    before = first_of_year(settings, now, settings.retention.contact_log)
    chosen = (
        sa.select(contact_log.c.id, contact_log.c.attempt_id, contact_log.c.details)
        .join(seal, seal.c.entry_id == contact_log.c.id)
        .where(contact_log.c.id > after, contact_log.c.at < before, seal.c.salt.is_not(None))
        .where(sa.or_(contact_log.c.account_id.is_(None), contact_log.c.account_id.not_in(_busy())))
        .order_by(contact_log.c.id)
        .limit(_PAGE)
    )
    rows = connection.execute(chosen).mappings().all()
    if not rows:
        return Page(None, 0)
    personal.blank_attempts(connection, sorted({row["attempt_id"] for row in rows if row["attempt_id"]}), before)
    count = seals.erase(connection, [row["id"] for row in rows])
    return Page(rows[-1]["id"], count, list(files_of(rows)))


def _busy() -> sa.Select[Any]:
    """List the accounts that owe something or have agreed on something: their papers are needed."""
    agreed = sa.select(agreement.c.account_id).where(agreement.c.state.in_(sorted(state.value for state in ALIVE)))
    owing = sa.or_(account.c.open > 0, account.c.disputed, account.c.id.in_(agreed))
    return sa.select(account.c.id).where(owing)


def erase_accounts(connection: Connection, after: int, settings: Settings, now: datetime) -> Page:
    """Erase the next account nothing has happened with for long enough, unless something stands against it.

    What came in about it is forgotten already, see `erase_inbox`.
    """
    before = first_of_year(settings, now, settings.retention.books)
    due = sa.select(account.c.id).where(account.c.id > after, account.c.updated_at < before, account.c.open <= 0)
    due = due.where(sa.or_(account.c.fingerprint != ERASED, account.c.name != ""))
    number: int | None = connection.scalar(due.order_by(account.c.id).limit(1))
    if number is None:
        return Page(None, 0)
    if is_erased(rows_of(connection, [number])):
        return Page(number, 0)
    try:
        done = erase(connection, [number], Order(_BY, _REASON, inbox=False), settings, now)
    except NotErasable:
        return Page(number, 0)
    return Page(number, 1, done.letters)


def erase_inbox(connection: Connection, after: int, settings: Settings, now: datetime) -> Page:
    """Forget the next messages that were acted on long ago."""
    before = now - timedelta(days=settings.retention.inbox)
    chosen = sa.select(inbox.c.id).where(inbox.c.id > after, inbox.c.handled_at < before)
    chosen = chosen.where(sa.cast(inbox.c.payload, sa.Text) != "{}").order_by(inbox.c.id).limit(_PAGE)
    ids = list(connection.scalars(chosen))
    personal.blank_inbox(connection, ids)
    return Page(ids[-1] if ids else None, len(ids))
