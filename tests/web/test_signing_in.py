"""Signing in and out: who gets in, who does not, and what a session is."""

import asyncio

import pytest
import sqlalchemy as sa
import structlog

from contactd.domain import totp
from contactd.domain.role import Role
from contactd.store import logins
from contactd.store.schema_logins import login, session
from tests.web.frame import Answer, Frame, take_store_away
from tests.web.people import PASSWORD, Entrance, Person

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

NEW = "acht stille Berge am Fluss"
SECRET = "JBSWY3DPEHPK3PXP"


def code_at(frame: Frame, later: int = 0) -> str:
    """Answer what an authenticator shows."""
    return totp.code(SECRET, int(frame.clock.now().timestamp()) // 30 + later)


def rows(frame: Frame, table: sa.Table) -> list[dict[str, object]]:
    """Read a table."""
    with frame.database.snapshot() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


async def test_whoever_knows_name_and_password_is_in(door: Entrance) -> None:
    person = await door.person("anna", full_name="Anna Beispiel")
    answer = await person.get("/")
    assert answer.status == 200
    assert "Welcome, Anna Beispiel" in answer.text


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("", ""), ("anna", "x" * 9000)]
)
async def test_whoever_does_not_is_told_the_same_whether_the_name_exists_or_not(
    door: Entrance, name: str, password: str
) -> None:
    door.add("anna")
    person = door.somebody()
    answer = await person.sign_in(name, password)
    assert (answer.status, person.cookie()) == (403, "")
    assert "This name and password do not belong together." in answer.text
    assert password[:50] not in answer.text or not password


