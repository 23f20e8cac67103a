"""The shapes of the API's answers on agents; see `serve.answers`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from serve.answers import Answer


class AgentSummary(Answer):
    """An agent, as lists show it."""

    name: Annotated[str, Field(examples=["slack_post_message"])]
    """What a node's `agent` says."""
    title: str
    group: str
    service: str | None
    """The service that it is for; null: its parameters say where it goes."""
    description: str
    synonyms: list[str]
    """How people call it."""
    side_effect: Literal["none", "reads", "writes", "sends"]
    cost_class: Literal["free", "low", "medium", "high"] | None
    """What one call costs at the service; null: it depends on the parameters."""
    documentation: str | None
    """The service's own reference."""


class AgentList(Answer):
    """All agents, by group, service and name."""

    agents: list[AgentSummary]
    total: int


class AgentExample(Answer):
    """What a node that uses it may say."""

    agent: str
    parameters: dict[str, Any]


class Agent(AgentSummary):
    """A whole agent."""

    parameters: dict[str, Any]
    """JSON Schema of its parameters."""
    output_fields: list[str]
    """The fields of its output; empty when its shape is not known."""
    hosts: list[str]
    """The hosts that it calls whatever its parameters are; braces name parameters."""
    usual_secrets: dict[str, str]
    """The parameters that are secrets, with the names that they usually have."""
    estimated_seconds: float
    estimated_cost_usd: float
    example: AgentExample | None
