"""Rows the store's tests begin with: fictional accounts, invoices and attempts."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State
from contactd.store import attempts, schema
from contactd.store.attempts import NewAttempt, Transition

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def add_account(connection: Connection, number: int, **columns: Any) -> int:  # noqa: ANN401 -- any column
    """Make account K-<number> that owes 100.00 EUR since 1 February unless the columns say otherwise."""
    row = {
        "id": number,
        "customer_id": number,
        "creditor": "acme",
        "account_no": f"K-{number}",
        "currency": "EUR",
        "name": f"Debtor {number}",
        "language": "de",
        "country": "DE",
        "email": f"debtor{number}@example.com",
        "mobile": f"+4917604069{number % 1000:03d}",
        "mobile_type": "mobile",
        "mobile_zones": "Europe/Berlin",
        "open": 10_000,
        "oldest_due": date(2026, 2, 1),
        "created_at": NOW,
        "updated_at": NOW,
    } | columns
    connection.execute(sa.insert(schema.account).values(row))
    return number


def add_invoice(connection: Connection, account_id: int, invoice_no: str, **columns: Any) -> None:  # noqa: ANN401 -- any column
    """Make an invoice of 100.00 that fell due on 1 February."""
    row = {
        "account_id": account_id,
        "invoice_no": invoice_no,
        "invoice_date": date(2026, 1, 1),
        "due_date": date(2026, 2, 1),
        "amount": 10_000,
        "open": 10_000,
        "imported_open": 10_000,
    } | columns
    connection.execute(sa.insert(schema.invoice).values(row))


def new_attempt(account_id: int, **fields: Any) -> NewAttempt:  # noqa: ANN401 -- any field
    """Describe the e-mail of the ladder's first step."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "customer_id": account_id,
        "batch_id": None,
        "campaign": "standard",
        "step": "reminder",
        "channel": Channel.EMAIL,
        "case_no": 1,
        "try_no": 1,
        "not_before": NOW,
        "planned_at": NOW,
    }
    return NewAttempt(**(values | fields))


def claim_all(connection: Connection, *, owner: str = "one", limit: int = 100) -> list[attempts.Claimed]:
    """Claim the due e-mails for two minutes."""
    return attempts.claim(connection, Channel.EMAIL, owner=owner, now=NOW, lease=timedelta(minutes=2), limit=limit)


def state_of(connection: Connection, attempt_id: int) -> State:
    """Read where an attempt stands."""
    return attempts.states(connection, [attempt_id])[attempt_id]


def send(connection: Connection, *happened: Event, conversation: bool = False, outcome: str = "") -> None:
    """Let this happen to each due e-mail; the last event may have been a conversation."""
    for claim in claim_all(connection):
        attempts.apply(
            connection,
            [
                Transition(
                    claim.id,
                    claim.claim_no,
                    event,
                    NOW,
                    outcome=outcome if event is happened[-1] else "",
                    address="debtor1@example.com",
                    conversation_at=NOW if conversation and event is Event.TAKEN else None,
                )
                for event in happened
            ],
        )
