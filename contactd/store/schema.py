"""The tables, once for SQLite and PostgreSQL; migrations create exactly these (a test compares them).

Times are stored as UTC and come back aware; money is integer minor units beside a currency.
"""

import sqlalchemy as sa

from contactd.store.columns import Id, Utc, metadata
from contactd.store.columns import partial as _partial
from contactd.store.columns import text as _text

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # The id of the debtor's first row: the same for all currencies of one creditor's account number.
    sa.Column("customer_id", Id, nullable=False, server_default="0"),
    _text("creditor"),
    _text("account_no"),
    _text("currency"),
    _text("name"),
    _text("kind", "consumer"),
    _text("language"),
    _text("timezone"),
    _text("country"),
    _text("region"),
    _text("segment"),
    _text("email"),
    _text("phone"),
    _text("phone_type"),
    _text("phone_zones"),  # IANA names, joined by spaces
    _text("mobile"),
    _text("mobile_type"),
    _text("mobile_zones"),
    _text("street"),
    _text("postcode"),
    _text("city"),
    sa.Column("birth_date", sa.Date),
    # Derived from the invoices in the transaction that changes them; never edited by hand.
    sa.Column("open", sa.BigInteger, nullable=False, server_default="0"),  # undisputed, net of credit
    sa.Column("credit", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("oldest_due", sa.Date),  # of the open, undisputed invoices
    sa.Column("disputed", sa.Boolean, nullable=False, server_default=sa.false()),  # an open invoice is in dispute
    # Grows each time the account had nothing open any more: the ladder begins anew.
    sa.Column("case_no", sa.Integer, nullable=False, server_default="1"),
    _text("hold_reason"),
    sa.Column("hold_until", sa.Date),
    sa.Column("last_payment_at", Utc),
    _text("fingerprint"),  # of the imported row, to see that nothing changed
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.UniqueConstraint("creditor", "account_no", "currency"),
    sa.Index("ix_account_account_no", "account_no"),
    sa.Index("ix_account_oldest_due", "oldest_due"),
    sa.Index("ix_account_email", "email"),
    sa.Index("ix_account_phone", "phone"),
    sa.Index("ix_account_mobile", "mobile"),
)

