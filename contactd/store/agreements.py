"""Agreements: what was agreed, how it went on, and the hold that follows from it; for engine and intake.

Whoever writes here has locked the account. Rows of `agreement_event` are added, never changed; each has its row in the
contact log. Amounts are minor units of the account's currency.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.domain.agreement import ALIVE, Agreement, Event, Kind, Part, State, judged, rests
from contactd.store import contact_log
from contactd.store.among import among
from contactd.store.schema import account, agreement, agreement_event, instalment, invoice

_KINDS = frozenset(kind.value for kind in Kind)
_ALIVE = [state.value for state in ALIVE]


@dataclass(frozen=True, slots=True)
class Stored:
    """An agreement with its place in the books."""

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


def found(
    connection: Connection, one: Stored, received: int, rests_until: date | None, settled_on: date | None
) -> None:
    """Write what was derived of an agreement beside its state."""
    values = {"received": received, "rests_until": rests_until, "settled_on": settled_on}
    connection.execute(sa.update(agreement).where(agreement.c.id == one.id).values(values))


def _tell(connection: Connection, number: int, account_id: int, kind: Kind, what: Change) -> None:
    row = {"agreement_id": number, "at": what.at, "event": what.event.value, "state": what.state.value}
    connection.execute(sa.insert(agreement_event).values(**row, by=what.by, reason=what.reason))
    details = {"agreement": number, "kind": kind.value, "event": what.event.value, "by": what.by}
    logged = {"account_id": account_id, "at": what.at, "event": "agreement", "outcome": what.state.value}
    reason = f"{kind.value} {number}: {what.reason}" if what.reason else f"{kind.value} {number}"
    contact_log.add(connection, [{**logged, "reason": reason, "details": details}])


def of_accounts(connection: Connection, account_ids: Collection[int]) -> list[Stored]:
    """Read all agreements of accounts, oldest first."""
    return _read(connection, among(connection, agreement.c.account_id, account_ids)) if account_ids else []


def read(connection: Connection, number: int) -> Stored | None:
    """Read one."""
    return next(iter(_read(connection, agreement.c.id == number)), None)


def by_id(connection: Connection, ids: Collection[int]) -> list[Stored]:
    """Read some."""
    return _read(connection, among(connection, agreement.c.id, ids)) if ids else []


def everyone(connection: Connection, *, alive: bool) -> list[Stored]:
    """Read the agreements of all accounts, oldest first, or only those that are alive."""
    return _read(connection, agreement.c.state.in_(_ALIVE) if alive else sa.true())


def _read(connection: Connection, which: sa.ColumnElement[bool]) -> list[Stored]:
    chosen = sa.select(agreement, invoice.c.invoice_no).select_from(agreement.outerjoin(invoice)).where(which)
    rows = connection.execute(chosen.order_by(agreement.c.id)).all()
    parts: dict[int, list[Part]] = defaultdict(list)
    of = sa.select(instalment).where(among(connection, instalment.c.agreement_id, [row.id for row in rows]))
    for row in connection.execute(of.order_by(instalment.c.agreement_id, instalment.c.number)):
        parts[row.agreement_id].append(Part(row.due_on, row.last_day, row.amount))
    return [_stored(row, tuple(parts[row.id])) for row in rows]


def _stored(row: Row[Any], parts: tuple[Part, ...]) -> Stored:
    agreed = Agreement(
        Kind(row.kind), State(row.state), parts, row.until, row.tolerance, row.missed_instalments, row.settled_on
    )
    return Stored(
        row.id, row.account_id, agreed, row.amount, row.made_at, row.made_by, row.reason, row.owner, row.invoice_id,
        row.invoice_no or "", row.cost_notice_on, row.received, row.rests_until,
    )  # fmt: skip


def history(connection: Connection, ids: Collection[int]) -> dict[int, list[Change]]:
    """Read what happened to agreements, in order."""
    told: dict[int, list[Change]] = defaultdict(list)
    chosen = sa.select(agreement_event).where(among(connection, agreement_event.c.agreement_id, ids))
    for row in connection.execute(chosen.order_by(agreement_event.c.id)):
        told[row.agreement_id].append(Change(row.at, Event(row.event), State(row.state), row.by, row.reason))
    return told


def with_agreements(connection: Connection, account_ids: Collection[int]) -> list[int]:
    """Pick the accounts that have any agreement a day or a payment may change."""
    judgeable = sa.or_(
        *(
            sa.and_(
                agreement.c.kind == kind.value, agreement.c.state.in_(sorted(state.value for state in judged(kind)))
            )
            for kind in Kind
        )
    )
    chosen = sa.select(agreement.c.account_id).where(among(connection, agreement.c.account_id, account_ids), judgeable)
    return sorted(set(connection.scalars(chosen)))


def alive_accounts(connection: Connection, after: int, limit: int) -> Sequence[int]:
    """List accounts with a living agreement, by id; go on with `after`."""
    chosen = sa.select(agreement.c.account_id).where(agreement.c.state.in_(_ALIVE), agreement.c.account_id > after)
    return connection.scalars(chosen.distinct().order_by(agreement.c.account_id).limit(limit)).all()


def holds() -> sa.ColumnElement[bool]:
    """Say of an account row that the hold it has comes from a living agreement."""
    mine = sa.select(agreement.c.id).where(agreement.c.account_id == account.c.id, agreement.c.state.in_(_ALIVE))
    return mine.where(agreement.c.kind == account.c.hold_reason).exists()


def hold(connection: Connection, account_ids: Iterable[int], now: datetime) -> None:
    """Let the ladders of locked accounts rest for as long as an agreement asks for, or go on; other holds stay."""
    ids = sorted(account_ids)
    longest: dict[int, tuple[date, str]] = {}
    for one in of_accounts(connection, ids):
        kind, until = one.agreed.kind, one.rests_until
        if rests(kind, one.agreed.state) and until is not None:
            longest[one.account_id] = max(longest.get(one.account_id, (date.min, "")), (until, kind.value))
    chosen = sa.select(account.c.id, account.c.hold_reason, account.c.hold_until)
    for row in connection.execute(chosen.where(among(connection, account.c.id, ids))).all():
        until, reason = longest.get(row.id, (None, ""))
        ours = row.hold_reason in _KINDS or not row.hold_reason
        if ours and (row.hold_reason, row.hold_until) != (reason, until):
            values = {"hold_reason": reason, "hold_until": until, "updated_at": now}
            connection.execute(sa.update(account).where(account.c.id == row.id).values(values))
