"""A text of ours and the values it names: told as it is at a terminal, and by the pages in the viewer's language."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text that names its values like %(this)s. A value may be a phrase itself, money, a day, or several of them."""

    text: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        """Write it in English."""
        return self.text % {name: _plain(value) for name, value in self.values.items()} if self.values else self.text


NONE = Phrase("none")


def in_one_line(text: str) -> str:
    """Let words of others neither begin a line of their own nor command a terminal."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)


def _plain(value: object) -> object:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    return in_one_line(text) if isinstance(text, str) else text
