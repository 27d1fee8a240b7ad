"""Measures contactd and prints each figure beside a reference of the same run: `make bench`.

Call it as `python -m tests.bench.run [--only NAME] [--quick] [--json]`.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict

from tests.bench.figures import QUICK, Figure

# What --only names, and the module that measures it.
BENCHES = {
    "import": "importing",
    "bank-statements": "statements",
    "bank-import": "bank_import",
    "statements": "owing",
    "planning": "planning",
    "email": "sending",
    "letters": "letters",
    "webhooks": "hooks",
    "help": "starting",
    "dialer": "dialling",
    "big-team": "big_team",
    "real-calls": "calling",
    "evidence": "evidence",
    "desks": "desks",
    "reports": "reporting",
    "pushes": "pushing",
}
_ROW = "{:<44} {:>14} {:>9}  {:<46} {:>14} {:>7}  {}"


def main() -> None:
    """Run what is asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=BENCHES, action="append", help="measure only this; may be given again")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    asked = parser.parse_args()
    figures: dict[str, list[Figure]] = {}
    load = os.getloadavg()[0]
    if not asked.json:
        print(f"{os.cpu_count()} processors, load {load:.1f}{_warning(load)}")
        print(_ROW.format("figure", "value", "peak RSS", "reference of the same run", "value", "ratio", "target"))
    for name in asked.only or BENCHES:
        figures[name] = measure(name, QUICK if asked.quick else 1.0)
        if not asked.json:
            show(figures[name])
    if asked.json:
        shown = {name: [asdict(one) | {"ratio": one.ratio} for one in found] for name, found in figures.items()}
        about = {"processors": os.cpu_count(), "load": load, "quick": asked.quick}
        print(json.dumps(about | {"figures": shown}, indent=2))


def measure(name: str, scale: float) -> list[Figure]:
    """Measure in a process of its own, so that its memory is its alone; what it says besides goes to the terminal."""
    command = [sys.executable, "-m", f"tests.bench.{BENCHES[name]}", "--scale", str(scale)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode:
        sys.exit(f"the benchmark {name} failed (exit {done.returncode})")
    return [Figure(**values) for values in json.loads(done.stdout.splitlines()[-1])]


def show(figures: list[Figure]) -> None:
    """Print the figures of one benchmark."""
    for one in figures:
        value, reference = f"{_number(one.value)} {one.unit}", f"{_number(one.reference_value)} {one.unit}"
        peak = f"{one.peak_mb:.0f} MB"
        print(_ROW.format(one.what, value, peak, one.reference, reference, f"{one.ratio:.3g}", one.target), flush=True)
        for note in one.notes:
            print(f"    {note}", flush=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _warning(load: float) -> str:
    return ": the machine is busy, read the figures as ratios" if load > 1 else ""


if __name__ == "__main__":
    main()
