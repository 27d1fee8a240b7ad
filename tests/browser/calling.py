"""A daemon that calls: one campaign, one agent who is a person, customers who pick up and talk for hours."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store.database import Database, open_database
from tests.browser.site import Site, open_site
from tests.faults.life import until
from tests.faults.stage import now, zone_where_it_is_noon

CAMPAIGN = "Mahnung-Standard"
KEPT = re.compile(r"^gespeichert \d")  # "noch nicht gespeichert" is what stands there before
_SOON = 60  # seconds: the machine may be busy
_SIMULATED = """\
[telephony]
backend = "simulated"
caller_id = "+493023125100"
[telephony.simulated]
answer = "100 %"
busy = "0 %"
machine = "0 %"
ring = "1 second"
talk = "8 hours"
"""
_CAMPAIGN = """\
id = "{campaign}"
timezone = "{zone}"
team = "mahnung"
rules = "us-reg-f"
[[step]]
id = "Anruf"
day = 3
channel = "call"
attempts = 6
mode = "{mode}"
preview = "15 minutes"
"""
# The title tells the state once the daemon has pushed it, which it does when it has heard of the desk.
_TOLD = re.compile("^(Abgemeldet|Signed off) · ")
INVOICES = (("RE-20931", 34, "198.40"), ("RE-20817", 48, "145.00"), ("RE-20705", 62, "69.40"))


@contextmanager
def open_calling(
    folder: Path,
    *,
    mode: str = "progressive",
    customers: int = 1,
    reached: Mapping[str, str] | None = None,
    telephony: str = _SIMULATED,
    more: str = "",
    furnish: Callable[[Database], None] = lambda _: None,
) -> Iterator[Site]:
    """Run the daemon; each customer owes 412.80 € with three invoices, and nothing is planned yet.

    `reached`: how customers are reached, other than made up here. `telephony` settings, which follow those of agent
    anna; `more` settings, and what `furnish` puts into the database besides.
    """
    campaigns = folder / "campaigns.d"
    campaigns.mkdir()
    campaign = _CAMPAIGN.format(campaign=CAMPAIGN, zone=zone_where_it_is_noon(now()), mode=mode)
    (campaigns / "calls.toml").write_text(campaign, encoding="utf-8")

    def all_of_it(database: Database) -> None:
        rows = [{**row, **(reached or {})} for number in range(customers) for row in _rows(number)]
        accept_accounts(database, rows, now=now)
        accept_payments(database, [], now=now)
        furnish(database)

    with open_site(folder, telephony + more, all_of_it) as site:
        yield site


def _rows(number: int) -> Iterator[dict[str, str]]:
    today = now().date()
    for invoice, overdue, amount in INVOICES:
        yield {
            "account_no": f"4711-{815 + number:04}",
            "name": "Karin Kranichfeld" if number == 0 else f"Bernd Birkentau {number}",
            "language": "de",
            "country": "DE",
            "timezone": zone_where_it_is_noon(now()),
            "email": f"karin{number}@example.org",
            "phone": f"+4930231250{number:02}",
            "mobile": f"+491760406{9000 + number % 100}",
            "street": "Musterweg 7",
            "postcode": "00101",
            "city": "Musterstadt",
            "birth_date": "1980-02-01",
            "invoice_no": f"{invoice}-{number}" if number else invoice,
            "invoice_date": (today - timedelta(days=overdue + 14)).isoformat(),
            "due_date": (today - timedelta(days=overdue)).isoformat(),
            "amount": amount,
            "open": amount,
            "currency": "EUR",
            "goods": "Strom",
            "terms": "14 Tage netto",
        }


def sit_down(page: Page) -> None:
    """Open the desk, and wait until the daemon knows of it: whoever is made up and sat here has got up then."""
    page.goto("/desk")
    expect(page).to_have_title(_TOLD)


def start_work(page: Page) -> None:
    """Sit down at the desk and be ready."""
    sit_down(page)
    page.keyboard.press("F9")
    expect(page.locator(".standing")).to_have_class("standing ready")


def call(site: Site, page: Page) -> None:
    """Have the campaign planned, and wait for the first customer to be on the line."""
    assert site.life.plan(CAMPAIGN), site.life.log_tail()
    expect(page.locator("#work")).to_have_attribute("data-phase", "talk")


def stop_the_clock(page: Page) -> None:
    """Let no time pass on the page, so that what has to follow soon does, however busy the machine is."""
    stopped = now()
    # It can only be set forward, and not by so much that the page takes its daemon for silent.
    page.clock.install(time=stopped - timedelta(seconds=10))
    page.clock.pause_at(stopped)


def hang_up(page: Page) -> None:
    """Hang up by keyboard, for which two presses within two seconds are wanted."""
    stop_the_clock(page)
    for _ in range(2):
        page.keyboard.press("F8")
    page.clock.resume()
    expect(page.locator(".standing")).to_have_class(re.compile("wrap"))


def rows(site: Site, statement: str) -> list[dict[str, Any]]:
    """Ask the daemon's database."""
    database = open_database(f"sqlite:///{site.life.folder / 'contactd.db'}")
    try:
        with database.snapshot() as connection:
            return [dict(row) for row in connection.execute(sa.text(statement)).mappings()]
    finally:
        database.close()


def soon(site: Site, statement: str, wanted: list[dict[str, Any]]) -> None:
    """Wait until the database answers that."""
    until(lambda: rows(site, statement) == wanted, _SOON, lambda: f"{rows(site, statement)}\n{site.life.log_tail()}")


def tab_to(page: Page, wanted: str) -> None:
    """Press the tabulator until this is focused."""
    for _ in range(60):
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", wanted):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached by keyboard")


def identify(page: Page) -> None:
    """Say that the customer is there, and check two answers."""
    keys = page.keyboard
    tab_to(page, "[name=person]")
    keys.press("Space")
    expect(page.locator("[name=person][value=customer]")).to_be_checked()
    expect(page.locator("#case")).to_have_attribute("data-person", "customer")  # what is said now is compared
    for item, said, verdict in (
        ("birth_date", "01.02.1981", "✗ stimmt nicht"),
        ("birth_date", "1.2.1980", "✓ stimmt"),
        ("postcode", "00101", "✓ stimmt"),
    ):
        tab_to(page, f"[data-item={item}]")
        keys.type(said)
        keys.press("Enter")
        expect(page.locator(f".check:has([data-item={item}]) .verdict")).to_have_text(verdict)
        expect(page.locator(f"[data-item={item}]")).to_have_value("")


def promise(page: Page, by: str) -> None:
    """Choose the first outcome and write down until when."""
    keys = page.keyboard
    keys.press("F2")
    keys.press("1")
    expect(page.locator("#f-amount")).to_be_focused()
    keys.press("Tab")
    keys.type(by)
