"""Reads the body of an intake request: bounded, spooled beside the memory, and only then taken apart; for api.py.

Nothing is handed on before the last byte arrived: an upload that breaks off changes nothing.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import NoReturn, Self

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from contactd.domain.errors import InputError

JSON = "application/json"
NDJSON = "application/x-ndjson"
_LINES = frozenset({NDJSON, "application/ndjson", "application/jsonl"})  # nobody has registered one
TYPES = _LINES | {JSON}
FILE = "application/octet-stream"  # a file whose kind is told from its bytes

_IN_MEMORY = 4 << 20
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NDJSON_CURE = f"send one JSON object a line ({NDJSON}), UTF-8"
_JSON_CURE = "send a JSON list of objects, or one object, UTF-8"


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a body may be, in bytes, and how long the sender may pause, in seconds."""

    json: int = 16 << 20  # held in memory while it is taken apart
    ndjson: int = 1 << 30  # on disk
    file: int = 1 << 30  # on disk
    line: int = 64 << 10
    pause: float = 30.0

    def of(self, content_type: str) -> int:
        """Answer the limit for a type."""
        if content_type == FILE:
            return self.file
        return self.ndjson if content_type in _LINES else self.json


class Malformed(InputError):
    """The body cannot be taken apart, nothing of it was taken; `place` may name line and column, from 1."""

    def __init__(self, reason: str, cure: str, *, line: int = 0, column: int = 0) -> None:
        self.place = {word: number for word, number in (("line", line), ("column", column)) if number}
        said = ", ".join(f"{word} {number}" for word, number in self.place.items())
        super().__init__(f"{said}: {reason}" if said else reason)
        self.cure = cure


class TooLarge(InputError):
    """The body is longer than is taken."""


class Body:
    """A received body; use it in a `with`, and `rows` once, in a thread."""

    def __init__(self, content_type: str, limits: Limits) -> None:
        self._lines = content_type in _LINES
        self._way = "send it in parts" if self._lines or content_type == FILE else f"send it in parts, or as {NDJSON}"
        self._limits = limits
        self._limit = limits.of(content_type)
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    async def receive(self, request: web.Request) -> None:
        """Take everything in; raises TooLarge, Malformed (it broke off), TimeoutError (the sender fell asleep)."""
        if (request.content_length or 0) > self._limit:
            raise self._too_large()
        size = 0
        try:
            while True:
                async with asyncio.timeout(self._limits.pause):
                    piece = await request.content.readany()
                if not piece:
                    return
                size += len(piece)
                if size > self._limit:
                    raise self._too_large()
                self._file.write(piece)
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
            raise Malformed("the body broke off", "send it again, whole") from error

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._limit} bytes; {self._way}")

    def save(self, path: Path) -> None:
        """Write what arrived into a new file; raises OSError."""
        self._file.seek(0)
        with path.open("xb") as target:
            shutil.copyfileobj(self._file, target)

    def rows(self) -> Iterator[dict[str, object]]:
        """Give out what stands in the body, in order; raises Malformed with the place."""
        self._file.seek(0)
        if not self._lines:
            yield from self._listed()
            return
        number, ended = 0, 0
        while raw := self._file.readline(self._limits.line + 1):
            number += 1
            if len(raw) > self._limits.line:
                raise Malformed(f"is longer than {self._limits.line} bytes", _NDJSON_CURE, line=number)
            if not raw.strip():
                ended = ended or number
                continue
            if ended:
                raise Malformed("is empty", _NDJSON_CURE, line=ended)
            yield parse(raw, _NDJSON_CURE, number)  # type: ignore[misc] # what is no object, intake rejects

    def _listed(self) -> Iterator[dict[str, object]]:
        found = parse(self._file.read(), _JSON_CURE)
        if isinstance(found, dict):
            yield found
        elif isinstance(found, list):
            yield from found
        else:
            raise Malformed("the body is neither a list nor an object", _JSON_CURE)


def parse(raw: bytes, cure: str, line: int = 0) -> object:
    """Read JSON strictly; `line` is the one it stands on, 0 for a whole body."""
    try:
        found: object = _DECODER.decode(raw.decode("utf-8-sig"))
        if _SURROGATE.search(raw):
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise Malformed(f"is no JSON: {error.msg}", cure, line=line or error.lineno, column=error.colno) from error
    except UnicodeDecodeError as error:
        at = line or raw.count(b"\n", 0, error.start) + 1
        raise Malformed("is not UTF-8", cure, line=at) from error
    except UnicodeEncodeError as error:
        raise Malformed("has half of a character in it (a lone surrogate)", cure, line=line) from error
    except (ValueError, RecursionError) as error:
        raise Malformed(f"is no JSON contactd reads: {_shortly(error)}", cure, line=line) from error
    return found


def _shortly(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).partition(";")[0]


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
