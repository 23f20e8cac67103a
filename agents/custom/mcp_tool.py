"""A custom agent that is one tool of an MCP server: its parameters are the tool's arguments."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from agents.agent import Agent, AgentContext, AgentResult, SideEffect, checked_parameters
from agents.catalog.call import SECRETS
from agents.catalog.rendering import filled
from agents.custom.definition import Definition, McpTool
from agents.custom.imported import reasons
from agents.custom.runner import secrets_in
from agents.openapi import snake_case, unique
from compiler.errors import Problem
from compiler.references import references_in

_LOGIN = {"headers", "auth"}
_SERVER = {"url", "container", "transport", "timeout", *_LOGIN}


class McpToolRunner:
    """Calls the tool as a node of the agent `mcp` does."""

    def __init__(self, implementation: McpTool, mcp: Agent[Any]) -> None:
        self._implementation = implementation
        self._server = implementation.model_dump(include=_SERVER, exclude_none=True)
        self._mcp = mcp
        self.side_effect: SideEffect = implementation.side_effect
        place = implementation.container
        self.hosts = place.hosts if place else (str(urlsplit(implementation.url or "").hostname),)
        self.own_secrets = secrets_in(implementation.model_dump(include=_LOGIN))
        self.timeout_seconds = implementation.timeout + 30.0

    async def run(self, values: Mapping[str, Any], context: AgentContext) -> AgentResult:
        """Return what the tool gives.

        Raises:
            AgentError: As the agent `mcp`.
        """
        arguments = dict(values)
        own = arguments.pop(SECRETS, {})
        # Nothing else may hold references, and a command may hold braces.
        login = {name: self._server[name] for name in _LOGIN if name in self._server}
        login = filled(login, {SECRETS: own}) or {}
        parameters = {
            **self._server,
            **login,
            "tool": self._implementation.tool,
            "arguments": arguments,
        }
        result = await self._mcp.run(checked_parameters(self._mcp.parameters, parameters), context)
        if self._implementation.output == "all":
            return result
        return AgentResult(result.output["structured"], result.usage, result.metadata)


def mcp_tool_problems(implementation: McpTool) -> list[Problem]:
    """Return what is wrong with a tool's place, without calling it."""
    problems = []
    parts = urlsplit(implementation.url or "http://localhost")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        problems.append(
            Problem("implementation.url", "wrong_url", "This is no http or https address.",
                    "Write the MCP server's address.")
        )  # fmt: skip
    template = implementation.model_dump(include={"url", *_LOGIN}, exclude_none=True)
    for place, reference in references_in(template):
        if reference.root != SECRETS or place == "url":
            problems.append(
                Problem(
                    f"implementation.{place}", "unknown_reference",
                    f"`{{{reference}}}` cannot stand here: a server is the same for every call.",
                    "Only `{secrets.name}` may, in `auth` and `headers`.",
                )
            )  # fmt: skip
    return problems


def tool_definitions(
    listed: Mapping[str, Any],
    server: Mapping[str, Any],
    *,
    prefix: str = "",
    tools: Collection[str] = (),
    trust_hints: bool = False,
) -> list[tuple[str, Definition | str]]:
    """Return a definition for each tool of a server, or why there is none.

    Args:
        listed: What the agent `mcp` gives for `list_tools`.
        server: `url` or `container`, `transport`, `headers`, `auth`.
        prefix: How the names begin, instead of the server's name.
        tools: Those that are wanted; empty: all.
        trust_hints: Whether to believe the server which of its tools only read.

    Raises:
        ValueError: It has none of those that are wanted.
    """
    found = {one["name"]: one for one in listed["tools"]}
    if missing := set(tools) - found.keys():
        raise ValueError(f"The server has no tool {', '.join(sorted(missing))[:200]}.")
    taken: set[str] = set()
    definitions: list[tuple[str, Definition | str]] = []
    for name, tool in found.items():
        if tools and name not in tools:
            continue
        begins = prefix or snake_case(listed.get("server") or "") or "mcp"
        agent_name = unique(f"{begins}_{snake_case(name)}", taken)
        taken.add(agent_name)
        reads = trust_hints and tool.get("read_only", False)
        definitions.append((name, _definition(agent_name, tool, server, reads=reads)))
    return definitions


def _definition(
    agent_name: str, tool: Mapping[str, Any], server: Mapping[str, Any], *, reads: bool
) -> Definition | str:
    returns = tool.get("output_schema")
    implementation = {
        **server,
        "type": "mcp_tool",
        "tool": tool["name"],
        "side_effect": "reads" if reads else "sends",
        "output": "structured" if returns else "all",
    }
    try:
        return Definition.model_validate(
            {
                "agent_name": agent_name,
                "description": " ".join(tool["description"].split())[:1000] or tool["name"],
                "tool_specification": {
                    "parameters": tool["input_schema"],
                    "returns": returns or {},
                },
                "implementation": implementation,
            }
        )
    except ValidationError as error:
        return reasons(error)
