"""Erases what is kept about a debtor (Art. 17 GDPR), unless something stands against it; says what does.

Amounts, dates and numbers of the books stay, and the contact log's chain stays whole. What a person said about not
being contacted stays as well, in a form that tells nobody an address.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Row

from contactd.channels.letter_spool import ARCHIVE, OUTBOX, strike_out
from contactd.config.settings import Settings
from contactd.domain.agreement import ALIVE
from contactd.domain.attempt import State
from contactd.domain.errors import InputError, StoreConflict
from contactd.domain.money import Money
from contactd.domain.task import State as TaskState
from contactd.engine.agreements.judgement import today_of
from contactd.store import accounts, contact_log, personal, seals, wishes
from contactd.store.personal import BLANKED, ERASED, RESTRICTED, Rows
from contactd.store.schema import account

log = structlog.get_logger()

_OPEN = frozenset({State.PLANNED, State.CLAIMED, State.SENDING, State.UNCLEAR})
_OURS = frozenset({"erased", "restricted", "owes_again"})  # entries about the data, not about a contact
_LOG_KEPT = "letters, messages and calls are kept until {} ({} years, § 257 HGB, § 147 AO; [retention] contact_log)"
_BOOKS_KEPT = "invoices and payments are kept until {} ({} years, § 147 AO; [retention] books)"


class NotErasable(InputError):
    """Something stands against it, one reason a line; nothing was erased. `only_kept`: nothing but the law."""

    def __init__(self, message: str, *, only_kept: bool) -> None:
        """Keep whether less can be erased."""
        super().__init__(message)
        self.only_kept = only_kept


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants it and why; `restrict`: only what nobody is obliged to keep.

    `inbox`: look through all that came in as well, which takes long.
    """

    by: str
    reason: str
    restrict: bool = False
    inbox: bool = True


@dataclass(frozen=True, slots=True)
class Erased:
    """How many entries of the log were emptied, and the letters that are to be deleted when it is committed."""

    entries: int
    letters: list[str]


def rows_of(connection: Connection, account_ids: Collection[int]) -> list[Row[Any]]:
    """Read all account rows of the debtors of these."""
    customers = sa.select(account.c.customer_id).where(account.c.id.in_(account_ids))
    chosen = sa.select(account).where(account.c.customer_id.in_(customers)).order_by(account.c.id)
    return list(connection.execute(chosen))


def is_erased(rows: Iterable[Row[Any]]) -> bool:
    """Answer whether nothing is left to erase."""
    return all(row.fingerprint == ERASED and not row.name for row in rows)


def erase(
    connection: Connection, account_ids: Collection[int], order: Order, settings: Settings, now: datetime
) -> Erased:
    """Erase a debtor, in one transaction; all that is sealed must be so already (`StoreConflict` if not).

    Raises NotErasable.
    """
    rows = rows_of(connection, account_ids)
    ids = [row.id for row in rows]
    accounts.lock(connection, ids)
    found = personal.gather(connection, ids, inbox_too=order.inbox)
    open_still = list(_unfinished(found))
    against = open_still + ([] if order.restrict else list(_kept(found, settings, today_of(settings, now))))
    if against:
        raise NotErasable("\n".join(against), only_kept=not open_still)
    wishes.forget(connection, ids, personal.addresses(connection, found))
    entries, letters = 0, list[str]()
    if order.restrict:
        personal.blank(connection, found, RESTRICTED, now)
    else:
        entries = _erase_log(connection, found)
        letters = list(files_of(found["contact_log"]))
        personal.blank(connection, found, BLANKED, now)
        personal.delete(connection, found)
    said = {"at": now, "event": "restricted" if order.restrict else "erased", "reason": order.reason}
    details = {"by": order.by, "entries": entries, "letters": len(letters)}
    contact_log.add(connection, [said | {"account_id": number, "details": details} for number in ids])
    return Erased(entries, letters)


def _erase_log(connection: Connection, found: Rows) -> int:
    ids = [row["id"] for row in found["contact_log"]]
    if ids and max(ids) > seals.head(connection).last_id:
        raise StoreConflict("the newest entries of the contact log are not sealed yet; try again in a minute")
    return seals.erase(connection, ids)


def _unfinished(found: Rows) -> Iterator[str]:
    """Name what is owed, agreed or under way."""
    yield from _owed(found)
    for row in found["attempt"]:
        calling = row["state"] == State.ACCEPTED and row["channel"] == "call" and row["ended_at"] is None
        if row["state"] in _OPEN or calling:
            yield f"attempt {row['id']} ({row['channel']}) is {row['state']}"
    for row in found["agreement"]:
        if row["state"] in ALIVE:
            yield f"agreement {row['id']} ({row['kind']}) is {row['state']}"
    for row in found["task"]:
        if row["state"] == TaskState.OPEN:
            yield f"task {row['id']} ({row['kind']}) is open: end it first (contactd task done, contactd task drop)"


def _owed(found: Rows) -> Iterator[str]:
    for row in found["account"]:
        money = {name: Money(row[name], row["currency"]) for name in ("open", "credit")}
        if row["open"] > 0:
            yield f"account {row['account_no']} owes {money['open']}"
        if row["credit"] > 0:
            yield f"account {row['account_no']} has a credit of {money['credit']}: pay it back or book it off first"
        if row["disputed"]:
            yield f"account {row['account_no']} has an invoice in dispute"


def _kept(found: Rows, settings: Settings, today: date) -> Iterator[str]:
    """Name what the law asks to keep; its years count from the end of the one in which it came about."""
    told = [row["at"].date() for row in found["contact_log"] if row["event"] not in _OURS]
    booked = [row["invoice_date"] for row in found["invoice"]] + [row["value_date"] for row in found["payment"]]
    terms = settings.retention
    for days, years, words in ((told, terms.contact_log, _LOG_KEPT), (booked, terms.books, _BOOKS_KEPT)):
        if days and max(days).year + years >= today.year:
            yield words.format(date(max(days).year + years, 12, 31), years)


def files_of(entries: Sequence[Any]) -> Iterator[str]:
    """Name the letters of the archive these entries tell of."""
    for row in entries:
        details = row["details"]
        if isinstance(details, dict) and isinstance(details.get("file"), str):
            yield details["file"]


def place_of(settings: Settings, name: str, box: str = ARCHIVE) -> Path | None:
    """Answer where a letter of the archive, or of the outbox, is; None for a name that leads out of it."""
    folder = settings.letters_directory / box
    place = folder / name
    return place if place.resolve().is_relative_to(folder.resolve()) else None


def delete_letters(settings: Settings, names: Iterable[str]) -> int:
    """Delete letters, once it is committed that nobody asks for them, and strike them out of the lists of letters.

    Answers how many were in the archive; one that lies in the outbox still is deleted there as well.
    """
    ours = [name for name in names if place_of(settings, name) is not None]
    count = 0
    for name in ours:
        count += _delete(place_of(settings, name))
        _delete(place_of(settings, name, OUTBOX))
    try:
        strike_out(settings.letters_directory, ours)
    except OSError as error:
        log.warning("letter_not_struck_out", file=error.filename, error=str(error))
    return count


def _delete(place: Path | None) -> bool:
    try:
        if place is None or not place.is_file():
            return False
        place.unlink()
    except OSError as error:
        log.warning("letter_not_deleted", file=str(place), error=str(error))
        return False
    return True
