"""Every page as people see it, in both languages; pages one only comes to on the way are looked at in their own tests.

A new page is a row of PAGES.
"""

from typing import NamedTuple

import pytest

from tests.browser.looks import look_at
from tests.browser.site import Tabs


class Look(NamedTuple):
    """A page: its name, its address, and who looks at it."""

    name: str
    path: str
    role: str = ""


PAGES = [
    Look("sign-in", "/sign-in"),
    Look("nothing-here-signed-out", "/nowhere"),
    Look("me", "/me", "agent"),
    Look("live-without-calls", "/live", "supervisor"),
    Look("wall-without-calls", "/wall", "supervisor"),
    Look("desk", "/desk", "agent"),
    Look("desk-of-nobody", "/desk", "supervisor"),
    Look("reports-on-nothing", "/reports/control", "manager"),
    Look("nothing-here", "/me/nowhere", "agent"),
]


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("look", PAGES, ids=lambda look: look.name)
def test_a_page_is_accessible_in_every_look(tabs: Tabs, look: Look, language: str) -> None:
    page = tabs.open(language=language, role=look.role)
    page.goto(look.path)
    assert page.locator("html").get_attribute("lang") == language
    look_at(page, look.name)
