"""The tables for other software: the tokens it comes with, and the events it is told of."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

# A row stays when its token is revoked: its name stands in the contact log.
token = sa.Table(
    "token",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),  # SHA-256 of what is sent; that itself is kept nowhere
    _text("scopes"),  # of domain/scope.py, joined by spaces
    sa.Column("made_at", Utc, nullable=False),
    _text("made_by"),
    sa.Column("expires_at", Utc),
    sa.Column("used_at", Utc),  # to within some minutes
    sa.Column("revoked_at", Utc),
    sa.UniqueConstraint("digest"),
)

# How far of the contact log each webhook has been told: its entries are the events, so none is ever lost.
hook = sa.Table(
    "hook",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("last_id", Id, nullable=False),
    sa.Column("rests_until", Utc),  # as it asked for
    sa.Column("gone_at", Utc),  # when it said that it wants to be told nothing more
)

# Events that are to be told; what was taken goes.
hook_event = sa.Table(
    "hook_event",
    metadata,
    sa.Column("hook", sa.Text, primary_key=True),
    sa.Column("entry_id", Id, primary_key=True, autoincrement=False),  # of the contact log
    sa.Column("account_id", Id),
    _text("state", "waiting"),  # or given_up
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("first_at", Utc, nullable=False),  # from when on a day is counted
    sa.Column("due_at", Utc, nullable=False),  # of one given up: when that was
    _text("error"),  # of the last try
    sa.Index("ix_hook_event_account_id", "account_id", "hook", "entry_id"),
)
