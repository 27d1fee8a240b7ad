"""Attempts: queue and record of every contact in one table; each transition is committed with its log row.

Engine and web use it; `apply` is the only way an attempt changes its state, besides `claim`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel
from contactd.domain.attempt import OPEN, Event, State, step
from contactd.domain.errors import IllegalTransition, StoreConflict
from contactd.domain.queueing import Priority
from contactd.store import contact_log, pauses
from contactd.store.among import Stated, among
from contactd.store.bulk import Added
from contactd.store.raw import Written, stored
from contactd.store.schema import attempt

_SILENT = frozenset({Event.CLAIMED, Event.RELEASED, Event.POSTPONED})
_BACK = frozenset({Event.RELEASED, Event.POSTPONED, Event.SKIPPED, Event.NOT_TAKEN})
# In the log under the name of what happened, for the state alone would not tell.
_NAMED = frozenset({Event.NOT_TAKEN, Event.SKIPPED})
# What `apply` may change, and reads before it does.
_CHANGING = (
    "state", "outcome", "reason", "not_before", "claimed_by", "lease_until", "sending_at", "ended_at",
    "address", "provider_ref", "agent", "disposition", "conversation_at", "looked_up", "fingerprint",
    "fee",
)  # fmt: skip
_READ = ("id", "claim_no", "account_id", "campaign", "step", "channel", "priority", *_CHANGING)
# The outcome when nobody gives a better word.
_OUTCOMES = {state: state.value for state in State if state not in OPEN} | {State.UNCLEAR: "unclear"}
# Partial indexes are found only when the statement repeats their condition, not through a parameter.
_PLANNED = attempt.c.state == sa.literal_column("'planned'")
_INDEXED = sa.text("(attempt.state = 'claimed' OR attempt.state = 'sending' OR attempt.state = 'unclear')")
_HELD = sa.and_(_INDEXED, attempt.c.state.in_([sa.literal_column("'claimed'"), sa.literal_column("'sending'")]))
_UNCLEAR = sa.and_(_INDEXED, attempt.c.state == sa.literal_column("'unclear'"))


class NewAttempt(NamedTuple):
    """An attempt to be queued."""

    account_id: int
    customer_id: int
    batch_id: int | None
    campaign: str
    step: str
    channel: Channel
    case_no: int
    try_no: int
    not_before: datetime
    planned_at: datetime
    wanted: str = ""
    priority: int = 0
    rank: int = 0
    kept_for: str = ""


_ADD = Added(attempt, NewAttempt._fields)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt that is ours until its lease ends; `claim_no` proves it."""

    id: int
    claim_no: int
    account_id: int
    customer_id: int
    campaign: str
    step: str
    channel: Channel
    case_no: int
    try_no: int
    planned_at: datetime
    wanted: str = ""
    priority: int = 0
    kept_for: str = ""
    language: str = ""  # the customer's, where a call may be looked at before it is begun

    @property
    def reference(self) -> str:
        """Name this claim of the attempt on the wire."""
        return f"{self.id}-{self.claim_no}"


@dataclass(frozen=True, slots=True)
class Transition:
    """What happened to an attempt; `claim_no` None accepts any claim (callbacks, people).

    An empty outcome is the new state's own word; other empty fields leave the attempt's as they are.
    """

    attempt_id: int
    claim_no: int | None
    event: Event
    at: datetime
    outcome: str = ""
    reason: str = ""
    provider_ref: str = ""
    address: str = ""
    agent: str = ""
    disposition: str = ""
    not_before: datetime | None = None
    conversation_at: datetime | None = None
    lease_until: datetime | None = None
    fee: int | None = None  # of what begins: what it charges, if its step says so
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class UnclearAttempt:
    """An attempt that may have reached the customer; `looked_up` counts the provider's empty answers so far."""

    id: int
    claim_no: int
    account_id: int
    channel: Channel
    address: str
    provider_ref: str
    sending_at: datetime
    looked_up: int
    fingerprint: str = ""

    @property
    def reference(self) -> str:
        """Name the claim on the wire."""
        return f"{self.id}-{self.claim_no}"


