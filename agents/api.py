"""The api agent: one HTTP request, whose every answer (even none) is a result."""

import base64
import time
from typing import Annotated, Any, ClassVar, Literal

import httpx2
import orjson
from pydantic import Field

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.exchange import Answer, Request, fetch

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_TEXT_TYPES = ("text/", "application/xml", "application/javascript", "application/x-www-form")


class BearerAuth(Parameters):
    """`Authorization: Bearer …`."""

    type: Literal["bearer"]
    token: str = Field(min_length=1)


class BasicAuth(Parameters):
    """`Authorization: Basic …`."""

    type: Literal["basic"]
    username: str
    password: str = ""


class ApiKeyAuth(Parameters):
    """A key in a header, or in the query."""

    type: Literal["api_key"]
    key: str = Field(min_length=1)
    name: str = Field(default="X-API-Key", min_length=1, description="Header or parameter name.")
    location: Literal["header", "query"] = "header"


Auth = Annotated[BearerAuth | BasicAuth | ApiKeyAuth, Field(discriminator="type")]


class ApiParameters(Parameters):
    """One request to a REST API."""

    url: str = Field(min_length=1, max_length=8192, description="The endpoint, http or https.")
    method: Method = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict, description="Query parameters.")
    body: Any = Field(default=None, description="JSON of any kind, or text that is sent as it is.")
    timeout: float = Field(default=30, gt=0, le=3600, description="Seconds for the whole answer.")
    auth: Auth | None = None


class Api:
    """Calls an endpoint; a refused connection or an error status is a result to route on."""

    name: ClassVar[str] = "api"
    description: ClassVar[str] = "Calls a REST API."
    parameters: ClassVar[type[Parameters]] = ApiParameters
    side_effect: ClassVar[SideEffect] = "sends"
    default_timeout_seconds: ClassVar[float] = 60.0
    closed: ClassVar[tuple[str, ...]] = ("method", "headers", "auth")
    output_fields: ClassVar[tuple[str, ...]] = (
        "status_code",
        "body",
        "headers",
        "duration_ms",
        "error",
    )

    async def run(self, parameters: ApiParameters, context: AgentContext) -> AgentResult:
        """Return `{"status_code", "body", "headers", "duration_ms"}`.

        A host that does not answer gives status_code 0 and says why under `error`.

        Raises:
            AgentError: The address is one that agents may not reach, or the answer is too long.
        """
        client = await context.services.http()
        request = _request(parameters, context.idempotency_key)
        max_bytes = context.services.settings.max_response_bytes
        started = time.monotonic()
        output: dict[str, Any]
        try:
            answer = await fetch(client, request, max_bytes=max_bytes)
        except httpx2.HTTPError as error:
            reason = f"{type(error).__name__}: {error}".strip(": ")
            output = {"status_code": 0, "body": None, "headers": {}, "error": reason}
        else:
            output = {
                "status_code": answer.status_code,
                "body": _body(answer),
                "headers": dict(answer.headers),
            }
        output["duration_ms"] = round((time.monotonic() - started) * 1000, 1)
        return AgentResult(output, Usage(api_calls=1), {"method": parameters.method})


def _request(parameters: ApiParameters, idempotency_key: str) -> Request:
    headers = dict(parameters.headers)
    query = dict(parameters.params)
    names = {name.lower() for name in headers}
    content = None
    if parameters.body is not None and parameters.method != "HEAD":
        is_text = isinstance(parameters.body, str)
        content = parameters.body.encode() if is_text else orjson.dumps(parameters.body)
        if "content-type" not in names:
            headers["Content-Type"] = "text/plain; charset=utf-8" if is_text else "application/json"
    if parameters.method in ("POST", "PATCH") and "idempotency-key" not in names:
        headers["Idempotency-Key"] = idempotency_key
    match parameters.auth:
        case BearerAuth(token=token):
            headers["Authorization"] = f"Bearer {token}"
        case BasicAuth(username=username, password=password):
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        case ApiKeyAuth(key=key, name=name, location="header"):
            headers[name] = key
        case ApiKeyAuth(key=key, name=name):
            query[name] = key
    return Request(parameters.method, parameters.url, headers, query, content, parameters.timeout)


def _body(answer: Answer) -> Any:
    """The body as JSON when it says it is, as text, or in base64 when it is neither."""
    if not answer.content:
        return None
    media = answer.media_type
    if media.endswith("json"):
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            return answer.text
    if not media or media.startswith(_TEXT_TYPES) or media.endswith("+xml"):
        return answer.text
    return base64.b64encode(answer.content).decode()
