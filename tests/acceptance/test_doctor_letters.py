"""`contactd doctor` on letters: the folder, the program, the service."""

from pathlib import Path

import pytest

from tests.acceptance import test_doctor as doctor
from tests.acceptance.program import contactd


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text(doctor.OPERATOR)
    assert contactd("migrate", "--config", path).code == 0
    return path


def letters(config: Path, more: str, *, code: int = 0) -> tuple[str, str, str]:
    table = f'[letters]\nreturn_address = "Beispielweg 1, 00001 Musterstadt"\n{more}'
    return doctor.examine(config, table, code=code)["letters"]


def test_a_folder_that_can_be_written_to_is_in_order(config: Path) -> None:
    assert letters(config, "")[:2] == ("ok", "no step can send them (backend in [letters])")
    place = config.parent / "letters"
    assert letters(config, 'backend = "spool"\n')[:2] == ("ok", f"for the printer in {place}")
    assert not place.exists()


def test_a_folder_that_cannot_be_written_to_is_told(config: Path) -> None:
    (config.parent / "letters").write_text("in the way")
    state, found, cure = letters(config, 'backend = "spool"\n', code=1)
    assert (state, "letters cannot be written to" in found, "folder in [letters]" in cure) == ("failed", True, True)


def test_the_program_must_be_there(config: Path) -> None:
    assert letters(config, 'backend = "command"\ncommand = ["sh", "{file}"]\n')[0] == "ok"
    state, found, cure = letters(config, 'backend = "command"\ncommand = ["no-such-lp", "{file}"]\n', code=1)
    assert (state, found) == ("failed", "there is no program no-such-lp")
    assert "command in [letters]" in cure


def test_the_service_must_answer_and_is_sent_nothing(config: Path) -> None:
    with doctor.web_server("no letters here") as url:
        assert letters(config, f'backend = "http"\nurl = "{url}"\n')[0] == "ok"
        state, found, _ = letters(config, f'backend = "http"\nurl = "{url.replace("http:", "https:")}"\n', code=1)
        assert (state, "SSL" in found) == ("failed", True)
    state, found, cure = letters(config, f'backend = "http"\nurl = "{url}"\n', code=1)
    assert (state, "does not answer" in found, "url in [letters]" in cure) == ("failed", True, True)
