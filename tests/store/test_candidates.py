"""Planning is shown every account that may be due, and which of them are alike."""

from collections.abc import Container, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel, Facts, Kind
from contactd.domain.attempt import Event
from contactd.domain.campaign import Campaign, Select, Step
from contactd.domain.money import Money
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.store import attempts, candidates, facts, schema, suppressions
from contactd.store.candidates import Candidate
from contactd.store.database import Database
from contactd.store.suppressions import NewSuppression
from tests.store.seed import NOW, TODAY, add_account, add_invoice, new_attempt, send

WEEK_AGO = NOW - timedelta(days=7)
STANDARD = Campaign("standard", (Step("reminder", Channel.EMAIL, day=14), Step("call", Channel.CALL, day=30)))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


def found(
    connection: Connection,
    campaign: Campaign = STANDARD,
    *,
    least: int | None = 2,
    bounds: Sequence[int] = (),
    decided: Container[str] = (),
) -> dict[int, Candidate]:
    everybody = candidates.due(
        connection, campaign, today=TODAY, since=WEEK_AGO, least=least, bounds=bounds, decided=decided
    )
    return {one.account_id: one for one in everybody}


def facts_of(connection: Connection, account_id: int) -> Facts:
    return facts.load(connection, [account_id], campaign="standard", since=WEEK_AGO, today=TODAY)[account_id]


def due(connection: Connection, campaign: Campaign = STANDARD) -> list[int]:
    return list(found(connection, campaign))


def test_planning_sees_what_is_open_old_enough_and_not_at_work(connection: Connection) -> None:
    for number in range(1, 7):
        add_account(connection, number)
        add_invoice(connection, number, "R-1")
    change = sa.update(schema.account)
    connection.execute(change.where(schema.account.c.id == 2).values(open=0))
    connection.execute(change.where(schema.account.c.id == 3).values(oldest_due=TODAY - timedelta(days=12)))
    connection.execute(change.where(schema.account.c.id == 4).values(oldest_due=TODAY - timedelta(days=14)))
    # What another campaign has begun comes first: nobody is contacted by two at a time.
    attempts.plan(connection, [new_attempt(5), new_attempt(6, campaign="other")])
    assert due(connection) == [1, 4]


def test_planning_sees_an_account_that_climbed_already_however_young_its_debt(connection: Connection) -> None:
    for number in (1, 2, 3):
        add_account(connection, number, oldest_due=TODAY - timedelta(days=2))
    attempts.plan(connection, [new_attempt(1), new_attempt(2, case_no=7)])
    send(connection, Event.BEGUN, Event.REJECTED)
    assert due(connection) == [1]


def test_a_step_after_a_stand_in_that_never_was_counts_from_the_due_date(connection: Connection) -> None:
    add_account(connection, 1, oldest_due=TODAY - timedelta(days=3))
    steps = (
        Step("first", Channel.EMAIL, day=14, otherwise="stand-in"),
        Step("stand-in", Channel.SMS),
        Step("second", Channel.EMAIL, after="stand-in", after_days=3),
    )
    assert due(connection, Campaign("standard", steps)) == [1]
    assert due(connection, Campaign("standard", steps[:2])) == []


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (Select(kinds=frozenset({Kind.BUSINESS})), [2]),
        (Select(segments=frozenset({"gold"})), [2]),
        (Select(creditors=frozenset({"other"})), [2]),
        (Select(countries=frozenset({"AT"})), [2]),
        (Select(currencies=frozenset({"USD"})), [2]),
        (Select(languages=frozenset({"en"})), [2]),
        (Select(min_open=Money(10_000, "EUR")), [1]),
        (Select(min_open=Money(10_001, "EUR")), []),
        (Select(max_open=Money(10_000, "EUR")), [1]),
        (Select(max_open=Money(9_999, "EUR")), []),
        (Select(min_days_due=60), []),
        (Select(min_days_due=20), [1, 2]),
    ],
)
def test_the_campaign_filters_in_the_database(connection: Connection, select: Select, expected: list[int]) -> None:
    add_account(connection, 1)
    add_account(
        connection, 2, kind="business", segment="gold", creditor="other", country="AT", currency="USD", language="en"
    )
    assert due(connection, Campaign("standard", STANDARD.steps, select=select)) == expected


def test_the_customers_of_a_creditor_are_counted_once_each_in_whatever_currency(connection: Connection) -> None:
    add_account(connection, 1)
    add_account(connection, 2, customer_id=1, account_no="K-1", currency="USD")
    add_account(connection, 3, creditor="other")
    add_account(connection, 4, creditor="other")
    for select, expected in ((Select(max_customers=1), [1, 2]), (Select(min_customers=2, max_customers=9), [3, 4])):
        assert due(connection, Campaign("standard", STANDARD.steps, select=select)) == expected


