"""What people post on accounts and note about claims, hand-overs, messages as sent: tables; schema.py has the rest."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

posting = sa.Table(
    "posting",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    sa.Column("at", Utc, nullable=False),
    _text("by"),
    _text("kind"),  # cost | write_off | reversal
    sa.Column("value_date", sa.Date, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("invoice_id", Id, sa.ForeignKey("invoice.id")),  # NULL: of no one invoice
    _text("part"),  # of a write-off: costs | interest | principal
    _text("purpose"),  # of a cost: what it was for
    # What a write-off took off `invoice.open`, of a reversal below zero.
    sa.Column("laid", sa.BigInteger, nullable=False, server_default="0"),
    _text("reason"),
    sa.Column("reverses", Id, sa.ForeignKey("posting.id")),
    sa.UniqueConstraint("reverses"),
    sa.Index("ix_posting_account_id", "account_id"),
    sa.Index("ix_posting_invoice_id", "invoice_id"),
)

circumstance = sa.Table(
    "circumstance",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    sa.Column("at", Utc, nullable=False),
    _text("by"),
    _text("kind"),  # domain/circumstance.py says which there are
    sa.Column("on_day", sa.Date, nullable=False),
    sa.Column("until", sa.Date),  # the last day of what lasts
    sa.Column("invoice_id", Id, sa.ForeignKey("invoice.id")),  # NULL: of all there were on that day
    _text("reason"),
    sa.Column("withdrawn_at", Utc),
    _text("withdrawn_by"),
    _text("withdrawal"),  # why
    sa.Index("ix_circumstance_account_id", "account_id"),
)

handover = sa.Table(
    "handover",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    _text("recipient"),  # court | lawyer | agency
    _text("state"),  # proposed | approved | withdrawn
    _text("reason"),
    _text("anyway"),  # why it was proposed although something stood against it
    sa.Column("proposed_at", Utc, nullable=False),
    _text("proposed_by"),
    sa.Column("decided_at", Utc),
    _text("decided_by"),
    _text("decision"),  # the reason of the last decision
    _text("against"),  # what that was, a line each
    sa.Index("ix_handover_account_id", "account_id"),
)

sent_message = sa.Table(
    "sent_message",
    metadata,
    sa.Column("attempt_id", Id, primary_key=True, autoincrement=False),
    sa.Column("claim_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Utc, nullable=False),
    _text("content"),  # of an e-mail all of it, headers included; of an SMS its text
    _text("digest"),  # SHA-256 of its UTF-8
)
