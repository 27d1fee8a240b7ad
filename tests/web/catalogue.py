"""The German words of the pages: `python -m tests.web.catalogue` brings locales/de.po up to date with them.

New texts come in without a translation, unused ones go; test_words.py fails until nothing is missing.
"""

import ast
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file, extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from tests.house.tree import ROOT, Module, modules

WEB = ROOT / "contactd" / "web"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
# What is raised where a page hears of it, and what its text is made of; beside it the place of the text.
REFUSALS = {
    "InputError": 0, "NotThere": 0, "Contradiction": 0, "IllegalTransition": 0, "NotIdentified": 0, "Mistyped": 1,
    "Phrase": 0,
}  # fmt: skip
# The same of those who call for us.
TELEPHONE = dict.fromkeys(
    ("ChannelError", "ChannelUnavailable", "ChannelUnclear", "ChannelRejected", "ChannelMisconfigured"), 0
)
CARRIERS = "contactd.telephony."
PAGES = ("contactd.web.desk", "contactd.web.live", "contactd.web.live_office", "contactd.web.me")
# What pages import for its figures alone: what it refuses is told at a terminal and over HTTP.
ELSEWHERE = frozenset(
    {"contactd.engine.debt.bookings", "contactd.engine.debt.handing_over", "contactd.intake.accept",
     "contactd.store.bank", "contactd.store.logins"}
)  # fmt: skip
HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
METHODS: dict[str, Any] = {  # what Babel takes, typed more narrowly by itself than by Jinja
    ".py": extract_python,
    ".html": babel_extract,
}


def path_of(language: str) -> Path:
    """Name the file of a language."""
    return WEB / "locales" / f"{language}.po"


def reached() -> tuple[Module, ...]:
    """List the modules whose refusals can reach a page: what the desk and the live view import, and so on."""
    found: dict[str, Module] = {}
    wanted = [*PAGES, *(name for name in known() if name.startswith(CARRIERS))]
    while wanted:
        name = wanted.pop()
        if name in found or name in ELSEWHERE or name not in known():
            continue
        found[name] = known()[name]
        for node in ast.walk(found[name].tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                wanted += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found[name] for name in sorted(found))


@cache
def known() -> dict[str, Module]:
    """Name every module of contactd."""
    return {name_of(one): one for one in modules("contactd")}


def name_of(module: Module) -> str:
    """Name a module as it is imported."""
    return ".".join(module.path.with_suffix("").parts)


def refusals(module: Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    """List where a module refuses something, or words a part of that, with the text."""
    heard = REFUSALS | (TELEPHONE if name_of(module).startswith(CARRIERS) else {})
    for node in ast.walk(module.tree):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and name in heard and len(node.args) > heard[name]:
            yield node, node.args[heard[name]]


def texts() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """List the texts of code and templates with the file they stand in."""
    for module in reached():
        for _call, given in refusals(module):
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield module.path.as_posix(), given.value
    for path in sorted(WEB.rglob("*")):
        if path.suffix in METHODS:
            for _, text, _, _ in extract_from_file(METHODS[path.suffix], path, KEYWORDS):
                yield path.relative_to(WEB).as_posix(), text


def template() -> Catalog:
    """Collect what is to be translated."""
    catalog = Catalog(project="contactd", charset="utf-8")
    for place, text in texts():
        catalog.add(text, locations=[(place, 0)])
    return catalog


def read(language: str) -> Catalog:
    """Read the catalogue of a language."""
    with path_of(language).open("rb") as source:
        return read_po(source, locale=language)


def written(language: str) -> bytes:
    """Write the catalogue anew: what is new without a guess, nothing that is unused."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True)
    text = io.BytesIO()
    write_po(text, catalog, no_location=True, omit_header=True, width=120, sort_output=True, ignore_obsolete=True)
    return HEADER.format(language=language).encode() + text.getvalue()


if __name__ == "__main__":
    path_of("de").write_bytes(written("de"))
