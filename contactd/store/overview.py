"""Counts over attempts, calls and the log: for status, metrics and the demo's reconciliation; reads only."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.attempt import OPEN
from contactd.domain.campaign import INBOUND
from contactd.store.schema import account, attempt, batch, call, contact_log

_OPEN = sorted(state.value for state in OPEN)


def queues(connection: Connection) -> dict[str, dict[str, int]]:
    """Count open attempts by channel and state."""
    rows = connection.execute(
        sa.select(attempt.c.channel, attempt.c.state, sa.func.count())
        .where(attempt.c.state.in_(_OPEN))
        .group_by(attempt.c.channel, attempt.c.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for channel, state, count in rows:
        counts.setdefault(channel, {})[state] = count
    return counts


def oldest_due(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Answer, by channel, since when the longest waiting attempt could have been begun."""
    rows = connection.execute(
        sa.select(attempt.c.channel, sa.type_coerce(sa.func.min(attempt.c.not_before), attempt.c.not_before.type))
        .where(attempt.c.state == "planned", attempt.c.not_before <= now)
        .group_by(attempt.c.channel)
    )
    return {channel: since for channel, since in rows if since is not None}


def attempts_by_outcome(connection: Connection) -> dict[str, dict[str, int]]:
    """Count attempts by channel and by outcome; an attempt without one yet counts under its state."""
    word = sa.case((attempt.c.outcome == "", attempt.c.state), else_=attempt.c.outcome)
    rows = connection.execute(
        sa.select(attempt.c.channel, word, sa.func.count()).group_by(attempt.c.channel, word).order_by(word)
    )
    counts: dict[str, dict[str, int]] = {}
    for channel, outcome, count in rows:
        counts.setdefault(channel, {})[outcome] = count
    return counts


def log_by_outcome(connection: Connection) -> dict[str, dict[str, int]]:
    """Count attempts by channel and by the outcome of their newest state entry in the contact log."""
    newest = (
        sa.select(sa.func.max(contact_log.c.id))
        .where(contact_log.c.attempt_id.is_not(None), contact_log.c.event != "disposition")
        .group_by(contact_log.c.attempt_id)
    )
    rows = connection.execute(
        sa.select(contact_log.c.channel, contact_log.c.outcome, sa.func.count())
        .where(contact_log.c.id.in_(newest))
        .group_by(contact_log.c.channel, contact_log.c.outcome)
    )
    counts: dict[str, dict[str, int]] = {}
    for channel, outcome, count in rows:
        counts.setdefault(channel, {})[outcome] = count
    return counts


def calls(connection: Connection) -> dict[str, int]:
    """Count calls we placed: all, picked up by a person, `spoken` to by an agent or a text, by an agent, abandoned."""
    row = connection.execute(
        sa.select(
            sa.func.count(call.c.placed_at),
            sa.func.count(call.c.answered_at),
            sa.func.count(sa.case((call.c.how_ended == "answered", 1))),
            sa.func.count(call.c.connected_at),
            sa.func.count(sa.case((call.c.how_ended == "abandoned", 1))),
        )
        .join(attempt, attempt.c.id == call.c.attempt_id)
        .where(attempt.c.step != INBOUND)
    ).one()
    return dict(zip(("placed", "answered", "spoken", "connected", "abandoned"), row, strict=True))


def log_connected(connection: Connection) -> int:
    """Count calls we placed of which the contact log says since when customer and agent talked."""
    since = contact_log.c.details["connected_at"].as_string()
    placed = sa.and_(contact_log.c.channel == "call", contact_log.c.step != INBOUND)
    counted = sa.select(sa.func.count(contact_log.c.attempt_id.distinct()))
    return connection.scalar(counted.where(placed, since.is_not(None))) or 0


def log_rows(connection: Connection) -> int:
    """Count the entries of the contact log."""
    return connection.scalar(sa.select(sa.func.count()).select_from(contact_log)) or 0


def answers(connection: Connection) -> None:
    """Ask the cheapest question there is: whether the store answers."""
    connection.execute(sa.select(1))


def accounts(connection: Connection) -> int:
    """Count the accounts."""
    return connection.scalar(sa.select(sa.func.count()).select_from(account)) or 0


def batches(connection: Connection) -> int:
    """Count the planning runs that came to their end."""
    ended = sa.and_(batch.c.finished_at.is_not(None), sa.not_(batch.c.interrupted))
    return connection.scalar(sa.select(sa.func.count()).where(ended)) or 0


def open_attempts(connection: Connection, account_id: int) -> list[sa.Row[*tuple[Any, ...]]]:
    """List the attempts of an account that have not ended; a call that was taken or a task to be done is among them."""
    return list(connection.execute(_OPEN_ATTEMPTS, {"account": account_id}))


def _open_attempts() -> sa.Select[Any]:
    account_id = sa.bindparam("account", type_=sa.BigInteger())
    case_no = sa.select(account.c.case_no).where(account.c.id == account_id).scalar_subquery()
    kinds = sa.or_(attempt.c.channel == "call", sa.and_(attempt.c.channel == "task", attempt.c.case_no == case_no))
    lasting = sa.and_(attempt.c.state == "accepted", kinds)
    mine = sa.select(attempt).where(attempt.c.account_id == account_id, sa.or_(attempt.c.state.in_(_OPEN), lasting))
    return mine.order_by(attempt.c.id)


_OPEN_ATTEMPTS = _open_attempts()


def unclear(connection: Connection) -> list[sa.Row[*tuple[Any, ...]]]:
    """List the attempts that may or may not have reached somebody."""
    chosen = (
        sa.select(attempt, account.c.creditor, account.c.account_no)
        .join(account, account.c.id == attempt.c.account_id)
        .where(attempt.c.state == sa.literal_column("'unclear'"))
        .order_by(attempt.c.id)
    )
    return list(connection.execute(chosen))
