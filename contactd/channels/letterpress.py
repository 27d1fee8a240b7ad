"""Sets letters: typst makes a PDF/A of a notice and a template; the same notice gives the same bytes, for evidence.

A folder holds `letter/<template>.<language>.typ` and `letter/letter.typ`, the sheet they share, with
its words in `letter/words.<language>.toml`; the operator's folders come first. A template sees these files and the
pictures beside them, nothing else of the disk, and no packages.
Customers' words reach it as JSON: they are never read as markup.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Literal

import typst

from contactd.channels.base import Notice
from contactd.channels.proof import faults_of_letter, samples_of
from contactd.channels.sheet import Sheet, sheet
from contactd.config.settings import Settings
from contactd.config.shipped import defaults_directory
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelMisconfigured, ChannelRejected

SUFFIX = ".typ"
_FOLDER = Channel.LETTER.value
_BESIDE = frozenset({".toml", ".svg", ".png", ".jpg", ".jpeg"})  # words and pictures
_MAIN, _DATA = "main.typ", "data.json"
_Output = Literal["pdf", "png", "html"]
# What typst says of a letter that no font has: the customer's name is to blame, not the template.
_NO_GLYPH = "could not be displayed with"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What all letters of a daemon have in common."""

    form: Literal["A", "B"] = "B"
    return_address: str = ""
    home: str = "DE"
    fonts: tuple[Path, ...] = ()
    most_pages: int = 8


def paper_of(settings: Settings) -> Paper:
    """Take what letters have in common from the settings."""
    letters = settings.letters
    return Paper(
        form=letters.form,
        return_address=letters.return_address,
        home=settings.intake.country,
        fonts=settings.letter_fonts,
        most_pages=letters.pages,
    )


