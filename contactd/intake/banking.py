"""Takes bank statements into the store: each entry whose owner is certain is a payment, the others wait for a person.

For `contactd import statement` and `contactd payments`. An entry is taken once, whichever file tells of it again.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import Connection

from contactd.domain.bank import Entry
from contactd.domain.books import Books
from contactd.domain.errors import InputError
from contactd.domain.matching import Match, Unclear, match, note
from contactd.intake import awaiting
from contactd.intake.accept import Options, commit_again
from contactd.intake.bank_statements import Statements, read_statements
from contactd.store import accounts, bank, imports, payments, tasks
from contactd.store.database import Database
from contactd.store.payments import NewPayment

_CHUNK = 1_000
_BREATH_SECONDS = 0.002
_NOT_A_DAY = "camt.054"  # tells of single bookings, not of all of a day


class _Line(NamedTuple):
    """A payment, and the accounts it is likely of when it has to wait."""

    payment: NewPayment
    likely: tuple[int, ...]


class Told(NamedTuple):
    """What became of a file of statements."""

    counts: dict[str, int]
    refused: list[str]  # statements nothing was taken of, each with file, line and cure
    undivided: list[str]  # sums the bank does not tell apart


def import_bank_statements(
    database: Database, path: Path, options: Options, *, ibans: Mapping[str, str], currencies: frozenset[str]
) -> Told:
    """Read, match and record a file; `ibans` names the creditor each of our bank accounts is for.

    Raises InputError when nothing of it can be taken.
    """
    with read_statements(path, currencies) as file:
        if len(file.refused) == len(file.statements):
            raise InputError("\n".join(file.refused) or f"{path}: holds no statement")
        names = ("entries", "new", "unchanged", "unmatched", "outgoing", "undivided")
        told = Told(dict.fromkeys(names, 0), file.refused, [])
        good = [one for one in file.statements if not one.refused]
        told.counts["statements"] = len(good)
        complete = options.complete and not file.refused and all(one.format != _NOT_A_DAY for one in good)
        with database.transaction() as connection:
            fresh = imports.payments_as_of(connection)
            run = imports.begin(connection, "some_payments", options.source or str(path), options.now(), options.deed)
        last = _record_all(database, file, options, ibans, told)
        # What was all known when payments were complete last tells nothing of who has paid since.
        repeated = not told.counts["new"] and last is not None and fresh is not None and last <= fresh
        kind = "payments" if complete and not repeated else "some_payments"
        commit_again(database, lambda c, run: imports.finish(c, run, told.counts, options.now(), kind), run)
    return told


def _record_all(
    database: Database, file: Statements, options: Options, ibans: Mapping[str, str], told: Told
) -> datetime | None:
    """Record the entries; answers when the newest of those that were there already had come in."""
    total, done = sum(one.entries for one in file.statements if not one.refused), 0
    last: datetime | None = None
    if not total:
        return last  # a day without bookings needs no books
    with database.snapshot() as connection:
        books = bank.books(connection, guessing=False, returns=file.takes_back)
    for chunk in _chunks(file.entries()):
        done += len(chunk)
        with database.snapshot() as connection:
            before = bank.known(connection, [entry.key for entry in chunk])
            lines = list(_lines(connection, file, chunk, before, books, ibans, told))
            came = bank.last_received(connection, before.keys()) if before else None
        last = max((one for one in (last, came) if one is not None), default=None)
        told.counts["entries"] += len(chunk)
        told.counts["unchanged"] += len(before)
        recorded = commit_again(database, _recording(options), lines)
        told.counts["new"] += len(recorded.new)
        told.counts["unmatched"] += len(recorded.unmatched)
        if options.progress:
            options.progress(done / total)
        time.sleep(_BREATH_SECONDS)
    return last


def _recording(options: Options) -> Callable[[Connection, list[_Line]], payments.Recorded]:
    def record(connection: Connection, lines: list[_Line]) -> payments.Recorded:
        beside = {one for line in lines for one in line.likely}
        payments_ = [line.payment for line in lines]
        recorded = payments.record(connection, payments_, options.now, options.charge, beside=beside)
        if options.judge and recorded.accounts:
            options.judge(connection, recorded.accounts)
        waiting = {lines[place].payment.fingerprint: lines[place].likely for place in recorded.unmatched}
        if options.judge and any(waiting.values()):
            numbers = bank.numbers(connection, waiting.keys())
            options.judge.rest(connection, {numbers[key]: likely for key, likely in waiting.items() if likely})
        return recorded

    return record


def _chunks(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while chunk := list(islice(entries, _CHUNK)):
        yield chunk


def _lines(
    connection: Connection,
    file: Statements,
    chunk: list[Entry],
    before: Mapping[str, str],
    books: Books,
    ibans: Mapping[str, str],
    told: Told,
) -> Iterator[_Line]:
    """Say of each entry that is new whose payment it is, or that nobody is known."""
    found: list[tuple[Entry, Match | Unclear]] = []
    for entry in chunk:
        if entry.key in before:
            continue
        answer = match(books, entry, ibans.get(file.statements[entry.statement].account, ""))
        if isinstance(answer, Match):
            note(books, entry, answer)
            found.append((entry, answer))
        elif entry.undivided:
            told.counts["undivided"] += 1
            told.undivided.append(f"{file.path}: line {entry.line}: {answer.why}")
        elif entry.amount < 0 and not entry.takes_back:
            told.counts["outgoing"] += 1
        else:
            found.append((entry, answer))
    matches = [answer for _, answer in found if isinstance(answer, Match)]
    owners = bank.places(connection, {answer.account_id for answer in matches})
    named = bank.invoice_numbers(connection, {one for answer in matches for one in answer.invoice_ids})
    taken_back = bank.known(connection, {answer.takes_back for answer in matches if answer.takes_back})
    for entry, answer in found:
        owner = owners.get(answer.account_id) if isinstance(answer, Match) else None
        number = ""
        if isinstance(answer, Match):
            number = named[answer.invoice_ids[0]] if len(answer.invoice_ids) == 1 else ""
            number = taken_back.get(answer.takes_back, number) if answer.takes_back else number
        yield _Line(_payment(entry, owner, number), answer.likely if isinstance(answer, Unclear) else ())


def _payment(entry: Entry, owner: bank.Place | None, invoice_no: str) -> NewPayment:
    return NewPayment(
        entry.key,
        owner.creditor if owner else "",
        owner.account_no if owner else "",
        invoice_no if owner else "",
        entry.amount,
        entry.currency,
        entry.value_on,
        entry.purpose or " ".join(entry.references),
        entry.name,
        entry.iban,
        entry.end_to_end_id,
    )


def unmatched(connection: Connection) -> Iterator[tuple[int, Entry, Unclear | Match]]:
    """List the payments that wait with what they may be: payment's id, what the bank told, the answer by now."""
    rows = bank.waiting(connection)
    if rows:
        books = bank.books(connection, guessing=True, returns=any(row.amount < 0 for row in rows))
        for row in rows:
            entry = bank.entry_of(row)
            yield row.id, entry, match(books, entry)


def assign(database: Database, payment_id: int, account_id: int, invoice_no: str, options: Options) -> None:
    """Give a payment that waits to an account; raises InputError when it waits no more, or does not fit there."""

    def give(connection: Connection, owner: int) -> None:
        waits_for = tasks.of_payment(connection, payment_id)
        accounts.lock(connection, {owner, *(one.account_id for one in waits_for)})
        waits_for = tasks.of_payment(connection, payment_id)
        place = bank.places(connection, [owner])[owner]
        for row in bank.waiting(connection, payment_id):
            if row.currency != place.currency:
                raise InputError(f"payment {payment_id} is in {row.currency}, {place.account_no} in {place.currency}")
        if invoice_no and not bank.has_invoice(connection, owner, invoice_no):
            raise InputError(f"account {place.account_no} has no invoice {invoice_no!r}")
        bank.name_owner(connection, payment_id, place, invoice_no)
        payments.settle_waiting(connection, [owner], options.now(), options.charge)
        if options.judge:
            options.judge(connection, [owner])
        awaiting.end(connection, waits_for, f"assigned to {place.account_no}", options.source, options.now())

    commit_again(database, give, account_id)
