"""All that is kept about a debtor is read out, and it is said of every column whether it is blanked."""

import sqlalchemy as sa

from contactd.store import personal, schema, suppressions, wishes
from contactd.store.columns import metadata
from contactd.store.database import Database
from contactd.store.personal import ABOUT_NOBODY, BLANKED, BY_ADDRESS, DELETED, RESTRICTED, reached
from contactd.store.suppressions import NewSuppression
from tests.store.seed import NOW, add_account, add_invoice

# Texts, days and documents that stay when somebody is erased, and why.
STAY = {
    "keys of the creditor's books": {
        "account.creditor", "account.account_no", "invoice.invoice_no", "payment.creditor", "payment.account_no",
        "payment.invoice_no", "invoice.fingerprint", "payment.fingerprint",
    },
    "of the money": {
        "account.currency", "account.oldest_due", "invoice.invoice_date", "invoice.due_date", "invoice.taken_off_on",
        "invoice.contract_rate", "invoice.contract_date",
        "payment.currency", "payment.value_date", "instalment.due_on", "instalment.last_day", "agreement.until",
        "agreement.cost_notice_on", "notice.reply_by",
        "agreement.rests_until", "agreement.settled_on", "agreement.went_back_on", "account.hold_until",
        "arm_draw.currency", "posting.value_date",
        "circumstance.on_day", "circumstance.until", "proposal_line.oldest_due", "task.due_on",
    },
    "words of ours that many share": {
        "account.kind", "account.language", "account.timezone", "account.country", "account.region",
        "account.hold_reason", "invoice.claim_kind",
        "agreement.kind", "agreement.state", "agreement.interest", "agreement_event.event",
        "agreement_event.state",
        "arm_draw.campaign", "arm_draw.seed", "arm_draw.arm", "handover.recipient", "handover.state",
        "handover.against", "notice.occasion", "audit.what", "audit.about",
        "circumstance.kind",
        "posting.kind", "posting.part", "posting.purpose", "proposal_line.step", "proposal_line.channel", "task.kind",
        "task.state",
        "hook_event.hook", "hook_event.state", "hook_event.error",
        "attempt.campaign", "attempt.step", "attempt.channel", "attempt.state", "attempt.outcome", "call.how_ended",
    },
    "the mark of an erased account": {"account.fingerprint"},
    "processes, and people of ours": {
        "agreement.owner", "agreement.made_by", "agreement_event.by", "attempt.claimed_by", "attempt.agent",
        "answered_request.caller", "answered_request.key",
        "attempt.kept_for", "call.caller_id", "call.agent", "handover.proposed_by", "handover.decided_by",
        "notice.told_by", "audit.who", "posting.by",
        "circumstance.by", "circumstance.withdrawn_by", "proposal_line.dropped_by", "task.owner", "task.opened_by",
    },
}  # fmt: skip


def test_every_table_is_read_out_or_is_about_nobody() -> None:
    known = {one.table.name for one in reached()} | BY_ADDRESS | set(ABOUT_NOBODY)
    assert sorted(known) == sorted(metadata.tables)


def test_no_table_about_nobody_points_to_an_account() -> None:
    pointing = [
        f"{name}.{column.name}"
        for name in ABOUT_NOBODY
        for column in metadata.tables[name].columns
        if column.foreign_keys or column.name in {"account_id", "customer_id", "attempt_id", "account_no"}
    ]
    assert pointing == []


def test_a_new_table_with_a_reference_is_read_out_by_itself() -> None:
    tables = sa.MetaData()
    for table in metadata.tables.values():
        table.to_metadata(tables)
    sa.Table("note", tables, sa.Column("id", sa.Integer, primary_key=True), sa.Column("agreement_id", sa.Integer))
    sa.Table("page", tables, sa.Column("of", sa.Integer, sa.ForeignKey("note.id"), primary_key=True))
    found = {one.table.name: (one.column, one.parent) for one in reached(tables)}
    assert found["note"] == ("agreement_id", "agreement")
    assert found["page"] == ("of", "note")


def test_it_is_said_of_every_column_whether_it_is_blanked() -> None:
    plain = (sa.BigInteger, sa.Integer, sa.SmallInteger, sa.Boolean)
    asked = {
        f"{one.table.name}.{column.name}"
        for one in reached()
        if one.table is not schema.contact_log  # domain/sealing.py says it of the log
        for column in one.table.columns
        if not isinstance(column.type, plain) and type(column.type).__name__ != "Utc"
    }
    blanked = {f"{table}.{column}" for table, columns in BLANKED.items() for column in columns}
    asked = {one for one in asked if one.partition(".")[0] not in DELETED}
    stay = set().union(*STAY.values())
    assert blanked & stay == set()
    assert asked == blanked | stay


def test_what_is_restricted_is_blanked_as_well_when_all_is() -> None:
    assert all(set(columns) <= set(BLANKED[table]) for table, columns in RESTRICTED.items())


def test_a_debtor_is_gathered_and_nobody_else(database: Database) -> None:
    with database.transaction() as connection:
        for number in (1, 2):
            add_account(connection, number)
            add_invoice(connection, number, f"R-{number}")
            payload = {"reference": f"{number}-1", "from": f"+4917604069{number:03d}"}
            row = {"source": "twilio_message", "token": str(number), "payload": payload, "received_at": NOW}
            connection.execute(sa.insert(schema.inbox).values(row))
        connection.execute(sa.insert(schema.contact_log).values(at=NOW, address="debtor1@example.com"))
        stop = NewSuppression("account", "1", None, "stop", "kim: asked", NOW)
        suppressions.add(connection, [stop, NewSuppression("email", "debtor2@example.com", None, "stop", "", NOW)])
        found = personal.gather(connection, [1])
    counts = {name: len(rows) for name, rows in found.items() if rows}
    assert counts == {"account": 1, "invoice": 1, "contact_log": 2, "suppression": 1, "inbox": 1}


def test_a_wish_outlives_the_address_and_comes_back_with_it(database: Database) -> None:
    with database.transaction() as connection:
        for number, email in ((1, "kim@example.com"), (2, "both@example.com"), (3, "both@example.com")):
            add_account(connection, number, email=email, mobile="+491760406900" + str(number))
        numbers = [("number", "+4917604069001", "opted_out"), ("number", "+4917604069001", "undeliverable")]
        wished = [("email", "kim@example.com", "stop"), ("email", "both@example.com", "stop"), *numbers]
        suppressions.add(connection, [NewSuppression(*one[:2], None, one[2], "a call", NOW) for one in wished])
        wishes.forget(connection, [1], ["kim@example.com", "+4917604069001"])
        wishes.forget(connection, [2], ["both@example.com", "+4917604069002"])
        assert stored(connection) == {("email", "both@example.com", "stop"), ("email#", "", "stop"),
                                      ("number#", "", "opted_out")}  # fmt: skip
        assert wishes.recall(connection, [3], NOW) == 0
        assert wishes.recall(connection, [1], NOW) == 2
        assert stored(connection) == set(wished[:3])


def stored(connection: sa.Connection) -> set[tuple[str, str, str]]:
    """Read the list, without the hashes."""
    rows = connection.execute(sa.select(schema.suppression)).all()
    assert not any("kim" in row.value or "+49" in row.value for row in rows if row.kind.endswith("#"))
    return {(row.kind, "" if row.kind.endswith("#") else row.value, row.reason) for row in rows}
