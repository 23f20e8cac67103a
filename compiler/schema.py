"""The JSON Schema of the specification format, for editors and for checks before deployment."""

from functools import cache
from typing import Any

from compiler.specification import Specification

_SHORT_FORMS = {
    "name": "Short for `metadata.name`.",
    "description": "Short for `metadata.description`.",
    "tags": "Short for `metadata.tags`.",
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a specification's YAML or JSON, short forms included."""
    schema = Specification.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Workflow specification"
    metadata = schema["$defs"]["Metadata"]["properties"]
    for name, meaning in _SHORT_FORMS.items():
        schema["properties"][name] = {**metadata[name], "description": meaning}
    # The short forms and `metadata` exclude each other.
    schema["dependentSchemas"] = {
        "metadata": {"properties": dict.fromkeys(_SHORT_FORMS, False)},
    }
    _accept_short_node(schema["$defs"]["Node"])
    execution = schema["$defs"]["ExecutionSettings"]["properties"]
    rules = execution["concurrency"]
    execution["concurrency"] = {"anyOf": [rules, rules["items"]], "title": "Concurrency"}
    return schema


def _accept_short_node(node: dict[str, Any]) -> None:
    properties = node["properties"]
    keys = properties["input_keys"]
    properties["input_keys"] = {"anyOf": [keys, {"type": "string"}], "title": "Input keys"}
    for short, name in (("input", "input_keys"), ("output", "output_key")):
        properties[short] = {**properties[name], "description": f"Short for `{name}`."}
    node["dependentSchemas"] = {
        "input_keys": {"properties": {"input": False}},
        "output_key": {"properties": {"output": False}},
    }


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def fields_at(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the names of the fields that an object at this path may have; empty when any."""
    schema = _schema()
    current: dict[str, Any] = schema
    for part in path:
        current = _below(schema, current, part)
    return tuple(_followed(schema, current).get("properties", ()))


def _below(schema: dict[str, Any], current: dict[str, Any], part: str | int) -> dict[str, Any]:
    resolved = _followed(schema, current)
    if isinstance(part, int):
        return dict(resolved.get("items", {}))
    return dict(resolved.get("properties", {}).get(part, {}))


def _followed(schema: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """Follow references and take the branch of an optional field that is not null."""
    while "$ref" in current or "anyOf" in current:
        if "$ref" in current:
            current = schema["$defs"][current["$ref"].rpartition("/")[2]]
        else:
            current = next(b for b in current["anyOf"] if b.get("type") != "null")
    return current
