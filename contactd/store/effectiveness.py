"""What the report by contact method rests on: debts that fell overdue, contacts that reached somebody, money.

A debt falls overdue on the day after its due date. One that was paid by then and whose payment went back, like a direct
debit without cover, does so on the day it went back: before that nothing of it was overdue.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.calendar import find_zone, local_day
from contactd.domain.control_report import Debt, Money, Touch
from contactd.store.schema import account, allocation, attempt, call, invoice, payment
from contactd.store.schema_escalation import posting

_DAY = timedelta(days=1)
_ARRIVED = ("accepted", "delivered")
_WRITTEN = (Channel.EMAIL, Channel.SMS, Channel.LETTER)


@dataclass(frozen=True, slots=True)
class Cohort:
    """The debts of one currency that fell overdue in a month, with what was done and paid since."""

    currency: str
    debts: list[Debt]
    touches: list[Touch]
    moneys: list[Money]


def first_month(connection: Connection) -> date | None:
    """Answer the first day of the month in which the oldest invoice fell overdue."""
    oldest: date | None = connection.scalar(sa.select(sa.func.min(invoice.c.due_date)))
    return (oldest + _DAY).replace(day=1) if oldest is not None else None


def cohorts(
    connection: Connection, first: date, last: date, *, zone: tzinfo, letters_arrive: int, as_of: date
) -> Iterator[Cohort]:
    """Read the cohort of each currency; first and last are the days of the month, `zone` says where a day ends."""
    owed = _owed(connection, first, last)
    moneys = list(_moneys(connection, first, last, as_of))
    events: dict[int, list[Money]] = {claim: [] for claim in owed}
    for one in sorted((*moneys, *_given_up(connection, first, last)), key=lambda money: money.on):
        events[one.claim].append(one)
    fell = {debt.claim: (currency, _fallen(debt, events[debt.claim])) for currency, debt in owed.values()}
    here = {claim: one for claim, one in fell.items() if first <= one[1].on <= last}
    for currency in sorted({currency for currency, _ in here.values()}):
        debts = [debt for known, debt in here.values() if known == currency]
        since = [one for one in moneys if fell[one.claim][0] == currency and one.claim in here]
        since = [one for one in since if one.on > _settled_until(here[one.claim][1], owed[one.claim][1])]
        touches = list(_touches(connection, currency, first, last, zone, letters_arrive, as_of))
        yield Cohort(currency, debts, touches, since)


def _fallen(debt: Debt, events: Sequence[Money]) -> Debt:
    """Answer the debt with the day on which something of it was overdue first, and how much that was."""
    rest = debt.amount - sum(one.amount for one in events if one.on < debt.on)
    if rest > 0:
        return replace(debt, amount=rest)
    for on, alike in groupby((one for one in events if one.on >= debt.on), key=lambda money: money.on):
        rest -= sum(one.amount for one in alike)
        if rest > 0:
            return replace(debt, on=on, amount=rest)
    return replace(debt, amount=0)


def _settled_until(fallen: Debt, due: Debt) -> date:
    """Answer the last day whose money is in the amount of the debt already."""
    return fallen.on if fallen.on > due.on else due.on - _DAY


def _in_month(first: date, last: date) -> sa.ColumnElement[bool]:
    """Choose the invoices that fell due before a day of the month, or of which money went back in it.

    Credit notes are no debts.
    """
    went_back = (
        sa.select(allocation.c.invoice_id)
        .join(payment, payment.c.id == allocation.c.payment_id)
        .where(payment.c.amount < 0, payment.c.value_date.between(first, last))
    )
    fell_due = invoice.c.due_date.between(first - _DAY, last - _DAY)
    late = sa.and_(invoice.c.due_date < first - _DAY, invoice.c.id.in_(went_back))
    return sa.and_(sa.or_(fell_due, late), invoice.c.amount > 0)


def _owed(connection: Connection, first: date, last: date) -> dict[int, tuple[str, Debt]]:
    """Read the invoices with currency and what they were when we first heard of them, given up since or not."""
    given_up = (
        sa.select(sa.func.coalesce(sa.func.sum(posting.c.laid), 0))
        .where(posting.c.invoice_id == invoice.c.id)
        .scalar_subquery()
    )
    covered = (
        sa.select(sa.func.coalesce(sa.func.sum(allocation.c.amount), 0))
        .where(allocation.c.invoice_id == invoice.c.id)
        .scalar_subquery()
    )
    chosen = (
        sa.select(
            invoice.c.id, account.c.customer_id, account.c.currency, invoice.c.due_date, invoice.c.amount,
            invoice.c.open, invoice.c.taken_off, sa.cast(covered, sa.BigInteger).label("covered"),
            sa.cast(given_up, sa.BigInteger).label("given_up"),
        )
        .join(account, account.c.id == invoice.c.account_id)
        .where(_in_month(first, last))
        .order_by(invoice.c.id)
    )  # fmt: skip
    found = {}
    for row in connection.execute(chosen):
        paid_before = max(row.amount - row.open - row.covered - row.taken_off - row.given_up, 0)
        debt = Debt(row.id, row.customer_id, row.due_date + _DAY, row.amount - paid_before)
        found[row.id] = row.currency, debt
    return found


def _moneys(connection: Connection, first: date, last: date, as_of: date) -> Iterator[Money]:
    booked = (
        sa.select(invoice.c.id, account.c.customer_id, payment.c.value_date, allocation.c.amount)
        .join_from(allocation, invoice, invoice.c.id == allocation.c.invoice_id)
        .join(payment, payment.c.id == allocation.c.payment_id)
        .join(account, account.c.id == invoice.c.account_id)
        .where(_in_month(first, last), payment.c.value_date <= as_of)
        .order_by(allocation.c.id)
    )
    for row in connection.execute(booked):
        yield Money(*row)
    listed = (
        sa.select(invoice.c.id, account.c.customer_id, invoice.c.taken_off_on, invoice.c.taken_off)
        .join(account, account.c.id == invoice.c.account_id)
        .where(_in_month(first, last), invoice.c.taken_off > 0, invoice.c.taken_off_on <= as_of)
        .order_by(invoice.c.id)
    )
    for row in connection.execute(listed):
        yield Money(*row, booked=False)


def _given_up(connection: Connection, first: date, last: date) -> Iterator[Money]:
    """List what was written off or waived, and what of it was taken back; none of it came in."""
    chosen = (
        sa.select(invoice.c.id, account.c.customer_id, posting.c.value_date, posting.c.laid)
        .join_from(posting, invoice, invoice.c.id == posting.c.invoice_id)
        .join(account, account.c.id == invoice.c.account_id)
        .where(_in_month(first, last), posting.c.laid != 0)
        .order_by(posting.c.id)
    )
    for row in connection.execute(chosen):
        yield Money(*row)


def _touches(
    connection: Connection, currency: str, first: date, last: date, zone: tzinfo, letters_arrive: int, as_of: date
) -> Iterator[Touch]:
    """List what reached the customers of the month: a call when an agent spoke to somebody."""
    mine = sa.select(invoice.c.account_id).where(_in_month(first, last))
    at = sa.func.coalesce(call.c.connected_at, attempt.c.sending_at, type_=attempt.c.sending_at.type).label("at")
    chosen = (
        sa.select(attempt.c.customer_id, attempt.c.channel, attempt.c.state, attempt.c.step, account.c.timezone, at)
        .join(account, account.c.id == attempt.c.account_id)
        .outerjoin(call, call.c.attempt_id == attempt.c.id)
        .where(account.c.currency == currency, attempt.c.account_id.in_(mine), attempt.c.campaign != "")
        .where(
            sa.or_(
                sa.and_(attempt.c.channel.in_(_WRITTEN), attempt.c.state.in_(_ARRIVED)),
                sa.and_(attempt.c.channel == Channel.CALL, call.c.connected_at.is_not(None)),
            )
        )
        .order_by(attempt.c.id)
    )
    for row in connection.execute(chosen):
        on = _day(row.at, find_zone(row.timezone) or zone)
        if row.channel == Channel.LETTER:
            on += timedelta(days=letters_arrive)
        if on <= as_of:
            sure = row.channel in {Channel.CALL, Channel.LETTER} or row.state == "delivered"
            yield Touch(row.customer_id, row.channel, on, sure, row.step)


def _day(at: datetime, zone: tzinfo) -> date:
    return local_day(zone, at)
