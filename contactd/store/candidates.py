"""The accounts a campaign may take up today, streamed for planning.

There are more of them than the ladder takes up, never fewer: what SQL cannot say exactly the domain decides.
"""

from collections.abc import Container, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel, Facts
from contactd.domain.campaign import INBOUND, Campaign, Select
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.store import arms, facts, suppressions
from contactd.store.history import LONGEST_CALL
from contactd.store.raw import day, raw_pages
from contactd.store.schema import account, attempt

_CHUNK = 5_000  # accounts that are read together
_OPEN_STATES: list[sa.ColumnElement[str]] = [
    sa.literal_column(f"'{state}'") for state in ("planned", "claimed", "sending", "unclear")
]


class Candidate(NamedTuple):
    """An account that may be due, and its facts unless one of its profile is decided already.

    `profile` is all that ladder and rules look at in a planning run. It is empty where something happened that may
    count: tries, enough contacts, a suppression, a hold. Then the account is like no other.
    """

    account_id: int
    customer_id: int
    case_no: int
    currency: str
    open: int  # minor units, as `overdue`
    overdue: int
    oldest_due: date | None
    profile: str
    facts: Facts | None


class LeftOut(NamedTuple):
    """Overdue accounts that no campaign takes up, and what they owe in minor units."""

    kind: str
    segment: str
    currency: str
    accounts: int
    owed: int


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
        "",
        seen,
    )


def due(
    connection: Connection,
    campaign: Campaign,
    *,
    today: date,
    since: datetime,
    least: int | None,
    bounds: Sequence[int] = (),
    decided: Container[str] = (),
) -> Generator[Candidate]:
    """Stream the accounts the campaign may take up today, by id; the connection must be a snapshot.

    Fewer contacts than `least` since that instant count for nothing, unless somebody was spoken to or was to be; None:
    no number of them counts. `bounds` are the amounts, in minor units, with which filters compare what is open. The
    facts are read of those whose profile is not `decided` at that time. Close it before the connection: it reads ahead.
    """
    plan = _Plan(campaign.id, campaign.select, _first_day(campaign), bool(campaign.arms), least, tuple(sorted(bounds)))
    with closing(_pages(connection, plan, today, since)) as pages, ThreadPoolExecutor(1, "reading") as reader:
        page = next(pages, ())
        while page:
            unlike = [one.account_id for one in page if one.profile not in decided]
            special = {one.account_id for one in page if not one.profile}
            seen = facts.load(connection, unlike, campaign=campaign.id, since=since, today=today, eventful=special)
            seen = arms.known(connection, campaign, seen)
            coming = reader.submit(next, pages, ())  # while these are decided
            for one in page:
                yield one._replace(facts=seen[one.account_id]) if one.account_id in seen else one
            page = coming.result()


def left_out(connection: Connection, campaigns: Sequence[Campaign], today: date) -> list[LeftOut]:
    """Count the accounts that are overdue and that no campaign selects, however old the debt becomes."""
    taken = [sa.and_(sa.true(), *_selected(campaign.select)) for campaign in campaigns]
    cut = (account.c.kind, account.c.segment, account.c.currency)
    chosen = (
        sa.select(*cut, sa.func.count(), sa.func.sum(account.c.open))
        .where(account.c.open > 0, account.c.oldest_due < today, sa.not_(sa.or_(sa.false(), *taken)))
        .group_by(*cut)
        .order_by(*cut)
    )
    return [
        LeftOut(kind, segment, currency, count, int(owed))
        for kind, segment, currency, count, owed in connection.execute(chosen)
    ]


class _Plan(NamedTuple):
    """What the statement for a campaign depends on, beside the day."""

    campaign: str
    select: Select
    first_day: int  # of its ladder
    has_arms: bool
    least: int | None
    bounds: tuple[int, ...]


@lru_cache(maxsize=256)
def _worded(dialect: str, plan: _Plan) -> sa.Select[Any]:
    """Compose the statement, once for each campaign; `_pages` gives its parameters."""
    eventful: sa.ColumnElement[bool] = sa.or_(
        account.c.hold_reason != "", _climbed(plan.campaign), _contacted(plan.least)
    )
    if plan.has_arms:  # each customer has their own lot
        eventful = sa.true()
    columns = ("id", "customer_id", "case_no", "currency", "open", "credit", "oldest_due")
    return (
        sa.select(*(account.c[name] for name in columns), facts.overdue(), _profile(dialect, plan.bounds), eventful)
        .where(account.c.open > 0, *_selected(plan.select), *_rung(plan))
        .order_by(account.c.id)
    )


