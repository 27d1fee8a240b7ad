"""Agreements as plain data: how the command line, the HTTP interface, the dossier and the desk tell them."""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from contactd.domain import agreement as rules
from contactd.domain.money import Money
from contactd.store import accounts, agreements
from contactd.store.agreements import Stored
from contactd.store.credited import since_disputed

Told = dict[str, Any]


def told(connection: sa.Connection, stored: Iterable[Stored]) -> Iterator[Told]:
    """Write agreements as the command line and the API do."""
    chosen = list(stored)
    rows = accounts.named(connection, {one.account_id for one in chosen})
    history = agreements.history(connection, [one.id for one in chosen])
    credited = since_disputed(connection, chosen)
    for one in chosen:
        creditor, number, currency = rows[one.account_id]
        agreed = one.agreed
        rests_until = one.rests_until if rules.rests(agreed.kind, agreed.state) else None
        yield {
            "id": one.id, "kind": agreed.kind.value, "state": agreed.state.value, "account": number,
            "creditor": creditor,
            "amount": Money(one.amount, currency).as_json() if one.amount else None,
            "received": Money(one.received, currency).as_json() if agreed.parts else None,
            "missing": Money(max(one.amount - one.received, 0), currency).as_json() if agreed.parts else None,
            "went_back": {
                "on": one.went_back_on.isoformat(), "amount": Money(one.went_back, currency).as_json()
            } if one.went_back_on and agreed.parts else None,
            "credited": [
                {"on": credit.on.isoformat() if credit.on else None, "by": "posting" if credit.posting else "list",
                 "amount": Money(credit.amount, currency).as_json(), "posting": credit.posting or None}
                for credit in credited.get(one.id, ())
            ],
            "instalments": [
                {"number": place, "due_on": part.due_on.isoformat(), "last_day": part.last_day.isoformat(),
                 "amount": Money(part.amount, currency).as_json()}
                for place, part in enumerate(agreed.parts, 1)
            ],
            "until": agreed.until.isoformat() if agreed.until else None,
            "rests_until": rests_until.isoformat() if rests_until else None,
            "invoice": one.invoice_no, "reason": one.reason, "owner": one.owner, "interest": one.interest,
            "cost_notice_sent": one.cost_notice_on.isoformat() if one.cost_notice_on else None,
            "made_at": one.made_at.isoformat(timespec="seconds"), "made_by": one.made_by,
            "history": [
                {"at": change.at.isoformat(timespec="seconds"), "event": change.event.value,
                 "state": change.state.value, "by": change.by, "reason": change.reason}
                for change in history[one.id]
            ],
        }  # fmt: skip
