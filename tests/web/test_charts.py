"""The pictures of the reports: drawn of their tables, told in words, and without a style or a script of their own."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

import pytest
from markupsafe import Markup

from contactd.domain.money import Money
from contactd.domain.report_table import Table, Value, table
from contactd.web import charts
from contactd.web.drawing import as_file
from contactd.web.figures_shown import Shown
from contactd.web.statics import sheet

SVG = "{http://www.w3.org/2000/svg}"
OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)
ENGLISH, GERMAN = Shown("en"), Shown("de")


def made(columns: str, *rows: Sequence[Value]) -> Table:
    return table("table", columns, iter(rows))


def curves(*shares: float) -> Table:
    rows = [(month, day, share) for month in (OCTOBER, SEPTEMBER) for day, share in enumerate(shares)]
    return made("month:month day:count share:share", *rows)


STEPS = made(
    "month:month step:text method:word median_day:number", (OCTOBER, "<script>", "email", 2),
    (OCTOBER, "second", "call", 2.5), (SEPTEMBER, "of another month", "sms", 2),
)  # fmt: skip
HOURS = made(
    "weekday:weekday hour:hour calls:count right_party_rate:share", (1, 9, 50, 0.1), (2, 18, 40, 0.5), (3, 7, 3, 1.0)
)
FUNNEL = made(
    "stage:word customers:count share_of_planned:share",
    ("planned", 2_000, 1.0),
    ("reached", 500, 0.25),
    ("paid", 0, 0.0),
)
ABANDONED = made(
    "campaign:text day:day rate:share window_rate:share limit:share", ("one", OCTOBER, 0.1, 0.02, 0.03),
    ("two", OCTOBER, None, None, None), ("two", date(2026, 10, 3), 0.0, 0.0, None),
)  # fmt: skip
EUR = "EUR"
CALENDAR = made(
    "day:day due_amount:money paid:count missed:count open:count",
    (date(2026, 10, 5), Money(123_456, EUR), 1, 2, 0), (date(2026, 10, 14), Money(90, EUR), 0, 0, 3),
)  # fmt: skip


def pictures(shown: Shown) -> dict[str, Markup | None]:
    return {
        "recovery": charts.recovery(curves(0.0, 0.2, 0.4), STEPS, shown),
        "hours": charts.heat_map(HOURS, shown),
        "funnel": charts.funnel(FUNNEL, shown),
        "abandoned": charts.abandoned(ABANDONED, shown),
        "calendar": charts.promise_calendar(CALENDAR, date(2026, 10, 6), shown),
    }


def texts(picture: Markup | None) -> list[str]:
    assert picture is not None
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314 -- our own


def elements(picture: Markup | None) -> Iterator[ET.Element]:
    assert picture is not None
    yield from ET.fromstring(picture).iter()  # noqa: S314 -- our own


@pytest.mark.parametrize("name", ["recovery", "hours", "funnel", "abandoned", "calendar"])
def test_a_picture_is_told_in_words_and_takes_every_colour_from_the_sheet(name: str) -> None:
    found = list(elements(pictures(GERMAN)[name]))
    root = found[0]
    named = [element.attrib["id"] for element in found if element.tag in {f"{SVG}title", f"{SVG}desc"}]
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == named
    assert all(element.text for element in found[1:3])
    attributes = {attribute for element in found for attribute in element.attrib}
    assert attributes & {"style", "fill", "stroke", "onload", "href"} == set()
    classes = {one for element in found for one in element.attrib.get("class", "").split()}
    assert [one for one in classes if one != "chart" and f".chart .{one} " not in sheet("charts.css")] == []


def test_a_saved_picture_carries_its_colours_and_no_script_of_a_name() -> None:
    picture = pictures(ENGLISH)["recovery"]
    assert picture is not None
    saved = as_file(picture, sheet("base.css"), sheet("charts.css"))
    assert saved.startswith("<?xml")
    assert "<script" not in saved
    assert "light-dark" not in saved
    assert re.search(r"\.chart \.curve { fill: none; stroke: #1a5b9e;", saved)
    ET.fromstring(saved.encode())  # noqa: S314 -- our own


def test_a_curve_names_its_months_and_the_steps_of_the_newest() -> None:
    found = texts(pictures(ENGLISH)["recovery"])
    assert {"Oct 2026: 40.0% (2 days)", "Sept 2026: 40.0% (2 days)"} <= set(found)
    assert {"1  <script>: E-mail, day 2", "2  second: Call, day 2.5"} <= set(found)
    assert not any("another month" in text for text in found)
    assert charts.recovery(curves(), STEPS, ENGLISH) is None
    assert "Okt. 2026: 10,0 % (0 Tage)".replace(" %", "\u00a0%") in texts(charts.recovery(curves(0.1), STEPS, GERMAN))


def test_every_step_stands_on_its_day_however_late_and_no_number_covers_another() -> None:
    late = [(OCTOBER, f"step {place}", "call", day) for place, day in enumerate((38, 46, 46, 46, 47.5))]
    steps = made("month:month step:text method:word median_day:number", *late)
    picture = charts.recovery(curves(0.0, 0.4), steps, GERMAN)
    places = [float(element.attrib["x"]) for element in elements(picture) if element.attrib.get("class") == "badge"]
    assert all(right - left >= 16 for left, right in pairwise(places))
    ticks = [element for element in elements(picture) if element.attrib.get("class") == "tick"]
    days = {element.attrib["x1"] for element in ticks if element.attrib["x1"] == element.attrib["x2"]}
    assert {f"{48 + 640 * day / 48:.4g}" for day in (38, 46, 47.5)} <= {f"{float(x):.4g}" for x in days}
    assert "5  step 4: Anruf, Tag 47,5" in texts(picture)


def test_labels_of_lines_that_end_together_do_not_cover_each_other() -> None:
    found = [element for element in elements(pictures(ENGLISH)["recovery"]) if "days)" in (element.text or "")]
    heights = sorted(float(element.attrib["y"]) for element in found if element.tag == f"{SVG}text")
    assert heights[1] - heights[0] >= 18


def test_a_heat_map_tells_the_best_hour_and_trusts_no_hour_of_few_calls() -> None:
    found = texts(pictures(ENGLISH)["hours"])
    assert {"50%", "40", "10%", "7", "19", "Mon", "Sun"} <= set(found)
    assert any(text.startswith("Best: Tue 18–19, 50.0% of 40 calls.") for text in found)
    dashed = [element for element in elements(pictures(ENGLISH)["hours"]) if element.attrib.get("class") == "few"]
    assert len(dashed) == 1
    few = charts.heat_map(made("weekday:weekday hour:hour calls:count right_party_rate:share", (1, 9, 2, 0.5)), ENGLISH)
    assert not any("Best" in text for text in texts(few))


def test_a_funnel_tells_customers_and_shares_and_nobody_is_no_funnel() -> None:
    assert {"2.000", "500", "25,0\u00a0%", "Bezahlt"} <= set(texts(pictures(GERMAN)["funnel"]))
    assert (
        charts.funnel(made("stage:word customers:count share_of_planned:share", ("planned", 0, None)), GERMAN) is None
    )


def test_each_campaign_has_its_own_limit_or_none() -> None:
    found = texts(pictures(ENGLISH)["abandoned"])
    assert {"one", "two", "2.0%", "Limit 3.0%", "3 Oct 2026"} <= set(found)
    assert sum(text.startswith("Limit") for text in found) == 1


def test_a_calendar_shows_whole_weeks_and_says_by_signs_what_came_in() -> None:
    found = texts(pictures(ENGLISH)["calendar"])
    assert {"€1,235", "✓ 1", "✗ 2", "○ 3", "5 Oct", "18"} <= set(found)
    marked = [element for element in elements(pictures(ENGLISH)["calendar"]) if element.attrib.get("class") == "today"]
    assert len(marked) == 1
    later = charts.promise_calendar(CALENDAR, date(2026, 11, 2), ENGLISH)
    assert "1 Nov" in texts(later)
