"""Listening: on ports and socket files, and what is said when that cannot be."""

import asyncio
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import uvloop
from aiohttp import web

from contactd.domain.errors import AddressTaken
from contactd.web.serve import Site


def app() -> web.Application:
    """Make an application that says hello."""

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=f"hello {request.path}")

    application = web.Application()
    application.add_routes([web.get("/{name}", hello)])
    return application


async def over_file(path: Path) -> str:
    """Ask an application behind a socket file."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.get("http://contactd/file") as answer,
    ):
        return await answer.text()


async def test_any_free_port_is_taken_and_told() -> None:
    async with (
        Site(app(), host="127.0.0.1", port=0) as site,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{site.port}/port") as answer,
    ):
        assert await answer.text() == "hello /port"


async def test_a_port_that_is_taken_is_named_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressTaken) as caught:
            await Site(app(), host="127.0.0.1", port=port).__aenter__()
    assert str(caught.value) == (
        f"[web] port: 127.0.0.1:{port} is taken by another program; end it (find it with: ss -ltnp), "
        "or choose another port (0: any free one)"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a..b"])
async def test_an_address_that_is_not_ours_is_named_with_the_cure(host: str) -> None:
    with pytest.raises(AddressTaken, match=rf'^\[web\] bind: "{host}" is no address of this machine; name one'):
        await Site(app(), host=host).__aenter__()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_socket_file_is_for_our_user_only_and_goes_with_the_daemon(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    path = tmp_path / "contactd.sock"

    async def serve() -> None:
        async with Site(app(), path=path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert await over_file(path) == "hello /file"

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(serve())
    assert not path.exists()


async def test_the_socket_of_a_daemon_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "contactd.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with Site(app(), path=path):
        assert await over_file(path) == "hello /file"


async def test_the_socket_of_a_running_daemon_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "contactd.sock"
    async with Site(app(), path=path):
        with pytest.raises(AddressTaken, match="another contactd answers on"):
            await Site(app(), path=path).__aenter__()
        assert await over_file(path) == "hello /file"


async def test_a_daemon_too_busy_to_answer_counts_as_running(tmp_path: Path) -> None:
    path = tmp_path / "contactd.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))
        with pytest.raises(AddressTaken, match="another contactd answers on"):
            await Site(app(), path=path).__aenter__()
        assert path.exists()


async def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "contactd.sock"
    path.write_text("notes")
    with pytest.raises(AddressTaken, match="exists and is no socket; remove it, or name another file"):
        await Site(app(), path=path).__aenter__()
    assert path.read_text() == "notes"


async def test_a_socket_somebody_else_put_there_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "contactd.sock"
    async with Site(app(), path=path):
        path.rename(tmp_path / "moved")
        path.write_text("somebody else's")
    assert path.read_text() == "somebody else's"


async def test_a_socket_that_was_removed_meanwhile_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "contactd.sock"
    async with Site(app(), path=path):
        path.rename(tmp_path / "moved")
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("x" * 120, "longer than 107 bytes; name a shorter one"), ("nowhere/contactd.sock", "there is no folder")],
)
def test_a_place_where_no_socket_can_be_is_named_with_the_cure(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(AddressTaken, match=rf"^\[daemon\] control: .*{reason}"):
        asyncio.run(Site(app(), path=tmp_path / name).__aenter__())
    assert list(tmp_path.iterdir()) == []


async def test_a_request_under_way_is_answered_before_the_end() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        began.set()
        await go_on.wait()
        return web.Response(text="done")

    application = web.Application()
    application.add_routes([web.get("/slow", slow)])
    async with aiohttp.ClientSession() as session:
        async with Site(application, host="127.0.0.1", port=0) as site:
            asking = asyncio.ensure_future(session.get(f"http://127.0.0.1:{site.port}/slow"))
            await began.wait()
            asyncio.get_running_loop().call_soon(go_on.set)
        async with await asking as answer:
            assert await answer.text() == "done"
