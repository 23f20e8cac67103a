"""A custom agent that is one request to an endpoint of the organization's choice."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ValidationError

from agents.agent import Agent, AgentContext, AgentResult, SideEffect
from agents.catalog.call import SECRETS, Call
from agents.catalog.ready import Ready
from agents.custom.definition import ApiEndpoint, Definition
from agents.custom.runner import secrets_in
from compiler.errors import Problem
from compiler.references import references_in

_READING = ("GET", "HEAD")


class Endpoint(Call):
    """The call of a custom endpoint: its secrets are named by its own template."""

    schemes: ClassVar[tuple[str, ...]] = ("https://", "http://")

    @property
    def given(self) -> frozenset[str]:
        """The names that a request finds beside the parameters."""
        return super().given | {SECRETS}

    def secret_values(self, values: Mapping[str, Any]) -> list[str]:
        """Return the secrets among the values that the request is made of."""
        return [*super().secret_values(values), *map(str, values.get(SECRETS, {}).values())]


def endpoint_of(definition: Definition, implementation: ApiEndpoint) -> Endpoint:
    """Return the call that a definition describes.

    Raises:
        ValidationError: The template names what is no parameter, or leaves one out.
    """
    schema = definition.tool_specification.parameters
    request = _request(implementation, schema)
    side_effect: SideEffect = "reads" if implementation.method in _READING else "sends"
    url = implementation.url
    return Endpoint(
        name=definition.agent_name,
        service=url.partition("://")[2].partition("/")[0] or url,
        description=definition.description,
        side_effect=implementation.side_effect or side_effect,
        idempotent=implementation.idempotent or implementation.method in ("PUT", "DELETE"),
        parameters={**schema, "additionalProperties": False},
        request=request,
        response=implementation.response,
        pagination=implementation.pagination,
    )


def _request(implementation: ApiEndpoint, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template, with the parameters that it does not name put where they belong."""
    request = implementation.model_dump(
        include={
            "url", "method", "headers", "params", "body", "form", "multipart", "auth", "timeout",
            "rate_limit",
        },
        exclude_none=True,
    )  # fmt: skip
    place = "params" if implementation.method in _READING else "body"
    if not {place, "form", "multipart"} & request.keys():
        named = {reference.root for _, reference in references_in(request)}
        left = {name: f"{{{name}}}" for name in schema["properties"] if name not in named}
        if left:
            request[place] = left
    return request


def endpoint_problems(definition: Definition, implementation: ApiEndpoint) -> list[Problem]:
    """Return what is wrong with the request, without making it."""
    try:
        endpoint_of(definition, implementation)
    except ValidationError as error:
        return [
            Problem(
                "implementation", "wrong_request", f"{_sentence(fault['msg'])}.",
                "References in the request name parameters of the tool specification, or "
                "`{secrets.name}`.",
            )
            for fault in error.errors(include_input=False, include_url=False)
        ]  # fmt: skip
    return []


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].upper() + text[1:]


class EndpointRunner:
    """Makes the request as ready agents do theirs."""

    def __init__(
        self, definition: Definition, implementation: ApiEndpoint, api: Agent[Any]
    ) -> None:
        endpoint = endpoint_of(definition, implementation)
        self._ready = Ready(endpoint, api)
        self._separators = implementation.separators
        self.side_effect: SideEffect = endpoint.side_effect
        self.hosts = (str(endpoint.host),)
        self.own_secrets = secrets_in(endpoint.request)
        self.timeout_seconds = implementation.timeout + 30.0

    async def run(self, values: Mapping[str, Any], context: AgentContext) -> AgentResult:
        """Return what the answer's template finds.

        Raises:
            AgentError: As `Ready.call`.
        """
        joined = {
            name: separator.join(map(str, values[name]))
            for name, separator in self._separators.items()
            if isinstance(values.get(name), list)
        }
        return await self._ready.call({**values, **joined}, context)
