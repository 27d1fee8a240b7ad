"""The tables that seal the contact log; domain/sealing.py says what is in them."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata

seal = sa.Table(
    "seal",
    metadata,
    sa.Column("entry_id", Id, primary_key=True, autoincrement=False),  # contact_log.id
    sa.Column("salt", sa.LargeBinary),  # NULL: the entry is erased
    sa.Column("commitment", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
)

seal_block = sa.Table(
    "seal_block",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("last_id", Id, nullable=False),  # of the entries since the block before
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("sealed_at", Utc, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
