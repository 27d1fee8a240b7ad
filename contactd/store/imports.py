"""Imports: what a list says about accounts and invoices, taken over in chunks, and the record of each run; for intake.

Only an import writes what was imported, and one chunk at a time does (`_queue`), so it may compare before it locks.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store import accounts, audit, bulk, contact_log, wishes
from contactd.store.allocations import given_up, note_taken_off
from contactd.store.among import among
from contactd.store.audit import Deed
from contactd.store.personal import ERASED
from contactd.store.raw import raw_rows
from contactd.store.schema import account, import_run, invoice

_LOCK = 6_027_114  # any number, the same in every contactd
# What the store knows of a new account besides what its list says, and a new invoice.
_ACCOUNT = (
    "fingerprint", "id", "customer_id", "creditor", "account_no", "currency", "created_at", "updated_at",
)  # fmt: skip
_INVOICE = (
    "account_id", "invoice_no", "invoice_date", "due_date", "amount", "open", "imported_open", "taken_off",
    "taken_off_on", "goods", "terms", "claim_kind", "contract_rate", "contract_date",
    "cleared_at", "last_import", "fingerprint",
)  # fmt: skip

# Creditor, account number, currency.
Key = tuple[str, str, str]
# What a list says about an account: fingerprint, columns, their values; another column is left as it is.
NewAccount = tuple[str, tuple[str, ...], tuple[object, ...]]


class Claim(NamedTuple):
    """A row of a list: an invoice and, where the list names an account first, that account.

    `amount` or a text None: the list does not say, keep what is known.
    """

    key: Key
    account: NewAccount | None
    invoice_no: str
    invoice_date: date
    due_date: date
    amount: int | None
    open: int
    goods: str | None
    terms: str | None
    fingerprint: str
    claim_kind: str | None = None
    contract_rate: str | None = None
    contract_date: date | None = None


@dataclass(slots=True)
class Taken:
    """How many rows were new, changed something, cleared an invoice; how many accounts were new.

    `touched` are the accounts of the rows that were new or changed something.
    """

    new: int = 0
    changed: int = 0
    cleared: int = 0
    new_accounts: int = 0
    touched: set[int] = field(default_factory=set)


def begin(connection: Connection, kind: str, source: str, as_of: datetime, deed: Deed | None = None) -> int:
    """Note that a run began, and of whom it is the deed; answers its id."""
    row = {"kind": kind, "source": source, "as_of": as_of, "counts": {}}
    run = int(connection.execute(sa.insert(import_run).values(row).returning(import_run.c.id)).scalar_one())
    if deed is not None:
        audit.add(connection, replace(deed, about=f"import:{run}"))
    return run


def finish(connection: Connection, run_id: int, counts: Mapping[str, int], now: datetime, kind: str = "") -> None:
    """Note that a run ended well: from now on its facts are as fresh as `now`; `kind` if it is another by now."""
    ended = sa.update(import_run).where(import_run.c.id == run_id)
    connection.execute(ended.values(finished_at=now, counts=dict(counts), kind=kind or import_run.c.kind))


def payments_as_of(connection: Connection) -> datetime | None:
    """Answer when an import ended last with which all payments up to then were known."""
    ended = sa.func.max(import_run.c.finished_at)
    chosen = sa.select(sa.type_coerce(ended, import_run.c.finished_at.type)).where(import_run.c.kind == "payments")
    return connection.scalar(chosen)


def queue(connection: Connection) -> None:
    """Let one transaction after the other change what was imported or paid."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def take(connection: Connection, run_id: int, claims: Sequence[Claim], now: datetime) -> tuple[Taken, list[int]]:
    """Take over rows; answers the counts and the accounts that have a new invoice.

    What is open changes only where the list's own figure changed, so that a payment recorded here is not undone. A
    figure that falls may tell of nothing but that payment: it lowers what is open to what the list says, never raises
    it. One that rises tells of something else (a payment went back, a bill was corrected) and is added.
    """
    queue(connection)
    taken = Taken()
    chunk = _Chunk(connection, run_id, now, taken)
    chunk.find_accounts(claims)
    chunk.find_invoices(claims)
    chunk.compare(claims)
    chunk.write()
    return taken, sorted(chunk.with_new_invoice)


class _Known(NamedTuple):
    id: int
    open: int
    imported_open: int
    fingerprint: str
    amount: int


