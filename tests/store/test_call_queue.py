"""The calls that wait: their order, what is kept for whom, callbacks, missed calls, and what agents put off."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State
from contactd.domain.queueing import Priority, Waiting
from contactd.store import attempts, call_queue, pauses, suppressions
from contactd.store.attempts import Claimed, Transition
from contactd.store.call_queue import CallBack
from contactd.store.database import Database
from contactd.store.schema import account, attempt, contact_log
from contactd.store.suppressions import NewSuppression
from tests.store.seed import NOW, add_account, new_attempt, state_of

KEY = ("standard", "call")
MINUTE = timedelta(minutes=1)
OTHER_NUMBER = "+4917604069099"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """Begin a transaction in a database with ten accounts."""
    with database.transaction() as connection:
        for number in range(1, 11):
            add_account(connection, number)
        yield connection


def plan(connection: Connection, account_id: int, **fields: Any) -> int:  # noqa: ANN401 -- any field
    """Queue a call, and answer its id."""
    planned = {"step": "call", "channel": Channel.CALL} | fields
    assert attempts.plan(connection, [new_attempt(account_id, **planned)]) == 1
    return int(connection.scalar(sa.select(sa.func.max(attempt.c.id))) or 0)


def number_of(account_id: int) -> str:
    """Give the number of a seeded account."""
    return f"+4917604069{account_id:03}"


def take(connection: Connection, **changes: Any) -> list[Claimed]:  # noqa: ANN401 -- any argument
    """Claim calls in the order the database gives them."""
    arguments: dict[str, Any] = {
        "owner": "one", "now": NOW, "lease": 2 * MINUTE, "limit": 10, "free": (), "choose": lambda waiting: waiting,
    }  # fmt: skip
    arguments |= changes
    return call_queue.take(connection, arguments.pop("lists", [KEY]), **arguments)


def end(connection: Connection, claimed: Claimed, event: Event = Event.REJECTED) -> None:
    """Let a claimed call be made and end."""
    moves = [Transition(claimed.id, claimed.claim_no, one, NOW) for one in (Event.BEGUN, event)]
    assert all(isinstance(answer, State) for answer in attempts.apply(connection, moves))


def row_of(connection: Connection, attempt_id: int) -> sa.Row[Any]:
    """Read an attempt."""
    found = attempts.get(connection, attempt_id)
    assert found is not None
    return found


def test_callbacks_go_first_then_missed_calls_then_the_campaigns_order(connection: Connection) -> None:
    small, large = plan(connection, 1, rank=10), plan(connection, 2, rank=500)
    missed = plan(connection, 3, priority=int(Priority.MISSED))
    agreed = plan(connection, 4, priority=int(Priority.CALLBACK))
    assert [claim.id for claim in take(connection)] == [agreed, missed, large, small]


def test_what_is_chosen_among_the_candidates_is_claimed_in_that_order(connection: Connection) -> None:
    ids = [plan(connection, number, rank=number) for number in range(1, 6)]
    seen: list[Waiting] = []

    def choose(waiting: list[Waiting]) -> list[Waiting]:
        seen.extend(waiting)
        return sorted(waiting, key=lambda one: one.id)

    claims = take(connection, limit=2, choose=choose)
    assert [claim.id for claim in claims] == ids[:2]
    assert [one.rank for one in seen] == [5, 4, 3, 2, 1]
    assert {str(one.zone) for one in seen} == {"Europe/Berlin"}
    assert [(claim.claim_no, claim.language) for claim in claims] == [(1, "de"), (1, "de")]
    assert row_of(connection, ids[0]).lease_until == NOW + 2 * MINUTE
    assert [state_of(connection, one) for one in ids] == [State.CLAIMED, State.CLAIMED, *[State.PLANNED] * 3]


def test_when_the_person_was_last_called_is_told_for_all_their_accounts(connection: Connection) -> None:
    add_account(connection, 11, customer_id=1)
    plan(connection, 11, customer_id=1)
    [first] = take(connection)
    end(connection, first)
    plan(connection, 1)
    seen: list[Waiting] = []

    def choose(waiting: list[Waiting]) -> list[Waiting]:
        seen.extend(waiting)
        return waiting

    take(connection, choose=choose)
    assert [one.tried_at for one in seen] == [NOW]


def test_what_is_not_due_yet_or_of_another_list_is_left_alone(connection: Connection) -> None:
    due = plan(connection, 1)
    plan(connection, 2, not_before=NOW + MINUTE)
    plan(connection, 3, step="later")
    plan(connection, 4, campaign="other")
    plan(connection, 5, channel=Channel.SMS)
    assert [claim.id for claim in take(connection)] == [due]
    assert len(take(connection, lists=[("standard", "later"), ("other", "call")])) == 2


def test_what_is_kept_for_an_agent_waits_for_them_until_its_time_is_over(connection: Connection) -> None:
    kept = plan(connection, 1)
    connection.execute(sa.update(attempt).values(kept_for="anna", kept_until=NOW + MINUTE))
    assert take(connection, free={"berta"}) == []
    [hers] = take(connection, free={"anna", "berta"})
    assert (hers.id, hers.kept_for) == (kept, "anna")
    attempts.apply(connection, [Transition(hers.id, hers.claim_no, Event.RELEASED, NOW)])
    [anybodys] = take(connection, free={"berta"}, now=NOW + MINUTE)
    assert (anybodys.id, anybodys.kept_for) == (kept, "")


def test_what_is_kept_for_an_agent_without_an_end_stays_theirs(connection: Connection) -> None:
    plan(connection, 1, kept_for="anna")
    assert take(connection, free={"berta"}, now=NOW + 90 * MINUTE) == []
    assert len(take(connection, free={"anna"}, now=NOW + 90 * MINUTE)) == 1


@pytest.mark.parametrize("name", ["all", "channel:call", "campaign:standard"])
def test_nothing_is_taken_from_what_rests(connection: Connection, name: str) -> None:
    plan(connection, 1)
    other = plan(connection, 2, campaign="other")
    pauses.pause(connection, name, reason="", by="somebody", now=NOW)
    taken = take(connection, lists=[KEY, ("other", "call")])
    assert [claim.id for claim in taken] == ([other] if name.startswith("campaign") else [])
    pauses.resume(connection, name)
    assert take(connection) != []


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_what_another_daemon_is_claiming_is_passed_over(database: Database) -> None:
    with database.transaction() as connection:
        for number in range(1, 41):
            add_account(connection, number)
            plan(connection, number)
    with database.transaction() as first, database.transaction() as second:
        mine = take(first, limit=5)
        theirs = take(second, owner="two", limit=35)
        assert len(mine) == 5
        assert not {claim.id for claim in mine} & {claim.id for claim in theirs}


def test_a_callback_is_a_further_try_of_the_step_and_replaces_the_one_before(connection: Connection) -> None:
    plan(connection, 1)
    [origin] = take(connection)
    end(connection, origin, Event.CONFIRMED)
    [first] = call_queue.agree(connection, [CallBack(origin.id, NOW + MINUTE)], NOW)
    later = CallBack(origin.id, NOW + 5 * MINUTE, OTHER_NUMBER, "anna", NOW + 30 * MINUTE)
    [second] = call_queue.agree(connection, [later], NOW)
    assert (row_of(connection, first).state, row_of(connection, first).reason) == ("cancelled", "replaced")
    row = row_of(connection, second)
    assert (row.account_id, row.step, row.try_no, row.case_no) == (1, "call", 3, 1)
    assert (row.priority, row.not_before, row.wanted) == (Priority.CALLBACK, NOW + 5 * MINUTE, OTHER_NUMBER)
    assert (row.kept_for, row.kept_until, row.state) == ("anna", NOW + 30 * MINUTE, "planned")
    [waiting] = call_queue.agreed(connection)
    assert (waiting.id, waiting.account_no, waiting.kept_for) == (second, "K-1", "anna")


def test_a_callback_in_a_case_opened_meanwhile_begins_its_tries_anew(connection: Connection) -> None:
    plan(connection, 1)
    [origin] = take(connection)
    end(connection, origin)
    connection.execute(sa.update(account).where(account.c.id == 1).values(case_no=2))
    [made] = call_queue.agree(connection, [CallBack(origin.id, NOW)], NOW)
    assert (row_of(connection, made).case_no, row_of(connection, made).try_no) == (2, 1)


def test_what_is_agreed_with_customers_is_dropped_and_their_ladder_stays(connection: Connection) -> None:
    plan(connection, 1)
    [origin] = take(connection)
    end(connection, origin)
    [made] = call_queue.agree(connection, [CallBack(origin.id, NOW)], NOW)
    ladder = plan(connection, 1, step="again")
    assert call_queue.drop(connection, [2], NOW, reason="spoken_to") == 0
    assert call_queue.drop(connection, [1], NOW, reason="spoken_to") == 1
    assert (row_of(connection, made).state, row_of(connection, made).reason) == ("cancelled", "spoken_to")
    assert state_of(connection, ladder) is State.PLANNED
    assert call_queue.drop(connection, [1], NOW, reason="spoken_to") == 0
    log = connection.execute(sa.select(contact_log).where(contact_log.c.attempt_id == made)).one()
    assert (log.event, log.reason) == ("cancelled", "spoken_to")


def agree(connection: Connection, account_id: int) -> int:
    """Agree a callback of tomorrow with a debtor who was called; answers its id."""
    plan(connection, account_id)
    [origin] = take(connection)
    end(connection, origin)
    return call_queue.agree(connection, [CallBack(origin.id, NOW + 1440 * MINUTE)], NOW)[0]


def test_a_callback_is_withdrawn_once_nothing_is_open(connection: Connection) -> None:
    paid, owing = agree(connection, 1), agree(connection, 2)
    ladder = plan(connection, 1, step="again")
    assert (call_queue.needless(connection), call_queue.withdraw(connection, NOW)) == ({}, 0)
    connection.execute(sa.update(account).where(account.c.id == 1).values(open=0))
    assert call_queue.withdraw(connection, NOW) == 1
    assert (row_of(connection, paid).state, row_of(connection, paid).reason) == ("cancelled", "nothing_open")
    assert {state_of(connection, one) for one in (owing, ladder)} == {State.PLANNED}
    log = connection.execute(sa.select(contact_log).where(contact_log.c.attempt_id == paid)).one()
    assert (log.event, log.reason) == ("cancelled", "nothing_open")


@pytest.mark.parametrize(
    ("kind", "value", "channel", "until", "gone"),
    [
        ("account", "1", None, None, True),
        ("account", "1", Channel.CALL, None, True),
        ("account", "1", Channel.SMS, None, False),
        ("account", "2", None, None, False),
        ("account", "1", None, NOW + MINUTE, False),  # over before the callback is due
        ("number", number_of(1), None, None, False),  # there may be another number
    ],
)
def test_a_callback_is_withdrawn_when_the_debtor_wants_no_calls(
    connection: Connection, kind: str, value: str, channel: Channel | None, until: datetime | None, *, gone: bool
) -> None:
    made = agree(connection, 1)
    suppressions.add(connection, [NewSuppression(kind, value, channel, "stop", "me", NOW, until)])
    assert call_queue.withdraw(connection, NOW) == gone
    assert row_of(connection, made).reason == ("stopped" if gone else "")


def test_a_missed_call_raises_the_call_that_waits_anyway(connection: Connection) -> None:
    waits = plan(connection, 1, not_before=NOW + 90 * MINUTE)
    assert call_queue.missed(connection, number_of(1), NOW) == [waits]
    row = row_of(connection, waits)
    assert (row.priority, row.not_before, row.wanted) == (Priority.MISSED, NOW, number_of(1))


def test_a_missed_call_after_an_earlier_one_is_answered_with_a_new_one(connection: Connection) -> None:
    plan(connection, 1)
    [origin] = take(connection)
    end(connection, origin)
    [made] = call_queue.missed(connection, number_of(1), NOW)
    row = row_of(connection, made)
    assert (row.priority, row.try_no, row.wanted, row.state) == (Priority.MISSED, 2, number_of(1), "planned")
    assert call_queue.missed(connection, number_of(1), NOW + MINUTE) == [made]


def test_a_missed_call_changes_nothing_about_a_callback(connection: Connection) -> None:
    for number in (11, 12):
        add_account(connection, number, customer_id=11, mobile=OTHER_NUMBER)
        plan(connection, number, customer_id=11)
    first, second = take(connection)
    end(connection, first)
    end(connection, second)
    [agreed] = call_queue.agree(connection, [CallBack(first.id, NOW + 30 * MINUTE)], NOW)
    assert call_queue.missed(connection, OTHER_NUMBER, NOW) == [agreed]
    assert row_of(connection, agreed).not_before == NOW + 30 * MINUTE
    assert row_of(connection, agreed).state == "planned"


def test_a_customer_with_two_accounts_is_called_back_once_and_about_one_that_has_the_number(
    connection: Connection,
) -> None:
    add_account(connection, 11, customer_id=11)
    add_account(connection, 12, customer_id=11, phone=OTHER_NUMBER)
    other, reached = (plan(connection, number, customer_id=11) for number in (11, 12))
    assert call_queue.missed(connection, OTHER_NUMBER, NOW) == [reached]
    assert row_of(connection, other).priority == Priority.LADDER


def test_a_missed_call_is_remembered_while_the_first_call_is_with_an_agent(connection: Connection) -> None:
    plan(connection, 1)
    [claimed] = take(connection)
    [made] = call_queue.missed(connection, number_of(1), NOW)
    call_queue.put_off(connection, [(claimed, "anna", "no time", NOW + 60 * MINUTE)], NOW)
    assert row_of(connection, made).priority == Priority.MISSED


def test_whoever_is_unknown_owes_nothing_or_was_never_called_is_not_called_back(connection: Connection) -> None:
    plan(connection, 2)
    connection.execute(sa.update(account).where(account.c.id == 2).values(open=0))
    assert call_queue.missed(connection, "+4917604069999", NOW) == []
    assert call_queue.missed(connection, number_of(2), NOW) == []
    assert call_queue.missed(connection, number_of(3), NOW) == []


def test_whoever_was_to_be_called_and_never_was_is_not_called_back(connection: Connection) -> None:
    plan(connection, 1)
    [claim] = take(connection)
    forbidden = Transition(claim.id, claim.claim_no, Event.FORBIDDEN, NOW, outcome="cancelled", reason="paid")
    assert attempts.apply(connection, [forbidden]) == [State.CANCELLED]
    assert call_queue.missed(connection, number_of(1), NOW) == []


def test_what_an_agent_skips_is_put_off_and_logged_with_agent_and_reason(connection: Connection) -> None:
    planned = plan(connection, 1)
    [claim] = take(connection)
    call_queue.put_off(connection, [(claim, "anna", "in court", NOW + 60 * MINUTE)], NOW)
    row = row_of(connection, planned)
    assert (row.state, row.not_before, row.claimed_by, row.agent) == ("planned", NOW + 60 * MINUTE, "", "")
    log = connection.execute(sa.select(contact_log).where(contact_log.c.attempt_id == planned)).one()
    assert (log.event, log.outcome, log.agent, log.reason) == ("skipped", "skipped", "anna", "in court")
    assert take(connection) == []


def test_the_calls_that_wait_are_counted_by_list_due_and_later(connection: Connection) -> None:
    assert call_queue.counts(connection, NOW) == {}
    for number, minutes in enumerate((0, 0, 5, 3), start=1):
        plan(connection, number, not_before=NOW + minutes * MINUTE)
    plan(connection, 5, campaign="other")
    plan(connection, 6, channel=Channel.SMS)
    assert call_queue.counts(connection, NOW) == {
        KEY: (2, 2, NOW + 3 * MINUTE),
        ("other", "call"): (1, 0, None),
    }
