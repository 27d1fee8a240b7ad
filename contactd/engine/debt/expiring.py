"""Claims that will soon be statute-barred (verjährt, §§195 to 213 BGB): found in time for whoever has to act."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.calendar import local_day
from contactd.domain.task import Kind, State
from contactd.engine.debt.claims import Owed, Terms, owed_by, terms_of
from contactd.engine.debt.limits import limit_of
from contactd.store import accounts, handovers, ledgers, tasks
from contactd.store.tasks import Stored

_YOUNGEST = 2  # whole calendar years a claim has at least: what fell due later cannot run out yet
_AT_A_TIME = 500
_CHUNK = 50  # a transaction holds up everybody who writes
_BY = "contactd"


@dataclass(frozen=True, slots=True)
class Expiring:
    """An invoice, what is open of its principal in minor units, and the last day on which it can be enforced."""

    creditor: str
    account: str
    currency: str
    claim: str
    due_on: date
    principal: int
    last_day: date


def expiring(connection: sa.Connection, terms: Terms, today: date, within: int) -> Iterator[Expiring]:
    """List the claims that run out within so many days or have run out, by account."""
    ids = ledgers.with_open_due_before(connection, _born(today, within))
    for start in range(0, len(ids), _AT_A_TIME):
        for books in ledgers.read(connection, ids[start : start + _AT_A_TIME]):
            yield from _of(terms.owed(books, today), today, within)


def warn_everyone(connection: sa.Connection, after: int, settings: Settings, now: datetime) -> int | None:
    """Open a task for each claim of the next accounts that will soon run out, once; answers the last of them.

    None: there are no more. What a court, a lawyer or an agency was given is theirs to watch.
    """
    within, today = settings.claims.limitation_warning, local_day(ZoneInfo(settings.claims.timezone), now)
    ids = ledgers.with_open_due_before(connection, _born(today, within), after=after, limit=_CHUNK)
    if not ids:
        return None
    accounts.lock(connection, ids)
    away = {one.account_id: one.state for one in handovers.of_accounts(connection, ids)}
    mine = [one for one in ids if away.get(one) != handovers.APPROVED]
    _warn(connection, owed_by(connection, mine, terms_of(settings), today), settings, now)
    return ids[-1]


def open_warnings(connection: sa.Connection) -> dict[str, int]:
    """Count for `contactd status` what nobody has seen to yet."""
    return {"open_tasks": tasks.count_open(connection, Kind.LIMITATION)}


def _warn(connection: sa.Connection, every: list[Owed], settings: Settings, now: datetime) -> None:
    """Open the tasks; whoever was told before the time began anew is told again."""
    within, today = settings.claims.limitation_warning, local_day(ZoneInfo(settings.claims.timezone), now)
    soon = {
        (owed.books.account_id, one.claim): one
        for owed in every
        for one in _of(owed, today, within)
        if one.last_day >= today
    }
    if not soon:
        return
    owners = {account_id for account_id, _ in soon}
    numbers = ledgers.invoice_ids(connection, owners)
    told = {one.invoice_id: one.opened_at for one in tasks.of_kind(connection, Kind.LIMITATION, owners)}
    for (account_id, claim), one in soon.items():
        number = numbers[account_id, claim]
        if number in told and told[number].date() >= one.last_day - timedelta(days=within + 1):
            continue
        due_on = min(today + timedelta(days=settings.tasks.within), one.last_day)
        note = f"{claim} will be statute-barred after {one.last_day}"
        new = Stored(
            0, account_id, Kind.LIMITATION, State.OPEN, settings.tasks.owner, due_on, note, now, _BY, invoice_id=number
        )
        tasks.add(connection, new)


def _born(today: date, within: int) -> date:
    """Give the first day on which nothing fell due that could run out so soon."""
    return date((today + timedelta(days=within)).year - _YOUNGEST, 1, 1)


def _of(owed: Owed, today: date, within: int) -> Iterator[Expiring]:
    books = owed.books
    for claim, balance in owed.claims():
        if not balance.principal:
            continue
        ends = limit_of(owed, claim)
        if ends.last_day is not None and (ends.last_day - today).days <= within:
            yield Expiring(
                books.creditor, books.number, books.currency, claim.id, claim.due_on, balance.principal, ends.last_day
            )
