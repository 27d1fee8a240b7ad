"""The reports on contacts and hours as tables, for `contactd report`, the pages and whoever asks over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.calendar import find_zone, local_day, start_of_day
from contactd.domain.contact_report import Group, Talks, by_hour, groups, rolling
from contactd.domain.report_table import Table, Value, share, table
from contactd.store import contact_figures
from contactd.store.contact_figures import Line, Period

ALL = "all"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """A period in days, both included, and the zone in which they begin."""

    first: date
    last: date
    zone: tzinfo

    @property
    def period(self) -> Period:
        """Give the instants of beginning and end."""
        return start_of_day(self.zone, self.first), start_of_day(self.zone, self.last + _DAY)


def days_of(settings: Settings, first: date, last: date) -> Days:
    """Name days in the zone of the books."""
    return Days(first, last, find_zone(settings.claims.timezone) or UTC)


def contacts(connection: sa.Connection, settings: Settings, days: Days) -> list[Table]:
    """Report what became of the contacts planned in a period: by channel, along the funnel, held back, abandoned."""
    channels = "channel:word planned:count waiting:count withdrawn:count sent:count reached:count contact_rate:share"
    talked = "right_party:count right_party_rate:share promises:count promise_rate:share"
    customers = "customers:count customers_right_party:count"
    stages = "stage:word customers:count share_of_planned:share share_of_previous:share"
    found = contact_figures.lines(connection, days.period)
    return [
        table("channels", f"{channels} {talked} {customers}", (_line(one) for one in found)),
        table("funnel", stages, _funnel(connection, days)),
        table("held_back", "campaign:text planned_on:day reason:word accounts:count", _held_back(connection, days)),
        table("withdrawn", "channel:word reason:word attempts:count",
              iter(contact_figures.withdrawn(connection, days.period))),
        table("abandoned", _ABANDONED, _abandoned(connection, settings, days)),
        _talks(connection, settings, days),
    ]  # fmt: skip


_ABANDONED = (
    "campaign:text day:day answered:count abandoned:count rate:share window_days:count window_rate:share limit:share"
)


def _line(one: Line) -> tuple[Value, ...]:
    """Write a channel's line; nobody knows whether the right person reads a letter."""
    is_call = one.channel == Channel.CALL.value
    reached, right = share(one.reached, one.sent), share(one.right_party, one.sent) if is_call else None
    promised = share(one.promises, one.right_party) if is_call or not one.channel else None
    counts = one.planned, one.waiting, one.withdrawn, one.sent, one.reached, reached
    talked = one.right_party, right, one.promises, promised
    return one.channel or ALL, *counts, *talked, one.customers, one.customers_right_party


def _funnel(connection: sa.Connection, days: Days) -> Iterator[tuple[Value, ...]]:
    before: int | None = None
    first = 0
    for stage, customers in contact_figures.funnel(connection, days.period, days.zone, days.last):
        first = customers if before is None else first
        yield stage, customers, share(customers, first), None if before is None else share(customers, before)
        before = customers


def _held_back(connection: sa.Connection, days: Days) -> Iterator[tuple[Value, ...]]:
    for campaign, at, reason, accounts in contact_figures.held_back(connection, days.period):
        yield campaign, local_day(days.zone, at), reason, accounts


def _abandoned(connection: sa.Connection, settings: Settings, days: Days) -> Iterator[tuple[Value, ...]]:
    span = settings.telephony.abandon_window
    begin, end = days.period
    limits = {
        campaign.id: min(step.max_abandon for step in campaign.steps if step.channel is Channel.CALL)
        for campaign in settings.campaigns
        if any(step.channel is Channel.CALL for step in campaign.steps)
    }
    for campaign, answered in contact_figures.answered(connection, (begin - span, end), days.zone).items():
        for day, window in rolling(answered, span, days.first):
            rates = share(day.abandoned, day.answered), span.days, share(window.abandoned, window.answered)
            yield campaign, day.day, day.answered, day.abandoned, *rates, limits.get(campaign)


def _talks(connection: sa.Connection, settings: Settings, days: Days) -> Table:
    """Tell what conversations came to: of teams, or of each agent where that is allowed."""
    talks = contact_figures.talks(connection, days.period)
    if settings.privacy.agent_metrics == "agent":
        each = [Group((agent,), 1, told) for agent, told in sorted(talks.items())]
        return table("agents", "agent:text right_party:count promises:count promise_rate:share",
                     ((*one.names, *_came_to(one.talks)) for one in each))  # fmt: skip
    teams = {name: agent.team for name, agent in settings.agents.items()}
    return table(
        "teams", "teams:text agents:count right_party:count promises:count promise_rate:share",
        ((", ".join(name or "-" for name in one.names), one.agents, *_came_to(one.talks))
         for one in groups(talks, teams)),
    )  # fmt: skip


def _came_to(talks: Talks) -> tuple[Value, ...]:
    return talks.right_party, talks.promises, share(talks.promises, talks.right_party)


def hours(connection: sa.Connection, days: Days) -> list[Table]:
    """Report in which hours of the week, by the clock of who is called, the right people are reached."""
    counts = by_hour(contact_figures.slots(connection, days.period, days.zone))
    rows = (
        (weekday, hour, one.placed, one.answered, one.right_party, share(one.right_party, one.placed))
        for (weekday, hour), one in counts.items()
    )
    columns = "weekday:weekday hour:hour calls:count answered:count right_party:count right_party_rate:share"
    return [table("hours", columns, rows)]
