"""What an llm node's parameters may say."""

from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

from agents.agent import Parameters
from agents.offline.job import OutputFormat, Task
from agents.scope import CODE, RARE

ModelName = Annotated[str, Field(min_length=1, max_length=200)]


def as_text(value: Any) -> Any:
    """Return a value as a prompt shows it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) or value is None else orjson.dumps(value).decode()


_CODE_NAMES = ("script", "where", "compute", "reduce", "custom_script")
_FIXED: JsonDict = {"properties": dict.fromkeys(_CODE_NAMES, CODE)}
"""Where the fixed parameters of tools hold code."""


class ToolUse(Parameters):
    """An agent that the model may call, and what of it is not the model's to set."""

    agent: str = Field(min_length=1, max_length=100)
    name: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$", description="What the model calls it."
    )
    description: str = Field(default="", description="What the model is told of it.")
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        json_schema_extra=_FIXED,
        description="What is fixed: the model neither sees nor changes it.",
    )
    open: tuple[str, ...] | None = Field(
        default=None,
        description="The parameters that the model sets; left out: all others, if the agent "
        "neither writes nor sends.",
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="Where an open `url` may lead: api.example.com, *.example.com."
    )
    recipients: tuple[str, ...] = Field(
        default=(), description="Whom an open `to` or `cc` may name."
    )


class LlmParameters(Parameters):
    """What the model is asked, and the form of its answer."""

    prompt: Annotated[str, BeforeValidator(as_text)] = Field(
        min_length=1, description="The instruction, with references such as {reviews}."
    )
    model: ModelName = Field(
        default="default",
        description="default, offline, gpt-4, gpt-3.5, claude-opus, claude-sonnet or a model's id.",
    )
    fallbacks: Annotated[tuple[ModelName, ...], Field(max_length=10)] | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="Models that are asked in turn when one is away, limited or refuses; the "
        "built-in one only if `offline` is among them. Left out: the operator's.",
    )
    temperature: float = Field(default=0.7, ge=0, le=2)
    output_format: OutputFormat = "text"
    max_tokens: int = Field(default=1000, ge=1, le=100_000)
    system: str | None = Field(default=None, description="Who the model is and how it behaves.")
    json_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that the answer must satisfy."
    )
    labels: tuple[str, ...] = Field(default=(), description="The labels to choose from.")
    task: Task | None = Field(default=None, description="A hint for the offline model.")
    stream: bool = Field(
        default=True,
        json_schema_extra=RARE,
        description="Whether those who watch see the answer while it grows.",
    )
    tools: Annotated[tuple[str | ToolUse, ...], Field(max_length=20)] = Field(
        default=(),
        json_schema_extra=RARE,
        description="Agents that the model may call: names, or agents with parameters.",
    )
    max_tool_calls: int = Field(default=10, ge=1, le=100, json_schema_extra=RARE)
    max_total_tokens: int = Field(
        default=200_000,
        json_schema_extra=RARE,
        ge=1000,
        le=10_000_000,
        description="Of all requests together, what is sent included; then no further one is made.",
    )

    @property
    def wants_json(self) -> bool:
        """Whether the answer is a JSON value."""
        return self.output_format in ("json", "json_array") or bool(self.json_schema)
