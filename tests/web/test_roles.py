"""Every address and every role: the table is whole, and it is obeyed."""

from urllib.parse import quote

import pytest
from aiohttp import web

from contactd.domain.role import Role
from contactd.store.sessions import Stage
from contactd.web.app import public_app
from contactd.web.roles import TABLE, Level, need_of
from tests.web.frame import Frame, settings, visiting
from tests.web.people import Entrance

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

Route = tuple[str, str]


def routes_of(app: web.Application) -> list[Route]:
    """List every method and address that is served."""
    return sorted(
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    )


def of_people(frame: Frame) -> list[tuple[str, str, Role]]:
    """List the addresses that ask for a role."""
    found = [(method, address, need_of(address)) for method, address in routes_of(public_app(frame.window))]
    return [(method, address, need) for method, address, need in found if isinstance(need, Role)]


async def test_every_address_says_who_may(frame: Frame) -> None:
    frame.settings = settings(callbacks=True)
    silent = [route for route in routes_of(public_app(frame.window)) if need_of(route[1]) is None]
    assert silent == [], "add a row to contactd/web/roles.py"


async def test_every_row_of_the_table_has_an_address(frame: Frame) -> None:
    frame.settings = settings(callbacks=True)
    served = [address for _, address in routes_of(public_app(frame.window))]
    unused = {row for row in TABLE if not any(a == row or (row.endswith("/") and a.startswith(row)) for a in served)}
    assert unused == set()


async def test_an_address_without_a_row_is_refused_even_to_the_administrator(frame: Frame, door: Entrance) -> None:
    person = await door.person("adam", Role.ADMIN)

    async def forgotten(request: web.Request) -> web.Response:
        return web.Response(text="open to everybody")

    app = public_app(frame.window)
    app.router.add_get("/forgotten", forgotten)
    async with visiting(app) as visitor:
        answer = await visitor.get("/forgotten", Cookie=f"contactd={person.cookie()}")
    assert (answer.status, "everybody" in answer.text) == (403, False)
    assert need_of("/forgotten") is None
    assert need_of("/meadow") is None, "the beginning of an address counts only with its slash"


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_opens_what_the_table_says_and_nothing_else(frame: Frame, door: Entrance, role: Role) -> None:
    person = await door.person("anna", role)
    for method, address, need in of_people(frame):
        answer = await person.ask(method, address)
        refused = answer.status == 403 and "Your role does not open this page" in answer.text
        assert refused is not role.includes(need), (method, address, answer.status)


async def test_nobody_opens_anything_without_a_session(frame: Frame, door: Entrance) -> None:
    for method, address, _ in of_people(frame):
        answer = await door.somebody().ask(method, address)
        if method == "GET":
            wanted = "/sign-in" if address == "/" else f"/sign-in?next={quote(address)}"
            assert (answer.status, answer.headers["Location"]) == (303, wanted)
        else:
            assert answer.status == 401, (method, address)


async def test_htmx_is_told_to_load_the_sign_in_and_a_program_is_told_nothing_else(door: Entrance) -> None:
    answer = await door.somebody().get("/me", HX_Request="true")
    assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize(("stage", "onward"), [("code", "/sign-in/code"), ("password", "/first-password")])
async def test_whoever_is_not_through_yet_sees_one_page_only(
    frame: Frame, door: Entrance, stage: str, onward: str
) -> None:
    door.add("anna", one_time=stage == "password", totp="JBSWY3DPEHPK3PXP" if stage == "code" else "")
    person = door.somebody()
    assert (await person.sign_in("anna")).headers["Location"] == onward
    for method, address, _ in of_people(frame):
        answer = await person.ask(method, address)
        assert (answer.status, answer.headers["Location"]) == (303, onward), (method, address)
    assert (await person.get(onward)).status == 200
    assert (await person.get("/sign-in")).headers["Location"] == onward


async def test_whoever_is_through_has_nothing_to_do_on_the_way_in(door: Entrance) -> None:
    person = await door.person("anna")
    for address in ("/sign-in", "/sign-in/code", "/first-password"):
        answer = await person.get(address)
        assert (answer.status, answer.headers["Location"]) == (303, "/")


async def test_the_way_in_is_no_page_of_a_role(frame: Frame) -> None:
    assert {row for row, need in TABLE.items() if isinstance(need, Stage)} == {"/sign-in/code", "/first-password"}
    assert need_of("/sign-out") is Level.ANY
