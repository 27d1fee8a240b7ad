"""The columns of the lists that contactd takes, and how a foreign header is recognised; for intake, cli and web."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contactd.config.words import suggest


@dataclass(frozen=True, slots=True)
class Columns:
    """What one kind of list consists of; of each group in `needed` at least one column must be there."""

    kind: str
    names: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]
    debit_is_positive: bool

    def missing(self, present: Iterable[str]) -> list[str]:
        """Name the columns without which the list is of no use."""
        found = set(present)
        return [" or ".join(group) for group in self.needed if not found & set(group)]


ACCOUNTS = Columns(
    "accounts",
    (
        "account_no", "creditor", "name", "kind", "language", "timezone", "country", "region", "email", "phone",
        "mobile", "street", "postcode", "city", "birth_date", "segment", "invoice_no", "invoice_date", "due_date",
        "amount", "open", "currency", "terms", "goods", "claim_kind", "contract_rate",
        "contract_date",
    ),
    (("account_no",), ("name",), ("invoice_no",), ("invoice_date",), ("due_date",), ("open", "amount")),
    debit_is_positive=True,
)  # fmt: skip

PAYMENTS = Columns(
    "payments",
    ("creditor", "account_no", "invoice_no", "amount", "currency", "value_date", "reference"),
    (("invoice_no", "account_no"), ("amount",), ("value_date",)),
    debit_is_positive=False,
)

KINDS = {"accounts": ACCOUNTS, "payments": PAYMENTS}

# Soll and Haben: on which side of the ledger a line stands, under the headers in use for it.
SIDE = "s_h"
_SIDE_HEADERS = {"s_h", "sh", "soll_haben", "soll_haben_kennzeichen", "s_h_kennzeichen", "debit_credit", "shkzg"}
# What FILE.rejected.csv adds, so that it can be mended and imported as it is.
REASONS = ("row", "column", "reason")


def normal(header: str) -> str:
    """Write a header as columns are named: lower case, words joined by `_`."""
    return re.sub(r"[^0-9a-zäöüß]+", "_", header.strip().lower()).strip("_")


def recognise(columns: Columns, headers: Sequence[str]) -> tuple[dict[int, str], dict[int, str]]:
    """Find contactd's own columns by their names: place = column; answers also places with what may be meant there."""
    found: dict[int, str] = {}
    strange: dict[int, str] = {}
    for place, header in enumerate(headers):
        name = normal(header)
        if name in columns.names:
            found[place] = name
        elif name in _SIDE_HEADERS:
            found[place] = SIDE
        elif name not in REASONS:
            strange[place] = name
    free = [name for name in columns.names if name not in found.values()]
    hints = {place: suggest(name, free) for place, name in strange.items()} if found else {}
    return found, {place: hint for place, hint in hints.items() if hint}
