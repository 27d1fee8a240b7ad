"""The tables of those who use the pages: who they are, their sessions, failed tries to sign in, whence they came."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

# An agent's name is the key of their [agents.<name>]: there is one notion of an agent, this is their way in.
login = sa.Table(
    "login",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    _text("full_name"),
    _text("role"),  # domain/role.py
    _text("password"),  # argon2id's own notation
    sa.Column("one_time", sa.Boolean, nullable=False),  # the pass word must be changed first
    _text("totp"),  # secret of the second factor, empty for none
    sa.Column("totp_last", Id, nullable=False, server_default="0"),  # the newest period whose code was used
    _text("language"),  # empty: the browser's
    _text("theme"),  # empty: the system's
    sa.Column("made_at", Utc, nullable=False),
    sa.Column("disabled_at", Utc),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # SHA-256 of what the cookie holds
    sa.Column("name", sa.Text, nullable=False),  # the login it belongs to
    _text("stage"),  # store/sessions.py
    sa.Column("began_at", Utc, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
    sa.Index("ix_session_name", "name"),
)

# By name, by address and by both (store/tries.py); kept as digests, for people type pass words where names belong.
failed_try = sa.Table(
    "failed_try",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("last_at", Utc, nullable=False),
    sa.Column("noted", sa.Boolean, nullable=False),  # the wait that follows from it stands in the audit log
)

# From where somebody signed in lately; digests too.
known_address = sa.Table(
    "known_address",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # of name and address, as in failed_try
    sa.Column("at", Utc, nullable=False),  # the last time
)
