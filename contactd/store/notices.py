"""Notices about agreements: what is to be told, once for each occasion, and the attempts that tell it.

Whoever writes here has locked the account. A notice is an attempt's case: `attempt.case_no` is its id.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.domain.attempt import Event, State
from contactd.domain.notice import CAMPAIGN, Occasion
from contactd.store import agreements, attempts, waivers
from contactd.store.agreements import Stored
from contactd.store.among import Keyed, Stated, among
from contactd.store.attempts import Transition
from contactd.store.conflict import insert_into
from contactd.store.schema import account, agreement, attempt
from contactd.store.schema_notices import notice

_WAITING = (State.PLANNED.value, State.CLAIMED.value)
_COSTLY = (Kind.PLAN.value, Kind.SETTLEMENT.value, Kind.DEFERRAL.value)  # before which costs are to be told
_TOLD = (State.ACCEPTED.value, State.DELIVERED.value)


@dataclass(frozen=True, slots=True)
class About:
    """A notice with what it is about; `agreement` None: the account as a whole. `amount`: the costs that are told.

    `told_by`: who has told it otherwise, so that we do not.
    """

    id: int
    account_id: int
    occasion: Occasion
    number: int = 0
    amount: int = 0
    agreement: Stored | None = None
    told_by: str = ""
    waives: int = 0  # of a settlement: what need not be paid once it is kept
    days: int = 0  # how long it gives, counted from the day it arrives
    reply_by: date | None = None  # the day by which an answer is asked for; None: as configured


def add(connection: Connection, new: About) -> int | None:
    """Enter a notice; answers its id, None when there is one already."""
    statement = insert_into(connection, notice).values(
        account_id=new.account_id, agreement_id=new.agreement.id if new.agreement else 0,
        occasion=new.occasion.value, number=new.number, amount=new.amount, told_by=new.told_by, days=new.days,
        reply_by=new.reply_by,
    )  # fmt: skip
    made: int | None = connection.scalar(statement.on_conflict_do_nothing().returning(notice.c.id))
    return made


def about(connection: Connection, ids: Collection[int]) -> dict[int, About]:
    """Read notices by their ids."""
    return _made_of(connection, _BY_ID(connection, ids).all()) if ids else {}


def of_accounts(connection: Connection, account_ids: Collection[int]) -> dict[int, About]:
    """Read the notices of accounts, by their ids."""
    return _made_of(connection, _OF_ACCOUNTS(connection, account_ids).all()) if account_ids else {}


def _made_of(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, About]:
    known = {one.id: one for one in agreements.by_id(connection, {row.agreement_id for row in rows} - {0})}
    waives = {
        one.id: max(waivers.open_of(connection, one.id) - max(one.amount - one.received, 0), 0)
        for one in known.values()
        if one.agreed.kind is Kind.SETTLEMENT
    }
    return {
        row.id: About(
            row.id, row.account_id, Occasion(row.occasion), row.number, row.amount, known.get(row.agreement_id),
            row.told_by, waives.get(row.agreement_id, 0), row.days, row.reply_by,
        )
        for row in rows
    }  # fmt: skip


def tries(connection: Connection, account_ids: Collection[int]) -> dict[int, list[Row[Any]]]:
    """Read the attempts of these accounts' notices, by notice, in the order of their tries."""
    found: dict[int, list[Row[Any]]] = {}
    for row in _TRIES(connection, account_ids):
        found.setdefault(row.case_no, []).append(row)
    return found


def cancel(connection: Connection, reasons: Iterable[tuple[int, str]], now: datetime) -> None:
    """Cancel the attempts that wait, each with its reason; what is being sent already is not."""
    attempts.apply(
        connection,
        [
            Transition(attempt_id, None, Event.FORBIDDEN, now, outcome="cancelled", reason=reason)
            for attempt_id, reason in reasons
        ],
    )


def waiting(rows: Iterable[Row[Any]]) -> list[int]:
    """Pick the attempts that can still be cancelled."""
    return [row.id for row in rows if row.state in _WAITING]


