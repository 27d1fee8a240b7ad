"""What each page of the reports shows: its tables, and of these sections, key figures and pictures; for reports.py."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup
from sqlalchemy.engine import Connection

from contactd.config.settings import Settings
from contactd.domain.control_report import WINDOW
from contactd.domain.report_table import Kind, Table
from contactd.domain.role import Role
from contactd.engine.reports import contact_figures, effectiveness, promise_figures
from contactd.web import charts
from contactd.web.figures_shown import Shown
from contactd.web.words import _

_CURVES = 3  # months beside each other
_EVERY = 7  # of the days of a curve those that the page lists; a file has all
_FEW = 10  # calls, of which a share says little
_LONGEST_MONTH = 31
_PERIODS = {7: _("Last 7 days"), 30: _("Last 30 days"), 90: _("Last 90 days"), 365: _("Last year")}

Query = Mapping[str, str]


class Choice(NamedTuple):
    """What can be chosen: the name of the field, its label, the values with their words, and what is chosen."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report was asked for, and its tables."""

    tables: dict[str, Table]
    today: date
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Section:
    """A table on a page, told in a sentence, perhaps with its picture; `source` names the table that is saved."""

    name: str
    text: str
    table: Table
    source: str
    picture: Markup | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A report: who may see it, how its tables are made, and what is shown of them."""

    name: str
    label: str
    text: str
    least: Role
    ask: Callable[[Connection, Settings, Query, date, Shown], Asked]
    show: Callable[[Asked, Shown], Iterator[Section]]
    keys: Callable[[Asked, Shown], list[tuple[str, str]]]


# -- control -----------------------------------------------------------------------------------------------------------


def _ask_control(connection: Connection, settings: Settings, query: Query, today: date, shown: Shown) -> Asked:
    months = effectiveness.months_until(connection, today)
    over = [first for first in months if (today - first).days > _LONGEST_MONTH + WINDOW]
    asked = [first for first in months if f"{first:%Y-%m}" == query.get("month")]
    first = (asked or over or months or [today.replace(day=1)])[0]
    later = months.index(first) if first in months else 0
    found = [
        one for month in months[later : later + _CURVES] or [first]
        for one in effectiveness.control(connection, settings, month, as_of=today, window=WINDOW)
    ]  # fmt: skip
    tables = {table.name: table for table in effectiveness.as_tables(found, settings)}
    owed = {one.currency: one.report.cohort.amount for one in reversed(found)}
    currency = query.get("currency", "")
    chosen = currency if currency in owed else max(owed, key=lambda one: owed[one], default="")
    told = {name: table.where(currency=chosen) for name, table in tables.items()}
    told["control"] = told["control"].where(month=f"{first:%Y-%m}")
    options = [(f"{month:%Y-%m}", shown.month(month)) for month in months]
    choices = [Choice("month", _("Month"), options, f"{first:%Y-%m}")]
    if len(owed) > 1:
        choices.append(Choice("currency", _("Currency"), [(one, one) for one in sorted(owed)], chosen))
    return Asked(told, today, choices)


_PAID_AFTER = (
    "row customers share_customers amount share_amount contacted_customers contacted_amount share_of_contacted "
    "median_days cost_per_100"
)
_TOUCHES = "row customers amount first_touch_customers first_touch_amount any_touch_customers any_touch_amount"


def _show_control(asked: Asked, shown: Shown) -> Iterator[Section]:
    control, recovery, steps = (asked.tables[name] for name in ("control", "recovery", "steps"))
    weekly = [row for row in recovery.rows if int(str(row[2])) % _EVERY == 0]
    listed = Table(recovery.name, recovery.columns, tuple(weekly))
    yield Section(
        "control",
        _("Each cent and each customer stands in one row: that of the last contact before the money came, within two "
          "weeks. All rows add up to the new debt of the month."),
        control.cut(_PAID_AFTER), "control",
    )  # fmt: skip
    curve = charts.recovery(recovery, steps, shown)
    yield Section(
        "recovery",
        _("Counted from the day on which each debt fell overdue, with the two months before. The table lists every "
          "seventh day, the file all of them."),
        listed.cut("month day amount share"), "recovery", curve,
    )  # fmt: skip
    yield Section(
        "steps", _("The day on which half of the contacts of a step had reached somebody."),
        steps.where(month=asked.choices[0].chosen).cut("step method median_day contacts"), "steps",
    )  # fmt: skip
    methods = control.cut(_TOUCHES)
    contacts = tuple(row for row in methods.rows if row[3] is not None)
    yield Section(
        "touches",
        _("Beside the last contact: what would count for the first one, and what was paid after any contact by a "
          "channel. The latter may add up to more than was paid."),
        Table("touches", methods.columns, contacts), "control",
    )  # fmt: skip


def _keys_control(asked: Asked, shown: Shown) -> list[tuple[str, str]]:
    rows = {row["row"]: row for row in _rows(asked.tables["control"])}
    if effectiveness.COHORT not in rows:
        return []
    whole, left = rows[effectiveness.COHORT], rows["open"]["share_amount"] or 0
    silent = (rows["not_attributed"]["share_amount"] or 0) + (rows["listed"]["share_amount"] or 0)
    return [
        (shown.say(_("New debt")), shown.money(whole["amount"])),
        (shown.say(_("Customers")), shown.count(whole["customers"])),
        (
            shown.say(_("Paid so far (provisional)") if whole["provisional"] else _("Paid so far")),
            shown.share(1 - left),
        ),
        (shown.say(_("Paid after a contact")), shown.share(max(1 - left - silent, 0))),
    ]


# -- contacts, promises, hours -----------------------------------------------------------------------------------------


def _period(settings: Settings, query: Query, today: date, usual: int) -> tuple[contact_figures.Days, Choice]:
    days = next((days for days in _PERIODS if str(days) == query.get("days")), usual)
    options = [(str(one), label) for one, label in _PERIODS.items()]
    found = contact_figures.days_of(settings, today - timedelta(days=days - 1), today)
    return found, Choice("days", _("Period"), options, str(days))


def _ask_contacts(connection: Connection, settings: Settings, query: Query, today: date, shown: Shown) -> Asked:
    days, choice = _period(settings, query, today, 30)
    tables = contact_figures.contacts(connection, settings, days)
    return Asked({table.name: table for table in tables}, today, [_translated(choice, shown)])


def _ask_promises(connection: Connection, settings: Settings, query: Query, today: date, shown: Shown) -> Asked:
    days, choice = _period(settings, query, today, 365)
    found = promise_figures.promises(connection, days)
    made = [(str(row["currency"]), row["amount"].minor) for row in _rows(found[0])]
    currencies = sorted({currency for currency, _amount in made})
    most = max(currencies, key=lambda one: sum(amount for currency, amount in made if currency == one), default="")
    chosen = query.get("currency", "") if query.get("currency") in currencies else most
    choices = [_translated(choice, shown)]
    if len(currencies) > 1:
        choices.append(Choice("currency", _("Currency"), [(one, one) for one in currencies], chosen))
    return Asked({table.name: table.where(currency=chosen) for table in found}, today, choices)


def _ask_hours(connection: Connection, settings: Settings, query: Query, today: date, shown: Shown) -> Asked:
    days, choice = _period(settings, query, today, 90)
    [table] = contact_figures.hours(connection, days)
    return Asked({table.name: table}, today, [_translated(choice, shown)])


def _translated(choice: Choice, shown: Shown) -> Choice:
    return choice._replace(options=[(value, shown.say(label)) for value, label in choice.options])


_CHANNELS = (
    "channel planned waiting withdrawn sent reached contact_rate right_party right_party_rate promises promise_rate"
)


def _show_contacts(asked: Asked, shown: Shown) -> Iterator[Section]:
    texts = {
        "funnel": _("Customers whose contacts were planned in the period. Each stage counts those of the stage before; "
                    "paid is who paid something after promising it."),
        "channels": _("What was planned is waiting, withdrawn or sent. Reached: a message arrived, or a person "
                      "picked up."),
        "abandoned": _("Answered by a person, and nobody was free: each day, and over the window that the law looks "
                       "at."),
        "held_back": _("Accounts that the newest planning run of each campaign did not take up, by reason."),
        "withdrawn": _("Contacts that were planned, and not sent because something had come between."),
        "teams": _("Of teams of at least six; smaller ones stand together, so that nobody can be recognised."),
        "agents": _("Of each agent, as your configuration has it."),
    }  # fmt: skip
    pictures = {"funnel": charts.funnel, "abandoned": charts.abandoned}
    for name, text in texts.items():
        if name in asked.tables:
            table = asked.tables[name].cut(_CHANNELS) if name == "channels" else asked.tables[name]
            draw = pictures.get(name)
            yield Section(name, text, table, name, draw(table, shown) if draw else None)


def _keys_contacts(asked: Asked, shown: Shown) -> list[tuple[str, str]]:
    rows = {row["channel"]: row for row in _rows(asked.tables["channels"])}
    whole, calls = rows[contact_figures.ALL], rows.get("call", {})
    return [
        (shown.say(_("Contacts sent")), shown.count(whole["sent"])),
        (shown.say(_("Reached")), shown.value(Kind.SHARE, whole["contact_rate"])),
        (shown.say(_("Right party, of calls")), shown.value(Kind.SHARE, calls.get("right_party_rate"))),
        (shown.say(_("Promises, of those spoken to")), shown.value(Kind.SHARE, whole["promise_rate"])),
    ]


def _show_promises(asked: Asked, shown: Shown) -> Iterator[Section]:
    kept = "month kind promises amount kept partly_kept broken open ended_otherwise received"
    rates = " kept_rate kept_amount_rate"
    calendar = asked.tables["calendar"]
    yield Section(
        "calendar", _("What falls due from two weeks ago to four weeks ahead."),
        calendar.cut("day due due_amount paid paid_amount missed missed_amount open open_amount"), "calendar",
        charts.promise_calendar(calendar, asked.today, shown),
    )  # fmt: skip
    yield Section(
        "due", _("Kept, of those whose time is up: all of it came in, with the days of grace. Withdrawn and superseded "
                 "ones are in no rate."), asked.tables["due"].cut(kept + rates), "due",
    )  # fmt: skip
    yield Section(
        "made",
        _("The same promises by the month in which they were made."),
        asked.tables["made"].cut(kept + rates),
        "made",
    )


def _keys_promises(asked: Asked, shown: Shown) -> list[tuple[str, str]]:
    rows = _rows(asked.tables["made"])
    if not rows:
        return []
    total: dict[str, Any] = {
        name: sum(row[name] for row in rows) for name in ("promises", "kept", "partly_kept", "broken")
    }
    amounts = {name: sum((row[name] for row in rows[1:]), rows[0][name]) for name in ("amount", "open_amount")}
    over = total["kept"] + total["partly_kept"] + total["broken"]
    return [
        (shown.say(_("Promises made")), shown.count(total["promises"])),
        (shown.say(_("Promised")), shown.money(amounts["amount"])),
        (
            shown.say(_("Kept, of those whose time is up")),
            shown.value(Kind.SHARE, total["kept"] / over if over else None),
        ),
        (shown.say(_("Still open")), shown.money(amounts["open_amount"])),
    ]


def _show_hours(asked: Asked, shown: Shown) -> Iterator[Section]:
    table = asked.tables["hours"]
    text = _(
        "Calls by weekday and hour, by the clock of whoever is called, and how many of them reached the right person."
    )
    yield Section("hours", text, table, "hours", charts.heat_map(table, shown))


def _keys_hours(asked: Asked, shown: Shown) -> list[tuple[str, str]]:
    rows = _rows(asked.tables["hours"])
    calls, right = sum(row["calls"] for row in rows), sum(row["right_party"] for row in rows)
    sure = [row for row in rows if row["calls"] >= _FEW]
    best = max(sure, key=lambda row: (row["right_party_rate"], row["calls"]), default=None)
    hour = f"{shown.weekday(best['weekday'])} {shown.hour(best['hour'])}" if best else "–"
    return [
        (shown.say(_("Calls placed")), shown.count(calls)),
        (shown.say(_("Right party")), shown.value(Kind.SHARE, right / calls if calls else None)),
        (shown.say(_("Best hour")), hour),
    ]


def _rows(table: Table) -> list[dict[str, Any]]:
    return [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]


PAGES = (
    Page("control", _("Control"), _("Which way of contacting customers brings money in: the new debt of a month, and "
         "what was paid after which contact."), Role.MANAGER, _ask_control, _show_control, _keys_control),
    Page("contacts", _("Contacts"), _("What became of the contacts that were planned, and why others were not."),
         Role.SUPERVISOR, _ask_contacts, _show_contacts, _keys_contacts),
    Page("promises", _("Promises"), _("What customers promised, what they kept, and what is due in the next weeks."),
         Role.MANAGER, _ask_promises, _show_promises, _keys_promises),
    Page("hours", _("Hours"), _("When calls reach the right person."),
         Role.SUPERVISOR, _ask_hours, _show_hours, _keys_hours),
)  # fmt: skip


def today_of(settings: Settings, now: datetime) -> date:
    """Answer which day it is where the books are kept."""
    return now.astimezone(contact_figures.days_of(settings, now.date(), now.date()).zone).date()
