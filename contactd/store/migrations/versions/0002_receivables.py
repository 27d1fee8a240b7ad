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
    _fee()
    _charged()
    _answered_request()
    _logins()
    _draft()
    _owed()
    _audit()
    _programs()


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
        sa.Column("payment_id", Id),
        sa.Column("invoice_id", Id),
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
        sa.Column("days", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reply_by", sa.Date),
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
        sa.Column("taken_off", sa.BigInteger, nullable=False, server_default="0"),
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
    _circumstance()
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


def _fee() -> None:
    op.add_column("attempt", sa.Column("fee", sa.BigInteger))


def _charged() -> None:
    op.add_column("agreement", *_texts("interest"))
    op.add_column("agreement", sa.Column("went_back", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("agreement", sa.Column("went_back_on", sa.Date))
    op.add_column("agreement", sa.Column("billed", sa.BigInteger))
    op.add_column("agreement", sa.Column("asked", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE agreement SET asked = amount")
    op.add_column("payment", sa.Column("charged", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("payment", sa.Column("assigned_at", Utc))


def _answered_request() -> None:
    op.create_table(
        "answered_request",
        sa.Column("id", Id, nullable=False),
        *_texts("caller", "key", "digest", "answer"),
        sa.Column("at", Utc, nullable=False),
        sa.Column("account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_answered_request_account_id_account"))),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answered_request")),
        sa.UniqueConstraint("caller", "key", name=op.f("uq_answered_request_caller_key")),
    )


def _logins() -> None:
    op.create_table(
        "login",
        sa.Column("name", sa.Text, nullable=False),
        *_texts("full_name", "role", "password"),
        sa.Column("one_time", sa.Boolean, nullable=False),
        *_texts("totp"),
        sa.Column("totp_last", Id, nullable=False, server_default="0"),
        *_texts("language", "theme"),
        sa.Column("made_at", Utc, nullable=False),
        sa.Column("disabled_at", Utc),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_login")),
    )
    op.create_table(
        "session",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        *_texts("stage"),
        sa.Column("began_at", Utc, nullable=False),
        sa.Column("seen_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_session")),
    )
    op.create_index("ix_session_name", "session", ["name"])
    op.create_table(
        "failed_try",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_at", Utc, nullable=False),
        sa.Column("noted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_failed_try")),
    )
    op.create_table(
        "known_address",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_known_address")),
    )


def _draft() -> None:
    op.create_table(
        "draft",
        sa.Column("id", Id, nullable=False),
        sa.Column("attempt_id", Id, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False, server_default="prepare"),
        sa.Column("person", sa.Text, nullable=False, server_default="unknown"),
        *_texts("right"),
        sa.Column("wrong", sa.Integer, nullable=False, server_default="0"),
        *_texts("note"),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("saved_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("attempt_id", "agent", name=op.f("uq_draft_attempt_id_agent")),
    )
    op.create_index("ix_draft_agent", "draft", ["agent"])


def _owed() -> None:
    where = sa.text("disposition = '' AND conversation_at IS NOT NULL")
    op.create_index("ix_attempt_owed", "attempt", ["agent"], postgresql_where=where, sqlite_where=where)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", Utc, nullable=False),
        *_texts("who", "what", "about"),
        sa.Column("account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_audit_account_id_account"))),
        *_texts("old", "new", "reason"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_call_placed_at", "call", ["placed_at"])
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_account_id", "audit", ["account_id"])


def _programs() -> None:
    op.create_table(
        "token",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        *_texts("scopes"),
        sa.Column("made_at", Utc, nullable=False),
        *_texts("made_by"),
        sa.Column("expires_at", Utc),
        sa.Column("used_at", Utc),
        sa.Column("revoked_at", Utc),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_token_digest")),
    )
    op.create_table(
        "hook",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("last_id", Id, nullable=False),
        sa.Column("rests_until", Utc),
        sa.Column("gone_at", Utc),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_hook")),
    )
    op.create_table(
        "hook_event",
        sa.Column("hook", sa.Text, nullable=False),
        sa.Column("entry_id", Id, nullable=False, autoincrement=False),
        sa.Column("account_id", Id),
        sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("first_at", Utc, nullable=False),
        sa.Column("due_at", Utc, nullable=False),
        *_texts("error"),
        sa.PrimaryKeyConstraint("hook", "entry_id", name=op.f("pk_hook_event")),
    )
    op.create_index("ix_hook_event_account_id", "hook_event", ["account_id", "hook", "entry_id"])


def _circumstance() -> None:
    owner = sa.ForeignKey("account.id", name=op.f("fk_circumstance_account_id_account"))
    about = sa.ForeignKey("invoice.id", name=op.f("fk_circumstance_invoice_id_invoice"))
    op.create_table(
        "circumstance",
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", Id, owner, nullable=False),
        sa.Column("at", Utc, nullable=False),
        *_texts("by", "kind"),
        sa.Column("on_day", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("invoice_id", Id, about),
        *_texts("reason"),
        sa.Column("withdrawn_at", Utc),
        *_texts("withdrawn_by", "withdrawal"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circumstance")),
    )
    op.create_index("ix_circumstance_account_id", "circumstance", ["account_id"])
