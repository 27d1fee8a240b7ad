"""Batches, inbox, leases, pauses, settings and suppressions keep what they are given."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel, Suppression
from contactd.domain.errors import StoreError
from contactd.store import batches, contact_log, inbox, leases, pauses, schema, settings, suppressions
from contactd.store.database import Database
from contactd.store.inbox import Event
from contactd.store.raw import raw_pages
from contactd.store.suppressions import NewSuppression
from tests.store.seed import NOW, add_account

HOUR = timedelta(hours=1)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_rows_are_read_by_the_page_to_the_last(connection: Connection, count: int) -> None:
    numbers = [batches.open_batch(connection, "standard", NOW) for _ in range(count)]
    pages = raw_pages(connection, sa.select(schema.batch.c.id).order_by(schema.batch.c.id), 2)
    assert [row[0] for rows in pages for row in rows] == numbers


def test_a_batch_is_closed_with_its_counts(connection: Connection) -> None:
    first = batches.open_batch(connection, "standard", NOW)
    second = batches.open_batch(connection, "other", NOW)
    held = {"call": {"holiday": {"count": 3, "amounts": {"EUR": 100}}}}
    batches.close_batch(connection, first, now=NOW + HOUR, taken=5, steps={"reminder": {"count": 5}}, held=held)
    [row] = batches.latest(connection, "standard")
    assert (row.taken, row.finished_at, row.held) == (5, NOW + HOUR, held)
    assert [row.id for row in batches.latest(connection, limit=9)] == [second, first]


def test_only_a_run_that_came_to_its_end_counts_as_planned(connection: Connection) -> None:
    kept = batches.open_batch(connection, "standard", NOW)
    batches.close_batch(connection, kept, now=NOW, taken=0, steps={}, held={})
    killed = batches.open_batch(connection, "standard", NOW + HOUR)
    batches.open_batch(connection, "first", NOW + HOUR)
    assert batches.last_planned(connection) == {"standard": NOW}
    assert batches.to_repeat(connection) == []
    assert batches.close_interrupted(connection, NOW + 2 * HOUR) == 2
    assert batches.close_interrupted(connection, NOW + 3 * HOUR) == 0
    assert batches.last_planned(connection) == {"standard": NOW}
    assert batches.to_repeat(connection) == ["first", "standard"]
    [row] = batches.latest(connection, "standard")
    assert (row.id, row.finished_at, row.interrupted) == (killed, NOW + 2 * HOUR, True)


def test_a_run_that_was_taken_for_dead_ends_itself(connection: Connection) -> None:
    running = batches.open_batch(connection, "standard", NOW)
    batches.close_interrupted(connection, NOW)
    batches.close_batch(connection, running, now=NOW + HOUR, taken=1, steps={}, held={})
    assert batches.last_planned(connection) == {"standard": NOW}
    assert batches.to_repeat(connection) == []


def test_an_interrupted_run_is_made_up_for_by_the_next(connection: Connection) -> None:
    batches.open_batch(connection, "standard", NOW)
    batches.close_interrupted(connection, NOW)
    again = batches.open_batch(connection, "standard", NOW + HOUR)
    batches.close_batch(connection, again, now=NOW + HOUR, taken=1, steps={}, held={})
    assert batches.to_repeat(connection) == []


def test_a_draft_that_was_cut_short_is_not_repeated_and_hides_no_run_that_is_to_be(connection: Connection) -> None:
    batches.open_batch(connection, "standard", NOW, draft=True)
    batches.open_batch(connection, "other", NOW)
    batches.open_batch(connection, "other", NOW + HOUR, draft=True)
    batches.close_interrupted(connection, NOW + HOUR)
    assert batches.to_repeat(connection) == ["other"]
    proposed = batches.open_batch(connection, "other", NOW + HOUR, draft=True)
    batches.close_batch(connection, proposed, now=NOW + HOUR, taken=1, steps={}, held={})
    assert batches.to_repeat(connection) == []


def test_an_event_is_received_once_and_waits_until_it_is_handled(connection: Connection) -> None:
    one, two = Event("twilio", "t1", {"status": "sent"}, NOW), Event("smtp", "t1", {}, NOW)
    assert inbox.receive(connection, []) == []
    assert inbox.receive(connection, [one, two, one]) == [True, True, False]
    assert inbox.receive(connection, [one, Event("twilio", "t2", {}, NOW)]) == [False, True]
    waiting = inbox.waiting(connection, 2)
    assert [(event.source, event.token) for event in waiting] == [("twilio", "t1"), ("smtp", "t1")]
    assert (waiting[0].payload, waiting[0].received_at) == ({"status": "sent"}, NOW)
    inbox.handled(connection, [event.id for event in waiting], NOW)
    inbox.handled(connection, [], NOW)
    assert [event.token for event in inbox.waiting(connection, 9)] == ["t2"]
    assert inbox.receive(connection, [one]) == [False]


def test_a_lease_has_one_holder_and_a_new_epoch_for_each(connection: Connection) -> None:
    assert leases.acquire(connection, "plan", holder="a", lasting=HOUR) == 1
    assert leases.acquire(connection, "plan", holder="b", lasting=HOUR) is None
    assert leases.holds(connection, "plan", 1)
    assert leases.acquire(connection, "plan", holder="a", lasting=-HOUR) == 2
    assert not leases.holds(connection, "plan", 1)
    assert not leases.holds(connection, "plan", 2)
    assert leases.acquire(connection, "plan", holder="b", lasting=HOUR) == 3
    assert not leases.renew(connection, "plan", 2, lasting=HOUR)
    assert leases.renew(connection, "plan", 3, lasting=HOUR)
    leases.release(connection, "plan", 2)
    assert leases.holds(connection, "plan", 3)
    leases.release(connection, "plan", 3)
    assert leases.acquire(connection, "plan", holder="a", lasting=HOUR) == 4


def test_a_lease_is_counted_by_the_databases_clock(connection: Connection) -> None:
    leases.acquire(connection, "plan", holder="a", lasting=HOUR)
    postgresql = connection.dialect.name == "postgresql"
    words = "extract(epoch FROM clock_timestamp())" if postgresql else "strftime('%s', 'now')"
    seconds = float(connection.scalar(sa.select(sa.literal_column(words))) or 0)
    expires = connection.scalar(sa.select(schema.lease.c.expires_at))
    assert expires is not None
    assert (expires - HOUR).timestamp() == pytest.approx(seconds, abs=60)


def test_a_pause_keeps_its_first_reason(connection: Connection) -> None:
    assert pauses.pause(connection, "all", reason="storm", by="me", now=NOW)
    assert not pauses.pause(connection, "all", reason="later", by="you", now=NOW + HOUR)
    assert [(row.name, row.reason, row.by, row.since) for row in pauses.listed(connection)] == [
        ("all", "storm", "me", NOW),
    ]
    assert pauses.resume(connection, "all")
    assert not pauses.resume(connection, "all")
    assert pauses.paused(connection) == set()


def test_a_setting_is_made_once(connection: Connection) -> None:
    with pytest.raises(StoreError, match="run: contactd migrate"):
        settings.get(connection, "colour")
    assert settings.ensure(connection, "colour", lambda: "red") == "red"
    assert settings.ensure(connection, "colour", lambda: "blue") == "red"
    assert settings.get(connection, "colour") == "red"


def stop(value: str, kind: str = "account", **fields: object) -> NewSuppression:
    values = {"channel": None, "reason": "stop", "source": "me", "at": NOW} | fields
    return NewSuppression(kind, value, **values)  # type: ignore[arg-type] # as given


def test_a_suppression_is_logged_for_every_account_it_concerns(connection: Connection) -> None:
    add_account(connection, 1, phone="+493023125000")
    add_account(connection, 2, mobile="+493023125000")
    given = [stop("+493023125000", "number", reason="opted_out", channel=Channel.SMS), stop("1"), stop("9")]
    assert suppressions.add(connection, given) == [True, True, True]
    assert suppressions.add(connection, given) == [False, False, False]
    rows = [(row.account_id, row.event, row.reason, row.address, row.channel) for row in contact_log.read(connection)]
    assert rows == [
        (1, "suppressed", "opted_out", "+493023125000", "sms"),
        (2, "suppressed", "opted_out", "+493023125000", "sms"),
        (1, "stop", "stop", "", ""),
        (None, "stop", "stop", "", ""),
    ]


def test_a_longer_suppression_replaces_a_shorter_one(connection: Connection) -> None:
    def until() -> list[Suppression]:
        return suppressions.for_addresses(connection, [("email", "a@example.com")]).get(("email", "a@example.com"), [])

    for lasting, is_new in ((HOUR, True), (2 * HOUR, True), (HOUR, False), (None, True), (3 * HOUR, False)):
        item = stop("A@example.com", "email", until=NOW + lasting if lasting else None)
        assert suppressions.add(connection, [item]) == [is_new]
    assert until() == [Suppression("email", "a@example.com", None, "stop")]


def test_a_suppression_is_lifted_and_that_is_logged(connection: Connection) -> None:
    add_account(connection, 1)
    suppressions.add(connection, [stop("debtor1@example.com", "email"), stop("other@example.com", "email")])
    assert suppressions.remove(connection, "email", "Debtor1@example.com", source="me", now=NOW) == 1
    assert suppressions.remove(connection, "email", "nobody@example.com", source="me", now=NOW) == 0
    keys = [("email", "debtor1@example.com"), ("email", "other@example.com")]
    assert list(suppressions.for_addresses(connection, keys)) == keys[1:]
    last = contact_log.read(connection)[-1]
    assert (last.event, last.account_id, last.reason, last.address) == (
        "unsuppressed", 1, "stop", "debtor1@example.com",
    )  # fmt: skip


def test_the_log_is_read_on_from_any_row(connection: Connection) -> None:
    for number in (1, 2):
        add_account(connection, number)
    contact_log.add(
        connection,
        [{"account_id": number % 2 + 1, "at": NOW + number * HOUR, "event": "stop"} for number in range(5)],
    )
    contact_log.add(connection, [])
    rows = contact_log.read(connection, limit=2)
    assert [row.account_no for row in rows] == ["K-1", "K-2"]
    assert len(contact_log.read(connection, after_id=rows[-1].id)) == 3
    assert len(contact_log.read(connection, account_no="K-1")) == 3
    assert len(contact_log.read(connection, since=NOW + 4 * HOUR)) == 1
