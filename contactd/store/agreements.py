"""Agreements: what was agreed, how it went on, and the hold that follows from it; for engine and intake.

Whoever writes here has locked the account. Rows of `agreement_event` are added, never changed; each has its row in the
contact log. Amounts are minor units of the account's currency.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.agreement import ALIVE, Agreement, Event, Kind, Part, State, judged, rests
from contactd.domain.task import State as TaskState
from contactd.store import contact_log
from contactd.store.among import Stated, among
from contactd.store.schema import account, agreement, agreement_event, instalment, invoice
from contactd.store.schema_tasks import task

_KINDS = frozenset(kind.value for kind in Kind)
# The hold of accounts that a payment may be of which waits for a person; a task says which, and until when.
TO_ASSIGN = "payment_to_assign"
_OURS = _KINDS | {TO_ASSIGN, ""}
_ALIVE = [state.value for state in ALIVE]


@dataclass(frozen=True, slots=True)
class Stored:
    """An agreement with its place in the books; `interest`: what becomes of it once a plan or settlement was kept.

    `went_back` is the amount of the last payment for it that did, and the day. `billed`: what the invoice of a dispute
    asked for when that was made, less what lists had taken off by then. `asked`: all that was open of the account then.
    """

    id: int
    account_id: int
    agreed: Agreement
    amount: int
    made_at: datetime
    made_by: str
    reason: str = ""
    owner: str = ""
    invoice_id: int | None = None
    invoice_no: str = ""
    cost_notice_on: date | None = None
    received: int = 0
    rests_until: date | None = None
    interest: str = ""
    went_back: int = 0
    went_back_on: date | None = None
    billed: int | None = None
    asked: int = 0

    @property
    def found(self) -> "Found":
        """Give what is derived of it."""
        return Found(self.received, self.rests_until, self.agreed.settled_on, self.went_back, self.went_back_on)


class Found(NamedTuple):
    """What is derived of an agreement beside its state."""

    received: int
    rests_until: date | None
    settled_on: date | None
    went_back: int = 0
    went_back_on: date | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an agreement, and the state that followed."""

    at: datetime
    event: Event
    state: State
    by: str = ""
    reason: str = ""


def add(connection: Connection, new: Stored, event: Event) -> int:
    """Keep a new agreement with the first line of its history; answers its id."""
    agreed = new.agreed
    values = {
        "account_id": new.account_id, "kind": agreed.kind.value, "state": agreed.state.value, "amount": new.amount,
        "until": agreed.until, "invoice_id": new.invoice_id, "tolerance": agreed.tolerance,
        "missed_instalments": agreed.missed_instalments, "reason": new.reason, "owner": new.owner,
        "cost_notice_on": new.cost_notice_on, "made_at": new.made_at, "made_by": new.made_by,
        "interest": new.interest, "billed": new.billed, "asked": new.asked,
    }  # fmt: skip
    number: int = connection.execute(sa.insert(agreement).values(values).returning(agreement.c.id)).scalar_one()
    if agreed.parts:
        rows = [
            {"agreement_id": number, "number": place, "due_on": part.due_on, "last_day": part.last_day,
             "amount": part.amount}
            for place, part in enumerate(agreed.parts, 1)
        ]  # fmt: skip
        connection.execute(sa.insert(instalment), rows)
    change = Change(new.made_at, event, agreed.state, new.made_by, new.reason)
    _tell(connection, number, new.account_id, agreed.kind, change)
    return number


def change(connection: Connection, one: Stored, what: Change) -> None:
    """Write another state and why; a state that stays is not told of again."""
    connection.execute(sa.update(agreement).where(agreement.c.id == one.id).values(state=what.state.value))
    _tell(connection, one.id, one.account_id, one.agreed.kind, what)


def found(connection: Connection, one: Stored, derived: Found) -> None:
    """Write what was derived of an agreement beside its state."""
    if derived != one.found:
        connection.execute(sa.update(agreement).where(agreement.c.id == one.id).values(derived._asdict()))


