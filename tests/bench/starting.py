"""How long `contactd --help` takes, whole process; the reference is an interpreter that does nothing."""

import resource
import subprocess
import sys
from pathlib import Path

from tests.bench.figures import Figure, Watch, main

_TIMES = 20


def run(scale: float) -> list[Figure]:
    """Start both in turn and take the median of each."""
    program = Path(sys.executable).with_name("contactd")
    helping = [str(program)] if program.exists() else [sys.executable, "-m", "contactd.cli.main"]
    ours, bare = [], []
    for _ in range(max(5, int(_TIMES * scale))):
        ours.append(Watch(lambda: _start([*helping, "--help"])).seconds)
        bare.append(Watch(lambda: _start([sys.executable, "-c", "pass"])).seconds)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [Figure("contactd --help", _median(ours), "s", "python -c pass", _median(bare), "<= 0.2 s", peak)]


def _start(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    main(run)
