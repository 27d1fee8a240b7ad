"""What was kept long enough: found by reading, erased in small transactions; where something is owed nothing is due.

Run twice, or by two daemons at once, it does no more than once.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.config.settings import Settings
from contactd.domain.agreement import ALIVE
from contactd.engine.agreements.judgement import today_of
from contactd.engine.records.erasing import NotErasable, Order, erase, files_of, is_erased, rows_of
from contactd.store import accounts, audit, drafts, hooks, personal, requests, seals
from contactd.store.among import among
from contactd.store.personal import ERASED
from contactd.store.schema import account, agreement, contact_log, inbox
from contactd.store.schema_evidence import seal

_PAGE = 200
_BY = "contactd"
_REASON = "kept long enough"


class Done(NamedTuple):
    """How much was erased, and which letters are to be deleted when it is committed."""

    rows: int
    letters: Sequence[str] = ()


class Step(NamedTuple):
    """One kind of what is kept: which is due next after an id, and how it is erased, so many in a transaction."""

    due: Callable[[Connection, int, Settings, datetime], Sequence[int]]
    erase: Callable[[Connection, Collection[int], Settings, datetime], Done]
    together: int


def _first_of_year(settings: Settings, now: datetime, years: int) -> datetime:
    """Answer the instant before which everything has been kept for so many whole years and the rest of its own."""
    return datetime(today_of(settings, now).year - years, 1, 1, tzinfo=UTC)


def due_entries(connection: Connection, after: int, settings: Settings, now: datetime) -> Sequence[int]:
    """List the next entries of the contact log that are old enough and needed no more."""
    alive = sa.exists().where(
        agreement.c.account_id == account.c.id, agreement.c.state.in_(sorted(state.value for state in ALIVE))
    )
    needed = sa.exists().where(
        account.c.id == contact_log.c.account_id, sa.or_(account.c.open > 0, account.c.disputed, alive)
    )
    chosen = sa.select(contact_log.c.id).join(seal, seal.c.entry_id == contact_log.c.id)
    old = contact_log.c.at < _first_of_year(settings, now, settings.retention.contact_log)
    chosen = chosen.where(contact_log.c.id > after, old, seal.c.salt.is_not(None), ~needed)
    return connection.scalars(chosen.order_by(contact_log.c.id).limit(_PAGE)).all()


def erase_entries(connection: Connection, ids: Collection[int], settings: Settings, now: datetime) -> Done:
    """Empty entries that are due still, their attempts, calls and letters with them."""
    owners = sa.select(contact_log.c.account_id).where(among(connection, contact_log.c.id, ids))
    accounts.lock(connection, sorted({number for number in connection.scalars(owners) if number is not None}))
    ids = sorted(set(ids) & set(due_entries(connection, min(ids) - 1, settings, now)))
    chosen = sa.select(contact_log.c.attempt_id, contact_log.c.details).where(among(connection, contact_log.c.id, ids))
    rows = connection.execute(chosen).mappings().all()
    before = _first_of_year(settings, now, settings.retention.contact_log)
    personal.blank_attempts(connection, sorted({row["attempt_id"] for row in rows if row["attempt_id"]}), before)
    return Done(seals.erase(connection, ids), list(files_of(rows)))


def due_accounts(connection: Connection, after: int, settings: Settings, now: datetime) -> Sequence[int]:
    """List the next accounts nothing has happened with for long enough."""
    before = _first_of_year(settings, now, settings.retention.books)
    due = sa.select(account.c.id).where(account.c.id > after, account.c.updated_at < before, account.c.open <= 0)
    due = due.where(sa.or_(account.c.fingerprint != ERASED, account.c.name != ""))
    return connection.scalars(due.order_by(account.c.id).limit(_PAGE)).all()


def erase_accounts(connection: Connection, ids: Collection[int], settings: Settings, now: datetime) -> Done:
    """Erase a debtor, unless something stands against it; what came in about them is forgotten already."""
    if is_erased(rows_of(connection, ids)):
        return Done(0)
    try:
        done = erase(connection, ids, Order(_BY, _REASON, inbox=False), settings, now)
    except NotErasable:
        return Done(0)
    return Done(1, done.letters)


def due_inbox(connection: Connection, after: int, settings: Settings, now: datetime) -> Sequence[int]:
    """List the next messages that were acted on long ago."""
    before = now - timedelta(days=settings.retention.inbox)
    chosen = sa.select(inbox.c.id).where(inbox.c.id > after, inbox.c.handled_at < before)
    chosen = chosen.where(sa.cast(inbox.c.payload, sa.Text) != "{}")
    return connection.scalars(chosen.order_by(inbox.c.id).limit(_PAGE)).all()


def erase_inbox(connection: Connection, ids: Collection[int], settings: Settings, now: datetime) -> Done:
    """Forget messages."""
    del settings, now
    personal.blank_inbox(connection, ids)
    return Done(len(ids))


def due_requests(connection: Connection, after: int, settings: Settings, now: datetime) -> Sequence[int]:
    """List the next requests over HTTP that nobody repeats any more."""
    del settings
    return requests.old(connection, after, now, _PAGE)


def erase_requests(connection: Connection, ids: Collection[int], settings: Settings, now: datetime) -> Done:
    """Forget their answers."""
    del settings, now
    requests.forget(connection, ids)
    return Done(len(ids))


def due_drafts(connection: Connection, after: int, settings: Settings, now: datetime) -> Sequence[int]:
    """List the next drafts of conversations nobody is going to hand in any more."""
    return drafts.old(connection, after, now - timedelta(days=settings.retention.drafts), _PAGE)


def erase_drafts(connection: Connection, ids: Collection[int], settings: Settings, now: datetime) -> Done:
    """Drop them."""
    del settings, now
    drafts.drop(connection, ids)
    return Done(len(ids))


def due_deeds(connection: Connection, after: int, settings: Settings, now: datetime) -> Sequence[int]:
    """List the next rows of the audit log that are old enough."""
    return audit.old(connection, after, _first_of_year(settings, now, settings.retention.audit), _PAGE)


def erase_deeds(connection: Connection, ids: Collection[int], settings: Settings, now: datetime) -> Done:
    """Forget who did what."""
    del settings, now
    audit.forget(connection, ids)
    return Done(len(ids))


def due_events(connection: Connection, after: int, settings: Settings, now: datetime) -> Sequence[int]:
    """List the next entries whose events were given up long ago."""
    return hooks.old(connection, after, now - timedelta(days=settings.retention.webhooks), _PAGE)


def erase_events(connection: Connection, ids: Collection[int], settings: Settings, now: datetime) -> Done:
    """Tell nobody of them any more."""
    return Done(hooks.drop(connection, ids, now - timedelta(days=settings.retention.webhooks)))


STEPS = (
    Step(due_events, erase_events, _PAGE),
    Step(due_drafts, erase_drafts, _PAGE),
    Step(due_deeds, erase_deeds, _PAGE),
    Step(due_requests, erase_requests, _PAGE),
    Step(due_inbox, erase_inbox, _PAGE),
    Step(due_entries, erase_entries, _PAGE),
    Step(due_accounts, erase_accounts, 1),
)
