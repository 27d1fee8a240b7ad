"""How verbs answer: results on stdout, everything else on stderr, and the exit codes scripts rely on.

Nothing else of this floor writes: names, notes and whatever was imported pass here, and may not command the terminal.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from contactd.domain.money import Money
from contactd.domain.phrase import in_one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_UNBOUNDED = 10_000  # columns, where nobody wraps lines
OK, FAILED, USAGE, REFUSED, NOT_ALLOWED, UNREACHABLE, PARTIAL = range(7)


def emit_json(value: object, file: TextIO | None = None) -> None:
    """Write one JSON document: ISO 8601 for times, amounts exact with their currency."""
    click.echo(json_text(value, indent=2), file=file)


def json_text(value: object, indent: int | None = None) -> str:
    """Write a document, in one line without an indent, with escapes for what would command a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def fail(message: str, code: int = FAILED, more: Iterable[str] = ()) -> NoReturn:
    """Say on stderr why it did not work, with more lines if need be, and leave with the code."""
    say(f"contactd: {message}", *more, err=True)
    raise SystemExit(code)


def save(path: Path, content: bytes) -> None:
    """Write a file that was asked for, or leave and say why it cannot be."""
    try:
        path.write_bytes(content)
    except OSError as error:
        fail(f"{path} cannot be written ({error.strerror}); name another file")


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


def say(*lines: str, err: bool = False) -> None:
    """Print lines, in which words of others may stand; an empty one without any."""
    for line in lines or ("",):
        click.echo(in_one_line(line), err=err)


def say_marked(word: str, colour: str, rest: str) -> None:
    """Print a line that begins with a word in colour, where there are colours."""
    click.echo(f"{click.style(in_one_line(word), fg=colour)}{in_one_line(rest)}")


def show_document(text: str) -> None:
    """Print a text of many lines as it is, but for what would command the terminal."""
    click.echo("\n".join(map(in_one_line, text.split("\n"))), nl=False)


def show_csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Print rows as they come, by commas."""
    held = io.StringIO()
    writer = csv.DictWriter(held, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row)
        show_document(held.getvalue())
        held.seek(0)
        held.truncate()
    show_document(held.getvalue())


def console(*, err: bool = False, soft_wrap: bool = False) -> "Console":
    """Make what draws tables: words of others in them are no markup, and command no terminal."""
    import rich.console

    class Safe(rich.console.Console):
        def render_str(self, text: str, **options: Any) -> "Text":  # noqa: ANN401 - rich's
            return super().render_str(in_one_line(text), **options)

    made = Safe(stderr=err, highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap)
    if not made.is_terminal:
        made.width = _UNBOUNDED
    return made