def costs_told_at(connection: Connection, account_id: int) -> datetime | None:
    """Answer when the account was told the costs of the agreement to come (§ 13a(3) RDG), None when it was not.

    Only the newest notice tells them, once it was sent, and what was agreed on since has used it up.
    """
    costs = (notice.c.account_id == account_id, notice.c.occasion == Occasion.COSTS.value)
    newest = sa.select(sa.func.max(notice.c.id)).where(*costs).scalar_subquery()
    mine = (attempt.c.account_id == account_id, attempt.c.campaign == CAMPAIGN, attempt.c.case_no == newest)
    at = sa.type_coerce(sa.func.max(attempt.c.sending_at), attempt.c.sending_at.type)
    told: datetime | None = connection.scalar(sa.select(at).where(*mine, attempt.c.state.in_(_TOLD)))
    made = sa.type_coerce(sa.func.max(agreement.c.made_at), agreement.c.made_at.type)
    since = sa.select(made).where(agreement.c.account_id == account_id, agreement.c.kind.in_(_COSTLY))
    last: datetime | None = connection.scalar(since)
    return told if told is not None and (last is None or told > last) else None


class Warned(NamedTuple):
    """A notice that the rest of a plan will fall due, as it went out; `number` is that of the instalment."""

    agreement_id: int
    number: int
    days: int
    channel: Channel
    sent_at: datetime


def warned(connection: Connection, account_ids: Collection[int]) -> list[Warned]:
    """Read what was told of before the rest of a plan falls due; what did not arrive was not told."""
    mine = sa.and_(attempt.c.account_id == notice.c.account_id, attempt.c.case_no == notice.c.id)
    chosen = (
        sa.select(notice.c.agreement_id, notice.c.number, notice.c.days, attempt.c.channel, attempt.c.sending_at)
        .join_from(notice, attempt, sa.and_(mine, attempt.c.campaign == CAMPAIGN, attempt.c.state.in_(_TOLD)))
        .where(among(connection, notice.c.account_id, account_ids), notice.c.occasion == Occasion.ACCELERATION.value)
        .order_by(attempt.c.id)
    )
    return [Warned(row[0], row[1], row[2], Channel(row[3]), row[4]) for row in connection.execute(chosen)]


def owe_nothing(connection: Connection, account_ids: Collection[int]) -> dict[int, int]:
    """Pick the accounts whose customer owes nothing in any currency and disputes nothing; answers each one's case."""
    return {row[0]: row[1] for row in _OWE_NOTHING(connection, account_ids)}


def _owe_nothing(among: Keyed) -> sa.Select[Any]:
    other = account.alias("other")
    owing = sa.exists().where(other.c.customer_id == account.c.customer_id, sa.or_(other.c.open > 0, other.c.disputed))
    chosen = sa.select(account.c.id, account.c.case_no).where(among(account.c.id))
    return chosen.where(account.c.open <= 0, ~account.c.disputed, ~owing)


def dunned(connection: Connection, cases: Collection[tuple[int, int]]) -> set[int]:
    """Pick the accounts to whom something was sent in the case before the one given."""
    chosen = sa.select(attempt.c.account_id, attempt.c.case_no).where(
        among(connection, attempt.c.account_id, {account_id for account_id, _ in cases}),
        attempt.c.campaign != CAMPAIGN,
        attempt.c.state.in_(_TOLD),
    )
    before = {(account_id, case_no - 1) for account_id, case_no in cases}
    return {row[0] for row in connection.execute(chosen.distinct()) if (row[0], row[1]) in before}


_BY_ID = Stated(lambda among: sa.select(notice).where(among(notice.c.id)).order_by(notice.c.id))
_OF_ACCOUNTS = Stated(lambda among: sa.select(notice).where(among(notice.c.account_id)).order_by(notice.c.id))
_TRIED = ("id", "case_no", "try_no", "channel", "state", "reason", "outcome")
_TRIES = Stated(
    lambda among: (
        sa.select(*(attempt.c[name] for name in _TRIED))
        .where(among(attempt.c.account_id), attempt.c.campaign == CAMPAIGN)
        .order_by(attempt.c.try_no)
    )
)
_OWE_NOTHING = Stated(_owe_nothing)
