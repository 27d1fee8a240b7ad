"""The tables of what came after the ladder: evidence, arms, proposals, tasks, notices, postings, hand-overs."""

import sqlalchemy as sa
from alembic import op

from contactd.store.columns import Id, Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make every table; there is no way back, restore a backup instead."""
    _evidence()
    _arm_draw()
    _proposal()
    _task()
    _notice()
    _escalation()


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def _evidence() -> None:
    op.create_table(
        "seal",
        sa.Column("entry_id", Id, autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_seal")),
    )
    op.create_table(
        "seal_block",
        sa.Column("number", Id, autoincrement=False, nullable=False),
        sa.Column("last_id", Id, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("sealed_at", Utc, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seal_block")),
    )


def _arm_draw() -> None:
    op.create_table(
        "arm_draw",
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("seed", sa.Text, nullable=False),
        sa.Column("customer_id", Id, nullable=False, autoincrement=False),
        sa.Column("account_id", Id, nullable=False),
        *_texts("arm"),
        sa.Column("drawn_at", Utc, nullable=False),
        sa.Column("owed", sa.BigInteger, nullable=False),
        *_texts("currency"),
        sa.PrimaryKeyConstraint("campaign", "seed", "customer_id", name=op.f("pk_arm_draw")),
    )


def _proposal() -> None:
    op.create_table(
        "proposal",
        sa.Column("batch_id", Id, autoincrement=False, nullable=False),
        *_texts("campaign"),
        sa.Column("state", sa.Text, nullable=False, server_default="proposed"),
        *_texts("proposed_by"),
        sa.Column("expires_at", Utc, nullable=False),
        sa.Column("payments_as_of", Utc),
        sa.Column("ladder", sa.JSON, nullable=False),
        sa.Column("decided_at", Utc),
        *_texts("decided_by", "reason"),
        sa.Column("released", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_proposal")),
    )
    where = sa.text("state = 'proposed'")
    op.create_index(
        "ix_proposal_waiting", "proposal", ["campaign"], unique=True, postgresql_where=where, sqlite_where=where
    )
    op.create_table(
        "proposal_line",
        sa.Column("batch_id", Id, autoincrement=False, nullable=False),
        sa.Column("account_id", Id, autoincrement=False, nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        *_texts("step", "channel"),
        sa.Column("case_no", sa.Integer, nullable=False),
        sa.Column("try_no", sa.Integer, nullable=False),
        sa.Column("not_before", Utc, nullable=False),
        sa.Column("planned_at", Utc, nullable=False),
        *_texts("wanted"),
        sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("overdue", sa.BigInteger, nullable=False),
        sa.Column("oldest_due", sa.Date),
        *_texts("dropped", "dropped_by"),
        sa.PrimaryKeyConstraint("batch_id", "account_id", name=op.f("pk_proposal_line")),
    )


def _task() -> None:
    op.create_table(
        "task",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_task_account_id_account")), nullable=False
        ),
        sa.Column("attempt_id", Id),
        *_texts("kind"),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        *_texts("owner"),
        sa.Column("due_on", sa.Date, nullable=False),
        *_texts("note", "outcome"),
        sa.Column("opened_at", Utc, nullable=False),
        *_texts("opened_by"),
        sa.Column("ended_at", Utc),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_task_attempt_id")),
    )
    op.create_index("ix_task_account_id", "task", ["account_id"])
    op.create_index("ix_task_state", "task", ["state", "due_on"])
    of = sa.ForeignKey("account.id", name=op.f("fk_returned_mail_account_id_account"))
    op.create_table(
        "returned_mail",
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", Id, of, nullable=False),
        *_texts("street", "postcode", "city", "reason"),
        sa.Column("at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned_mail")),
        sa.UniqueConstraint(
            "account_id", "street", "postcode", "city", name=op.f("uq_returned_mail_account_id_street_postcode_city")
        ),
    )


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_notice_account_id_account")), nullable=False
        ),
        sa.Column("agreement_id", Id, nullable=False, server_default="0"),
        *_texts("occasion"),
        sa.Column("number", sa.Integer, nullable=False, server_default="0"),
        sa.Column("amount", sa.BigInteger, nullable=False, server_default="0"),
        *_texts("told_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "account_id",
            "agreement_id",
            "occasion",
            "number",
            name=op.f("uq_notice_account_id_agreement_id_occasion_number"),
        ),
    )
    settlement = sa.ForeignKey("agreement.id", name=op.f("fk_waiver_agreement_id_agreement"))
    waived = sa.ForeignKey("invoice.id", name=op.f("fk_waiver_invoice_id_invoice"))
    op.create_table(
        "waiver",
        sa.Column("agreement_id", Id, settlement, nullable=False, autoincrement=False),
        sa.Column("invoice_id", Id, waived, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("agreement_id", "invoice_id", name=op.f("pk_waiver")),
    )


def _escalation() -> None:
    op.create_table(
        "posting",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_posting_account_id_account")), nullable=False
        ),
        sa.Column("at", Utc, nullable=False),
        *_texts("by", "kind"),
        sa.Column("value_date", sa.Date, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("invoice_id", Id, sa.ForeignKey("invoice.id", name=op.f("fk_posting_invoice_id_invoice"))),
        *_texts("part", "purpose"),
        sa.Column("laid", sa.BigInteger, nullable=False, server_default="0"),
        *_texts("reason"),
        sa.Column("reverses", Id, sa.ForeignKey("posting.id", name=op.f("fk_posting_reverses_posting"))),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint("reverses", name=op.f("uq_posting_reverses")),
    )
    op.create_index("ix_posting_account_id", "posting", ["account_id"])
    op.create_index("ix_posting_invoice_id", "posting", ["invoice_id"])
    op.create_table(
        "handover",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_handover_account_id_account")), nullable=False
        ),
        *_texts("recipient", "state", "reason", "anyway"),
        sa.Column("proposed_at", Utc, nullable=False),
        *_texts("proposed_by"),
        sa.Column("decided_at", Utc),
        *_texts("decided_by", "decision", "against"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index("ix_handover_account_id", "handover", ["account_id"])
    op.create_table(
        "sent_message",
        sa.Column("attempt_id", Id, nullable=False, autoincrement=False),
        sa.Column("claim_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", Utc, nullable=False),
        *_texts("content", "digest"),
        sa.PrimaryKeyConstraint("attempt_id", "claim_no", name=op.f("pk_sent_message")),
    )
