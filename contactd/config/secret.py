"""Secrets: told by where they are kept, never written in a configuration file, never shown.

A value of this type masks itself wherever it is printed; whoever needs the pass word itself says `reveal()`.
"""

import os
from collections.abc import Mapping
from hmac import compare_digest
from pathlib import Path
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from contactd.domain.errors import ConfigError, Problem

MASK = "********"
_KINDS = ("credential", "env", "file")
_HOW = 'write { credential = "name" } (systemd), { env = "NAME" } or { file = "/path" }'


class Secret:
    """A pass word or token and where it came from; empty (false) when none is set."""

    __slots__ = ("_problem", "_value", "source")

    def __init__(self, value: str = "", *, source: Mapping[str, str] | None = None, problem: str = "") -> None:
        """Keep the value, where it came from, and why it could not be read."""
        self._value = value
        self._problem = problem
        self.source = dict(source or {})

    def reveal(self) -> str:
        """Give the secret itself; raises ConfigError when its source could not be read."""
        if self._problem:
            raise ConfigError([Problem("secret", 0, "", self._problem)])
        return self._value

    def __bool__(self) -> bool:
        """Tell whether one is set, readable or not."""
        return bool(self._value or self._problem)

    def __repr__(self) -> str:
        """Show where it is kept, or that there is none."""
        kept = ", ".join(f"{kind}={name}" for kind, name in self.source.items())
        return f"Secret({kept or (MASK if self else 'none')})"

    def __str__(self) -> str:
        """Show the mask."""
        return MASK if self else ""

    def __eq__(self, other: object) -> bool:
        """Compare without telling by the time it takes how much is right."""
        if not isinstance(other, Secret):
            return NotImplemented
        known = bool(self._value and other._value)
        return compare_digest(self._value.encode(), other._value.encode()) if known else self._told() == other._told()

    def __hash__(self) -> int:
        """Hash so that equal ones meet."""
        return hash(self._value)

    def _told(self) -> tuple[object, ...]:
        return bool(self._value), self._problem, self.source

    def __deepcopy__(self, memo: object) -> "Secret":
        """Stay the one there is; nothing in it changes."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("a secret is not written anywhere")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read `{ env = "NAME" }` and the like; write the place back, never the value."""
        return core_schema.with_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _shown, return_schema=core_schema.any_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the three places."""
        return {
            "type": "object",
            "properties": {kind: {"type": "string", "minLength": 1} for kind in _KINDS},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }


def _shown(secret: Secret) -> dict[str, str] | str | None:
    return secret.source or str(secret) or None


def _read(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    kind, name = _place(value)
    context: dict[str, Any] = info.context or {}
    try:
        text = _fetch(kind, name, context.get("folder", Path()))
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        problem = f'{kind} "{name}": {reason}'
        if context.get("secrets", True):
            raise ValueError(problem) from error
        return Secret(source={kind: name}, problem=problem)
    return Secret(text, source={kind: name})


def _place(value: object) -> tuple[str, str]:
    match value:
        case {**places} if len(places) == 1 and next(iter(places)) in _KINDS:
            kind, name = next(iter(places.items()))
        case {}:
            raise ValueError(f"names no place of a secret; {_HOW}")
        case _:
            raise ValueError(f"a secret must not stand in this file; {_HOW}")
    if isinstance(name, str) and name:
        return str(kind), name
    raise ValueError(f'{kind} must be a name in quotes, like {{ {kind} = "{_EXAMPLES[str(kind)]}" }}')


_EXAMPLES = {"credential": "smtp-password", "env": "SMTP_PASSWORD", "file": "/etc/contactd/smtp-password"}


def _fetch(kind: str, name: str, folder: Path) -> str:
    if kind == "env":
        if name not in os.environ:
            raise ValueError(
                "this environment variable is not set; set it for the service (Environment= or EnvironmentFile=)"
            )
        text = os.environ[name]
    elif kind == "file":
        text = (folder / name).read_text(encoding="utf-8")
    else:
        directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if not directory:
            raise ValueError("$CREDENTIALS_DIRECTORY is not set; systemd sets it for a service with LoadCredential=")
        if Path(name).name != name:
            raise ValueError("the name of a credential has no folder in it")
        text = (Path(directory) / name).read_text(encoding="utf-8")
    text = text.rstrip("\r\n")
    if not text:
        raise ValueError("it is empty")
    return text
