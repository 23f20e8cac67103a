"""The form of a catalog file, checked when it is read."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import jsonschema_rs
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.agent import SideEffect
from agents.catalog.spoken import Spoken
from compiler.references import parse_template, references_in

Base = Literal["api", "database", "email", "llm"]
Group = Literal[
    "messaging",
    "email",
    "tickets",
    "documents and sheets",
    "CRM",
    "code hosting",
    "calendars",
    "storage",
    "payments",
    "monitoring",
    "data warehouses",
    "databases",
    "AI services",
    "text jobs",
]
CostClass = Literal["free", "low", "medium", "high"]
COSTS_USD: Mapping[CostClass, float] = {"free": 0.0, "low": 0.001, "medium": 0.01, "high": 0.1}
"""What one call of a class is estimated at."""
IDEMPOTENCY_KEY = "idempotency_key"
"""The name under which a request finds the key that is the same for every attempt."""
_PAUSES = frozenset({429, 503})
_FAULTS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Response(_Part):
    """What of the base agent's output is the agent's."""

    output: Any = Field(description="References into the base agent's output; absent ones: null.")
    error: str | None = Field(
        default=None, description="A reference; what it finds in a good status is a failure."
    )


class Pagination(_Part):
    """How the next page of a list is asked for; the output's lists are those of all pages."""

    next: str = Field(description="A reference to the mark of the next page.")
    place: Literal["params", "body"] = "params"
    parameter: str = Field(min_length=1, description="Where in the request the mark goes.")
    items: str = Field(description="A reference to the page's list.")
    max_pages: int = Field(default=10, ge=1, le=100)


class ExampleRequest(_Part):
    """The HTTP request that the example makes; headers beside those of every request."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: Any = None


class Example(_Part):
    """Parameters, what becomes of them, and what becomes of an answer."""

    parameters: dict[str, Any]
    request: ExampleRequest | None = None
    answer: Any = None
    output: Any = None


class Entry(_Part):
    """One ready agent."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")
    title: str = Field(min_length=3, max_length=80)
    service: str = Field(min_length=2)
    group: Group
    synonyms: tuple[str, ...] = Field(min_length=1)
    spoken: Spoken
    description: str = Field(min_length=10, max_length=300)
    documentation: str | None = Field(default=None, pattern=r"^https://")
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
    example: Example

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
        return url.removeprefix("https://").split("/", 1)[0] if isinstance(url, str) else None

    @property
    def secrets(self) -> Mapping[str, str]:
        """The parameters that are secrets, with the names that secrets for them usually have."""
        properties: Mapping[str, Any] = self.parameters["properties"]
        return {name: p["x-secret"] for name, p in properties.items() if "x-secret" in p}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        schema = self.parameters
        if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
            raise ValueError("`parameters` must be an object without additionalProperties")
        jsonschema_rs.validator_for(schema)
        named = {reference.root for _, reference in references_in(self.request)}
        known = {*schema.get("properties", {})}
        if unknown := named - known - {IDEMPOTENCY_KEY}:
            raise ValueError(f"`request` names no parameters: {', '.join(sorted(unknown))}")
        if unused := known - named:
            raise ValueError(f"`request` does not use: {', '.join(sorted(unused))}")
        self._check_spoken()
        if self.base == "api":
            self._check_host(schema)
            if self.documentation is None:
                raise ValueError("an agent of a service needs `documentation`")
        return self

    def _check_spoken(self) -> None:
        """What English speaks of must be there."""
        told, output = self.spoken, self.response.output
        named = {*told.parameters, *(form.named for form in told.forms if form.named)}
        if unknown := named - {*self.parameters.get("properties", {})}:
            raise ValueError(f"`spoken` names no parameters: {', '.join(sorted(unknown))}")
        if told.gives and not (isinstance(output, dict) and told.gives in output):
            raise ValueError(f"`spoken.gives` names no output field: {told.gives}")

    def _check_host(self, schema: Mapping[str, Any]) -> None:
        """A parameter within the host must be bound by a pattern, or it could name any host."""
        url = self.request.get("url")
        if not isinstance(url, str) or not url.startswith("https://"):
            raise ValueError("`request.url` must begin with https://")
        for reference in parse_template(str(self.host)).references:
            pattern = schema["properties"][reference.root].get("pattern", "")
            if not (pattern.startswith("^[") and pattern.endswith("$")):
                raise ValueError(f"`{reference.root}` stands in the host and needs a pattern")
