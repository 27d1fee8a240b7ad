"""What comes from elsewhere: forms of other pages, sockets of others, odd paths; how pages protect themselves."""

import gzip
import re

import aiohttp
import pytest

from contactd.domain.role import Role
from contactd.web.roles import Level, need_of
from contactd.web.statics import Statics
from tests.web.frame import Frame
from tests.web.people import PASSWORD, Entrance, Person

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

UNSAFE = [
    "/sign-in", "/sign-in/code", "/first-password", "/sign-out", "/preferences", "/me/password", "/me/second-factor",
    "/me/second-factor/end", "/desk/do", "/desk/painted", "/desk/dial", "/desk/finish", "/desk/foresee",
    "/desk/identify", "/desk/meet", "/desk/save", "/desk/ask", "/live/do/{deed}",
]  # fmt: skip
FOREIGN = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"},
    {"Origin": "https://evil.example"},
    {"Origin": "https://{host}"},
    {"Origin": "null"},
    {"Origin": "http://{host}.evil.example"},
]


async def test_the_list_of_what_changes_something_is_whole(door: Entrance) -> None:
    served = {
        route.resource.canonical
        for route in door.app.router.routes()
        if route.method not in {"GET", "HEAD"}
        and route.resource is not None
        and need_of(route.resource.canonical) is not Level.OWN
    }
    assert served == set(UNSAFE), sorted(served ^ set(UNSAFE))


@pytest.mark.parametrize("told", FOREIGN, ids=str)
async def test_nothing_is_done_for_another_page(door: Entrance, told: dict[str, str]) -> None:
    person = await door.person("anna")
    headers = {name: value.format(host=person.host) for name, value in told.items()}
    for address in UNSAFE:
        answer = await person.ask("POST", address, {"name": "anna", "password": PASSWORD}, headers)
        assert (answer.status, "from another page than ours" in answer.text) == (403, True)
    assert (await person.get("/me")).status == 200


async def test_a_browser_that_only_names_its_origin_is_believed(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    ours = {"Origin": f"http://{person.host}"}
    assert (await person.ask("POST", "/preferences", {"language": "de"}, ours)).status == 303
    web = frame.settings.web.model_copy(update={"public_url": "https://desk.example.com/contactd"})
    frame.settings = frame.settings.model_copy(update={"web": web})
    public = {"Origin": "https://desk.example.com"}
    assert (await person.ask("POST", "/preferences", {"language": "de"}, public)).status == 303


async def test_a_get_changes_nothing(door: Entrance) -> None:
    person = await door.person("anna")
    for address in UNSAFE:
        await person.get(address)
    assert (await person.get("/me")).status == 200


async def knock(person: Person, **headers: str) -> int:
    """Try to open a socket; answers how it was answered."""
    try:
        async with person.session.ws_connect(f"http://{person.host}/ws", headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as refused:
        return refused.status


async def test_a_socket_opens_for_our_own_pages_and_for_whoever_has_signed_in(door: Entrance) -> None:
    person = await door.person("anna")
    ours = f"http://{person.host}"
    assert await knock(person, Origin=ours) == 101
    for origin in ("https://evil.example", "null", f"https://{person.host}", f"{ours}.evil.example", ""):
        assert await knock(person, Origin=origin) == 403
    assert await knock(person) == 403
    assert await knock(door.somebody(), Origin=ours) == 401


@pytest.mark.parametrize(
    "path",
    [
        "/static/../hub.py",
        "/static/..%2fhub.py",
        "/static/%2e%2e/hub.py",
        "/static/base.css",
        "/static/%2fetc%2fpasswd",
        "/static/htmx.LICENSE.txt",
        "/static/",
        "/static//etc/passwd",
        "/static/..%5c..%5cpyproject.toml",
        "/static/base.css%00.js",
    ],
)
async def test_only_the_files_of_the_table_are_given(door: Entrance, path: str) -> None:
    reader, writer = await door.wire()
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {door.host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}
    assert b"import" not in answer


async def test_a_file_may_be_kept_for_ever_because_another_one_has_another_address(door: Entrance) -> None:
    person = door.somebody()
    statics = Statics()
    for name, kind in (("base.css", "text/css"), ("live.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
        address = statics.address(name)
        assert re.fullmatch(r"/static/[a-z]+\.[0-9a-f]{12}\.[a-z]+", address)
        answer = await person.ask("GET", address, headers={"Accept-Encoding": "identity"})
        assert (answer.status, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        packed = await person.ask("GET", address, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.body in (answer.body, gzip.compress(answer.body, mtime=0))  # the client unpacks by itself


@pytest.mark.parametrize("address", ["/sign-in", "/me", "/live", "/nowhere"])
async def test_a_page_allows_nothing_unsafe_and_keeps_to_itself(door: Entrance, address: str) -> None:
    person = await door.person("anna", Role.ADMIN)
    page = await (door.somebody() if address == "/sign-in" else person).get(address)
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for said in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert said in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style| style=| on\w+=|javascript:", page.text)


async def test_people_get_pages_and_programs_get_json_when_something_is_wrong(door: Entrance) -> None:
    person = await door.person("anna")
    for method, address, status in (("GET", "/nowhere", 404), ("DELETE", "/me", 405)):
        page = await person.ask(method, address)
        assert (page.status, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        told = await person.ask(method, address, headers={"Accept": "*/*"})
        assert (told.status, told.headers["Content-Type"]) == (status, "application/json; charset=utf-8")
    answer = await person.post("/preferences", language="x" * 70_000)
    assert (answer.status, "More was sent" in answer.text) == (413, True)