def plan(connection: Connection, planned: Sequence[NewAttempt]) -> int:
    """Queue attempts; what is queued already stays as it is. Answers how many are new."""
    return _ADD.run(connection, planned) if planned else 0


def get(connection: Connection, attempt_id: int) -> Row[Any] | None:
    """Read one attempt with all its columns."""
    return connection.execute(sa.select(attempt).where(attempt.c.id == attempt_id)).one_or_none()


def states(connection: Connection, attempt_ids: Collection[int]) -> dict[int, State]:
    """Read where attempts stand."""
    chosen = sa.select(attempt.c.id, attempt.c.state).where(among(connection, attempt.c.id, attempt_ids))
    return {attempt_id: State(state) for attempt_id, state in connection.execute(chosen)}


@lru_cache(maxsize=256)
def _claiming(dialect: str, resting: tuple[str, ...], campaigns: tuple[str, ...] | None) -> sa.UpdateBase:
    """Take what is due of a channel, longest due first."""
    instant = attempt.c.not_before.type
    reached = attempt.c.not_before <= sa.bindparam("now", type_=instant)
    due = sa.select(attempt.c.id).where(_PLANNED, attempt.c.channel == sa.bindparam("by"), reached)
    if resting:
        due = due.where(attempt.c.campaign.not_in(resting))
    if campaigns is not None:
        due = due.where(attempt.c.campaign.in_(campaigns))
    due = due.order_by(attempt.c.not_before).limit(sa.bindparam("most", type_=sa.Integer()))
    chosen: sa.ColumnElement[bool]
    if dialect == "postgresql":
        # An array is computed once; IN (SELECT … LIMIT) may be planned as a loop that runs the SELECT again.
        chosen = attempt.c.id == sa.any_(sa.func.array(due.with_for_update(skip_locked=True).scalar_subquery()))
    else:
        chosen = attempt.c.id.in_(due)
    until = sa.bindparam("until", type_=attempt.c.lease_until.type)
    return (
        sa.update(attempt)
        .where(chosen)
        .values(
            state=State.CLAIMED, claim_no=attempt.c.claim_no + 1, claimed_by=sa.bindparam("owner"), lease_until=until
        )
        .returning(
            attempt.c.id, attempt.c.claim_no, attempt.c.account_id, attempt.c.customer_id, attempt.c.campaign,
            attempt.c.step, attempt.c.case_no, attempt.c.try_no, attempt.c.planned_at, attempt.c.not_before,
            attempt.c.wanted,
        )
    )  # fmt: skip


def claim(
    connection: Connection,
    channel: Channel,
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    campaigns: Collection[str] | None = None,
) -> list[Claimed]:
    """Take up to `limit` due attempts of a channel, longest due first, that nobody else holds and nobody paused."""
    paused = pauses.paused(connection)
    if {"all", f"channel:{channel}"} & paused:
        return []
    resting = sorted(name.removeprefix("campaign:") for name in paused if name.startswith("campaign:"))
    only = None if campaigns is None else tuple(sorted(campaigns))
    taken = connection.execute(
        _claiming(connection.dialect.name, tuple(resting), only),
        {"by": channel, "now": now, "until": now + lease, "owner": owner, "most": limit},
    ).all()
    return [
        Claimed(row[0], row[1], row[2], row[3], row[4], row[5], channel, row[6], row[7], row[8], row[10])
        for row in sorted(taken, key=lambda row: (row[9], row[0]))
    ]


def apply(connection: Connection, transitions: Sequence[Transition]) -> list[State | StoreConflict | IllegalTransition]:
    """Carry out transitions in order and log them; one that is late or unlawful is answered, and changes nothing."""
    now = _read(connection, {transition.attempt_id for transition in transitions})
    before = {attempt_id: row["state"] for attempt_id, row in now.items()}
    write = stored(connection)
    answers: list[State | StoreConflict | IllegalTransition] = []
    changed: dict[int, dict[str, Any]] = {}
    logged: list[dict[str, Any]] = []
    for transition in transitions:
        row = now.get(transition.attempt_id)
        answer = _follow(row, transition)
        answers.append(answer)
        if isinstance(answer, State) and row is not None:
            _change(row, transition, answer, write)
            changed[transition.attempt_id] = row
            if transition.event not in _SILENT or answer is State.CANCELLED:
                logged.append(_log_row(row, transition, answer))
    _write(connection, changed, before)
    contact_log.add(connection, logged)
    return answers