def test_who_is_taken_up_by_nobody_is_counted_by_kind_and_segment(connection: Connection) -> None:
    add_account(connection, 1)
    add_account(connection, 2, kind="business", segment="government", open=2_000)
    add_account(connection, 3, kind="business", segment="government", open=3_000)
    add_account(connection, 4, kind="business", segment="government", oldest_due=TODAY)  # not yet
    consumers = Campaign("c", STANDARD.steps, select=Select(kinds=frozenset({Kind.CONSUMER}), min_days_due=90))
    assert candidates.left_out(connection, [consumers], TODAY) == [("business", "government", "EUR", 2, 5_000)]
    everybody = Campaign("all", STANDARD.steps)
    assert candidates.left_out(connection, [consumers, everybody], TODAY) == []
    assert [one.accounts for one in candidates.left_out(connection, [], TODAY)] == [2, 1]


def test_planning_reads_page_after_page(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "_CHUNK", 3)
    for number in range(1, 9):
        add_account(connection, number)
    assert due(connection) == list(range(1, 9))


def test_a_candidate_names_what_planning_needs_of_each(connection: Connection) -> None:
    add_account(connection, 1, customer_id=7, case_no=3, currency="CHF", open=9_000, credit=1_000)
    add_invoice(connection, 1, "R-1", open=4_000)
    one = found(connection)[1]
    assert one[:7] == (1, 7, 3, "CHF", 9_000, 3_000, date(2026, 2, 1))
    assert one.facts == facts_of(connection, 1)
    assert candidates.candidate(one.facts) == one._replace(profile="")


def test_the_facts_are_read_of_those_that_are_like_nobody_decided(connection: Connection) -> None:
    for number, region in enumerate(("DE-BY", "DE-HE", "DE-BY", "DE-HE"), 1):
        add_account(connection, number, region=region)
    attempts.plan(connection, [new_attempt(4)])
    send(connection, Event.BEGUN, Event.REJECTED)
    profiles = [one.profile for one in found(connection).values()]
    assert [profiles.index(profile) for profile in profiles] == [0, 1, 0, 3]
    seen = found(connection, decided={profiles[0]})
    assert {number: one.facts for number, one in seen.items()} == {
        1: None,
        2: facts_of(connection, 2),
        3: None,
        4: facts_of(connection, 4),
    }


@pytest.mark.parametrize(
    "columns",
    [
        {"customer_id": 9, "account_no": "4712", "name": "Robin Muster"},
        {"email": "andere@example.com"},
        {"mobile": "+4915228895456"},
        {"open": 9_000, "credit": 500},
    ],
)
def test_names_addresses_and_amounts_tell_nobody_apart(connection: Connection, columns: dict[str, Any]) -> None:
    add_account(connection, 1)
    add_account(connection, 2, **columns)
    one, other = found(connection).values()
    assert one.profile
    assert one.profile == other.profile


@pytest.mark.parametrize(
    "columns",
    [
        {"creditor": "other"},
        {"currency": "USD"},
        {"kind": "business"},
        {"language": "en"},
        {"timezone": "Europe/Lisbon"},
        {"country": "AT"},
        {"region": "DE-HE"},
        {"segment": "gold"},
        {"email": ""},
        {"mobile": ""},
        {"mobile_type": "unknown"},
        {"mobile_zones": "Europe/Lisbon"},
        {"phone": "+493023125000", "phone_type": "fixed"},
        {"phone": "+493023125000", "phone_zones": "Europe/Berlin Europe/Lisbon"},
        {"street": "Musterweg 1", "city": "Musterstadt"},
        {"oldest_due": date(2026, 1, 31)},
        {"disputed": True},
    ],
)
def test_whatever_ladder_or_rules_look_at_tells_accounts_apart(connection: Connection, columns: dict[str, Any]) -> None:
    add_account(connection, 1)
    add_account(connection, 2, **columns)
    one, other = found(connection).values()
    assert "" not in {one.profile, other.profile}
    assert one.profile != other.profile


@pytest.mark.parametrize(
    ("amounts", "alike"),
    [
        ((7_999, 1), True),
        ((7_999, 8_000), False),
        ((8_000, 8_000), True),
        ((8_000, 8_001), False),
        ((8_001, 8_999), True),
        ((8_001, 9_001), False),
    ],
)
def test_amounts_tell_apart_by_the_bounds_they_lie_between(
    connection: Connection, amounts: tuple[int, int], *, alike: bool
) -> None:
    for number, owed in enumerate(amounts, 1):
        add_account(connection, number, open=owed)
    one, other = found(connection, bounds=[8_000, 9_000]).values()
    assert (one.profile == other.profile) is alike


