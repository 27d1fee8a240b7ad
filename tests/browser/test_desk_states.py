"""The state bar: what the keys do, what the desk says, and what becomes of a call while nobody looks."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.calling import call, open_calling, rows, sit_down, stop_the_clock
from tests.browser.looks import look_in_both
from tests.browser.site import Site, Tabs


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a daemon that calls."""
    del browser
    with open_calling(tmp_path_factory.mktemp("desk"), customers=6) as site:
        yield site


def says(page: Page, word: str) -> None:
    """Wait until the state bar says this word."""
    expect(page.locator(".standing strong")).to_have_text(word)


def test_the_desk_looks_well_in_every_state_and_its_keys_do_what_it_says(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    sit_down(page)
    says(page, "Abgemeldet")
    page.keyboard.press("F9")
    says(page, "Bereit")
    look_in_both(page, "desk-ready")
    page.keyboard.press("F9")
    says(page, "Pause")
    expect(page.locator("h1")).to_have_text("Sie haben Pause")
    page.get_by_role("button", name="Grund der Pause").click()
    page.get_by_role("button", name="Besprechung").click()
    says(page, "Pause · Besprechung")
    page.keyboard.press("F9")
    says(page, "Bereit")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    call(site, page)
    says(page, "Im Gespräch")
    page.keyboard.press("F9")
    expect(page.get_by_role("button", name="Pause nach Gespräch")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Halten").click()
    says(page, "Gehalten")
    page.get_by_role("button", name="Weiter", exact=True).click()
    says(page, "Im Gespräch")
    stop_the_clock(page)
    page.keyboard.press("F8")
    expect(page.locator("#again")).to_have_text("Nochmals")
    says(page, "Im Gespräch")
    page.keyboard.press("F8")
    page.clock.resume()
    says(page, "Nachbearbeitung")
    site.verb("agent", "anna", "done", "dropped")
    says(page, "Pause")
    expect(page).to_have_title(re.compile("^Pause"))
    assert rows(site, "SELECT disposition FROM attempt WHERE disposition <> ''") == [{"disposition": "dropped"}]
    figures = page.request.get("/metrics").text()
    assert "contactd_desk_pop_seconds_count 1.0" in figures
    page.keyboard.press("F9")


def test_whoever_is_no_agent_is_told_so(tabs: Tabs) -> None:
    page = tabs.open(role="supervisor")
    page.goto("/desk")
    expect(page.locator("h1")).to_have_text("No desk of yours")
    expect(page.locator("code")).to_have_text("[agents.sven]")
