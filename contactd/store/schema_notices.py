"""The tables of what agreements cause: notices to customers, and which invoices they are for; beside schema.py."""

import sqlalchemy as sa

from contactd.store.columns import Id, metadata
from contactd.store.columns import text as _text

# Written in the transaction of what it tells of. Its attempts have its id for `case_no`, so there is one for each try.
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    sa.Column("agreement_id", Id, nullable=False, server_default="0"),  # 0: about none
    _text("occasion"),  # domain/notice.py says which there are
    # Once for each: of a reminder the instalment, of thanks the case, of costs how often they were told.
    sa.Column("number", sa.Integer, nullable=False, server_default="0"),
    sa.Column("amount", sa.BigInteger, nullable=False, server_default="0"),  # the costs that are told
    _text("told_by"),  # who has told it otherwise; empty: we do
    sa.Column(
        "days", sa.Integer, nullable=False, server_default="0"
    ),  # how long it gives, counted from the day it arrives
    sa.Column("reply_by", sa.Date),  # the day by which an answer is asked for; NULL: as configured
    sa.UniqueConstraint("account_id", "agreement_id", "occasion", "number"),
)

# The invoices a promise, plan, settlement or "I have paid" is for; what lists had taken off them when it was made.
waiver = sa.Table(
    "waiver",
    metadata,
    sa.Column("agreement_id", Id, sa.ForeignKey("agreement.id"), primary_key=True, autoincrement=False),
    sa.Column("invoice_id", Id, sa.ForeignKey("invoice.id"), primary_key=True, autoincrement=False),
    sa.Column("taken_off", sa.BigInteger, nullable=False, server_default="0"),
)
