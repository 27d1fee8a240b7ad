"""The daemon as operations meet it: started, watched, reloaded, paused, drained."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.program import command, contactd
from tests.faults.life import Life
from tests.faults.stage import Stage, open_stage


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so, and fail when it never is."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


@dataclass
class Office:
    """A daemon with 20 accounts for each channel, and the providers it writes to."""

    stage: Stage
    life: Life

    @property
    def config(self) -> Path:
        """Name the configuration file."""
        return self.life.config

    @contextlib.contextmanager
    def open(self) -> Iterator[Life]:
        """Run the daemon with both campaigns planned, and see that SIGTERM ends it well."""
        self.life.start()
        self.life.wait_ready()
        assert all(self.life.plan(campaign) for campaign in ("email", "sms"))
        yield self.life
        assert self.life.stop() == 0, self.life.log_tail()

    def get(self, path: str) -> str:
        """Ask the daemon over HTTP."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.life.web_port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def sent(self) -> int:
        """Count what the providers took."""
        return sum(self.stage.mails().values()) + sum(self.stage.messages().values())


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    with open_stage(tmp_path, database_url, emails=20, texts=20) as stage:
        yield Office(stage, stage.life("office"))


def test_the_daemon_sends_what_is_due_and_the_log_tells_every_contact(office: Office) -> None:
    with office.open():
        eventually(lambda: office.sent() == 40)
        eventually(lambda: office.stage.states() == {("email", "accepted"): 20, ("sms", "delivered"): 20})
    rows = [json.loads(line) for line in contactd("log", "--json", "--config", office.config).out.splitlines()]
    ends = {row["attempt_id"]: row["outcome"] for row in rows}
    assert sorted(ends.values()) == ["accepted"] * 20 + ["delivered"] * 20
    one = contactd("log", "email-7", "--json", "--config", office.config)
    assert {json.loads(line)["account_no"] for line in one.out.splitlines()} == {"email-7"}
    told = contactd("why", "email-7", "--json", "--config", office.config).json()
    assert told[0]["history"][0]["outcome"] == "accepted"
    assert told[0]["decision"] == "rest"


def test_status_health_and_metrics_say_what_is_going_on(office: Office) -> None:
    with office.open():
        eventually(lambda: office.sent() == 40)
        assert office.get("/healthz")
        assert json.loads(office.get("/readyz"))
        assert 'contactd_attempts_total{campaign="email"' in office.get("/metrics")
        status = contactd("status", "--json", "--config", office.config)
        assert status.code == 0, status.err
        assert set(status.json()["campaigns"]) == {"email", "sms"}
        assert contactd("status", "--config", office.config).out
    assert contactd("status", "--config", office.config).code == 5


def test_a_paused_campaign_rests_until_it_is_resumed_and_leaves_nobody_out(office: Office) -> None:
    paused = contactd("pause", "email", "--reason", "test", "--config", office.config)
    assert (paused.code, paused.out) == (0, "campaign:email is paused\n")
    with office.open():
        eventually(lambda: sum(office.stage.messages().values()) == 20)
        assert not office.stage.mails()
        assert contactd("resume", "email", "--config", office.config).code == 0
        eventually(lambda: sum(office.stage.mails().values()) == 20, seconds=90)
    assert set(office.stage.mails().values()) == {1}


def test_a_stopped_account_is_not_contacted(office: Office) -> None:
    stopped = contactd("stop", "sms-3", "--reason", "asked by letter", "--config", office.config)
    assert (stopped.code, stopped.out) == (0, "sms-3 is not contacted in any way any more\n")
    with office.open():
        eventually(lambda: office.sent() == 39)
    assert "stopped" in contactd("why", "sms-3", "--config", office.config).out
    assert contactd("stop", "nobody", "--config", office.config).code == 2
    assert contactd("stop", "sms-3", "--lift", "--config", office.config).out == "sms-3: contact is allowed again\n"


def test_a_reload_is_refused_whole_when_anything_is_wrong(office: Office) -> None:
    campaign = office.life.folder / "campaigns.d" / "email.toml"
    good = campaign.read_text()
    with office.open() as life:
        campaign.write_text(good.replace("day = 3", "dya = 3"))
        refused = contactd("reload", "--config", office.config)
        assert refused.code == 3
        assert "email.toml:8: step[1].dya" in refused.err
        assert 'did you mean "day"?' in refused.err
        campaign.write_text(good.replace('id = "email"', 'id = "post"'))
        assert contactd("reload", "--config", office.config).code == 0
        names = contactd("status", "--json", "--config", office.config).json()["campaigns"]
        assert set(names) == {"post", "sms"}
        campaign.write_text(good)
        os.kill(life.pid, signal.SIGHUP)
        eventually(lambda: "email" in contactd("status", "--json", "--config", office.config).json()["campaigns"])


def test_systemd_hears_that_it_is_ready_alive_and_stopping(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    path = office.life.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        words: list[str] = []
        with office.open():
            while "WATCHDOG=1" not in words:
                words += heard.recv(4096).decode().splitlines()
        heard.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                words += heard.recv(4096).decode().splitlines()
    assert words[0] == "READY=1"
    assert "STATUS=2 campaigns, 3 channels" in words
    assert "STOPPING=1" in words


def test_two_daemons_cannot_share_one_sqlite_file(tmp_path: Path) -> None:
    config = tmp_path / "contactd.toml"
    config.write_text("[web]\nport = 0\n")
    assert contactd("migrate", "--config", config).code == 0
    first = subprocess.Popen([*command(), "run", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: contactd("status", "--config", config).code == 0)
        second = contactd("run", "--config", config)
        assert second.code == 5
        assert "is running" in second.err
    finally:
        first.terminate()
        assert first.wait(30) == 0


def test_the_daemon_refuses_a_database_nobody_migrated(tmp_path: Path) -> None:
    config = tmp_path / "contactd.toml"
    config.write_text("[web]\nport = 0\n")
    ended = contactd("run", "--config", config)
    assert ended.code == 5
    assert "run: contactd migrate" in ended.err
    with sqlite3.connect(tmp_path / "contactd.db") as other:
        other.execute("CREATE TABLE somebody_elses (id INTEGER)")
    other.close()
    ended = contactd("run", "--config", config)
    assert ended.code == 5
    assert "Traceback" not in ended.err


def test_what_the_daemon_tells_of_people_commands_no_terminal(tmp_path: Path) -> None:
    life = Life(tmp_path, "desk")
    life.config.write_text(
        f"[web]\nport = {life.web_port}\n"
        '[agents.anna]\nname = "Anna \\u001B[31m"\nteam = "one"\n[telephony]\nbackend = "simulated"\n'
    )
    assert contactd("migrate", "--config", life.config).code == 0
    life.start()
    life.wait_ready()
    try:
        said = "lunch\x1b[31m\x9b2J"
        for verb in (("pause", "all", "--reason", f"{said}\nOBEYED"), ("agent", "anna", "sign-in"),
                     ("agent", "anna", "pause", said), ("status",), ("agents",), ("status", "--json")):  # fmt: skip
            ended = contactd(*verb, "--config", life.config)
            assert (ended.code, ended.err) == (0, ""), verb
            assert "\nOBEYED" not in ended.out, verb
            assert [letter for letter in ended.out if letter != "\n" and not letter.isprintable()] == [], verb
        assert "lunch [31m 2J" in contactd("agents", "--config", life.config).out
    finally:
        life.stop()
