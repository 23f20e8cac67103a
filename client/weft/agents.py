"""The agents that nodes may name; for both clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from weft.requests import PREFIX, Request, path_of
from weft.sending import AsyncSender, Sender

_AGENTS = f"{PREFIX}/agents"


class CustomAgent(TypedDict, total=False):
    """An agent of the organization's own; from `current_version` on only when fetched by name."""

    agent_id: str
    agent_name: str
    description: str
    type: str
    status: str
    version: int
    usage_count: int
    last_used_at: str | None
    owner_id: str
    created_at: str
    updated_at: str
    registered_at: str
    outcome: str
    current_version: int
    tool_specification: dict[str, Any]
    implementation: dict[str, Any]


class AgentTrial(TypedDict):
    """What one attempt with an agent came to; `usage` is null when it failed."""

    agent_name: str
    status: str
    output: Any
    error: str | None
    seconds: float
    usage: dict[str, Any] | None
    metadata: dict[str, Any]


class Agent(TypedDict, total=False):
    """An agent; from `parameters` on only when fetched by its name.

    `parameters` is the JSON Schema of its parameters.
    """

    name: str
    title: str
    group: str
    service: str | None
    description: str
    synonyms: list[str]
    side_effect: str
    cost_class: str | None
    documentation: str | None
    parameters: dict[str, Any]
    output_fields: list[str]
    hosts: list[str]
    usual_secrets: dict[str, str]
    estimated_seconds: float
    estimated_cost_usd: float
    example: dict[str, Any] | None
    custom: CustomAgent | None


def _list() -> Request[list[Agent]]:
    return Request("GET", _AGENTS, member="agents")


def _get(name: str) -> Request[Agent]:
    return Request("GET", path_of(_AGENTS, name))


def _custom(status: str | None, text: str, limit: int, offset: int) -> Request[list[CustomAgent]]:
    params: dict[str, str | int] = {"text": text, "limit": limit, "offset": offset}
    if status is not None:
        params["status"] = status
    return Request("GET", f"{_AGENTS}/custom", params, member="agents")


def _register(definition: Mapping[str, Any]) -> Request[CustomAgent]:
    return Request("POST", f"{PREFIX}/workflows/agents/register", body=definition)


def _import_document(
    document: str | Mapping[str, Any],
    operations: Sequence[str],
    secrets: Mapping[str, str] | None,
    **options: Any,
) -> Request[list[dict[str, Any]]]:
    body = {"document": document, "operations": list(operations), "secrets": dict(secrets or {})}
    return _import({**body, **options})


def _import_mcp(
    server: Mapping[str, Any], tools: Sequence[str], **options: Any
) -> Request[list[dict[str, Any]]]:
    return _import({"mcp": dict(server), "operations": list(tools), **options})


def _import(body: Mapping[str, Any]) -> Request[list[dict[str, Any]]]:
    return Request("POST", f"{PREFIX}/workflows/agents/import", body=body, member="agents")


def _change(name: str, changes: Mapping[str, Any]) -> Request[CustomAgent]:
    given = {field: value for field, value in changes.items() if value is not None}
    return Request("PATCH", path_of(_AGENTS, name), body=given)


def _versions(name: str) -> Request[list[dict[str, Any]]]:
    return Request("GET", f"{path_of(_AGENTS, name)}/versions", member="versions")


def _test(
    name: str, input: Mapping[str, Any] | None, version: int | None, timeout_seconds: float
) -> Request[AgentTrial]:
    body = {"input": dict(input or {}), "version": version, "timeout_seconds": timeout_seconds}
    path = f"{path_of(_AGENTS, name)}/test"
    return Request("POST", path, body=body, repeatable=False)


