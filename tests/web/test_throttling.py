"""How often one may try to sign in, from where, and who has to wait for it."""

import pytest
import sqlalchemy as sa

from contactd.store.schema_logins import known_address
from tests.web.frame import Frame
from tests.web.people import PASSWORD, Entrance
from tests.web.test_signing_in import SECRET, code_at, rows

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


def coming_from(address: str) -> dict[str, str]:
    """Say what a proxy says of a browser at an address."""
    return {"X-Forwarded-For": address, "Sec-Fetch-Site": "same-origin"}


async def try_from(door: Entrance, address: str, password: str = PASSWORD) -> int:
    """Try to sign anna in from somewhere."""
    form = {"name": "anna", "password": password}
    return (await door.somebody().ask("POST", "/sign-in", form, coming_from(address))).status


async def test_guessing_costs_time_and_the_right_password_waits_too(frame: Frame, door: Entrance) -> None:
    door.add("anna")
    person = door.somebody()
    for _ in range(5):
        assert (await person.sign_in("anna", "wrong")).status == 403
    frame.clock.advance(4)
    answer = await door.somebody().sign_in("anna")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert "Please wait 1 seconds." in answer.text
    frame.clock.advance(2)
    assert (await person.sign_in("anna")).status == 303
    assert (await door.somebody().sign_in("anna", "wrong")).status == 403, "success starts the count anew"


async def test_an_outsider_who_knows_a_name_delays_nobody_elsewhere(door: Entrance) -> None:
    door.add("anna")
    assert [await try_from(door, "198.51.100.7", "wrong") for _ in range(7)] == [403] * 5 + [429] * 2
    assert await try_from(door, "192.0.2.1") == 303


async def test_guessing_from_everywhere_costs_time_and_not_the_owner_where_they_came_in_lately(
    frame: Frame, door: Entrance
) -> None:
    door.add("anna")
    assert await try_from(door, "192.0.2.1") == 303
    for number in range(40):
        for _ in range(5):
            assert await try_from(door, f"198.51.100.{number}", "wrong") == 403
    assert await try_from(door, "203.0.113.9") == 429
    assert await try_from(door, "192.0.2.1") == 303
    frame.clock.advance(6)
    assert await try_from(door, "203.0.113.9", "wrong") == 403
    assert await try_from(door, "203.0.113.10") == 429


async def test_whoever_knows_the_password_alone_makes_no_address_known(frame: Frame, door: Entrance) -> None:
    door.add("anna", totp=SECRET)
    person = door.somebody()
    assert (await person.sign_in("anna")).headers["Location"] == "/sign-in/code"
    assert rows(frame, known_address) == []
    await person.post("/sign-in/code", code=code_at(frame))
    assert len(rows(frame, known_address)) == 1


async def test_guessing_many_names_costs_time_by_address(frame: Frame, door: Entrance) -> None:
    person = door.somebody()
    statuses = [(await person.sign_in(f"name{number}", "wrong")).status for number in range(32)]
    assert statuses == [403] * 30 + [429] * 2
    form = {"name": "other", "password": "wrong"}
    assert (await person.ask("POST", "/sign-in", form, coming_from("192.0.2.9"))).status == 403


async def test_only_a_proxy_we_know_says_from_where_somebody_comes(frame: Frame, door: Entrance) -> None:
    web = frame.settings.web.model_copy(update={"proxies": ()})
    frame.settings = frame.settings.model_copy(update={"web": web})
    statuses = []
    for number in range(31):
        form = {"name": f"n{number}", "password": "wrong"}
        answer = await door.somebody().ask("POST", "/sign-in", form, coming_from(f"192.0.2.{number}"))
        statuses.append(answer.status)
    assert statuses == [403] * 30 + [429]


async def test_a_network_of_ipv6_is_one_address(frame: Frame, door: Entrance) -> None:
    statuses = []
    for number in range(31):
        form, told = {"name": f"n{number}", "password": "wrong"}, coming_from(f"198.51.100.1, 2001:db8::{number:x}")
        answer = await door.somebody().ask("POST", "/sign-in", form, told)
        statuses.append(answer.status)
    assert statuses[-1] == 429


async def test_the_count_outlives_the_daemon(frame: Frame, door: Entrance) -> None:
    door.add("anna")
    for _ in range(5):
        await door.somebody().sign_in("anna", "wrong")
    assert (await door.somebody().sign_in("anna")).status == 429
    assert "anna" not in str(rows(frame, sa.table("failed_try", sa.column("key"))))  # type: ignore[arg-type] # reads alike
