"""The JSON Schema of every kind of file, for editors; `contactd schema` prints it."""

from typing import Any

from contactd.config.campaigns import CampaignFile
from contactd.config.personas import PersonaFile
from contactd.config.scripts import ScriptFile
from contactd.config.section import Section
from contactd.config.settings import Sections

FILES: dict[str, type[Section]] = {
    "contactd": Sections,
    "campaign": CampaignFile,
    "script": ScriptFile,
    "persona": PersonaFile,
}


def schema_of(kind: str) -> dict[str, Any]:
    """Answer the schema of `contactd` (contactd.toml), or of a `campaign`, `script`, `persona`: files of folders."""
    schema = _without_null(FILES[kind].model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _without_null(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Take out what TOML cannot say: a key is left out instead of being null."""
    if isinstance(node, list):
        return [_without_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _without_null(value) for key, value in node.items() if (key, value) != ("default", None)}
    kinds = [one for one in node.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) == 1:
        del node["anyOf"]
        node |= kinds[0]
    return node
