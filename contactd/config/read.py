"""Reads a TOML file into plain values and the lines of its keys; load.py and the mapping profiles of intake use it.

`read_text` is for other kinds of files too.
"""

import re
import tomllib
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contactd.config.findings import Findings, Source
from contactd.config.locate import Lines, Place
from contactd.config.messages import explain
from contactd.domain.errors import ConfigError, Problem

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_LARGEST = 2**63
_DEEPER = {"[": 1, "{": 1, "]": -1, "}": -1}
_HINTS = {
    "Invalid value": 'text needs quotes, a list ends with "]", true and false are written small',
    "Illegal character": "text in quotes ends on the line it began on",
    "Expected '=' after a key": "write key = value",
    "Cannot overwrite a value": "the key or table is already there; remove one of the two",
    "Cannot declare": "the table is already there; put the keys of both below one of them",
    "Expected newline or end of document": "one key a line; a comment begins with #",
    "Unclosed": "a bracket or quote is missing",
}

M = TypeVar("M", bound=BaseModel)


def read_model(path: Path, kind: type[M], findings: Findings) -> tuple[M | None, Source]:
    """Read a file as what it should be; None when it is not, which `findings` tells then."""
    source = Source(str(path))
    try:
        values, source = read_toml(path)
        return kind.model_validate(values), source
    except ConfigError as error:
        findings.errors.extend(error.problems)
    except ValidationError as error:
        findings.errors.extend(explain(error, kind, source))
    return None, source


def read_toml(path: Path) -> tuple[dict[str, Any], Source]:
    """Read a file; raises ConfigError when it cannot be read or is no TOML."""
    return parse_toml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Read a file as text; raises ConfigError when it cannot be read or is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            [Problem(str(path), 0, "", f"cannot be read: {(error.strerror or str(error)).lower()}")]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not UTF-8; save the file in that encoding")]) from error


def parse_toml(text: str, name: str) -> tuple[dict[str, Any], Source]:
    """Read a text; raises ConfigError when it is no TOML."""
    try:
        values, lines = tomllib.loads(text), Lines(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        what = _PLACE.sub("", message)
        hint = next((hint for start, hint in _HINTS.items() if what.startswith(start)), "")
        raise ConfigError([Problem(name, line, "", f"is no TOML: {what}{f' ({hint})' if hint else ''}")]) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        problem = Problem(name, _line_of_longest_number(text), "", "is no TOML that can be used: a number is too long")
        raise ConfigError([problem]) from error
    except RecursionError as error:
        message = "is no TOML that can be used: brackets are nested too deeply"
        raise ConfigError([Problem(name, _line_of_deepest_bracket(text), "", message)]) from error
    source = Source(name, lines)
    problems = [source.problem(place, "is too large a number") for place in _too_large(values, ())]
    if problems:
        raise ConfigError(problems)
    return values, source


def _too_large(value: object, place: Place) -> Iterator[Place]:
    """Find whole numbers beyond those TOML promises, which have 64 bits."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _too_large(one, (*place, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _too_large(one, (*place, index))
    elif isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        yield place


def _line_of_longest_number(text: str) -> int:
    longest = max(re.finditer(r"[0-9_]+", text), key=lambda match: len(match[0]), default=None)
    return text.count("\n", 0, longest.start() if longest else 0) + 1


def _line_of_deepest_bracket(text: str) -> int:
    depths = list(accumulate((_DEEPER.get(letter, 0) for letter in text), initial=0))
    return text.count("\n", 0, depths.index(max(depths))) + 1
