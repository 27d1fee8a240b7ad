"""Drafts of conversations: saved every second, read after a reload or a restart, gone once the outcome is handed in.

What the agent types and what is known of the person are written apart: a late save never changes who was identified.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.conversation import Identification, Item, Person, Step
from contactd.store.conflict import insert_into
from contactd.store.schema_desk import draft


@dataclass(frozen=True, slots=True)
class Written:
    """What an agent has typed by now: the step, the note, and the fields of the form by name, as typed."""

    attempt_id: int
    agent: str
    at: datetime
    step: Step = Step.PREPARE
    note: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was written, and how far it is known who is on the line."""

    written: Written
    identification: Identification


def save(connection: Connection, items: Sequence[Written]) -> list[None]:
    """Write what was typed; of two saves of one draft in one commit the later one stands."""
    for one in items:
        values = {"step": one.step.value, "note": one.note, "fields": dict(one.fields), "saved_at": one.at}
        _upsert(connection, one.attempt_id, one.agent, values)
    return [None] * len(items)


def identify(connection: Connection, attempt_id: int, agent: str, found: Identification, at: datetime) -> None:
    """Write how far it is known who is on the line."""
    right = " ".join(sorted(item.value for item in found.right))
    values = {"person": found.person.value, "right": right, "wrong": found.wrong, "saved_at": at}
    _upsert(connection, attempt_id, agent, values, {"step": Step.IDENTIFY.value})


def _upsert(
    connection: Connection,
    attempt_id: int,
    agent: str,
    values: Mapping[str, object],
    at_first: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Write some columns; `at_first` only when nothing was written before."""
    new = {"attempt_id": attempt_id, "agent": agent, "fields": {}, **at_first, **values}
    statement = insert_into(connection, draft).values(new)
    connection.execute(statement.on_conflict_do_update(index_elements=["attempt_id", "agent"], set_=dict(values)))


def read(connection: Connection, attempt_id: int, agent: str) -> Draft | None:
    """Read what an agent has written about an attempt."""
    chosen = sa.select(draft).where(draft.c.attempt_id == attempt_id, draft.c.agent == agent)
    row = connection.execute(chosen).one_or_none()
    return _made_of(row) if row is not None else None


def _made_of(row: Row[tuple[object, ...]]) -> Draft:
    items = frozenset(Item(word) for word in row.right.split())
    written = Written(row.attempt_id, row.agent, row.saved_at, Step(row.step), row.note, row.fields)
    return Draft(written, Identification(Person(row.person), items, row.wrong))


def forget(connection: Connection, attempt_id: int, agent: str) -> None:
    """Drop a draft whose outcome is handed in."""
    connection.execute(sa.delete(draft).where(draft.c.attempt_id == attempt_id, draft.c.agent == agent))


def old(connection: Connection, after: int, before: datetime, limit: int) -> Sequence[int]:
    """List the next drafts nobody has written at since an instant, by id."""
    chosen = sa.select(draft.c.id).where(draft.c.id > after, draft.c.saved_at < before)
    return connection.scalars(chosen.order_by(draft.c.id).limit(limit)).all()


def drop(connection: Connection, ids: Collection[int]) -> None:
    """Drop drafts by their ids."""
    connection.execute(sa.delete(draft).where(draft.c.id.in_(sorted(ids))))
