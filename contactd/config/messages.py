"""Says in plain words what pydantic found, and how to mend it; load.py uses it for every file."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from contactd.config.findings import Source
from contactd.config.locate import Place
from contactd.config.words import listed, suggest
from contactd.domain.errors import Problem

_MOST_LISTED = 12
_UNQUOTED = {"int_type": r"-?\d+", "float_type": r"-?\d+(\.\d+)?", "bool_type": "true|false"}
_PLAIN = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": 'must be a list, like ["…"]',
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}


def explain(error: ValidationError, model: type[BaseModel], source: Source) -> list[Problem]:
    """Turn everything a model refused into problems with a line, in the order of the file."""
    schema = model.model_json_schema()
    problems = []
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            continue  # its elements are wrong, and each says so itself
        # A wrong key of a dict is reported with a last part of its own.
        place: Place = tuple(part for part in detail["loc"] if part != "[key]")
        problems.append(source.problem(place, _message(detail, place, schema)))
    return sorted(problems, key=lambda problem: problem.line)


def _message(detail: Mapping[str, Any], place: Place, schema: dict[str, Any]) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    match kind:
        case "value_error":
            text = str(context["error"])
        case "extra_forbidden":
            text = _unknown(str(place[-1]), place, schema)
        case "missing" | "too_short":
            text = _missing(place, schema)
        case "literal_error":
            text = _choice(given, re.findall(r"'([^']*)'", context["expected"]))
        case "greater_than_equal":
            text = f"must be at least {context['ge']}, not {given}"
        case "less_than_equal":
            text = f"must be at most {context['le']}, not {given}"
        case _ if kind in _PLAIN:
            text = f"{_PLAIN[kind]}, not {_kind(given)}{_unquoted(kind, given)}"
        case _:
            text = detail["msg"]
    return text


def _missing(place: Place, schema: dict[str, Any]) -> str:
    items = _down(place, schema).get("items", {})
    tables = "$ref" in items or "properties" in items
    return f"is missing; add at least one [[{place[-1]}]]" if tables else "is missing; it has no default"


def _unknown(key: str, place: Place, schema: dict[str, Any]) -> str:
    known = [name for name in _keys(place[:-1], schema) if not name.startswith("_")]
    hint = suggest(key, known)
    if not hint and len(place) > 1 and key in _keys((), schema):
        hint = "; it belongs to the top of the file, above the first [table]"
    if not hint:
        known = known[:_MOST_LISTED] + (["…"] if len(known) > _MOST_LISTED else [])
        hint = f"; known here: {', '.join(known)}"
    return f"unknown key{hint}"


def _choice(given: object, allowed: list[str]) -> str:
    if not isinstance(given, str):
        return f"must be text in quotes, not {_kind(given)}"
    hint = suggest(given, allowed) or f"; write {listed(word for word in allowed if word)}"
    return f'"{given}" is not known here{hint}'


def _keys(place: Place, schema: dict[str, Any]) -> list[str]:
    return list(_down(place, schema).get("properties", {}))


def _down(place: Place, schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a place into the JSON Schema, which knows every table's keys."""
    node = schema
    for part in place:
        if isinstance(part, int):
            node = _resolve(node.get("items", {}), schema)
        else:
            node = _resolve(node.get("properties", {}).get(part) or node.get("additionalProperties") or {}, schema)
    return node


def _resolve(node: object, schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = node if isinstance(node, dict) else {}
    if "anyOf" in found:  # a table that may be left out
        found = next((kind for kind in found["anyOf"] if "$ref" in kind), found)
    if "$ref" in found:
        found = schema["$defs"][found["$ref"].rpartition("/")[2]]
    return found


def _kind(given: object) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "a table"),
    )
    return next((name for kind, name in kinds if isinstance(given, kind)), "a date or time")


def _unquoted(kind: str, given: object) -> str:
    if isinstance(given, str) and re.fullmatch(_UNQUOTED.get(kind, "(?!)"), given):
        return f"; remove the quotes around {given}"
    if kind == "string_type" and isinstance(given, int | float):
        return f'; write "{_shown(given)}"'
    if kind == "tuple_type" and isinstance(given, str):
        return f'; write ["{given}"]'
    return ""


def _shown(given: object) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)
