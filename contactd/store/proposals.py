"""Runs that wait for approval: written line by line, decided once, and then as they are; for the engine.

Every change is guarded by the run's own row, which is locked first: what has been decided is changed by nobody.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel
from contactd.domain.proposal import State
from contactd.domain.queueing import Priority
from contactd.store import contact_log
from contactd.store.among import among
from contactd.store.bulk import Added
from contactd.store.conflict import insert_into
from contactd.store.schema import account, attempt, batch, import_run
from contactd.store.schema_proposals import proposal, proposal_line

_PAGE = 5_000
_STILL = proposal_line.c.dropped == ""
# What a line and the attempt it becomes have in common.
_SAME = (
    "batch_id", "account_id", "customer_id", "step", "channel", "case_no", "try_no", "not_before", "planned_at",
    "wanted", "rank",
)  # fmt: skip
_PROPOSED = proposal.c.state == sa.literal_column("'proposed'")


class NewLine(NamedTuple):
    """An account in a proposed run; `overdue` in minor units of its currency."""

    batch_id: int
    account_id: int
    customer_id: int
    step: str
    channel: Channel
    case_no: int
    try_no: int
    not_before: datetime
    planned_at: datetime
    wanted: str
    rank: int
    overdue: int
    oldest_due: date | None


_ADD = Added(proposal_line, NewLine._fields)


@dataclass(frozen=True, slots=True)
class NewProposal:
    """A run that is written and now waits."""

    batch_id: int
    campaign: str
    proposed_by: str
    expires_at: datetime
    ladder: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """How a run was decided, by whom and why."""

    state: State
    at: datetime
    by: str
    reason: str = ""


def add_lines(connection: Connection, lines: Sequence[NewLine]) -> None:
    """Write some lines of a run that is not proposed yet."""
    if lines:
        _ADD.run(connection, lines)


def propose(connection: Connection, new: NewProposal) -> bool:
    """Let a run wait for approval; answers False where another of its campaign does."""
    fresh = sa.select(sa.func.max(import_run.c.finished_at)).where(import_run.c.kind == "payments")
    values = {
        "batch_id": new.batch_id, "campaign": new.campaign, "proposed_by": new.proposed_by,
        "expires_at": new.expires_at, "ladder": dict(new.ladder), "payments_as_of": fresh.scalar_subquery(),
    }  # fmt: skip
    statement = insert_into(connection, proposal).values(values)
    return connection.scalar(statement.on_conflict_do_nothing().returning(proposal.c.batch_id)) is not None


def forget_drafts(connection: Connection) -> int:
    """Remove the lines of runs that were cut short before they were proposed; answers how many runs."""
    proposed = sa.select(proposal.c.batch_id)
    cut = sa.select(batch.c.id).where(batch.c.interrupted, batch.c.id.not_in(proposed))
    mine = sa.select(proposal_line.c.batch_id).where(proposal_line.c.batch_id.in_(cut)).distinct()
    runs = list(connection.scalars(mine))
    if runs:
        connection.execute(sa.delete(proposal_line).where(among(connection, proposal_line.c.batch_id, runs)))
    return len(runs)


def expire(connection: Connection, now: datetime, by: str) -> list[int]:
    """Enter the runs nobody decided about in time; answers their numbers."""
    return sorted(connection.scalars(_EXPIRE, {"now": now, "who": by}))


_EXPIRE = (
    sa.update(proposal)
    .where(_PROPOSED, proposal.c.expires_at <= sa.bindparam("now", type_=proposal.c.expires_at.type))
    .values(state=State.EXPIRED.value, decided_at=proposal.c.expires_at, decided_by=sa.bindparam("who"))
    .returning(proposal.c.batch_id)
)


def waiting(connection: Connection, now: datetime) -> dict[str, Row[Any]]:
    """Read the run of each campaign that waits."""
    chosen = _runs().where(_PROPOSED, proposal.c.expires_at > now)
    return {row.campaign: row for row in connection.execute(chosen)}


def waiting_with(connection: Connection, account_id: int, now: datetime) -> Sequence[Row[Any]]:
    """List the runs that wait and still hold the account: number, step, and when each expires."""
    return connection.execute(_WAITING_WITH, {"account": account_id, "now": now}).all()


def _waiting_with() -> sa.Select[Any]:
    columns: list[sa.ColumnElement[Any]] = [proposal.c.batch_id, proposal_line.c.step, proposal.c.expires_at]
    chosen = sa.select(*columns).join_from(proposal, proposal_line, proposal.c.batch_id == proposal_line.c.batch_id)
    mine = proposal_line.c.account_id == sa.bindparam("account", type_=sa.BigInteger())
    fresh = proposal.c.expires_at > sa.bindparam("now", type_=proposal.c.expires_at.type)
    return chosen.where(mine, _STILL, _PROPOSED, fresh).order_by(proposal.c.batch_id)


_WAITING_WITH = _waiting_with()


def listed(connection: Connection, campaign: str | None = None, *, limit: int, before: int = 0) -> Sequence[Row[Any]]:
    """List the newest runs, proposed or not: of those that never were, all that only a proposal has is None.

    Goes on with `before`, the number of the last one seen.
    """
    chosen = _runs().order_by(batch.c.id.desc()).limit(limit)
    chosen = chosen.where(batch.c.id < before) if before else chosen
    return connection.execute(chosen.where(batch.c.campaign == campaign) if campaign else chosen).all()


def read(connection: Connection, number: int) -> Row[Any] | None:
    """Read a run by its number."""
    return connection.execute(_runs().where(batch.c.id == number)).one_or_none()


def _runs() -> sa.Select[Any]:
    own = [column for column in proposal.columns if column.name not in {"batch_id", "campaign"}]
    return sa.select(batch, *own).select_from(batch.outerjoin(proposal, proposal.c.batch_id == batch.c.id))


def hold_open(connection: Connection, number: int, now: datetime) -> bool:
    """Keep a run as it is until the transaction ends; answers False when it is decided already."""
    chosen = sa.select(proposal.c.batch_id).where(proposal.c.batch_id == number, _PROPOSED, proposal.c.expires_at > now)
    return connection.execute(chosen.with_for_update()).one_or_none() is not None


def decide(connection: Connection, number: int, decision: Decision) -> bool:
    """End the waiting of a run; answers False when somebody was quicker, or its time is over."""
    statement = sa.update(proposal).where(proposal.c.batch_id == number, _PROPOSED, proposal.c.expires_at > decision.at)
    values = {
        "state": decision.state.value, "decided_at": decision.at, "decided_by": decision.by, "reason": decision.reason
    }  # fmt: skip
    return connection.execute(statement.values(values)).rowcount == 1


def drop(connection: Connection, number: int, reasons: Mapping[int, str], *, by: str, now: datetime) -> int:
    """Take accounts out of a run that is held open, each for its reason, and log it; answers how many were in it."""
    which = sa.and_(proposal_line.c.batch_id == number, _STILL)
    which = sa.and_(which, among(connection, proposal_line.c.account_id, list(reasons)))
    chosen = sa.select(proposal_line.c.account_id, proposal_line.c.step, proposal_line.c.channel).where(which)
    found = connection.execute(chosen.order_by(proposal_line.c.account_id)).all()
    for reason in sorted({reasons[row.account_id] for row in found}):
        mine = [row.account_id for row in found if reasons[row.account_id] == reason]
        out = sa.update(proposal_line).where(which, among(connection, proposal_line.c.account_id, mine))
        connection.execute(out.values(dropped=reason, dropped_by=by))
    campaign = connection.scalar(sa.select(proposal.c.campaign).where(proposal.c.batch_id == number))
    contact_log.add(
        connection,
        [
            {
                "account_id": row.account_id, "at": now, "campaign": campaign, "step": row.step,
                "channel": row.channel, "event": "dropped", "reason": reasons[row.account_id],
                "details": {"run": number, "by": by},
            }
            for row in found
        ],
    )  # fmt: skip
    return len(found)


def release(connection: Connection, number: int) -> int:
    """Make attempts of a run's lines; what is queued already stays as it is. Answers how many are new."""
    campaign = sa.select(proposal.c.campaign).where(proposal.c.batch_id == number).scalar_subquery()
    lines = sa.select(
        *(proposal_line.c[name] for name in _SAME), campaign, sa.literal(int(Priority.LADDER), sa.SmallInteger())
    ).where(proposal_line.c.batch_id == number, _STILL)
    names = [*_SAME, "campaign", "priority"]
    statement = insert_into(connection, attempt).from_select(names, lines.order_by(proposal_line.c.account_id))
    counted = {"preserve_rowcount": True}  # else SQLAlchemy does not ask for it after an INSERT
    new = connection.execute(statement.on_conflict_do_nothing(), execution_options=counted).rowcount
    connection.execute(sa.update(proposal).where(proposal.c.batch_id == number).values(released=new))
    return new


