"""How verbs answer: results on stdout, everything else on stderr, and the exit codes scripts rely on."""

import json
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import NoReturn, TextIO

import click

from contactd.domain.money import Money

OK, FAILED, USAGE, REFUSED, NOT_ALLOWED, UNREACHABLE, PARTIAL = range(7)


def emit_json(value: object, file: TextIO | None = None) -> None:
    """Write one JSON document: ISO 8601 for times, amounts exact with their currency."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain), file=file)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say on stderr why it did not work, and leave with the code."""
    click.echo(f"contactd: {message}", err=True)
    raise SystemExit(code)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Money):
        return value.as_json()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def say_line(text: str) -> None:
    """Print one line of words of others."""
    click.echo(in_one_line(text))


def in_one_line(text: str) -> str:
    """Let words of others neither begin a line of their own nor command the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
