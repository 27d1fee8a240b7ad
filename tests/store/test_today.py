"""What happened today is counted by campaign, and levels of campaigns are kept."""

from datetime import timedelta

import sqlalchemy as sa

from contactd.store import levels, schema, settings, today
from contactd.store.database import Database
from contactd.store.today import Promises, Tally
from tests.store.seed import NOW, add_account, new_attempt

HOUR = timedelta(hours=1)


def test_calls_since_an_instant_are_counted_by_campaign_and_older_or_incoming_ones_are_not(database: Database) -> None:
    rows = [  # campaign, step, hours ago, answered, connected, how it ended, disposition
        ("standard", "anruf", 0, True, True, "answered", "promise"),
        ("standard", "anruf", 0, True, True, "answered", "wrong_person"),
        ("standard", "anruf", 1, True, False, "abandoned", ""),
        ("standard", "anruf", 1, False, False, "no_answer", ""),
        ("standard", "anruf", 9, True, True, "answered", "promise"),
        ("standard", "inbound", 0, True, True, "answered", "paid"),
        ("other", "anruf", 0, True, True, "answered", "refuses"),
    ]
    with database.transaction() as connection:
        for number, (campaign, step, ago, answered, connected, how, disposition) in enumerate(rows, 1):
            add_account(connection, number)
            attempt = {**new_attempt(number)._asdict(), "campaign": campaign, "step": step, "disposition": disposition}
            connection.execute(sa.insert(schema.attempt).values(**attempt, id=number))
            at = NOW - ago * HOUR
            call = {"attempt_id": number, "placed_at": at, "how_ended": how}
            call |= {"answered_at": at if answered else None, "connected_at": at if connected else None}
            connection.execute(sa.insert(schema.call).values(**call))
        found = today.calls(connection, NOW - 2 * HOUR)
    assert found == {"standard": Tally(4, 3, 2, 1, 1, 1), "other": Tally(1, 1, 1, 0, 1, 0)}
    assert today.summed(found.values()) == Tally(5, 4, 3, 1, 2, 1)
    assert today.summed([]) == Tally()
    assert (found["standard"].abandon_rate, Tally().abandon_rate) == (1 / 3, 0.0)


def test_promises_of_the_day_are_summed_by_currency_without_those_taken_back(database: Database) -> None:
    made = [
        ("promise", "open", 1000, 0), ("plan", "draft", 2000, 0), ("promise", "withdrawn", 4000, 0),
        ("dispute", "open", 8000, 0), ("promise", "open", 16000, 9),
    ]  # fmt: skip
    with database.transaction() as connection:
        add_account(connection, 1)
        add_account(connection, 2, currency="CHF")
        for kind, state, amount, ago in made:
            row = {"account_id": 1, "kind": kind, "state": state, "amount": amount, "made_at": NOW - ago * HOUR}
            connection.execute(sa.insert(schema.agreement).values(**row))
        swiss = {"account_id": 2, "kind": "settlement", "state": "open", "amount": 500, "made_at": NOW}
        connection.execute(sa.insert(schema.agreement).values(**swiss))
        assert today.promises(connection, NOW - HOUR) == Promises(3, (("CHF", 500), ("EUR", 3000)))


def test_a_level_is_kept_for_each_campaign_and_nothing_else_is_one(database: Database) -> None:
    with database.transaction() as connection:
        settings.put(connection, "levelling", "0.3")
        assert levels.read(connection) == {}
        for level in (0.5, 0.8):
            levels.put(connection, "mahnung-standard", level)
        assert levels.read(connection) == {"mahnung-standard": 0.8}