class Planned(NamedTuple):
    """What a line says is to be done."""

    step: str
    channel: str
    case_no: int


def steps_of(connection: Connection, number: int) -> dict[int, Planned]:
    """Read what is still in a run, by account."""
    columns = proposal_line.c.account_id, *(proposal_line.c[name] for name in Planned._fields)
    chosen = sa.select(*columns).where(proposal_line.c.batch_id == number, _STILL)
    return {account_id: Planned(*rest) for account_id, *rest in connection.execute(chosen)}


def among_lines(connection: Connection, number: int, account_ids: Collection[int]) -> set[int]:
    """Pick the accounts that are still in a run."""
    chosen = sa.select(proposal_line.c.account_id).where(proposal_line.c.batch_id == number, _STILL)
    return set(connection.scalars(chosen.where(among(connection, proposal_line.c.account_id, account_ids))))


def paid_since(connection: Connection, number: int) -> list[int]:
    """List the accounts in a run for which a payment came in after it was planned."""
    chosen = sa.select(proposal_line.c.account_id).join(account, account.c.id == proposal_line.c.account_id)
    paid = account.c.last_payment_at >= proposal_line.c.planned_at
    return list(connection.scalars(chosen.where(proposal_line.c.batch_id == number, _STILL, paid)))


def dropped(connection: Connection, numbers: Collection[int]) -> dict[int, dict[str, int]]:
    """Count what was taken out of runs, by reason."""
    found: dict[int, dict[str, int]] = {}
    chosen = sa.select(proposal_line.c.batch_id, proposal_line.c.dropped, sa.func.count())
    chosen = chosen.where(among(connection, proposal_line.c.batch_id, numbers), sa.not_(_STILL))
    for number, reason, count in connection.execute(
        chosen.group_by(proposal_line.c.batch_id, proposal_line.c.dropped).order_by(proposal_line.c.dropped)
    ):
        found.setdefault(number, {})[reason] = count
    return found


def lines(
    connection: Connection, number: int, *, after: int = 0, limit: int | None = None, begins: str = ""
) -> Iterator[Row[Any]]:
    """Read the lines of a run by account id, from behind `after`; with each the account's own number and names.

    `begins` is how the numbers of the accounts begin.
    """
    named = [account.c[name] for name in ("creditor", "account_no", "currency", "name")]
    chosen = (
        sa.select(proposal_line, *named)
        .join(account, account.c.id == proposal_line.c.account_id)
        .where(proposal_line.c.batch_id == number, proposal_line.c.account_id > sa.bindparam("after"))
        .order_by(proposal_line.c.account_id)
    )
    if begins:
        chosen = chosen.where(account.c.account_no.istartswith(begins, autoescape=True))
    left = limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(left, _PAGE)
        rows = connection.execute(chosen.limit(size), {"after": after}).all()
        yield from rows
        if len(rows) < size:
            return
        after, left = rows[-1].account_id, left if left is None else left - size
