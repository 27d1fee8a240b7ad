"""What agents say: files of scripts.d beside contactd.toml, one a language, edited by administrators.

A language without a file of its own has the shipped one, where there is one. Words in braces are filled in; which there
are is checked here, and that nothing of the debt is said before the person is identified. What stands in square
brackets is said only where every word in it is known.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel

from contactd.config.campaigns import CampaignFile
from contactd.config.findings import Findings, Source
from contactd.config.locate import Place
from contactd.config.read import read_model
from contactd.config.section import Section
from contactd.config.shipped import defaults_directory
from contactd.config.words import Language, listed, suggest
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.domain.call import Disposition
from contactd.domain.campaign import AGENTLESS
from contactd.domain.conversation import outcome_of
from contactd.domain.errors import ConfigError, Problem

FOLDER = "scripts.d"
# Who speaks, and to whom: everybody may hear that.
PUBLIC = frozenset({"agent", "operator", "creditor", "customer", "phone"})
# What is owed: only for whoever is identified.
CONFIDENTIAL = frozenset({"account", "open", "due", "invoices", "oldest_due", "court_costs"})
# What was agreed on, in the words of `outcomes`; some of it where the outcome has it.
AGREED = frozenset(
    {"amount", "day", "count", "schedule", "reply_by", "way", "hold_until", "callback", "disputed", "by"}
)
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


def _spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write what is said")
    return text.strip()


Words = Annotated[str, AfterValidator(_spoken)]


class Steps(Section):
    """What is said in each step; that of `prepare` is for the agent alone."""

    prepare: Words
    """What to look at before anybody speaks."""
    identify: Words
    """Greeting, and who is on the line; nothing of the debt."""
    understand: Words
    """Why we call, and open questions."""
    solution: Words
    """Full payment first, then a part, then instalments."""
    close: Words
    """Contact data, thanks."""


class People(Section):
    """What is said to whom, as soon as it is known who is on the line; nothing of the debt."""

    authorised: Words
    """To whoever speaks for the customer."""
    someone_else: Words
    """To a third person: neutral, and nothing else."""
    nobody: Words
    """Into silence, or to a machine."""


class Outcomes(Section):
    """What is read aloud before an outcome is saved: the summary."""

    promise: Words
    """A promise to pay."""
    settlement: Words
    """A part is taken for the whole."""
    deferral: Words
    """Nothing is to be paid before a day."""
    plan: Words
    """Instalments, and what happens when one is late."""
    paid: Words
    """They say it is paid."""
    dispute: Words
    """Invoices are disputed."""
    hardship: Words
    """They cannot pay; where advice is free."""
    refuses: Words
    """They do not want to pay; what comes next."""
    callback: Words
    """They are called back."""
    wrong_person: Words
    """It was somebody else."""
    represented: Words
    """Somebody else speaks for them from now on."""
    dropped: Words
    """Nothing was achieved."""


class Ways(Section):
    """How a written confirmation goes, for {way}."""

    email: Words
    """By e-mail."""
    letter: Words
    """By post."""
    sms: Words
    """By SMS."""


class OfLanguage(Section):
    """A file of what is said in one language."""

    language: Language
    """Language of the customers who hear it."""


F = TypeVar("F", bound=OfLanguage)


class ScriptFile(OfLanguage):
    """One language."""

    steps: Steps
    """The five steps of a call."""
    people: People
    """Who may be on the line beside the customer."""
    outcomes: Outcomes
    """The ten outcomes, and two kinds of a promise."""
    ways: Ways
    """How a confirmation goes."""


Scripts = Mapping[str, ScriptFile]


def load_scripts(folder: Path) -> tuple[dict[str, ScriptFile], Findings]:
    """Read the scripts of a configuration and the shipped ones below them, with everything that is wrong in them."""
    findings = Findings()
    own = read_languages(folder / FOLDER, ScriptFile, _wrong_words, findings)
    return {**shipped_scripts(), **own}, findings


@cache
def shipped_scripts() -> Scripts:
    """Read the scripts that come with contactd, in English and German; raises ConfigError when somebody broke them."""
    findings = Findings()
    found = read_languages(defaults_directory() / "config" / FOLDER, ScriptFile, _wrong_words, findings)
    if findings.errors:
        raise ConfigError(findings.errors)
    return found


def script_for(scripts: Scripts, *languages: str) -> ScriptFile:
    """Choose the first of these languages that there is, else English; `de-AT` has the words of `de`."""
    for language in languages:
        found = scripts.get(language) or scripts.get(language.partition("-")[0])
        if found is not None:
            return found
    return scripts["en"]


def lacking(scripts: Scripts, campaigns: Iterable[tuple[CampaignFile, Source]]) -> Iterator[Problem]:
    """Find campaigns whose agents have nothing to say in its language."""
    for file, source in campaigns:
        calls = any(step.channel == Channel.CALL.value and step.mode not in AGENTLESS for step in file.step)
        if calls and file.language not in scripts and file.language.partition("-")[0] not in scripts:
            text = f'agents have no words in "{file.language}": write {FOLDER}/{file.language}.toml; until then English'
            yield source.problem(("language",), text)


def read_languages(
    folder: Path, kind: type[F], wrong: Callable[[F], Iterator[tuple[Place, str]]], findings: Findings
) -> dict[str, F]:
    """Read the files of a folder by language; `wrong` names the places of a file whose words are not right, and why."""
    found: dict[str, F] = {}
    places: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        file, source = read_model(path, kind, findings)
        if file is None:
            continue
        if file.language in found:
            text = f'"{file.language}" is already the language of {places[file.language]}; write one file for it'
            findings.errors.append(source.problem(("language",), text))
        findings.errors.extend(source.problem(place, text) for place, text in wrong(file))
        found[file.language], places[file.language] = file, str(path)
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """Fill in what is known; of what stands in square brackets only where every word is, of the rest an ellipsis."""

    def part(found: re.Match[str]) -> str:
        return found[1] if all(name in values for name, _ in words_in_braces(found[1])) else ""

    return _OPTIONAL.sub(part, text).format_map(defaultdict(lambda: "…", values))


def words_in_braces(text: str) -> Iterator[tuple[str, str]]:
    """Answer each word in braces once with what is wrong with its form, which is mostly nothing."""
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        yield "", "has a single { or }; write {{ or }} for the sign itself"
        return
    yield from ((name, "") for name in dict.fromkeys(str(part[1]) for part in parts))
    if any(part[2] or part[3] for part in parts):
        yield "", "has more than a word in braces; write it like {open}"


def _wrong_words(file: ScriptFile) -> Iterator[tuple[Place, str]]:
    for place, text in _texts(file, ()):
        if any(sign in _OPTIONAL.sub("", text) for sign in "[]"):
            yield place, "has a [ or ] without the other, or one pair in another; write it like [ until {day}]"
        if not all("{" in part for part in _OPTIONAL.findall(text)):
            yield place, "has no word in braces between [ and ], so it is always said; leave the brackets out"
        for name, wrong in words_in_braces(text):
            yield from ((place, why) for why in ([wrong] if wrong else _wrong_name(place, name)))


def _texts(model: BaseModel, place: Place) -> Iterator[tuple[Place, str]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _texts(value, (*place, name))
        elif place:
            yield (*place, name), value


def _wrong_name(place: Place, name: str) -> Iterator[str]:
    """Say what is wrong with a word in braces."""
    known = PUBLIC | (CONFIDENTIAL if _may_hear(place) else frozenset())
    known |= AGREED if place[0] == "outcomes" else frozenset()
    if name in known:
        return
    if name in CONFIDENTIAL:
        yield f"{{{name}}} tells what is owed to somebody who is not identified; remove it"
    elif name in AGREED:
        yield f"{{{name}}} is only known when an outcome is; use it in [outcomes]"
    else:
        yield f"{{{name}}} is not filled in{suggest(name, known) or f'; there is: {listed(sorted(known))}'}"


def _may_hear(place: Place) -> bool:
    """Tell whether what stands there is only said to whoever is identified."""
    if place[0] == "outcomes":
        return place[1] in {Kind.SETTLEMENT, Kind.DEFERRAL} or outcome_of(Disposition(str(place[1]))).discloses
    return place[0] == "steps" and place[1] != "identify"
