"""The table of requests over HTTP that were answered under an Idempotency-Key, for some days."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

answered_request = sa.Table(
    "answered_request",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _text("caller"),
    _text("key"),
    _text("digest"),  # SHA-256 of address and body
    _text("answer"),  # JSON
    sa.Column("at", Utc, nullable=False),
    sa.Column("account_id", Id, sa.ForeignKey("account.id")),  # where it is about a debtor: erased with it
    sa.UniqueConstraint("caller", "key"),
)
