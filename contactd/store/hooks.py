"""Events for other software: taken from the contact log, kept until they were told; for engine/hooks.py and cli.

The log's entry is the event, written in the transaction of what it tells. So nothing is lost between the two, and an
event has the entry's number for an id, however often it is told.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.errors import NotThere
from contactd.store.among import among
from contactd.store.conflict import insert_into
from contactd.store.database import leave_unchanged
from contactd.store.schema import account, contact_log
from contactd.store.schema_programs import hook, hook_event

WAITING, GIVEN_UP = "waiting", "given_up"
# Which entries of the log are an event of that kind.
ENTRIES = {
    "outcome": ("accepted", "delivered", "failed", "cancelled", "unclear", "disposition"),
    "agreement": ("agreement",),
}
_TOGETHER = 5_000  # numbers of the log that are gone through in one transaction
_LONGEST = 200  # of why it was not taken


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a webhook; `oldest` is when what waits longest happened, `error` why it last failed.

    `given_up_since`: when the first of those was given up; `rests_until` and `gone_at`: what it asked for.
    """

    name: str
    waiting: int
    failing: int  # of those that wait, were tried, and not taken
    given_up: int
    oldest: datetime | None
    error: str
    given_up_since: datetime | None = None
    rests_until: datetime | None = None
    gone_at: datetime | None = None


def begin(connection: Connection, name: str, last_id: int) -> None:
    """Know a webhook; one that is new is told what comes behind that entry."""
    connection.execute(insert_into(connection, hook).values(name=name, last_id=last_id).on_conflict_do_nothing())


def known(connection: Connection, name: str) -> bool:
    """Answer whether a webhook has begun, and was not forgotten since."""
    return connection.scalar(sa.select(hook.c.name).where(hook.c.name == name)) is not None


def may_tell(connection: Connection, name: str, now: datetime) -> bool:
    """Answer whether a webhook may be told something now: it has not asked for a rest, nor to be left alone."""
    rests = sa.or_(hook.c.gone_at.is_not(None), hook.c.rests_until > now)
    return connection.scalar(sa.select(hook.c.name).where(hook.c.name == name, rests)) is None


def rest(connection: Connection, name: str, until: datetime) -> None:
    """Leave a webhook alone until then."""
    connection.execute(sa.update(hook).where(hook.c.name == name).values(rests_until=until))


def disable(connection: Connection, name: str, now: datetime) -> None:
    """Tell a webhook nothing more, because it said so; what it is not told stays in the log, and waits for `retry`."""
    connection.execute(sa.update(hook).where(hook.c.name == name).values(gone_at=now))


def collect(connection: Connection, name: str, kinds: Collection[str], up_to: int, now: datetime) -> bool:
    """Take a stretch of the log in, up to an entry nobody writes before any more; answers whether there is more."""
    chosen = sa.select(hook.c.last_id).where(hook.c.name == name).with_for_update()
    last: int | None = connection.scalar(chosen)
    if last is None or last >= up_to:
        return False
    until = min(up_to, last + _TOGETHER)
    events = sorted(event for kind in kinds for event in ENTRIES[kind])
    wanted = sa.select(
        sa.literal(name), contact_log.c.id, contact_log.c.account_id,
        sa.literal(now, hook_event.c.first_at.type), sa.literal(now, hook_event.c.due_at.type),
    ).where(contact_log.c.id > last, contact_log.c.id <= until, contact_log.c.event.in_(events))  # fmt: skip
    columns = ("hook", "entry_id", "account_id", "first_at", "due_at")
    connection.execute(sa.insert(hook_event).from_select(columns, wanted))
    connection.execute(sa.update(hook).where(hook.c.name == name).values(last_id=until))
    return until < up_to


