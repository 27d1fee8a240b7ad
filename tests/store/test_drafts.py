"""Drafts in the store: what is typed and who was identified never overwrite each other, and both go when told so."""

from datetime import timedelta

import sqlalchemy as sa

from contactd.config.load import load_defaults
from contactd.domain.conversation import Identification, Item, Person, Step
from contactd.engine.records import retention
from contactd.store import attempts, conversations, drafts, personal
from contactd.store.database import Database
from contactd.store.drafts import Written
from contactd.store.schema import attempt
from contactd.store.schema_desk import draft
from tests.store.seed import NOW, add_account, new_attempt

SURE = Identification(Person.CUSTOMER, frozenset({Item.POSTCODE, Item.BIRTH_DATE}), 2)


def test_a_late_save_never_changes_who_was_identified(database: Database) -> None:
    with database.transaction() as connection:
        drafts.identify(connection, 1, "anna", SURE, NOW)
        drafts.save(connection, [Written(1, "anna", NOW, Step.CLOSE, "a note", {"on": "+7"})])
        drafts.identify(connection, 1, "anna", SURE, NOW)
        kept = drafts.read(connection, 1, "anna")
        assert kept is not None
        assert (kept.identification, kept.written.note) == (SURE, "a note")
        assert (kept.written.step, kept.written.fields) == (Step.CLOSE, {"on": "+7"})


def test_a_draft_is_one_agents_of_one_call(database: Database) -> None:
    with database.transaction() as connection:
        words = [(1, "anna", "first"), (1, "berta", "hers"), (2, "anna", "another call"), (1, "anna", "second")]
        drafts.save(connection, [Written(number, agent, NOW, note=note) for number, agent, note in words])
        assert connection.scalar(sa.select(sa.func.count()).select_from(draft)) == 3
        drafts.forget(connection, 1, "berta")
        assert drafts.read(connection, 1, "berta") is None
        kept = drafts.read(connection, 1, "anna")
        assert kept is not None
        assert (kept.written.note, kept.identification) == ("second", Identification())


def test_what_was_never_handed_in_is_read_out_and_goes_with_the_debtor(database: Database) -> None:
    with database.transaction() as connection:
        for number in (1, 2):
            add_account(connection, number)
        attempts.plan(connection, [new_attempt(1), new_attempt(2)])
        ids = list(connection.scalars(sa.select(attempt.c.id).order_by(attempt.c.account_id)))
        drafts.save(connection, [Written(number, "anna", NOW, note=f"of {number}") for number in ids])
        found = personal.gather(connection, [1])
        assert [row["note"] for row in found["draft"]] == [f"of {ids[0]}"]
        personal.delete(connection, found)
        assert [row.attempt_id for row in connection.execute(sa.select(draft))] == [ids[1]]


def test_each_night_what_nobody_hands_in_any_more_goes(database: Database) -> None:
    settings, late = load_defaults(), NOW + timedelta(days=91)
    with database.transaction() as connection:
        drafts.save(connection, [Written(1, "anna", NOW), Written(2, "anna", late)])
        due = retention.due_drafts(connection, 0, settings, late)
        assert retention.erase_drafts(connection, due, settings, late).rows == 1
        assert [row.attempt_id for row in connection.execute(sa.select(draft))] == [2]
        assert retention.due_drafts(connection, 0, settings, late) == []


def test_of_a_call_that_is_not_there_nothing_is_owed_and_nothing_was_said(database: Database) -> None:
    with database.snapshot() as connection:
        assert conversations.owed(connection, 1) is None
        assert conversations.said(connection, 1) == ("", "")
