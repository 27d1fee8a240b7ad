"""The tables of runs that wait for approval: the run itself, and a line for each account in it.

A line becomes an attempt when the run is approved; until then no queue knows of it.
"""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata, text

proposal = sa.Table(
    "proposal",
    metadata,
    sa.Column("batch_id", Id, primary_key=True, autoincrement=False),  # has what was taken and held back
    text("campaign"),
    text("state", "proposed"),  # domain/proposal.py says which there are
    text("proposed_by"),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("payments_as_of", Utc),  # the newest import of payments it went by
    sa.Column("ladder", sa.JSON, nullable=False),  # {step: {"level": n, "next": step}}, as the campaign was then
    sa.Column("decided_at", Utc),
    text("decided_by"),
    text("reason"),
    sa.Column("released", sa.Integer, nullable=False, server_default="0"),
    # One a campaign: who reads it shall not find another in its place.
    sa.Index(
        "ix_proposal_waiting",
        "campaign",
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
        sqlite_where=sa.text("state = 'proposed'"),
    ),
)

proposal_line = sa.Table(
    "proposal_line",
    metadata,
    sa.Column("batch_id", Id, primary_key=True, autoincrement=False),
    sa.Column("account_id", Id, primary_key=True, autoincrement=False),
    # As the attempt will have them.
    sa.Column("customer_id", Id, nullable=False),
    text("step"),
    text("channel"),
    sa.Column("case_no", sa.Integer, nullable=False),
    sa.Column("try_no", sa.Integer, nullable=False),
    sa.Column("not_before", Utc, nullable=False),
    sa.Column("planned_at", Utc, nullable=False),
    text("wanted"),
    sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"),
    # What whoever approves goes by.
    sa.Column("overdue", sa.BigInteger, nullable=False),
    sa.Column("oldest_due", sa.Date),
    text("dropped"),  # why it is not in the run any more
    text("dropped_by"),
)
