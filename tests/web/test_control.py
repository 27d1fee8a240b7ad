"""The control socket from both ends: what the daemon answers, and what a verb of the command line makes of it."""

import asyncio
import getpass
import http.client
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from contactd.cli.control import ask
from contactd.cli.main import main
from contactd.domain.errors import (
    ConfigError,
    ContactdError,
    IllegalTransition,
    InputError,
    Problem,
    StoreError,
    Unreachable,
)
from contactd.store import audit
from contactd.web.control import control_app
from contactd.web.serve import Site
from tests.web.frame import Frame

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


@pytest.fixture
async def control(frame: Frame, tmp_path: Path) -> AsyncIterator[Path]:
    """Serve the control application and name its socket."""
    path = tmp_path / "contactd.sock"
    async with Site(control_app(frame.window), path=path):
        yield path


async def asked(path: Path, method: str, url: str) -> dict[str, Any]:
    """Ask as the command line does, which has no loop."""
    return await asyncio.to_thread(ask, path, method, url)


async def test_the_status_comes_as_plain_values(control: Path) -> None:
    assert await asked(control, "GET", "/status") == {
        "daemon": {"name": "one", "since": "2026-11-23 09:00:00+00:00"},
        "queues": {"email": {"planned": 3}},
    }


async def test_a_reload_answers_what_needs_a_restart(control: Path) -> None:
    assert await asked(control, "POST", "/reload") == {"notes": ["[web] changed: restart to put it in force"]}


async def test_what_was_done_over_the_socket_stands_in_the_audit_log_and_what_was_refused_does_not(
    frame: Frame, control: Path
) -> None:
    await asked(control, "POST", "/reload")
    await asked(control, "POST", "/plan/standard")
    await asked(control, "POST", "/wake")
    await asked(control, "GET", "/status")
    with pytest.raises(InputError):
        await asked(control, "POST", "/agents/anna/pause/lunch")
    rows = await frame.commit.read(audit.read)
    assert [(row.what, row.about) for row in rows] == [("reload", ""), ("plan", "campaign:standard")]
    assert {row.who for row in rows} == {f"cli:{getpass.getuser()}"}


async def test_a_refused_reload_raises_every_problem_on_the_other_side(frame: Frame, control: Path) -> None:
    problems = [
        Problem("contactd.toml", 3, "web.port", "must be a number"),
        Problem("campaigns.d/a.toml", 0, "", "odd"),
    ]
    frame.broken = ConfigError(problems)
    with pytest.raises(ConfigError) as caught:
        await asked(control, "POST", "/reload")
    assert caught.value.problems == problems
    assert str(caught.value) == "contactd.toml:3: web.port: must be a number\ncampaigns.d/a.toml: odd"


async def test_a_campaign_is_planned_on_demand(frame: Frame, control: Path) -> None:
    assert await asked(control, "POST", "/plan/standard") == {"campaign": "standard", "taken": 2}
    assert frame.planned == ["standard"]


async def test_an_unknown_campaign_is_not_planned_but_the_known_are_named(frame: Frame, control: Path) -> None:
    with pytest.raises(InputError, match=r"^there is no campaign 'größer mahnen'; there are: standard$"):
        await asked(control, "POST", "/plan/größer mahnen")
    assert frame.planned == []


async def test_the_daemon_can_be_told_to_look_now(frame: Frame, control: Path) -> None:
    assert await asked(control, "POST", "/wake") == {"woken": True}
    assert frame.woken == 1


@pytest.mark.parametrize(
    ("raised", "kind"), [(StoreError("away"), StoreError), (IllegalTransition("not now"), InputError)]
)
async def test_what_the_daemon_foresaw_is_told_in_its_words(
    frame: Frame, control: Path, raised: ContactdError, kind: type[ContactdError]
) -> None:
    frame.broken = raised
    with pytest.raises(kind, match=f"^{raised}$"):
        await asked(control, "GET", "/status")


async def test_what_the_daemon_did_not_foresee_is_a_refusal_without_its_insides(frame: Frame, control: Path) -> None:
    frame.broken = RuntimeError("secret insides")
    with structlog.testing.capture_logs() as logged, pytest.raises(InputError, match="its log says how"):
        await asked(control, "GET", "/status")
    assert [(entry["event"], entry["route"]) for entry in logged] == [("request_broke", "/status")]


def test_a_daemon_that_does_not_run_is_told_with_the_cure(tmp_path: Path, dialect: str) -> None:
    path = tmp_path / "contactd.sock"
    with pytest.raises(Unreachable) as caught:
        ask(path, "GET", "/status")
    assert str(caught.value) == (
        f"no contactd answers on {path}: it is not running, or it runs with another configuration; "
        "start it (contactd run), or name its configuration with --config"
    )


def test_a_daemon_that_was_killed_is_told_like_one_that_does_not_run(tmp_path: Path, dialect: str) -> None:
    path = tmp_path / "contactd.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(Unreachable, match="no contactd answers on"):
        ask(path, "GET", "/status")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "went away while answering"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", r"what answers there \(200\) is no contactd"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", r"what answers there \(200\) is no contactd"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 99\r\n\r\n{", "went away while answering"),
    ],
)
def test_something_else_on_the_socket_is_recognised(tmp_path: Path, dialect: str, said: bytes, told: str) -> None:
    path = tmp_path / "contactd.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable, match=told):
            ask(path, "GET", "/status")
        thread.join()


def test_a_daemon_that_hangs_is_not_waited_for_without_end(tmp_path: Path, dialect: str) -> None:
    path = tmp_path / "contactd.sock"
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(path))
        hanging.listen()
        with pytest.raises(Unreachable, match="does not answer in time; look at its log"):
            ask(path, "GET", "/status", patience=0.05)


async def test_only_the_addresses_of_the_control_socket_are_served(control: Path) -> None:
    def get(url: str) -> int:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(control))
            wire.sendall(f"GET {url} HTTP/1.0\r\n\r\n".encode())
            response = http.client.HTTPResponse(wire)
            response.begin()
            return response.status

    assert [await asyncio.to_thread(get, url) for url in ("/status", "/reload", "/metrics")] == [200, 405, 404]


@pytest.mark.parametrize("verb", ["status", "reload"])
def test_the_command_line_ends_with_five_when_nobody_answers(
    tmp_path: Path, dialect: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "contactd.toml").write_text("")
    with pytest.raises(SystemExit) as ended:
        main([verb, "--config", str(tmp_path / "contactd.toml")])
    assert ended.value.code == 5
    assert capsys.readouterr().err.startswith(f"contactd: no contactd answers on {tmp_path / 'contactd.sock'}")


async def test_the_command_line_ends_with_three_when_a_reload_is_refused(
    frame: Frame, tmp_path: Path, control: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "contactd.toml").write_text("")
    frame.broken = ConfigError([Problem("contactd.toml", 3, "web.port", "must be a number")])
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, ["reload", "--config", str(tmp_path / "contactd.toml")])
    assert ended.value.code == 3
    assert capsys.readouterr().err == "contactd: contactd.toml:3: web.port: must be a number\n"


async def test_the_agents_are_told_and_orders_where_nobody_is_called_refused(control: Path) -> None:
    answer = await asked(control, "GET", "/agents")
    assert [(agent["agent"], agent["state"]) for agent in answer["agents"]] == [("anna", "offline")]
    with pytest.raises(InputError, match="nobody is called here"):
        await asked(control, "POST", "/agents/anna/sign-in")
    with pytest.raises(InputError, match="nobody is called here"):
        await asked(control, "POST", "/agents/anna/done/promise/2026-12-01T10:00+01:00")
