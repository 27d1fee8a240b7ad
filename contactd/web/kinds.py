"""What stands in a request, kind by kind: how it is read, and how JSON Schema says the same; for the HTTP interface.

Each kind is both, so that the document at /api/v1/openapi.json cannot say anything else than what is checked.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from contactd.domain.errors import InputError

Schema = dict[str, Any]
Asked = Mapping[str, Any]

MOST = 10**15 - 1  # a key of either database
_LONGEST = 40  # of what is quoted back
_LETTERS = 4000  # of a text; more is a document, and belongs elsewhere
_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Kind(ABC):
    """One sort of value; what is left out, or null, is read as `nothing`."""

    nothing: object = None

    @property
    def needed(self) -> bool:
        """Tell whether it has to be said."""
        return False

    @property
    def place(self) -> str:
        """Write as a regular expression what fits where it is a part of an address."""
        return "[^/]+"

    @abstractmethod
    def take(self, name: str, value: Any) -> object:  # noqa: ANN401 - whatever JSON can hold
        """Read a value that is not null; raises InputError."""

    @abstractmethod
    def schema(self) -> Schema:
        """Describe the values that are taken."""

    def spelled(self, text: str) -> object:
        """Turn what stands in an address into what JSON would say."""
        return text

    def read(self, name: str, value: object) -> object:
        """Read a value; raises InputError with what could be written."""
        if value is None:
            if self.needed:
                raise InputError(f"{name} is missing")
            return self.nothing
        return self.take(name, value)

    def in_body(self) -> Schema:
        """Describe it as a key of a body, where null is as good as nothing."""
        return self.schema() if self.needed else {"anyOf": [self.schema(), {"type": "null"}]}


@dataclass(frozen=True)
class Text(Kind):
    """A text of no more than a page; what no database keeps is refused."""

    needed: bool = False
    nothing: object = ""

    def take(self, name: str, value: Any) -> object:  # noqa: ANN401 - as above
        """Read a text."""
        if not isinstance(value, str):
            raise InputError(f"{name} is a text, not {str(value)[:_LONGEST]}")
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise InputError(f"{name} has a character in it that is none")
        if len(value) > _LETTERS:
            raise InputError(f"{name} has {len(value)} characters; it may have {_LETTERS}")
        return value

    def schema(self) -> Schema:
        """Describe a text."""
        return {"type": "string", "pattern": r"^[^\u0000]*$", "maxLength": _LETTERS}


@dataclass(frozen=True)
class Name(Text):
    """The name of something in the configuration."""

    needed: bool = True

    @property
    def place(self) -> str:
        """Take what config/words.py lets be a name."""
        return "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"

    def schema(self) -> Schema:
        """Describe a name."""
        return {"type": "string", "pattern": f"^{self.place}$"}


@dataclass(frozen=True)
class Amount(Text):
    """Money as people write it, "120.00" or "120.00 EUR", or as the interface writes it itself."""

    def take(self, name: str, value: Any) -> object:  # noqa: ANN401 - as above
        """Read both as a text."""
        if isinstance(value, dict) and set(value) == {"amount", "currency"}:
            value = f"{value['amount']} {value['currency']}"
        return super().take(name, value)

    def schema(self) -> Schema:
        """Describe both."""
        return {"anyOf": [super().schema(), {"$ref": "#/components/schemas/Money"}]}


@dataclass(frozen=True)
class Choice(Kind):
    """One of some words; `otherwise` where nothing is said, None: something has to be."""

    words: Sequence[str]
    otherwise: str | None = None

    @property
    def needed(self) -> bool:
        """Tell whether something has to be said."""
        return self.otherwise is None

    @property
    def place(self) -> str:
        """List the words."""
        return "|".join(self.words)

    def read(self, name: str, value: object) -> object:
        """Read a word."""
        word = Text().read(name, value) or self.otherwise or ""
        if word not in (*self.words, self.otherwise):
            raise InputError(f"{name} is one of {', '.join(self.words)}, not {str(word)[:_LONGEST]!r}")
        return word

    take = read

    def schema(self) -> Schema:
        """Name the words."""
        if self.otherwise is None:
            return {"type": "string", "enum": list(self.words)}
        return {"type": "string", "enum": [*self.words, ""], "default": self.otherwise}


@dataclass(frozen=True)
class Day(Kind):
    """A day."""

    def take(self, name: str, value: Any) -> object:  # noqa: ANN401 - as above
        """Read a day; an empty text is none."""
        text = str(Text().take(name, value))
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise InputError(f"{name} is a day like 2026-12-31, not {text[:_LONGEST]!r}") from None

    def schema(self) -> Schema:
        """Describe a day."""
        return {"type": "string", "format": "date"}


@dataclass(frozen=True)
class Instant(Kind):
    """An instant with its zone, read in UTC."""

    def spelled(self, text: str) -> object:
        """Take back what addresses make of a plus sign."""
        return text.replace(" ", "+")

    def take(self, name: str, value: Any) -> object:  # noqa: ANN401 - as above
        """Read an instant."""
        text = str(Text().take(name, value))
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise InputError(f"{name} is an instant with its zone, like 2026-12-31T10:00:00Z, not {text[:_LONGEST]!r}")

    def schema(self) -> Schema:
        """Describe an instant."""
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True)
class Flag(Kind):
    """A yes or no."""

    nothing: object = False

    def spelled(self, text: str) -> object:
        """Read the usual words for it."""
        return _WORDS.get(text.lower(), text)

    def take(self, name: str, value: Any) -> object:  # noqa: ANN401 - as above
        """Read a yes or no."""
        if not isinstance(value, bool):
            raise InputError(f"{name} is true or false, not {str(value)[:_LONGEST]}")
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": "boolean", "default": self.nothing}


@dataclass(frozen=True)
class Number(Kind):
    """A whole number between two."""

    nothing: object = None
    least: int = 0
    most: int = MOST

    @property
    def place(self) -> str:
        """Take as many digits as a key of either database has."""
        return r"\d{1,15}"

    def spelled(self, text: str) -> object:
        """Read digits."""
        return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else text

    def take(self, name: str, value: Any) -> object:  # noqa: ANN401 - as above
        """Read a number."""
        if type(value) is not int:
            raise InputError(f"{name} is a whole number, not {str(value)[:_LONGEST]!r}")
        if not self.least <= value <= self.most:
            raise InputError(f"{name} is a whole number from {self.least} to {self.most}, not {str(value)[:_LONGEST]}")
        return value

    def schema(self) -> Schema:
        """Describe it with its bounds."""
        bounds: Schema = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return bounds if self.nothing is None else {**bounds, "default": self.nothing}


@dataclass(frozen=True)
class Texts(Kind):
    """A list of texts, at least one."""

    like: str = '["…"]'
    what: str = "texts"

    @property
    def needed(self) -> bool:
        """Ask for it always."""
        return True

    def read(self, name: str, value: object) -> object:
        """Read the list."""
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            raise InputError(f"{name} is a list of {self.what}, like {self.like}")
        return [Text().take(name, one) for one in value]

    take = read

    def schema(self) -> Schema:
        """Describe the list."""
        return {"type": "array", "minItems": 1, "items": {**Text().schema(), "minLength": 1}}


@dataclass(frozen=True)
class Shape:
    """The keys of a body, or of an address behind its question mark; others are refused."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def read(self, asked: Asked) -> dict[str, Any]:
        """Read every key there may be; raises InputError."""
        refuse_unknown(asked, tuple(self.kinds))
        return {name: kind.read(name, asked.get(name)) for name, kind in self.kinds.items()}

    def read_query(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Do the same with what an address says."""
        refuse_unknown(query, tuple(self.kinds))
        return self.read({name: self.kinds[name].spelled(text) for name, text in query.items()})

    def schema(self) -> Schema:
        """Describe an object with these keys."""
        needed = [name for name, kind in self.kinds.items() if kind.needed]
        return {
            "type": "object",
            "properties": {name: kind.in_body() for name, kind in self.kinds.items()},
            **({"required": needed} if needed else {}),
            "additionalProperties": False,
        }


def refuse_unknown(asked: Asked, known: Sequence[str]) -> None:
    """Name the first key that means nothing here."""
    for name in asked:
        if name not in known:
            raise InputError(f"{name[:_LONGEST]!r} is no key here; known: {', '.join(sorted(known)) or 'none'}")
