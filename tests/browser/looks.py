"""Looks at a page as people do: light and dark, wide and narrow, with axe-core, and keeps a picture of each."""

from typing import Any, Literal

from playwright.sync_api import Page, expect

from tests.browser.site import NARROW, WIDE, picture
from tests.house.tree import ROOT

AXE = (ROOT / "tests" / "browser" / "axe.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def look_at(page: Page, name: str) -> None:
    """Fail when the page violates WCAG 2.2 AA in any look, or has to be scrolled sideways."""
    language = page.locator("html").get_attribute("lang")
    page.evaluate(AXE)  # not by a script of the page: its policy stays as it is
    for colours in COLOURS:
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            picture(page, f"{name}-{colours}-{language}-{size['width']}")
            found = violations(page)
            assert not found, f"{colours}, {size['width']}: {found}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it has to be scrolled sideways"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)


def look_in_both(page: Page, name: str) -> None:
    """Look at a page in its language and in the other; what stands on it is the daemon's, so it may be loaded anew."""
    language = page.locator("html").get_attribute("lang")
    look_at(page, name)
    _speak(page, "en" if language == "de" else "de")
    look_at(page, name)
    _speak(page, str(language))


def _speak(page: Page, language: str) -> None:
    page.evaluate(
        "language => fetch('/preferences', {method: 'POST', body: new URLSearchParams({language})})", language
    )
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("html")).to_have_attribute("data-line", "up")


def violations(page: Page) -> list[dict[str, Any]]:
    """Ask axe-core."""
    found = page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    return [
        {"rule": one["id"], "help": one["help"], "where": [node["html"][:200] for node in one["nodes"]]}
        for one in found["violations"]
    ]
