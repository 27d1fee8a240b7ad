"""What is seldom on the desk: a customer whose telephone rings, a caller nobody knows, the time to write that ends."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.calling import CAMPAIGN, KEPT, hang_up, open_calling, rows, soon, start_work
from tests.browser.exchange import AT_ONCE, SLOWLY, Exchange, open_exchange
from tests.browser.looks import look_at, look_in_both
from tests.browser.site import Site, Tabs

UNKNOWN = "+493023125999"
SAID = "SELECT disposition FROM attempt WHERE disposition <> ''"
NOTE = "Ruft nach der Schicht zurück."
_EXCHANGE = """\
[telephony]
backend = "simulated-remote"
caller_id = "+493023125100"
ring = "15 minutes"
[telephony.simulated]
address = "{address}"
"""
_SVEN = """\
[agents.sven]
name = "Sven Beispiel"
team = "mahnung"
"""


@pytest.fixture
def exchange(request: pytest.FixtureRequest) -> Iterator[Exchange]:
    """Run an exchange whose customers are as the test asks."""
    with open_exchange(getattr(request, "param", AT_ONCE)) as exchange:
        yield exchange


@pytest.fixture
def site(
    browser: Browser, exchange: Exchange, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """Run a daemon that calls by that exchange, with what the test asks for besides."""
    del browser
    telephony, more = _EXCHANGE.format(address=exchange.address), getattr(request, "param", {})
    with open_calling(tmp_path_factory.mktemp("desk"), telephony=telephony, **more) as site:
        yield site


def seconds_left(page: Page) -> int:
    """Read the state bar's clock."""
    minutes, seconds = page.locator("#clock").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


@pytest.mark.parametrize(("exchange", "site"), [(SLOWLY, {"mode": "preview"})], indirect=True)
def test_the_card_is_read_while_it_rings_and_put_away_when_somebody_is_there(
    tabs: Tabs, site: Site, exchange: Exchange
) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    assert site.life.plan(CAMPAIGN)
    expect(page.locator("#work")).to_have_attribute("data-phase", "offer")
    expect(page.locator("#case")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#work")).to_have_attribute("data-phase", "ringing")
    expect(page.locator(".standing strong")).to_have_text("Es klingelt")
    expect(page.locator(".figures")).to_contain_text("RE-20931")
    expect(page.locator(".points")).to_contain_text("gewählt")
    expect(page.locator("[name=outcome][value=promise]")).to_be_disabled()
    look_in_both(page, "desk-ringing")
    expect(page.locator("#work")).to_have_attribute("data-phase", "ringing")
    exchange.pick_up()
    expect(page.locator("#work")).to_have_attribute("data-phase", "talk")
    expect(page.locator("#case")).to_have_attribute("data-step", "identify")
    expect(page.locator("[name=person]").first).to_be_focused()
    expect(page.locator(".figures")).to_contain_text("Vertraulich")
    expect(page.locator(".figures")).not_to_contain_text("RE-20931")


def test_a_caller_nobody_knows_is_talked_to_and_nothing_can_be_agreed_with_them(
    tabs: Tabs, site: Site, exchange: Exchange
) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    exchange.call_in(UNKNOWN, "+493023125100")
    expect(page.locator("#work")).to_have_attribute("data-phase", "talk")
    expect(page.locator(".debtor h1")).to_have_text("+49 30 23125999")
    expect(page.locator(".debtor")).to_contain_text("Niemand weiß, wessen Nummer das ist")
    expect(page.locator("[name=person], [data-item]")).to_have_count(0)
    look_in_both(page, "desk-unknown-caller")
    page.keyboard.press("F2")
    page.keyboard.press("1")
    expect(page.locator("#foreseen")).to_have_class(re.compile("refused"))
    page.keyboard.press("F4")
    page.keyboard.type(NOTE)
    page.keyboard.press("F2")
    page.keyboard.press("0")
    expect(page.locator("#foreseen")).not_to_have_class(re.compile("refused"))
    page.keyboard.press("Control+Enter")
    soon(site, SAID, [{"disposition": "dropped"}])
    expect(page.locator("#case")).to_have_count(0)
    assert rows(site, "SELECT count(*) AS n FROM agreement") == [{"n": 0}]


@pytest.mark.parametrize("site", [{"customers": 2, "more": _SVEN}], indirect=True)
def test_more_time_to_write_is_offered_and_taken_and_where_it_ends_nothing_is_lost_or_invented(
    tabs: Tabs, site: Site
) -> None:
    taker, other = tabs.open(role="agent", language="de"), tabs.open(role="supervisor", language="de")
    for page in (taker, other):
        start_work(page)
    assert site.life.plan(CAMPAIGN)
    for page in (taker, other):
        expect(page.locator("#work")).to_have_attribute("data-phase", "talk")
        page.keyboard.press("F4")
        page.keyboard.type(NOTE)
        expect(page.locator("#saved")).to_have_text(KEPT)
        hang_up(page)
    expect(taker.locator(".extend")).to_be_hidden()
    expect(taker.locator(".extend")).to_be_visible()
    assert seconds_left(taker) <= 20
    taker.keyboard.press("F6")
    expect(taker.locator(".extend")).to_be_hidden()
    assert seconds_left(taker) > 60
    look_at(other, "desk-wrap-up")  # whose time is to end
    look_in_both(taker, "desk-wrap-up-extended")
    expect(other.locator(".standing strong")).to_have_text("Pause · Nachbearbeitung dauerte zu lange")
    look_in_both(other, "desk-wrap-up-over")
    assert rows(site, SAID) == []
    for page in (taker, other):
        expect(page.locator("#note")).to_have_value(NOTE)
    for page in (taker, other):
        page.keyboard.press("F2")
        page.keyboard.press("0")
        expect(page.locator("#foreseen li").first).to_be_visible()
        page.keyboard.press("Control+Enter")
    soon(site, SAID, [{"disposition": "dropped"}] * 2)
    expect(other.locator(".standing strong")).to_have_text("Pause · Nachbearbeitung dauerte zu lange")
    assert rows(site, "SELECT count(*) AS n FROM draft") == [{"n": 0}]
