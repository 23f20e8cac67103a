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


class CustomAgentSummary(Answer):
    """An agent of the organization's own, as lists show it."""

    agent_id: str
    agent_name: str
    description: str
    type: Literal["python_function", "api_endpoint", "docker_container", "mcp_tool", "chain"]
    status: Literal["active", "inactive", "deprecated"]
    version: int
    """The version that is told of; in lists, the current one."""
    usage_count: int
    """The attempts that used it, seconds late."""
    last_used_at: str | None
    owner_id: str
    created_at: str
    updated_at: str


class CustomAgentPage(Answer):
    """The organization's own agents, by name."""

    agents: list[CustomAgentSummary]
    total: int


class RegisteredAgent(CustomAgentSummary):
    """What became of a registration."""

    registered_at: str
    outcome: Literal["created", "new_version", "unchanged"]


class CustomAgent(CustomAgentSummary):
    """A whole agent of the organization's own."""

    current_version: int
    tool_specification: dict[str, Any]
    """JSON Schemas of its `parameters` and of what it `returns`."""
    implementation: dict[str, Any]


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
    custom: CustomAgent | None
    """What it is made of, if it is one of the organization's own."""


class ImportedAgent(Answer):
    """What became of one operation of a document."""

    operation: str
    agent_name: str | None
    outcome: Literal["created", "new_version", "unchanged", "found", "refused"]
    """`found` in a dry run; `refused` with the reason."""
    reason: str | None
    parameters: dict[str, Any] | None
    """JSON Schema of what the agent takes."""


class ImportedAgents(Answer):
    """What became of the operations of a document."""

    agents: list[ImportedAgent]


class AgentVersion(Answer):
    """One version of a custom agent."""

    version: int
    description: str
    type: str
    created_by: str
    created_at: str


class AgentVersions(Answer):
    """The versions of a custom agent, the last first."""

    agent_name: str
    versions: list[AgentVersion]


class AgentTrial(Answer):
    """What one attempt with an agent came to."""

    agent_name: str
    status: Literal["completed", "failed"]
    output: Any
    error: str | None
    seconds: float
    usage: dict[str, Any] | None
    metadata: dict[str, Any]
    """Facts about the attempt, such as the version that was used."""
