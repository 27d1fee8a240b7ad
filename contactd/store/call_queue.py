"""The calls that wait: taken up in their order, kept for an agent, put off; the dialer's side of the attempts.

A callback is an attempt like any other, with a priority, a time and perhaps an agent it is kept for; so it cannot be
lost, doubled or called past the rules. Whoever calls us in vain gets one too.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State
from contactd.domain.calendar import find_zone
from contactd.domain.campaign import INBOUND
from contactd.domain.policy import Reason
from contactd.domain.queueing import Priority, Waiting
from contactd.store import attempts, pauses
from contactd.store.attempts import Claimed, Transition
from contactd.store.schema import account, attempt, suppression

_PLANNED_CALL = sa.text("attempt.state = 'planned' AND attempt.channel = 'call'")
_CALLS = attempt.c.channel == Channel.CALL.value
_LOOK = 30  # candidates beyond what is wanted: among so many the hour and the daypart decide

Choose = Callable[[list[Waiting]], list[Waiting]]


@dataclass(frozen=True, slots=True)
class CallBack:
    """A call agreed with a person: when, which number (empty: the first), whose (empty: the team's) and how long.

    `key`: the campaign and step to call for, where it is not that of the attempt: of one who has called us.
    """

    attempt_id: int
    at: datetime
    number: str = ""
    kept_for: str = ""
    kept_until: datetime | None = None
    key: tuple[str, str] | None = None


def take(
    connection: Connection,
    lists: Collection[tuple[str, str]],
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    free: Collection[str],
    choose: Choose,
) -> list[Claimed]:
    """Claim up to `limit` due calls of these (campaign, step) pairs, in the order `choose` puts them in.

    What is kept for an agent is left to them until its time is over, and then anybody's; `free` names the agents who
    could take one.
    """
    resting = pauses.paused(connection)
    if {"all", "channel:call"} & resting:
        return []
    waiting = [
        _waiting(row)
        for campaign, step in sorted(lists)
        if f"campaign:{campaign}" not in resting
        for row in connection.execute(
            _DUE, {"campaign": campaign, "step": step, "now": now, "free": sorted(free), "most": limit + _LOOK}
        )
    ]
    return _claim(connection, [one.id for one in choose(waiting)[:limit]], owner, now, lease)


def _claim(connection: Connection, chosen: Sequence[int], owner: str, now: datetime, lease: timedelta) -> list[Claimed]:
    """Make them ours until the lease ends, in this order."""
    if not chosen:
        return []
    given = {"chosen": list(chosen), "owner": owner, "now": now, "until": now + lease}
    claimed = connection.execute(_CLAIM, given).mappings()
    by_id = {row["id"]: Claimed(**row, channel=Channel.CALL) for row in claimed}
    return [by_id[attempt_id] for attempt_id in chosen]


_CLAIMED = (
    attempt.c.id, attempt.c.claim_no, attempt.c.account_id, attempt.c.customer_id, attempt.c.campaign, attempt.c.step,
    attempt.c.case_no, attempt.c.try_no, attempt.c.planned_at, attempt.c.wanted, attempt.c.priority,
    sa.select(account.c.language).where(account.c.id == attempt.c.account_id).scalar_subquery().label("language"),
)  # fmt: skip


def _due() -> sa.Select[Any]:
    now = sa.bindparam("now", type_=attempt.c.not_before.type)
    tried = attempt.alias("tried")
    tried_at = (
        sa.select(sa.func.max(tried.c.sending_at))
        .where(tried.c.customer_id == attempt.c.customer_id, tried.c.channel == Channel.CALL.value)
        .where(tried.c.sending_at.is_not(None), tried.c.step != INBOUND)
        .scalar_subquery()
    )
    anybodys = sa.or_(attempt.c.kept_for == "", attempt.c.kept_until <= now, attempt.c.kept_for.in_(_FREE))
    return (
        sa.select(
            attempt.c.id, attempt.c.priority, attempt.c.rank, account.c.timezone, account.c.mobile_zones,
            account.c.phone_zones, tried_at.label("tried_at"),
        )
        .join(account, account.c.id == attempt.c.account_id)
        .where(_PLANNED_CALL, attempt.c.campaign == sa.bindparam("campaign"), attempt.c.step == sa.bindparam("step"))
        .where(attempt.c.not_before <= now, anybodys)
        .order_by(attempt.c.priority.desc(), attempt.c.rank.desc(), attempt.c.id)
        .limit(sa.bindparam("most", type_=sa.Integer()))
        .with_for_update(of=attempt, skip_locked=True)
    )  # fmt: skip


_FREE = sa.bindparam("free", type_=sa.Text(), expanding=True)
# Said again and again: composed once.
_DUE = _due()
_CLAIM = (
    sa.update(attempt)
    .where(attempt.c.id.in_(sa.bindparam("chosen", type_=sa.BigInteger(), expanding=True)))
    .values(
        state=State.CLAIMED, claim_no=attempt.c.claim_no + 1, claimed_by=sa.bindparam("owner"),
        lease_until=sa.bindparam("until", type_=attempt.c.lease_until.type),
    )
    .returning(
        *_CLAIMED,
        sa.case(
            (attempt.c.kept_until <= sa.bindparam("now", type_=attempt.c.kept_until.type), ""),
            else_=attempt.c.kept_for,
        ).label("kept_for"),
    )
)  # fmt: skip


def _waiting(row: Row[Any]) -> Waiting:
    names = [row.timezone, *row.mobile_zones.split(), *row.phone_zones.split()]
    zone = next((found for name in names if name and (found := find_zone(name))), UTC)
    return Waiting(row.id, row.priority, row.rank, zone, row.tried_at)


def agree(connection: Connection, items: Sequence[CallBack], now: datetime) -> list[int]:
    """Queue callbacks to the accounts of these attempts, instead of earlier ones; answers their ids."""
    return [_queue(connection, item, Priority.CALLBACK, now) for item in items]


def dial(connection: Connection, item: CallBack, *, owner: str, now: datetime, lease: timedelta) -> Claimed:
    """Claim a call an agent wants to place at once; what is agreed with the customer stands, for nobody may answer."""
    return _claim(connection, [_queue(connection, item, Priority.DIALLED, now)], owner, now, lease)[0]


def agree_beforehand(connection: Connection, account_id: int, customer_id: int, item: CallBack, now: datetime) -> int:
    """Queue a callback to an account that nobody has called yet; the item's `key` says for which campaign and step."""
    drop(connection, [customer_id], now, reason="replaced")
    return _insert(connection, account_id, customer_id, item.key or ("", ""), item, Priority.CALLBACK, now)


def _queue(connection: Connection, item: CallBack, priority: Priority, now: datetime) -> int:
    origin = connection.execute(sa.select(attempt).where(attempt.c.id == item.attempt_id)).one()
    if priority is not Priority.DIALLED:
        drop(connection, [origin.customer_id], now, reason="replaced")
    key = item.key or (origin.campaign, origin.step)
    return _insert(connection, origin.account_id, origin.customer_id, key, item, priority, now)


def _insert(
    connection: Connection,
    account_id: int,
    customer_id: int,
    key: tuple[str, str],
    item: CallBack,
    priority: Priority,
    now: datetime,
) -> int:
    campaign, step = key
    case_no = connection.scalar(sa.select(account.c.case_no).where(account.c.id == account_id)) or 1
    mine = (attempt.c.account_id == account_id, attempt.c.campaign == campaign, attempt.c.step == step)
    tries = sa.select(sa.func.max(attempt.c.try_no)).where(*mine, attempt.c.case_no == case_no)
    values = {
        "account_id": account_id, "customer_id": customer_id, "campaign": campaign,
        "step": step, "channel": Channel.CALL, "case_no": case_no,
        "try_no": (connection.scalar(tries) or 0) + 1, "not_before": item.at, "planned_at": now,
        "wanted": item.number, "priority": int(priority), "rank": 0, "kept_for": item.kept_for,
        "kept_until": item.kept_until,
    }  # fmt: skip
    made = connection.scalar(sa.insert(attempt).values(values).returning(attempt.c.id))
    return int(made or 0)


def drop(connection: Connection, customers: Collection[int], now: datetime, *, reason: str) -> int:
    """Cancel what is agreed with these customers, for they were spoken to; answers how many."""
    chosen = sa.select(attempt.c.id).where(
        _PLANNED_CALL, attempt.c.customer_id.in_(sorted(customers)), attempt.c.priority > int(Priority.LADDER)
    )
    return _cancel(connection, dict.fromkeys(connection.scalars(chosen.order_by(attempt.c.id)), reason), now)


def _cancel(connection: Connection, reasons: Mapping[int, str], now: datetime) -> int:
    answers = attempts.apply(
        connection,
        [
            Transition(attempt_id, None, Event.FORBIDDEN, now, outcome="cancelled", reason=reason)
            for attempt_id, reason in reasons.items()
        ],
    )
    return sum(isinstance(answer, State) for answer in answers)


def keep(connection: Connection, attempt_id: int, agent: str, term: timedelta, now: datetime) -> str | None:
    """Keep a callback that waits for an agent, "" for the team; answers whose it was, None: none waits.

    The term begins when it is due, or now where that is over.
    """
    mine = sa.and_(_PLANNED_CALL, attempt.c.id == attempt_id, attempt.c.priority > int(Priority.LADDER))
    chosen = sa.select(attempt.c.kept_for, attempt.c.not_before).where(mine).with_for_update()
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return None
    until = max(row.not_before, now) + term if agent else None
    connection.execute(sa.update(attempt).where(mine).values(kept_for=agent, kept_until=until))
    return str(row.kept_for)


def needless(connection: Connection) -> dict[int, str]:
    """Find what is agreed and needed no more: the reason by attempt, nothing is open or no call is wanted any more."""
    wants_none = sa.exists().where(
        suppression.c.kind == "account",
        suppression.c.value == sa.cast(attempt.c.customer_id, sa.Text),
        suppression.c.channel.in_(["", Channel.CALL.value]),
        suppression.c.until.is_(None),
    )
    chosen = (
        sa.select(attempt.c.id, account.c.open <= 0)
        .join(account, account.c.id == attempt.c.account_id)
        .where(_PLANNED_CALL, attempt.c.priority > int(Priority.LADDER), sa.or_(account.c.open <= 0, wants_none))
        .order_by(attempt.c.id)
    )
    reasons = Reason.STOPPED, Reason.NOTHING_OPEN
    return {attempt_id: reasons[bool(paid)].value for attempt_id, paid in connection.execute(chosen)}


def withdraw(connection: Connection, now: datetime) -> int:
    """Cancel what is needed no more; answers how many."""
    return _cancel(connection, needless(connection), now)


def missed(connection: Connection, number: str, now: datetime) -> list[int]:
    """Queue a call to whoever called us from a number in vain; answers the attempts, none when nobody is known by it.

    A call that waits for them anyway goes first instead, whichever of their accounts it is about.
    """
    known = sa.select(account.c.customer_id).where(_reached_at(number))
    customers = connection.scalars(known.distinct().order_by(account.c.customer_id)).all()
    queued = (_call_back(connection, customer, number, now) for customer in customers)
    return [attempt_id for attempt_id in queued if attempt_id is not None]


def _reached_at(number: str) -> sa.ColumnElement[bool]:
    """Choose the accounts that owe something and have the number."""
    return sa.and_(sa.or_(account.c.mobile == number, account.c.phone == number), account.c.open > 0)


def _call_back(connection: Connection, customer: int, number: str, now: datetime) -> int | None:
    """Queue one call to a customer, who has one telephone to pick up; None when they were never called."""
    calls = sa.select(attempt.c.id).join(account, account.c.id == attempt.c.account_id)
    calls = calls.where(attempt.c.customer_id == customer)
    agreed_or_known = sa.or_(_reached_at(number), attempt.c.priority == int(Priority.CALLBACK))
    waits = calls.where(_PLANNED_CALL, agreed_or_known).order_by(attempt.c.priority.desc(), attempt.c.id)
    attempt_id = connection.scalar(waits.limit(1))
    if attempt_id is not None:
        first = sa.update(attempt).where(attempt.c.id == attempt_id, attempt.c.priority < int(Priority.CALLBACK))
        connection.execute(first.values(priority=int(Priority.MISSED), not_before=now, wanted=number))
        return int(attempt_id)
    # What is claimed may be placed any moment, or be put off.
    tried = sa.or_(attempt.c.sending_at.is_not(None), attempt.c.state == State.CLAIMED)
    called = calls.where(_CALLS, tried, attempt.c.step != INBOUND, _reached_at(number)).order_by(attempt.c.id.desc())
    origin = connection.scalar(called.limit(1))
    return None if origin is None else _queue(connection, CallBack(origin, now, number), Priority.MISSED, now)


def agreed(connection: Connection, kept_for: str = "") -> list[Row[Any]]:
    """List the callbacks that wait, or those kept for an agent, soonest first: attempt, account, whose, when."""
    whose = attempt.c.kept_for == kept_for if kept_for else sa.true()
    chosen = (
        sa.select(
            attempt.c.id, attempt.c.campaign, attempt.c.priority, attempt.c.not_before, attempt.c.kept_for,
            attempt.c.kept_until, account.c.account_no, account.c.creditor,
            account.c.name,
        )
        .join(account, account.c.id == attempt.c.account_id)
        .where(_PLANNED_CALL, whose, attempt.c.priority > int(Priority.LADDER))
        .order_by(attempt.c.not_before, attempt.c.id)
    )  # fmt: skip
    return list(connection.execute(chosen))


def put_off(connection: Connection, items: Sequence[tuple[Claimed, str, str, datetime]], now: datetime) -> None:
    """Give back claimed calls an agent has skipped: (claim, agent, why, not before); each is logged."""
    attempts.apply(
        connection,
        [
            Transition(
                claim.id, claim.claim_no, Event.SKIPPED, now, outcome="skipped", reason=why, agent=agent,
                not_before=later,
            )
            for claim, agent, why, later in items
        ],
    )  # fmt: skip


def counts(connection: Connection, now: datetime) -> Mapping[tuple[str, str], tuple[int, int, datetime | None]]:
    """Count the calls that wait by (campaign, step): due now, later, and when the next one is due."""
    due = sa.case((attempt.c.not_before <= now, 1))
    later = sa.case((attempt.c.not_before > now, attempt.c.not_before))
    chosen = (
        sa.select(attempt.c.campaign, attempt.c.step, sa.func.count(due), sa.func.count(later), sa.func.min(later))
        .where(_PLANNED_CALL)
        .group_by(attempt.c.campaign, attempt.c.step)
    )
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in connection.execute(chosen)}
