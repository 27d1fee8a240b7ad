"""What letters and e-mails say beside sums and days: what becomes of interest, who writes, and nothing untrue."""

from dataclasses import replace
from pathlib import Path

import pytest

from contactd.channels.base import Notice
from contactd.channels.letterpress import LetterPress, Paper
from contactd.channels.proof import samples_of
from contactd.channels.render import Renderer
from contactd.domain.account import Channel
from tests.channels.letters_in_hand import text

SHIPPED = [Path(__file__).parents[2] / "templates"]
PRESS, MAILS = LetterPress(SHIPPED, Paper()), Renderer(SHIPPED)
RUNS = {
    "de": "laufen die Verzugszinsen weiter, bis das Geld bei uns eingegangen ist.",
    "en": "the interest goes on until the money has reached us.",
}
SAYS = {
    ("plan", "waive", "de"): "keine Verzugszinsen und keine der bisherigen Kosten.",
    ("plan", "waive", "en"): "we claim neither default interest nor the costs so far",
    ("plan", "keep", "de"): "Zinsen und Kosten, die nach der letzten Rate offen sind, bleiben geschuldet.",
    ("plan", "keep", "en"): "Interest and costs that are open after the last instalment remain owed.",
    ("settlement", "waive", "de"): "samt Verzugszinsen und Kosten; damit ist die Sache für Sie erledigt.",
    ("settlement", "waive", "en"): "together with default interest and costs, and the matter is closed for you.",
    ("settlement", "keep", "de"): "Verzugszinsen und Kosten sind darin nicht enthalten und bleiben geschuldet.",
    ("settlement", "keep", "en"): "Default interest and costs are not part of this and remain owed.",
} | {(kind, "", language): words for kind in ("promise", "deferral") for language, words in RUNS.items()}


def told(kind: str, interest: str, language: str) -> list[str]:
    """Read the letter and the e-mail about an agreement that deals with interest so."""
    [(_, notice), *_] = samples_of(f"agreement-{kind}", language)
    assert notice.agreement is not None
    notice = replace(notice, agreement=replace(notice.agreement, interest=interest))
    mail = MAILS.render(f"agreement-{kind}", Channel.EMAIL, language, notice)
    return [text(PRESS.press(f"agreement-{kind}", language, notice)), flat(mail.text)]


def flat(said: str) -> str:
    return " ".join(said.split())


@pytest.mark.parametrize(("kind", "interest", "language"), SAYS)
def test_a_confirmation_says_what_becomes_of_interest(kind: str, interest: str, language: str) -> None:
    others = {words for (of, _, tongue), words in SAYS.items() if of == kind and tongue == language}
    for said in told(kind, interest, language):
        assert [words for words in others if words in said] == [SAYS[kind, interest, language]]


def test_a_settlement_that_keeps_interest_does_not_call_the_matter_closed() -> None:
    for language, closed in (("de", "erledigt"), ("en", "closed")):
        assert not [said for said in told("settlement", "keep", language) if closed in said]


@pytest.mark.parametrize("template", ["erinnerung", "mahnung"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_notice_claims_nothing_of_earlier_letters_or_payments(template: str, language: str) -> None:
    """It may be the first that is written, after a call, and a part may have been paid."""
    for _, notice in samples_of(template, language):
        for said in letters_and_mails(template, language, notice):
            for word in ("unsere Erinnerung haben", "our reminder", "First notice", "keine Zahlung"):
                assert word not in said
            assert ("noch offen" if language == "de" else "still open") in said


@pytest.mark.parametrize("template", ["erinnerung", "mahnung", "agreement-plan", "agreement-costs"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_letters_and_mails_name_register_and_directors_where_there_are_any(template: str, language: str) -> None:
    """§ 35a GmbHG: business letters in whatever form."""
    [(_, notice), *_] = samples_of(template, language)
    company = replace(notice, imprint="AG Musterstadt HRB 1 · Erika <Beispiel>")
    said = letters_and_mails(template, language, company)
    assert ["AG Musterstadt HRB 1 · Erika" in one for one in said] == [True] * 3
    assert "Erika &lt;Beispiel&gt;" in said[2]


def letters_and_mails(template: str, language: str, notice: Notice) -> list[str]:
    mail = MAILS.render(template, Channel.EMAIL, language, notice)
    return [text(PRESS.press(template, language, notice)), flat(mail.text), flat(mail.html)]
