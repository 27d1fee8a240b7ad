"""Everything the rules may look at, read set by set: one builder for planner, gate and `why`.

`due` answers more accounts than the ladder takes up, never fewer: what SQL cannot say exactly the domain decides.
"""

from collections.abc import Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Account, Channel, Facts, Hold, Invoice, Kind, Phone
from contactd.domain.campaign import Campaign, Select
from contactd.store.among import among
from contactd.store.asked import Asked
from contactd.store.history import History, Known
from contactd.store.raw import day, instant, maker, raw_pages, raw_rows
from contactd.store.schema import account, attempt, import_run, invoice

_CHUNK = 5_000  # accounts whose history is read together
_COLUMNS = (
    "id", "customer_id", "creditor", "account_no", "currency", "name", "kind", "language", "timezone", "country",
    "region", "segment", "email", "phone", "phone_type", "phone_zones", "mobile", "mobile_type", "mobile_zones",
    "case_no", "open", "credit", "oldest_due", "disputed", "hold_reason", "hold_until", "last_payment_at",
)  # fmt: skip
_OPEN_STATES: list[sa.ColumnElement[str]] = [
    sa.literal_column(f"'{state}'") for state in ("planned", "claimed", "sending", "unclear")
]
_KINDS = {kind.value: kind for kind in Kind}


def load(
    connection: Connection,
    account_ids: Collection[int],
    *,
    campaign: str | None,
    since: datetime,
    today: date | None = None,
) -> dict[int, Facts]:
    """Read the facts of accounts; without `today` all that is open is overdue, without `campaign` no try is read."""
    if today is None:
        rows = _BY_ID.rows(connection, ids=list(account_ids))
    else:
        rows = raw_rows(connection, _accounts(today).where(among(connection, account.c.id, account_ids)))
    history = History(connection, campaign, since, few=True)
    fresh = payments_as_of(connection)
    return {seen.account.id: seen for seen in _facts(rows, history.of(rows), fresh)}


def due(connection: Connection, campaign: Campaign, *, today: date, since: datetime) -> Generator[Facts]:
    """Stream the accounts the campaign may take up today, by id; the connection must be a snapshot.

    Close it before the connection: on a server it reads ahead.
    """
    chosen = (
        _accounts(today)
        .where(account.c.open > 0, *_selected(campaign.select), *_rung(campaign, today))
        .order_by(account.c.id)
    )
    history = History(connection, campaign.id, since)
    fresh = payments_as_of(connection)
    ahead = connection.dialect.name == "postgresql"
    pages = raw_pages(connection, chosen, _CHUNK)
    with ThreadPoolExecutor(1, "reading") as reader:
        rows = next(pages, ())
        while rows:
            known = history.of(rows)
            # A server reads on while these are decided; SQLite would only take turns with us.
            coming = reader.submit(next, pages, ()) if ahead else None
            yield from _facts(rows, known, fresh)
            rows = coming.result() if coming else next(pages, ())


def invoices(connection: Connection, account_ids: Collection[int]) -> dict[int, list[Invoice]]:
    """List the open, undisputed invoices of accounts, oldest first; an account without any is left out."""
    found: dict[int, list[Invoice]] = {}
    for row in _INVOICES.rows(connection, ids=list(account_ids)):
        made = _make_invoice(row[1], day(row[2]), day(row[3]), *row[4:], False)
        found.setdefault(row[0], []).append(made)
    return found


def payments_as_of(connection: Connection) -> datetime | None:
    """Answer up to when payments are known: the end of the newest import of them."""
    return instant(_PAYMENTS_AS_OF.rows(connection)[0][0])


def _columns() -> list[sa.ColumnElement[Any]]:
    postal = sa.and_(account.c.street != "", account.c.city != "")
    return [*(account.c[name] for name in _COLUMNS), postal.label("postal")]


def _accounts(today: date | None) -> sa.Select[Any]:
    overdue: sa.ColumnElement[Any] = account.c.open
    if today is not None:
        overdue = (
            sa.select(sa.func.sum(invoice.c.open))
            .where(invoice.c.account_id == account.c.id, invoice.c.open > 0)
            .where(sa.not_(invoice.c.disputed), invoice.c.due_date < today)
            .scalar_subquery()
        )
    return sa.select(*_columns(), overdue.label("overdue"))


