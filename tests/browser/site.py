"""What the browser tests stand on: a real daemon with people who may sign in, and Debian's chromium."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, ViewportSize

from contactd.domain.role import Role
from contactd.store import logins
from contactd.store.database import Database, open_database
from contactd.store.logins import Login
from contactd.web.passwords import hash_now
from tests.acceptance.program import contactd
from tests.faults.life import Life
from tests.house.tree import ROOT

CHROMIUM = Path("/usr/bin/chromium")
PICTURES = ROOT / ".venv" / "pictures"
WIDE, NARROW = ViewportSize(width=1366, height=768), ViewportSize(width=320, height=640)
NAMES = {"agent": "anna", "supervisor": "sven", "manager": "maria", "admin": "adam"}
LANDED = re.compile(r"/$|/desk$|/live$|/wall$|/reports/\w+$")  # where people come to who are in
PASSWORD = "vier Karotten auf einem Dach"
# Chromium reports every answer that is no success and every socket that does not open: tests ask for both.
_ASKED_FOR = re.compile(
    "Failed to load resource|WebSocket connection to .* failed: "
    "(Error in connection establishment|WebSocket is closed before the connection is established)"
)
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_SETTINGS = """\
[daemon]
name = "desk"
drain = "1 second"
[web]
port = {port}
[operator]
name = "Musterstadtwerke GmbH"
email = "forderungen@musterstadtwerke.example"
[agents.anna]
name = "Anna Beispiel"
team = "mahnung"
"""


@dataclass
class Site:
    """A daemon whose pages are looked at."""

    life: Life
    states: dict[str, Path] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Answer where its pages are."""
        return f"http://127.0.0.1:{self.life.web_port}"

    def verb(self, *words: str) -> str:
        """Run a verb of the command line on it."""
        ended = contactd(*words, "--config", self.life.config)
        assert ended.code == 0, ended.err
        return ended.out

    def new_login(self, name: str, role: str) -> str:
        """Make a login and answer the password for one sign-in."""
        return str(json.loads(self.verb("agents", "add", name, "--role", role, "--json"))["one_time_password"])


@contextmanager
def open_site(
    folder: Path,
    more: str = "",
    furnish: Callable[[Database], None] | None = None,
    campaigns: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Run a daemon with one person of each role; `more` settings, and what `furnish` puts into the database first.

    `campaigns` are files by name.
    """
    life = Life(folder, "desk")
    life.config.write_text(_SETTINGS.format(port=life.web_port) + more, encoding="utf-8")
    for name, text in (campaigns or {}).items():
        (folder / "campaigns.d").mkdir(exist_ok=True)
        (folder / "campaigns.d" / f"{name}.toml").write_text(text, encoding="utf-8")
    assert contactd("migrate", "--config", life.config).code == 0
    site = Site(life)
    database = open_database(f"sqlite:///{folder / 'contactd.db'}")
    _let_in(database)
    if furnish is not None:
        furnish(database)
    database.close()
    life.start()
    try:
        life.wait_ready()
        yield site
    finally:
        if life.process is not None:
            life.stop()


def _let_in(database: Database) -> None:
    """Give a person of each role a login with a password of their own; by the verb it takes seconds each."""
    hashed = hash_now(PASSWORD)
    with database.transaction() as connection:
        for role, name in NAMES.items():
            logins.add(connection, Login(name, Role(role), hashed, datetime.now(UTC), one_time=False))


@contextmanager
def open_browser(playwright: Playwright) -> Iterator[Browser]:
    """Start Debian's chromium with a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="contactd-browser-") as folder:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(_QUIET), env={**os.environ, "HOME": folder, "TMPDIR": folder}
        )
        try:
            yield browser
        finally:
            browser.close()


class Tabs:
    """Opens pages for people; whatever a page complains about is kept in `complaints`."""

    def __init__(self, browser: Browser, site: Site) -> None:
        """Open nothing yet."""
        self._browser, self._site = browser, site
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, *, language: str = "en", role: str = "") -> Page:
        """Open a window, with somebody of this role signed in."""
        context = self._browser.new_context(
            viewport=WIDE,
            locale={"de": "de-DE", "en": "en-GB"}[language],
            base_url=self._site.url,
            storage_state=self._state(role) if role else None,
        )
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _state(self, role: str) -> Path:
        """Sign somebody in once, and keep their cookies for the others."""
        if role not in self._site.states:
            path = self._site.life.folder / f"{role}.json"
            page = self.open()
            sign_in(page, NAMES[role], PASSWORD)
            page.wait_for_url(LANDED)
            page.context.storage_state(path=path)
            page.close()  # or it would be one more desk
            self._site.states[role] = path
        return self._site.states[role]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _ASKED_FOR.match(message.text):
            self.complaints.append(message.text)

    def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill in the form, in whatever language it is."""
    page.goto("/sign-in")
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.locator("button.main").click()


def choose_password(page: Page, password: str = PASSWORD) -> None:
    """Take a password of one's own in place of the one-time one."""
    page.wait_for_url("**/first-password")
    page.locator("#new").fill(password)
    page.locator("#again").fill(password)
    page.locator("button.main").click()
    page.wait_for_url(LANDED)


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page for whoever wants to see it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
