"""Sockets of open pages: what they are told, how often, and when they are closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import structlog

from contactd.domain.errors import StoreError
from contactd.domain.role import Role
from contactd.store import logins
from contactd.web.hub import ENDED, SILENT, TOO_MANY, Topic
from contactd.web.visitors import Viewer
from tests.web.frame import Frame
from tests.web.people import Entrance, Person, entrance

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

Socket = aiohttp.ClientWebSocketResponse


class Board:
    """A topic whose state the test writes; counts how often it was asked, and by whom."""

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self.state: object = "first"
        self.asked: list[str] = []
        self.alive: list[str] = []
        self.broken: Exception | None = None

    async def tell(self, viewer: Viewer) -> object:
        """Answer the state."""
        self.asked.append(viewer.name)
        if self.broken is not None:
            raise self.broken
        return self.state

    def topic(self, name: str = "board", least: Role = Role.AGENT, every: float = 0.0) -> Topic:
        """Make a topic of it."""
        return Topic(name, least, self.tell, every, alive=lambda viewer: self.alive.append(viewer.name))


@asynccontextmanager
async def opened(person: Person, *topics: str) -> AsyncIterator[Socket]:
    """Open the socket of a tab that shows these topics."""
    origin = f"http://{person.host}"
    async with person.session.ws_connect(f"{origin}/ws", headers={"Origin": origin}, autoclose=False) as socket:
        assert "beat" in await socket.receive_json()
        await socket.send_json({"see": list(topics)})
        yield socket


async def state(socket: Socket) -> dict[str, Any]:
    """Wait for the next state, past signs of life."""
    while True:
        told: dict[str, Any] = await socket.receive_json(timeout=60)
        if "topic" in told:
            return told


async def test_a_tab_is_told_the_whole_state_when_it_comes_and_when_something_changes(door: Entrance) -> None:
    board = Board()
    door.hub.add(board.topic())
    person = await door.person("anna")
    async with opened(person, "board", "nothing") as socket:
        assert await state(socket) == {"topic": "board", "state": "first"}
        board.state = {"calls": 3}
        door.hub.touch("board")
        assert await state(socket) == {"topic": "board", "state": {"calls": 3}}
        assert door.hub.viewers("board") == {"anna"}
    async with opened(person, "board") as socket:
        assert await state(socket) == {"topic": "board", "state": {"calls": 3}}


async def test_only_those_are_told_whom_it_concerns(door: Entrance) -> None:
    board = Board()
    door.hub.add(board.topic())
    anna, bernd = await door.person("anna"), await door.person("bernd")
    async with opened(anna, "board") as one, opened(bernd, "board") as other:
        await state(one)
        await state(other)
        door.hub.touch("board", "bernd")
        await state(other)
        door.hub.touch("other")
    assert board.asked == ["anna", "bernd", "bernd"]


async def test_nobody_is_told_what_their_role_does_not_open(door: Entrance) -> None:
    secret, board = Board(), Board()
    door.hub.add(secret.topic("figures", Role.MANAGER))
    door.hub.add(board.topic())
    async with opened(await door.person("anna"), "figures", "board") as socket:
        assert (await state(socket))["topic"] == "board"
        door.hub.touch("figures")
    assert secret.asked == []


async def test_changes_faster_than_a_topic_allows_are_told_once_with_the_last_state(door: Entrance) -> None:
    board = Board()
    door.hub.add(board.topic(every=2))
    async with opened(await door.person("anna"), "board") as socket:
        await state(socket)
        for number in range(100):
            board.state = number
            door.hub.touch("board")
            await asyncio.sleep(0)
        assert (await state(socket))["state"] == 99
    assert len(board.asked) == 2


@pytest.mark.parametrize("broken", [RuntimeError("odd"), StoreError("away")])
async def test_a_topic_that_breaks_leaves_the_others_alone(door: Entrance, broken: Exception) -> None:
    one, other = Board(), Board()
    one.broken = broken
    door.hub.add(one.topic("one"))
    door.hub.add(other.topic("other"))
    with structlog.testing.capture_logs() as logged:
        async with opened(await door.person("anna"), "one", "other") as socket:
            assert (await state(socket))["topic"] == "other"
    assert any(entry["event"] == "topic_broke" for entry in logged) is isinstance(broken, RuntimeError)


async def test_what_a_tab_says_amiss_is_passed_over(door: Entrance) -> None:
    board = Board()
    door.hub.add(board.topic())
    async with opened(await door.person("anna")) as socket:
        for text in ("no json", "[]", '{"see": 7}', '{"see": [7, {}]}', '{"other": 1}'):
            await socket.send_str(text)
        await socket.send_json({"see": ["board"]})
        assert (await state(socket))["topic"] == "board"


async def test_more_than_a_tab_may_say_closes_it(door: Entrance) -> None:
    async with opened(await door.person("anna")) as socket:
        await socket.send_str("x" * 5000)
        message = await socket.receive(timeout=60)
        assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}


async def test_both_sides_give_signs_of_life_and_whoever_is_silent_is_let_go(frame: Frame) -> None:
    async with entrance(frame, beat=0.05, patience=4) as door:
        board = Board()
        door.hub.add(board.topic())
        async with opened(await door.person("anna"), "board") as socket:
            for _ in range(3):
                while "beat" not in await socket.receive_json(timeout=60):
                    pass
                await socket.send_json({"beat": 1})
            assert await code_of(socket) == SILENT
        assert len(board.alive) >= 3
        assert set(board.alive) == {"anna"}
        await gone(door)


async def gone(door: Entrance) -> None:
    """Wait until nobody has the board before their eyes: the server learns of it after the client."""
    for _ in range(6_000):
        if not door.hub.viewers("board"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the hub never let go")


async def code_of(socket: Socket) -> int:
    """Read on until the socket is closed, and answer why."""
    while True:
        message = await socket.receive(timeout=60)
        if message.type is aiohttp.WSMsgType.CLOSE:
            return int(message.data)
        assert message.type is aiohttp.WSMsgType.TEXT, message


async def test_signing_out_closes_the_sockets_of_that_session_alone(door: Entrance) -> None:
    person, other = await door.person("anna"), door.somebody()
    await other.sign_in("anna")
    async with opened(person) as one, opened(person) as two, opened(other) as three:
        await person.post("/sign-out")
        assert [await code_of(one), await code_of(two), three.closed] == [ENDED, ENDED, False]


async def test_a_new_password_closes_every_socket_of_its_owner(door: Entrance) -> None:
    person, other = await door.person("anna"), door.somebody()
    await other.sign_in("anna")
    async with opened(other) as socket:
        new = "acht stille Berge am Fluss"
        await person.post("/me/password", password="vier Karotten auf einem Dach", new=new, again=new)
        assert await code_of(socket) == ENDED


async def test_a_socket_does_not_outlive_its_session(frame: Frame) -> None:
    async with entrance(frame, beat=0.05) as door:
        anna, bernd = await door.person("anna"), await door.person("bernd")
        async with opened(anna) as one, opened(bernd) as two:
            with frame.database.transaction() as connection:  # as `contactd agents disable` does
                logins.change(connection, "anna", {"disabled_at": frame.clock.now()})
            assert await code_of(one) == ENDED
            frame.clock.advance(13 * 3600)
            assert await code_of(two) == ENDED


async def test_an_open_page_keeps_its_session_alive(frame: Frame, door: Entrance) -> None:
    person = await door.person("anna")
    async with opened(person) as socket:
        for _ in range(5):
            frame.clock.advance(20 * 60)
            await door.hub.look_over()
        assert not socket.closed
    frame.clock.advance(29 * 60)
    assert (await person.get("/me")).status == 200
    await door.hub.look_over()  # with nobody there


async def test_a_session_has_a_limit_of_tabs(door: Entrance) -> None:
    person = await door.person("anna")
    origin = f"http://{person.host}"
    sockets = [
        await person.session.ws_connect(f"{origin}/ws", headers={"Origin": origin}, autoclose=False) for _ in range(21)
    ]
    assert await code_of(sockets[-1]) == TOO_MANY
    assert not sockets[0].closed


async def test_a_tab_that_takes_nothing_is_dropped_and_nothing_piles_up(frame: Frame) -> None:
    async with entrance(frame, beat=0.1, patience=4) as door:
        board = Board()
        board.state = "x" * 2_000_000
        door.hub.add(board.topic())
        person = await door.person("anna")
        reader, writer = await door.wire()
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {door.host}\r\nOrigin: http://{door.host}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Cookie: contactd={person.cookie()}\r\n\r\n".encode()
        )
        assert b"101" in await reader.readline()
        writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's has it
        with structlog.testing.capture_logs() as logged:
            for _ in range(6_000):
                writer.write(_masked('{"see": ["board"]}'))
                await asyncio.sleep(0.01)
                if any(entry["event"] == "slow_tab_dropped" for entry in logged):
                    break
        assert [entry["event"] for entry in logged] == ["slow_tab_dropped"]
        assert door.hub.viewers("board") == set()
        writer.transport.abort()


def _masked(text: str) -> bytes:
    """Write a text as a client's frame (RFC 6455), with a mask of zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()


async def test_when_the_daemon_goes_the_pages_are_told_to_look_for_it_again(frame: Frame) -> None:
    async with entrance(frame) as door:
        person = await door.person("anna")
        async with opened(person) as socket:
            await door.hub.leave()
            assert await code_of(socket) == aiohttp.WSCloseCode.GOING_AWAY


async def test_while_the_store_is_away_sockets_stay(frame: Frame) -> None:
    async with entrance(frame, beat=0.05) as door, opened(await door.person("anna")) as socket:
        await frame.commit.close()
        for _ in range(4):
            assert "beat" in await socket.receive_json(timeout=60)
            await socket.send_json({"beat": 1})
