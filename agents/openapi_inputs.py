"""What an operation is given: its parameters and body, as one flat object with a request template.

A parameter keeps its name where that is a word; else it gets one, and `names` says which. The
fields of a body that is an object stand beside the parameters, unless one has the name of another.
"""

import keyword
import re
from collections.abc import Mapping
from typing import Any

from agents.openapi_schemas import OpenApiError, Schemas, resolved

_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_NOT_SENT = frozenset(("accept", "content-type", "authorization"))
"""Header parameters that OpenAPI says are ignored."""
_MEDIA = re.compile(r"[\w.+-]+/[\w.+-]+")
_FILE = {
    "type": "object",
    "description": "A file: its name with `content` (text or JSON) or `base64`.",
    "properties": {
        "filename": {"type": "string", "minLength": 1},
        "content": {},
        "base64": {"type": "string"},
        "content_type": {"type": "string"},
        "size_bytes": {"type": "integer"},
    },
    "required": ["filename"],
    "additionalProperties": False,
}


class Inputs:
    """The inputs of one operation while they are read.

    Args:
        document: The document.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas = Schemas(document, "readOnly")
        self._properties: dict[str, Any] = {}
        self._required: list[str] = []
        self.names: dict[str, str] = {}
        self.path_names: dict[str, str] = {}
        self.separators: dict[str, str] = {}
        self.request: dict[str, Any] = {}

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of all inputs."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": list(self._required),
            "properties": dict(self._properties),
            **self._schemas.definitions(),
        }

    def add(self, written: str, schema: Any, *, required: bool) -> str:
        """Add an input; return its name."""
        name = re.sub(r"\W", "_", written, flags=re.ASCII).lstrip("0123456789") or "value"
        if keyword.iskeyword(name) and name != written:
            name += "_"
        while name in self._properties:
            name += "_"
        if name != written:
            self.names.setdefault(written, name)
        self._properties[name] = schema
        if required:
            self._required.append(name)
        return name

    def add_parameters(self, *lists: Any) -> None:
        """Add a path's parameters and an operation's, which stand for those of the same name."""
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for listed in lists:
            for written in listed if isinstance(listed, list) else ():
                one = resolved(self._document, written)
                if not isinstance(one, Mapping) or not one.get("name"):
                    raise OpenApiError("A parameter has no name.")
                found[str(one.get("in")), str(one["name"])] = one
        for (place, name), one in found.items():
            if not (place == "header" and name.lower() in _NOT_SENT):
                self._add_parameter(place, name, one)

    def _add_parameter(self, place: str, written: str, one: Mapping[str, Any]) -> None:
        schema = self._schema_of(one)
        if isinstance(schema, dict) and isinstance(text := one.get("description"), str):
            schema = {**schema, "description": text[:300]}
        required = one.get("required") is True or place == "path"
        name = self.add(written, schema, required=required)
        style = str(one.get("style") or ("form" if place in ("query", "cookie") else "simple"))
        explode = one.get("explode", style == "form")
        if place != "query" or (style in _SEPARATORS and not explode):
            self.separators[name] = _SEPARATORS.get(style, ",")
        if place == "path":
            self.path_names[written] = name
        elif place == "query":
            self.put("params", written, f"{{{name}}}")
        elif place == "header":
            self.put("headers", written, f"{{{name}}}")
        elif place == "cookie":
            self.put_cookie(written, name)
        else:
            raise OpenApiError(f"The parameter {written[:50]} stands in no known place.")

    def put(self, place: str, name: str, template: str) -> None:
        """Put a template into the request's headers or params."""
        self.request.setdefault(place, {})[name] = template

    def put_cookie(self, written: str, name: str) -> None:
        """Put an input into the Cookie header."""
        before = self.request.get("headers", {}).get("Cookie")
        pair = f"{written}={{{name}}}"
        self.put("headers", "Cookie", f"{before}; {pair}" if before else pair)

    def _schema_of(self, one: Mapping[str, Any]) -> Any:
        """Return a parameter's schema, which may stand under its one media type."""
        if "schema" in one:
            return self._schemas.of(one["schema"])
        content = one.get("content")
        for about in content.values() if isinstance(content, Mapping) else ():
            if isinstance(about, Mapping) and "schema" in about:
                return self._schemas.of(about["schema"])
        return {}

    def add_body(self, written: Any) -> None:
        """Add a request body, in the first form that can be sent."""
        body = resolved(self._document, written)
        if body is None:
            return
        content = body.get("content") if isinstance(body, Mapping) else None
        if not isinstance(content, Mapping) or not content:
            raise OpenApiError("The request body has no content.")
        media, about = min(content.items(), key=lambda pair: _preference(str(pair[0])))
        media = str(media).split(";")[0].strip().lower()
        schema = about.get("schema", {}) if isinstance(about, Mapping) else {}
        place = {
            "application/x-www-form-urlencoded": "form",
            "multipart/form-data": "multipart",
        }.get(media, "body")
        required = body.get("required") is True
        if place == "body" and "json" not in media:
            text = media.startswith("text/") or media.endswith(("xml", "yaml"))
            self._add_whole(media, required, "body" if text else "file")
            return
        if media != "application/json" and place == "body" and _MEDIA.fullmatch(media):
            self.put("headers", "Content-Type", media)
        self._add_fields(place, schema, required)

    def _add_whole(self, media: str, required: bool, place: str) -> None:
        """Add a body that is one text, or one file."""
        if _MEDIA.fullmatch(media):
            self.put("headers", "Content-Type", media)
        schema = {"type": "string"} if place == "body" else _FILE
        name = self.add("body", schema, required=required)
        self.request[place] = f"{{{name}}}"

    def _add_fields(self, place: str, schema: Any, required: bool) -> None:
        fields, needed = self._fields(schema, 20)
        if not fields or set(fields) & set(self._properties):
            name = self.add("body", self._schemas.of(schema), required=required)
            self.request[place] = f"{{{name}}}"
            return
        hidden = {n for n, one in fields.items() if _is_marked(one, "readOnly")}
        template = {}
        for written, one in fields.items():
            if written in hidden:
                continue
            made = self._file_schema(one) if place == "multipart" else None
            name = self.add(
                written,
                self._schemas.of(one) if made is None else made,
                required=required and written in needed,
            )
            template[written] = f"{{{name}}}"
        self.request[place] = template

    def _fields(self, written: Any, levels: int) -> tuple[dict[str, Any], set[str]]:
        """Return an object's properties, those of `allOf` with them; none when it has other forms.

        An object whose further fields are described has a form that a flat list cannot tell.
        """
        schema = resolved(self._document, written)
        if not isinstance(schema, Mapping) or not levels:
            return {}, set()
        if any(word in schema for word in ("oneOf", "anyOf", "not", "if", "patternProperties")):
            return {}, set()
        if isinstance(schema.get("additionalProperties"), Mapping):
            return {}, set()
        properties = schema.get("properties")
        fields = dict(properties) if isinstance(properties, Mapping) else {}
        listed = schema.get("required")
        needed = {str(name) for name in listed} if isinstance(listed, list) else set()
        for part in schema.get("allOf") or ():
            below, below_needed = self._fields(part, levels - 1)
            if not below and not below_needed:
                return {}, set()
            fields, needed = below | fields, needed | below_needed
        return fields, needed

    def _file_schema(self, written: Any) -> dict[str, Any] | None:
        """Return the schema of a file, or of a list of files, when a part is one."""
        schema = resolved(self._document, written)
        if not isinstance(schema, Mapping):
            return None
        if schema.get("type") == "array":
            inner = self._file_schema(schema.get("items"))
            return None if inner is None else {"type": "array", "items": inner}
        is_file = schema.get("format") == "binary" or "contentMediaType" in schema
        return _FILE if is_file else None


def _is_marked(schema: Any, mark: str) -> bool:
    return isinstance(schema, Mapping) and schema.get(mark) is True


def _preference(media: str) -> int:
    """Return how gladly a media type is sent; the smallest first."""
    plain = media.split(";")[0].strip().lower()
    order = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    if plain in order:
        return order.index(plain)
    return 1 if "json" in plain else len(order)