invoice = sa.Table(
    "invoice",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    _text("invoice_no"),
    sa.Column("invoice_date", sa.Date, nullable=False),
    sa.Column("due_date", sa.Date, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("open", sa.BigInteger, nullable=False),
    # What the last import said; only when that changes does it change `open`.
    sa.Column("imported_open", sa.BigInteger, nullable=False),
    # What lists took off and no payment covers yet, and the day of the list that did.
    sa.Column("taken_off", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("taken_off_on", sa.Date),
    _text("goods"),
    _text("terms"),
    _text("claim_kind"),  # domain/claim_terms.py says which there are; empty: what the configuration says
    _text("contract_rate"),  # "11 %" or "base + 7 %"
    sa.Column("contract_date", sa.Date),  # when the contract was made: the ground of the claim (§ 13a(1) no. 2 RDG)
    sa.Column("disputed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cleared_at", Utc),
    sa.Column("last_import", Id, nullable=False, server_default="0"),  # import_run.id that wrote it last
    _text("fingerprint"),
    sa.UniqueConstraint("account_id", "invoice_no"),
    sa.Index("ix_invoice_invoice_no", "invoice_no"),
)

payment = sa.Table(
    "payment",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id")),  # NULL: nobody found yet
    _text("creditor"),  # as the file named them, to look again when accounts arrive
    _text("invoice_no"),
    _text("account_no"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    _text("currency"),
    sa.Column("value_date", sa.Date, nullable=False),
    _text("reference"),
    _text("payer"),  # as the bank told it, with the account it was paid from and the payer's own name for it
    _text("iban"),
    _text("end_to_end_id"),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("credited", sa.BigInteger, nullable=False, server_default="0"),  # the over-payment kept as credit
    sa.Column("received_at", Utc, nullable=False),
    # What it spent on interest and costs beside what it covers of invoices (store/charges.py): no credit any more.
    sa.Column("charged", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("assigned_at", Utc),  # when it was given to its account; NULL: it has not waited
    sa.UniqueConstraint("fingerprint"),
    sa.Index("ix_payment_account_id", "account_id"),
)

allocation = sa.Table(
    "allocation",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("payment_id", Id, sa.ForeignKey("payment.id"), nullable=False),
    sa.Column("invoice_id", Id, sa.ForeignKey("invoice.id"), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Index("ix_allocation_payment_id", "payment_id"),
    sa.Index("ix_allocation_invoice_id", "invoice_id"),
)

agreement = sa.Table(
    "agreement",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=False),
    _text("kind"),  # domain/agreement.py says which there are, and which states
    _text("state"),
    sa.Column("amount", sa.BigInteger, nullable=False, server_default="0"),  # of a dispute: what is disputed
    sa.Column("until", sa.Date),  # the last day where no money was agreed on; of a plan the last for an answer
    sa.Column("invoice_id", Id, sa.ForeignKey("invoice.id")),  # the disputed one
    # As it was when it was made: what the configuration says later changes no agreement.
    sa.Column("tolerance", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("missed_instalments", sa.Integer, nullable=False, server_default="1"),
    _text("reason"),
    _text("owner"),  # whose task it is
    sa.Column("cost_notice_on", sa.Date),  # the day on which the costs of the agreement were told (§ 13a(3) RDG)
    sa.Column("made_at", Utc, nullable=False),
    _text("made_by"),
    # Derived from the payments whenever some come in, and once a day.
    sa.Column("received", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("rests_until", sa.Date),
    sa.Column("settled_on", sa.Date),
    _text("interest"),  # waive | keep: what becomes of it once a plan or settlement was kept; empty: not agreed on
    sa.Column("went_back", sa.BigInteger, nullable=False, server_default="0"),  # the last payment that did, and when
    sa.Column("went_back_on", sa.Date),
    sa.Column("billed", sa.BigInteger),  # of a dispute: what its invoice asked for then, less what lists had taken off
    sa.Column("asked", sa.BigInteger, nullable=False, server_default="0"),  # all that was open when it was made
    sa.Index("ix_agreement_account_id", "account_id"),
    sa.Index("ix_agreement_state", "state"),
)

instalment = sa.Table(
    "instalment",
    metadata,
    sa.Column("agreement_id", Id, sa.ForeignKey("agreement.id"), primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),  # the grace included
    sa.Column("amount", sa.BigInteger, nullable=False),
)

agreement_event = sa.Table(
    "agreement_event",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("agreement_id", Id, sa.ForeignKey("agreement.id"), nullable=False),
    sa.Column("at", Utc, nullable=False),
    _text("event"),
    _text("state"),  # the one that followed
    _text("by"),
    _text("reason"),
    sa.Index("ix_agreement_event_agreement_id", "agreement_id", "id"),
)

suppression = sa.Table(
    "suppression",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _text("kind"),  # email | number | account
    _text("value"),  # the address (lower case), the E.164 number, the customer_id
    _text("channel"),  # empty: every channel
    _text("reason"),
    _text("source"),
    sa.Column("until", Utc),
    sa.Column("created_at", Utc, nullable=False),
    sa.UniqueConstraint("kind", "value", "channel", "reason"),
)

import_run = sa.Table(
    "import_run",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _text("kind"),  # accounts | payments
    _text("source"),
    sa.Column("as_of", Utc, nullable=False),
    sa.Column("finished_at", Utc),
    sa.Column("counts", sa.JSON, nullable=False),
)

batch = sa.Table(
    "batch",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _text("campaign"),
    sa.Column("planned_at", Utc, nullable=False),
    sa.Column("finished_at", Utc),
    # Its daemon ended in the middle of it; the counts are missing, what it had queued stays.
    sa.Column("interrupted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("draft", sa.Boolean, nullable=False, server_default=sa.false()),  # is to be proposed, queues nothing
    sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
    sa.Column("held", sa.JSON, nullable=False),  # {step: {reason: {"count": n, "amounts": {currency: minor}}}}
    sa.Column("steps", sa.JSON, nullable=False),  # {step: {"count": n, "amounts": {currency: minor}}}
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # No foreign keys: accounts and batches are never deleted, and PostgreSQL would lock both for each new attempt (so
    # write the account): more than half of what an insert costs it.
    sa.Column("account_id", Id, nullable=False),
    sa.Column("customer_id", Id, nullable=False),
    sa.Column("batch_id", Id),
    _text("campaign"),
    _text("step"),
    _text("channel"),
    sa.Column("case_no", sa.Integer, nullable=False),
    sa.Column("try_no", sa.Integer, nullable=False),
    _text("state", "planned"),
    _text("outcome"),
    _text("reason"),
    sa.Column("not_before", Utc, nullable=False),
    # Grows with each claim: whoever holds an older number can change nothing any more.
    sa.Column("claim_no", sa.Integer, nullable=False, server_default="0"),
    _text("claimed_by"),
    sa.Column("lease_until", Utc),
    sa.Column("planned_at", Utc, nullable=False),
    sa.Column("sending_at", Utc),
    sa.Column("ended_at", Utc),
    _text("wanted"),  # the number a retry asks for; empty: the first that the rules let through
    _text("address"),  # the one that was used
    _text("provider_ref"),
    _text("agent"),
    _text("disposition"),
    sa.Column("conversation_at", Utc),  # a person was spoken to: the cool-down counts from here
    sa.Column("looked_up", sa.Integer, nullable=False, server_default="0"),  # empty look-ups while unclear
    _text("fingerprint"),  # of the text this claim sends, where the provider is asked for it by its text
    # Calls only: what goes first (domain/queueing.py), the campaign's order among equals, and whose callback it is.
    sa.Column("priority", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"),
    _text("kept_for"),  # an agent's id; empty: anybody's of the team
    sa.Column("kept_until", Utc),
    sa.Column("fee", sa.BigInteger),  # what this reminder charges; none: its step says nothing about that
    sa.UniqueConstraint("account_id", "campaign", "case_no", "step", "try_no"),
    _partial(
        "ix_attempt_customer_id_sending_at",
        "customer_id",
        "sending_at",
        where="sending_at IS NOT NULL",
    ),
    _partial(
        "ix_attempt_provider_ref",
        "provider_ref",
        where="provider_ref <> ''",
    ),
    _partial(
        "ix_attempt_queue",
        "channel",
        "not_before",
        where="state = 'planned'",
    ),
    _partial(
        "ix_attempt_calls_customer_id",
        "customer_id",
        where="state = 'planned' AND channel = 'call'",
    ),
    _partial(
        "ix_attempt_calls",
        "campaign",
        "step",
        sa.desc("priority"),
        sa.desc("rank"),
        where="state = 'planned' AND channel = 'call'",
    ),
    # Conversations nobody has handed in.
    _partial(
        "ix_attempt_owed",
        "agent",
        where="disposition = '' AND conversation_at IS NOT NULL",
    ),
    # Not `IN`: SQLite would make a table of the three words for each row that is written.
    _partial(
        "ix_attempt_held",
        "state",
        "lease_until",
        where="state = 'claimed' OR state = 'sending' OR state = 'unclear'",
    ),
)

contact_log = sa.Table(
    "contact_log",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("attempt_id", Id),
    sa.Column("account_id", Id),
    sa.Column("at", Utc, nullable=False),
    _text("campaign"),
    _text("step"),
    _text("channel"),
    _text("event"),  # sending | accepted | delivered | failed | unclear | cancelled | not_taken | stop | …
    _text("outcome"),
    _text("reason"),
    _text("address"),
    _text("provider_ref"),
    _text("agent"),
    _text("disposition"),
    sa.Column("details", sa.JSON(none_as_null=True)),
    sa.Index("ix_contact_log_account_id", "account_id", "id"),
    sa.Index("ix_contact_log_attempt_id", "attempt_id"),
    sa.Index("ix_contact_log_at", "at"),
)

call = sa.Table(
    "call",
    metadata,
    sa.Column("attempt_id", Id, primary_key=True, autoincrement=False),
    _text("number"),
    _text("caller_id"),  # ours: shown to whoever is called, or called by whoever calls us
    _text("carrier_ref"),
    sa.Column("placed_at", Utc),
    sa.Column("ringing_at", Utc),
    sa.Column("answered_at", Utc),
    sa.Column("connected_at", Utc),
    sa.Column("ended_at", Utc),
    _text("how_ended"),
    _text("agent"),
    sa.Index("ix_call_placed_at", "placed_at"),  # what happened today
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", Id, primary_key=True),
    _text("source"),  # twilio_status | twilio_message | smtp_bounce | unsubscribe
    sa.Column("token", sa.Text, nullable=False),  # what makes a repeated delivery recognisable
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("handled_at", Utc),
    sa.UniqueConstraint("source", "token"),
    _partial(
        "ix_inbox_waiting",
        "id",
        where="handled_at IS NULL",
    ),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    _text("holder"),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("expires_at", Utc, nullable=False),
)

pause = sa.Table(
    "pause",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # campaign:<id> | channel:<name> | all
    _text("reason"),
    _text("by"),
    sa.Column("since", Utc, nullable=False),
)

setting = sa.Table(
    "setting",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # installation, signing_key
    _text("value"),
)
