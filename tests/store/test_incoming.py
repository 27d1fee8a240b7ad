"""Customers who call us: who it is, what is entered, what it makes needless, and what it does not count for."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State
from contactd.domain.call import HowEnded
from contactd.domain.campaign import INBOUND
from contactd.domain.queueing import Priority
from contactd.store import attempts, call_queue, calls, contact_log, facts, incoming, overview
from contactd.store.attempts import Transition
from contactd.store.call_queue import CallBack
from contactd.store.calls import CallRow, HandedIn, Stage, Unfinished
from contactd.store.database import Database
from contactd.store.incoming import Arrival, Caller
from contactd.store.schema import account, attempt, call
from contactd.store.schema import contact_log as contact_log_table
from tests.store.seed import NOW, add_account, new_attempt, state_of

OURS = "+493023125000"
HOUR = timedelta(hours=1)


def number_of(account_id: int) -> str:
    """Give the number `add_account` gives."""
    return f"+4917604069{account_id:03d}"


def comes_in(connection: Connection, *numbers: str, reference: str = "in-1", owner: str = "one") -> Caller:
    """Let somebody call us."""
    return incoming.arrive(connection, Arrival(reference, numbers, OURS, NOW), owner=owner)


def plan(connection: Connection, account_id: int, **fields: object) -> int:
    """Queue an attempt; answers its id."""
    attempts.plan(connection, [new_attempt(account_id, **fields)])
    return int(connection.scalar(sa.select(sa.func.max(attempt.c.id))) or 0)


def contact(connection: Connection, account_id: int, at: object = NOW, **columns: object) -> int:
    """Let an attempt have been made."""
    made = plan(connection, account_id, channel=Channel.CALL, step="call", **columns)
    row = {"state": State.DELIVERED, "sending_at": at, "address": number_of(account_id)}
    connection.execute(sa.update(attempt).where(attempt.c.id == made).values(row))
    return made


def row_of(connection: Connection, attempt_id: int) -> sa.Row[tuple[object, ...]]:
    """Read an attempt."""
    row = attempts.get(connection, attempt_id)
    assert row is not None
    return row


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """Give a database with three accounts, each kind in turn."""
    with database.transaction() as open_connection:
        for number in (1, 2, 3):
            add_account(open_connection, number)
        yield open_connection


def test_a_call_that_comes_in_is_entered_with_both_numbers_under_the_campaign_that_contacted_them_last(
    connection: Connection,
) -> None:
    contact(connection, 2, campaign="first")
    contact(connection, 2, campaign="second")
    caller = comes_in(connection, number_of(2))
    assert (caller.claimed.account_id, caller.number, caller.language) == (2, number_of(2), "de")
    assert (caller.claimed.campaign, caller.claimed.step) == ("second", INBOUND)
    row = row_of(connection, caller.claimed.id)
    assert (row.state, row.provider_ref, row.claimed_by, row.address) == ("accepted", "in-1", "one", number_of(2))
    kept = calls.get(connection, caller.claimed.id)
    assert kept == CallRow(caller.claimed.id, number_of(2), OURS, NOW, carrier_ref="in-1")
    [entry] = contact_log.read(connection)
    assert (entry.account_id, entry.step, entry.channel, entry.event) == (2, INBOUND, "call", "accepted")
    assert entry.details == {"direction": "inbound", "called": OURS}


def test_the_same_call_is_entered_once_and_the_next_one_anew(connection: Connection) -> None:
    first, again = comes_in(connection, number_of(1)), comes_in(connection, number_of(1))
    other = comes_in(connection, number_of(1), reference="in-2")
    assert first == again
    assert (first.claimed.try_no, other.claimed.try_no) == (1, 2)


def test_of_several_accounts_the_one_called_last_is_meant_else_the_one_that_owes_longest(
    connection: Connection,
) -> None:
    shared = number_of(9)
    add_account(connection, 11, mobile=shared, oldest_due=date(2026, 2, 1))
    add_account(connection, 12, phone=shared, oldest_due=date(2026, 1, 1))
    add_account(connection, 13, mobile=shared, oldest_due=None, open=0)
    assert comes_in(connection, shared, reference="in-1").claimed.account_id == 12
    for number in (12, 11):
        made = contact(connection, number)
        connection.execute(sa.update(attempt).where(attempt.c.id == made).values(address=shared))
    assert comes_in(connection, shared, reference="in-2").claimed.account_id == 11


def test_a_number_that_may_mean_two_is_the_one_somebody_has(connection: Connection) -> None:
    assert comes_in(connection, "+1555", number_of(3)).number == number_of(3)
    assert comes_in(connection, "+1555", "+1556", reference="in-2").number == "+1555"


@pytest.mark.parametrize("numbers", [(), ("+493023125099",)])
def test_who_is_unknown_is_entered_without_an_account(connection: Connection, numbers: tuple[str, ...]) -> None:
    caller = comes_in(connection, *numbers)
    assert (caller.claimed.account_id, caller.claimed.campaign, caller.agent) == (0, "", "")
    calls.record(connection, [ended(caller, HowEnded.ANSWERED, connected=True)])
    assert calls.hand_in(connection, [HandedIn(caller.claimed.id, 1, "anna", "dropped", NOW)]) == [None]
    assert [entry.account_id for entry in contact_log.read(connection)] == [None] * 3


def test_who_spoke_to_them_last_is_known(connection: Connection) -> None:
    for hours, agent in ((2, "anna"), (1, "berta"), (0, "")):
        made = contact(connection, 1, NOW - hours * HOUR, try_no=3 - hours)
        connection.execute(sa.update(attempt).where(attempt.c.id == made).values(agent=agent))
    assert comes_in(connection, number_of(1)).agent == "berta"


def ended(caller: Caller, how: HowEnded, *, connected: bool = False) -> Stage:
    """Describe the end of a call that came in."""
    at = NOW if connected else None
    row = CallRow(caller.claimed.id, caller.number, OURS, NOW, "in-1", connected_at=at, ended_at=NOW, how_ended=how)
    event = Event.CONFIRMED if how is HowEnded.ANSWERED else Event.REJECTED
    return Stage(row, Transition(caller.claimed.id, 1, event, NOW, outcome=how, conversation_at=at))


def test_a_talk_cancels_all_that_is_planned_for_the_customer_that_day_where_they_live(connection: Connection) -> None:
    add_account(connection, 10, customer_id=1, account_no="K-1", currency="CHF", mobile_zones="Europe/Zurich")
    late, tomorrow = NOW.replace(hour=22, minute=59), NOW.replace(hour=23)  # in Berlin it is one hour later
    needless = [
        plan(connection, 1),
        plan(connection, 1, channel=Channel.CALL, step="call", not_before=late),
        plan(connection, 10, customer_id=1, not_before=NOW - 48 * HOUR),
    ]
    attempts.claim(connection, Channel.EMAIL, owner="one", now=NOW, lease=HOUR, limit=1)
    kept = [plan(connection, 1, step="later", not_before=tomorrow), plan(connection, 2)]
    caller = comes_in(connection, number_of(1))
    row = CallRow(caller.claimed.id, caller.number, OURS, NOW, "in-1", connected_at=NOW)
    calls.record(connection, [Stage(row, settles=caller.claimed.account_id)])
    assert [(state_of(connection, one), row_of(connection, one).reason) for one in needless] == [
        (State.CANCELLED, "customer_called")
    ] * 3
    assert [state_of(connection, one) for one in kept] == [State.PLANNED] * 2
    assert incoming.settle_day(connection, 1, NOW) == 0


def test_who_was_not_spoken_to_is_still_contacted(connection: Connection) -> None:
    waits = plan(connection, 1)
    caller = comes_in(connection, number_of(1))
    calls.record(connection, [Stage(ended(caller, HowEnded.ABANDONED).row, settles=1), ended(caller, HowEnded.MISSED)])
    assert state_of(connection, waits) is State.PLANNED


def test_a_talk_counts_for_the_rest_after_one_and_the_call_for_no_cap_and_no_step(connection: Connection) -> None:
    contact(connection, 1, NOW - 24 * HOUR, campaign="mahnung")
    caller = comes_in(connection, number_of(1))
    calls.record(connection, [ended(caller, HowEnded.ANSWERED, connected=True)])
    seen = facts.load(connection, [1], campaign="mahnung", since=NOW - 48 * HOUR)[1]
    assert [(one.at, one.conversation) for one in seen.contacts] == [(NOW - 24 * HOUR, False), (NOW, True)]
    assert [one.step for one in seen.tries] == ["call"]


def test_the_log_counts_the_calls_in_which_customer_and_agent_talked_and_each_once(connection: Connection) -> None:
    talk = {"connected_at": NOW.isoformat()}
    for number, step, channel, details in (
        (1, "anruf", "call", talk),
        (1, "anruf", "call", talk),  # both entries of one call
        (2, "anruf", "call", talk),
        (3, "ansage", "call", {"answered_at": NOW.isoformat()}),  # a text spoke, nobody else
        (4, "anruf", "call", None),
        (5, "inbound", "call", talk),  # they called us
        (6, "termin", "task", talk),
    ):
        said = {"attempt_id": number, "at": NOW, "step": step, "channel": channel, "details": details}
        connection.execute(sa.insert(contact_log_table).values(said))
    assert overview.log_connected(connection) == 2


def test_what_a_team_learns_and_reports_of_its_calls_leaves_those_of_customers_out(connection: Connection) -> None:
    ours = contact(connection, 1, campaign="mahnung")
    caller = comes_in(connection, number_of(1))
    row = CallRow(ours, number_of(1), OURS, NOW, ended_at=NOW, how_ended=HowEnded.BUSY)
    calls.record(connection, [Stage(row), ended(caller, HowEnded.ABANDONED)])
    assert [one.attempt_id for one in calls.past(connection, "mahnung", NOW - HOUR)] == [ours]
    assert overview.calls(connection) == {
        "placed": 1, "answered": 0, "spoken": 0, "connected": 0, "abandoned": 0,
    }  # fmt: skip
    assert connection.scalar(sa.select(sa.func.count()).select_from(call)) == 2


def test_a_crash_leaves_a_customers_call_to_the_daemon_it_came_in_by_whatever_its_campaign(
    connection: Connection,
) -> None:
    contact(connection, 1, campaign="mahnung")
    mine = comes_in(connection, number_of(1), reference="in-7")
    comes_in(connection, number_of(2), reference="in-8", owner="two")
    assert calls.unfinished(connection, ["mahnung"]) == []
    [left] = calls.strays(connection, owner="one", besides=["mahnung"])
    assert left == Unfinished(left.claimed, CallRow(mine.claimed.id, number_of(1), OURS, NOW, carrier_ref="in-7"))
    assert (left.reference, left.inbound) == ("in-7", True)


def test_a_missed_customer_is_called_back_for_what_they_were_called_for_before(connection: Connection) -> None:
    contact(connection, 1, campaign="mahnung")
    comes_in(connection, number_of(1))
    [made] = call_queue.missed(connection, number_of(1), NOW)
    row = row_of(connection, made)
    assert (row.campaign, row.step, row.priority) == ("mahnung", "call", Priority.MISSED)


def test_whoever_calls_us_and_was_never_called_is_not_called_back(connection: Connection) -> None:
    comes_in(connection, number_of(1))
    assert call_queue.missed(connection, number_of(1), NOW) == []


def test_a_callback_agreed_with_a_caller_is_queued_where_it_is_taken_up(connection: Connection) -> None:
    caller = comes_in(connection, number_of(1))
    again = CallBack(caller.claimed.id, NOW + HOUR, caller.number, key=("mahnung", "call"))
    [made] = call_queue.agree(connection, [again], NOW)
    row = row_of(connection, made)
    assert (row.account_id, row.campaign, row.step, row.try_no) == (1, "mahnung", "call", 1)
    assert connection.scalar(sa.select(account.c.case_no).where(account.c.id == 1)) == row.case_no
