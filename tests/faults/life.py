"""One daemon under test: its folder with the configuration, and its process while it lives."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contactd.cli.control import ask
from contactd.domain.errors import ContactdError

START_SECONDS = 180.0  # generous: the machine may be busy
_MOMENT = 0.02
# Below the ports the system gives to outgoing connections: one of those would now and then be in a daemon's way.
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """Find a port that was free a moment ago."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def contactd(*arguments: str | Path) -> list[str]:
    """Write a command of the program that is under test, whether it is installed or a tree."""
    program = Path(sys.executable).with_name("contactd")
    installed = program.exists() and "PYTHONPATH" not in os.environ
    return [*([str(program)] if installed else [sys.executable, "-m", "contactd.cli.main"]), *map(str, arguments)]


def until(happened: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait for something another process does; fails with `otherwise` in words."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {otherwise()}")
        time.sleep(_MOMENT)


@dataclass
class Life:
    """A daemon; `start` and an end of any kind may follow each other."""

    folder: Path
    name: str
    web_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def config(self) -> Path:
        """Name the configuration file."""
        return self.folder / "contactd.toml"

    @property
    def pid(self) -> int:
        """Name the process."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start the program; its log goes to a file."""
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(contactd("run", "--config", self.config), stdout=log, stderr=log)

    def refused(self, *before: str) -> tuple[int, list[str]]:
        """Start a daemon that must end by itself; answers its exit code and the lines it says."""
        command = [*before, *contactd("run", "--config", self.config)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=START_SECONDS)
        assert ended.stdout == ""
        return ended.returncode, ended.stderr.splitlines()

    def wait_ready(self) -> None:
        """Wait until the daemon says it is ready."""
        until(self._ready_or_gone, START_SECONDS, self.log_tail)

    def _ready_or_gone(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended by itself:\n{self.log_tail()}")
        return self.ready()[0]

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Ask /readyz; nobody there is not ready."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status == http.client.OK, json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return False, {}
        finally:
            connection.close()

    def plan(self, campaign: str) -> bool:
        """Have a campaign planned now; False when the daemon did not live to answer, or could not."""
        try:
            ask(self.folder / "contactd.sock", "POST", f"/plan/{campaign}", patience=START_SECONDS)
        except ContactdError:
            return False
        return True

    def kill(self) -> None:
        """End the process without a warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def stop(self) -> int:
        """Ask the daemon to end, as systemd does; answers its exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(60)
        self.process = None
        return code

    def freeze(self) -> None:
        """Let the process stand still, as a machine that is out of breath does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if nothing had happened."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def log_text(self) -> str:
        """Give everything the daemon said, in all its lives."""
        log = self.folder / "daemon.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Read what was logged of an event, in all its lives."""
        return [json.loads(line) for line in self.log_text().splitlines() if f'"{event}"' in line]

    def log_tail(self) -> str:
        """Give the end of the daemon's log."""
        return f"{self.name}:\n{self.log_text()[-4000:]}"