class LetterPress:
    """Sets letters from the folders given, the first that has a file wins; files are read once.

    May be used by many threads at once: a compiler of typst's may not, so each thread has one of its own.
    """

    suffix = SUFFIX

    def __init__(self, directories: Sequence[Path], paper: Paper) -> None:
        """Take the folders in the order they are searched; the shipped one belongs at the end."""
        self._folders = [directory / _FOLDER for directory in directories]
        self._paper = paper
        self._mine = threading.local()
        self._reading = threading.Lock()
        self._files: Mapping[str, bytes] | None = None

    def press(self, template: str, language: str, notice: Notice, *, fallback: str = "en") -> bytes:
        """Make the PDF of one notice.

        Raises ChannelMisconfigured for a template that cannot be used, ChannelRejected for a notice that cannot be set.
        """
        [pdf] = self._letter(template, language, notice, fallback, "pdf")
        pages = pdf.count(b"/Type/Page") - pdf.count(b"/Type/Pages")
        if pages > self._paper.most_pages:
            raise ChannelRejected(f"takes {pages} pages, more than {self._paper.most_pages} (pages in [letters])")
        return pdf

    def pictures(self, template: str, language: str, notice: Notice, *, fallback: str = "en") -> list[bytes]:
        """Make a PNG of each page."""
        return self._letter(template, language, notice, fallback, "png")

    def words(self, template: str, language: str, notice: Notice, *, fallback: str = "en") -> str:
        """Give what the letter says as HTML, without the sheet; to prove a template."""
        [html] = self._letter(template, language, notice, fallback, "html")
        return html.decode()

    def languages(self, template: str) -> set[str]:
        """Answer in which languages a template exists."""
        return {_tag(name) for name in self._sources() if name == f"{template}.{_tag(name)}{SUFFIX}"}

    def check(self, template: str, languages: Iterable[str]) -> list[str]:
        """Set made-up accounts and say what is wrong or missing; nothing, if the template is good."""
        problems = []
        for language in languages:
            for case, sample in samples_of(template, language):
                notice = replace(sample, unsubscribe_url="")  # of e-mail only
                try:
                    self.press(template, language, notice, fallback=language)
                    said = self.words(template, language, notice, fallback=language)
                except (ChannelMisconfigured, ChannelRejected) as error:
                    problems.append(f"{error} ({language}, {case})")
                    break
                problems += [
                    f"letter/{template}.{language}: {fault} ({case})" for fault in faults_of_letter(said, notice)
                ]
        return list(dict.fromkeys(problems))

    def document(
        self, template: str, language: str, told: Sheet, on: date, *, kind: Literal["pdf", "png"] = "pdf"
    ) -> list[bytes]:
        """Set what is no letter, of any length, from data that is written in that language already; dated `on`.

        Answers the PDF, or a PNG of each page. Raises as `press` does.
        """
        name, _ = self._choose(template, language, "en")
        return self._compile(name, told, on, kind)

    def _letter(self, template: str, language: str, notice: Notice, fallback: str, kind: _Output) -> list[bytes]:
        name, spoken = self._choose(template, language, fallback)
        return self._compile(name, self._told(notice, spoken), notice.today, kind)

    def _compile(self, name: str, sheet: Sheet, on: date, kind: _Output) -> list[bytes]:
        told = {"form": self._paper.form, **sheet, "words": _tag(name)}
        # typst keeps files given to a compiler for one run only; but what it has set it remembers across runs, as long
        # as the inputs are the same: so the data are a file.
        data = json.dumps(told, ensure_ascii=False).encode()
        files: dict[str, bytes] = {**self._sources(), _MAIN: self._sources()[name], _DATA: data}
        try:
            made, _ = self._compiler().compile_with_warnings(
                files,  # type: ignore[type-var] # a dict of files is taken; the stub does not say so
                format=kind,
                sys_inputs={"proof": "yes"} if kind == "html" else {},
                pdf_standards=["a-3b"] if kind == "pdf" else [],
                timestamp=datetime.combine(on, time(), UTC),
                ppi=144 if kind == "png" else None,
            )
        except typst.TypstError as error:
            raise _translated(error, name) from error
        return made if isinstance(made, list) else [made or b""]

    def _told(self, notice: Notice, language: str) -> Sheet:
        paper = self._paper
        return sheet(notice, language, form=paper.form, return_address=paper.return_address, home=paper.home)

    def _choose(self, template: str, language: str, fallback: str) -> tuple[str, str]:
        """Find the file of a template, and the language its figures are written in (see Renderer)."""
        base = language.partition("-")[0]
        for tag in dict.fromkeys([language, base, fallback, fallback.partition("-")[0]]):
            name = f"{template}.{tag}{SUFFIX}"
            if tag and name in self._sources():
                return name, language if tag.partition("-")[0] == base else tag
        raise ChannelMisconfigured(f"there is no letter/{template}.{language or fallback}{SUFFIX}", code="template")

    def _sources(self) -> Mapping[str, bytes]:
        """Read templates and pictures, once; an earlier folder's win."""
        with self._reading:
            if self._files is None:
                self._files = dict(_read(self._folders))
            return self._files

    def _compiler(self) -> typst.Compiler:
        compiler: typst.Compiler | None = getattr(self._mine, "compiler", None)
        if compiler is None:
            # Of the disk it may see the shipped folder, and packages only from a folder that has none.
            shipped = defaults_directory() / "templates" / _FOLDER
            fonts = typst.Fonts(
                include_system_fonts=False, font_paths=[*map(str, self._paper.fonts), str(shipped / "fonts")]
            )
            compiler = self._mine.compiler = typst.Compiler(
                root=str(shipped),
                font_paths=fonts,
                ignore_system_fonts=True,
                package_path=str(shipped),
                package_cache_path=str(shipped),
            )
        return compiler


def _tag(name: str) -> str:
    """Take the language out of a file's name."""
    return name.removesuffix(SUFFIX).rpartition(".")[2]


def _read(folders: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in reversed(folders):
        for path in sorted(folder.glob("*")):
            if path.suffix == SUFFIX or path.suffix in _BESIDE:
                content = path.read_bytes()
                if path.suffix == SUFFIX and b"@preview" in content:
                    raise ChannelMisconfigured(f"letter/{path.name}: packages are off; copy what you need into a file")
                yield path.name, content


def _translated(error: typst.TypstError, name: str) -> ChannelMisconfigured | ChannelRejected:
    """Say where the template is wrong, or that this notice has letters no font can show."""
    if _NO_GLYPH in error.message:
        hint = "no font has a letter of it; put one that does into the folder fonts of [letters]"
        return ChannelRejected(f"cannot be printed: {hint} ({error.message.splitlines()[0]})", code="font")
    lines = [line.strip() for line in error.diagnostic.splitlines() if line.strip()] or [error.message]
    place = next((line for line in lines if SUFFIX in line), "").replace(_MAIN, name).lstrip("┌─-> ")
    return ChannelMisconfigured(f"letter/{place or name}: {error.message.splitlines()[0]}", code="template")
