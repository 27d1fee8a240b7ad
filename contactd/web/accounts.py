"""Accounts and payments over HTTP, to read; what is sent is in api.py; for interface.py."""

from typing import Any

import sqlalchemy as sa

from contactd.domain.errors import NotThere
from contactd.domain.money import Money
from contactd.store import reading
from contactd.store.reading import Page
from contactd.web.answers import page, ref
from contactd.web.deeds import telling
from contactd.web.kinds import Choice, Instant, Shape
from contactd.web.operation import ID, Call, Operation
from contactd.web.paging import PAGE, after, ask, paged
from contactd.web.whose import OF_ACCOUNT, meant

Told = dict[str, Any]

_KEYS = ("id", "creditor", "name", "kind", "language", "country", "segment", "disputed")
_WAYS = ("email", "phone", "mobile", "street", "postcode", "city")
_STATES = ("open", "disputed", "hold", "settled")


def _listed(connection: sa.Connection, call: Call) -> Told:
    asked = call.query
    which = page_of(connection, "accounts", call)
    rows = reading.accounts(connection, which, state=asked["state"])
    return paged("accounts", asked, [row.id for row in rows], [_account(row) for row in rows])


def _one(connection: sa.Connection, call: Call) -> Told:
    row = reading.account_of(connection, call.path["id"])
    if row is None:
        raise NotThere(f"there is no account with the id {call.path['id']}")
    invoices = [_invoice(one, row.currency) for one in reading.invoices(connection, row.id)]
    return {**_account(row), **{name: getattr(row, name) for name in _WAYS}, "invoices": invoices}


def _payments(connection: sa.Connection, call: Call) -> Told:
    asked = call.query
    matched = {"yes": True, "no": False}.get(asked["matched"])
    rows = reading.payments(connection, page_of(connection, "payments", call), matched=matched)
    return paged("payments", asked, [row.id for row in rows], [_payment(row) for row in rows])


def page_of(connection: sa.Connection, key: str, call: Call) -> Page:
    """Read which page of a list is asked for, of whom, and since when."""
    asked = call.query
    return Page(ask(asked), after(key, asked), meant(connection, asked), asked["since"])


def _account(row: sa.Row[Any]) -> Told:
    return {
        **{name: getattr(row, name) for name in _KEYS},
        "account": row.account_no, "case": row.case_no, "hold": row.hold_reason,
        "open": Money(row.open, row.currency).as_json(), "credit": Money(row.credit, row.currency).as_json(),
        "oldest_due": written(row.oldest_due), "hold_until": written(row.hold_until),
        "last_payment_at": written(row.last_payment_at),
        "created_at": written(row.created_at), "updated_at": written(row.updated_at),
    }  # fmt: skip


def _invoice(row: sa.Row[Any], currency: str) -> Told:
    return {
        "invoice": row.invoice_no, "invoice_date": written(row.invoice_date), "due_date": written(row.due_date),
        "amount": Money(row.amount, currency).as_json(), "open": Money(row.open, currency).as_json(),
        "disputed": row.disputed, "cleared_at": written(row.cleared_at),
        "claim_kind": row.claim_kind, "contract_rate": row.contract_rate,
        "contract_date": written(row.contract_date),
    }  # fmt: skip


def _payment(row: sa.Row[Any]) -> Told:
    return {
        "id": row.id, "account": row.account_no or row.said_account, "creditor": row.creditor or row.said_creditor,
        "matched": row.account_id is not None, "amount": Money(row.amount, row.currency).as_json(),
        "value_date": written(row.value_date), "invoice": row.invoice_no, "reference": row.reference,
        "received_at": written(row.received_at),
    }  # fmt: skip


def written(when: Any) -> str | None:  # noqa: ANN401 - a day or an instant of any row
    """Write a day or an instant as ISO 8601 does."""
    return None if when is None else str(when.isoformat())


OPERATIONS = (
    Operation(
        method="GET", path="/accounts", name="list_accounts", family="accounts",
        what="List accounts, or those of one number; since: those that changed",
        query=Shape({**OF_ACCOUNT, "state": Choice(_STATES, ""), "since": Instant(), **PAGE}),
        answer=page("accounts", "Account"), work=telling(_listed), finds=False,
    ),
    Operation(
        method="GET", path="/accounts/{id}", name="get_account", family="accounts", places=ID,
        what="Tell of one account, with its invoices and the ways to reach it", answer=ref("AccountInFull"),
        work=telling(_one),
    ),
    Operation(
        method="GET", path="/payments", name="list_payments", family="payments",
        what="List payments; since: those received",
        query=Shape({**OF_ACCOUNT, "matched": Choice(["yes", "no"], ""), "since": Instant(), **PAGE}),
        answer=page("payments", "Payment"), work=telling(_payments), finds=False,
    ),
)  # fmt: skip
