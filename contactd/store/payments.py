"""Payments: recorded once, matched to an account, laid against its invoices; for intake.

A payment that names an invoice pays it first, what is left pays the oldest, what is left then is kept as credit; what a
list took off already is not paid again (`allocations` says how). A negative amount is a payment that was returned.
Payments that fit no account wait for it with `account_id` empty.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store import accounts, agreements, bulk, guesses
from contactd.store.allocations import Money, ledger
from contactd.store.among import among
from contactd.store.imports import queue
from contactd.store.raw import raw_rows
from contactd.store.schema import account, allocation, invoice, payment

# The hold of accounts that a rejected row of a payments list may be of.
REJECTED = "payment_rejected"


class NewPayment(NamedTuple):
    """A line of a list; the fingerprint is the same whenever the same line comes again."""

    fingerprint: str
    creditor: str
    account_no: str
    invoice_no: str
    amount: int
    currency: str
    value_date: date
    reference: str
    payer: str = ""
    iban: str = ""
    end_to_end_id: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Places in the list handed over: those recorded now, those known before, and of the former those nobody owns.

    `accounts` are the ones for which money was recorded.
    """

    new: list[int]
    known: list[int]
    unmatched: list[int]
    accounts: list[int] = field(default_factory=list, compare=False)


class _Match(NamedTuple):
    account_id: int
    invoice_id: int | None


class _Posting(NamedTuple):
    """A payment with its place in the books."""

    payment_id: int
    amount: int
    value_on: date
    match: _Match


class Charge(Protocol):
    """Keeps what locked accounts paid of interest and costs apart; `returned`: before money goes back from them."""

    def __call__(self, connection: Connection, account_ids: Collection[int], /, *, returned: bool = False) -> None:
        """Do so."""
        ...


def record(
    connection: Connection,
    payments: Sequence[NewPayment],
    now: Callable[[], datetime],
    charge: Charge | None = None,
    *,
    beside: Collection[int] = (),
) -> Recorded:
    """Record payments, each once; the accounts are locked before the clock is read, those `beside` too.

    `charge` is asked before anybody sees what accounts owe by then: without it all of it is for invoices.
    """
    queue(connection)
    prints = [one.fingerprint for one in payments]
    before = set(
        connection.scalars(sa.select(payment.c.fingerprint).where(among(connection, payment.c.fingerprint, prints)))
    )
    places = {one.fingerprint: place for place, one in reversed(list(enumerate(payments)))}
    new = sorted(place for fingerprint, place in places.items() if fingerprint not in before)
    matches = _match(connection, [payments[place] for place in new])
    accounts.lock(connection, {match.account_id for match in matches if match} | set(beside))
    at = now()
    postings = _insert(connection, [payments[place] for place in new], matches, at)
    _post(connection, postings, at, charge)
    return Recorded(
        new=new,
        known=sorted(set(range(len(payments))) - set(new)),
        unmatched=[place for place, match in zip(new, matches, strict=True) if match is None],
        accounts=sorted({match.account_id for match in matches if match}),
    )


def settle_waiting(
    connection: Connection, account_ids: Collection[int], now: datetime, charge: Charge | None = None
) -> set[int]:
    """Give payments that waited to accounts, locked or new, that have an invoice now; answers whose they were."""
    if not account_ids:
        return set()
    numbers = sa.select(account.c.account_no).where(among(connection, account.c.id, account_ids))
    documents = sa.select(invoice.c.invoice_no).where(among(connection, invoice.c.account_id, account_ids))
    waiting = connection.execute(
        sa.select(payment)
        .where(
            payment.c.account_id.is_(None),
            sa.or_(
                sa.and_(payment.c.account_no != "", payment.c.account_no.in_(numbers)),
                sa.and_(payment.c.invoice_no != "", payment.c.invoice_no.in_(documents)),
            ),
        )
        .order_by(payment.c.id)
    ).all()
    if not waiting:
        return set()
    lines = [
        NewPayment(row.fingerprint, row.creditor, row.account_no, row.invoice_no, row.amount, row.currency,
                   row.value_date, row.reference)
        for row in waiting
    ]  # fmt: skip
    postings = [
        _Posting(row.id, row.amount, row.value_date, match)
        for row, match in zip(waiting, _match(connection, lines), strict=True)
        if match is not None
    ]
    accounts.lock(connection, owners := {posting.match.account_id for posting in postings})
    owner = sa.update(payment).where(payment.c.id == sa.bindparam("payment"))
    if postings:
        connection.execute(
            owner.values(account_id=sa.bindparam("owner"), assigned_at=now),
            [{"payment": posting.payment_id, "owner": posting.match.account_id} for posting in postings],
        )
    _post(connection, postings, now, charge)
    return owners


def hold_rejected(connection: Connection, numbers: Collection[str], now: datetime, *, release: bool) -> int:
    """Let accounts rest of which a number (of account or invoice) stands in a rejected row; answers how many.

    `release`: those of the list before go on, as this list tells of its time too. A hold for another reason stays,
    unless an agreement is what it comes from.
    """
    queue(connection)
    documents = sa.select(invoice.c.account_id).where(among(connection, invoice.c.invoice_no, numbers))
    mine = sa.or_(among(connection, account.c.account_no, numbers), account.c.id.in_(documents))
    before = account.c.hold_reason == REJECTED
    held = set(connection.scalars(sa.select(account.c.id).where(mine)))
    done = set(connection.scalars(sa.select(account.c.id).where(before))) if release else set()
    accounts.lock(connection, held | done)
    if done:
        over = sa.update(account).where(among(connection, account.c.id, done), before)
        connection.execute(over.values(hold_reason="", hold_until=None, updated_at=now))
        agreements.hold(connection, done, now)
    if held:
        # What rests for an agreement does so again afterwards.
        free = sa.or_(account.c.hold_reason == "", account.c.hold_until < now.date(), agreements.holds())
        rest = sa.update(account).where(among(connection, account.c.id, held), free)
        connection.execute(rest.values(hold_reason=REJECTED, hold_until=None, updated_at=now))
    return len(held)


def reconcile(connection: Connection, account_ids: Collection[int], now: datetime) -> None:
    """Lay money that names no invoice where lists by now show that it went; locks the accounts."""
    queue(connection)
    accounts.lock(connection, account_ids)
    guesses.reconcile(connection, account_ids, now)
    accounts.refresh(connection, account_ids, now)


def uncovered(connection: Connection, account_ids: Collection[int]) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Read the returns of accounts that took back more than had come in, by number."""
    mine = sa.select(payment).where(among(connection, payment.c.account_id, account_ids), payment.c.credited < 0)
    return connection.execute(mine.order_by(payment.c.id)).all()


def _insert(
    connection: Connection, payments: Sequence[NewPayment], matches: Sequence[_Match | None], at: datetime
) -> list[_Posting]:
    if not payments:
        return []
    ids = bulk.new_ids(connection, payment, len(payments))
    rows = [
        (number, match.account_id if match else None, at, *one)
        for number, one, match in zip(ids, payments, matches, strict=True)
    ]
    bulk.insert(connection, payment, ("id", "account_id", "received_at", *NewPayment._fields), rows)
    return [
        _Posting(number, one.amount, one.value_date, match)
        for number, one, match in zip(ids, payments, matches, strict=True)
        if match is not None
    ]


def _post(connection: Connection, postings: Sequence[_Posting], at: datetime, charge: Charge | None) -> None:
    """Lay the money against invoices of accounts that are locked, and derive what is owed."""
    if not postings:
        return
    ids = sorted({posting.match.account_id for posting in postings})
    returned = {posting.match.account_id for posting in postings if posting.amount < 0}
    if charge is not None:
        charge(connection, returned, returned=True)
    book = ledger(connection, ids)
    covered = _covered(connection, returned)
    for posting in postings:
        owner, document = posting.match
        money = Money(posting.payment_id, posting.amount, posting.value_on)
        if posting.amount > 0:
            book.spend(owner, money, first=document)
        else:
            book.take_back(owner, money, book.covered(owner, covered[owner]), first=document)
    book.write(connection, at)
    guesses.reconcile(connection, book.told_twice, at)
    if charge is not None:
        charge(connection, ids)
    paid = sorted({posting.match.account_id for posting in postings if posting.amount > 0})
    if paid:
        mine = sa.update(account).where(among(connection, account.c.id, paid))
        connection.execute(mine.values(last_payment_at=at, updated_at=at))
    accounts.refresh(connection, ids, at)


def _covered(connection: Connection, account_ids: Collection[int]) -> Mapping[int, dict[int, int]]:
    """Read, per account, how much of each invoice payments cover, the last covered first."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    if not account_ids:
        return found
    part = sa.func.sum(allocation.c.amount)
    statement = (
        sa.select(invoice.c.account_id, invoice.c.id, sa.cast(part, sa.BigInteger))
        .join_from(allocation, invoice)
        .where(among(connection, invoice.c.account_id, account_ids))
        .group_by(invoice.c.account_id, invoice.c.id)
        .having(part > 0)
        .order_by(sa.func.max(allocation.c.id).desc())
    )
    for account_id, invoice_id, amount in connection.execute(statement):
        found[account_id][invoice_id] = amount
    return found


def _match(connection: Connection, payments: Sequence[NewPayment]) -> list[_Match | None]:
    """Find whose payment each is: by invoice, else by account number; None when nobody's or not one's alone."""
    documents: dict[str, list[tuple[_Match, str, str, str]]] = defaultdict(list)
    numbers: dict[str, list[tuple[_Match, str, str, str]]] = defaultdict(list)
    wanted = {one.invoice_no for one in payments if one.invoice_no}
    owner = (account.c.id, account.c.creditor, account.c.account_no, account.c.currency)
    by_document = sa.select(*owner, invoice.c.id, invoice.c.invoice_no).join_from(account, invoice)
    by_document = by_document.where(among(connection, invoice.c.invoice_no, wanted))
    for number, creditor, account_no, currency, invoice_id, invoice_no in raw_rows(connection, by_document):
        documents[invoice_no].append((_Match(number, invoice_id), creditor, account_no, currency))
    wanted = {one.account_no for one in payments if one.account_no}
    by_number = sa.select(*owner).where(among(connection, account.c.account_no, wanted))
    for number, creditor, account_no, currency in raw_rows(connection, by_number):
        numbers[account_no].append((_Match(number, None), creditor, account_no, currency))
    return [_only(one, documents[one.invoice_no]) or _only(one, numbers[one.account_no]) for one in payments]


def _only(one: NewPayment, candidates: Sequence[tuple[_Match, str, str, str]]) -> _Match | None:
    fitting = [
        match
        for match, creditor, account_no, currency in candidates
        if currency == one.currency and one.creditor in {"", creditor} and one.account_no in {"", account_no}
    ]
    return fitting[0] if len(fitting) == 1 else None
