"""Counts of contacts for the reports: by channel, along the funnel, by hour, by agent; customers' own calls are none.

A period is a pair of instants, the end excluded. An attempt belongs to the period in which it was planned, a call to
the one in which it was placed. Confirmations of agreements are no contacts of a campaign and are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.attempt import State
from contactd.domain.calendar import find_zone, local_day
from contactd.domain.campaign import INBOUND
from contactd.domain.contact_report import PROMISED, RIGHT_PARTY, Answered, Calls, Slot, Talks
from contactd.store.among import among
from contactd.store.columns import from_micros
from contactd.store.schema import account, attempt, batch, call, payment

Period = tuple[datetime, datetime]

_CALLED = sa.and_(attempt.c.channel == Channel.CALL.value, attempt.c.step != INBOUND)
_RIGHT = sa.and_(_CALLED, attempt.c.disposition.in_(sorted(RIGHT_PARTY)))
_PROMISED = sa.and_(_CALLED, attempt.c.disposition.in_(sorted(PROMISED)))
_ARRIVED = attempt.c.state.in_([State.ACCEPTED.value, State.DELIVERED.value])
_PICKED_UP = sa.and_(_CALLED, call.c.answered_at.is_not(None))
_REACHED = sa.or_(sa.and_(attempt.c.channel != Channel.CALL.value, _ARRIVED), _PICKED_UP, _RIGHT)
_WAITING = sa.and_(attempt.c.state.in_([State.PLANNED.value, State.CLAIMED.value]), sa.not_(_RIGHT))
_WITHDRAWN = sa.and_(attempt.c.state == State.CANCELLED.value, attempt.c.sending_at.is_(None), sa.not_(_RIGHT))
_SENT = sa.not_(sa.or_(_WAITING, _WITHDRAWN))
_QUARTER = 15 * 60
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the attempts of one channel, "" for all: `planned` is `waiting` + `withdrawn` + `sent`.

    `reached` were sent, `right_party` were reached, and `promises` came of those; customers are counted once a line.
    """

    channel: str
    planned: int
    waiting: int
    withdrawn: int
    sent: int
    reached: int
    right_party: int
    promises: int
    customers: int
    customers_right_party: int


def lines(connection: Connection, period: Period) -> list[Line]:
    """Count what was planned, by channel and over all of them."""
    channel = attempt.c.channel
    found = [Line(*row) for row in connection.execute(_counted(channel, period).group_by(channel).order_by(channel))]
    return [*found, Line(*connection.execute(_counted(sa.literal(""), period)).one())]


def _counted(channel: sa.ColumnElement[str], period: Period) -> sa.Select[Any]:
    which = (_WAITING, _WITHDRAWN, _SENT, sa.and_(_SENT, _REACHED), _RIGHT, _PROMISED)
    counts = [sa.func.count(sa.case((one, 1))) for one in which]
    customers = [attempt.c.customer_id.distinct(), sa.case((_RIGHT, attempt.c.customer_id)).distinct()]
    return _of(period, channel, sa.func.count(), *counts, *(sa.func.count(one) for one in customers))


