"""Who the simulated customers are: files of personas.d beside contactd.toml, one a language.

A persona is a character, not a customer: each customer of the language is played by one of them, with their own name,
day of birth, postcode and number in place of the words in braces.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import Field

from contactd.config.findings import Findings
from contactd.config.locate import Place
from contactd.config.scripts import OfLanguage, Words, read_languages, words_in_braces
from contactd.config.section import Section
from contactd.config.shipped import defaults_directory
from contactd.config.words import listed, suggest
from contactd.domain.errors import ConfigError

FOLDER = "personas.d"
# What a persona is told of the customer it plays.
KNOWN = frozenset({"name", "birth_date", "postcode", "customer_number"})


class Question(StrEnum):
    """What an agent may ask; a persona has a key of that name for each."""

    BIRTH_DATE = "birth_date"
    POSTCODE = "postcode"
    CUSTOMER_NUMBER = "customer_number"
    WHY = "why"
    PAYMENT = "payment"
    FAREWELL = "farewell"


class Persona(Section):
    """One character, and what it says."""

    greeting: Words
    """On picking up."""
    birth_date: Words
    """Asked for the date of birth."""
    postcode: Words
    """Asked for the postcode."""
    customer_number: Words
    """Asked for the customer number."""
    why: Words
    """Asked why nothing was paid."""
    payment: Words
    """Asked what can be paid, and until when."""
    farewell: Words
    """Told goodbye."""

    def answer(self, question: Question) -> str:
        """Answer a question, with the words in braces as they stand in the file."""
        return str(getattr(self, question.value))


class PersonaFile(OfLanguage):
    """The characters of one language."""

    persona: tuple[Persona, ...] = Field(min_length=1, strict=False)
    """Customers are dealt out among them in their order."""


Personas = Mapping[str, Sequence[Persona]]


def load_personas(folder: Path) -> tuple[Personas, Findings]:
    """Read the personas of a configuration and the shipped ones below them, with everything that is wrong in them."""
    findings = Findings()
    own = read_languages(folder / FOLDER, PersonaFile, _wrong_words, findings)
    return {**shipped_personas(), **{language: file.persona for language, file in own.items()}}, findings


@cache
def shipped_personas() -> Personas:
    """Read those that come with contactd, in English and German; raises ConfigError when somebody broke them."""
    findings = Findings()
    found = read_languages(defaults_directory() / "config" / FOLDER, PersonaFile, _wrong_words, findings)
    if findings.errors:
        raise ConfigError(findings.errors)
    return {language: file.persona for language, file in found.items()}


def persona_for(personas: Personas, language: str, number: int) -> Persona:
    """Choose who plays the customer of that language and number; of an unknown language, somebody English."""
    cast = personas.get(language) or personas["en"]
    return cast[number % len(cast)]


def _wrong_words(file: PersonaFile) -> Iterator[tuple[Place, str]]:
    for index, persona in enumerate(file.persona):
        for key in Persona.model_fields:
            for name, wrong in words_in_braces(getattr(persona, key)):
                if wrong or name not in KNOWN:
                    hint = suggest(name, KNOWN) or f"; there is: {listed(sorted(KNOWN))}"
                    yield ("persona", index, key), wrong or f"{{{name}}} is not filled in{hint}"
