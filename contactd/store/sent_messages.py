"""E-mails and SMS exactly as they were handed to the provider, as evidence; rows are added, never changed.

A row is written with the outcome of its attempt. Letters are kept as files (channels/letter_archive.py).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store.among import among
from contactd.store.bulk import Added
from contactd.store.schema_escalation import sent_message

_ADD = Added(sent_message, ("attempt_id", "claim_no", "at", "content", "digest"))


@dataclass(frozen=True, slots=True)
class Sent:
    """What a claim of an attempt put on the wire."""

    attempt_id: int
    claim_no: int
    at: datetime
    content: str
    digest: str

    @property
    def details(self) -> dict[str, Any]:
        """Tell the contact log which message it was."""
        return {"sha256": self.digest, "bytes": len(self.content.encode())}


def sent(attempt_id: int, claim_no: int, at: datetime, content: str) -> Sent:
    """Seal a message with its hash."""
    return Sent(attempt_id, claim_no, at, content, sha256(content.encode()).hexdigest())


def keep(connection: Connection, messages: Sequence[Sent]) -> None:
    """Write messages down; one that is there already stays as it is."""
    if messages:
        _ADD.run(connection, [(one.attempt_id, one.claim_no, one.at, one.content, one.digest) for one in messages])


def of_attempts(connection: Connection, attempt_ids: Collection[int]) -> Sequence[Row[Any]]:
    """Read all that these attempts sent, oldest first."""
    chosen = sa.select(sent_message).where(among(connection, sent_message.c.attempt_id, attempt_ids))
    return connection.execute(chosen.order_by(sent_message.c.attempt_id, sent_message.c.claim_no)).all()
