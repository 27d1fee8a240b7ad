"""The systemd unit is accepted by systemd, hardened, and gives its reasons; checked without a running systemd."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "contactd.service"
INSTALLED = "/opt/contactd/bin/contactd"
MOST_EXPOSED = 2.0


@pytest.fixture
def analyze() -> str:
    """Find systemd-analyze, which reads units without a running systemd."""
    found = shutil.which("systemd-analyze")
    if not found:
        pytest.skip("systemd-analyze is missing (Debian: apt-get install systemd)")
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Copy the unit with a contactd that exists: verify looks at the program as well."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace(INSTALLED, f"{sys.prefix}/bin/contactd"), encoding="utf-8")
    return copy


def test_systemd_finds_nothing_wrong_with_the_unit(analyze: str, unit: Path) -> None:
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    about_us = [line for line in verified.stderr.splitlines() if "contactd" in line]
    assert (about_us, verified.returncode) == ([], 0), verified.stderr


def test_systemd_would_notice_a_wrong_line(analyze: str, unit: Path) -> None:
    unit.write_text(
        unit.read_text(encoding="utf-8").replace("ProtectSystem=strict", "ProtectSystem=stricter"), encoding="utf-8"
    )
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "Failed to parse protect system" in verified.stderr


def test_the_unit_exposes_next_to_nothing(analyze: str, unit: Path) -> None:
    review = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(unit)], capture_output=True, text=True, check=True
    )
    level = re.search(r"Overall exposure level for contactd\.service: ([0-9.]+)", review.stdout)
    assert level is not None, review.stdout
    assert float(level[1]) <= MOST_EXPOSED, review.stdout


def test_every_line_of_the_service_has_a_reason_above_it() -> None:
    service = UNIT.read_text(encoding="utf-8").split("[Service]\n")[1].split("[Install]")[0].splitlines()
    bare = [
        line
        for above, line in zip(["", *service], service, strict=False)
        if re.match(r"\w+=", line) and not above.startswith("# ")
    ]
    assert bare == []


def test_the_unit_starts_and_reloads_the_same_program_with_the_same_file() -> None:
    commands = re.findall(r"(?m)^Exec(\w+)=(\S+) (\w+) (.*)$", UNIT.read_text(encoding="utf-8"))
    assert [(kind, program, verb) for kind, program, verb, _ in commands] == [
        ("Start", INSTALLED, "run"),
        ("Reload", INSTALLED, "reload"),
    ]
    assert len({arguments for *_, arguments in commands}) == 1