def _tell(connection: Connection, number: int, account_id: int, kind: Kind, what: Change) -> None:
    row = {"agreement_id": number, "at": what.at, "event": what.event.value, "state": what.state.value}
    connection.execute(sa.insert(agreement_event).values(**row, by=what.by, reason=what.reason))
    details = {"agreement": number, "kind": kind.value, "event": what.event.value, "by": what.by}
    logged = {"account_id": account_id, "at": what.at, "event": "agreement", "outcome": what.state.value}
    reason = f"{kind.value} {number}: {what.reason}" if what.reason else f"{kind.value} {number}"
    contact_log.add(connection, [{**logged, "reason": reason, "details": details}])


def of_accounts(connection: Connection, account_ids: Collection[int]) -> list[Stored]:
    """Read all agreements of accounts, oldest first."""
    return _made_of(connection, _OF_ACCOUNTS(connection, account_ids).all()) if account_ids else []


def read(connection: Connection, number: int) -> Stored | None:
    """Read one."""
    return next(iter(_read(connection, agreement.c.id == number)), None)


def by_id(connection: Connection, ids: Collection[int]) -> list[Stored]:
    """Read some."""
    return _made_of(connection, _BY_ID(connection, ids).all()) if ids else []


def everyone(connection: Connection, *, alive: bool) -> list[Stored]:
    """Read the agreements of all accounts, oldest first, or only those that are alive."""
    return _read(connection, agreement.c.state.in_(_ALIVE) if alive else sa.true())


def paged(
    connection: Connection,
    *,
    states: Collection[str] | None = None,
    account_ids: Collection[int] | None = None,
    since: datetime | None = None,
    after: int = 0,
    limit: int,
) -> list[Stored]:
    """List agreements by number, from behind `after`: those of some states, accounts, or made since an instant."""
    asked: list[sa.ColumnElement[bool]] = [agreement.c.id > after]
    if states is not None:
        asked.append(agreement.c.state.in_(sorted(states)))
    if account_ids is not None:
        asked.append(among(connection, agreement.c.account_id, account_ids))
    if since is not None:
        asked.append(agreement.c.made_at >= since)
    return _made_of(connection, connection.execute(_chosen(sa.and_(*asked)).limit(limit)).all())


def _read(connection: Connection, which: sa.ColumnElement[bool]) -> list[Stored]:
    return _made_of(connection, connection.execute(_chosen(which)).all())