async def test_whoever_is_disabled_is_told_that_too_and_their_sessions_are_over(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    with frame.database.transaction() as connection:
        logins.change(connection, "anna", {"disabled_at": frame.clock.now()})
    assert (await person.get("/me")).status == 303
    answer = await door.somebody().sign_in("anna")
    assert (answer.status, "do not belong together" in answer.text) == (403, True)


async def test_the_cookie_is_for_the_browser_alone_and_only_a_digest_of_it_is_kept(
    frame: Frame, door: Entrance
) -> None:
    door.add("anna")
    person = door.somebody()
    set_cookie = (await person.sign_in("anna")).headers["Set-Cookie"]
    assert "HttpOnly" in set_cookie
    assert "SameSite=Lax" in set_cookie
    assert "Secure" not in set_cookie
    [row] = rows(frame, session)
    assert person.cookie() not in str(row)


async def test_by_tls_the_cookie_is_bound_to_the_host_and_no_other_counts(frame: Frame, door: Entrance) -> None:
    door.add("anna")
    by_tls = {"X-Forwarded-Proto": "https", "Sec-Fetch-Site": "same-origin"}
    form = {"name": "anna", "password": PASSWORD}
    answer = await door.somebody().ask("POST", "/sign-in", form, by_tls)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-contactd=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    held = cookie.partition(";")[0]
    plain = held.replace("__Host-", "")
    told = [await door.somebody().ask("GET", "/me", headers=by_tls | {"Cookie": one}) for one in (held, plain)]
    assert [one.status for one in told] == [200, 303]
    assert told[0].headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_session_somebody_brought_along_is_not_the_one_they_get(frame: Frame, door: Entrance) -> None:
    door.add("anna")
    person = door.somebody()
    person.session.cookie_jar.update_cookies({"contactd": "known-to-somebody-else"})
    await person.sign_in("anna")
    assert person.cookie() != "known-to-somebody-else"
    other = door.somebody()
    other.session.cookie_jar.update_cookies({"contactd": "known-to-somebody-else"})
    assert (await other.get("/me")).status == 303


async def test_each_step_further_is_another_session_and_the_one_before_is_over(frame: Frame, door: Entrance) -> None:
    door.add("anna", totp=SECRET, one_time=True)
    person, held = door.somebody(), []
    await person.sign_in("anna")
    held.append(person.cookie())
    await person.post("/sign-in/code", code=code_at(frame))
    held.append(person.cookie())
    answer = await person.post("/first-password", new=NEW, again=NEW)
    held.append(person.cookie())
    assert (answer.headers["Location"], len(set(held)), len(rows(frame, session))) == ("/", 3, 1)
    for old in held[:2]:
        other = door.somebody()
        other.session.cookie_jar.update_cookies({"contactd": old})
        assert (await other.get("/sign-in/code")).headers["Location"].startswith("/sign-in")


async def test_signing_out_ends_the_session_in_the_store_too(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    held = person.cookie()
    assert (await person.post("/sign-out")).headers["Location"] == "/sign-in"
    assert (person.cookie(), rows(frame, session)) == ("", [])
    person.session.cookie_jar.update_cookies({"contactd": held})
    assert (await person.get("/me")).status == 303


async def test_whoever_does_nothing_signs_in_anew_and_whoever_works_does_so_after_a_shift(
    frame: Frame, door: Entrance
) -> None:
    person = await door.person("anna")
    for _ in range(3):
        frame.clock.advance(29 * 60)
        assert (await person.get("/me")).status == 200
    frame.clock.advance(30 * 60)
    assert (await person.get("/me")).status == 303
    person = door.somebody()
    await person.sign_in("anna")
    statuses = []
    for _ in range(26):
        frame.clock.advance(28 * 60)
        statuses.append((await person.get("/me")).status)
    assert statuses == [200] * 25 + [303]


async def test_after_signing_in_one_is_where_one_wanted_to_go_and_never_elsewhere(door: Entrance) -> None:
    door.add("anna")
    for wanted, onward in [
        ("/me", "/me"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/nowhere", "/"),
        ("/ws", "/"),
        ("/me/password", "/"),
    ]:
        answer = await door.somebody().post("/sign-in", name="anna", password=PASSWORD, next=wanted)
        assert answer.headers["Location"] == onward
    assert 'name="next"' not in (await door.somebody().get("/sign-in?next=//evil.example/")).text
    assert 'name="next" value="/me"' in (await door.somebody().get("/sign-in?next=/me")).text


# -- the second factor -------------------------------------------------------------------------------------------------


async def test_a_code_lets_in_once(frame: Frame, door: Entrance) -> None:
    door.add("anna", totp=SECRET)
    first, second = door.somebody(), door.somebody()
    statuses = []
    for person in (first, second):
        assert (await person.sign_in("anna")).headers["Location"] == "/sign-in/code"
        statuses.append((await person.post("/sign-in/code", code=code_at(frame))).status)
    assert statuses == [303, 403]
    assert (await second.post("/sign-in/code", code=code_at(frame, later=1))).headers["Location"] == "/"


async def test_codes_cannot_be_guessed_by_knowing_the_password(frame: Frame, door: Entrance) -> None:
    door.add("anna", totp=SECRET)
    statuses = []
    for _ in range(7):
        person = door.somebody()
        await person.sign_in("anna")
        statuses.append((await person.post("/sign-in/code", code="000000")).status)
    assert statuses == [403] * 5 + [429] * 2


async def test_the_second_factor_begins_and_ends_by_the_password(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    page = (await person.get("/me")).text
    secret = page.partition("<code>")[2].partition("</code>")[0].replace(" ", "")
    assert (await person.post("/me/second-factor", password=PASSWORD, code="000000")).status == 422
    code = totp.code(secret, int(frame.clock.now().timestamp()) // 30)
    for wrong in ("", "wrong"):
        refused = await person.post("/me/second-factor", password=wrong, code=code)
        assert (refused.status, "This is not your password." in refused.text) == (403, True)
    assert "/me/second-factor/end" not in (await person.get("/me")).text, "an unattended browser locks nobody out"
    assert (await person.post("/me/second-factor", password=PASSWORD, code=code)).status == 303
    assert secret not in (await person.get("/me")).text
    other = door.somebody()
    await other.sign_in("anna")
    assert (await other.post("/sign-in/code", code=code)).status == 403, "the code was used to begin"
    assert (await person.post("/me/second-factor/end", password="wrong")).status == 403
    assert (await person.post("/me/second-factor/end", password=PASSWORD)).status == 303
    assert (await door.somebody().sign_in("anna")).headers["Location"] == "/"


async def test_the_secret_that_is_offered_is_another_in_each_session(door: Entrance) -> None:
    person = await door.person("anna")
    first = (await person.get("/me")).text.partition("<code>")[2][:40]
    await person.sign_in("anna")
    other = door.somebody()
    await other.sign_in("anna")
    assert (await other.get("/me")).text.partition("<code>")[2][:40] != first


# -- passwords ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "again", "why"),
    [
        ("short", "short", "12 to 200 characters"),
        ("x" * 201, "x" * 201, "12 to 200 characters"),
        (NEW, NEW + "!", "two new passwords differ"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "easily guessed"),
        ("hello Anna 12345", "hello Anna 12345", "easily guessed"),
        (PASSWORD, PASSWORD, "password you have now"),
    ],
)
async def test_a_password_that_is_none_is_refused_with_the_reason(
    door: Entrance, new: str, again: str, why: str
) -> None:
    door.add("anna", one_time=True)
    person = door.somebody()
    await person.sign_in("anna")
    answer = await person.post("/first-password", new=new, again=again)
    assert (answer.status, why in answer.text) == (422, True)
    assert (await person.get("/me")).headers["Location"] == "/first-password"


async def test_a_new_password_needs_the_old_one_and_signs_everybody_else_out(door: Entrance) -> None:
    person, other = await door.person("anna"), door.somebody()
    await other.sign_in("anna")
    assert (await person.post("/me/password", password="wrong", new=NEW, again=NEW)).status == 403
    assert (await person.post("/me/password", password=PASSWORD, new="short", again="short")).status == 422
    assert (await person.post("/me/password", password=PASSWORD, new=NEW, again=NEW)).headers["Location"] == "/me"
    assert [(await one.get("/me")).status for one in (person, other)] == [200, 303]
    assert [(await door.somebody().sign_in("anna", one)).status for one in (PASSWORD, NEW)] == [403, 303]


async def test_the_old_password_cannot_be_guessed_from_within(door: Entrance) -> None:
    person = await door.person("anna")
    answers: list[Answer] = [
        await person.post("/me/password", password=f"wrong{number}", new=NEW, again=NEW) for number in range(6)
    ]
    assert "Please wait 5 seconds" in answers[-1].text


# -- how it looks ------------------------------------------------------------------------------------------------------


async def test_language_and_colours_are_the_persons_once_they_have_chosen(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    assert '<html lang="de">' in (await person.get("/me", Accept_Language="de-DE")).text
    answer = await person.post("/preferences", language="de", back="/me")
    assert answer.headers["Location"] == "/me"
    await person.post("/preferences", theme="dark", back="/elsewhere")
    assert '<html lang="de" data-theme="dark">' in (await person.get("/me", Accept_Language="en")).text
    other = door.somebody()
    await other.sign_in("anna")
    assert '<html lang="de" data-theme="dark">' in (await other.get("/me", Accept_Language="en")).text
    await person.post("/preferences", theme="", language="klingon")
    assert [(row["language"], row["theme"]) for row in rows(frame, login)] == [("de", "")]


async def test_before_the_sign_in_the_browser_remembers(door: Entrance) -> None:
    person = door.somebody()
    await person.post("/preferences", language="de")
    await person.post("/preferences", theme="light")
    assert '<html lang="de" data-theme="light">' in (await person.get("/sign-in", Accept_Language="en")).text


# -- what does not get out ---------------------------------------------------------------------------------------------


async def test_a_name_that_is_a_script_is_only_a_name(door: Entrance) -> None:
    person = await door.person("anna", full_name="<script>alert(1)</script>\" onload='x'{{ 7*7 }}")
    for address in ("/", "/me", "/nowhere"):
        text = (await person.get(address)).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34; onload=&#39;x&#39;{{ 7*7 }}" in text
    answer = await door.somebody().sign_in('"><script>alert(2)</script>', "wrong")
    assert "<script>alert" not in answer.text


async def test_a_browser_that_goes_while_it_sends_a_form_is_no_fault_of_ours(door: Entrance) -> None:
    with structlog.testing.capture_logs() as logged:
        _, writer = await door.wire()
        form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname="
        writer.write(f"POST /sign-in HTTP/1.1\r\nHost: {door.host}\r\nSec-Fetch-Site: same-origin\r\n{form}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        for _ in range(6_000):
            if not logged:
                await asyncio.sleep(0.01)
    assert [(one["event"], one["log_level"]) for one in logged] == [("request_left", "info")]


async def test_nothing_confidential_is_logged_or_stands_in_an_address(frame: Frame, door: Entrance) -> None:
    door.add("anna", totp=SECRET, one_time=True, full_name="Anna Beispiel")
    person = door.somebody()
    with structlog.testing.capture_logs() as logged:
        for _ in range(6):
            await person.sign_in("anna", "falsch-geraten")
        frame.clock.advance(60)
        await person.sign_in("anna")
        code = code_at(frame)
        await person.post("/sign-in/code", code=code)
        await person.post("/first-password", new=NEW, again=NEW)
        await person.post("/me/password", password=NEW, new=PASSWORD, again=PASSWORD)
        cookie = person.cookie()
        await person.post("/sign-out")
    told = str(logged) + str(person.seen)
    assert {one["event"] for one in logged} >= {"sign_in_refused", "sign_in_throttled", "signed_in", "password_changed"}
    for secret in ("falsch-geraten", PASSWORD, NEW, code, SECRET, cookie, "anna", "Anna Beispiel"):
        assert secret not in told


async def test_while_the_store_is_away_people_are_told_so(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna", Role.ADMIN)
    take_store_away(frame.database)
    answer = await person.get("/me", Accept="text/html")
    assert (answer.status, "The database does not answer" in answer.text) == (503, True)
    assert (await person.get("/nowhere", Accept="text/html")).status == 404


async def test_whoever_was_removed_meanwhile_changes_nothing(frame: Frame, door: Entrance) -> None:
    person: Person = await door.person("anna")
    with frame.database.transaction() as connection:
        connection.execute(sa.delete(login))
    assert (await person.post("/me/password", password=PASSWORD, new=NEW, again=NEW)).status == 401
