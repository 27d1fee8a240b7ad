"""House rules for the project's other files: pinned requirements, reasons for dependencies, nothing of one machine."""

import re
import tomllib

from tests.house.tree import ROOT, project_files

# One letter in brackets, so that this file does not match itself.
ADDRESSES = re.compile(
    r"https?://[a-z.]*(py[p]i[.]|python[h]osted|npm[j]s[.]|deb[.]deb[i]an)|/wor[k]/|/far[m]/|/opt/(whee[l]s|py[p]i)"
)
REQUIREMENTS = ("deploy/requirements", "tests/requirements")
PIN = re.compile(r"(?m)^([a-z0-9-]+)(?:\[[a-z]+\])?==(\S+)")
NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


def text(path: str) -> str:
    """Read a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


def declared() -> set[str]:
    """Name the run-time dependencies of pyproject.toml."""
    return {
        found
        for line in tomllib.loads(text("pyproject.toml"))["project"]["dependencies"]
        for found in NAME.findall(line)
    }


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{path}:{number} {line.strip()[:100]}"
        for path in project_files()
        if b"\0" not in (content := (ROOT / path).read_bytes())
        for number, line in enumerate(content.decode().splitlines(), 1)
        if ADDRESSES.search(line)
    ]
    assert found == []


def test_every_requirement_is_one_version_with_hashes() -> None:
    for name in REQUIREMENTS:
        pins = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text(f"{name}.txt")).strip())
        assert [
            pin for pin in pins if not re.match(r"[a-z0-9-]+(\[[a-z]+\])?==\S+ .*\\\n +--hash=sha256:[0-9a-f]{64}", pin)
        ] == [], name


def test_both_requirement_files_agree_on_every_version() -> None:
    run, test = (dict(PIN.findall(text(f"{name}.txt"))) for name in REQUIREMENTS)
    assert {name: (version, test.get(name)) for name, version in run.items() if test.get(name) != version} == {}


def test_what_is_declared_is_what_is_pinned() -> None:
    assert set(NAME.findall(text("deploy/requirements.in"))) == declared() | {"hatchling"}


def test_every_dependency_has_a_reason_and_every_reason_a_dependency() -> None:
    named = {name for requirements in REQUIREMENTS for name in NAME.findall(text(f"{requirements}.in"))}
    explained = dict(re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (.+?) \|", text("CONTRIBUTING.md")))
    assert set(explained) == named
    assert [name for name, reason in explained.items() if len(reason.split()) < 4] == []


def test_the_make_targets_are_told_in_the_guide() -> None:
    targets = re.findall(r"(?m)^([a-z]+):", text("Makefile"))
    assert {"demo", "test", "lint", "bench", "faults"} <= set(targets)
    assert [target for target in targets if f"`make {target}`" not in text("CONTRIBUTING.md")] == []


def test_the_readme_starts_with_the_two_commands() -> None:
    beginning = text("README.md").split("\n## ")[1]
    assert "make demo" in beginning
    assert "make test" in beginning