def test_filters_may_compare_with_however_many_amounts(connection: Connection) -> None:
    for number, owed in enumerate((7_999, 8_000, 8_001, 8_299, 9_000, 9_001), 1):
        add_account(connection, number, open=owed)
    profiles = [one.profile for one in found(connection, bounds=range(8_000, 8_300)).values()]
    assert [profiles.index(profile) for profile in profiles] == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("columns", "others"),
    [
        ({"region": "DE-BY'", "segment": "gold"}, {"region": "DE-BY", "segment": "'gold"}),
        ({"region": "a','b", "segment": "c"}, {"region": "a", "segment": "b','c"}),
        ({"region": "a\\", "segment": "'b"}, {"region": "a\\'", "segment": "b"}),
    ],
)
def test_no_quote_in_a_text_makes_accounts_alike(
    connection: Connection, columns: dict[str, str], others: dict[str, str]
) -> None:
    add_account(connection, 1, **columns)
    add_account(connection, 2, **others)
    one, other = found(connection).values()
    assert one.profile != other.profile


@pytest.mark.parametrize(("held", "alike"), [({}, True), ({"hold_reason": "promise"}, False)])
def test_whoever_is_on_hold_is_like_nobody(connection: Connection, held: dict[str, Any], *, alike: bool) -> None:
    add_account(connection, 1, **held)
    assert bool(found(connection)[1].profile) is alike


def test_whoever_is_suppressed_is_like_nobody(connection: Connection) -> None:
    for number in range(1, 6):
        add_account(connection, number, phone=f"+4930231250{number:02}")
    given = [
        ("email", "Debtor1@Example.com"),
        ("number", "+493023125002"),
        ("number", "+4917604069003"),
        ("account", "4"),
        ("account", "6"),
    ]
    suppressions.add(connection, [NewSuppression(*item, None, reason="stop", source="test", at=NOW) for item in given])
    seen = found(connection)
    assert [number for number, one in seen.items() if not one.profile] == [1, 2, 3, 4]
    assert [len(one.facts.suppressions) for one in seen.values() if one.facts] == [1, 1, 1, 1, 0]


def test_whoever_climbed_in_this_case_is_like_nobody(connection: Connection) -> None:
    for number in (1, 2, 3):
        add_account(connection, number)
    attempts.plan(connection, [new_attempt(1), new_attempt(2, case_no=7), new_attempt(3, campaign="other")])
    send(connection, Event.BEGUN, Event.REJECTED)
    seen = found(connection)
    assert [number for number, one in seen.items() if not one.profile] == [1]
    assert [len(one.facts.tries) for one in seen.values() if one.facts] == [1, 0, 0]


@pytest.mark.parametrize(
    ("contacts", "least", "how", "alike"),
    [
        (1, 2, {}, True),
        (2, 2, {}, False),
        (2, 3, {}, True),
        (1, None, {}, True),
        (9, None, {}, True),
        (1, 2, {"conversation": True}, False),
        (1, None, {"conversation": True}, False),
        (1, 2, {"outcome": "abandoned"}, False),
        (1, None, {"outcome": "abandoned"}, False),
    ],
)
def test_contacts_of_the_customer_count_from_a_number_on(
    connection: Connection, contacts: int, least: int | None, how: dict[str, Any], *, alike: bool
) -> None:
    add_account(connection, 1)
    # Of another account of the same customer: caps ask about people.
    attempts.plan(connection, [new_attempt(2, customer_id=1, try_no=number) for number in range(contacts)])
    send(connection, Event.BEGUN, Event.TAKEN, **how)
    one = found(connection, least=least)[1]
    assert bool(one.profile) is alike
    assert one.facts
    assert bool(one.facts.contacts) is not alike


def test_notices_about_agreements_count_for_nothing(connection: Connection) -> None:
    add_account(connection, 1)
    attempts.plan(connection, [new_attempt(1, campaign=NOTICES, step="thanks", try_no=number) for number in range(3)])
    send(connection, Event.BEGUN, Event.TAKEN)
    assert found(connection, least=1)[1].profile


def test_contacts_of_long_ago_count_for_nothing(connection: Connection) -> None:
    add_account(connection, 1)
    attempts.plan(connection, [new_attempt(1, campaign="other", try_no=number) for number in range(3)])
    send(connection, Event.BEGUN, Event.TAKEN)
    past = sa.update(schema.attempt).values(sending_at=WEEK_AGO - timedelta(hours=1))
    connection.execute(past.where(schema.attempt.c.try_no > 0))
    assert found(connection)[1].profile
    # A call of then may have been a conversation of later.
    connection.execute(past.values(conversation_at=WEEK_AGO))
    assert not found(connection)[1].profile