def due(connection: Connection, name: str, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """List the events to be told now, oldest first: of each account only the first that waits."""
    before = hook_event.alias("before")
    earlier = sa.exists().where(
        before.c.hook == hook_event.c.hook,
        before.c.account_id == hook_event.c.account_id,
        before.c.entry_id < hook_event.c.entry_id,
        before.c.state == WAITING,
    )
    whose = (account.c.creditor, account.c.account_no)
    told = [column for column in contact_log.c if column.name != "id"]
    joined = hook_event.join(contact_log, contact_log.c.id == hook_event.c.entry_id)
    chosen = (
        sa.select(hook_event.c.entry_id, hook_event.c.tries, hook_event.c.first_at, *told, *whose)
        .select_from(joined.outerjoin(account, account.c.id == contact_log.c.account_id))
        .where(hook_event.c.hook == name, hook_event.c.state == WAITING, hook_event.c.due_at <= now, ~earlier)
        .order_by(hook_event.c.entry_id)
    )
    return list(connection.execute(chosen.limit(limit)))


def told(connection: Connection, name: str, entry_id: int) -> None:
    """Note that an event was taken."""
    connection.execute(sa.delete(hook_event).where(_is(name, entry_id)))


def failed(
    connection: Connection,
    name: str,
    entry_id: int,
    *,
    error: str,
    first: datetime,
    now: datetime,
    again: datetime | None,
) -> None:
    """Note that an event was not taken, `first` when; it waits until `again`, or is given up (None)."""
    values: dict[str, object] = {"tries": hook_event.c.tries + 1, "error": error[:_LONGEST], "first_at": first}
    values |= {"state": GIVEN_UP, "due_at": now} if again is None else {"due_at": again}
    connection.execute(sa.update(hook_event).where(_is(name, entry_id)).values(values))


def listed(connection: Connection) -> list[Standing]:
    """Say how it stands with every webhook there is or was."""
    waits = hook_event.c.state == WAITING
    counted = (
        sa.select(
            hook.c.name,
            sa.func.count(sa.case((waits, 1))),
            sa.func.count(sa.case((sa.and_(waits, hook_event.c.tries > 0), 1))),
            sa.func.count(sa.case((hook_event.c.state == GIVEN_UP, 1))),
            sa.type_coerce(sa.func.min(sa.case((waits, contact_log.c.at))), contact_log.c.at.type),
            sa.func.coalesce(_newest_error(), ""),
            sa.type_coerce(sa.func.min(sa.case((~waits, hook_event.c.due_at))), hook_event.c.due_at.type),
            hook.c.rests_until,
            hook.c.gone_at,
        )
        .select_from(
            hook.outerjoin(hook_event, hook_event.c.hook == hook.c.name).outerjoin(
                contact_log, contact_log.c.id == hook_event.c.entry_id
            )
        )
        .group_by(hook.c.name, hook.c.rests_until, hook.c.gone_at)
        .order_by(hook.c.name)
    )
    return [Standing(*row) for row in connection.execute(counted)]


def _newest_error() -> sa.ScalarSelect[Any]:
    newest = hook_event.alias("newest")
    mine = sa.select(newest.c.error).where(newest.c.hook == hook.c.name, newest.c.error != "")
    return mine.order_by(newest.c.due_at.desc(), newest.c.entry_id.desc()).limit(1).correlate(hook).scalar_subquery()


def retry(connection: Connection, name: str, now: datetime) -> int:
    """Have everything told that was not, given up or waiting, at once and for another day; answers how much it is.

    Whatever the webhook has asked for, a rest or to be left alone, holds no more.
    """
    _refuse_unknown(connection, name)
    asked = sa.or_(hook.c.rests_until.is_not(None), hook.c.gone_at.is_not(None))
    freed = sa.update(hook).where(hook.c.name == name, asked).values(rests_until=None, gone_at=None)
    again = sa.update(hook_event).where(hook_event.c.hook == name)
    was_held = connection.execute(freed).rowcount
    count = connection.execute(again.values(state=WAITING, tries=0, first_at=now, due_at=now)).rowcount
    if not count and not was_held:
        leave_unchanged(connection)
    return count


def old(connection: Connection, after: int, before: datetime, limit: int) -> Sequence[int]:
    """List the entries of which the next events were given up before an instant."""
    chosen = sa.select(hook_event.c.entry_id).where(_given_up(before), hook_event.c.entry_id > after)
    return connection.scalars(chosen.distinct().order_by(hook_event.c.entry_id).limit(limit)).all()


def drop(connection: Connection, entry_ids: Collection[int], before: datetime) -> int:
    """Drop the events of these entries that were given up before an instant; answers how many."""
    mine = among(connection, hook_event.c.entry_id, entry_ids)
    return connection.execute(sa.delete(hook_event).where(_given_up(before), mine)).rowcount


def _given_up(before: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(hook_event.c.state == GIVEN_UP, hook_event.c.due_at < before)


def forget(connection: Connection, name: str) -> None:
    """Drop a webhook with all it was not told; where it is in the configuration, it begins anew."""
    _refuse_unknown(connection, name)
    connection.execute(sa.delete(hook_event).where(hook_event.c.hook == name))
    connection.execute(sa.delete(hook).where(hook.c.name == name))


def _refuse_unknown(connection: Connection, name: str) -> None:
    known = list(connection.scalars(sa.select(hook.c.name).order_by(hook.c.name)))
    if name not in known:
        raise NotThere(f"no webhook {name} was ever told anything; there is {', '.join(known) or 'none'}")


def _is(name: str, entry_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(hook_event.c.hook == name, hook_event.c.entry_id == entry_id)
