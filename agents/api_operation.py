"""An api node that names an operation of an OpenAPI document: its request, from its arguments."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError

from agents.agent import AgentContext
from agents.api_parameters import ApiParameters, OAuth2Auth
from agents.api_request import login, origin
from agents.catalog.rendering import request_from
from agents.errors import AgentError
from agents.openapi import Operation
from agents.openapi_documents import Described, Login, is_url

_MOST_FAULTS = 10
_BODIES = ("body", "form", "multipart", "file")


async def called(parameters: ApiParameters, context: AgentContext) -> ApiParameters:
    """Return the parameters of the request that an operation and its arguments say.

    Raises:
        AgentError: The document cannot be had or used, it has no such operation, an argument does
            not fit, or the operation is called where the node does not say.
    """
    client = await context.services.http()
    documents = await context.services.documents()
    source = parameters.openapi or ""
    described = await documents.operation(
        client, context.tenant_id, source, str(parameters.operation), parameters.server_url,
        partial(_document_login, parameters, context, client),
    )  # fmt: skip
    operation = described.operation
    _check_place(parameters, operation)
    request = request_from(operation.request, _values(described, parameters.arguments))
    return _together(parameters, operation, request)


async def _document_login(
    parameters: ApiParameters, context: AgentContext, client: httpx2.AsyncClient
) -> Login:
    """Return what the document is asked for with: its own login, else the node's for its origin."""
    auth = parameters.document_auth
    if auth is None and _is_beside(parameters):
        auth = parameters.auth
    if not isinstance(auth, OAuth2Auth):
        return login(auth)
    tokens = await context.services.tokens()
    token, _ = await tokens.get(client, context.tenant_id, auth)
    return login(auth, token)


def _is_beside(parameters: ApiParameters) -> bool:
    """Whether the document is where its operation is called, so that one login is for both."""
    server = parameters.server_url
    return server is None or origin(server) == origin(str(parameters.openapi).strip())


def _check_place(parameters: ApiParameters, operation: Operation) -> None:
    """Refuse a host that the node does not name: its plan could not tell it."""
    source = parameters.openapi
    named = parameters.server_url or (source if isinstance(source, str) and is_url(source) else "")
    if not named or origin(operation.url) != origin(named):
        place = urlsplit(operation.url)
        raise AgentError(
            f"The operation {operation.id} is called at {place.netloc}, which the node does not "
            "name.",
            remedy=f"Add `server_url: {place.scheme}://{place.netloc}…` with the path before the "
            "operation's.",
        )


def _values(described: Described, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked arguments by the operation's names, with the defaults of those left out."""
    operation = described.operation
    values = {operation.names.get(name, name): value for name, value in arguments.items()}
    faults = [
        f"arguments.{'.'.join(map(str, fault.instance_path))}: {fault.message}".replace(".:", ":")
        for fault in described.validator.iter_errors(values)
    ]
    if faults:
        raise AgentError(
            f"The arguments do not fit {operation.id}: {'; '.join(faults[:_MOST_FAULTS])}."
        )
    properties = operation.parameters["properties"]
    for name, about in properties.items():
        if isinstance(about, Mapping) and "default" in about:
            values.setdefault(name, about["default"])
    for name, separator in operation.separators.items():
        if isinstance(values.get(name), list):
            values[name] = separator.join(map(str, values[name]))
    return dict.fromkeys(properties) | values


def _together(
    parameters: ApiParameters, operation: Operation, request: dict[str, Any]
) -> ApiParameters:
    """Return the node's parameters with the operation's request in them; the node's own count."""
    given = {name for name in operation.secrets if parameters.arguments.get(name)}
    own_login = parameters.auth is not None or not given.issuperset(operation.secrets)
    if own_login:
        request.pop("auth", None)
    made = parameters.model_dump(
        exclude={"openapi", "operation", "arguments", "server_url", "document_auth"}
    )
    for name in ("headers", "params"):
        made[name] = {**request.pop(name, {}), **made[name]}
    if any(request.get(name) is not None for name in _BODIES):
        made |= dict.fromkeys(_BODIES)
    try:
        found = ApiParameters.model_validate({**made, **request})
    except ValidationError as error:
        told = "; ".join(fault["msg"] for fault in error.errors(include_input=False))
        raise AgentError(f"The request of {operation.id} cannot be made: {told}.") from None
    found_login = None if own_login else found.auth
    if isinstance(found_login, OAuth2Auth) and (origin(found_login.token_url) != origin(found.url)):
        raise AgentError(
            f"The tokens of {operation.id} come from another host, which the node does not name.",
            remedy="Give `auth` with `type: oauth2` and the `token_url`.",
        )
    return found
