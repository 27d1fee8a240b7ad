"""What supervisors change is done once and stands in the audit log."""

import pytest

from contactd.domain.account import Channel
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.engine.desk.steering import Steering
from contactd.store import attempts, audit, levels, pauses
from contactd.store.attempts import NewAttempt
from contactd.store.database import Database
from tests.store.seed import NOW, add_account


def test_a_pause_is_told_once_and_its_end_once(database: Database) -> None:
    with database.transaction() as connection:
        steering = Steering(connection, who="kim", by="Kim", now=NOW)
        assert [steering.pause("campaign:standard", "bank holiday"), steering.pause("campaign:standard", "again")] == [
            True, False,
        ]  # fmt: skip
        assert pauses.paused(connection) == {"campaign:standard"}
        assert [steering.resume("campaign:standard"), steering.resume("campaign:standard")] == [True, False]
        rows = audit.read(connection)
    assert [(row.what, row.about, row.old, row.new, row.reason) for row in rows] == [
        ("pause", "campaign:standard", "running", "paused", "bank holiday"),
        ("resume", "campaign:standard", "paused", "running", ""),
    ]


def test_a_level_is_kept_within_its_bounds_and_told_from_what_to_what(database: Database) -> None:
    with database.transaction() as connection:
        steering = Steering(connection, who="kim", by="Kim", now=NOW)
        for level in (0.0, 0.05, 1.1):
            with pytest.raises(InputError, match="between 10% and 100%"):
                steering.set_level("standard", level, "")
        steering.set_level("standard", 0.5, "angry people")
        steering.set_level("standard", 0.8, "")
        assert levels.read(connection) == {"standard": 0.8}
        rows = audit.read(connection)
    assert [(row.what, row.about, row.old, row.new, row.reason) for row in rows] == [
        ("level", "campaign:standard", "100%", "50%", "angry people"),
        ("level", "campaign:standard", "50%", "80%", ""),
    ]


def test_a_planned_attempt_is_cancelled_for_a_reason_and_nothing_else_of_it_can_be_said(database: Database) -> None:
    with database.transaction() as connection:
        add_account(connection, 1)
        attempts.plan(connection, [NewAttempt(1, 1, None, "standard", "mail", Channel.EMAIL, 1, 1, NOW, NOW)])
        [row] = connection.exec_driver_sql("SELECT id FROM attempt").all()
        steering = Steering(connection, who="kim", by="Kim", now=NOW)
        with pytest.raises(Contradiction, match="only an unclear one can be settled"):
            steering.close(row.id, "sent", "")
        with pytest.raises(InputError, match="no end of an attempt"):
            steering.close(row.id, "lost", "")
        with pytest.raises(NotThere):
            steering.close(row.id + 1, "sent", "")
        assert steering.close(row.id, "cancel", "paid in cash") == "cancelled"
        with pytest.raises(Contradiction, match="only a planned one can be cancelled"):
            steering.close(row.id, "cancel", "")
        [told] = audit.read(connection)
    assert (told.what, told.about, told.account_id) == ("settle", f"attempt:{row.id}", 1)
    assert (told.old, told.new, told.reason) == ("planned", "cancelled", "paid in cash")
