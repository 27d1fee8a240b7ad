"""A floor at work for the browser tests: a simulated carrier and agents, two campaigns, customers who owe something."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contactd.cli.control import ask
from tests.browser.site import Site, open_site
from tests.faults.life import until
from tests.faults.stage import debtors, now, zone_where_it_is_noon

TEAM = (
    "bernd", "carla", "dogan", "elif", "frank", "greta", "hanna", "igor", "jana", "kemal", "lena", "mehmet", "nora",
)  # fmt: skip
PROPOSED, LONG = "altforderungen", 230  # a campaign whose run waits for approval, and its accounts
_MORE = """\
[agents.sven]
name = "Sven Beispiel"
team = "leitung"
[planning]
schedule = "0 0 1 1 *"
[rules]
preset = "us-reg-f"
[wall]
talking = "50 %"
right_parties = 40
promises = 12
[telephony]
backend = "simulated"
ring = "10 seconds"
caller_id = "+12015550100"
[telephony.simulated]
answer = "60 %"
ring = "2 seconds"
talk = "25 seconds"
wrap = "5 seconds"
"""
_AGENT = """\
[agents.{name}]
name = "{full_name}"
team = "mahnung"
languages = ["en"]
"""
_CAMPAIGN = """\
id = "{name}"
language = "en"
timezone = "{zone}"
team = "mahnung"
weight = {weight}
[select]
segments = ["{name}"]
[[step]]
id = "anruf"
day = 3
channel = "call"
mode = "{mode}"
max_abandon = "3 %"
"""
CAMPAIGNS = {"mahnung-standard": ("predictive", 240), "geschaeftskunden": ("progressive", 80)}


@contextmanager
def open_floor(folder: Path) -> Iterator[Site]:
    """Run a daemon whose team talks to customers, and wait until somebody does."""
    zone = zone_where_it_is_noon(now())
    agents = "".join(_AGENT.format(name=name, full_name=f"{name.capitalize()} Beispiel") for name in TEAM)
    modes = {name: mode for name, (mode, _) in CAMPAIGNS.items()} | {PROPOSED: "preview"}
    files = {name: _CAMPAIGN.format(name=name, zone=zone, mode=mode, weight=2) for name, mode in modes.items()}
    with open_site(folder, _MORE + agents, campaigns=files) as site:
        _let_owe(site, folder, zone)
        for name in CAMPAIGNS:
            ask(site.life.config.parent / "contactd.sock", "POST", f"/plan/{name}")
        until(lambda: connected(site) > 0, 60, site.life.log_tail)
        yield site


def connected(site: Site) -> int:
    """Count the conversations there have been."""
    return int(status(site)["calls"]["connected"])


def status(site: Site) -> dict[str, Any]:
    """Ask the daemon how it is."""
    told: dict[str, Any] = ask(site.life.config.parent / "contactd.sock", "GET", "/status")
    return told


def _let_owe(site: Site, folder: Path, zone: str) -> None:
    """Import accounts, and the word that nobody has paid."""
    rows, first = [], 0
    for name, size in [*((name, count) for name, (_, count) in CAMPAIGNS.items()), (PROPOSED, LONG)]:
        rows += [row | {"segment": name} for row in debtors("call", size, zone, now().date(), first=first)]
        first += size
    for kind, lines in (("accounts", rows), ("payments", [])):
        text = io.StringIO()
        fields = list(rows[0]) if lines else ["invoice_no", "amount", "currency", "value_date", "reference"]
        writer = csv.DictWriter(text, fields)
        writer.writeheader()
        writer.writerows(lines)
        (folder / f"{kind}.csv").write_text(text.getvalue(), encoding="utf-8")
        site.verb("import", kind, str(folder / f"{kind}.csv"))
