"""Calls that customers place to us: who it is that calls, the attempt that keeps it, and what it makes needless.

Such a call is an attempt like any other, with `INBOUND` in the place of a step, so that it can neither be lost nor
taken for a try of ours. Of somebody unknown its account is 0. In its call row `number` is the caller's and `caller_id`
ours, as always.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State
from contactd.domain.calendar import find_zone, local_day, start_of_day
from contactd.domain.campaign import INBOUND
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.store import attempts, contact_log
from contactd.store.attempts import Claimed, Transition
from contactd.store.schema import account, attempt, call

NOBODY = 0  # the account of somebody unknown
CALLED_US = "customer_called"
_OURS = attempt.c.step != INBOUND


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that comes in: the carrier's reference, what its caller's number may mean, likeliest first, and ours."""

    reference: str
    numbers: tuple[str, ...]
    called: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the attempt of the call, and of somebody known the number, the language and who spoke to them last."""

    claimed: Claimed
    number: str
    language: str = ""
    agent: str = ""


def arrive(connection: Connection, arrival: Arrival, *, owner: str) -> Caller:
    """Find out who calls, and enter the call; entering it again answers the same."""
    who = _who(connection, arrival.numbers)
    number = _number(who, arrival.numbers)
    known = _known(connection, arrival.reference) or _enter(connection, arrival, who, number, owner)
    if who is None:
        return Caller(known, number)
    return Caller(known, number, who.language, _agent(connection, who.customer_id))


def _who(connection: Connection, numbers: Collection[str]) -> Row[Any] | None:
    """Choose among the accounts that have the number: the one called last, else the one that has owed longest."""
    if not numbers:
        return None
    chosen = sa.select(account).where(sa.or_(account.c.mobile.in_(numbers), account.c.phone.in_(numbers)))
    found = connection.execute(chosen.order_by(account.c.id)).all()
    if not found:
        return None
    called = dict(
        connection.execute(
            sa.select(attempt.c.account_id, sa.func.max(attempt.c.id))
            .where(attempt.c.account_id.in_([row.id for row in found]), attempt.c.address.in_(numbers))
            .where(attempt.c.channel == Channel.CALL.value, attempt.c.sending_at.is_not(None), _OURS)
            .group_by(attempt.c.account_id)
        ).all()
    )
    return min(found, key=lambda row: (-called.get(row.id, 0), row.open <= 0, str(row.oldest_due or "9"), row.id))


def _number(who: Row[Any] | None, numbers: Sequence[str]) -> str:
    """Tell which of the numbers it was: the one we know, else the likeliest."""
    known = {who.mobile, who.phone} if who is not None else set()
    return next((number for number in numbers if number in known), next(iter(numbers), ""))


def _known(connection: Connection, reference: str) -> Claimed | None:
    chosen = sa.select(*_CLAIMED).where(attempt.c.provider_ref == reference, attempt.c.provider_ref != "")
    row = connection.execute(chosen.where(attempt.c.step == INBOUND, attempt.c.state == State.ACCEPTED)).one_or_none()
    return _claimed(row) if row is not None else None


_CLAIMED = tuple(
    attempt.c[name]
    for name in ("id", "claim_no", "account_id", "customer_id", "campaign", "step", "case_no", "try_no", "planned_at")
)


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(**row._mapping, channel=Channel.CALL)  # noqa: SLF001 -- public, in spite of its name


def _enter(connection: Connection, arrival: Arrival, who: Row[Any] | None, number: str, owner: str) -> Claimed:
    values = {
        "account_id": who.id if who is not None else NOBODY,
        "customer_id": who.customer_id if who is not None else NOBODY,
        "campaign": _campaign(connection, who.id) if who is not None else "",
        "case_no": who.case_no if who is not None else 0,
        "step": INBOUND, "channel": Channel.CALL, "state": State.ACCEPTED, "outcome": State.ACCEPTED, "claim_no": 1,
        "claimed_by": owner, "not_before": arrival.at, "planned_at": arrival.at, "sending_at": arrival.at,
        "address": number, "provider_ref": arrival.reference,
    }  # fmt: skip
    same = [attempt.c[name] == values[name] for name in ("account_id", "campaign", "case_no", "step")]
    tries = sa.select(sa.func.coalesce(sa.func.max(attempt.c.try_no), 0) + 1).where(*same).scalar_subquery()
    made = connection.execute(sa.insert(attempt).values(**values, try_no=tries).returning(*_CLAIMED)).one()
    claimed = _claimed(made)
    row = {"attempt_id": claimed.id, "number": number, "caller_id": arrival.called, "carrier_ref": arrival.reference}
    connection.execute(sa.insert(call).values(**row, placed_at=arrival.at))
    entry = {name: values[name] for name in ("campaign", "step", "channel", "outcome", "address", "provider_ref")}
    entry |= {"attempt_id": claimed.id, "account_id": claimed.account_id or None, "at": arrival.at}
    entry |= {"event": State.ACCEPTED, "details": {"direction": INBOUND, "called": arrival.called}}
    contact_log.add(connection, [entry])
    return claimed


def _campaign(connection: Connection, account_id: int) -> str:
    """Name the campaign that has contacted an account last, or would have."""
    mine = sa.select(attempt.c.campaign).where(attempt.c.account_id == account_id, attempt.c.campaign != "", _OURS)
    mine = mine.where(attempt.c.campaign != NOTICES)
    return connection.scalar(mine.order_by(attempt.c.id.desc()).limit(1)) or ""


def _agent(connection: Connection, customer_id: int) -> str:
    """Name the agent who spoke to a customer last."""
    talks = sa.select(attempt.c.agent).where(attempt.c.customer_id == customer_id, attempt.c.sending_at.is_not(None))
    talks = talks.where(attempt.c.channel == Channel.CALL.value, attempt.c.agent != "")
    return connection.scalar(talks.order_by(attempt.c.sending_at.desc(), attempt.c.id.desc()).limit(1)) or ""


def settle_day(connection: Connection, account_id: int, at: datetime) -> int:
    """Cancel what is planned for a customer today, where they live: they talk to us now; answers how much it was."""
    one = sa.select(account.c.creditor, account.c.account_no).where(account.c.id == account_id).subquery()
    same = sa.select(account).join(
        one, sa.and_(account.c.creditor == one.c.creditor, account.c.account_no == one.c.account_no)
    )
    needless = [
        attempt_id
        for row in connection.execute(same)
        for attempt_id in connection.scalars(
            sa.select(attempt.c.id).where(
                attempt.c.account_id == row.id,
                attempt.c.state.in_([State.PLANNED.value, State.CLAIMED.value]),
                attempt.c.not_before < _tomorrow(_zone(row), at),
            )
        )
    ]
    gone = [
        Transition(attempt_id, None, Event.FORBIDDEN, at, outcome="cancelled", reason=CALLED_US)
        for attempt_id in sorted(needless)
    ]
    return sum(isinstance(answer, State) for answer in attempts.apply(connection, gone)) if gone else 0


def _tomorrow(zone: tzinfo, at: datetime) -> datetime:
    return start_of_day(zone, local_day(zone, at) + timedelta(days=1))


def _zone(row: Row[Any]) -> tzinfo:
    names = [row.timezone, *row.mobile_zones.split(), *row.phone_zones.split()]
    return next((found for name in names if name and (found := find_zone(name))), UTC)
