"""Writes settings as TOML again, secrets as the places they are kept in; `contactd config show` prints it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from contactd.config.settings import Sections

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_values(sections: Sections, *, changed: bool = False) -> dict[str, Any]:
    """Answer the tables as they would be written; with `changed` only what differs from the defaults."""
    names = set(Sections.model_fields)
    return _set(sections.model_dump(mode="json", by_alias=True, include=names, exclude_defaults=changed))


def _set(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out secrets that are not set: TOML has no word for them."""
    return {key: _set(one) if isinstance(one, dict) else one for key, one in values.items() if one is not None}


def as_toml(values: Mapping[str, Any]) -> str:
    """Write tables as TOML that reads back the same."""
    return "\n".join(_table((), values)).strip() + "\n"


def _table(path: tuple[str, ...], values: Mapping[str, Any]) -> Iterator[str]:
    plain = {key: value for key, value in values.items() if not _is_table(value) and not _is_tables(value)}
    if path and (plain or not values):
        yield ""
        yield f"[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in values.items():
        if _is_table(value):
            yield from _table((*path, key), value)
        elif _is_tables(value):
            for one in value:
                yield ""
                yield f"[[{'.'.join(map(_key, (*path, key)))}]]"
                yield from (f"{_key(name)} = {_value(item)}" for name, item in one.items())


def _is_table(value: object) -> bool:
    # A secret is written in one line.
    return isinstance(value, dict) and not (len(value) == 1 and next(iter(value)) in {"credential", "env", "file"})


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    # JSON's texts, numbers, true and false are TOML's; DEL is the one letter it would leave unescaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
