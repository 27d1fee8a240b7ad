"""The tables of tasks for people, and of the addresses from which letters came back."""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import text as _text

task = sa.Table(
    "task",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    # The ladder's attempt that waits for it; unique, so that no restart opens two.
    sa.Column("attempt_id", Id, unique=True),
    # The payment that waits and may be the account's, which rests meanwhile.
    sa.Column("payment_id", Id),
    # The invoice whose limitation somebody is warned of.
    sa.Column("invoice_id", Id),
    _text("kind"),  # domain/task.py says which there are, and which states
    _text("state", "open"),
    _text("owner"),
    sa.Column("due_on", sa.Date, nullable=False),
    _text("note"),
    _text("outcome"),
    sa.Column("opened_at", Utc, nullable=False),
    _text("opened_by"),
    sa.Column("ended_at", Utc),
    sa.Index("ix_task_account_id", "account_id"),
    sa.Index("ix_task_state", "state", "due_on"),
)

# Letters to such an address are not planned; another one by import is not such an address.
returned_mail = sa.Table(
    "returned_mail",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    _text("street"),
    _text("postcode"),
    _text("city"),
    _text("reason"),
    sa.Column("at", Utc, nullable=False),
    sa.UniqueConstraint("account_id", "street", "postcode", "city"),
)
