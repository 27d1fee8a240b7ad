"""Attempts are claimed once, change only lawfully, and every change is in the contact log."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State
from contactd.domain.errors import IllegalTransition, StoreConflict
from contactd.store import attempts, contact_log, pauses, schema
from contactd.store.attempts import Claimed, Transition
from contactd.store.database import Database
from tests.store.seed import NOW, add_account, claim_all, new_attempt, state_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        for number in range(1, 6):
            add_account(connection, number)
        yield connection


def planned(connection: Connection, count: int) -> list[int]:
    attempts.plan(connection, [new_attempt(number) for number in range(1, count + 1)])
    return sorted(row.id for row in connection.execute(sa.text("SELECT id FROM attempt")))


def events(connection: Connection) -> list[tuple[str, str]]:
    return [(row.event, row.reason) for row in contact_log.read(connection)]


def one_claim(connection: Connection) -> Claimed:
    planned(connection, 1)
    return claim_all(connection)[0]


def move(connection: Connection, claim: Claimed, *happened: Event) -> list[object]:
    return list(
        attempts.apply(connection, [Transition(claim.id, claim.claim_no, event, NOW + MINUTE) for event in happened]),
    )


def test_planning_the_same_attempt_again_changes_nothing(connection: Connection) -> None:
    rows = [new_attempt(1), new_attempt(2)]
    assert attempts.plan(connection, rows) == 2
    assert attempts.plan(connection, [*rows, new_attempt(3)]) == 1
    assert attempts.plan(connection, []) == 0


def test_of_very_many_attempts_those_that_are_planned_already_are_left_alone(connection: Connection) -> None:
    for number in range(6, 400):
        add_account(connection, number)
    crowd = [new_attempt(number, rank=number, wanted="Ärger\t\\", kept_for='"') for number in range(1, 400)]
    assert attempts.plan(connection, crowd[:200]) == 200
    assert attempts.plan(connection, crowd) == 199
    rows = connection.execute(sa.select(schema.attempt).order_by(schema.attempt.c.account_id)).all()
    assert [row.rank for row in rows] == list(range(1, 400))
    assert {(row.wanted, row.kept_for, row.batch_id, row.channel, row.state) for row in rows} == {
        ("Ärger\t\\", '"', None, "email", "planned")
    }
    assert {(row.not_before, row.planned_at) for row in rows} == {(NOW, NOW)}


def test_a_claim_takes_the_longest_due_first_and_nothing_twice(connection: Connection) -> None:
    attempts.plan(connection, [new_attempt(number, not_before=NOW - number * MINUTE) for number in range(1, 6)])
    first = claim_all(connection, limit=2)
    assert [claim.account_id for claim in first] == [5, 4]
    assert [claim.account_id for claim in claim_all(connection)] == [3, 2, 1]
    assert claim_all(connection) == []
    assert contact_log.read(connection) == []


def test_a_claim_leaves_other_channels_and_what_is_not_due(connection: Connection) -> None:
    attempts.plan(connection, [new_attempt(1, channel=Channel.SMS), new_attempt(2, not_before=NOW + MINUTE)])
    assert claim_all(connection) == []


@pytest.mark.parametrize("name", ["all", "channel:email", "campaign:standard"])
def test_nothing_paused_is_claimed(connection: Connection, name: str) -> None:
    planned(connection, 1)
    assert pauses.pause(connection, name, reason="test", by="me", now=NOW)
    assert claim_all(connection) == []
    assert pauses.resume(connection, name)
    assert len(claim_all(connection)) == 1


def test_a_claim_may_be_limited_to_campaigns(connection: Connection) -> None:
    attempts.plan(connection, [new_attempt(1, campaign="a"), new_attempt(2, campaign="b")])
    claims = attempts.claim(
        connection, Channel.EMAIL, owner="one", now=NOW, lease=MINUTE, limit=5, campaigns=["b", "c"]
    )
    assert [(claim.account_id, claim.channel) for claim in claims] == [(2, Channel.EMAIL)]


def test_a_contact_is_logged_from_its_intent_to_its_end(connection: Connection) -> None:
    claim = one_claim(connection)
    assert claim.reference == f"{claim.id}-1"
    begun = Transition(
        claim.id, claim.claim_no, Event.BEGUN, NOW, address="debtor1@example.com", lease_until=NOW + MINUTE
    )
    taken = Transition(
        claim.id, claim.claim_no, Event.TAKEN, NOW + MINUTE, provider_ref="ref-1", details={"seconds": 3}
    )
    assert attempts.apply(connection, [begun]) == [State.SENDING]
    assert attempts.apply(connection, [taken]) == [State.ACCEPTED]
    rows = contact_log.read(connection, account_no="K-1")
    assert [(row.event, row.outcome, row.address, row.provider_ref, row.details) for row in rows] == [
        ("sending", "", "debtor1@example.com", "", None),
        ("accepted", "accepted", "debtor1@example.com", "ref-1", {"seconds": 3}),
    ]
    row = attempts.get(connection, claim.id)
    assert row is not None
    assert (row.state, row.outcome, row.sending_at, row.ended_at) == ("accepted", "accepted", NOW, NOW + MINUTE)
    assert (row.address, row.provider_ref, row.lease_until) == ("debtor1@example.com", "ref-1", None)


def test_several_events_of_one_attempt_are_followed_in_order(connection: Connection) -> None:
    claim = one_claim(connection)
    answers = move(connection, claim, Event.BEGUN, Event.CONFIRMED, Event.TAKEN, Event.REJECTED)
    assert answers[:2] == [State.SENDING, State.DELIVERED]
    assert isinstance(answers[2], IllegalTransition)
    assert answers[3] is State.FAILED
    assert [event for event, _ in events(connection)] == ["sending", "delivered", "failed"]
    assert state_of(connection, claim.id) is State.FAILED


def test_an_older_claim_changes_nothing_any_more(connection: Connection) -> None:
    claim = one_claim(connection)
    move(connection, claim, Event.RELEASED)
    again = claim_all(connection)[0]
    assert again.claim_no == claim.claim_no + 1
    [answer] = move(connection, claim, Event.BEGUN)
    assert isinstance(answer, StoreConflict)
    assert state_of(connection, claim.id) is State.CLAIMED
    assert events(connection) == []


def test_an_attempt_that_is_not_there_is_a_conflict(connection: Connection) -> None:
    [answer] = attempts.apply(connection, [Transition(77, None, Event.CONFIRMED, NOW)])
    assert isinstance(answer, StoreConflict)
    assert attempts.get(connection, 77) is None


def test_a_callback_needs_no_claim(connection: Connection) -> None:
    claim = one_claim(connection)
    move(connection, claim, Event.BEGUN)
    assert attempts.apply(connection, [Transition(claim.id, None, Event.CONFIRMED, NOW)]) == [State.DELIVERED]


def test_what_was_not_taken_is_planned_again_and_counts_as_no_contact(connection: Connection) -> None:
    claim = one_claim(connection)
    move(connection, claim, Event.BEGUN)
    later = NOW + 5 * MINUTE
    back = Transition(claim.id, claim.claim_no, Event.NOT_TAKEN, NOW, reason="421 busy", not_before=later)
    assert attempts.apply(connection, [back]) == [State.PLANNED]
    row = attempts.get(connection, claim.id)
    assert row is not None
    assert (row.sending_at, row.address, row.not_before, row.claimed_by) == (None, "", later, "")
    assert events(connection) == [("sending", ""), ("not_taken", "421 busy")]


def test_a_postponed_attempt_is_planned_for_later_without_a_log_row(connection: Connection) -> None:
    claim = one_claim(connection)
    later = NOW + 5 * MINUTE
    assert attempts.apply(
        connection,
        [Transition(claim.id, claim.claim_no, Event.POSTPONED, NOW, reason="holiday", not_before=later)],
    ) == [State.PLANNED]
    assert claim_all(connection) == []
    assert contact_log.read(connection) == []


def test_a_restarted_daemon_takes_back_only_its_own(connection: Connection) -> None:
    planned(connection, 4)
    mine = claim_all(connection, owner="one", limit=2)
    theirs = claim_all(connection, owner="two")
    move(connection, mine[1], Event.BEGUN)
    assert attempts.take_back(connection, owner="one", now=NOW) == (1, 1)
    assert state_of(connection, mine[0].id) is State.PLANNED
    assert state_of(connection, mine[1].id) is State.UNCLEAR
    assert state_of(connection, theirs[0].id) is State.CLAIMED
    assert events(connection) == [("sending", ""), ("unclear", "daemon_restarted")]


def test_an_expired_lease_frees_a_claim_and_makes_an_intent_unclear(connection: Connection) -> None:
    planned(connection, 3)
    claims = claim_all(connection)
    attempts.apply(connection, [Transition(claims[1].id, 1, Event.BEGUN, NOW, lease_until=NOW + 2 * MINUTE)])
    assert attempts.extend(connection, [(claims[2].id, 1), (claims[0].id, 7)], NOW + 10 * MINUTE) == 1
    assert attempts.extend(connection, [], NOW) == 0
    assert attempts.expire(connection, now=NOW + 2 * MINUTE) == (0, 0)
    assert attempts.expire(connection, now=NOW + 3 * MINUTE) == (1, 1)
    found = attempts.states(connection, [claim.id for claim in claims])
    assert [found[claim.id] for claim in claims] == [State.PLANNED, State.UNCLEAR, State.CLAIMED]


def test_unclear_attempts_are_listed_least_asked_first(connection: Connection) -> None:
    planned(connection, 2)
    for claim in claim_all(connection):
        move(connection, claim, Event.BEGUN, Event.LOST_SIGHT)
    first, second = attempts.unclear(connection, channel=Channel.EMAIL, limit=10)
    assert first.sending_at == NOW + MINUTE
    assert first.reference == f"{first.id}-1"
    attempts.looked_up(connection, [(first.id, first.claim_no)])
    attempts.looked_up(connection, [])
    assert [(a.id, a.looked_up) for a in attempts.unclear(connection, channel=Channel.EMAIL, limit=10)] == [
        (second.id, 0),
        (first.id, 1),
    ]
    assert attempts.unclear(connection, channel=Channel.SMS, limit=10) == []