class Agents(Sender):
    """What `Client` can do with agents."""

    def agents(self) -> list[Agent]:
        """Return all agents, by group, service and name."""
        return self._send(_list())

    def agent(self, name: str) -> Agent:
        """Return an agent with the schema of its parameters."""
        return self._send(_get(name))

    def custom_agents(
        self, *, status: str | None = None, text: str = "", limit: int = 50, offset: int = 0
    ) -> list[CustomAgent]:
        """Return a page of the organization's own agents by name.

        Args:
            status: Only `active`, `inactive` or `deprecated` ones.
            text: A part of their names or descriptions.
            limit: How many at most.
            offset: How many are left out before.
        """
        return self._send(_custom(status, text, limit, offset))

    def register_agent(self, definition: Mapping[str, Any]) -> CustomAgent:
        """Register an agent, or the next version of one; the same again changes nothing.

        Args:
            definition: `agent_name`, `description`, `tool_specification`, `implementation`.
        """
        return self._send(_register(definition))

    def import_agents(
        self,
        document: str | Mapping[str, Any],
        *,
        server_url: str | None = None,
        prefix: str = "",
        operations: Sequence[str] = (),
        secrets: Mapping[str, str] | None = None,
        dry_run: bool = False,
    ) -> list[dict[str, Any]]:
        """Register an agent for each operation of an OpenAPI document.

        Args:
            document: OpenAPI 3.0 or 3.1: its text, or what was read of it.
            server_url: Where the operations are called, instead of the document's own servers.
            prefix: How the agents' names begin, instead of the document's title.
            operations: The ids of those that are wanted; empty: all.
            secrets: Names of secrets by the parameters that they stand for.
            dry_run: Only say which agents there would be.
        """
        request = _import_document(
            document, operations, secrets, server_url=server_url, prefix=prefix, dry_run=dry_run
        )
        return self._send(request)

    def import_mcp(
        self,
        server: Mapping[str, Any],
        *,
        prefix: str = "",
        tools: Sequence[str] = (),
        trust_hints: bool = False,
        dry_run: bool = False,
    ) -> list[dict[str, Any]]:
        """Register an agent for each tool of an MCP server.

        Args:
            server: `url`, and as the agent `mcp` has them `transport`, `headers`, `auth`.
            prefix: How the names begin, instead of the server's name.
            tools: Those that are wanted; empty: all.
            trust_hints: Whether to believe the server which of its tools only read.
            dry_run: Only say which agents there would be.
        """
        request = _import_mcp(
            server, tools, prefix=prefix, trust_hints=trust_hints, dry_run=dry_run
        )
        return self._send(request)

    def change_agent(
        self,
        name: str,
        *,
        status: str | None = None,
        owner_id: str | None = None,
        current_version: int | None = None,
    ) -> CustomAgent:
        """Change the status, the owner or the current version of one of the own agents."""
        changes = {"status": status, "owner_id": owner_id, "current_version": current_version}
        return self._send(_change(name, changes))

    def agent_versions(self, name: str) -> list[dict[str, Any]]:
        """Return the versions of one of the own agents, the last first."""
        return self._send(_versions(name))

    def test_agent(
        self,
        name: str,
        input: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        timeout_seconds: float = 60,
    ) -> AgentTrial:
        """Make one attempt with an agent, as a node would; nothing of it is kept.

        Args:
            name: Any agent that does not wait or choose.
            input: Its parameters.
            version: Of an own agent; None: the current one.
            timeout_seconds: How long it may take.
        """
        return self._send(_test(name, input, version, timeout_seconds))


class AsyncAgents(AsyncSender):
    """What `AsyncClient` can do with agents."""

    async def agents(self) -> list[Agent]:
        """Return all agents, by group, service and name."""
        return await self._send(_list())

    async def agent(self, name: str) -> Agent:
        """Return an agent with the schema of its parameters."""
        return await self._send(_get(name))

    async def custom_agents(
        self, *, status: str | None = None, text: str = "", limit: int = 50, offset: int = 0
    ) -> list[CustomAgent]:
        """Return a page of the organization's own agents by name.

        Args:
            status: Only `active`, `inactive` or `deprecated` ones.
            text: A part of their names or descriptions.
            limit: How many at most.
            offset: How many are left out before.
        """
        return await self._send(_custom(status, text, limit, offset))

    async def register_agent(self, definition: Mapping[str, Any]) -> CustomAgent:
        """Register an agent, or the next version of one; the same again changes nothing.

        Args:
            definition: `agent_name`, `description`, `tool_specification`, `implementation`.
        """
        return await self._send(_register(definition))

    async def import_agents(
        self,
        document: str | Mapping[str, Any],
        *,
        server_url: str | None = None,
        prefix: str = "",
        operations: Sequence[str] = (),
        secrets: Mapping[str, str] | None = None,
        dry_run: bool = False,
    ) -> list[dict[str, Any]]:
        """Register an agent for each operation of an OpenAPI document.

        Args:
            document: OpenAPI 3.0 or 3.1: its text, or what was read of it.
            server_url: Where the operations are called, instead of the document's own servers.
            prefix: How the agents' names begin, instead of the document's title.
            operations: The ids of those that are wanted; empty: all.
            secrets: Names of secrets by the parameters that they stand for.
            dry_run: Only say which agents there would be.
        """
        request = _import_document(
            document, operations, secrets, server_url=server_url, prefix=prefix, dry_run=dry_run
        )
        return await self._send(request)

    async def import_mcp(
        self,
        server: Mapping[str, Any],
        *,
        prefix: str = "",
        tools: Sequence[str] = (),
        trust_hints: bool = False,
        dry_run: bool = False,
    ) -> list[dict[str, Any]]:
        """Register an agent for each tool of an MCP server.

        Args:
            server: `url`, and as the agent `mcp` has them `transport`, `headers`, `auth`.
            prefix: How the names begin, instead of the server's name.
            tools: Those that are wanted; empty: all.
            trust_hints: Whether to believe the server which of its tools only read.
            dry_run: Only say which agents there would be.
        """
        request = _import_mcp(
            server, tools, prefix=prefix, trust_hints=trust_hints, dry_run=dry_run
        )
        return await self._send(request)

    async def change_agent(
        self,
        name: str,
        *,
        status: str | None = None,
        owner_id: str | None = None,
        current_version: int | None = None,
    ) -> CustomAgent:
        """Change the status, the owner or the current version of one of the own agents."""
        changes = {"status": status, "owner_id": owner_id, "current_version": current_version}
        return await self._send(_change(name, changes))

    async def agent_versions(self, name: str) -> list[dict[str, Any]]:
        """Return the versions of one of the own agents, the last first."""
        return await self._send(_versions(name))

    async def test_agent(
        self,
        name: str,
        input: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        timeout_seconds: float = 60,
    ) -> AgentTrial:
        """Make one attempt with an agent, as a node would; nothing of it is kept.

        Args:
            name: Any agent that does not wait or choose.
            input: Its parameters.
            version: Of an own agent; None: the current one.
            timeout_seconds: How long it may take.
        """
        return await self._send(_test(name, input, version, timeout_seconds))
