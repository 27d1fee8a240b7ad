"""The dialer's queue: what is called first, and callbacks that are kept for an agent."""

import sqlalchemy as sa
from alembic import op

from contactd.store.schema import Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and the index of the calls that wait."""
    op.add_column("attempt", sa.Column("priority", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("attempt", sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("attempt", sa.Column("kept_for", sa.Text, nullable=False, server_default=""))
    op.add_column("attempt", sa.Column("kept_until", Utc))
    where = sa.text("state = 'planned' AND channel = 'call'")
    op.create_index(
        "ix_attempt_calls",
        "attempt",
        ["campaign", "step", sa.text("priority DESC"), sa.text("rank DESC")],
        postgresql_where=where,
        sqlite_where=where,
    )
