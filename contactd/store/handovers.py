"""Hand-overs of accounts to a court, a lawyer or an agency: where each stands; every change has its contact log line.

Whoever writes here has locked the account.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store import contact_log
from contactd.store.among import Stated
from contactd.store.schema_escalation import handover

PROPOSED, APPROVED, WITHDRAWN = "proposed", "approved", "withdrawn"
HOLD = "handed_over"  # why the ladder of an account rests


@dataclass(frozen=True, slots=True)
class Handover:
    """One hand-over; `anyway` is why it was proposed although something stood against it: `against`, a line each."""

    id: int
    account_id: int
    recipient: str
    state: str
    reason: str
    anyway: str
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    decision: str = ""
    against: str = ""


def add(connection: Connection, new: Handover) -> int:
    """Write a proposal; answers its id."""
    values = {
        "account_id": new.account_id, "recipient": new.recipient, "state": new.state, "reason": new.reason,
        "anyway": new.anyway, "against": new.against, "proposed_at": new.proposed_at, "proposed_by": new.proposed_by,
    }  # fmt: skip
    number: int = connection.execute(sa.insert(handover).values(values).returning(handover.c.id)).scalar_one()
    _tell(connection, number, new, new.proposed_at, new.proposed_by, "; ".join(filter(None, (new.reason, new.anyway))))
    return number


def decide(connection: Connection, one: Handover, state: str, *, by: str, reason: str, now: datetime) -> None:
    """Write that it was approved or withdrawn."""
    values = {"state": state, "decided_at": now, "decided_by": by, "decision": reason}
    connection.execute(sa.update(handover).where(handover.c.id == one.id).values(values))
    told = Handover(one.id, one.account_id, one.recipient, state, reason, "", now, by)
    _tell(connection, one.id, told, now, by, reason)


def of_accounts(connection: Connection, account_ids: Collection[int]) -> list[Handover]:
    """Read the hand-overs of accounts, oldest first."""
    return [Handover(**row._asdict()) for row in _OF_ACCOUNTS(connection, account_ids)]


def living(connection: Connection, *, after: int = 0, limit: int | None = None) -> list[Handover]:
    """Read what is proposed or approved, oldest first: all, or so many from behind `after`."""
    return _read(connection, sa.and_(handover.c.state != WITHDRAWN, handover.c.id > after), limit)


def _read(connection: Connection, chosen: sa.ColumnElement[bool], limit: int | None = None) -> list[Handover]:
    rows = connection.execute(sa.select(handover).where(chosen).order_by(handover.c.id).limit(limit))
    return [Handover(**row._asdict()) for row in rows]


def _tell(connection: Connection, number: int, one: Handover, at: datetime, by: str, reason: str) -> None:
    details = {"handover": number, "to": one.recipient, "by": by}
    row = {"account_id": one.account_id, "at": at, "event": "handover", "outcome": one.state}
    words = ": ".join(filter(None, (f"to {one.recipient}", reason)))
    contact_log.add(connection, [{**row, "reason": words, "details": details}])


_OF_ACCOUNTS = Stated(lambda among: sa.select(handover).where(among(handover.c.account_id)).order_by(handover.c.id))
