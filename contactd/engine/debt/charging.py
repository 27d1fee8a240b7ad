"""How much of what customers pay goes to interest and costs (§ 367 BGB), so that no cent of it pays an invoice as well.

The invoices that are overdue are covered first, as in the creditor's own books: what interest takes of a payment by law
is then missing in the statement only, and asked for by a letter with `claim = "all"`. What comes in beyond them is for
interest and costs, as far as the law has set money against those. It is no credit then, and pays no other invoice.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from contactd.config.settings import Settings
from contactd.domain.appropriation import Part
from contactd.domain.errors import ConfigError
from contactd.domain.statement import Statement
from contactd.engine.debt.claims import Owed, Terms, terms_of
from contactd.store import accounts, charges, ledgers
from contactd.store.charges import Came, Position
from contactd.store.ledgers import Books

log = structlog.get_logger()

_CHUNK = 50  # a transaction holds up everybody who writes


class _Stood(NamedTuple):
    """How an account stood (a digest of it) from one day on, and on which day time alone may change something."""

    mark: bytes
    since: date
    until: date


class Unmoved:
    """Which accounts need not be worked out again: they stand as they did when there was nothing to charge.

    For one who charges everybody night after night; a new one knows of none, and so does one under other settings.
    """

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._stood: dict[int, _Stood] = {}

    def begin(self, settings: Settings) -> None:
        """Take up a pass."""
        if settings is not self._settings:
            self._settings = settings
            self._stood.clear()

    def holds(self, books: Books, stands: Position, as_of: date) -> bool:
        """Tell whether an account stands as it did; who does not is forgotten."""
        stood = self._stood.pop(books.account_id, None)
        if stood is None or not stood.since <= as_of < stood.until or stood.mark != _mark(books, stands):
            return False
        self._stood[books.account_id] = stood
        return True

    def keep(self, owed: Owed, stands: Position) -> None:
        """Remember an account of which nothing is to be charged, until the next day on which something begins."""
        ledger, as_of = owed.ledger, owed.statement.as_of
        days = [one.arose_on for one in ledger.claims]
        days += [one.on for one in owed.defaults.values() if one is not None]
        for facts in (ledger.costs, ledger.payments, ledger.reversals, ledger.write_offs, owed.books.postings):
            days += [one.on for one in facts]
        until = min((day for day in days if day > as_of), default=date.max)
        self._stood[stands.account_id] = _Stood(_mark(owed.books, stands), as_of, until)


def _mark(books: Books, stands: Position) -> bytes:
    return blake2b(repr((books, stands)).encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Charging:
    """One set of settings, at one instant."""

    settings: Settings
    now: datetime
    unmoved: Unmoved | None = None

    def charge(self, connection: sa.Connection, account_ids: Collection[int], *, returned: bool = False) -> None:
        """Charge what locked accounts paid of interest and costs, and derive what they owe.

        `returned`: money is about to go back; what it was charged with is only set free. An account that cannot be
        worked out is logged and left as it is, and so are all when the table of base rates cannot be used: the payment
        itself is not held up by it, and the next pass over everybody takes it up.
        """
        terms = self._terms if account_ids else None
        if terms is None:
            return
        ids = (charges.charged if returned else charges.chargeable)(connection, account_ids)
        bearing: dict[int, tuple[Books, date]] = {}
        for books in ledgers.read(connection, ids) if ids else ():
            with _apart(books.account_id):
                as_of = max([self._today, *(one.value_on for one in books.payments)])
                # Of most accounts all that came in was for the invoices: there is nothing else.
                if any(one.charged for one in books.payments) or terms.may_bear(books, as_of):
                    bearing[books.account_id] = books, as_of
        stands = charges.positions(connection, bearing) if bearing else {}
        wanted: dict[int, dict[int, int]] = {}
        for number, (books, as_of) in bearing.items():
            with _apart(number):
                if self.unmoved is not None and self.unmoved.holds(books, stands[number], as_of):
                    continue
                owed = terms.owed(books, as_of)
                wanted[number] = (_freed if returned else _wanted)(stands[number], owed.statement)
                if self.unmoved is not None and charges.is_charged(stands[number], wanted[number]):
                    self.unmoved.keep(owed, stands[number])
        for number, amounts in wanted.items():
            charges.change(connection, stands[number], amounts, self.now)

    @cached_property
    def _today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.settings.claims.timezone)).date()

    @cached_property
    def _terms(self) -> Terms | None:
        """Read the rules in force; None: the table of base rates cannot be used."""
        try:
            return terms_of(self.settings)
        except ConfigError as error:
            log.error("base_rates_not_usable", error=str(error))
            return None


@contextmanager
def _apart(account_id: int) -> Iterator[None]:
    """Leave an account as it is that cannot be worked out."""
    try:
        yield
    except Exception:  # a fault of ours in one account is no reason to refuse the money of the others
        log.exception("account_not_charged", account_id=account_id)


def charge_everyone(
    connection: sa.Connection, after: int, settings: Settings, now: datetime, unmoved: Unmoved | None = None
) -> int | None:
    """Charge the next accounts that may need it, but for those that stand `unmoved` since an earlier pass.

    Answers the last of them, None when there are no more.
    """
    ids = charges.chargeable_after(connection, after, _CHUNK)
    if not ids:
        return None
    if unmoved is not None:
        unmoved.begin(settings)
    accounts.lock(connection, ids)
    Charging(settings, now, unmoved).charge(connection, ids)
    return ids[-1] if len(ids) == _CHUNK else None


def _freed(stands: Position, stated: Statement) -> dict[int, int]:
    """Say what payments can go on being charged with: those that went back with nothing."""
    law = _Law(stated)
    return {one.id: min(one.charged, law.whole[one.id]) for one in stands.came}


def _wanted(stands: Position, stated: Statement) -> dict[int, int]:
    """Say with how much each payment is to be charged: all that went to interest and costs, as far as there is more.

    More than the overdue invoices, that is; of a payment that names one, what by law went there beyond what it covers.
    What a list laid against an invoice by itself, the creditor decided.
    """
    law, last = _Law(stated), stands.came[-1].id if stands.came else 0
    left, wanted = law.charges, dict.fromkeys((one.id for one in stands.came), 0)
    there, first, waits = dict(wanted), dict(wanted), stands.waits
    for one in stands.came:
        kept = min(max(one.credited, 0), waits)
        waits -= kept
        for_named = max(law.by_claim[one.id, one.invoice_no] - one.on_named, 0)
        there[one.id] = max(one.beyond - kept, min(for_named, one.beside)) + (stands.spare if one.id == last else 0)
        first[one.id] = max(for_named, law.own[one.id])
    for most in (first, there):
        for number, amount in there.items():
            part = max(min(amount, most[number], left + wanted[number]) - wanted[number], 0)
            wanted[number] += part
            left -= part
    for one, known in _explaining(stands):
        wanted[one.id] = min(wanted[one.id], one.charged - known)
    return wanted


def _explaining(stands: Position) -> Iterator[tuple[Came, int]]:
    """Find what was charged and lists knew of: what they took off an invoice instead did not come in a second time."""
    taken_off = dict(enumerate(stands.taken_off))
    for one in stands.came:
        rest = one.charged
        for place, (on, amount) in taken_off.items():
            part = min(rest, amount) if one.value_on <= on else 0
            if part:
                taken_off[place] = on, amount - part
                rest -= part
                yield one, one.charged - rest


class _Law:
    """What the statement set against claims: by payment and claim, by payment, and of that what is no principal."""

    def __init__(self, stated: Statement) -> None:
        self.by_claim: dict[tuple[int, str], int] = defaultdict(int)
        self.whole: dict[int, int] = defaultdict(int)
        self.own: dict[int, int] = defaultdict(int)
        self.charges = 0
        for one in stated.allocations:
            charge = one.amount if one.part is not Part.PRINCIPAL else 0
            self.charges += charge
            number = one.payment.partition("/")[0]
            if number.isdigit():
                self.by_claim[int(number), one.claim] += one.amount
                self.whole[int(number)] += one.amount
                self.own[int(number)] += charge
