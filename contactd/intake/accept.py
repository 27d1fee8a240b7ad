"""Takes lists of accounts and payments into the store; for `contactd import` and the API.

A list is checked whole before anything is written, then written in transactions of some thousand rows with a breath
between them, so that a running daemon goes on. A crash in the middle costs nothing: import the same list again.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy.engine import Connection

from contactd.domain.errors import InputError, NeedsForce, StoreConflict
from contactd.intake import rows as reading
from contactd.intake.columns import ACCOUNTS, PAYMENTS
from contactd.intake.records import Credit, Record, Rejected
from contactd.intake.rows import AccountRows, PaymentRows
from contactd.intake.snapshot import missing, refuse_torn
from contactd.intake.spool import Spool
from contactd.intake.values import MACHINE
from contactd.store import agreements, audit, imports, payments
from contactd.store.audit import Deed
from contactd.store.database import Database
from contactd.store.guesses import to_reconcile
from contactd.store.imports import Claim, Taken
from contactd.store.payments import NewPayment

_CHUNK = 2_000
# SQLite lets waiting writers poll; without a gap they would wait for the whole import.
_BREATH_SECONDS = 0.015
_TRIES = 5

A = TypeVar("A")
R = TypeVar("R")

Row = Record | tuple[Record, Rejected]


class Judge(Protocol):
    """Finds out which agreements were kept, with the accounts for which something came in."""

    @property
    def charge(self) -> payments.Charge:
        """Give what knows what they owe by law, and keeps that apart."""
        ...

    def __call__(self, connection: Connection, account_ids: Collection[int], /) -> object:
        """Judge them."""
        ...

    def rest(self, connection: Connection, likely: Mapping[int, Collection[int]], /) -> None:
        """Let locked accounts rest while payments wait, by number, that are likely theirs."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How a list is taken in; `full`: it is a snapshot, what it does not show is settled.

    `complete`, of payments: with it all payments up to now are known, so the rules may go by them. `judge` is told of
    the accounts for which money came in or went back, in the transaction that recorded it; `deed` is whose work it is,
    for the audit log.
    """

    now: Callable[[], datetime]
    source: str = ""
    full: bool = False
    force: bool = False
    max_vanish: float = 0.3
    rejected: Callable[[Record, Rejected], None] | None = None
    progress: Callable[[float], None] | None = None  # share of the rows written
    complete: bool = True
    judge: Judge | None = None
    deed: Deed | None = None

    @property
    def charge(self) -> payments.Charge | None:
        """Give what keeps interest and costs apart, where there is a judge who knows of them."""
        return self.judge.charge if self.judge else None


@dataclass(slots=True)
class Report:
    """What became of a list: counts, rejected rows, rows of credit, payments nobody owns, the creditors not in it.

    `touched`: the accounts of which it told something new. That nobody else has paid is new of whoever has agreed on
    something, so a list that tells of all payments touches them all.
    """

    kind: str
    counts: dict[str, int]
    rejected: list[Rejected] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # creditors a full list does not show, left as they are
    credits: list[Credit] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)

    @property
    def useless(self) -> bool:
        """Tell that every row was rejected."""
        return bool(self.rejected) and not self.counts["accepted"]

    def as_json(self) -> dict[str, object]:
        """Write as the command line and the API do."""
        shown: dict[str, object] = {**self.counts, "rejected_rows": [one.as_json() for one in self.rejected]}
        if self.kind == "payments":
            return {**shown, "unmatched_rows": self.unmatched}
        return {**shown, "credit_rows": [one.as_json() for one in self.credits], "creditors_left": self.left}


def accept_accounts(
    database: Database,
    rows: Iterable[Mapping[str, object]],
    *,
    now: Callable[[], datetime],
    source: str = "api",
    full: bool = False,
    force: bool = False,
    country: str = "DE",
    currency: str = "EUR",
    max_vanish: float = 0.3,
    deed: Deed | None = None,
) -> Report:
    """Take rows with the CSV's columns as keys, written as programs do (ISO dates, decimal point).

    Raises InputError when there is nothing in them, NeedsForce when a full list looks like an accident.
    """
    options = Options(now, source, full, force, max_vanish, deed=deed)
    reader = reading.account_rows(ACCOUNTS, MACHINE, country, currency, today=now().date(), free=True)
    return take_accounts(database, _numbered(rows), reader, options)


def accept_payments(
    database: Database,
    rows: Iterable[Mapping[str, object]],
    *,
    now: Callable[[], datetime],
    source: str = "api",
    currency: str = "EUR",
    complete: bool = True,
    judge: Judge | None = None,
    deed: Deed | None = None,
) -> Report:
    """Take payments likewise; no row at all says that there was no payment.

    Without `complete` they are some payments of many, and say nothing of those who are not among them.
    """
    options = Options(now, source, complete=complete, judge=judge, deed=deed)
    return take_payments(
        database, _numbered(rows), reading.payment_rows(PAYMENTS, MACHINE, currency, free=True), options
    )


def _numbered(rows: Iterable[object]) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        if isinstance(row, Mapping):
            yield Record(number, row)
        else:
            yield Record(number, {}), Rejected(number, "", "must be an object with the columns as keys")


def take_accounts(database: Database, stream: Iterable[Row], rows: AccountRows, options: Options) -> Report:
    """Check the whole stream, then write it; raises InputError or NeedsForce before anything was written."""
    report = Report("accounts", dict.fromkeys(("accepted", "new", "changed", "unchanged", "cleared", "rejected"), 0))
    with Spool(Claim._make, _CHUNK) as spool:
        for item in stream:
            record, fault = item if isinstance(item[1], Rejected) else (item, None)
            if fault:
                rows.protect(record)
            claim = fault or rows.read(record)
            if isinstance(claim, Rejected):
                _reject(report, record, claim, options)
            else:
                spool.add(claim)
        report.counts |= {"accepted": spool.length, "rejected": len(report.rejected), "accounts": len(rows.seen)}
        report.credits = rows.credits
        if not spool.length and not report.rejected:
            raise InputError(f"{options.source}: holds no row")
        if spool.length:
            gone = _settled(database, rows, report, options) if options.full else {}
            _write_accounts(database, spool, gone, report, options)
    return report


def _reject(report: Report, record: Record, fault: Rejected, options: Options) -> None:
    report.rejected.append(fault)
    if options.rejected:
        options.rejected(record, fault)


def _settled(database: Database, rows: AccountRows, report: Report, options: Options) -> dict[int, int]:
    """Find the invoices (id: account) a snapshot does not show any more; raises NeedsForce for an accident."""
    if not options.force:
        refuse_torn(report.rejected, options.source)
    found, accident = missing(database, rows, options.source, options.max_vanish)
    if accident and not options.force:
        raise NeedsForce(accident)
    report.left = found.creditors
    return found.invoices


def _write_accounts(
    database: Database, spool: Spool[Claim], gone: Mapping[int, int], report: Report, options: Options
) -> None:
    counts = report.counts
    counts["new_accounts"] = 0
    with database.transaction() as connection:
        run = imports.begin(connection, "accounts", options.source, options.now(), options.deed)

    def take(connection: Connection, chunk: list[Claim]) -> Taken:
        taken, owners = imports.take(connection, run, chunk, options.now())
        taken.touched |= payments.settle_waiting(connection, owners, options.now(), options.charge)
        return taken

    done = 0
    for chunk in spool.chunks():
        taken = commit_again(database, take, chunk)
        for name in ("new", "changed", "cleared", "new_accounts"):
            counts[name] += getattr(taken, name)
        report.touched |= taken.touched
        done += len(chunk)
        _breathe(options, done / (spool.length + len(gone)))
    report.touched.update(gone.values())
    ids = list(gone)
    for start in range(0, len(ids), _CHUNK):
        part = {one: gone[one] for one in ids[start : start + _CHUNK]}
        counts["cleared"] += commit_again(database, lambda c, part: imports.clear(c, run, part, options.now()), part)
        done += len(part)
        _breathe(options, done / (spool.length + len(gone)))
    report.touched |= _reconcile(database, options)
    counts["unchanged"] = counts["accepted"] - counts["new"] - counts["changed"]
    with database.transaction() as connection:
        imports.finish(connection, run, counts, options.now())


def _reconcile(database: Database, options: Options) -> set[int]:
    """Once the whole list is in, and not before: let guesses give way where it shows them wrong; answers whose."""
    with database.snapshot() as connection:
        ids = to_reconcile(connection)
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        commit_again(database, lambda c, part: payments.reconcile(c, part, options.now()), part)
        time.sleep(_BREATH_SECONDS)
    return set(ids)


def take_payments(database: Database, stream: Iterable[Row], rows: PaymentRows, options: Options) -> Report:
    """Check the whole stream, then record it; when every row was rejected, it was no run.

    Who is named by a rejected row may have paid, while the run tells the rules that payments are known. So these
    accounts rest until the next list of payments, which is the mended one or tells of a later day.
    """
    report = Report("payments", dict.fromkeys(("accepted", "new", "unchanged", "unmatched", "rejected", "held"), 0))
    numbers: list[int] = []
    with Spool(NewPayment._make, _CHUNK) as spool:
        for item in stream:
            record, fault = item if isinstance(item[1], Rejected) else (item, None)
            if fault:
                rows.doubt(record)
            payment = fault or rows.read(record)
            if isinstance(payment, Rejected):
                _reject(report, record, payment, options)
            else:
                spool.add(payment)
                numbers.append(record.row)
        report.counts |= {"accepted": spool.length, "rejected": len(report.rejected)}
        if report.useless:
            with database.transaction() as connection:
                report.counts["held"] = payments.hold_rejected(connection, rows.doubtful, options.now(), release=False)
                if options.deed is not None:
                    audit.add(connection, options.deed)
        else:
            _write_payments(database, spool, numbers, rows.doubtful, report, options)
    return report


def _write_payments(
    database: Database,
    spool: Spool[NewPayment],
    numbers: list[int],
    doubtful: set[str],
    report: Report,
    options: Options,
) -> None:
    counts = report.counts
    with database.transaction() as connection:
        kind = "payments" if options.complete else "some_payments"
        run = imports.begin(connection, kind, options.source, options.now(), options.deed)
    done = 0

    def record(connection: Connection, chunk: list[NewPayment]) -> payments.Recorded:
        recorded = payments.record(connection, chunk, options.now, options.charge)
        if options.judge and recorded.accounts:
            options.judge(connection, recorded.accounts)
        return recorded

    for chunk in spool.chunks():
        recorded = commit_again(database, record, chunk)
        counts["new"] += len(recorded.new)
        counts["unchanged"] += len(recorded.known)
        report.unmatched += [numbers[done + place] for place in recorded.unmatched]
        done += len(chunk)
        _breathe(options, done / spool.length)
    counts["unmatched"] = len(report.unmatched)

    def finish(connection: Connection, run: int) -> None:
        at = options.now()
        counts["held"] = payments.hold_rejected(connection, doubtful, at, release=True)
        imports.finish(connection, run, counts, at)

    commit_again(database, finish, run)
    if options.complete:
        with database.snapshot() as connection:
            report.touched.update(agreements.alive_accounts(connection))


def commit_again(database: Database, work: Callable[[Connection, A], R], what: A) -> R:
    """Do a chunk's work in a transaction, again when it met another one (PostgreSQL then undoes one of the two)."""
    for _ in range(_TRIES - 1):
        try:
            with database.transaction() as connection:
                return work(connection, what)
        except StoreConflict:
            time.sleep(_BREATH_SECONDS)
    with database.transaction() as connection:
        return work(connection, what)


def _breathe(options: Options, share: float) -> None:
    """Let whoever waits for the database have it, and tell how far the import is."""
    if options.progress:
        options.progress(share)
    if share < 1:
        time.sleep(_BREATH_SECONDS)