def _read(connection: Connection, attempt_ids: set[int]) -> dict[int, dict[str, Any]]:
    rows = _STANDS.rows(connection, keys=sorted(attempt_ids))
    return {row[0]: dict(zip(_READ, row, strict=True)) for row in rows}


_STANDS = Stated(
    lambda among: (
        sa.select(*(attempt.c[name] for name in _READ))
        .where(among(attempt.c.id))
        .order_by(attempt.c.id)
        .with_for_update()
    )
)


def _follow(row: dict[str, Any] | None, transition: Transition) -> State | StoreConflict | IllegalTransition:
    if row is None:
        return StoreConflict(f"there is no attempt {transition.attempt_id}")
    if transition.claim_no is not None and transition.claim_no != row["claim_no"]:
        return StoreConflict(f"attempt {transition.attempt_id} has been claimed by somebody else meanwhile")
    try:
        state = step(State(row["state"]), transition.event)
    except IllegalTransition as error:
        return error
    # What an agent dials is for now: nobody is called by it later, when the agent may have gone home.
    return State.CANCELLED if state is State.PLANNED and row["priority"] == Priority.DIALLED else state


def _change(row: dict[str, Any], transition: Transition, state: State, write: Callable[[datetime], Any]) -> None:
    row["state"] = state.value
    row["provider_ref"] = transition.provider_ref or row["provider_ref"]
    row["address"] = transition.address or row["address"]
    row["agent"] = transition.agent or row["agent"]
    row["disposition"] = transition.disposition or row["disposition"]
    if transition.conversation_at is not None:
        row["conversation_at"] = write(transition.conversation_at)
    if transition.not_before is not None:
        row["not_before"] = write(transition.not_before)
    row["outcome"], row["reason"] = transition.outcome or _OUTCOMES.get(state, ""), transition.reason
    row["lease_until"] = transition.lease_until and write(transition.lease_until)
    if transition.event is Event.BEGUN:
        row["sending_at"], row["fee"] = write(transition.at), transition.fee
    elif transition.event in _BACK:
        # Certainly not sent: it counts for no cap, and a later claim begins with a clean row.
        row |= {"claimed_by": "", "sending_at": None, "address": "", "provider_ref": "", "agent": "", "looked_up": 0}
        row["fingerprint"], row["fee"] = "", None
        row["ended_at"] = write(transition.at) if state is State.CANCELLED else row["ended_at"]
    elif state is State.UNCLEAR:
        row["looked_up"] = 0
    else:
        row["ended_at"] = write(transition.at)


def _log_row(row: dict[str, Any], transition: Transition, state: State) -> dict[str, Any]:
    return {
        "attempt_id": row["id"],
        "account_id": row["account_id"] or None,  # of somebody unknown who calls us
        "at": transition.at,
        "campaign": row["campaign"],
        "step": row["step"],
        "channel": row["channel"],
        "event": transition.event.value if transition.event in _NAMED and state is State.PLANNED else state.value,
        "outcome": transition.outcome or row["outcome"],
        "reason": transition.reason,
        "address": transition.address or row["address"],
        "provider_ref": transition.provider_ref or row["provider_ref"],
        "agent": transition.agent or row["agent"],
        "disposition": row["disposition"],
        "details": transition.details,
    }


