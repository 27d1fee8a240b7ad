"""The shipped configuration: every key is there with its true default, and all of it can be used as it stands."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from contactd.config.load import inspect, load_defaults
from contactd.config.schema import schema_of
from contactd.config.secret import Secret
from contactd.config.settings import Sections
from contactd.config.shipped import defaults_directory

CONFIG = defaults_directory() / "config"
DEFAULT = re.compile(r"#([a-z_]+) = (.*)")
HEADER = re.compile(r"#?(\[.*\])")
# Tables an operator writes as often as needed, under names of their own.
NAMED = {"creditors": "stadtwerke", "agents": "anna", "trunks": "trunk"}


def documented() -> dict[str, Any]:
    """Read the defaults that contactd.toml names: its headers and the keys that are commented out."""
    lines = []
    for line in (CONFIG / "contactd.toml").read_text(encoding="utf-8").splitlines():
        header, default = HEADER.fullmatch(line), DEFAULT.fullmatch(line)
        if header:
            lines.append(header[1])
        elif default:
            lines.append(f"{default[1]} = {default[2]}")
    return tomllib.loads("\n".join(lines))


def keys(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List every key of a model with its default; `...` for one without, a secret included."""
    for name, info in model.model_fields.items():
        here = (*place, info.alias or name)
        inner = inner_model(info.annotation)
        if inner is not None:
            yield from keys(inner, (*here, *([NAMED[name]] if name in NAMED else [])))
        elif info.is_required() or info.annotation is Secret:
            yield here, ...
        else:
            text = model.model_construct().model_dump(mode="json", include={name}, by_alias=True)
            yield here, text[info.alias or name]


def inner_model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - annotations have no type
    """Find the table behind a key: itself, or the elements of a list or dict."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def look_up(values: dict[str, Any], place: tuple[str, ...]) -> Any:  # noqa: ANN401 - any value TOML can hold
    """Follow a place; of a list of tables, into its first."""
    found: Any = values
    for part in place:
        found = (found[0] if isinstance(found, list) else found).get(part, LookupError)
        if found is LookupError:
            break
    return found


@pytest.mark.parametrize(
    ("place", "default"), [pytest.param(place, default, id=".".join(place)) for place, default in keys(Sections)]
)
def test_every_key_is_documented_with_its_true_default(place: tuple[str, ...], default: object) -> None:
    told = look_up(documented(), place)
    assert told is not LookupError, "is not in config/contactd.toml"
    if default is not ...:
        normal = Sections.model_validate(nested(place, told)).model_dump(mode="json", by_alias=True)
        assert look_up(normal, place) == default


def nested(place: tuple[str, ...], value: object) -> dict[str, Any]:
    """Build the tables around one key; webhooks need three keys more."""
    for part in reversed(place):
        value = {part: value}
    assert isinstance(value, dict)
    if place[0] == "webhooks":
        needed = {"name": "crm", "url": "https://crm.example.org", "secret": Secret("x")}
        value["webhooks"] = [needed | value["webhooks"]]
    return value


def test_every_key_stands_below_a_word_about_it() -> None:
    lines = (CONFIG / "contactd.toml").read_text(encoding="utf-8").splitlines()
    bare = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if DEFAULT.fullmatch(line) and not before.startswith(("#", "["))
    ]
    # Keys that tell themselves may follow another key of their kind.
    assert [line for line in bare if "contact_person" not in line and "=" not in lines[lines.index(line) - 1]] == []


def test_the_shipped_configuration_can_be_used_as_it_stands() -> None:
    found = inspect(CONFIG / "contactd.toml")
    assert found.findings.errors == []
    assert found.findings.warnings == []
    settings = load_defaults()
    assert {"mahnung-standard", "reminder-english"} <= {campaign.id for campaign in settings.campaigns}
    assert len(settings.agents) == 8


@pytest.mark.parametrize("kind", ["contactd", "campaign", "script"])
def test_the_schema_knows_every_key_of_the_shipped_files(kind: str) -> None:
    schema = schema_of(kind)
    files = [CONFIG / "contactd.toml"] if kind == "contactd" else sorted((CONFIG / f"{kind}s.d").glob("*.toml"))
    assert files
    assert [fault for file in files for fault in faults(tomllib.loads(file.read_text("utf-8")), schema, schema)] == []


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    schema = schema_of("campaign")
    wrong = {"id": "a", "step": [{"id": "s", "chanel": "sms", "day": "3"}], "test": {}}
    assert sorted(faults(wrong, schema, schema)) == [
        "'3' is no integer",
        "chanel is unknown",
        "channel is missing",
        "{} is no array",
    ]
    assert list(faults({"smtp": {"port": 1, "password": "x"}}, schema_of("contactd"), schema_of("contactd"))) == [
        "'x' is no object"
    ]


KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def faults(value: Any, node: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:  # noqa: ANN401 - any value
    """Check a value against a JSON Schema, as far as ours goes."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    kind = node.get("type")
    if kind and not isinstance(value, KINDS[kind]):
        yield f"{value!r} is no {kind}"
    elif isinstance(value, dict):
        yield from (f"{key} is missing" for key in node.get("required", ()) if key not in value)
        for key, item in value.items():
            inner = node.get("properties", {}).get(key) or node.get("additionalProperties")
            yield from faults(item, inner, schema) if inner else [f"{key} is unknown"]
    elif isinstance(value, list):
        for item in value:
            yield from faults(item, node["items"], schema)
    elif "enum" in node and value not in node["enum"]:
        yield f"{value!r} is none of {node['enum']}"
    elif "pattern" in node and not re.search(node["pattern"], value):
        yield f"{value!r} does not match {node['pattern']}"


def test_the_schema_tells_editors_what_each_key_is_for() -> None:
    for kind in ("contactd", "campaign"):
        schema = schema_of(kind)
        assert schema["$schema"].startswith("https://json-schema.org/")
        silent = [
            f"{name}.{key}"
            for name, table in schema["$defs"].items()
            for key, node in table.get("properties", {}).items()
            if "description" not in node
        ]
        assert silent == []


def test_the_shipped_folder_holds_configuration_and_templates() -> None:
    assert isinstance(defaults_directory(), Path)
    assert (defaults_directory() / "config" / "contactd.toml").is_file()
    assert (defaults_directory() / "templates" / "email").is_dir()
