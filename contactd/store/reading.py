"""Accounts, payments, attempts and the contact log page by page, for other software; reads only.

Each page goes on behind a number (`after`), so it stays right while rows are added, and is found by the primary key.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store.among import among
from contactd.store.schema import account, attempt, contact_log, invoice, payment


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows: from behind `after`, `limit` at most; of some accounts and since an instant where these are given."""

    limit: int
    after: int = 0
    account_ids: Collection[int] | None = None
    since: datetime | None = None

    def of(
        self,
        connection: Connection,
        key: sa.ColumnElement[Any],
        owner: sa.ColumnElement[Any],
        at: sa.ColumnElement[Any],
    ) -> sa.ColumnElement[bool]:
        """Write it as a condition on a table's key, account and instant."""
        asked: list[sa.ColumnElement[bool]] = [key > self.after]
        if self.account_ids is not None:
            asked.append(among(connection, owner, self.account_ids))
        if self.since is not None:
            asked.append(at >= self.since)
        return sa.and_(*asked)


_WHOSE = (account.c.creditor, account.c.account_no, account.c.currency)


def accounts(connection: Connection, page: Page, *, state: str = "") -> Sequence[Row[Any]]:
    """List accounts changed since an instant: all, or those that are `open`, `disputed`, on `hold`, `settled`."""
    states: dict[str, sa.ColumnElement[bool]] = {
        "open": account.c.open > 0,
        "disputed": account.c.disputed,
        "hold": account.c.hold_reason != "",
        "settled": sa.and_(account.c.open == 0, sa.not_(account.c.disputed)),
    }
    chosen = sa.select(account).where(page.of(connection, account.c.id, account.c.id, account.c.updated_at))
    if state:
        chosen = chosen.where(states[state])
    return connection.execute(chosen.order_by(account.c.id).limit(page.limit)).all()


def account_of(connection: Connection, account_id: int) -> Row[Any] | None:
    """Read one account."""
    return connection.execute(sa.select(account).where(account.c.id == account_id)).one_or_none()


def invoices(connection: Connection, account_id: int) -> Sequence[Row[Any]]:
    """List the invoices of an account, the oldest first."""
    mine = sa.select(invoice).where(invoice.c.account_id == account_id)
    return connection.execute(mine.order_by(invoice.c.due_date, invoice.c.id)).all()


def payments(connection: Connection, page: Page, *, matched: bool | None = None) -> Sequence[Row[Any]]:
    """List payments received since an instant; `matched`: only those an account was found for, or those without."""
    own = (payment.c.creditor.label("said_creditor"), payment.c.account_no.label("said_account"))
    columns = [column for column in payment.c if column.name not in {"creditor", "account_no"}]
    chosen: sa.Select[Any] = sa.select(*columns, *own, account.c.creditor, account.c.account_no).select_from(
        payment.outerjoin(account)
    )
    chosen = chosen.where(page.of(connection, payment.c.id, payment.c.account_id, payment.c.received_at))
    if matched is not None:
        chosen = chosen.where(payment.c.account_id.is_not(None) if matched else payment.c.account_id.is_(None))
    return list(connection.execute(chosen.order_by(payment.c.id).limit(page.limit)))


def attempt_of(connection: Connection, attempt_id: int) -> Row[Any] | None:
    """Read one attempt, with whose it is."""
    return connection.execute(_attempts().where(attempt.c.id == attempt_id)).one_or_none()


def attempts(connection: Connection, page: Page, *, campaign: str = "", state: str = "") -> Sequence[Row[Any]]:
    """List attempts planned since an instant, with whose they are."""
    chosen = _attempts().where(page.of(connection, attempt.c.id, attempt.c.account_id, attempt.c.planned_at))
    for column, value in ((attempt.c.campaign, campaign), (attempt.c.state, state)):
        chosen = chosen.where(column == value) if value else chosen
    return connection.execute(chosen.order_by(attempt.c.id).limit(page.limit)).all()


def _attempts() -> sa.Select[Any]:
    joined = attempt.outerjoin(account, account.c.id == attempt.c.account_id)
    return sa.select(attempt, *_WHOSE).select_from(joined)


def log(connection: Connection, page: Page, *, campaign: str = "", event: str = "") -> Sequence[Row[Any]]:
    """List entries of the contact log written since an instant, with whose they are."""
    joined = contact_log.outerjoin(account, account.c.id == contact_log.c.account_id)
    chosen = sa.select(contact_log, *_WHOSE).select_from(joined)
    chosen = chosen.where(page.of(connection, contact_log.c.id, contact_log.c.account_id, contact_log.c.at))
    for column, value in ((contact_log.c.campaign, campaign), (contact_log.c.event, event)):
        chosen = chosen.where(column == value) if value else chosen
    return connection.execute(chosen.order_by(contact_log.c.id).limit(page.limit)).all()
