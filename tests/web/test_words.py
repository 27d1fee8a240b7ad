"""The words of the pages: every text has its German, no German is left over, and values stand in both."""

import ast
import re

import jinja2
import pytest
from jinja2 import nodes

from contactd.web.words import LANGUAGES, catalogue, preferred, said, speaker
from tests.web import catalogue as words

PLACES = re.compile(r"%\((\w+)\)[sr]")


def spoken() -> dict[str, str]:
    """Read the German of each text."""
    return {str(message.id): str(message.string) for message in words.read("de") if message.id}


def test_every_text_of_the_pages_has_its_german_and_no_german_is_left_over() -> None:
    wanted, there = {str(message.id) for message in words.template() if message.id}, spoken()
    assert wanted - set(there) == set(), "run: python -m tests.web.catalogue, and translate what is new"
    assert set(there) - wanted == set(), "run: python -m tests.web.catalogue"
    assert [text for text, german in there.items() if not german] == []


def test_every_refusal_that_can_reach_a_page_is_a_text_of_ours_with_its_values() -> None:
    odd = [
        module.at(text)
        for module in words.reached()
        for call, text in words.refusals(module)
        if isinstance(call.func, ast.Name) and call.func.id != "Phrase"  # which may be a word of the trade
        if not isinstance(text, ast.Constant) and not (isinstance(text, ast.Attribute) and text.attr == "phrase")
    ]
    assert odd == [], "write a literal and name its values, or hand on the phrase of another refusal"


def test_no_translation_is_a_guess_or_left_over_from_another_text() -> None:
    catalog = words.read("de")
    assert [message.id for message in catalog if message.id and message.fuzzy] == []
    assert list(catalog.obsolete) == []


def test_a_translation_names_the_same_values() -> None:
    odd = {text for text, german in spoken().items() if sorted(PLACES.findall(text)) != sorted(PLACES.findall(german))}
    assert odd == set()


def test_a_translation_does_not_say_itself_over_and_over() -> None:
    repeated = [text for text, german in spoken().items() if german in (german + german)[1:-1]]
    assert repeated == []


def test_the_catalogue_stands_as_the_tool_writes_it() -> None:
    assert words.path_of("de").read_bytes() == words.written("de")


def test_each_language_has_its_words() -> None:
    assert {language: catalogue(language).gettext("Sign out") for language in LANGUAGES} == {
        "de": "Abmelden",
        "en": "Sign out",
    }


def test_only_literals_are_handed_to_gettext_which_takes_its_text_for_markup() -> None:
    odd = []
    parser = jinja2.Environment(extensions=["jinja2.ext.i18n"])  # noqa: S701 - reads templates, renders none
    for path in sorted((words.WEB / "pages").glob("*.html")):
        for call in parser.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in words.KEYWORDS:
                odd += [f"{path.name}:{call.lineno}" for one in call.args[:1] if not isinstance(one, nodes.Const)]
    assert odd == [], "write {{ word | spoken }}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_no_catalogue_are_shown_as_they_are_and_values_are_escaped(language: str) -> None:
    spoken = speaker(language)
    made = jinja2.Environment(autoescape=True)
    made.filters["spoken"] = spoken
    shown = made.from_string("{{ one | spoken }}")
    assert shown.render(one="100 % <b>lunch</b>") == "100 % &lt;b&gt;lunch&lt;/b&gt;"
    assert shown.render(one=said("%(reason)s", reason="<b>")) == "&lt;b&gt;"
    assert [spoken(one) for one in ("", said(""), "Sign out")] == ["", "", catalogue(language).gettext("Sign out")]


def test_nothing_said_is_nothing() -> None:
    assert not said("")
    assert said("Sign out")


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-AT,de;q=0.9,en;q=0.5", "de"), ("fr-FR, de;q=0.5", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en")],
)
def test_the_browser_says_which_language(header: str, language: str) -> None:
    assert preferred(header) == language
