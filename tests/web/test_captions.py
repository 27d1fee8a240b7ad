"""Captions of simulated customers: only where personas play them, and only while one is on the line."""

import pytest

from contactd.config.personas import shipped_personas
from contactd.config.settings import Agent as AgentTable
from contactd.config.settings import Sections
from contactd.domain.role import Role
from tests.web.frame import Frame, settings
from tests.web.people import Entrance

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
BAR = '<aside class="demo"'


def with_anna(frame: Frame, *, played: bool) -> None:
    """Let anna be an agent, of customers who are played or real."""
    before = settings()
    sections = Sections(agents={"anna": AgentTable(name="Anna")}, web=before.web)
    personas = shipped_personas() if played else None
    frame.settings = type(before).of(sections, before.path, before.campaigns, personas=personas)


async def test_real_customers_are_asked_nothing_and_no_page_says_demo(frame: Frame, door: Entrance) -> None:
    with_anna(frame, played=False)
    anna = await door.person("anna")
    page = await anna.get("/desk")
    assert (BAR in page.text, 'data-live="captions"' in page.text) == (False, False)
    assert (await anna.post("/desk/ask", question="why")).status == 404


async def test_every_page_says_demo_where_customers_are_played(frame: Frame, door: Entrance) -> None:
    with_anna(frame, played=True)
    anna, sven, nobody = await door.person("anna"), await door.person("sven", Role.SUPERVISOR), door.somebody()
    for person, path in ((anna, "/desk"), (anna, "/me"), (sven, "/live"), (sven, "/wall"), (nobody, "/sign-in")):
        assert BAR in (await person.get(path)).text, path


async def test_nobody_answers_before_somebody_is_on_the_line(frame: Frame, door: Entrance) -> None:
    with_anna(frame, played=True)
    anna, sven = await door.person("anna"), await door.person("sven", Role.SUPERVISOR)
    assert 'data-live="captions"' in (await anna.get("/desk")).text
    assert (await anna.post("/desk/ask", question="why")).status == 409
    assert (await anna.post("/desk/ask", question="iban")).status == 404
    assert (await sven.post("/desk/ask", question="why")).status == 409
