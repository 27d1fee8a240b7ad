"""Mails about agreements: the HTML says what the text says, word for word, and is written down nowhere else."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from contactd.channels.base import Message
from contactd.channels.framing import blocks_of
from contactd.channels.proof import samples_of
from contactd.channels.render import Renderer
from contactd.domain.account import Channel
from tests.channels.test_mime import body, parsed

SHIPPED = Path(__file__).parents[2] / "templates"
PARTS = {f"agreement-{part}" for part in ("answer", "foot", "interest", "pay")}  # of the others
NOTICES = sorted({path.name.partition(".")[0] for path in (SHIPPED / "email").glob("agreement-*.txt")} - PARTS)


def test_paragraphs_lists_and_the_foot_are_told_apart_and_broken_lines_joined() -> None:
    long = "So much is said in this line that the next one is its rest, as anybody sees"
    assert blocks_of(f"Dear Eve,\n\n{long}\nat once.\nIBAN: 1\nBIC: 2\n\n* one\n* two\n\n\nBye\n\n-- \nus\n\nSTOP") == [
        ("text", ["Dear Eve,"]),
        ("text", [f"{long} at once.", "IBAN: 1", "BIC: 2"]),
        ("list", ["one", "two"]),
        ("text", ["Bye"]),
        ("foot", ["us"]),
        ("foot", ["STOP"]),
    ]
    assert blocks_of("--\n") == []


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("template", NOTICES)
def test_the_html_of_a_notice_has_the_words_of_its_text(template: str, language: str) -> None:
    renderer = Renderer([SHIPPED])
    assert renderer.check(template, Channel.EMAIL, [language]) == []
    for _, notice in samples_of(template, language):
        notice = replace(notice, name="Eve <b>Müller</b>")  # noqa: PLW2901 - the sample with a name that must be escaped
        mail = renderer.render(template, Channel.EMAIL, language, notice)
        message = Message(
            reference="1-1", attempt_id=1, to="eve@example.com", language=language, subject=mail.subject,
            text=mail.text, html=mail.html, created_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        )  # fmt: skip
        sent = parsed(message)
        assert sent.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in sent.iter_parts()] == ["text/plain", "text/html"]
        html = body(sent, "html")
        assert f'<html lang="{language}">' in html
        assert "<b>" not in html
        said = re.sub(r"<[^>]*>", " ", html[html.index("<body") :])
        text = re.sub(r"^(\* |-- ?$)", "", body(sent, "plain"), flags=re.MULTILINE)
        assert unescape(said).split() == text.split()
        assert notice.unsubscribe_url == "" or f'href="{notice.unsubscribe_url}"' in html


def test_a_folder_of_ones_own_may_have_another_frame_or_an_html_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "email"
    own.mkdir()
    [(_, notice), *_] = samples_of("agreement-thanks", "de")
    (own / "agreement.html").write_text("{{ subject }}: {{ blocks[0][1][0] }}", encoding="utf-8")
    mail = Renderer([tmp_path, SHIPPED]).render("agreement-thanks", Channel.EMAIL, "de", notice)
    assert mail.html == f"{mail.subject}: Guten Tag {notice.name},".replace("<", "&lt;").replace(">", "&gt;")
    (own / "agreement-thanks.de.html").write_text("{{ operator }}", encoding="utf-8")
    mail = Renderer([tmp_path, SHIPPED]).render("agreement-thanks", Channel.EMAIL, "de", notice)
    assert mail.html == notice.operator