def _rung(campaign: Campaign, today: date) -> Iterator[sa.ColumnElement[bool]]:
    """Say that a rung may be due: an account that never climbed one waits for the first day of the ladder."""
    # It may be tomorrow already where the customer lives.
    tomorrow = today + timedelta(days=1)
    yield account.c.oldest_due <= tomorrow - timedelta(days=campaign.select.min_days_due)
    mine = (
        attempt.c.account_id == account.c.id,
        attempt.c.campaign == campaign.id,
        attempt.c.case_no == account.c.case_no,
    )
    climbed = sa.exists().where(*mine)
    yield sa.or_(account.c.oldest_due <= tomorrow - timedelta(days=_first_day(campaign)), climbed)
    # Of whatever campaign: one thing after the other.
    # A call that the carrier has taken is accepted, and not over.
    calling = sa.and_(attempt.c.state == sa.literal_column("'accepted'"), attempt.c.channel == Channel.CALL)
    unfinished = sa.or_(attempt.c.state.in_(_OPEN_STATES), calling)
    yield ~sa.exists().where(attempt.c.account_id == account.c.id, unfinished)


def _first_day(campaign: Campaign) -> int:
    """Answer the least age of a debt at which a ladder begins, not counting what follows from a try."""
    stand_ins = {step.id for step in campaign.steps if step.stands_in}
    days = [step.day for step in campaign.steps if step.day is not None]
    days += [step.after_days for step in campaign.steps if step.day is None and step.after in stand_ins]
    return min(days, default=0)


def _selected(select: Select) -> Iterator[sa.ColumnElement[bool]]:
    for name, allowed in (
        ("kind", select.kinds),
        ("segment", select.segments),
        ("creditor", select.creditors),
        ("country", select.countries),
        ("currency", select.currencies),
        ("language", select.languages),
    ):
        if allowed:
            yield account.c[name].in_(sorted(allowed))
    if select.min_open is not None:
        yield account.c.currency == select.min_open.currency
        yield account.c.open >= select.min_open.minor
    if select.max_open is not None:
        yield account.c.currency == select.max_open.currency
        yield account.c.open <= select.max_open.minor


def _facts(rows: Sequence[Sequence[Any]], known: Known, fresh: datetime | None) -> Iterator[Facts]:
    suppressed, contacts, tries = known.suppressed, known.contacts, known.tries
    for row in rows:
        customer, owed, overdue = row[1], row[20], row[28]
        if overdue != owed:
            overdue = min(owed, max((overdue or 0) - max(row[21], 0), 0))
        yield _make_facts(
            _account(row),
            owed,
            int(overdue),
            day(row[22]),
            bool(row[23]),
            instant(row[26]),
            fresh,
            Hold(row[24], day(row[25])) if row[24] else None,
            known.suppressions(customer, row[12], row[13], row[16]) if suppressed else (),
            contacts.get(customer, ()),
            tries.get((row[0], row[19]), ()),
        )


def _account(row: Sequence[Any]) -> Account:
    return _make_account(
        *row[:6], _KINDS[row[6]], *row[7:13],
        _make_phone(row[13], row[14] or "unknown", _zones(row[15])) if row[13] else None,
        _make_phone(row[16], row[17] or "unknown", _zones(row[18])) if row[16] else None,
        bool(row[27]), row[19],
    )  # fmt: skip


_make_facts = maker(Facts)
_make_account = maker(Account)
_make_phone = maker(Phone)
_make_invoice = maker(Invoice)


@lru_cache(maxsize=1024)
def _zones(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BY_ID = Asked(lambda among: _accounts(None).where(among(account.c.id, "ids")))
_INVOICES = Asked(
    lambda among: sa.select(
        invoice.c.account_id, invoice.c.invoice_no, invoice.c.invoice_date, invoice.c.due_date, invoice.c.amount,
        invoice.c.open, invoice.c.goods, invoice.c.terms,
    )
    .where(among(invoice.c.account_id, "ids"), invoice.c.open > 0, sa.not_(invoice.c.disputed))
    .order_by(invoice.c.due_date, invoice.c.id)
)  # fmt: skip
_PAYMENTS_AS_OF = Asked(
    lambda _: sa.select(sa.func.max(import_run.c.finished_at)).where(import_run.c.kind == "payments")
)
