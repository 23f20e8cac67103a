"""OpenAPI 3.0 and 3.1: a document's operations, each as a checked call over the api agent.

Pure: a document in, operations out. What an operation holds has the form of a catalog entry:
parameters as a JSON Schema, a request template in the reference language over their names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from agents.agent import SideEffect
from agents.openapi_inputs import Inputs
from agents.openapi_schemas import OpenApiError, Schemas, resolved
from agents.openapi_security import secure

METHODS = ("get", "post", "put", "patch", "delete", "head")
_READS = frozenset(("get", "head"))
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_MOST_DESCRIPTION = 300


@dataclass(frozen=True, slots=True)
class Operation:
    """One call that a document describes.

    Attributes:
        id: Its operationId; without one, method and path.
        name: How an agent of it is named: the service and the operation in snake case.
        url: Where it is called, with parameters in braces.
        parameters: JSON Schema of an object; secrets carry `x-secret`.
        request: Parameters of the api agent, as a template over the parameters.
        names: What parameters are called in the document, where that is another name.
        separators: What joins the elements of a list that is sent as one text, by parameter.
        secrets: The parameters that are secrets.
        output: A template over the api agent's output.
        output_schema: JSON Schema of what a good answer holds; None: it holds nothing.
    """

    id: str
    name: str
    service: str
    description: str
    method: str
    url: str
    parameters: dict[str, Any]
    request: dict[str, Any]
    side_effect: SideEffect
    output: Any
    output_schema: dict[str, Any] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    separators: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def operations_of(
    document: Mapping[str, Any], *, server_url: str | None = None, document_url: str | None = None
) -> list[Operation]:
    """Return all operations of a document.

    Args:
        document: The document, read.
        server_url: Where the operations are called, instead of the document's own servers.
        document_url: Where the document is; what its relative servers are relative to.

    Raises:
        OpenApiError: It is no OpenAPI 3 document, or a part of it cannot be used.
    """
    found: list[Operation] = []
    names: set[str] = set()
    for place in _places(document):
        operation = _operation(document, place, server_url, document_url, names)
        names.add(operation.name)
        found.append(operation)
    return found


def operation_of(
    document: Mapping[str, Any],
    wanted: str,
    *,
    server_url: str | None = None,
    document_url: str | None = None,
) -> Operation:
    """Return one operation, by its operationId or as `GET /pets/{id}`.

    Raises:
        OpenApiError: There is no such operation, or it cannot be used.
    """
    places = list(_places(document))
    for place in places:
        if wanted == place.id or wanted.lower() == f"{place.method} {place.path}".lower():
            return _operation(document, place, server_url, document_url, set())
    known = ", ".join(place.id for place in places[:20])
    raise OpenApiError(
        f"The document has no operation {wanted[:100]}.", remedy=f"There is: {known or 'none'}."
    )


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    method: str
    item: Mapping[str, Any]
    about: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.about.get("operationId") or f"{self.method.upper()} {self.path}")


def _places(document: Mapping[str, Any]) -> Iterator[_Place]:
    version = str(document.get("openapi", ""))
    if not version.startswith(("3.0", "3.1")):
        raise OpenApiError(
            f"This is no OpenAPI 3.0 or 3.1 document (`openapi` is {version[:20]!r}).",
            remedy="Convert a Swagger 2.0 document first.",
        )
    paths = document.get("paths") or {}
    if not isinstance(paths, Mapping):
        raise OpenApiError("The document's `paths` is no object.")
    for path, written in paths.items():
        item = resolved(document, written)
        if not isinstance(item, Mapping) or not str(path).startswith("/"):
            raise OpenApiError(f"The path {str(path)[:200]} cannot be read.")
        for method in METHODS:
            if isinstance(about := item.get(method), Mapping):
                yield _Place(str(path), method, item, about)


def _operation(
    document: Mapping[str, Any],
    place: _Place,
    server_url: str | None,
    document_url: str | None,
    taken: set[str],
) -> Operation:
    about = place.about
    info = document.get("info")
    title = str(info.get("title") or "") if isinstance(info, Mapping) else ""
    inputs = Inputs(document)
    try:
        inputs.add_parameters(place.item.get("parameters"), about.get("parameters"))
        inputs.add_body(about.get("requestBody"))
        server = server_url or _server(document, place, document_url)
        path = _path(place.path, inputs)
        secrets = secure(document, about, inputs, server, snake_case(title) or "api")
        output_schema = _answer(document, about.get("responses"))
    except OpenApiError as error:
        raise OpenApiError(f"{place.method.upper()} {place.path}: {error}") from error
    url = server.rstrip("/") + path
    return Operation(
        id=place.id,
        name=unique(f"{snake_case(title) or 'api'}_{snake_case(place.id)}", taken),
        service=title or "API",
        description=_description(about, place),
        method=place.method.upper(),
        url=url,
        parameters=inputs.schema(),
        request={"method": place.method.upper(), "url": url, **inputs.request},
        side_effect="reads" if place.method in _READS else "writes",
        output=_output(output_schema),
        output_schema=output_schema,
        names=inputs.names,
        separators=inputs.separators,
        secrets=secrets,
    )


def _server(document: Mapping[str, Any], place: _Place, document_url: str | None) -> str:
    """Return the first server's URL, its variables at their defaults."""
    for owner in (place.about, place.item, document):
        servers = owner.get("servers")
        if isinstance(servers, list) and servers and isinstance(servers[0], Mapping):
            server = servers[0]
            break
    else:
        server = {"url": "/"}
    variables = server.get("variables")

    def value(match: re.Match[str]) -> str:
        about = variables.get(match.group(1)) if isinstance(variables, Mapping) else None
        if not isinstance(about, Mapping) or "default" not in about:
            raise OpenApiError(f"The server's variable {match.group(1)[:50]} has no default.")
        return str(about["default"])

    url = urljoin(document_url or "", _VARIABLE.sub(value, str(server.get("url") or "/")))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or re.search(r"[{}\s]", url):
        raise OpenApiError(
            f"The server {url[:200]} is no address.",
            remedy="Say where the API is called (`server_url`).",
        )
    return url


