"""The table of the arms that were drawn; part of the schema (schema.py), for store only."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

# One row a customer and comparison, added once and never changed: shares may change, what was drawn does not.
arm_draw = sa.Table(
    "arm_draw",
    metadata,
    sa.Column("campaign", sa.Text, primary_key=True),
    sa.Column("seed", sa.Text, primary_key=True),
    sa.Column("customer_id", Id, primary_key=True, autoincrement=False),
    # No foreign keys, for the reasons of `attempt`. The account that was taken up, and what it owed then.
    sa.Column("account_id", Id, nullable=False),
    _text("arm"),
    sa.Column("drawn_at", Utc, nullable=False),
    sa.Column("owed", sa.BigInteger, nullable=False),
    _text("currency"),
)
