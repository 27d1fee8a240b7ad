"""What is spoken when nobody was free: who called and the number to call back, no fact of any account."""

import re
from pathlib import Path

import pytest

from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.announcements import APOLOGY, Announcements

SHIPPED = Path(__file__).resolve().parents[2] / "templates"
PHONE = "+49 30 23125 000"


def announcements(*directories: Path, fallback: str = "de") -> Announcements:
    """Build them for Musterfirma."""
    return Announcements(directories, operator="Musterfirma & Co", contact_phone=PHONE, fallback=fallback)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_apology_says_who_called_and_which_number_to_call_back_and_nothing_of_debts(language: str) -> None:
    spoken = announcements(SHIPPED)(APOLOGY, language)
    assert spoken.language == language
    assert "Musterfirma & Co" in spoken.text
    assert PHONE in spoken.text
    for word in ("Rechnung", "Mahn", "Schuld", "Zahl", "Forderung", "invoice", "debt", "pay", "overdue", "account"):
        assert not re.search(rf"\b{word}", spoken.text, re.IGNORECASE)


@pytest.mark.parametrize(("asked", "spoken"), [("de-AT", "de"), ("en-GB", "en"), ("fr", "de"), ("", "de")])
def test_a_language_without_a_text_is_spoken_to_without_its_region_or_in_the_fall_back(asked: str, spoken: str) -> None:
    assert announcements(SHIPPED)(APOLOGY, asked).language == spoken


def test_the_operators_own_text_goes_before_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "apology.de.txt").write_text("Hier {{ operator }}, Rückruf {{ contact_phone }}.\n")
    own = announcements(tmp_path, SHIPPED)
    assert own(APOLOGY, "de").text == f"Hier Musterfirma & Co, Rückruf {PHONE}."
    assert own(APOLOGY, "en") == announcements(SHIPPED)(APOLOGY, "en")


@pytest.mark.parametrize("text", ["{{ total }} are due", "{{ operator"])
def test_a_text_that_wants_facts_of_the_account_or_is_broken_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "apology.de.txt").write_text(text)
    with pytest.raises(ChannelMisconfigured, match=r"voice/apology\.de\.txt"):
        announcements(tmp_path)(APOLOGY, "de")


def test_every_language_there_is_a_file_for_is_checked_and_the_fall_back(tmp_path: Path) -> None:
    assert announcements(SHIPPED).check() == []
    (tmp_path / "voice").mkdir()
    for language, text in (
        ("en", "{{ operator }}"),
        ("es", " "),
        ("fr", "{{ operatr }}"),
        ("it", "\n{% if %}"),
        ("nl", "{{ 'x' * 2000000000 }}"),
        ("pl", "{{ 1 // 0 }}"),
    ):
        (tmp_path / "voice" / f"apology.{language}.txt").write_text(text)
    assert [fault.split(": ")[0] for fault in announcements(tmp_path).check()] == [
        "template voice/apology.de.txt",
        "template voice/apology.es.txt",
        "template voice/apology.fr.txt",
        "template voice/apology.it.txt:2",
        "template voice/apology.nl.txt",
        "template voice/apology.pl.txt",
    ]


def test_no_text_at_all_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ChannelMisconfigured, match="apology"):
        announcements(tmp_path)(APOLOGY, "de")


def test_a_recording_beside_the_text_is_played_instead_of_a_voice(tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "apology.de.txt").write_text("Hier {{ operator }}.")
    assert announcements(tmp_path)(APOLOGY, "de").recording == ""
    recording = tmp_path / "voice" / "apology.de.wav"
    recording.write_bytes(b"RIFF")
    assert announcements(tmp_path)(APOLOGY, "de").recording == str(recording)
