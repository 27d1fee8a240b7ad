"""Whose account a request means: by its number as the creditor knows it, with creditor and currency where needed."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from contactd.engine.debt.debtors import Debtor, choose
from contactd.store import accounts
from contactd.web.kinds import Kind, Text

WHOSE: Mapping[str, Kind] = {"account": Text(), "creditor": Text(), "currency": Text()}
OF_ACCOUNT: Mapping[str, Kind] = {"account": Text(), "creditor": Text()}


def choosing(connection: sa.Connection, asked: Mapping[str, Any]) -> Debtor:
    """Find the one account row that is meant; raises InputError that names the choice."""
    return choose(connection, *(asked[name] for name in WHOSE))


def meant(connection: sa.Connection, asked: Mapping[str, Any]) -> list[int] | None:
    """List the account rows a filter means, one a creditor and currency; None where it says nothing."""
    if not asked["account"]:
        return None
    return [row.id for row in accounts.find(connection, asked["account"], asked["creditor"] or None)]
