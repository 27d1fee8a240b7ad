"""What is spoken when nobody was free: who called and the number to call back, no fact of any account."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from contactd.domain.errors import ChannelMisconfigured
from contactd.domain.ivr import Personal
from contactd.domain.money import Money
from contactd.telephony.announcements import APOLOGY, Announcements, PersonalTexts

SHIPPED = Path(__file__).resolve().parents[2] / "templates"
PHONE = "+49 30 23125 000"
MEYER = Personal("10117", Money(4350, "EUR"), 2, date(2026, 10, 1), "K-4711")
TELLING = re.compile(
    r"\b(Rechnung|Mahn|Schuld|Zahl|Forderung|Betrag|offen|fällig|Inkasso"
    r"|invoice|debt|pay|overdue|due|account|amount|owe|collect)",
    re.IGNORECASE,
)


def personal_texts(*directories: Path) -> PersonalTexts:
    """Build those for who has identified."""
    return PersonalTexts(directories, operator="Musterfirma & Co", contact_phone=PHONE)


def announcements(*directories: Path, fallback: str = "de") -> Announcements:
    """Build them for Musterfirma."""
    return Announcements(directories, operator="Musterfirma & Co", contact_phone=PHONE, fallback=fallback)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_apology_says_who_called_and_which_number_to_call_back_and_nothing_of_debts(language: str) -> None:
    spoken = announcements(SHIPPED)(APOLOGY, language)
    assert spoken.language == language
    assert "Musterfirma & Co" in spoken.text
    assert PHONE in spoken.text
    assert not TELLING.search(spoken.text)


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


def kinds_of_texts() -> list[str]:
    """Name the shipped texts that anybody may hear: all but those for who has identified."""
    return sorted({path.name.split(".")[0] for path in (SHIPPED / "voice").glob("*.txt")} - {"ivr-personal"})


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("name", kinds_of_texts())
def test_what_anybody_may_hear_is_there_in_both_languages_short_and_says_nothing_of_debts(
    name: str, language: str
) -> None:
    assert (SHIPPED / "voice" / f"{name}.{language}.txt").is_file()
    spoken = announcements(SHIPPED)(name, language)
    assert spoken.language == language
    assert not spoken.private
    assert len(spoken.text) < 300
    assert not TELLING.search(spoken.text)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("de", ("43 Euro 50", "1. Oktober 2026", "K 4 7 1 1", "2 Rechnungen")),
        ("en", ("43 euros 50", "October 1, 2026", "K 4 7 1 1", "2 invoices")),
    ],
)
def test_who_has_identified_is_told_what_is_open_as_one_says_it(language: str, told: tuple[str, ...]) -> None:
    spoken = personal_texts(SHIPPED)("ivr-personal", language, MEYER)
    assert [part for part in told if part not in spoken.text] == []
    assert spoken.private


def test_one_invoice_and_an_even_amount_are_said_as_such() -> None:
    one = replace(MEYER, open=Money(100, "EUR"), invoices=1)
    german = personal_texts(SHIPPED)("ivr-personal", "de", one).text
    english = personal_texts(SHIPPED)("ivr-personal", "en", one).text
    assert "eine Rechnung mit zusammen 1 Euro offen" in german
    assert "one invoice is open, 1 euro in total" in english


@pytest.mark.parametrize("fact", ["open", "currency", "invoices", "oldest_due", "reference", "postcode", "personal"])
def test_a_text_anybody_may_hear_knows_no_fact_of_the_account(tmp_path: Path, fact: str) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "frage.de.txt").write_text(f"Hier {{{{ operator }}}}, {{{{ {fact} }}}}.")
    (fault,) = announcements(tmp_path).check("frage")
    assert fact in fault


def test_a_recording_beside_a_personal_text_is_not_played_to_everybody(tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "konto.de.txt").write_text("{{ open }}")
    (tmp_path / "voice" / "konto.de.wav").write_bytes(b"RIFF")
    assert personal_texts(tmp_path)("konto", "de", MEYER).recording == ""


@pytest.mark.parametrize("fact", ["postcode", "personal", "name"])
def test_a_personal_text_knows_no_more_than_it_needs(tmp_path: Path, fact: str) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "konto.de.txt").write_text(f"{{{{ {fact} }}}}")
    assert personal_texts(tmp_path).check("konto")
    assert personal_texts(SHIPPED).check("ivr-personal") == []


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
