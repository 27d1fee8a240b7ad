"""Accounts: locked, kept in step with their invoices, found, held; for intake, engine, web and cli.

The account row is the lock: whoever begins a contact, and whoever records a payment, a dispute or a hold, first calls
`lock` and only then reads the clock. What an account owes is derived, by `refresh`, in the same transaction.
"""

import json
from collections.abc import Collection
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.allocations import spend_credit
from contactd.store.among import among
from contactd.store.schema import account, invoice, payment


def lock(connection: Connection, account_ids: Collection[int]) -> None:
    """Keep every other writer off these accounts until the transaction ends.

    In SQLite there is nothing to do: a write transaction is the only one from its first statement.
    """
    if connection.dialect.name == "postgresql" and account_ids:
        found = sa.select(account.c.id).where(among(connection, account.c.id, account_ids))
        connection.execute(found.order_by(account.c.id).with_for_update()).all()


def refresh(connection: Connection, account_ids: Collection[int], now: datetime) -> None:
    """Derive what locked accounts owe from their invoices and payments; credit pays what is open by now.

    `credit` is over-payment not yet used and open credit notes; `open` is net of it, `oldest_due` the oldest invoice it
    does not cover. Once nothing is overdue or disputed any more, `case_no` grows: what falls due later is another case,
    and begins at the foot of the ladder.
    """
    if not account_ids:
        return
    spend_credit(connection, account_ids, now)
    ids = list(account_ids) if connection.dialect.name == "postgresql" else json.dumps(list(account_ids))
    connection.execute(_derivation(connection.dialect.name), {"ids": ids, "now": now, "today": now.date()})


@cache
def _derivation(dialect: str) -> sa.Update:
    """Word the statement once for each database: to put it together takes longer than to run it for one account."""
    owes = _owes(dialect)
    today = sa.bindparam("today", type_=sa.Date())
    was_a_case = sa.or_(account.c.oldest_due < today, account.c.disputed)
    nothing_overdue = sa.or_(owes.c.oldest_due.is_(None), owes.c.oldest_due >= today)
    ended = sa.and_(was_a_case, nothing_overdue, sa.not_(owes.c.disputed))
    derived = ("open", "credit", "oldest_due", "disputed")
    return (
        sa.update(account)
        .where(
            account.c.id == owes.c.id,
            sa.or_(*(account.c[name].is_distinct_from(owes.c[name]) for name in derived)),
        )
        .values(
            {
                **{name: owes.c[name] for name in derived},
                "case_no": account.c.case_no + sa.case((ended, 1), else_=0),
                "updated_at": sa.bindparam("now", type_=account.c.updated_at.type),
            },
        )
    )


def find(connection: Connection, account_no: str, creditor: str | None = None) -> list[sa.Row[*tuple[Any, ...]]]:
    """Find the account rows of a number, one a creditor and currency; all columns."""
    found = sa.select(account).where(account.c.account_no == account_no)
    if creditor is not None:
        found = found.where(account.c.creditor == creditor)
    return list(connection.execute(found.order_by(account.c.id)))


def of_customer(connection: Connection, customer_id: int) -> list[int]:
    """List the account rows of a debtor, one a currency."""
    return list(connection.scalars(sa.select(account.c.id).where(account.c.customer_id == customer_id)))


def postcodes(connection: Connection, account_ids: Collection[int]) -> dict[int, str]:
    """Read the postcodes of accounts."""
    if not account_ids:
        return {}
    chosen = sa.select(account.c.id, account.c.postcode).where(among(connection, account.c.id, account_ids))
    return {row[0]: row[1] for row in connection.execute(chosen)}


def telephones(connection: Connection, account_id: int) -> list[str]:
    """List the telephone numbers of an account, the preferred one first."""
    row = connection.execute(sa.select(account.c.mobile, account.c.phone).where(account.c.id == account_id)).one()
    return [number for number in dict.fromkeys(row) if number]


def named(connection: Connection, account_ids: Collection[int]) -> dict[int, tuple[str, str, str]]:
    """Read creditor, number and currency of accounts."""
    if not account_ids:
        return {}
    columns = (account.c.id, account.c.creditor, account.c.account_no, account.c.currency)
    chosen = sa.select(*columns).where(among(connection, account.c.id, account_ids))
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(chosen)}


def numbers(connection: Connection, account_ids: Collection[int]) -> dict[int, str]:
    """Read the account numbers of accounts."""
    chosen = sa.select(account.c.id, account.c.account_no).where(among(connection, account.c.id, account_ids))
    return {row[0]: row[1] for row in connection.execute(chosen)}