def still(values: Mapping[str, sa.ColumnElement[Any]], state: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Say that an attempt is in that state and under the same claim; for statements of raw.Written.

    Found by id: with the state as it stands PostgreSQL would rather read the partial index of all queued attempts.
    """
    same = attempt.c.id == values["id"], attempt.c.claim_no == values["claim_no"]
    return sa.and_(*same, (attempt.c.state + sa.literal_column("''")) == state)


def _guarded(values: Mapping[str, sa.ColumnElement[Any]], rows: sa.FromClause | None) -> sa.Update:
    del rows  # named through its columns
    return (
        sa.update(attempt).where(still(values, values["old_state"])).values({name: values[name] for name in _CHANGING})
    )


_UPDATE = Written(
    {name: attempt.c[name].type for name in ("id", "claim_no", *_CHANGING)} | {"old_state": sa.Text()}, _guarded
)


def _write(connection: Connection, changed: dict[int, dict[str, Any]], before: dict[int, str]) -> None:
    if not changed:
        return
    rows = list(changed.values())
    for row in rows:
        row["old_state"] = before[row["id"]]
    if _UPDATE.run(connection, rows) != len(rows):
        raise StoreConflict("an attempt changed while it was held; read again")


def extend(connection: Connection, claims: Iterable[tuple[int, int]], until: datetime) -> int:
    """Keep attempts that take long; `claims` are (id, claim_no); answers how many are still ours."""
    rows = [{"b_id": attempt_id, "b_claim_no": claim_no, "b_until": until} for attempt_id, claim_no in claims]
    if not rows:
        return 0
    statement = (
        sa.update(attempt)
        .where(attempt.c.id == sa.bindparam("b_id"), attempt.c.claim_no == sa.bindparam("b_claim_no"), _HELD)
        .values(lease_until=sa.bindparam("b_until"))
    )
    return connection.execute(statement, rows).rowcount


def take_back(connection: Connection, *, owner: str, now: datetime) -> tuple[int, int]:
    """Settle what this name left behind: claimed is planned again, sending is unclear; answers both counts."""
    return _recover(connection, attempt.c.claimed_by == owner, now, "daemon_restarted")


def expire(connection: Connection, *, now: datetime) -> tuple[int, int]:
    """Do the same for everybody whose lease has ended."""
    return _recover(connection, attempt.c.lease_until < now, now, "lease_expired")


def _recover(connection: Connection, which: sa.ColumnElement[bool], now: datetime, reason: str) -> tuple[int, int]:
    # SKIP LOCKED: whoever is at work on the row at this moment is not dead.
    chosen = sa.select(attempt.c.id, attempt.c.claim_no, attempt.c.state).where(_HELD, which)
    found = connection.execute(chosen.order_by(attempt.c.id).with_for_update(skip_locked=True)).all()
    counts: dict[str, int] = defaultdict(int)
    lost = {State.CLAIMED.value: Event.RELEASED, State.SENDING.value: Event.LOST_SIGHT}
    transitions = []
    for attempt_id, claim_no, state in found:
        counts[state] += 1
        transitions.append(Transition(attempt_id, claim_no, lost[state], now, reason=reason))
    apply(connection, transitions)
    return counts[State.CLAIMED], counts[State.SENDING]


def unclear(connection: Connection, *, channel: Channel, limit: int) -> list[UnclearAttempt]:
    """List what has to be looked up, least often asked first."""
    chosen = (
        sa.select(
            attempt.c.id, attempt.c.claim_no, attempt.c.account_id, attempt.c.channel, attempt.c.address,
            attempt.c.provider_ref, attempt.c.sending_at, attempt.c.looked_up, attempt.c.fingerprint,
        )
        .where(_UNCLEAR, attempt.c.channel == channel)
        .order_by(attempt.c.looked_up, attempt.c.id)
        .limit(limit)
    )  # fmt: skip
    return [UnclearAttempt(*row[:3], Channel(row[3]), *row[4:]) for row in connection.execute(chosen)]


def looked_up(connection: Connection, claims: Iterable[tuple[int, int]]) -> None:
    """Count an empty answer of the provider for each unclear attempt; `claims` are (id, claim_no)."""
    rows = [{"b_id": attempt_id, "b_claim_no": claim_no} for attempt_id, claim_no in claims]
    if rows:
        connection.execute(
            sa.update(attempt)
            .where(attempt.c.id == sa.bindparam("b_id"), attempt.c.claim_no == sa.bindparam("b_claim_no"), _UNCLEAR)
            .values(looked_up=attempt.c.looked_up + 1),
            rows,
        )
