"""The demo's desk: a person takes a call of a simulated customer, and what they agree on shows on the live view."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.calling import promise, tab_to
from tests.browser.looks import look_in_both
from tests.browser.site import Site, Tabs, sign_in
from tests.faults.life import Life, contactd

WITHIN = 60.0  # seconds from the start of the program to the first conversation, but for what the person takes
PLACES = {
    "postcode": re.compile(r"00\d{3}|ZZ99 \d\w\w"),
    "customer_number": re.compile(r"10\d{4}"),
}


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start `contactd demo --desk`; answers what it says, and after how long."""
    del browser
    folder = tmp_path_factory.mktemp("demo") / "files"
    started = time.monotonic()
    running = subprocess.Popen(contactd("demo", "--desk", "--json", "--dir", folder), stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        said = ""
        while "}" not in said:
            line = running.stdout.readline()
            assert line, f"the demo ended by itself: {running.wait()}"
            said += line
        yield json.loads(said) | {"opened_after": str(time.monotonic() - started), "folder": str(folder)}
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
    finally:
        running.kill()
        running.wait()
        if running.stdout is not None:
            running.stdout.close()


@pytest.fixture
def site(demo: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Let tabs open the demo's pages."""
    return Site(Life(tmp_path_factory.mktemp("tabs"), "demo", web_port=urlsplit(demo["url"]).port or 0))


def ask(page: Page, question: str) -> str:
    """Ask the customer by keyboard, and read the caption."""
    before = page.locator(".heard p").count()
    tab_to(page, f"[name=question][value={question}]")
    page.keyboard.press("Enter")
    expect(page.locator(".heard p")).to_have_count(before + 1)
    return page.locator(".heard .now q").inner_text()


def identify(page: Page, told: dict[str, str]) -> None:
    """Say that the customer is there, and check what they have told."""
    tab_to(page, "[name=person]")
    page.keyboard.press("Space")
    expect(page.locator("#case")).to_have_attribute("data-person", "customer")
    for item, form in PLACES.items():
        found = form.search(told[item])
        assert found is not None, told
        tab_to(page, f"[data-item={item}]")
        page.keyboard.type(found[0])
        page.keyboard.press("Enter")
        expect(page.locator(f".check:has([data-item={item}]) .verdict")).to_have_text("✓ stimmt")


def test_a_person_takes_a_call_within_a_minute_and_the_promise_shows_on_the_live_view(
    tabs: Tabs, demo: dict[str, str]
) -> None:
    page = tabs.open(language="de")
    page.goto("/sign-in")
    expect(page.locator(".demo")).to_contain_text("DEMO")
    sign_in(page, demo["name"], demo["password"])
    page.wait_for_url("**/desk")
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    page.keyboard.press("F9")
    ready = time.monotonic()
    expect(page.locator("#work")).to_have_attribute("data-phase", "talk")
    assert float(demo["opened_after"]) + time.monotonic() - ready < WITHIN
    expect(page.locator(".heard .now q")).not_to_be_empty()
    expect(page.locator(".demo")).to_contain_text("DEMO")
    assert re.search(r"19\d\d|20\d\d", ask(page, "birth_date"))
    assert len({ask(page, question) for question in ("why", "payment")}) == 2
    told = {item: ask(page, item) for item in PLACES}
    page.reload()
    expect(page.locator(".heard p")).to_have_count(6)
    look_in_both(page, "demo-desk")
    identify(page, told)
    promise(page, "+7")
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".heard")).to_have_count(0)
    page.goto("/live")
    yours = page.locator("tr", has=page.locator("th", has_text="Zugesagt"))
    expect(yours.locator("strong")).not_to_have_text("0")
    look_in_both(page, "demo-live")
    page.goto("/wall")
    expect(page.locator(".demo")).to_contain_text("DEMO")
    expect(page.locator("#tile-promises .figure strong")).to_have_text("1")
