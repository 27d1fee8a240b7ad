"""The facts the rules decide on are what the tables say."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import (
    Account,
    Channel,
    Facts,
    Hold,
    Invoice,
    Kind,
    PastContact,
    Phone,
    StepTry,
    Suppression,
)
from contactd.domain.attempt import Event
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.store import attempts, facts, schema, suppressions
from contactd.store.database import Database
from contactd.store.raw import maker
from contactd.store.suppressions import NewSuppression
from tests.store.seed import NOW, TODAY, add_account, add_invoice, new_attempt, send

WEEK_AGO = NOW - timedelta(days=7)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


def load(connection: Connection, number: int = 1) -> Facts:
    return facts.load(connection, [number], campaign="standard", since=WEEK_AGO, today=TODAY)[number]


def test_an_account_is_read_with_all_its_columns(connection: Connection) -> None:
    add_account(
        connection, 1, kind="business", timezone="Europe/Berlin", region="DE-BY", segment="gold", phone="+493023125000",
        phone_type="fixed", phone_zones="Europe/Berlin Europe/Busingen", street="Musterweg 1", city="Musterstadt",
        case_no=3, open=4_000, credit=1_000, disputed=True, hold_reason="promise", hold_until=date(2026, 3, 9),
        last_payment_at=NOW,
    )  # fmt: skip
    connection.execute(sa.insert(schema.import_run).values(kind="payments", as_of=NOW, finished_at=NOW, counts={}))
    connection.execute(sa.insert(schema.import_run).values(kind="payments", as_of=NOW, counts={}))
    add_invoice(connection, 1, "R-1", open=5_000)
    seen = load(connection)
    assert seen.account == Account(
        1, 1, "acme", "K-1", "EUR", "Debtor 1", Kind.BUSINESS, "de", "Europe/Berlin", "DE", "DE-BY", "gold",
        "debtor1@example.com", Phone("+493023125000", "fixed", ("Europe/Berlin", "Europe/Busingen")),
        Phone("+4917604069001", "mobile", ("Europe/Berlin",)), postal=True, case_no=3,
    )  # fmt: skip
    assert (seen.open, seen.overdue, seen.oldest_due, seen.disputed) == (4_000, 4_000, date(2026, 2, 1), True)
    assert seen.hold == Hold("promise", date(2026, 3, 9))
    assert (seen.last_payment_at, seen.payments_as_of) == (NOW, NOW)
    assert seen.last_payment_at is not None
    assert seen.last_payment_at.tzinfo is UTC


def test_what_is_not_known_is_not_made_up(connection: Connection) -> None:
    add_account(connection, 1, mobile="", oldest_due=None, open=0)
    seen = load(connection)
    assert (seen.account.phone, seen.account.mobile, seen.oldest_due) == (None, None, None)
    assert (seen.last_payment_at, seen.payments_as_of, seen.hold) == (None, None, None)
    assert (seen.contacts, seen.tries, seen.suppressions) == ((), (), ())
    assert facts.load(connection, [2], campaign="standard", since=WEEK_AGO) == {}


def test_only_undisputed_invoices_past_their_day_are_overdue_net_of_credit(connection: Connection) -> None:
    add_account(connection, 1, open=13_000, credit=2_000)
    add_invoice(connection, 1, "R-1", open=5_000)
    add_invoice(connection, 1, "R-2", due_date=TODAY)
    add_invoice(connection, 1, "R-3", disputed=True)
    add_invoice(connection, 1, "R-4", open=-500)
    assert load(connection).overdue == 3_000
    assert facts.load(connection, [1], campaign="standard", since=WEEK_AGO)[1].overdue == 13_000


def test_contacts_are_those_of_all_rows_of_the_customer_since_the_instant(connection: Connection) -> None:
    add_account(connection, 1)
    add_account(connection, 2, customer_id=1, currency="USD")
    add_account(connection, 3)
    attempts.plan(connection, [new_attempt(1), new_attempt(2, customer_id=1), new_attempt(3)])
    send(connection, Event.BEGUN, Event.TAKEN, conversation=True)
    email = Channel.EMAIL
    assert sorted(load(connection).contacts, key=lambda c: (c.account_id, c.conversation)) == [
        PastContact(email, NOW, "debtor1@example.com", 1),
        PastContact(email, NOW, "debtor1@example.com", 1, conversation=True),
        PastContact(email, NOW, "debtor1@example.com", 2),
        PastContact(email, NOW, "debtor1@example.com", 2, conversation=True),
    ]
    later = facts.load(connection, [1], campaign="standard", since=NOW + timedelta(seconds=1))[1]
    assert later.contacts == ()


def test_what_was_not_taken_is_no_contact(connection: Connection) -> None:
    add_account(connection, 1)
    attempts.plan(connection, [new_attempt(1)])
    send(connection, Event.BEGUN, Event.NOT_TAKEN)
    assert load(connection).contacts == ()


def test_a_notice_about_an_agreement_is_no_contact_that_counts(connection: Connection) -> None:
    add_account(connection, 1)
    attempts.plan(connection, [new_attempt(1, campaign=NOTICES, step="confirmation"), new_attempt(1)])
    send(connection, Event.BEGUN, Event.TAKEN)
    assert load(connection).contacts == (PastContact(Channel.EMAIL, NOW, "debtor1@example.com", 1),)


def test_tries_are_those_of_the_current_case_in_the_campaign(connection: Connection) -> None:
    add_account(connection, 1, case_no=2)
    attempts.plan(
        connection,
        [new_attempt(1, case_no=2), new_attempt(1, case_no=1), new_attempt(1, case_no=2, campaign="other")],
    )
    send(connection, Event.BEGUN, Event.TAKEN)
    done = StepTry("reminder", 1, "accepted", "accepted", NOW, "debtor1@example.com", Channel.EMAIL)
    assert load(connection).tries == (done,)


@pytest.mark.parametrize(
    ("said", "ended"),
    [("dropped", "dropped"), ("wrong_person", "wrong_number"), ("promise", "answered"), ("", "answered")],
)
def test_a_call_that_came_to_no_talk_is_no_answered_one(connection: Connection, said: str, ended: str) -> None:
    add_account(connection, 1, phone="+493023125000")
    attempts.plan(connection, [new_attempt(1, step="anruf", channel=Channel.CALL)])
    values = {"state": "delivered", "outcome": "answered", "disposition": said}
    connection.execute(sa.update(schema.attempt).values(values))
    assert [one.outcome for one in load(connection).tries] == [ended]


def test_suppressions_of_every_address_and_of_the_customer_are_found(connection: Connection) -> None:
    add_account(connection, 1, customer_id=7, phone="+493023125000")
    given = [
        ("email", "Debtor1@Example.com", Channel.EMAIL),
        ("number", "+493023125000", None),
        ("number", "+4917604069001", Channel.SMS),
        ("account", "7", None),
        ("account", "1", None),
        ("email", "somebody@example.com", None),
    ]
    suppressions.add(connection, [NewSuppression(*item, reason="stop", source="test", at=NOW) for item in given])
    assert set(load(connection).suppressions) == {
        Suppression("email", "debtor1@example.com", Channel.EMAIL, "stop"),
        Suppression("number", "+493023125000", None, "stop"),
        Suppression("number", "+4917604069001", Channel.SMS, "stop"),
        Suppression("account", "7", None, "stop"),
    }


def test_open_undisputed_invoices_are_listed_oldest_first(connection: Connection) -> None:
    add_account(connection, 1)
    add_invoice(connection, 1, "R-2", due_date=date(2026, 3, 2), goods="gas", contract_date=date(2025, 12, 1))
    add_invoice(connection, 1, "R-1", open=2_000)
    add_invoice(connection, 1, "R-3", disputed=True)
    add_invoice(connection, 1, "R-4", open=0)
    add_account(connection, 2)
    first = Invoice("R-1", date(2026, 1, 1), date(2026, 2, 1), 10_000, 2_000)
    signed = date(2025, 12, 1)
    second = Invoice("R-2", date(2026, 1, 1), date(2026, 3, 2), 10_000, 10_000, goods="gas", contracted_on=signed)
    assert facts.invoices(connection, [1, 2, 3]) == {1: [first, second]}


@pytest.mark.parametrize("kind", [Account, Facts, Phone, PastContact, StepTry])
def test_a_value_made_quickly_is_like_any_other(kind: type[Any]) -> None:
    names = [field.name for field in fields(kind)]
    values = [object() for _ in names]
    made: object = maker(kind)(*values)
    assert type(made) is kind
    assert made == kind(*values)
    with pytest.raises(AttributeError):
        setattr(made, names[0], 1)
