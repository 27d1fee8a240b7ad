"""The table of what people did: by page, over HTTP, at a terminal; rows are added, and forgotten by their age."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

# What one person did, written in the transaction that does it.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("at", Utc, nullable=False),
    _text("who"),  # a login's name, cli:<user of the machine>, api:<name of the token>
    _text("what"),
    _text("about"),  # campaign:<id>, run:<number>, agent:<id> and the like
    sa.Column("account_id", Id, sa.ForeignKey("account.id")),  # where it is about a debtor: read out and erased with it
    _text("old"),
    _text("new"),
    _text("reason"),
    sa.Index("ix_audit_at", "at"),
    sa.Index("ix_audit_account_id", "account_id"),
)
