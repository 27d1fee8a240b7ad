"""Lists as a creditor's system sends them, and what was kept of them."""

import json
from typing import Any

import sqlalchemy as sa

from contactd.store.schema import account, import_run, invoice, payment
from tests.web.frame import BOTH, Answer, Frame, Visitor

ACCOUNTS, PAYMENTS = "/api/v1/accounts", "/api/v1/payments"
NDJSON = "application/x-ndjson"


def row(number: int, **columns: object) -> dict[str, object]:
    """Write an account's open invoice as a creditor's system does."""
    return {
        "account_no": f"K-{number}", "creditor": "acme", "name": "Erika Musterfrau", "invoice_no": f"R-{number}",
        "invoice_date": "2026-10-01", "due_date": "2026-10-15", "amount": 412.8, "email": "erika@example.com",
    } | columns  # fmt: skip


def paid(number: int, amount: str = "412.80") -> dict[str, object]:
    """Write a payment."""
    return {"creditor": "acme", "account_no": f"K-{number}", "amount": amount, "value_date": "2026-11-20"}


def lines(*rows: object) -> bytes:
    """Write rows as NDJSON."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


async def send(
    visitor: Visitor, path: str, body: object, *, token: str = BOTH, kind: str = "application/json"
) -> Answer:
    """Post a list; what is not bytes is written as JSON."""
    raw = body if isinstance(body, bytes) or callable(getattr(body, "__aiter__", None)) else json.dumps(body).encode()
    return await visitor.post(path, raw, Authorization=f"Bearer {token}", Content_Type=kind)


def told(answer: Answer) -> Any:  # noqa: ANN401 - JSON
    """Read an answer's JSON."""
    return json.loads(answer.body)


async def count(frame: Frame, table: sa.Table) -> int:
    """Count the committed rows of a table."""
    found = await frame.commit.read(lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(table)))
    return int(found or 0)


async def nothing(frame: Frame) -> bool:
    """Tell whether nothing at all was taken, not even a run noted."""
    return [await count(frame, table) for table in (account, invoice, payment, import_run)] == [0] * 4
