"""The table of conversations that are not handed in yet: what the agent has written by now."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

# One row an agent and attempt; it goes when the outcome is handed in.
draft = sa.Table(
    "draft",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("attempt_id", Id, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    # domain/conversation.py has the words. What was said to prove who it is stands nowhere.
    _text("step", "prepare"),
    _text("person", "unknown"),
    _text("right"),  # the items that agreed, joined by spaces
    sa.Column("wrong", sa.Integer, nullable=False, server_default="0"),
    _text("note"),
    sa.Column("fields", sa.JSON, nullable=False),  # as typed, by name
    sa.Column("saved_at", Utc, nullable=False),
    sa.UniqueConstraint("attempt_id", "agent"),
    sa.Index("ix_draft_agent", "agent"),
)