def _pages(connection: Connection, plan: _Plan, today: date, since: datetime) -> Generator[Sequence[Candidate]]:
    accounts, customers = suppressions.everybody(connection)
    chosen = _worded(connection.dialect.name, plan)
    tomorrow = today + timedelta(days=1)  # it may be tomorrow already where the customer lives
    given = {
        "today": today, "since": since, "earliest": since - LONGEST_CALL,
        "old": tomorrow - timedelta(days=plan.select.min_days_due), "ripe": tomorrow - timedelta(days=plan.first_day),
    }  # fmt: skip
    with closing(raw_pages(connection, chosen, _CHUNK, given)) as pages:
        for rows in pages:
            yield [
                Candidate(
                    number,
                    customer,
                    case_no,
                    currency,
                    owed,
                    facts.net(due, owed, credit),
                    day(oldest),
                    "" if eventful or number in accounts or customer in customers else profile,
                    None,
                )
                for number, customer, case_no, currency, owed, credit, oldest, due, profile, eventful in rows
            ]


def _profile(dialect: str, bounds: Sequence[int]) -> sa.ColumnElement[str]:
    """Write all that ladder and rules look at, each part quoted, so that no two ways of it read the same."""
    # A comma between them: two quoted texts side by side read as one with a quote in it.
    parts = [*facts.SHARED, *_between(bounds)]
    if dialect == "postgresql":
        return sa.func.format(",".join(["%L"] * len(parts)), *parts)
    return sa.func.printf(",".join(["%Q"] * len(parts)), *parts)


def _between(bounds: Sequence[int]) -> Iterator[sa.ColumnElement[int]]:
    """Say where the amount lies, on a bound or between two, as one number: functions take no endless list."""
    places = [
        (whether, 2 * number + on)
        for number, bound in enumerate(sorted(bounds))
        for on, whether in enumerate((account.c.open < bound, account.c.open == bound))
    ]
    if places:
        yield sa.case(*places, else_=len(places))


def _climbed(campaign: str) -> sa.ColumnElement[bool]:
    """Say that the campaign has tried something in the account's case."""
    mine = (
        attempt.c.account_id == account.c.id,
        attempt.c.campaign == campaign,
        attempt.c.case_no == account.c.case_no,
        attempt.c.step != INBOUND,
    )
    return sa.exists().where(*mine)


def _contacted(least: int | None) -> sa.ColumnElement[bool]:
    """Say that the customer was contacted so often that it may count, spoken to, or answered to nobody."""
    since, earliest = (sa.bindparam(name, type_=attempt.c.sending_at.type) for name in ("since", "earliest"))
    mine = (attempt.c.customer_id == account.c.customer_id, attempt.c.sending_at >= earliest)
    met = sa.or_(attempt.c.conversation_at >= since, attempt.c.outcome == sa.literal_column("'abandoned'"))
    if least is None:
        return sa.exists().where(*mine, met)
    ours = sa.and_(attempt.c.sending_at >= since, attempt.c.step != INBOUND, attempt.c.campaign != NOTICES)
    weight = sa.case((met, least), (ours, 1), else_=0)
    return sa.select(sa.func.sum(weight)).where(*mine).scalar_subquery() >= least


def _rung(plan: _Plan) -> Iterator[sa.ColumnElement[bool]]:
    """Say that a rung may be due: an account that never climbed one waits for the first day of the ladder."""
    yield account.c.oldest_due <= sa.bindparam("old", type_=sa.Date())
    yield sa.or_(account.c.oldest_due <= sa.bindparam("ripe", type_=sa.Date()), _climbed(plan.campaign))
    # Of whatever campaign: one thing after the other.
    # A call that the carrier has taken is accepted, and not over; nor is a task, for as long as its case.
    tasks = sa.and_(attempt.c.channel == Channel.TASK, attempt.c.case_no == account.c.case_no)
    lasting = sa.or_(attempt.c.channel == Channel.CALL, tasks)
    unfinished = sa.or_(
        attempt.c.state.in_(_OPEN_STATES), sa.and_(attempt.c.state == sa.literal_column("'accepted'"), lasting)
    )
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
    if select.counts_customers:
        other = account.alias()
        count = sa.func.count(other.c.customer_id.distinct())
        counted = sa.select(other.c.creditor).group_by(other.c.creditor)
        if select.min_customers is not None:
            counted = counted.having(count >= select.min_customers)
        if select.max_customers is not None:
            counted = counted.having(count <= select.max_customers)
        yield account.c.creditor.in_(counted)
    if select.min_open is not None:
        yield account.c.currency == select.min_open.currency
        yield account.c.open >= select.min_open.minor
    if select.max_open is not None:
        yield account.c.currency == select.max_open.currency
        yield account.c.open <= select.max_open.minor
