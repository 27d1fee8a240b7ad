"""What people do by page stands in the audit log: each address that changes something is tried, or has a reason."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.config.settings import Agent as AgentTable
from contactd.config.settings import Sections
from contactd.domain import totp
from contactd.domain.happened import Supervised
from contactd.domain.role import Role
from contactd.store import audit, logins
from contactd.store.schema import account
from tests.engine.deskroom import DeskRoom
from tests.engine.dialing import number
from tests.web.frame import Frame
from tests.web.people import PASSWORD, Entrance, Person, entrance
from tests.web.test_foreign import UNSAFE

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

NEW, SECRET = "acht stille Berge am Fluss", "JBSWY3DPEHPK3PXP"
# What changes something and has no row, and why an auditor needs none.
NOT_NOTED = {
    "/preferences": "how pages look to oneself",
    "/desk/do": "agents steer themselves; what it does to a call stands in the contact log with their name",
    "/desk/painted": "a measurement",
    "/desk/foresee": "shows what would be, and changes nothing",
    "/desk/save": "a draft, kept once a second",
    "/desk/meet": "a draft; what comes of it is handed in",
    "/desk/identify": "a draft; what comes of it is handed in",
    "/desk/finish": "stands in the contact log with the agent's name",
    "/desk/ask": "the demo's customers",
}

Row = tuple[str, str, str, str]
Deed = Callable[[Frame, Entrance], Awaitable[object]]


async def rows_of(frame: Frame) -> list[Row]:
    """Read what the audit log says."""
    rows = await frame.commit.read(audit.read)
    return [(row.who, row.what, row.about, row.new) for row in rows]


def rename(frame: Frame, table: str, name: str) -> None:
    """Take a table away, or bring it back."""
    with frame.database.transaction() as connection:
        connection.execute(sa.text(f"ALTER TABLE {table} RENAME TO {name}"))


def code_at(frame: Frame, secret: str = SECRET) -> str:
    """Answer what an authenticator shows."""
    return totp.code(secret, int(frame.clock.now().timestamp()) // 30)


async def enter(frame: Frame, door: Entrance) -> None:
    await door.person("anna")


async def enter_with_code(frame: Frame, door: Entrance) -> None:
    door.add("anna", totp=SECRET)
    person = door.somebody()
    await person.sign_in("anna")
    await person.post("/sign-in/code", code="000000")
    await person.post("/sign-in/code", code=code_at(frame))


async def take_a_password(frame: Frame, door: Entrance) -> None:
    door.add("anna", one_time=True)
    person = door.somebody()
    await person.sign_in("anna")
    await person.post("/first-password", new=NEW, again=NEW)


async def leave(frame: Frame, door: Entrance) -> None:
    await (await door.person("anna")).post("/sign-out")


async def change_password(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    await person.post("/me/password", password="wrong", new=NEW, again=NEW)
    await person.post("/me/password", password=PASSWORD, new="short", again="short")
    await person.post("/me/password", password=PASSWORD, new=NEW, again=NEW)


async def begin_second_factor(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    page = (await person.get("/me")).text
    secret = page.partition("<code>")[2].partition("</code>")[0].replace(" ", "")
    for _ in range(2):
        await person.post("/me/second-factor", password=PASSWORD, code=code_at(frame, secret))


async def end_second_factor(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    with frame.database.transaction() as connection:
        logins.change(connection, "anna", {"totp": SECRET})
    for _ in range(2):
        await person.post("/me/second-factor/end", password=PASSWORD)


async def pause_everything(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna", Role.SUPERVISOR)
    await person.post("/live/do/pause", on="all", reason="fire drill")
    await person.post("/live/do/pause", on="nothing")


HERE, OWN = "address:127.0.0.1", "login:anna"
IN = ("anna", "sign in", HERE, "agent")
DEEDS: dict[str, tuple[Deed, Sequence[Row]]] = {
    "/sign-in": (enter, [IN]),
    "/sign-in/code": (
        enter_with_code,
        [("anna", "sign in", HERE, "code asked"), ("anna", "code refused", HERE, ""), IN],
    ),
    "/first-password": (
        take_a_password,
        [("anna", "sign in", HERE, "new password asked"), ("anna", "password changed", OWN, ""), IN],
    ),
    "/sign-out": (leave, [IN, ("anna", "sign out", HERE, "")]),
    "/me/password": (
        change_password,
        [IN, ("anna", "password refused", HERE, ""), ("anna", "password changed", OWN, "")],
    ),
    "/me/second-factor": (begin_second_factor, [IN, ("anna", "second factor begun", OWN, "")]),
    "/me/second-factor/end": (end_second_factor, [IN, ("anna", "second factor ended", OWN, "")]),
    "/live/do/{deed}": (
        pause_everything,
        [("anna", "sign in", HERE, "supervisor"), ("anna", "pause", "all", "paused")],
    ),
}


def test_every_address_that_changes_something_is_noted_or_says_why_not(dialect: str) -> None:
    assert set(UNSAFE) == set(DEEDS) | set(NOT_NOTED) | {"/desk/dial"}, "add it to DEEDS, or to NOT_NOTED with a reason"


@pytest.mark.parametrize("address", DEEDS)
async def test_what_was_done_stands_there_once_and_what_was_not_done_does_not(
    frame: Frame, door: Entrance, address: str
) -> None:
    do, wanted = DEEDS[address]
    await do(frame, door)
    assert await rows_of(frame) == list(wanted)


async def test_who_is_refused_is_noted_by_their_login_and_whoever_has_none_without_what_was_typed(
    frame: Frame, door: Entrance
) -> None:
    door.add("anna")
    person = door.somebody()
    for name, password in (("ANNA ", "wrong"), ("my own password", "oops"), ("", "")):
        assert (await person.sign_in(name, password)).status == 403
    assert await rows_of(frame) == [
        ("anna", "sign in refused", HERE, ""),
        ("-", "sign in refused", HERE, "1 in this hour with names nobody has"),
    ]


async def test_an_outsider_who_makes_up_names_does_not_make_the_log_grow(frame: Frame, door: Entrance) -> None:
    for one in range(120):
        form = {"name": f"made up {one}", "password": "wrong"}
        proxied = {"X-Forwarded-For": f"192.0.2.{one % 60}", "Sec-Fetch-Site": "same-origin"}
        assert (await door.somebody().ask("POST", "/sign-in", form, proxied)).status == 403
        if one == 110:
            frame.clock.advance(3600)
    told = [(who, what, new) for who, what, _, new in await rows_of(frame)]
    assert told == [
        ("-", "sign in refused", f"{count} in this hour with names nobody has") for count in (1, 10, 100, 1)
    ]


async def test_waits_of_names_nobody_has_are_counted_together_too(frame: Frame, door: Entrance) -> None:
    for one in range(12):
        proxied = {"X-Forwarded-For": f"192.0.2.{one}", "Sec-Fetch-Site": "same-origin"}
        for _ in range(7):
            await door.somebody().ask("POST", "/sign-in", {"name": "nobody", "password": "wrong"}, proxied)
    told = [new.partition(" ")[0] for _, what, _, new in await rows_of(frame) if what == "sign in throttled"]
    assert told == ["1", "10"]


async def test_that_somebody_has_to_wait_is_noted_once_a_wait_however_often_they_knock(
    frame: Frame, door: Entrance
) -> None:
    door.add("anna", totp=SECRET)
    for _ in range(9):
        await door.somebody().sign_in("anna", "wrong")
    frame.clock.advance(6)
    for _ in range(4):
        await door.somebody().sign_in("anna", "wrong")
    refused, throttled = ("anna", "sign in refused", HERE, ""), ("anna", "sign in throttled", HERE, "")
    assert await rows_of(frame) == [refused] * 5 + [throttled, refused, throttled]


async def test_codes_that_are_guessed_are_noted_as_such(frame: Frame, door: Entrance) -> None:
    door.add("anna", totp=SECRET)
    for _ in range(8):
        person = door.somebody()
        await person.sign_in("anna")
        await person.post("/sign-in/code", code="000000")
    told = [what for _, what, _, _ in await rows_of(frame) if what != "sign in"]
    assert told == ["code refused"] * 5 + ["code throttled"]


async def test_neither_a_secret_nor_a_word_that_was_typed_in_the_wrong_place_stands_there(
    frame: Frame, door: Entrance
) -> None:
    for do, _ in DEEDS.values():
        with frame.database.transaction() as connection:
            connection.execute(sa.text("DELETE FROM login"))
        await do(frame, door)
    await door.somebody().sign_in("a password where a name belongs", "wrong")
    told = str(await frame.commit.read(audit.read))
    for secret in (PASSWORD, NEW, SECRET, code_at(frame), "000000", "short", "a password where"):
        assert secret not in told


async def test_what_could_not_be_written_down_was_not_done(frame: Frame, door: Entrance) -> None:
    person: Person = await door.person("anna")
    rename(frame, "audit", "away")
    answer = await person.post("/me/password", password=PASSWORD, new=NEW, again=NEW)
    assert answer.status in {500, 503}
    rename(frame, "away", "audit")
    assert (await door.somebody().sign_in("anna")).status == 303


async def test_another_number_that_an_agent_dials_is_noted_without_the_number(frame: Frame) -> None:
    room = DeskRoom(frame.database)
    scene = await room.begin()
    with frame.database.transaction() as connection:
        connection.execute(sa.update(account).values(phone=number(2)))
    before = frame.settings
    agents = {"anna": AgentTable(name="Anna")}
    frame.settings = type(before).of(Sections(agents=agents, web=before.web), before.path, before.campaigns)
    frame.dialer, frame.roster = scene.dialer, scene.roster
    async with entrance(frame) as door, scene.at_work():
        anna = await door.person("anna")
        await room.stored.clock.run(10)
        dial = partial(anna.post, "/desk/dial", attempt="1", number=number(2))
        assert (await dial(outcome="promise")).status == 409
        answer = await dial(outcome="dropped")
        assert answer.status == 200, answer.text
    rows: list[Any] = list(await frame.commit.read(audit.read))
    assert [(row.who, row.what, row.about, row.new, row.account_id) for row in rows[1:]] == [
        ("anna", "agent dial", "attempt:1", "dropped", 1)
    ]
    await room.stored.commit.close()


@pytest.mark.usefixtures("door")
async def test_that_somebody_hears_an_agent_no_more_is_noted_however_it_ended(frame: Frame) -> None:
    frame.bus.publish(Supervised("anna", "sven", "listen"))
    frame.bus.publish(Supervised("anna", "sven", ""))
    await frame.clock.settle()
    await frame.commit.run(lambda _: None)  # behind whatever was to be written
    rows = await frame.commit.read(audit.read)
    assert [(row.who, row.what, row.about) for row in rows] == [("sven", "hear no more", "agent:anna")]
