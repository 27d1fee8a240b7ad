"""Every broken configuration of broken_configs.txt is refused with exactly the lines that stand there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contactd.config.load import load
from contactd.domain.errors import ConfigError

CASES = Path(__file__).with_name("broken_configs.txt")
FEWEST = 90


def cases() -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Read the cases: a name, files, and what is said about them."""
    for block in CASES.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, rest = block.partition("\n")
        parts = dict(part.split("\n", 1) for part in rest.split("--- ")[1:])
        says = parts.pop("says").strip().splitlines()
        yield name, parts, says


@pytest.mark.parametrize(("files", "says"), [pytest.param(files, says, id=name) for name, files, says in cases()])
def test_a_broken_configuration_is_refused_with_exactly_these_lines(
    files: dict[str, str], says: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("HOME", "/home/example")
    monkeypatch.setenv("PATH", "/usr/bin")
    Path("campaigns.d").mkdir()
    for name, text in {"contactd.toml": "", **files}.items():
        Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(Path("contactd.toml"))
    assert str(caught.value).splitlines() == says


def test_there_are_many_broken_configurations_and_each_has_its_own_name() -> None:
    names = [name for name, _, _ in cases()]
    assert len(names) >= FEWEST
    assert len(set(names)) == len(names)
