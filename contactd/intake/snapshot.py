"""What a full list settles by not showing it, and when it is refused; for intake.accept only.

A full list speaks for the creditors that have a row in it, and for no other: nothing of theirs is cleared. So a list
without a row says nothing at all, and is refused even with --force.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contactd.domain.errors import NeedsForce
from contactd.intake.records import TORN, Rejected
from contactd.intake.rows import AccountRows
from contactd.store import imports
from contactd.store.database import Database
from contactd.store.imports import Key

_SHOWN = 5


@dataclass(slots=True)
class Missing:
    """What a full list does not show: invoices to clear (id: account), creditors that are left as they are."""

    invoices: dict[int, int] = field(default_factory=dict)
    creditors: list[str] = field(default_factory=list)


def missing(database: Database, rows: AccountRows, source: str, max_vanish: float) -> tuple[Missing, str]:
    """Find what a full list does not show; answers also why that looks like an accident, empty when it does not."""
    creditors = {key[0] for key in rows.seen}
    found = Missing()
    with database.snapshot() as connection:
        before = vanished = 0
        for key in imports.open_accounts(connection, creditors):
            before += 1
            vanished += key not in rows.owing and not _protected(rows, key)
        for invoice_id, account_id, key, number in imports.listed_invoices(connection, creditors):
            if hash((key, number)) not in rows.invoices and not _protected(rows, key):
                found.invoices[invoice_id] = account_id
        found.creditors = sorted(set(imports.owed_creditors(connection)) - creditors)
    if rows.nameless and found.invoices:
        return found, (
            f"{source}: rejected rows without a readable account number ({_listed(rows.nameless)}): it cannot be told "
            "what they show as open, so nothing was changed; mend the rows, or clear what the others do not show "
            "with --force"
        )
    if before and vanished / before > max_vanish:
        return found, (
            f"{source}: {vanished} of {before} open accounts would vanish ({100 * vanished // before} %, "
            f"the limit is {100 * max_vanish:g} %): nothing was changed; is the file whole? else use --force"
        )
    return found, ""


def refuse_torn(rejected: Sequence[Rejected], source: str) -> None:
    """Raise NeedsForce when the list ended in the middle of a row: what came after it is not settled."""
    for one in rejected:
        if one.reason == TORN:
            raise NeedsForce(
                f"{source}: row {one.row}: {TORN}: it is no full list, nothing was changed; export it again, import it "
                "without --full, or use --force",
            )


def _protected(rows: AccountRows, key: Key) -> bool:
    return key[:2] in rows.protected or key[1] in rows.perhaps


def _listed(numbers: Sequence[int]) -> str:
    more = "" if len(numbers) <= _SHOWN else ", …"
    return f"row {', '.join(map(str, numbers[:_SHOWN]))}{more}"
