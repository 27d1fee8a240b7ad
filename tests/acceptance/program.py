"""The installed program as its users meet it: a command line, exit codes, two streams."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    """Run a verb to its end."""
    ended = subprocess.run(
        [*command(), *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd, timeout=120, env={**os.environ, **(env or {})},
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr)