class _Chunk:
    """One transaction's worth of rows."""

    def __init__(self, connection: Connection, run_id: int, now: datetime, taken: Taken) -> None:
        self._connection = connection
        self._run_id = run_id
        self._now = now
        self._taken = taken
        self._ids: dict[Key, int] = {}
        self._fresh: set[int] = set()
        self._customers: dict[tuple[str, str], int] = {}
        self._changed_accounts: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
        self._changed_ids: set[int] = set()
        self._erased: dict[int, NewAccount] = {}  # whose data come back only with something they owe
        self._given_up: dict[int, int] = {}
        self._known: dict[tuple[int, str], _Known] = {}
        self._new: list[tuple[object, ...]] = []
        self._changed: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
        self._owing: set[int] = set()
        self._figures_changed: set[int] = set()
        self.with_new_invoice: set[int] = set()

    def find_accounts(self, claims: Sequence[Claim]) -> None:
        """Find the accounts' ids, write the new ones, note the changed ones."""
        numbers = {claim.key[1] for claim in claims}
        found = sa.select(
            account.c.id, account.c.creditor, account.c.account_no, account.c.currency, account.c.fingerprint,
            account.c.customer_id,
        )  # fmt: skip
        known: dict[Key, tuple[int, str]] = {}
        found = found.where(among(self._connection, account.c.account_no, numbers))
        for number, creditor, account_no, currency, said, customer in raw_rows(self._connection, found):
            known[creditor, account_no, currency] = number, said
            self._customers[creditor, account_no] = customer
        new: dict[Key, NewAccount] = {}
        for claim in claims:
            if claim.account is None:
                continue
            if claim.key not in known:
                new[claim.key] = claim.account
            elif known[claim.key][1] == ERASED:
                self._erased[known[claim.key][0]] = claim.account
            elif known[claim.key][1] != claim.account[0]:
                self._change(known[claim.key][0], claim.account)
        self._ids = {key: number for key, (number, _) in known.items()}
        if new:
            self._insert(new)

    def _change(self, number: int, changed: NewAccount) -> None:
        fingerprint, columns, values = changed
        row = {f"new_{name}": value for name, value in zip(columns, values, strict=True)}
        self._changed_accounts[columns].append({**row, "key": number, "new_fingerprint": fingerprint})
        self._changed_ids.add(number)

    def _insert(self, new: Mapping[Key, NewAccount]) -> None:
        # A debtor is the same in all currencies.
        customers = self._customers
        ids = bulk.new_ids(self._connection, account, len(new))
        rows: dict[tuple[str, ...], list[tuple[object, ...]]] = defaultdict(list)
        for number, (key, (fingerprint, columns, values)) in zip(ids, new.items(), strict=True):
            customer = customers.setdefault(key[:2], number)
            rows[columns].append((fingerprint, number, customer, *key, self._now, self._now, *values))
            self._ids[key] = number
        for columns, alike in rows.items():
            bulk.insert(self._connection, account, (*_ACCOUNT, *columns), alike)
        self._fresh.update(ids)
        self._taken.new_accounts = len(ids)

    def find_invoices(self, claims: Sequence[Claim]) -> None:
        """Read what is known of the accounts' invoices."""
        ids = {self._ids[claim.key] for claim in claims} - self._fresh
        found = sa.select(
            invoice.c.id, invoice.c.account_id, invoice.c.invoice_no, invoice.c.open, invoice.c.imported_open,
            invoice.c.fingerprint, invoice.c.amount,
        )  # fmt: skip
        for row in raw_rows(self._connection, found.where(among(self._connection, invoice.c.account_id, ids))):
            self._known[row[1], row[2]] = _Known(row[0], *row[3:])

    def compare(self, claims: Sequence[Claim]) -> None:
        """Sort the rows into new, changed and known."""
        self._given_up = given_up(self._connection, self._risen(claims))
        for claim in claims:
            account_id = self._ids[claim.key]
            known = self._known.get((account_id, claim.invoice_no))
            if known is None:
                self._add(account_id, claim)
            elif known.fingerprint != claim.fingerprint or known.imported_open != claim.open:
                self._replace(account_id, known, claim)
            elif claim.account is not None and account_id in self._changed_ids:
                self._taken.changed += 1

    def _risen(self, claims: Sequence[Claim]) -> set[int]:
        """Pick the invoices of which the list shows more than the list before."""
        known = ((self._known.get((self._ids[claim.key], claim.invoice_no)), claim.open) for claim in claims)
        return {one.id for one, listed in known if one is not None and listed > one.imported_open}

    def _add(self, account_id: int, claim: Claim) -> None:
        taken_off = max(0, claim.amount - claim.open) if claim.amount and claim.amount > 0 else 0
        self._new.append(
            (
                account_id, claim.invoice_no, claim.invoice_date, claim.due_date,
                claim.open if claim.amount is None else claim.amount, claim.open, claim.open, taken_off,
                self._now.date() if taken_off else None, claim.goods or "", claim.terms or "",
                claim.claim_kind or "", claim.contract_rate or "", claim.contract_date,
                None if claim.open else self._now, self._run_id,
                claim.fingerprint,
            ),
        )  # fmt: skip
        self._taken.new += 1
        self._owing.add(account_id)
        self.with_new_invoice.add(account_id)

    def _replace(self, account_id: int, known: _Known, claim: Claim) -> None:
        row: dict[str, object] = {
            "invoice_date": claim.invoice_date, "due_date": claim.due_date, "last_import": self._run_id,
            "fingerprint": claim.fingerprint,
        }  # fmt: skip
        for name in ("amount", "goods", "terms", "claim_kind", "contract_rate", "contract_date"):
            if getattr(claim, name) is not None:
                row[name] = getattr(claim, name)
        if known.imported_open != claim.open:
            row["imported_open"] = claim.open
            rest = _still_open(known, claim, self._given_up.get(known.id, 0))
            if rest != known.open:
                row |= {"open": rest, "cleared_at": None if rest else self._now}
                self._taken.cleared += rest == 0
        if known.imported_open != claim.open or claim.amount not in {None, known.amount}:
            self._figures_changed.add(known.id)
        columns = tuple(row)
        self._changed[columns].append({**{f"new_{name}": value for name, value in row.items()}, "key": known.id})
        self._taken.changed += 1
        self._owing.add(account_id)

    def write(self) -> None:
        """Lock what will change, write it, and derive what the accounts owe."""
        accounts.lock(self._connection, (self._owing | self._changed_ids | set(self._erased)) - self._fresh)
        self._write_accounts()
        for columns, rows in self._changed.items():
            self._update(invoice, columns, rows)
        if self._figures_changed:
            note_taken_off(self._connection, self._figures_changed, self._now.date())
        bulk.insert(self._connection, invoice, _INVOICE, self._new)
        accounts.refresh(self._connection, sorted(self._owing), self._now)
        self._bring_back()
        self._taken.touched = self._owing | self._changed_ids
        wishes.recall(self._connection, self._fresh | self._changed_ids, self._now)

    def _write_accounts(self) -> None:
        for columns, rows in self._changed_accounts.items():
            stamped = [{**row, "new_updated_at": self._now} for row in rows]
            self._update(account, (*columns, "fingerprint", "updated_at"), stamped)
        self._changed_accounts.clear()

    def _bring_back(self) -> None:
        """Take over who the erased accounts belong to that owe something again; of others no list says it."""
        if not self._erased:
            return
        owing = sa.select(account.c.id).where(among(self._connection, account.c.id, self._erased), account.c.open > 0)
        back = list(self._connection.scalars(owing.order_by(account.c.id)))
        for number in back:
            self._change(number, self._erased[number])
        self._write_accounts()
        told = {"at": self._now, "event": "owes_again", "reason": "an erased account came back with an import"}
        contact_log.add(self._connection, [{**told, "account_id": number} for number in back])

    def _update(self, table: sa.Table, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        values: dict[str, sa.BindParameter[object]] = {name: sa.bindparam(f"new_{name}") for name in columns}
        self._connection.execute(sa.update(table).where(table.c.id == sa.bindparam("key")).values(values), rows)


def _still_open(known: _Known, claim: Claim, given_up: int) -> int:
    """Tell what is open of a known invoice once a list shows another figure; see `take`.

    What was given up stays so, when the list does not know of it or had left the invoice out: a figure that rises to no
    more than that tells of nothing else.
    """
    listed = claim.open
    if listed < 0 or known.imported_open < 0:  # a credit note, or over-paid: what is kept of it is what the list says
        return listed
    rise = max(0, listed - known.imported_open) if listed > given_up else 0
    most = max(claim.amount or known.amount, listed) - given_up
    return min(listed, known.open + rise, max(most, 0))


def open_accounts(connection: Connection, creditors: Collection[str]) -> Iterator[Key]:
    """Give out the accounts of these creditors that owe something."""
    found = sa.select(account.c.creditor, account.c.account_no, account.c.currency)
    found = found.where(account.c.open > 0, among(connection, account.c.creditor, creditors))
    for row in connection.execute(found.execution_options(yield_per=5_000)):
        yield row[0], row[1], row[2]


def owed_creditors(connection: Connection) -> list[str]:
    """Answer the creditors to whom somebody owes something."""
    return list(connection.scalars(sa.select(account.c.creditor).where(account.c.open > 0).distinct()))


def listed_invoices(connection: Connection, creditors: Collection[str]) -> Iterator[tuple[int, int, Key, str]]:
    """Give out id, account, key and number of these creditors' invoices that a list has shown as open."""
    found = sa.select(
        invoice.c.id, invoice.c.account_id, account.c.creditor, account.c.account_no, account.c.currency,
        invoice.c.invoice_no,
    ).join_from(invoice, account)  # fmt: skip
    found = found.where(
        sa.or_(invoice.c.open != 0, invoice.c.imported_open != 0), among(connection, account.c.creditor, creditors)
    ).order_by(invoice.c.account_id)
    for row in connection.execute(found.execution_options(yield_per=5_000)):
        yield row[0], row[1], (row[2], row[3], row[4]), row[5]


def clear(connection: Connection, run_id: int, invoices: Mapping[int, int], now: datetime) -> int:
    """Take invoices (id: account) for settled because a full list shows them no more; answers how many were open."""
    queue(connection)
    owing = sorted(set(invoices.values()))
    accounts.lock(connection, owing)
    mine = among(connection, invoice.c.id, list(invoices))
    still_open = connection.scalar(sa.select(sa.func.count()).where(mine, invoice.c.open != 0)) or 0
    gone = sa.case((invoice.c.open != 0, sa.literal(now, invoice.c.cleared_at.type)), else_=invoice.c.cleared_at)
    connection.execute(
        sa.update(invoice).where(mine).values(imported_open=0, open=0, last_import=run_id, cleared_at=gone)
    )
    note_taken_off(connection, list(invoices), now.date())
    accounts.refresh(connection, owing, now)
    return int(still_open)