def hold(connection: Connection, account_id: int, reason: str, until: date | None, now: datetime) -> None:
    """Let the ladder rest until the end of a day, for good if `until` is None; locks the account."""
    lock(connection, [account_id])
    _set(connection, account_id, now, hold_reason=reason, hold_until=until)


def release(connection: Connection, account_id: int, now: datetime) -> None:
    """Let the ladder go on; locks the account."""
    lock(connection, [account_id])
    _set(connection, account_id, now, hold_reason="", hold_until=None)


def _set(connection: Connection, account_id: int, now: datetime, **values: object) -> None:
    connection.execute(sa.update(account).where(account.c.id == account_id).values(**values, updated_at=now))


def set_disputed(connection: Connection, invoice_id: int, now: datetime, *, disputed: bool) -> int | None:
    """Take an invoice out of what is owed, or back in; locks its account and answers its id, None if there is none."""
    account_id: int | None = connection.scalar(sa.select(invoice.c.account_id).where(invoice.c.id == invoice_id))
    if account_id is None:
        return None
    lock(connection, [account_id])
    connection.execute(sa.update(invoice).where(invoice.c.id == invoice_id).values(disputed=disputed))
    refresh(connection, [account_id], now)
    return account_id


def _owes(dialect: str) -> sa.Subquery:
    """Add up, per account of the parameter `ids`: open, credit, oldest_due, disputed."""
    line = _lines(dialect)
    nothing = sa.literal(0, sa.BigInteger)
    # What stands before the oldest invoice is credit, so an invoice is covered while the sum is not above nothing.
    in_order = (line.c.part > 0, line.c.due_date, line.c.place)
    so_far = sa.func.sum(line.c.part - line.c.credit).over(partition_by=line.c.account_id, order_by=in_order)
    summed = sa.select(*line.c, so_far.label("so_far")).subquery("summed")
    whole = sa.func.sum(summed.c.credit)
    uncovered = sa.and_(summed.c.part > 0, summed.c.so_far > 0)
    rest = sa.cast(sa.func.sum(summed.c.part) - sa.case((whole > 0, whole), else_=nothing), sa.BigInteger)
    return (
        sa.select(
            summed.c.account_id.label("id"),
            sa.case((rest > 0, rest), else_=nothing).label("open"),
            sa.cast(whole, sa.BigInteger).label("credit"),
            sa.func.min(sa.case((uncovered, summed.c.due_date), else_=None)).label("oldest_due"),
            (sa.func.max(summed.c.disputed) > 0).label("disputed"),
        )
        .group_by(summed.c.account_id)
        .subquery("owes")
    )


def customers_by_creditor(connection: Connection) -> dict[str, int]:
    """Count the customers each creditor has or had."""
    return {creditor: int(number) for creditor, number in connection.execute(_COUNTED)}


_COUNTED = sa.select(account.c.creditor, sa.func.count(account.c.customer_id.distinct())).group_by(account.c.creditor)


def _lines(dialect: str) -> sa.Subquery:
    """Stack invoices, unspent money and, for those that have neither, the accounts themselves.

    Stacked, not joined: whatever the database believes about their numbers, there is one way to do it.
    """
    nothing = sa.literal(0, sa.BigInteger)
    no_day = sa.literal(None, sa.Date)
    counts = sa.and_(invoice.c.open > 0, sa.not_(invoice.c.disputed))
    note = sa.and_(invoice.c.open < 0, sa.not_(invoice.c.disputed))
    invoices = sa.select(
        invoice.c.account_id.label("account_id"),
        invoice.c.due_date.label("due_date"),
        invoice.c.id.label("place"),
        sa.case((counts, invoice.c.open), else_=nothing).label("part"),
        sa.case((note, -invoice.c.open), else_=nothing).label("credit"),
        sa.case((sa.and_(invoice.c.open > 0, invoice.c.disputed), 1), else_=0).label("disputed"),
    ).where(_asked(dialect, invoice.c.account_id), invoice.c.open != 0)
    # What went back and nobody saw come in is below zero there: it is no claim, and takes no credit away.
    money = sa.select(payment.c.account_id, no_day, nothing, nothing, payment.c.credited, sa.literal(0)).where(
        _asked(dialect, payment.c.account_id), payment.c.credited > 0
    )
    themselves = sa.select(account.c.id, no_day, nothing, nothing, nothing, sa.literal(0)).where(
        _asked(dialect, account.c.id)
    )
    return sa.union_all(invoices, money, themselves).subquery("line")


def _asked(dialect: str, column: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger)))
    listed = sa.func.json_each(sa.bindparam("ids", type_=sa.Text)).table_valued("value")
    return column.in_(sa.select(listed.c.value))