def _of(period: Period, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    joined = (
        sa.select(*columns).select_from(attempt).outerjoin(call, sa.and_(call.c.attempt_id == attempt.c.id, _CALLED))
    )
    return joined.where(*_planned_in(period))


def _planned_in(period: Period) -> tuple[sa.ColumnElement[bool], ...]:
    begin, end = period
    planned = (attempt.c.planned_at >= begin, attempt.c.planned_at < end)
    return (*planned, attempt.c.campaign != "", attempt.c.step != INBOUND)


def funnel(connection: Connection, period: Period, zone: tzinfo, until: date) -> list[tuple[str, int]]:
    """Count customers from stage to stage, each stage of those of the one before; `until` is the last value date."""
    marks = [sa.func.max(sa.case((one, 1), else_=0)) for one in (_SENT, sa.and_(_SENT, _REACHED), _RIGHT, _PROMISED)]
    each = _of(period, *(mark.label(f"m{place}") for place, mark in enumerate(marks)))
    grouped = each.group_by(attempt.c.customer_id).subquery()
    counted = sa.select(sa.func.count(), *(sa.func.coalesce(sa.func.sum(column), 0) for column in grouped.c))
    counts = [int(count) for count in connection.execute(counted.select_from(grouped)).one()]
    names = ("planned", "sent", "reached", "right_party", "promise", "paid")
    return list(zip(names, (*counts, _paid(connection, period, zone, until)), strict=True))


def _paid(connection: Connection, period: Period, zone: tzinfo, until: date) -> int:
    """Count the customers who have promised and from whom more came in since that day than went back."""
    at = sa.type_coerce(sa.func.min(attempt.c.conversation_at), attempt.c.planned_at.type)
    chosen = sa.select(attempt.c.customer_id, at).where(*_planned_in(period), _PROMISED)
    promised = {
        customer: local_day(zone, first) if first is not None else date.min
        for customer, first in connection.execute(chosen.group_by(attempt.c.customer_id))
    }
    came: dict[int, int] = {}
    moneys = (
        sa.select(account.c.customer_id, payment.c.value_date, payment.c.amount)
        .join(account, account.c.id == payment.c.account_id)
        .where(among(connection, account.c.customer_id, sorted(promised)), payment.c.value_date <= until)
    )
    for customer, on, amount in connection.execute(moneys) if promised else ():
        if on >= promised[customer]:
            came[customer] = came.get(customer, 0) + amount
    return sum(amount > 0 for amount in came.values())


def withdrawn(connection: Connection, period: Period) -> list[tuple[str, str, int]]:
    """Count what was withdrawn before it was sent, by channel and reason."""
    key = (attempt.c.channel, attempt.c.reason)
    chosen = sa.select(*key, sa.func.count()).where(*_planned_in(period), _WITHDRAWN).group_by(*key).order_by(*key)
    return [(channel, reason, count) for channel, reason, count in connection.execute(chosen)]


def held_back(connection: Connection, period: Period) -> Iterator[tuple[str, datetime, str, int]]:
    """List what the newest planning run of each campaign has held back: campaign, when, reason, accounts."""
    begin, end = period
    ended = sa.and_(batch.c.finished_at.is_not(None), sa.not_(batch.c.interrupted))
    newest = sa.select(sa.func.max(batch.c.id)).where(ended, batch.c.planned_at >= begin, batch.c.planned_at < end)
    chosen = sa.select(batch.c.campaign, batch.c.planned_at, batch.c.held)
    chosen = chosen.where(batch.c.id.in_(newest.group_by(batch.c.campaign))).order_by(batch.c.campaign)
    for campaign, at, held in connection.execute(chosen):
        counts: dict[str, int] = {}
        for reasons in held.values():
            for reason, tally in reasons.items():
                counts[reason] = counts.get(reason, 0) + tally["count"]
        yield from ((campaign, at, reason, counts[reason]) for reason in sorted(counts))


def answered(connection: Connection, period: Period, zone: tzinfo) -> dict[str, list[Answered]]:
    """Count calls that a person answered, by campaign and day in a zone, and those of them that met nobody."""
    begin, end = period
    quarter = _quarter(connection, call.c.answered_at)
    abandoned = sa.func.count(sa.case((call.c.how_ended == "abandoned", 1)))
    chosen = (
        sa.select(attempt.c.campaign, quarter, sa.func.count(), abandoned)
        .join(call, call.c.attempt_id == attempt.c.id)
        .where(_CALLED, call.c.answered_at >= begin, call.c.answered_at < end)
        .group_by(attempt.c.campaign, quarter)
        .order_by(attempt.c.campaign, quarter)
    )
    found: dict[str, dict[date, Answered]] = {}
    for campaign, at, people, nobody in connection.execute(chosen):
        day = local_day(zone, from_micros(int(at) * _QUARTER * _MICROS))
        days = found.setdefault(campaign, {})
        before = days.get(day, Answered(day, 0, 0))
        days[day] = Answered(day, before.answered + people, before.abandoned + nobody)
    return {campaign: list(days.values()) for campaign, days in found.items()}


def slots(connection: Connection, period: Period, zone: tzinfo) -> Iterator[Slot]:
    """Count placed calls by quarters of an hour and the zone of who was called; `zone` where none is known."""
    begin, end = period
    quarter = _quarter(connection, call.c.placed_at)
    mobile = sa.and_(account.c.mobile_zones != "", call.c.number == account.c.mobile)
    named = sa.case((account.c.timezone != "", account.c.timezone), (mobile, account.c.mobile_zones),
                    else_=account.c.phone_zones)  # fmt: skip
    counts = (sa.func.count(), sa.func.count(call.c.answered_at), sa.func.count(sa.case((_RIGHT, 1))))
    chosen = (
        sa.select(named, quarter, *counts)
        .select_from(attempt)
        .join(call, call.c.attempt_id == attempt.c.id)
        .join(account, account.c.id == attempt.c.account_id)
        .where(_CALLED, call.c.placed_at >= begin, call.c.placed_at < end)
        .group_by(named, quarter)
    )
    for name, at, *calls in connection.execute(chosen):
        first = name.split(" ")[0]
        yield Slot(from_micros(int(at) * _QUARTER * _MICROS), find_zone(first) or zone, Calls(*calls))


def talks(connection: Connection, period: Period) -> dict[str, Talks]:
    """Count conversations with the right party by agent, and what was promised in them."""
    counts = (sa.func.count(), sa.func.count(sa.case((_PROMISED, 1))))
    chosen = sa.select(attempt.c.agent, *counts).where(*_planned_in(period), _RIGHT, attempt.c.agent != "")
    return {agent: Talks(*found) for agent, *found in connection.execute(chosen.group_by(attempt.c.agent))}


def _quarter(connection: Connection, at: sa.ColumnElement[datetime]) -> sa.ColumnElement[int]:
    """Count the quarters of an hour from 1970 to an instant."""
    if connection.dialect.name == "postgresql":
        return sa.cast(sa.func.floor(sa.func.extract("epoch", at) / _QUARTER), sa.BigInteger)
    return sa.type_coerce(at, sa.BigInteger).op("/")(_QUARTER * _MICROS)
