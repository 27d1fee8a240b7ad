"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

from contactd.store.columns import Id, Utc

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table; there is no way back, restore a backup instead."""
    _account()
    _batch()
    _call()
    _contact_log()
    _import_run()
    _inbox()
    _lease()
    _pause()
    _setting()
    _suppression()
    _attempt()
    _invoice()
    _payment()
    _allocation()
    _agreement()


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("id", Id, nullable=False),
        sa.Column("customer_id", Id, nullable=False, server_default="0"),
        *_texts("creditor", "account_no", "currency", "name"),
        sa.Column("kind", sa.Text, nullable=False, server_default="consumer"),
        *_texts("language", "timezone", "country", "region", "segment", "email"),
        *_texts("phone", "phone_type", "phone_zones", "mobile", "mobile_type", "mobile_zones"),
        *_texts("street", "postcode", "city"),
        sa.Column("birth_date", sa.Date),
        sa.Column("open", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("credit", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("oldest_due", sa.Date),
        sa.Column("disputed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("case_no", sa.Integer, nullable=False, server_default="1"),
        *_texts("hold_reason"),
        sa.Column("hold_until", sa.Date),
        sa.Column("last_payment_at", Utc),
        *_texts("fingerprint"),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("updated_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("creditor", "account_no", "currency", name=op.f("uq_account_creditor_account_no_currency")),
    )
    op.create_index("ix_account_account_no", "account", ["account_no"])
    op.create_index("ix_account_email", "account", ["email"])
    op.create_index("ix_account_mobile", "account", ["mobile"])
    op.create_index("ix_account_oldest_due", "account", ["oldest_due"])
    op.create_index("ix_account_phone", "account", ["phone"])


def _batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", Id, nullable=False),
        *_texts("campaign"),
        sa.Column("planned_at", Utc, nullable=False),
        sa.Column("finished_at", Utc),
        sa.Column("interrupted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("draft", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
        sa.Column("held", sa.JSON, nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )


def _call() -> None:
    op.create_table(
        "call",
        sa.Column("attempt_id", Id, autoincrement=False, nullable=False),
        *_texts("number", "caller_id", "carrier_ref"),
        sa.Column("placed_at", Utc),
        sa.Column("ringing_at", Utc),
        sa.Column("answered_at", Utc),
        sa.Column("connected_at", Utc),
        sa.Column("ended_at", Utc),
        *_texts("how_ended", "agent"),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_call")),
    )


def _contact_log() -> None:
    op.create_table(
        "contact_log",
        sa.Column("id", Id, nullable=False),
        sa.Column("attempt_id", Id),
        sa.Column("account_id", Id),
        sa.Column("at", Utc, nullable=False),
        *_texts("campaign", "step", "channel", "event", "outcome", "reason"),
        *_texts("address", "provider_ref", "agent", "disposition"),
        sa.Column("details", sa.JSON),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_log")),
    )
    op.create_index("ix_contact_log_account_id", "contact_log", ["account_id", "id"])
    op.create_index("ix_contact_log_at", "contact_log", ["at"])
    op.create_index("ix_contact_log_attempt_id", "contact_log", ["attempt_id"])


def _import_run() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", Id, nullable=False),
        *_texts("kind", "source"),
        sa.Column("as_of", Utc, nullable=False),
        sa.Column("finished_at", Utc),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", Id, nullable=False),
        *_texts("source"),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("received_at", Utc, nullable=False),
        sa.Column("handled_at", Utc),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("source", "token", name=op.f("uq_inbox_source_token")),
    )
    where = sa.text("handled_at IS NULL")
    op.create_index("ix_inbox_waiting", "inbox", ["id"], postgresql_where=where, sqlite_where=where)


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, nullable=False),
        *_texts("holder"),
        sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("expires_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )


def _pause() -> None:
    op.create_table(
        "pause",
        sa.Column("name", sa.Text, nullable=False),
        *_texts("reason", "by"),
        sa.Column("since", Utc, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pause")),
    )


def _setting() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.Text, nullable=False),
        *_texts("value"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("id", Id, nullable=False),
        *_texts("kind", "value", "channel", "reason", "source"),
        sa.Column("until", Utc),
        sa.Column("created_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
        sa.UniqueConstraint(
            "kind", "value", "channel", "reason", name=op.f("uq_suppression_kind_value_channel_reason")
        ),
    )


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        sa.Column("batch_id", Id),
        *_texts("campaign", "step", "channel"),
        sa.Column("case_no", sa.Integer, nullable=False),
        sa.Column("try_no", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="planned"),
        *_texts("outcome", "reason"),
        sa.Column("not_before", Utc, nullable=False),
        sa.Column("claim_no", sa.Integer, nullable=False, server_default="0"),
        *_texts("claimed_by"),
        sa.Column("lease_until", Utc),
        sa.Column("planned_at", Utc, nullable=False),
        sa.Column("sending_at", Utc),
        sa.Column("ended_at", Utc),
        *_texts("wanted", "address", "provider_ref", "agent", "disposition"),
        sa.Column("conversation_at", Utc),
        sa.Column("looked_up", sa.Integer, nullable=False, server_default="0"),
        *_texts("fingerprint"),
        sa.Column("priority", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"),
        *_texts("kept_for"),
        sa.Column("kept_until", Utc),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint(
            "account_id",
            "campaign",
            "case_no",
            "step",
            "try_no",
            name=op.f("uq_attempt_account_id_campaign_case_no_step_try_no"),
        ),
    )
    where = sa.text("sending_at IS NOT NULL")
    op.create_index(
        "ix_attempt_customer_id_sending_at",
        "attempt",
        ["customer_id", "sending_at"],
        postgresql_where=where,
        sqlite_where=where,
    )
    where = sa.text("state = 'planned' AND channel = 'call'")
    op.create_index(
        "ix_attempt_calls_customer_id", "attempt", ["customer_id"], postgresql_where=where, sqlite_where=where
    )
    op.create_index(
        "ix_attempt_calls",
        "attempt",
        ["campaign", "step", sa.text("priority DESC"), sa.text("rank DESC")],
        postgresql_where=where,
        sqlite_where=where,
    )
    where = sa.text("state = 'claimed' OR state = 'sending' OR state = 'unclear'")
    op.create_index("ix_attempt_held", "attempt", ["state", "lease_until"], postgresql_where=where, sqlite_where=where)
    where = sa.text("provider_ref <> ''")
    op.create_index("ix_attempt_provider_ref", "attempt", ["provider_ref"], postgresql_where=where, sqlite_where=where)
    where = sa.text("state = 'planned'")
    op.create_index(
        "ix_attempt_queue", "attempt", ["channel", "not_before"], postgresql_where=where, sqlite_where=where
    )


def _invoice() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_invoice_account_id_account")), nullable=False
        ),
        *_texts("invoice_no"),
        sa.Column("invoice_date", sa.Date, nullable=False),
        sa.Column("due_date", sa.Date, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("open", sa.BigInteger, nullable=False),
        sa.Column("imported_open", sa.BigInteger, nullable=False),
        sa.Column("taken_off", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("taken_off_on", sa.Date),
        *_texts("goods", "terms", "claim_kind", "contract_rate"),
        sa.Column("contract_date", sa.Date),
        sa.Column("disputed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("cleared_at", Utc),
        sa.Column("last_import", Id, nullable=False, server_default="0"),
        *_texts("fingerprint"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("account_id", "invoice_no", name=op.f("uq_invoice_account_id_invoice_no")),
    )
    op.create_index("ix_invoice_invoice_no", "invoice", ["invoice_no"])


def _payment() -> None:
    op.create_table(
        "payment",
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_payment_account_id_account"))),
        *_texts("creditor", "invoice_no", "account_no"),
        sa.Column("amount", sa.BigInteger, nullable=False),
        *_texts("currency"),
        sa.Column("value_date", sa.Date, nullable=False),
        *_texts("reference", "payer", "iban", "end_to_end_id"),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("credited", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("received_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_payment_fingerprint")),
    )
    op.create_index("ix_payment_account_id", "payment", ["account_id"])


def _allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "payment_id", Id, sa.ForeignKey("payment.id", name=op.f("fk_allocation_payment_id_payment")), nullable=False
        ),
        sa.Column(
            "invoice_id", Id, sa.ForeignKey("invoice.id", name=op.f("fk_allocation_invoice_id_invoice")), nullable=False
        ),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    op.create_index("ix_allocation_invoice_id", "allocation", ["invoice_id"])
    op.create_index("ix_allocation_payment_id", "allocation", ["payment_id"])


def _agreement() -> None:
    op.create_table(
        "agreement",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "account_id", Id, sa.ForeignKey("account.id", name=op.f("fk_agreement_account_id_account")), nullable=False
        ),
        *_texts("kind", "state"),
        sa.Column("amount", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("until", sa.Date),
        sa.Column("invoice_id", Id, sa.ForeignKey("invoice.id", name=op.f("fk_agreement_invoice_id_invoice"))),
        sa.Column("tolerance", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("missed_instalments", sa.Integer, nullable=False, server_default="1"),
        *_texts("reason", "owner"),
        sa.Column("cost_notice_on", sa.Date),
        sa.Column("made_at", Utc, nullable=False),
        *_texts("made_by"),
        sa.Column("received", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rests_until", sa.Date),
        sa.Column("settled_on", sa.Date),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    op.create_index("ix_agreement_account_id", "agreement", ["account_id"])
    op.create_index("ix_agreement_state", "agreement", ["state"])
    of = sa.ForeignKey("agreement.id", name=op.f("fk_instalment_agreement_id_agreement"))
    op.create_table(
        "instalment",
        sa.Column("agreement_id", Id, of, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "number", name=op.f("pk_instalment")),
    )
    of = sa.ForeignKey("agreement.id", name=op.f("fk_agreement_event_agreement_id_agreement"))
    op.create_table(
        "agreement_event",
        sa.Column("id", Id, nullable=False),
        sa.Column("agreement_id", Id, of, nullable=False),
        sa.Column("at", Utc, nullable=False),
        *_texts("event", "state", "by", "reason"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_event")),
    )
    op.create_index("ix_agreement_event_agreement_id", "agreement_event", ["agreement_id", "id"])
