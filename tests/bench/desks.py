"""How long a customer's card takes from the bridge to the eye, with 25 desks open in one browser.

As the page reports it and `contactd_desk_pop_seconds` keeps it, the way back included. Customers pick up one after the
other within twenty seconds, and an agent is only found then, so that the card comes with the bridge and not before. One
more customer is called: the agent without a person takes them. The reference is a request of the same page that
changes nothing.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from statistics import median

from playwright.sync_api import Browser, Error, Page, sync_playwright

from contactd.domain.role import Role
from contactd.store import logins
from contactd.store.database import Database
from contactd.store.logins import Login
from contactd.web.passwords import hash_now
from tests.bench.figures import Figure, folder, main
from tests.browser.calling import CAMPAIGN, open_calling
from tests.browser.site import PASSWORD, Site, open_browser, sign_in

_DESKS = 25
# Only one window of a browser is in front and paints: for the others a frame is a timer.
_ALL_IN_FRONT = """
    window.requestAnimationFrame = (then) => setTimeout(() => then(performance.now()), 16);
    Object.defineProperty(Document.prototype, "hidden", {get: () => false});
"""
_CALLS = """\
[telephony]
backend = "simulated"
caller_id = "+493023125100"
ring = "40 seconds"
[telephony.simulated]
answer = "100 %"
busy = "0 %"
machine = "0 %"
ring = "20 seconds"
talk = "8 hours"
"""
_SAMPLE = re.compile(r'^contactd_desk_pop_seconds_bucket\{le="([^"]+)"\} ([0-9.]+)$', re.MULTILINE)
_SUM = re.compile(r"^contactd_desk_pop_seconds_(sum|count) ([0-9.e+-]+)$", re.MULTILINE)
_ASK = """async () => {
    const began = performance.now();
    await fetch("/desk/painted", {method: "POST", body: new URLSearchParams({call: ""})});
    return (performance.now() - began) / 1000;
}"""


def run(scale: float) -> list[Figure]:
    """Open the desks, let every agent be called for, and read the histogram."""
    names = [f"a{number:02}" for number in range(max(2, int(_DESKS * scale)))]
    agents = "".join(f'[agents.{name}]\nteam = "mahnung"\n' for name in names)

    def let_in(database: Database) -> None:
        hashed = hash_now(PASSWORD)
        with database.transaction() as connection:
            for name in names:
                logins.add(connection, Login(name, Role.AGENT, hashed, datetime.now(UTC), one_time=False))

    with (
        folder() as directory,
        open_calling(
            directory, mode="predictive", customers=len(names) + 1, telephony=_CALLS, more=agents, furnish=let_in
        ) as site,
        sync_playwright() as playwright,
        open_browser(playwright) as browser,
    ):
        pages = [_seat(browser, site, name) for name in names]
        reference = median(page.evaluate(_ASK) for page in pages)
        assert site.life.plan(CAMPAIGN), site.life.log_tail()
        for page in pages:
            page.wait_for_selector("#work[data-phase=talk]", timeout=120_000)
        pages[0].wait_for_timeout(2_000)  # until the last page has reported
        text = pages[0].request.get("/metrics").text()
        for page in pages:
            with suppress(Error):
                page.close()
    return [_figure(text, len(names), reference)]


def _seat(browser: Browser, site: Site, name: str) -> Page:
    """Sign an agent in and let them be ready."""
    page = browser.new_context(base_url=site.url, locale="de-DE").new_page()
    page.add_init_script(_ALL_IN_FRONT)
    sign_in(page, name, PASSWORD)
    page.wait_for_selector("html[data-line=up]")
    page.wait_for_selector(".standing.offline")
    page.keyboard.press("F9")
    page.wait_for_selector(".standing.ready")
    return page


def _figure(text: str, desks: int, reference: float) -> Figure:
    found = {kind: float(value) for kind, value in _SUM.findall(text)}
    buckets = [(float(edge), float(count)) for edge, count in _SAMPLE.findall(text)]
    assert found["count"] == desks, f"not every page has painted its card: {found}"
    return Figure(
        what=f"bridge to card, p95 ({desks} desks)", value=_quantile(buckets, 0.95), unit="s",
        reference="a request that changes nothing, median", reference_value=reference, target="0.3 s",
        notes=[f"p50 {_quantile(buckets, 0.5):.3f} s, {found['sum'] / desks:.3f} s on average of {desks} cards"],
    )  # fmt: skip


def _quantile(buckets: Sequence[tuple[float, float]], share: float) -> float:
    """Estimate it as Prometheus does: within a bucket all lie evenly."""
    wanted, below, least = share * buckets[-1][1], 0.0, 0.0
    for edge, count in buckets:
        if count >= wanted:
            return least + (edge - least) * (wanted - below) / (count - below)
        below, least = count, edge
    return least


if __name__ == "__main__":
    main(run)
