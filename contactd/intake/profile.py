"""Mapping profiles: how somebody else's list is read, in TOML (`config/profiles.d`); for intake and cli."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from contactd.config.findings import Source
from contactd.config.messages import explain
from contactd.config.read import read_toml
from contactd.config.section import LOOSE, Section
from contactd.config.words import listed, suggest
from contactd.domain.errors import ConfigError, Problem
from contactd.intake.columns import KINDS, Columns
from contactd.intake.values import CERTAIN_DATES, DATE_FORMATS, Notation

_ENCODINGS = ("auto", "utf-8", "cp1252", "iso-8859-15", "cp850", "utf-16")
DELIMITERS = {";": ";", ",": ",", "tab": "\t", "|": "|"}


def _check_date(name: str) -> str:
    if name not in DATE_FORMATS:
        raise ValueError(
            f'"{name}" is no date format{suggest(name, DATE_FORMATS) or f"; write {listed(DATE_FORMATS)}"}'
        )
    return name


def _check_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f'"{text}" is no regular expression: {error}') from error
    return text


class Side(Section):
    """The column that tells debit (Soll) from credit (Haben) when amounts carry no sign."""

    column: str
    """Header of the column."""
    positive: Annotated[tuple[str, ...], LOOSE, Field(min_length=1)]
    """What stands there when the amount is owed (accounts) or was received (payments)."""
    negative: Annotated[tuple[str, ...], LOOSE, Field(min_length=1)]
    """What stands there for a credit note (accounts) or a returned payment (payments)."""


class Profile(Section):
    """How one list is written, and which of its columns is which."""

    kind: Literal["accounts", "payments"] = "accounts"
    """What the list holds."""
    encoding: Literal["auto", "utf-8", "cp1252", "iso-8859-15", "cp850", "utf-16"] = "auto"
    """Encoding of the file; auto: UTF-8, else Windows-1252."""
    delimiter: Literal["auto", ";", ",", "tab", "|"] = "auto"
    """What parts the cells."""
    header_line: Annotated[int, Field(ge=1, le=100)] = 1
    """On which line the headers stand; what is above is skipped."""
    decimal: Literal["auto", ",", "."] = "auto"
    """The decimal mark; auto: told from each amount."""
    dates: Annotated[tuple[Annotated[str, AfterValidator(_check_date)], ...], LOOSE, Field(min_length=1)] = (
        CERTAIN_DATES
    )
    """Date formats, tried in this order."""
    total_lines: Annotated[str, AfterValidator(_check_pattern)] = ""
    """Regular expression; a row whose first filled cell matches, and that has no invoice and no date, is a total."""
    side: Side | None = None
    """The S/H column, if there is one."""
    columns: dict[str, str] = Field(default_factory=dict)
    """contactd's column = header in the file; columns not named keep contactd's own names."""
    fixed: dict[str, str] = Field(default_factory=dict)
    """contactd's column = the value all rows have."""
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Per contactd column: what stands in the file = what it means."""

    @property
    def expects(self) -> Columns:
        """Answer the columns of the kind of list."""
        return KINDS[self.kind]

    def notation(self) -> Notation:
        """Answer how amounts and dates are written."""
        return Notation("" if self.decimal == "auto" else self.decimal, self.dates)


def own(kind: Literal["accounts", "payments"]) -> Profile:
    """Answer the profile of a list with contactd's own headers."""
    return Profile(kind=kind)


def load_profile(path: Path, kind: Literal["accounts", "payments"]) -> Profile:
    """Read a profile; raises ConfigError with everything that is wrong with it."""
    raw, source = read_toml(path)
    try:
        profile = Profile.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain(error, Profile, source)) from error
    problems = _unsound(profile, source)
    if profile.kind != kind:
        problems.append(source.problem(("kind",), f"this profile is for {profile.kind}, not for {kind}"))
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line))
    return profile


def _unsound(profile: Profile, source: Source) -> list[Problem]:
    """Find what each key alone does not show."""
    known = profile.expects.names
    problems = []
    for table in ("columns", "fixed", "values"):
        for name in getattr(profile, table):
            if name not in known:
                hint = suggest(name, known) or f"; known: {', '.join(known)}"
                problems.append(source.problem((table, name), f"unknown column{hint}"))
    twice = profile.fixed.keys() & profile.columns.keys()
    problems += [source.problem(("fixed", name), "is in [columns] too; keep one of them") for name in sorted(twice)]
    headers: dict[str, str] = {}
    for name, header in profile.columns.items():
        if header in headers:
            problems.append(source.problem(("columns", name), f'"{header}" is {headers[header]} already'))
        headers[header] = name
    return problems
