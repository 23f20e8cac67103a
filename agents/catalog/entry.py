"""The form of a catalog file, checked when it is read."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from agents.catalog.call import Call, Part
from agents.catalog.spoken import Spoken

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


class ExampleRequest(Part):
    """The HTTP request that the example makes; headers beside those of every request."""

    method: str
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None


class Example(Part):
    """Parameters, what becomes of them, and what becomes of an answer."""

    parameters: dict[str, Any]
    request: ExampleRequest | None = None
    answer: Any = None
    output: Any = None


class Entry(Call):
    """One ready agent."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")
    title: str = Field(min_length=3, max_length=80)
    service: str = Field(min_length=2)
    group: Group
    synonyms: tuple[str, ...] = Field(min_length=1)
    spoken: Spoken
    description: str = Field(min_length=10, max_length=300)
    documentation: str | None = Field(default=None, pattern=r"^https://")
    example: Example

    @model_validator(mode="after")
    def _documented(self) -> Self:
        if self.base == "api" and self.documentation is None:
            raise ValueError("an agent of a service needs `documentation`")
        return self

    @model_validator(mode="after")
    def _spoken_of(self) -> Self:
        """What English speaks of must be there."""
        told, output = self.spoken, self.response.output
        named = {*told.parameters, *(form.named for form in told.forms if form.named)}
        if unknown := named - {*self.parameters.get("properties", {})}:
            raise ValueError(f"`spoken` names no parameters: {', '.join(sorted(unknown))}")
        if told.gives and not (isinstance(output, dict) and told.gives in output):
            raise ValueError(f"`spoken.gives` names no output field: {told.gives}")
        return self
