"""Custom agents of an OpenAPI document: one for each operation."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from agents.custom.definition import Definition
from agents.openapi import Operation, operations_of
from agents.openapi_documents import read_document
from agents.openapi_schemas import OpenApiError
from compiler.references import parse_template

MOST_OPERATIONS = 500


def definitions_of(
    document: str | Mapping[str, Any],
    *,
    server_url: str | None = None,
    prefix: str = "",
    operations: Collection[str] = (),
    secrets: Mapping[str, str] | None = None,
) -> list[tuple[str, Definition | str]]:
    """Return a definition for each operation, or why there is none.

    Args:
        document: Its text in JSON or YAML, or what was read of it.
        server_url: Where the operations are called, instead of the document's own servers.
        prefix: How the names begin, instead of the document's title.
        operations: The ids of those that are wanted; empty: all.
        secrets: Names of secrets, by the parameter that each one stands for; the agents then take
            no such parameter.

    Raises:
        OpenApiError: It is no OpenAPI 3 document, a part of it cannot be used, it has too many
            operations, or has none of those that are wanted.
    """
    read = read_document(document) if isinstance(document, str) else dict(document)
    if prefix:
        # Names begin with the document's title.
        info = read.get("info")
        read["info"] = {**(info if isinstance(info, Mapping) else {}), "title": prefix}
    found = operations_of(read, server_url=server_url)
    if missing := set(operations) - {operation.id for operation in found}:
        raise OpenApiError(f"The document has no operation {', '.join(sorted(missing))[:200]}.")
    wanted = [one for one in found if not operations or one.id in operations]
    if len(wanted) > MOST_OPERATIONS:
        raise OpenApiError(
            f"The document has {len(wanted)} operations, of which {MOST_OPERATIONS} are taken.",
            remedy="Name those that you need.",
        )
    return [(one.id, _definition(one, secrets or {})) for one in wanted]


def _definition(operation: Operation, secrets: Mapping[str, str]) -> Definition | str:
    own = {name: secret for name, secret in secrets.items() if name in operation.secrets}
    schema = operation.parameters
    properties = {n: about for n, about in schema["properties"].items() if n not in own}
    required = [name for name in schema.get("required", ()) if name not in own]
    returns: dict[str, Any] = {}
    if isinstance(operation.output, Mapping):
        returns = {"type": "object", "properties": {name: {} for name in operation.output}}
    try:
        return Definition.model_validate(
            {
                "agent_name": operation.name,
                "description": f"{operation.service}: {operation.description}"[:1000],
                "tool_specification": {
                    "parameters": {**schema, "properties": properties, "required": required},
                    "returns": returns,
                },
                "implementation": {
                    "type": "api_endpoint",
                    **_with_secrets(operation.request, own),
                    "separators": dict(operation.separators),
                    "response": {"output": operation.output},
                    "side_effect": operation.side_effect,
                },
            }
        )
    except ValidationError as error:
        return reasons(error)


def reasons(error: ValidationError) -> str:
    """Return why a definition cannot be used, in one line."""
    told = [
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(told)[:500]


def _with_secrets(template: Any, own: Mapping[str, str]) -> Any:
    """Return a template in which secrets stand in the place of the parameters for them."""
    if isinstance(template, str):
        return "".join(_parts(template, own))
    if isinstance(template, Mapping):
        return {name: _with_secrets(value, own) for name, value in template.items()}
    if isinstance(template, list):
        return [_with_secrets(value, own) for value in template]
    return template


def _parts(text: str, own: Mapping[str, str]) -> Iterator[str]:
    for part in parse_template(text).parts:
        if isinstance(part, str):
            yield part
        elif part.root in own:
            yield f"{{secrets.{own[part.root]}}}"
        else:
            yield f"{{{part}}}"