def _path(path: str, inputs: Inputs) -> str:
    """Return a path with its parameters by their own names."""

    def reference(match: re.Match[str]) -> str:
        name = inputs.path_names.get(match.group(1))
        if name is None:
            raise OpenApiError(f"The path's parameter {match.group(1)[:50]} is not described.")
        return f"{{{name}}}"

    if re.search(r"[{}]", _VARIABLE.sub("", path)):
        raise OpenApiError("The path's braces do not fit together.")
    return _VARIABLE.sub(reference, path)


def _answer(document: Mapping[str, Any], responses: Any) -> dict[str, Any] | None:
    """Return the schema of the first good answer that is JSON."""
    if not isinstance(responses, Mapping):
        return None
    good = sorted(str(code) for code in responses if str(code).startswith("2"))
    for code in (*good, "default"):
        response = resolved(document, responses.get(code, responses.get(_number(code))))
        content = response.get("content") if isinstance(response, Mapping) else None
        for media, about in (content or {}).items() if isinstance(content, Mapping) else ():
            if "json" in str(media) and isinstance(about, Mapping) and "schema" in about:
                schemas = Schemas(document, "writeOnly")
                made = schemas.of(about["schema"])
                made = made if isinstance(made, dict) else {}
                return made | schemas.definitions()
    return None


def _number(code: str) -> int | str:
    """A code that YAML read as a number."""
    return int(code) if code.isdigit() else code


def _output(schema: Mapping[str, Any] | None) -> Any:
    """Return the template of an operation's output: an object's fields, else the whole body."""
    found: Mapping[str, Any] = schema or {}
    if reference := found.get("$ref"):
        found = found["$defs"][str(reference).rpartition("/")[2]]
    properties = found.get("properties") if isinstance(found, Mapping) else None
    if properties and all(re.fullmatch(r"[A-Za-z0-9_\-]+", name) for name in properties):
        return {name: f"{{body.{name}}}" for name in properties}
    return {"result": "{body}"}


def _description(about: Mapping[str, Any], place: _Place) -> str:
    text = str(about.get("summary") or about.get("description") or place.id)
    return " ".join(text.split())[:_MOST_DESCRIPTION]


def snake_case(text: str) -> str:
    """Return a name in snake case: `getPetById` is get_pet_by_id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    words = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return words.lstrip("0123456789_")[:60].rstrip("_")


def unique(name: str, taken: set[str]) -> str:
    """Return a name that is not taken: itself, or with a number behind it."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
