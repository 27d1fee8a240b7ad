"""A real call at the desk: the browser, the daemon, the PBX and two telephones of the town, one of them the agent's."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
from playwright.sync_api import Browser, expect

from contactd.web.written import number
from tests.browser.calling import KEPT, call, identify, open_calling, promise, rows, soon, start_work
from tests.browser.site import Site, Tabs
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.hearing import Sound, read_sound
from tests.calls.network import Network
from tests.calls.scenes import Line, hear, keep_lines_open, line_of
from tests.calls.sounds import AGENT, CUSTOMER
from tests.faults.life import until

PHONE, NUMBER = "agent1", people.PUPPET.number(7)
R = TypeVar("R")
_ASTERISK = """\
phone = "PJSIP/{phone}"
[telephony]
backend = "asterisk"
caller_id = "+493023125100"
[telephony.asterisk]
url = "{url}"
password = {{ file = "{password}" }}
"""


class Telephones:
    """Moves the town's telephones from a thread of its own: Playwright keeps an event loop in the test's."""

    def __init__(self, network: Network) -> None:
        """Take them up when the block begins."""
        self._network = network
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._open = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        self._town = self.do(self._open.enter_async_context(Ari(self._network.ari, self._network.password, "network")))
        self._keeper = asyncio.run_coroutine_threadsafe(keep_lines_open(self._town), self._loop)
        return self

    def __exit__(self, *_: object) -> None:
        self._keeper.cancel()
        self.do(self._open.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, deed: Coroutine[Any, Any, R]) -> R:
        """Have it done."""
        return asyncio.run_coroutine_threadsafe(deed, self._loop).result(30)

    def line(self, who: str) -> Line:
        """Wait until somebody has picked up: a puppet by its number, an agent's telephone by its name."""
        return self.do(line_of(self._town, self._network, who))

    def sing(self, line: Line) -> None:
        """Let somebody sound a tone from now on."""
        self.do(self._town.ask("POST", f"channels/{line.channel}/play/song", media=f"tone:{CUSTOMER:g}"))

    def fall_silent(self, line: Line) -> None:
        """Let them stop."""
        self.do(self._town.ask("DELETE", "playbacks/song"))
        self.do(line.silence())

    def listen(self, line: Line) -> str:
        """Record what a telephone hears from now on; give it to `heard`."""
        return self.do(self._town.record(line.channel, "meanwhile"))

    def heard(self, ear: str) -> Sound:
        """End the recording."""
        sound = read_sound(self.do(self._town.end_recording("meanwhile", self._network.folder)))
        self.do(self._town.ask("DELETE", f"channels/{ear}"))
        return sound


@pytest.fixture
def site(browser: Browser, pbx: Asterisk, network: Network, tmp_path: Path) -> Iterator[Site]:
    """Run a daemon that calls one customer of the town by the PBX, and agent anna's telephone for her."""
    del browser, network  # which have to outlive it: a telephone that is put down would be rung again
    password = tmp_path / "ari-password"
    password.write_text(pbx.password)
    telephony = _ASTERISK.format(phone=PHONE, url=pbx.ari, password=password)
    with open_calling(tmp_path, reached={"phone": NUMBER, "mobile": ""}, telephony=telephony) as site:
        yield site


@pytest.fixture
def telephones(network: Network) -> Iterator[Telephones]:
    """Take the telephones up."""
    with Telephones(network) as telephones:
        yield telephones


@contextmanager
def heard_all_the_while(telephones: Telephones, customer: Line, desk: Line) -> Iterator[None]:
    """Let the customer sound a tone for the length of the block; the agent's telephone plays it without a gap."""
    telephones.sing(customer)
    ear = telephones.listen(desk)
    yield
    sound = telephones.heard(ear)
    telephones.fall_silent(customer)
    assert sound.seconds_of(CUSTOMER) > 0.9 * sound.seconds > 1
    [heard] = telephones.do(hear([customer], desk.say("agent")))
    assert heard.seconds_of(AGENT) > 0.8


