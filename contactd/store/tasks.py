"""Tasks for people: opened, changed, found; each change has its row in the contact log, in the same transaction.

Whoever writes here has locked the account.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel
from contactd.domain.task import Event, Kind, State
from contactd.store import contact_log
from contactd.store.among import among
from contactd.store.conflict import insert_into
from contactd.store.schema import account, attempt
from contactd.store.schema_tasks import task


@dataclass(frozen=True, slots=True)
class Stored:
    """A task with its place in the books; of a step of the ladder, `campaign` and `step` name it."""

    id: int
    account_id: int
    kind: Kind
    state: State
    owner: str
    due_on: date
    note: str
    opened_at: datetime
    opened_by: str
    attempt_id: int | None = None
    outcome: str = ""
    ended_at: datetime | None = None
    campaign: str = ""
    step: str = ""
    payment_id: int | None = None
    invoice_id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody did with a task; `values` are the columns it gives another value."""

    at: datetime
    event: Event
    by: str
    reason: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Which:
    """Which tasks are meant; None: whatever they are. `due_by` is the last day."""

    account_ids: Collection[int] | None = None
    owner: str | None = None
    due_by: date | None = None
    state: State | None = State.OPEN
    after: int = 0
    limit: int | None = None


def add(connection: Connection, new: Stored) -> int:
    """Keep a new task and answer its number; an attempt that has one gets no second."""
    values = {
        "account_id": new.account_id, "attempt_id": new.attempt_id, "kind": new.kind.value, "state": new.state.value,
        "owner": new.owner, "due_on": new.due_on, "note": new.note, "opened_at": new.opened_at,
        "opened_by": new.opened_by, "payment_id": new.payment_id, "invoice_id": new.invoice_id,
    }  # fmt: skip
    statement = insert_into(connection, task).values(values).on_conflict_do_nothing(index_elements=["attempt_id"])
    number = connection.scalar(statement.returning(task.c.id))
    if number is None:
        return int(connection.execute(sa.select(task.c.id).where(task.c.attempt_id == new.attempt_id)).scalar_one())
    made = read(connection, number) or new
    _tell(connection, made, "opened", new.opened_at, new.opened_by, new.note)
    return int(number)


def change(connection: Connection, one: Stored, what: Change) -> None:
    """Write what somebody did with it."""
    connection.execute(sa.update(task).where(task.c.id == one.id).values(dict(what.values)))
    made = read(connection, one.id) or one
    _tell(connection, made, what.event.value, what.at, what.by, what.reason)


def _tell(connection: Connection, one: Stored, event: str, at: datetime, by: str, reason: str) -> None:
    # Without the attempt's number: the newest row of an attempt is how it stands.
    row = {"account_id": one.account_id, "at": at, "campaign": one.campaign, "step": one.step, "channel": Channel.TASK}
    words = f"task {one.id}: {reason}" if reason else f"task {one.id}"
    details = {
        "task": one.id, "kind": one.kind.value, "owner": one.owner, "due_on": one.due_on.isoformat(), "by": by,
        "attempt": one.attempt_id,
    }  # fmt: skip
    told = {**row, "event": f"task_{event}", "outcome": one.kind.value, "reason": words, "details": details}
    contact_log.add(connection, [told])


def read(connection: Connection, number: int) -> Stored | None:
    """Read one."""
    return next(iter(_read(connection, task.c.id == number)), None)


def of_attempt(connection: Connection, attempt_id: int) -> Stored | None:
    """Read the one that an attempt of the ladder opened."""
    return next(iter(_read(connection, task.c.attempt_id == attempt_id)), None)


def of_payment(connection: Connection, payment_id: int) -> list[Stored]:
    """List the open ones about a payment that waits."""
    return _read(connection, sa.and_(task.c.state == State.OPEN.value, task.c.payment_id == payment_id))


def of_kind(connection: Connection, kind: Kind, account_ids: Collection[int]) -> list[Stored]:
    """List all of a kind about accounts, ended ones too."""
    return _read(connection, sa.and_(task.c.kind == kind.value, among(connection, task.c.account_id, account_ids)))


def count_open(connection: Connection, kind: Kind) -> int:
    """Count the open ones of a kind."""
    open_ = sa.select(sa.func.count()).where(task.c.state == State.OPEN.value, task.c.kind == kind.value)
    return int(connection.scalar(open_) or 0)


def listed(connection: Connection, which: Which) -> list[Stored]:
    """List tasks by number; go on with `after`."""
    asked: list[sa.ColumnElement[bool]] = [task.c.id > which.after]
    if which.account_ids is not None:
        asked.append(among(connection, task.c.account_id, which.account_ids))
    if which.owner is not None:
        asked.append(sa.func.lower(task.c.owner) == which.owner.lower())
    if which.due_by is not None:
        asked.append(task.c.due_on <= which.due_by)
    if which.state is not None:
        asked.append(task.c.state == which.state.value)
    return _read(connection, sa.and_(*asked), which.limit)


def moot(connection: Connection) -> list[Stored]:
    """List open tasks of ladders whose case has ended: nothing is owed any more."""
    mine = sa.select(attempt.c.id).join(account, account.c.id == attempt.c.account_id)
    ended = mine.where(attempt.c.id == task.c.attempt_id, attempt.c.case_no != account.c.case_no).exists()
    return _read(connection, sa.and_(task.c.state == State.OPEN.value, ended))


def _read(connection: Connection, which: sa.ColumnElement[bool], limit: int | None = None) -> list[Stored]:
    joined = task.outerjoin(attempt, attempt.c.id == task.c.attempt_id)
    chosen = sa.select(task, attempt.c.campaign, attempt.c.step).select_from(joined).where(which)
    return [_stored(row) for row in _rows(connection, chosen.order_by(task.c.id).limit(limit))]


def _rows(connection: Connection, chosen: sa.Select[Any]) -> Sequence[Row[Any]]:
    return connection.execute(chosen).all()


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        row.id, row.account_id, Kind(row.kind), State(row.state), row.owner, row.due_on, row.note, row.opened_at,
        row.opened_by, row.attempt_id, row.outcome, row.ended_at, row.campaign or "", row.step or "",
        row.payment_id, row.invoice_id,
    )  # fmt: skip
