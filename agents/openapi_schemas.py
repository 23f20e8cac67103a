"""Schemas of an OpenAPI document as JSON Schemas that stand by themselves.

References go to `$defs`, so that schemas which hold themselves stay finite. Only what a check of
values needs is kept. Nothing outside the document is ever read.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from agents.errors import AgentError

_LEVELS = 60
_SCHEMAS = 2_000
_PLAIN = frozenset((
    "type", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format", "minItems",
    "maxItems", "uniqueItems", "minProperties", "maxProperties", "title", "description", "default",
    "dependentRequired", "minContains", "maxContains",
))  # fmt: skip
_ONE = frozenset((
    "items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else",
    "unevaluatedProperties", "unevaluatedItems",
))  # fmt: skip
_SEVERAL = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_NAMED = frozenset(("properties", "patternProperties", "dependentSchemas"))
Hidden = str
"""The mark of properties that are not sent in one direction: `readOnly` or `writeOnly`."""


class OpenApiError(AgentError):
    """A document cannot be read as OpenAPI; says where and why."""


def resolved(document: Mapping[str, Any], value: Any, hops: int = 20) -> Any:
    """Return what a value refers to in its document, or the value itself.

    Raises:
        OpenApiError: It refers to elsewhere, to nothing, or in a circle.
    """
    while isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
        if not hops:
            raise OpenApiError(f"The reference {value['$ref'][:200]} leads in a circle.")
        value, hops = _target(document, value["$ref"]), hops - 1
    return value


def _target(document: Mapping[str, Any], reference: str) -> Any:
    if not reference.startswith("#/"):
        raise OpenApiError(
            f"The reference {reference[:200]} leads out of the document.",
            remedy="Bundle the document into one, so that all references begin with `#/`.",
        )
    found: Any = document
    for part in reference[2:].split("/"):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise OpenApiError(f"The reference {reference[:200]} names nothing in the document.")
    return found


class Schemas:
    """Makes the schemas of one operation and direction.

    Args:
        document: The OpenAPI document.
        hidden: The mark of the properties that are left out.
    """

    def __init__(self, document: Mapping[str, Any], hidden: Hidden) -> None:
        self._document = document
        self._hidden = hidden
        self._is_old = str(document.get("openapi", "")).startswith("3.0")
        self._names: dict[str, str] = {}
        self._definitions: dict[str, Any] = {}

    def of(self, schema: Any, levels: int = _LEVELS) -> Any:
        """Return the JSON Schema for a schema of the document.

        Raises:
            OpenApiError: A reference is wrong, or there is too much of it.
        """
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping):
            raise OpenApiError(f"A schema is an object, not {str(schema)[:100]!r}.")
        if not levels:
            raise OpenApiError(f"A schema is nested more than {_LEVELS} levels deep.")
        if isinstance(reference := schema.get("$ref"), str):
            beside = {} if self._is_old else {k: v for k, v in schema.items() if k != "$ref"}
            return {"$ref": self._defined(reference), **self._converted(beside, levels)}
        return self._converted(schema, levels)

    def definitions(self) -> dict[str, Any]:
        """Return what goes under `$defs` beside the schemas that were made so far.

        Raises:
            OpenApiError: See `of`.
        """
        # One after the other: a chain of references is longer than the stack is deep.
        while left := [ref for ref, name in self._names.items() if name not in self._definitions]:
            for reference in left:
                name = self._names[reference]
                self._definitions[name] = self.of(_target(self._document, reference))
        return {"$defs": self._definitions} if self._definitions else {}

    def _defined(self, reference: str) -> str:
        if reference not in self._names:
            if len(self._names) >= _SCHEMAS:
                raise OpenApiError(f"An operation has more than {_SCHEMAS} schemas.")
            name = re.sub(r"\W", "_", reference.rpartition("/")[2]) or "schema"
            taken = set(self._names.values())
            while name in taken:
                name += "_"
            self._names[reference] = name
        return f"#/$defs/{self._names[reference]}"

    def _converted(self, schema: Mapping[str, Any], levels: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _PLAIN:
                made[key] = value
            elif key in _ONE and isinstance(value, Mapping | bool):
                made[key] = self.of(value, levels - 1)
            elif key in _SEVERAL and isinstance(value, list):
                made[key] = [self.of(one, levels - 1) for one in value]
            elif key in _NAMED and isinstance(value, Mapping):
                made[key] = {name: self.of(one, levels - 1) for name, one in value.items()}
        self._hide(schema, made)
        return _modern(schema, made) if self._is_old else made

    def _hide(self, schema: Mapping[str, Any], made: dict[str, Any]) -> None:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return
        hidden = {
            name
            for name, one in properties.items()
            if isinstance(one, Mapping) and one.get(self._hidden) is True
        }
        for name in hidden:
            made["properties"].pop(name, None)
        if isinstance(required := made.get("required"), list):
            made["required"] = [name for name in required if name not in hidden]


def _modern(schema: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Say in JSON Schema's words what OpenAPI 3.0 says in its own."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    if schema.get("nullable") is True:
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made
