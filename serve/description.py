"""The API's description of itself (OpenAPI): what holds for every route is said here, once.

Each route declares its answers with the models of `serve.answers` and `serve.execution_answers`;
errors, tokens and tags are the same everywhere. Nothing of this runs with a request.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serve.answers import ProblemDetails
from serve.context import COOKIE
from serve.problems import MEDIA_TYPE

DESCRIPTION = """\
One English sentence to a durable execution.

Every call but health, readiness and opening a session needs a token, as
`Authorization: Bearer <token>` or as the session's cookie. `X-Tenant-ID` may name the token's
organization. An error is a problem document (RFC 9457) that says what is wrong and what to do.

Live events come over a WebSocket at `/api/v1/workflows/executions/{execution_id}/stream`
(`?after=` the number of the last event seen), those of all executions at
`/api/v1/workflows/stream`. Their messages have the shape `Event`; `{"type": "ping"}` in between
says that the connection lives.
"""
TAGS = [
    {"name": "workflows", "description": "Create, look, archive, delete."},
    {"name": "templates", "description": "Workflows to begin with."},
    {"name": "agents", "description": "What nodes may do."},
    {"name": "executions", "description": "Start, look, decide, cancel."},
    {"name": "egress", "description": "Which hosts workflows may reach."},
    {"name": "secrets", "description": "Keys and passwords for services that nodes call."},
    {"name": "session", "description": "The browser's session."},
    {"name": "health", "description": "Health, readiness and metrics."},
]
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}
_OPEN = frozenset(
    {("get", "/health"), ("get", "/ready"), ("post", "/api/v1/session"),
     ("delete", "/api/v1/session")}
)  # fmt: skip
"""The operations that need no token."""
_REFERENCE = "#/components/schemas/{model}"
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")
"""FastAPI's own error shapes, which this API never answers."""


def describe(app: FastAPI) -> None:
    """Let an app describe itself, once all of its routes are there."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    # The documented way to change it; a method is replaced by a function.
    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    components = document["components"]
    schema = ProblemDetails.model_json_schema(ref_template=_REFERENCE)
    components["schemas"].update(schema.pop("$defs", {}))
    components["schemas"]["ProblemDetails"] = schema
    for name in _OF_FASTAPI:
        components["schemas"].pop(name, None)
    components["securitySchemes"] = _SCHEMES
    document["security"] = [{name: []} for name in _SCHEMES]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, needs_token=(method, path) not in _OPEN)
    return document


def _complete(operation: dict[str, Any], path: str, *, needs_token: bool) -> None:
    """Add the errors that follow from what an operation takes, and say whether it is open."""
    answers = operation["responses"]
    answers.pop("422", None)
    statuses = {int(status) for status in answers if status >= "400"}
    if needs_token:
        statuses |= {401, 403, 503}
    else:
        operation["security"] = []
    if "{" in path:
        statuses.add(404)
    if "requestBody" in operation:
        statuses.add(413)
    if "requestBody" in operation or operation.get("parameters"):
        statuses.add(422)
    for status in sorted(statuses):
        said = answers.setdefault(str(status), {"description": HTTPStatus(status).phrase})
        said.setdefault("content", {MEDIA_TYPE: {"schema": {
            "$ref": _REFERENCE.format(model="ProblemDetails")
        }}})  # fmt: skip
