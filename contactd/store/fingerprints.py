"""What attempts on their way say: the fingerprint of each text, kept between the intent and the sending.

The text is rendered after the intent is committed, from what its transaction saw; so its fingerprint has a commit of
its own, before the provider is asked. An attempt without one was therefore not sent by this claim.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.attempt import State
from contactd.domain.errors import StoreConflict
from contactd.store.attempts import still
from contactd.store.raw import Written
from contactd.store.schema import attempt


@dataclass(frozen=True, slots=True)
class Saying:
    """What a claim of an attempt is about to say."""

    attempt_id: int
    claim_no: int
    fingerprint: str


def keep(connection: Connection, sayings: Sequence[Saying]) -> list[None]:
    """Keep fingerprints of attempts that are being sent; raises StoreConflict when one is not ours any more."""
    rows = [{"id": one.attempt_id, "claim_no": one.claim_no, "fingerprint": one.fingerprint} for one in sayings]
    if _KEEP.run(connection, rows) != len(rows):
        raise StoreConflict("an attempt was taken over before it was sent")
    return [None] * len(rows)


def _worded(values: Mapping[str, sa.ColumnElement[Any]], rows: sa.FromClause | None) -> sa.Update:
    del rows  # named through its columns
    return (
        sa.update(attempt)
        .where(still(values, sa.literal_column(f"'{State.SENDING}'")))
        .values(fingerprint=values["fingerprint"])
    )


_KEEP = Written({name: attempt.c[name].type for name in ("id", "claim_no", "fingerprint")}, _worded)
