"""The words of the pages: German and English from one catalogue each; for pages.py and whoever says something.

English stands in the templates and in the code, marked by `_`; German in locales/de.po, which is read as it is. How to
add to it stands in CONTRIBUTING.md.
"""

import gettext
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup

from contactd.domain.phrase import Phrase

LANGUAGES = ("de", "en")
FALL_BACK = "en"
LOCALES = Path(__file__).parent / "locales"


def _(text: str) -> str:
    """Mark an English text for the catalogue; it is translated where it is shown."""
    return text


def said(text: str, **values: object) -> Phrase:
    """Say a marked text."""
    return Phrase(text, values)


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Read the translations into a language."""
    if language == FALL_BACK:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with (LOCALES / f"{language}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def speaker(language: str) -> Callable[[str | Phrase], str]:
    """Give the filter by which templates say what is no literal: `{{ label | spoken }}`.

    `gettext` takes whatever text it is given for markup with values in it, which only a literal or a marked text is. A
    word that is in no catalogue, as people and other programs write them, stands as it is, and is escaped.
    """
    translate = catalogue(language).gettext

    def spoken(words: str | Phrase) -> str:
        if isinstance(words, Phrase):
            values = {name: spoken(one) if isinstance(one, Phrase) else one for name, one in words.values.items()}
            return Markup(translate(words.text)) % values if words else ""  # noqa: S704 - a marked text; values are escaped
        return translate(words) if words else ""  # the empty text would be the catalogue's header

    return spoken


def preferred(header: str) -> str:
    """Answer the first language of the browser's that we speak."""
    wanted = (part.strip()[:2].lower() for part in header.split(","))
    return next((language for language in wanted if language in LANGUAGES), FALL_BACK)
