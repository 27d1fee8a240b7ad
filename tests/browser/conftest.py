"""Fixtures of the browser tests: one daemon and one browser for each module, tabs for each test.

For each module, not for the whole run: Playwright keeps an event loop in this thread while it is open, and the other
tests want one of their own.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.site import CHROMIUM, Site, Tabs, open_browser, open_site

# What is waited for comes; how soon is nothing a busy machine can be asked. A page that is right passes at once.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright, open_browser(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run the daemon."""
    with open_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def tabs(browser: Browser, site: Site) -> Iterator[Tabs]:
    """Open tabs; no page may complain, about a broken policy least of all."""
    tabs = Tabs(browser, site)
    yield tabs
    tabs.close()
    assert tabs.complaints == []