def _chosen(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    chosen = sa.select(agreement, invoice.c.invoice_no).select_from(agreement.outerjoin(invoice)).where(which)
    return chosen.order_by(agreement.c.id)


def _made_of(connection: Connection, rows: Sequence[Row[Any]]) -> list[Stored]:
    if not rows:
        return []
    parts: dict[int, list[Part]] = defaultdict(list)
    for row in _INSTALMENTS(connection, [row.id for row in rows]):
        parts[row.agreement_id].append(Part(row.due_on, row.last_day, row.amount))
    return [_stored(row, tuple(parts[row.id])) for row in rows]


_OF_ACCOUNTS = Stated(lambda among: _chosen(among(agreement.c.account_id)))
_BY_ID = Stated(lambda among: _chosen(among(agreement.c.id)))
_INSTALMENTS = Stated(
    lambda among: (
        sa.select(instalment)
        .where(among(instalment.c.agreement_id))
        .order_by(instalment.c.agreement_id, instalment.c.number)
    )
)


def _stored(row: Row[Any], parts: tuple[Part, ...]) -> Stored:
    agreed = Agreement(
        Kind(row.kind), State(row.state), parts, row.until, row.tolerance, row.missed_instalments, row.settled_on
    )
    return Stored(
        row.id, row.account_id, agreed, row.amount, row.made_at, row.made_by, row.reason, row.owner, row.invoice_id,
        row.invoice_no or "", row.cost_notice_on, row.received, row.rests_until, row.interest,
        row.went_back, row.went_back_on, row.billed, row.asked,
    )  # fmt: skip


def history(connection: Connection, ids: Collection[int]) -> dict[int, list[Change]]:
    """Read what happened to agreements, in order."""
    told: dict[int, list[Change]] = defaultdict(list)
    if not ids:
        return told
    chosen = sa.select(agreement_event).where(among(connection, agreement_event.c.agreement_id, ids))
    for row in connection.execute(chosen.order_by(agreement_event.c.id)):
        told[row.agreement_id].append(Change(row.at, Event(row.event), State(row.state), row.by, row.reason))
    return told


def with_agreements(connection: Connection, account_ids: Collection[int]) -> list[int]:
    """Pick the accounts that have any agreement a day or a payment may change."""
    return sorted(set(_JUDGEABLE(connection, account_ids).scalars()))


def _judgeable() -> sa.ColumnElement[bool]:
    return sa.or_(
        *(
            sa.and_(
                agreement.c.kind == kind.value, agreement.c.state.in_(sorted(state.value for state in judged(kind)))
            )
            for kind in Kind
        )
    )


_JUDGEABLE = Stated(lambda among: sa.select(agreement.c.account_id).where(among(agreement.c.account_id), _judgeable()))


def alive_accounts(connection: Connection, after: int = 0, limit: int = 1_000_000_000) -> Sequence[int]:
    """List accounts with a living agreement, by id; go on with `after`."""
    return connection.scalars(_ALIVE_AFTER, {"after": after, "most": limit}).all()


_ALIVE_AFTER = (
    sa.select(agreement.c.account_id)
    .distinct()
    .where(agreement.c.state.in_(_ALIVE), agreement.c.account_id > sa.bindparam("after", type_=sa.BigInteger()))
    .order_by(agreement.c.account_id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)


def alive_among(connection: Connection, account_ids: Collection[int]) -> list[int]:
    """Pick the accounts with a living agreement."""
    mine = among(connection, agreement.c.account_id, account_ids)
    chosen = sa.select(agreement.c.account_id).where(agreement.c.state.in_(_ALIVE), mine)
    return list(connection.scalars(chosen.distinct().order_by(agreement.c.account_id)))


def holds() -> sa.ColumnElement[bool]:
    """Say of an account row that the hold it has comes from a living agreement or a payment to be assigned."""
    mine = sa.select(agreement.c.id).where(agreement.c.account_id == account.c.id, agreement.c.state.in_(_ALIVE))
    return sa.or_(account.c.hold_reason == TO_ASSIGN, mine.where(agreement.c.kind == account.c.hold_reason).exists())


def hold(connection: Connection, account_ids: Iterable[int], now: datetime) -> None:
    """Let the ladders of locked accounts rest as long as is agreed or a payment waits, or go on; other holds stay."""
    ids = sorted(account_ids)
    longest: dict[int, tuple[date, str]] = {}
    for one in of_accounts(connection, ids):
        kind, until = one.agreed.kind, one.rests_until
        if rests(kind, one.agreed.state) and until is not None:
            longest[one.account_id] = max(longest.get(one.account_id, (date.min, "")), (until, kind.value))
    for account_id, due_on in _PAYMENTS(connection, ids).all():
        longest[account_id] = max(longest.get(account_id, (date.min, "")), (due_on, TO_ASSIGN))
    for row in _HOLDS(connection, ids).all():
        until, reason = longest.get(row.id, (None, ""))
        if row.hold_reason in _OURS and (row.hold_reason, row.hold_until) != (reason, until):
            values = {"hold_reason": reason, "hold_until": until, "updated_at": now}
            connection.execute(sa.update(account).where(account.c.id == row.id).values(values))


_PAYMENTS = Stated(
    lambda among: sa.select(task.c.account_id, task.c.due_on).where(
        among(task.c.account_id), task.c.payment_id.is_not(None), task.c.state == TaskState.OPEN.value
    )
)
_HOLDS = Stated(
    lambda among: sa.select(account.c.id, account.c.hold_reason, account.c.hold_until).where(among(account.c.id))
)
