"""The accounts a campaign may take up today, streamed for planning.

There are more of them than the ladder takes up, never fewer: what SQL cannot say exactly the domain decides.
"""

from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel, Facts
from contactd.domain.campaign import Campaign, Select
from contactd.store.facts import SHARED, accounts, facts_of, net, payments_as_of
from contactd.store.history import LONGEST_CALL, History, Known
from contactd.store.raw import day, raw_pages
from contactd.store.schema import account, attempt

_CHUNK = 5_000  # accounts that are read together
_OPEN_STATES: list[sa.ColumnElement[str]] = [
    sa.literal_column(f"'{state}'") for state in ("planned", "claimed", "sending", "unclear")
]


class Candidate(NamedTuple):
    """An account that may be due; `facts` reads out what may count of it, only needed for one of those that are alike.

    `profile` is all that ladder and rules look at in a planning run, beside the amount that is open. It is None where
    something happened that may count: tries, enough contacts, a suppression, a hold. Then the account is like no other.
    """

    account_id: int
    customer_id: int
    case_no: int
    currency: str
    open: int  # minor units, as `overdue`
    overdue: int
    oldest_due: date | None
    profile: Hashable | None
    facts: Callable[[], Facts]


def candidate(seen: Facts) -> Candidate:
    """Make a candidate of an account that was read out."""
    owner = seen.account
    return Candidate(
        owner.id,
        owner.customer_id,
        owner.case_no,
        owner.currency,
        seen.open,
        seen.overdue,
        seen.oldest_due,
        None,
        lambda: seen,
    )


def due(
    connection: Connection, campaign: Campaign, *, today: date, since: datetime, least: int | None
) -> Generator[Candidate]:
    """Stream the accounts the campaign may take up today, by id; the connection must be a snapshot.

    Fewer contacts than `least` since that instant count for nothing, unless somebody was spoken to or was to be; None:
    no number of them counts. Close it before the connection: on a server it reads ahead.
    """
    chosen = (
        accounts(today)
        .add_columns(sa.or_(_climbed(campaign), _contacted(since, least)).label("happened"))
        .where(account.c.open > 0, *_selected(campaign.select), *_rung(campaign, today))
        .order_by(account.c.id)
    )
    history = History(connection, campaign.id, since, many=True)
    fresh = payments_as_of(connection)
    ahead = connection.dialect.name == "postgresql"
    pages = raw_pages(connection, chosen, _CHUNK)
    with ThreadPoolExecutor(1, "reading") as reader:
        rows = next(pages, ())
        while rows:
            known = history.of(rows, [row for row in rows if row[-1]])
            # A server reads on while these are decided; SQLite would only take turns with us.
            coming = reader.submit(next, pages, ()) if ahead else None
            yield from _candidates(rows, known, fresh)
            rows = coming.result() if coming else next(pages, ())


def _candidates(rows: Sequence[Sequence[Any]], known: Known, fresh: datetime | None) -> Iterator[Candidate]:
    for row in rows:
        number, customer, email, phone, mobile, _, _, case_no, owed, credit, hold = row[:11]
        special = row[-1] or hold or known.suppressions(customer, email, phone, mobile)
        yield Candidate(
            number,
            customer,
            case_no,
            row[_CURRENCY],
            owed,
            net(row[_OVERDUE], owed, credit),
            day(row[_OLDEST_DUE]),
            None if special else row[SHARED],
            partial(facts_of, row, known, fresh),
        )


_NAMES = [column.key for column in accounts(date.min).selected_columns]
_CURRENCY, _OLDEST_DUE, _OVERDUE = map(_NAMES.index, ("currency", "oldest_due", "overdue"))


def _climbed(campaign: Campaign) -> sa.ColumnElement[bool]:
    """Say that the campaign has tried something in the account's case."""
    mine = (
        attempt.c.account_id == account.c.id,
        attempt.c.campaign == campaign.id,
        attempt.c.case_no == account.c.case_no,
    )
    return sa.exists().where(*mine)


def _contacted(since: datetime, least: int | None) -> sa.ColumnElement[bool]:
    """Say that the customer was contacted so often that it may count, spoken to, or answered to nobody."""
    mine = (attempt.c.customer_id == account.c.customer_id, attempt.c.sending_at >= since - LONGEST_CALL)
    met = sa.or_(attempt.c.conversation_at >= since, attempt.c.outcome == sa.literal_column("'abandoned'"))
    if least is None:
        return sa.exists().where(*mine, met)
    weight = sa.case((met, least), (attempt.c.sending_at >= since, 1), else_=0)
    return sa.select(sa.func.sum(weight)).where(*mine).scalar_subquery() >= least


def _rung(campaign: Campaign, today: date) -> Iterator[sa.ColumnElement[bool]]:
    """Say that a rung may be due: an account that never climbed one waits for the first day of the ladder."""
    # It may be tomorrow already where the customer lives.
    tomorrow = today + timedelta(days=1)
    yield account.c.oldest_due <= tomorrow - timedelta(days=campaign.select.min_days_due)
    yield sa.or_(account.c.oldest_due <= tomorrow - timedelta(days=_first_day(campaign)), _climbed(campaign))
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