def kept_once(site: Site, network: Network, before: int, attempt: int) -> None:
    """Hold all books against each other: one call that was answered and hung up, one outcome, one promise."""
    until(lambda: len(network.calls()) > before, 60, site.life.log_tail)
    [noted] = network.calls()[before:]
    assert (f"+{noted.number}", noted.disposition, noted.cause) == (NUMBER, "ANSWERED", 16)
    assert noted.attempt == str(attempt)
    soon(site, "SELECT id, outcome, disposition FROM attempt",
         [{"id": attempt, "outcome": "answered", "disposition": "promise"}])  # fmt: skip
    soon(site, "SELECT event, outcome FROM contact_log WHERE event IN ('delivered', 'failed', 'cancelled')",
         [{"event": "delivered", "outcome": "answered"}])  # fmt: skip
    soon(site, "SELECT how_ended FROM call", [{"how_ended": "answered"}])
    assert rows(site, "SELECT count(*) AS n FROM contact_log WHERE event = 'disposition'") == [{"n": 1}]
    assert rows(site, "SELECT kind, amount FROM agreement") == [{"kind": "promise", "amount": 41280}]


def test_a_real_call_goes_on_while_the_page_is_loaded_anew_and_is_in_all_books_once(
    tabs: Tabs, site: Site, network: Network, telephones: Telephones
) -> None:
    before = len(network.calls())
    page = tabs.open(role="agent", language="de")
    keys = page.keyboard
    start_work(page)
    desk = telephones.line(PHONE)
    call(site, page)
    customer = telephones.line(NUMBER)
    attempt = int(page.locator("#case").get_attribute("data-attempt") or 0)
    expect(page.locator(".debtor h1")).to_have_text("Karin Kranichfeld")
    expect(page.locator(".debtor")).to_contain_text(number(NUMBER))
    identify(page)
    with heard_all_the_while(telephones, customer, desk):
        for _ in range(10):
            page.reload()
            expect(page.locator(".standing strong")).to_have_text("Im Gespräch")
            expect(page.locator(".figures")).to_contain_text("RE-20931")
    keys.press("PageDown")
    expect(page.locator("#why")).to_be_focused()
    promise(page, "+7")
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    keys.press("PageDown")
    expect(page.locator("#summary")).to_contain_text("Ich fasse zusammen: Sie zahlen 412,80\xa0€ bis zum")
    assert network.calls()[before:] == []
    keys.press("Control+Enter")
    expect(page.locator(".standing")).to_have_class("standing ready")
    kept_once(site, network, before, attempt)
    wall = tabs.open(role="supervisor", language="de")
    wall.goto("/wall")
    expect(wall.locator("#tile-promises .figure strong")).to_have_text("1")


def test_a_daemon_killed_in_mid_talk_is_found_again_with_the_call_and_all_that_was_typed(
    tabs: Tabs, site: Site, network: Network, telephones: Telephones
) -> None:
    before = len(network.calls())
    page = tabs.open(role="agent", language="de")
    start_work(page)
    desk = telephones.line(PHONE)
    call(site, page)
    customer = telephones.line(NUMBER)
    attempt = int(page.locator("#case").get_attribute("data-attempt") or 0)
    identify(page)
    promise(page, "+7")
    page.keyboard.press("F4")
    page.keyboard.type("Wartet auf den Lohn")
    expect(page.locator("#saved")).to_have_text(KEPT)
    with heard_all_the_while(telephones, customer, desk):
        site.life.kill()
        expect(page.locator("html")).to_have_attribute("data-line", "down")
        page.keyboard.type(" und ruft dann an")
        site.life.start()
        site.life.wait_ready()
        expect(page.locator("html")).to_have_attribute("data-line", "up")
    expect(page.locator(".standing strong")).to_have_text("Im Gespräch")
    expect(page.locator("#note")).to_have_value("Wartet auf den Lohn und ruft dann an")
    expect(page.locator("#saved")).to_have_text(KEPT)
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".standing")).to_have_class("standing ready")
    kept_once(site, network, before, attempt)
    [logged] = rows(site, "SELECT details FROM contact_log WHERE event = 'disposition'")
    assert "Wartet auf den Lohn und ruft dann an" in logged["details"]
