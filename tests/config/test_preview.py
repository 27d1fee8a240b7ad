"""The verb preview: a letter into a file, other messages to the terminal, the operator's own name on them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contactd.cli.main import cli
from contactd.config.shipped import defaults_directory
from tests.channels.letters_in_hand import pages, text

SHIPPED = defaults_directory() / "config" / "contactd.toml"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["preview", *arguments, "--config", str(SHIPPED)])


def test_a_letter_is_written_into_a_file_with_the_operators_own_words(tmp_path: Path) -> None:
    done = call("letter", "mahnung")
    assert (done.exit_code, done.output) == (0, "mahnung.de.pdf\n")
    said = text((tmp_path / "mahnung.de.pdf").read_bytes())
    assert "rufen wir Sie an" in said
    for part in (
        "Musterstadt Versorgung GmbH",
        "im Auftrag von Stadtwerke Musterstadt",
        "Frau Beispiel",
        "030 23125 100",
    ):
        assert part in said


def test_sixty_invoices_in_english_go_where_they_are_told(tmp_path: Path) -> None:
    done = call("letter", "erinnerung", "--language", "en", "--invoices", "sixty", "--out", "here.pdf")
    assert (done.exit_code, done.output) == (0, "here.pdf\n")
    assert len(list(pages((tmp_path / "here.pdf").read_bytes()))) == 2


def test_pictures_are_one_a_page(tmp_path: Path) -> None:
    done = call("letter", "mahnung", "--png", "--invoices", "one")
    assert (done.exit_code, done.output) == (0, "mahnung.de-1.png\n")
    assert (tmp_path / "mahnung.de-1.png").read_bytes().startswith(b"\x89PNG")


def test_other_messages_are_shown() -> None:
    mail, sms = call("email", "mahnung"), call("sms", "erinnerung", "--language", "en")
    assert mail.output.startswith("Wichtig: Bitte antworten Sie bis zum")
    assert "RE-2026/20931" in mail.output
    assert "030 23125 100" in sms.output
