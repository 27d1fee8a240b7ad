"""A whole call at the desk, by keyboard alone, from the greeting to the promise in the database."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.calling import KEPT, call, identify, open_calling, promise, rows, soon, start_work
from tests.browser.looks import look_in_both
from tests.browser.site import Site, Tabs
from tests.faults.stage import now

FIRST = "„Zusage“ geht erst, wenn die Person identifiziert ist: Sagen Sie zuerst, wer am Apparat ist."


@pytest.fixture
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a daemon that calls one customer, for each test anew."""
    del browser
    with open_calling(tmp_path_factory.mktemp("desk")) as site:
        yield site


def test_a_whole_call_of_five_steps_by_keyboard_alone_ends_as_a_promise(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    keys, day = page.keyboard, (now() + timedelta(days=7)).strftime("%d.%m.%Y")
    start_work(page)
    call(site, page)
    expect(page.locator("#case")).to_have_attribute("data-step", "identify")
    expect(page.locator(".debtor h1")).to_have_text("Karin Kranichfeld")
    expect(page.locator(".figures")).to_contain_text("Vertraulich")
    expect(page.locator(".figures")).not_to_contain_text("RE-20931")
    look_in_both(page, "desk-call-identify")
    promise(page, "+7")
    expect(page.locator("#foreseen")).to_have_text(FIRST)
    for _ in range(2):
        keys.press("PageUp")
    expect(page.locator("#case")).to_have_attribute("data-step", "identify")
    identify(page)
    expect(page.locator(".figures .invoices")).to_contain_text("RE-20931")
    keys.press("PageDown")
    expect(page.locator("#why")).to_be_focused()
    keys.type("Kein")
    keys.press("Tab")
    keys.type("Wartet auf das Gehalt")
    promise(page, "")
    keys.press("Control+a")
    keys.type("gestern")
    expect(page.locator("#e-on")).to_contain_text("ultimo")
    keys.press("Control+a")
    keys.type("+7")
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    expect(page.locator("#foreseen")).to_contain_text(day)
    look_in_both(page, "desk-call-solution")
    keys.press("PageDown")
    expect(page.locator("#summary")).to_contain_text("Ich fasse zusammen: Sie zahlen 412,80\xa0€ bis zum")
    look_in_both(page, "desk-call-close")
    keys.press("F4")
    keys.type("Ruft an, falls das Gehalt spaeter kommt.")
    expect(page.locator("#saved")).to_have_text(KEPT)
    keys.press("Control+Enter")
    expect(page.locator(".standing")).to_have_class("standing ready")
    was_promised(site)


def was_promised(site: Site) -> None:
    """Hold what stands in the database against what was said; nothing that proves who it was stands anywhere."""
    soon(site, "SELECT disposition, outcome FROM attempt WHERE channel = 'call'",
         [{"disposition": "promise", "outcome": "answered"}])  # fmt: skip
    assert rows(site, "SELECT kind, amount FROM agreement") == [{"kind": "promise", "amount": 41280}]
    assert rows(site, "SELECT count(*) AS n FROM draft") == [{"n": 0}]
    [logged] = rows(site, "SELECT details FROM contact_log WHERE event = 'disposition'")
    assert "Ruft an, falls das Gehalt" in logged["details"]
    for place in (logged["details"], site.life.log_text()):
        assert "1980" not in place
        assert "1981" not in place
