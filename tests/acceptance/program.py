"""The installed program as its users meet it: a command line, exit codes, two streams."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from select import select
from tempfile import TemporaryFile
from typing import Any

_STARTER = Path(__file__).with_name("starter.py")
_PATIENCE = 120  # seconds


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - whatever the verb prints
        """Read the one JSON document on stdout."""
        return json.loads(self.out)


def command() -> list[str]:
    """Find the program beside the interpreter that runs the tests."""
    program = shutil.which("contactd", path=str(Path(sys.executable).parent))
    return [program] if program else [sys.executable, "-m", "contactd.cli.main"]


def contactd(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Ended:
    """Run a verb to its end, in a process of its own."""
    asked = {
        "arguments": [str(one) for one in arguments],
        "folder": str(cwd or Path.cwd()),
        "environment": {**os.environ, **(env or {})},
    }
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        code = _run(json.dumps(asked).encode(), out.fileno(), err.fileno())
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read(), err.read())


def _run(asked: bytes, out: int, err: int) -> int:
    """Let the starter run what is asked for; answers its exit code."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as told:
        try:
            socket.send_fds(_starter(), [asked], [out, err, writing])
        finally:
            os.close(writing)
        run = int(told.readline())
        if not select([told], [], [], _PATIENCE)[0]:
            os.kill(run, signal.SIGKILL)
            raise TimeoutError(f"still running after {_PATIENCE} seconds: {asked!r}")
        return int(told.readline())


@cache
def _starter() -> socket.socket:
    """Start what starts the program, once for this process's tests; it ends when we do."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        number = theirs.fileno()
        server = subprocess.Popen([sys.executable, "-P", _STARTER, str(number)], pass_fds=[number])

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours
