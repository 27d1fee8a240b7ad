"""The reports as a manager reads them: half a year of contacts and payments, in every look."""

import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from contactd.store.database import Database
from tests.browser.looks import look_at
from tests.browser.site import Site, Tabs, open_site
from tests.engine.reported_year import fill

# Its limit is what the picture of abandoned calls shows.
_CAMPAIGN = """
id = "mahnung-standard"
language = "de"
timezone = "Europe/Berlin"
[[step]]
id = "anruf"
day = 28
channel = "call"
windows = ["Mo-Fr 09:00-18:00"]
max_abandon = "3 %"
[select]
min_open = "10000000.00 EUR"
"""
REPORTS = ("control", "contacts", "promises", "hours")


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a daemon that has half a year behind it."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "campaigns.d").mkdir()
    (folder / "campaigns.d" / "mahnung-standard.toml").write_text(_CAMPAIGN, encoding="utf-8")

    def furnish(database: Database) -> None:
        fill(database, 3_000, datetime.now(UTC))

    with open_site(folder, '[telephony]\nbackend = "simulated"\n', furnish) as site:
        yield site


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_accessible_in_every_look(tabs: Tabs, report: str, language: str) -> None:
    page = tabs.open(language=language, role="manager")
    page.goto(f"/reports/{report}")
    assert page.locator("svg.chart").count() >= 1
    look_at(page, f"report-{report}")


def test_a_table_opens_below_its_picture_by_keyboard_and_both_are_saved(tabs: Tabs) -> None:
    page = tabs.open(role="manager")
    page.goto("/reports/promises")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator('table[data-table="calendar"]')).to_be_visible()
    look_at(page, "report-promises-table")
    for kind, begins in (("SVG", b"<?xml"), ("CSV", b"day,currency,due")):
        assert saved(page, kind).startswith(begins)


def saved(page: Page, kind: str) -> bytes:
    """Save a file of the first section."""
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile(f"as {kind}")).first.click()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved"
        download.value.save_as(path)
        return path.read_bytes()


def test_a_picture_that_was_saved_stands_by_itself(tabs: Tabs, browser: Browser, site: Site) -> None:
    page = tabs.open(role="manager")
    page.goto("/reports/hours")
    drawn = saved(page, "SVG").decode()
    assert "var(" not in drawn
    alone = browser.new_page()
    alone.set_content(drawn.partition("?>")[2])
    cell = alone.locator("rect[class^=heat]").first
    assert cell.evaluate("one => getComputedStyle(one).fill") != "rgb(0, 0, 0)"
    alone.close()


def test_a_month_is_chosen_and_a_supervisor_sees_no_money(tabs: Tabs) -> None:
    page = tabs.open(role="manager")
    page.goto("/reports")
    page.wait_for_url("**/reports/control")
    options = page.locator("select[name=month] option").evaluate_all("all => all.map(one => one.value)")
    page.locator("select[name=month]").select_option(options[0])
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(f"**/reports/control?month={options[0]}")
    expect(page.get_by_text("Paid so far (provisional)")).to_be_visible()
    other = tabs.open(role="supervisor")
    other.goto("/reports")
    other.wait_for_url("**/reports/contacts")
    expect(other.locator("nav.tabs a")).to_have_count(2)
