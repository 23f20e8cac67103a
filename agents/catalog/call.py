"""A named request to a service: what ready agents and custom endpoints have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import jsonschema_rs
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.agent import SideEffect
from agents.catalog.binding import Binding
from compiler.references import parse_template, references_in

Base = Literal["api", "database", "email", "llm"]
CostClass = Literal["free", "low", "medium", "high"]
COSTS_USD: Mapping[CostClass, float] = {"free": 0.0, "low": 0.001, "medium": 0.01, "high": 0.1}
"""What one call of a class is estimated at."""
IDEMPOTENCY_KEY = "idempotency_key"
"""The name under which a request finds the key that is the same for every attempt."""
SECRETS = "secrets"
"""The name under which a custom agent's request finds the secrets that it names itself."""
PARAMS, BOUND = "params", "bound"
"""The parameter with a statement's values, and the name under which a request finds them bound."""
_PAUSES = frozenset({429, 503})
_FAULTS = frozenset({408, 425, 429, 500, 502, 503, 504})


class Part(BaseModel):
    """A part of a definition: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Response(Part):
    """What of the base agent's output is the agent's."""

    output: Any = Field(description="References into the base agent's output; absent ones: null.")
    error: str | None = Field(
        default=None, description="A reference; what it finds in a good status is a failure."
    )


class Pagination(Part):
    """How the next page of a list is asked for; the output's lists are those of all pages."""

    next: str = Field(description="A reference to the mark of the next page.")
    place: Literal["params", "body"] = "params"
    parameter: str = Field(min_length=1, description="Where in the request the mark goes.")
    items: str = Field(description="A reference to the page's list.")
    max_pages: int = Field(default=10, ge=1, le=100)


class Call(Part):
    """A request as a template over parameters, and what of its answer is the output."""

    schemes: ClassVar[tuple[str, ...]] = ("https://",)
    """How its address may begin."""

    name: str
    service: str
    description: str
    base: Base = "api"
    side_effect: SideEffect
    cost: CostClass = "free"
    estimated_seconds: float = Field(default=0.5, gt=0)
    idempotent: bool = Field(default=False, description="Whether a repeated call does no more.")
    parameters: dict[str, Any]
    request: dict[str, Any] = Field(description="The base agent's parameters, as a template.")
    form: bool = Field(default=False, description="Whether the body is sent as a form.")
    response: Response
    pagination: Pagination | None = None
    binding: Binding | None = Field(
        default=None, description="In whose form `params` are bound; the request finds them there."
    )

    @property
    def told(self) -> str:
        """What people are told of it."""
        return f"{self.service}: {self.description}"

    @property
    def retried(self) -> frozenset[int]:
        """The statuses after which another attempt may help and does nothing twice."""
        return _FAULTS if self.repeatable else _PAUSES

    @property
    def repeatable(self) -> bool:
        """Whether the call may be made again when nobody knows whether it was made."""
        return self.idempotent or self.side_effect in ("none", "reads")

    @property
    def host(self) -> str | None:
        """The host that is called, perhaps with references to parameters; None: not by HTTP."""
        url = self.request.get("url")
        if not isinstance(url, str):
            return None
        return url.partition("://")[2].partition("/")[0].partition("?")[0]

    @property
    def secrets(self) -> Mapping[str, str]:
        """The parameters that are secrets, with the names that secrets for them usually have."""
        properties: Mapping[str, Any] = self.parameters["properties"]
        return {name: p["x-secret"] for name, p in properties.items() if "x-secret" in p}

    def secret_values(self, values: Mapping[str, Any]) -> list[str]:
        """Return the secrets among the values that the request is made of."""
        return [str(values[name]) for name in self.secrets if values.get(name)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        schema = self.parameters
        if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
            raise ValueError("`parameters` must be an object without additionalProperties")
        jsonschema_rs.validator_for(schema)
        named = {reference.root for _, reference in references_in(self.request)}
        known = {*schema.get("properties", {})}
        if unknown := named - known - self.given:
            raise ValueError(f"`request` names no parameters: {', '.join(sorted(unknown))}")
        if unused := known - named - ({PARAMS} if self.binding else set()):
            raise ValueError(f"`request` does not use: {', '.join(sorted(unused))}")
        if self.base == "api":
            self._check_host(schema)
        return self

    @property
    def given(self) -> frozenset[str]:
        """The names that a request finds beside the parameters."""
        return frozenset({IDEMPOTENCY_KEY} | ({BOUND} if self.binding else set()))

    def _check_host(self, schema: Mapping[str, Any]) -> None:
        """A parameter within the host must be bound by a pattern, or it could name any host."""
        url = self.request.get("url")
        if not isinstance(url, str) or not url.startswith(self.schemes):
            raise ValueError(f"`request.url` must begin with {' or '.join(self.schemes)}")
        for reference in parse_template(str(self.host)).references:
            pattern = schema["properties"].get(reference.root, {}).get("pattern", "")
            if not (pattern.startswith("^[") and pattern.endswith("$")):
                raise ValueError(f"`{reference.root}` stands in the host and needs a pattern")
