"""The pictures of the reports, each drawn of the very table that stands below it; for report_pages.py.

Whatever a colour says is said by a word, a number, a sign or the kind of a line as well.
"""

import math
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from markupsafe import Markup

from contactd.domain.money import Money
from contactd.domain.report_table import Kind, Table
from contactd.web.drawing import Drawing, Point
from contactd.web.figures_shown import Shown, weeks
from contactd.web.words import _

_STYLES = ("curve", "before-1", "before-2")
_SIGNS = {"paid": "✓", "missed": "✗", "open": "○"}
_FEW = 10  # calls, of which a share says little
_HEATS = 6
_LEAST_HOURS = (8, 19)
_LIGHT_FROM = 3  # the shade of a cell from which on its text is light
_MOST_STEPS = 8
_MOST_CAMPAIGNS = 4
_WIDE = 960.0
_BADGE = 16.0
_CELL = 132.0


def _rows(table: Table) -> list[dict[str, Any]]:
    return [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]


def recovery(curves: Table, steps: Table, shown: Shown) -> Markup | None:
    """Draw how the debt of some months was paid, the newest in front, with the steps of the newest on its days."""
    months: dict[date, list[dict[str, Any]]] = {}
    for row in _rows(curves):
        months.setdefault(row["month"], []).append(row)
    if not months:
        return None
    newest = sorted(months, reverse=True)[: len(_STYLES)]
    ticks = [row for row in _rows(steps) if row["month"] == newest[0]][:_MOST_STEPS]
    most = max(30, *(rows[-1]["day"] for rows in months.values()), *(math.ceil(row["median_day"]) for row in ticks))
    said = _("%(month)s: %(share)s (%(days)s days)")
    told = [
        shown.say(said, month=shown.month(month), share=shown.share(row["share"] or 0), days=row["day"])
        for month, row in ((month, months[month][-1]) for month in newest)
    ]
    title = shown.say(_("Share of the new debt that was paid, by days since it fell overdue"))
    height = _FIELD.top + _FIELD.high + 46 + 20 * ((len(ticks) + 1) // 2)
    drawing = Drawing("recovery", _WIDE, height, title, "; ".join(told))
    _percents(drawing, _FIELD, shown)
    for day in range(0, most + 1, 30):
        drawing.text(_FIELD.x(day / most), _FIELD.bottom + 18, str(day), "quiet", "middle")
    drawing.text(_FIELD.x(1) + 14, _FIELD.bottom + 18, shown.say(_("days")), "quiet")
    _steps(drawing, ticks, most, shown)
    points = {month: [_FIELD.at(one["day"] / most, one["share"] or 0) for one in months[month]] for month in newest}
    places = _apart([points[month][-1][1] for month in newest])
    for style, month, text, y in reversed(list(zip(_STYLES, newest, told, places, strict=False))):
        (x, end), front = points[month][-1], style == _STYLES[0]
        drawing.curve(points[month], style)
        if front:
            drawing.rect(x - 4, end - 4, 8, 8, "dot", round_by=4)
        drawing.line((_FIELD.x(1) + 14, y), (_FIELD.x(1) + 42, y), style)
        drawing.text(_FIELD.x(1) + 50, y + 4, text, "strong" if front else "quiet")
    return drawing.markup()


class _Field(NamedTuple):
    """Where a curve is drawn: from `left` and `top` on, so wide and so high."""

    left: float
    top: float
    wide: float
    high: float

    @property
    def bottom(self) -> float:
        """Give the line that stands for nothing."""
        return self.top + self.high

    def x(self, part: float) -> float:
        """Give the place of a part of the width."""
        return self.left + self.wide * part

    def at(self, along: float, up: float) -> Point:
        """Give a point by its parts of width and height."""
        return self.x(along), self.bottom - self.high * up


_FIELD = _Field(48, 30, 640, 250)


def _percents(drawing: Drawing, field: _Field, shown: Shown) -> None:
    """Rule a field from nothing to the whole."""
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        _x, y = field.at(0, part)
        drawing.line((field.left, y), (field.x(1), y), "grid" if part else "axis")
        drawing.text(field.left - 8, y + 4, shown.whole_share(part), "quiet", "end")


def _steps(drawing: Drawing, ticks: Sequence[dict[str, Any]], most: int, shown: Shown) -> None:
    """Mark the days of steps by numbers, and name them below."""
    name = _("%(number)s  %(step)s: %(channel)s, day %(day)s")
    top, free = _FIELD.top, -math.inf
    for place, row in enumerate(ticks):
        x = _FIELD.x(row["median_day"] / most)
        beside = max(x, free)  # no number covers another
        free = beside + _BADGE
        drawing.line((beside, top - 4), (x, top), "tick")
        drawing.line((x, top), (x, _FIELD.bottom), "tick")
        drawing.rect(beside - 8, top - 20, _BADGE, _BADGE, "badge", round_by=8)
        drawing.text(beside, top - 8, str(place + 1), "small", "middle")
        day = shown.value(Kind.NUMBER, row["median_day"])
        values = {"step": row["step"], "channel": shown.word(row["method"]), "day": day}
        line, column = divmod(place, 2)
        told = shown.say(name, number=place + 1, **values)
        drawing.text(_FIELD.left + 330 * column, _FIELD.bottom + 46 + 20 * line, told, "quiet")


def _apart(heights: Sequence[float], least: float = 18) -> list[float]:
    """Move the places of labels down until none covers another."""
    order = sorted(range(len(heights)), key=lambda one: heights[one])
    found = list(heights)
    for upper, lower in pairwise(order):
        found[lower] = max(found[lower], found[upper] + least)
    return found


def heat_map(table: Table, shown: Shown) -> Markup | None:
    """Draw weekday by hour how often calls reached the right person; the darker, the oftener, beside the number."""
    cells = {(row["weekday"], row["hour"]): row for row in _rows(table)}
    if not cells:
        return None
    hours = [hour for _, hour in cells]
    first, last = min(*hours, _LEAST_HOURS[0]), max(*hours, _LEAST_HOURS[1])
    sure = {place: row for place, row in cells.items() if row["calls"] >= _FEW}
    most = max((row["right_party_rate"] for row in sure.values()), default=0)
    left, top, cell, high = 48.0, 24.0, 908 / (last - first + 1), 42.0
    title = shown.say(_("Right party reached, of calls placed, by weekday and hour"))
    told = shown.say(_("The number below is that of the calls; dashed: fewer than %(few)s calls."), few=_FEW)
    if sure:
        best = max(sure, key=lambda place: (sure[place]["right_party_rate"], sure[place]["calls"]))
        words = _("Best: %(day)s %(hour)s, %(share)s of %(calls)s calls.")
        rate = shown.share(sure[best]["right_party_rate"])
        told = f"{shown.best_hour(words, *best, share=rate, calls=sure[best]['calls'])} {told}"
    drawing = Drawing("hours", _WIDE, top + high * 7 + 30, title, told)
    for hour in range(first, last + 1):
        drawing.text(left + cell * (hour - first + 0.5), top - 8, str(hour), "quiet", "middle")
    for day in range(1, 8):
        drawing.text(0, top + high * (day - 0.5) + 4, shown.weekday(day), "quiet")
        for hour in range(first, last + 1):
            where = left + cell * (hour - first), top + high * (day - 1), cell, high
            _heat(drawing, where, cells.get((day, hour)), most, shown)
    drawing.text(left, top + high * 7 + 20, told, "quiet small")
    return drawing.markup()


def _heat(
    drawing: Drawing, where: tuple[float, float, float, float], row: dict[str, Any] | None, most: float, shown: Shown
) -> None:
    x, y, wide, high = where
    if row is None:
        drawing.rect(x + 1, y + 1, wide - 2, high - 2, "track", round_by=4)
        return
    few = row["calls"] < _FEW
    heat = min(int(row["right_party_rate"] / most * _HEATS), _HEATS - 1) if most and not few else 0
    drawing.rect(x + 1, y + 1, wide - 2, high - 2, "few" if few else f"heat-{heat}", round_by=4)
    ink = " light" if heat >= _LIGHT_FROM else ""
    pale = " quiet" if heat < _LIGHT_FROM - 1 else ""
    style = "quiet" if few else f"strong{ink}"
    drawing.text(x + wide / 2, y + 18, shown.whole_share(row["right_party_rate"]), style, "middle")
    drawing.text(x + wide / 2, y + 32, str(row["calls"]), f"small{ink or pale}", "middle")


def funnel(table: Table, shown: Shown) -> Markup | None:
    """Draw how many customers came from stage to stage, as bars from one line on."""
    rows = _rows(table)
    if not rows or not rows[0]["customers"]:
        return None
    left, wide, high = 118.0, 680.0, 44.0
    title = shown.say(_("Customers from stage to stage"))
    said = _("%(stage)s: %(customers)s")
    told = "; ".join(shown.say(said, stage=shown.word(row["stage"]), customers=row["customers"]) for row in rows)
    drawing = Drawing("funnel", _WIDE, high * len(rows) + 4, title, told)
    for place, row in enumerate(rows):
        y = high * place
        drawing.text(left - 12, y + 25, shown.word(row["stage"]), "", "end")
        drawing.rect(left, y + 6, wide, high - 12, "track", round_by=4)
        drawing.rect(left, y + 6, max(wide * row["share_of_planned"], 2), high - 12, "bar", round_by=4)
        drawing.text(left + wide + 80, y + 25, shown.count(row["customers"]), "strong", "end")
        drawing.text(_WIDE - 4, y + 25, shown.share(row["share_of_planned"]), "quiet", "end")
    return drawing.markup()


def abandoned(table: Table, shown: Shown) -> Markup | None:
    """Draw for each campaign the share of abandoned calls over the window of the law, and its limit."""
    campaigns: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(table):
        campaigns.setdefault(row["campaign"], []).append(row)
    if not campaigns:
        return None
    drawn = list(campaigns.items())[:_MOST_CAMPAIGNS]
    said = _("%(campaign)s: %(share)s at last, limit %(limit)s")
    told = [
        shown.say(said, campaign=campaign, share=shown.share(rows[-1]["window_rate"] or 0), limit=_limit(rows, shown))
        for campaign, rows in drawn
    ]
    title = shown.say(_("Abandoned calls, of those a person answered"))
    drawing = Drawing("abandoned", _WIDE, 210 * len(drawn), title, "; ".join(told))
    for place, (campaign, rows) in enumerate(drawn):
        _against_limit(drawing, _Field(48, 210.0 * place + 36, 780, 130), campaign, rows, shown)
    return drawing.markup()


def _limit(rows: list[dict[str, Any]], shown: Shown) -> str:
    return shown.share(rows[-1]["limit"]) if rows[-1]["limit"] is not None else "–"


def _against_limit(drawing: Drawing, field: _Field, campaign: str, rows: list[dict[str, Any]], shown: Shown) -> None:
    """Draw the share of the window day by day, and the line it must not cross."""
    limit, days = rows[-1]["limit"], [row["day"] for row in rows]
    span = max((days[-1] - days[0]).days, 1)
    most = max(0.01, 1.6 * (limit or 0), *(1.2 * (row["window_rate"] or 0) for row in rows))
    drawing.text(0, field.top - 16, campaign, "strong")
    for part in (0.0, 0.5, 1.0):
        _x, y = field.at(0, part)
        drawing.line((field.left, y), (field.x(1), y), "grid" if part else "axis")
        drawing.text(field.left - 8, y + 4, shown.share(most * part), "quiet", "end")
    points = [field.at((row["day"] - days[0]).days / span, (row["window_rate"] or 0) / most) for row in rows]
    drawing.curve(points, "curve")
    drawing.rect(points[-1][0] - 4, points[-1][1] - 4, 8, 8, "dot", round_by=4)
    labels = [(points[-1][1], shown.share(rows[-1]["window_rate"] or 0), "strong")]
    if limit is not None:
        _x, y = field.at(0, limit / most)
        drawing.line((field.left, y), (field.x(1), y), "limit")
        labels.append((y, shown.say(_("Limit %(share)s"), share=shown.share(limit)), "bad"))
    for y, (_y, text, style) in zip(_apart([label[0] for label in labels]), labels, strict=True):
        drawing.text(field.x(1) + 12, y + 4, text, style)
    drawing.text(field.left, field.bottom + 18, shown.day(days[0]), "quiet")
    drawing.text(field.x(1), field.bottom + 18, shown.day(days[-1]), "quiet", "end")


def promise_calendar(table: Table, today: date, shown: Shown) -> Markup | None:
    """Draw the days on which promises fall due: how much, and what was paid, missed or is to come, by signs."""
    rows = _rows(table)
    if not rows:
        return None
    days = {row["day"]: row for row in rows}
    first, last = min(*days, today), max(*days, today)
    grid = weeks(first, last)
    cell, high, top = _CELL + 4, 66.0, 24.0
    title = shown.say(_("Promises that fall due, day by day"))
    signs = shown.say(_("✓ paid, ✗ missed, ○ to come"))
    drawing = Drawing("calendar", cell * 7, top + high * len(grid) + 24, title, signs)
    for place in range(7):
        drawing.text(cell * place + 8, top - 8, shown.weekday(place + 1), "quiet")
    for line, week in enumerate(grid):
        for place, day in enumerate(week):
            where = cell * place, top + high * line
            _day(drawing, where, day, days.get(day), today, shown, named=day.day == 1 or (line, place) == (0, 0))
    drawing.text(0, top + high * len(grid) + 18, signs, "quiet small")
    return drawing.markup()


def _day(
    drawing: Drawing, where: tuple[float, float], day: date, row: dict[str, Any] | None, today: date, shown: Shown, *,
    named: bool,
) -> None:  # fmt: skip
    x, y = where
    drawing.rect(x + 1, y + 1, _CELL, 62, "past" if day < today else "cell", round_by=6)
    if day == today:
        drawing.rect(x + 1, y + 1, _CELL, 62, "today", round_by=6)
    drawing.text(x + 10, y + 18, shown.day_and_month(day) if named else f"{day.day}", "quiet")
    if row is None:
        return
    amount = row["due_amount"]
    drawing.text(x + 10, y + 36, shown.brief_money(amount if isinstance(amount, Money) else Money(0, "EUR")), "strong")
    at = x + 10.0
    for name, sign in _SIGNS.items():
        if row[name]:
            told = f"{sign} {row[name]}"
            drawing.text(at, y + 53, told, {"paid": "good", "missed": "bad", "open": "quiet"}[name])
            at += 12.0 + 7 * len(told)
