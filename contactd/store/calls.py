"""Calls: the times of their stages beside the attempt, what agents hand in, and what a crash left; for the dialer.

A stage, its attempt's transition and the suppression that follows from it are committed together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.attempt import State
from contactd.domain.campaign import INBOUND
from contactd.domain.errors import IllegalTransition, StoreConflict
from contactd.store import attempts, call_queue, contact_log, incoming, suppressions
from contactd.store.attempts import Claimed, Transition
from contactd.store.schema import account, attempt, call
from contactd.store.suppressions import REPRESENTED, NewSuppression


@dataclass(frozen=True, slots=True)
class CallRow:
    """The call of an attempt as the table keeps it; a later call of the same attempt takes its place."""

    attempt_id: int
    number: str
    caller_id: str
    placed_at: datetime
    carrier_ref: str = ""
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    how_ended: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """How a call went on: its row, and the transition of its attempt when the stage is one.

    `settles`: the account of a customer who has called us and now talks, so that nobody contacts them today.
    """

    row: CallRow
    transition: Transition | None = None
    suppress: NewSuppression | None = None
    settles: int = 0


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What an agent says a conversation achieved; `conversation_at` None: the debtor was not spoken to.

    `beside`: another agent has gone on with the call, and theirs is the attempt's disposition; this one is only logged.
    `reason` is a word, why nothing was paid; `details` what else was found out, for the log.
    """

    attempt_id: int
    claim_no: int
    agent: str
    disposition: str
    at: datetime
    conversation_at: datetime | None = None
    suppress: NewSuppression | None = None
    beside: bool = False
    reason: str = ""
    details: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A call nobody logged the end of."""

    claimed: Claimed
    row: CallRow

    @property
    def inbound(self) -> bool:
        """Tell whether the customer has called us."""
        return self.claimed.step == INBOUND

    @property
    def reference(self) -> str:
        """Name the call as its carrier knows it."""
        return self.row.carrier_ref if self.inbound else self.claimed.reference


_COLUMNS = tuple(column.name for column in call.columns)
_LOGGED = (
    attempt.c.account_id, attempt.c.customer_id, attempt.c.campaign, attempt.c.step, attempt.c.channel,
    attempt.c.outcome, attempt.c.address, attempt.c.provider_ref,
)  # fmt: skip


def record(connection: Connection, stages: list[Stage]) -> list[State | StoreConflict | IllegalTransition | None]:
    """Write stages; one whose attempt has gone on without us is answered, and changes nothing."""
    _suppress(connection, [stage.suppress for stage in stages])
    moving = [stage.transition for stage in stages if stage.transition is not None]
    moved = iter(attempts.apply(connection, moving))
    answers = [next(moved) if stage.transition is not None else None for stage in stages]
    written = [stage for stage, answer in zip(stages, answers, strict=True) if not isinstance(answer, Exception)]
    _upsert(connection, [stage.row for stage in written])
    _note_conversations(connection, [stage.row for stage in written if stage.transition is None])
    for stage in written:
        if stage.settles and stage.row.connected_at is not None:
            incoming.settle_day(connection, stage.settles, stage.row.connected_at)
    return answers


def hand_in(connection: Connection, items: list[HandedIn]) -> list[StoreConflict | None]:
    """Write dispositions, each with a row of the log and what it stops; an attempt takes only one."""
    suppressions.lock(connection, [item.suppress for item in items if item.suppress is not None])
    answers = [_hand_in(connection, item) for item in items]
    taken = [item for item, answer in zip(items, answers, strict=True) if answer is None]
    _suppress(connection, [item.suppress for item in taken])
    return answers


def unfinished(connection: Connection, campaigns: Collection[str]) -> list[Unfinished]:
    """List the calls of these campaigns that are open, whoever placed them, the oldest first.

    Customers' own are not among them: those are whose carrier they came in by, whatever team took them.
    """
    return _open(connection, attempt.c.campaign.in_(sorted(campaigns)), attempt.c.step != INBOUND)


def strays(connection: Connection, *, owner: str, besides: Collection[str] = ()) -> list[Unfinished]:
    """List the calls a daemon of this name had when it stopped, but for those it was making for some campaigns."""
    strayed = sa.or_(attempt.c.campaign.not_in(sorted(besides)), attempt.c.step == INBOUND)
    return _open(connection, attempt.c.claimed_by == owner, strayed)


def _open(connection: Connection, *which: sa.ColumnElement[bool]) -> list[Unfinished]:
    columns = [attempt.c[name] for name in ("id", "claim_no", "account_id", "customer_id", "campaign", "step")]
    columns += [attempt.c.case_no, attempt.c.try_no, attempt.c.planned_at, attempt.c.address, attempt.c.sending_at]
    chosen = (
        sa.select(*columns, *(call.c[name].label(f"call_{name}") for name in _COLUMNS))
        .select_from(attempt.outerjoin(call, call.c.attempt_id == attempt.c.id))
        .where(
            attempt.c.channel == Channel.CALL,
            *which,
            attempt.c.state.in_([State.SENDING, State.UNCLEAR, State.ACCEPTED]),
        )
        .order_by(attempt.c.id)
    )
    return [_unfinished(dict(row)) for row in connection.execute(chosen).mappings()]


def past(connection: Connection, campaign: str, since: datetime) -> list[CallRow]:
    """Read the calls we placed for a campaign that have ended since then, in the order in which they were placed."""
    return [CallRow(**row) for row in connection.execute(_PAST, {"of": campaign, "since": since}).mappings()]


_PAST = (
    sa.select(call)
    .join(attempt, attempt.c.id == call.c.attempt_id)
    .where(attempt.c.campaign == sa.bindparam("of"), attempt.c.step != INBOUND)
    .where(call.c.placed_at >= sa.bindparam("since", type_=call.c.placed_at.type), call.c.ended_at.is_not(None))
    .order_by(call.c.placed_at)
)


def owed(connection: Connection, agent: str) -> list[sa.Row[Any]]:
    """List the conversations of an agent nobody has handed in, the oldest first: attempt, account, name, when."""
    chosen = (
        sa.select(attempt.c.id, account.c.account_no, account.c.name, attempt.c.conversation_at)
        .select_from(attempt.outerjoin(account, account.c.id == attempt.c.account_id))
        .where(attempt.c.agent == agent, attempt.c.disposition == "", attempt.c.conversation_at.is_not(None))
        .order_by(attempt.c.conversation_at)
    )
    return list(connection.execute(chosen))


def get(connection: Connection, attempt_id: int) -> CallRow | None:
    """Read the call of an attempt."""
    row = connection.execute(sa.select(call).where(call.c.attempt_id == attempt_id)).mappings().one_or_none()
    return CallRow(**row) if row is not None else None


def _suppress(connection: Connection, wanted: Sequence[NewSuppression | None]) -> None:
    """Lock the accounts concerned before any attempt, in the order everybody does."""
    given = [suppression for suppression in wanted if suppression is not None]
    if given:
        suppressions.add(connection, given)


def _upsert(connection: Connection, rows: list[CallRow]) -> None:
    if not rows:
        return
    # Of two stages of one call in one commit the later one tells everything.
    latest = {row.attempt_id: {name: getattr(row, name) for name in _COLUMNS} for row in rows}
    insert = postgresql.insert(call) if connection.dialect.name == "postgresql" else sqlite.insert(call)
    changed = {name: insert.excluded[name] for name in _COLUMNS if name != "attempt_id"}
    statement = insert.on_conflict_do_update(index_elements=["attempt_id"], set_=changed)
    connection.execute(statement, [latest[attempt_id] for attempt_id in sorted(latest)])


def _note_conversations(connection: Connection, rows: list[CallRow]) -> None:
    """Let the cool-down count from the moment two people talk, not from when they have hung up."""
    for row in rows:
        if row.connected_at is not None and not row.how_ended:
            statement = sa.update(attempt).where(attempt.c.id == row.attempt_id, attempt.c.disposition == "")
            connection.execute(statement.values(conversation_at=row.connected_at))


def _hand_in(connection: Connection, item: HandedIn) -> StoreConflict | None:
    mine = (attempt.c.id == item.attempt_id, attempt.c.claim_no == item.claim_no)
    values = {"disposition": item.disposition, "agent": item.agent, "conversation_at": item.conversation_at}
    said = sa.update(attempt).where(*mine, attempt.c.disposition == "").values(values).returning(*_LOGGED)
    row = connection.execute(sa.select(*_LOGGED).where(*mine) if item.beside else said).mappings().one_or_none()
    if row is None:
        return StoreConflict(f"attempt {item.attempt_id} has a disposition already, or is somebody else's")
    ended = REPRESENTED if item.suppress is not None and item.suppress.reason == REPRESENTED else ""
    if ended or item.conversation_at is not None:
        call_queue.drop(connection, [row["customer_id"]], item.at, reason=ended or "spoken_to")
    entry = dict(row) | {"attempt_id": item.attempt_id, "at": item.at, "event": "disposition"}
    del entry["customer_id"]
    entry["account_id"] = entry["account_id"] or None  # of somebody unknown
    entry |= {"agent": item.agent, "disposition": item.disposition, "reason": item.reason}
    contact_log.add(connection, [entry | {"details": dict(item.details) if item.details else None}])
    return None


def _unfinished(row: dict[str, Any]) -> Unfinished:
    claimed = Claimed(
        row["id"], row["claim_no"], row["account_id"], row["customer_id"], row["campaign"], row["step"],
        Channel.CALL, row["case_no"], row["try_no"], row["planned_at"],
    )  # fmt: skip
    kept = {name: row[f"call_{name}"] for name in _COLUMNS}
    # A row of an earlier call of the same attempt tells nothing about this one.
    if kept["placed_at"] is None or kept["ended_at"] is not None:
        return Unfinished(claimed, CallRow(row["id"], row["address"], "", row["sending_at"]))
    return Unfinished(claimed, CallRow(**kept))
