"""One conversation as the desk finds it in the store alone: whose it is, who that is, and whether it was handed in."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.conversation import Known
from contactd.store.schema import account, attempt, call


@dataclass(frozen=True, slots=True)
class Owed:
    """A conversation whose outcome nobody has handed in; `number` is the one that was dialled, or that called us."""

    attempt_id: int
    claim_no: int
    account_id: int
    customer_id: int
    campaign: str
    step: str
    number: str
    agent: str
    conversation_at: datetime


def owed(connection: Connection, attempt_id: int) -> Owed | None:
    """Find a conversation that is over and has no outcome yet."""
    over = sa.and_(attempt.c.conversation_at.is_not(None), call.c.ended_at.is_not(None), attempt.c.disposition == "")
    row = connection.execute(_CHOSEN.where(over, attempt.c.id == attempt_id)).mappings().one_or_none()
    return Owed(**row) if row is not None else None


def said(connection: Connection, attempt_id: int) -> tuple[str, str]:
    """Answer the disposition of an attempt and the agent who handed it in; both empty while nobody has."""
    chosen = sa.select(attempt.c.disposition, attempt.c.agent).where(attempt.c.id == attempt_id)
    row = connection.execute(chosen).one_or_none()
    return (row[0], row[1]) if row is not None and row[0] else ("", "")


def known_of(connection: Connection, account_id: int) -> Known:
    """Read what proves that somebody is the right person; of nobody, nothing."""
    chosen = sa.select(account.c.birth_date, account.c.postcode, account.c.account_no)
    row = connection.execute(chosen.where(account.c.id == account_id)).one_or_none()
    return Known(row[0], row[1], row[2]) if row is not None else Known()


def addressed(connection: Connection, account_id: int) -> tuple[str, str]:
    """Read the name of whoever owes, and the language they are spoken to in; both empty of nobody."""
    row = connection.execute(
        sa.select(account.c.name, account.c.language).where(account.c.id == account_id)
    ).one_or_none()
    return (row[0], row[1]) if row is not None else ("", "")


_CHOSEN = (
    sa.select(
        attempt.c.id.label("attempt_id"), attempt.c.claim_no, attempt.c.account_id, attempt.c.customer_id,
        attempt.c.campaign, attempt.c.step, call.c.number, attempt.c.agent, attempt.c.conversation_at,
    )
    .join_from(attempt, call, call.c.attempt_id == attempt.c.id)
    .where(attempt.c.channel == Channel.CALL.value)
)  # fmt: skip
