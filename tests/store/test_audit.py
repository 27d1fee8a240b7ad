"""The audit log keeps what people did, finds it again, and lets go of what is old."""

from datetime import timedelta

import pytest

from contactd.store import attempts, audit, personal
from contactd.store.audit import Deed
from contactd.store.database import Database
from tests.store.seed import NOW, add_account, new_attempt

HOUR = timedelta(hours=1)


def test_deeds_are_read_by_time_and_by_whoever_did_them_however_they_came(database: Database) -> None:
    deeds = [
        Deed(NOW, "kim", "pause", "campaign:standard", old="running", new="paused", reason="the bank is closed"),
        Deed(NOW + HOUR, "cli:kim", "reload"),
        Deed(NOW + 2 * HOUR, "api:crm", "tasks done", "task:4", reason="x" * 900),
    ]
    with database.transaction() as connection:
        for deed in deeds:
            audit.add(connection, deed)
    with database.snapshot() as connection:
        everything = audit.read(connection)
        assert [row.what for row in everything] == ["pause", "reload", "tasks done"]
        assert (everything[0].old, everything[0].new, everything[0].at) == ("running", "paused", NOW)
        assert len(everything[2].reason) == 500, "a reason, not a letter"
        assert [row.what for row in audit.read(connection, who="kim")] == ["pause", "reload"]
        assert [row.what for row in audit.read(connection, who="cli:kim")] == ["reload"]
        assert [row.what for row in audit.read(connection, since=NOW + HOUR, limit=1)] == ["reload"]
        assert [row.what for row in audit.read(connection, after=everything[1].id)] == ["tasks done"]
        assert [row.what for row in audit.newest(connection, 2)] == ["tasks done", "reload"]


def test_what_is_kept_long_enough_goes_and_the_rest_stays(database: Database) -> None:
    with database.transaction() as connection:
        for hours in range(4):
            audit.add(connection, Deed(NOW + hours * HOUR, "kim", str(hours)))
        old = audit.old(connection, 0, NOW + 2 * HOUR, 10)
        audit.forget(connection, old)
        assert [row.what for row in audit.read(connection)] == ["2", "3"]


def test_a_deed_about_a_debtor_is_read_out_and_blanked_with_them(database: Database) -> None:
    with database.transaction() as connection:
        add_account(connection, 1)
        number = connection.exec_driver_sql("SELECT account_no FROM account").scalar_one()
        mine = audit.account_of(connection, f"account:{number}")
        assert (mine, audit.account_of(connection, f"account:{number}", "nobody")) == (1, None)
        assert (audit.account_of(connection, "task:7"), audit.account_of(connection, "campaign:x")) == (None, None)
        attempts.plan(connection, [new_attempt(1)])
        letter = connection.exec_driver_sql("SELECT id FROM attempt").scalar_one()
        named = (f"{letter}-1.pdf", number, f"{letter + 1}-1.pdf")
        letters = [audit.account_of(connection, f"reference:{name}") for name in named]
        assert letters == [1, 1, None]
        audit.add(connection, Deed(NOW, "kim", "stop", f"account:{number}", mine, reason="Mrs Example asked"))
        found = personal.gather(connection, [1])
        assert [row["reason"] for row in found["audit"]] == ["Mrs Example asked"]
        personal.blank(connection, found, personal.BLANKED, NOW)
        [row] = audit.read(connection)
    assert (row.who, row.what, row.reason, row.account_no) == ("kim", "stop", "", number)


def test_a_witness_writes_in_the_transaction_it_saw_and_in_no_other(database: Database) -> None:
    seen = database.witnessed(lambda connection: audit.add(connection, Deed(NOW, "kim", "seen")))
    with database.transaction() as connection:
        add_account(connection, 1)
    with pytest.raises(ValueError, match="nothing"), seen.transaction():
        int("nothing")
    with database.snapshot() as connection:
        assert audit.read(connection) == []
    with seen.transaction() as connection:
        add_account(connection, 2)
    with database.snapshot() as connection:
        assert [row.what for row in audit.read(connection)] == ["seen"]
