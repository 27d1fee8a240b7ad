"""Whose account is meant, and how much of its money: what agreements, postings and hand-overs ask first."""

from dataclasses import dataclass

import sqlalchemy as sa

from contactd.domain.errors import InputError, NotThere
from contactd.domain.money import Money
from contactd.store import accounts


@dataclass(frozen=True, slots=True)
class Debtor:
    """An account row as far as agreements go by it; `open` in minor units, without what is disputed."""

    id: int
    creditor: str
    number: str
    currency: str
    kind: str
    open: int
    disputed: bool


def minor_of(text: str, currency: str) -> int:
    """Read an amount that must be of that currency, as minor units; raises InputError."""
    try:
        money = Money.parse(text if text.strip()[-1:].isalpha() else f"{text} {currency}")
    except ValueError:
        raise InputError(
            "%(text)r is no amount; write it like 120.00 or 120.00 %(currency)s", text=text, currency=currency
        ) from None
    if money.currency != currency:
        raise InputError("the account is in %(currency)s, not %(other)s", currency=currency, other=money.currency)
    return money.minor


def choose(connection: sa.Connection, account_no: str, creditor: str = "", currency: str = "") -> Debtor:
    """Find the one account row that is meant; raises InputError that names the choice."""
    found = [one for one in debtors(connection, account_no, creditor) if currency in {"", one.currency}]
    if not found and creditor:
        raise NotThere("there is no account %(account)r of %(creditor)r", account=account_no, creditor=creditor)
    if not found:
        raise NotThere("there is no account %(account)r", account=account_no)
    if len(found) > 1:
        known = tuple(f"{one.creditor} in {one.currency}" for one in found)
        raise InputError(
            "account %(account)r exists for %(known)s: name creditor and currency", account=account_no, known=known
        )
    return found[0]


def debtors(connection: sa.Connection, account_no: str, creditor: str = "") -> list[Debtor]:
    """List the account rows of a number, of any creditor by default."""
    return [
        Debtor(row.id, row.creditor, row.account_no, row.currency, row.kind, row.open, row.disputed)
        for row in accounts.find(connection, account_no, creditor or None)
    ]
