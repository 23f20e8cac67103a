"""Custom agents that are tools of an MCP server: imported, registered, called."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from agents.agent import AgentResult
from agents.bound import SecretRefused
from agents.custom.build import definition_problems
from agents.custom.definition import Definition
from agents.custom.mcp_tool import tool_definitions
from agents.errors import AgentError
from agents.services import Services
from tests.agents.conftest import Run
from tests.agents.custom.making import definition, run_custom
from tests.agents.mcp_world import McpWorld, open_mcp_world


@pytest.fixture
async def world() -> AsyncIterator[McpWorld]:
    """A server."""
    async with open_mcp_world() as opened:
        yield opened


async def imported(run: Run, world: McpWorld, **options: Any) -> dict[str, Definition | str]:
    """Return the definitions of a server's tools."""
    listed = await run("mcp", {"url": world.url, "operation": "list_tools"})
    return dict(tool_definitions(listed.output, {"url": world.url}, **options))


async def call(services: Services, document: Any, values: dict[str, Any]) -> AgentResult:
    """Call a tool as a node does."""
    given = document.model_dump() if isinstance(document, Definition) else document
    return await run_custom(services, given, values)


@pytest.mark.requirement("USER.18", "FR-3.10")
async def test_each_tool_of_a_server_becomes_an_agent(
    run: Run, services: Services, world: McpWorld
) -> None:
    """Its schemas are the tool's; a node gives the arguments by name."""
    found = await imported(run, world)
    add, page = found["add"], found["page"]
    assert isinstance(add, Definition)
    assert add.agent_name == "world_tools_add"
    assert add.description == "Adds two numbers."
    result = await call(services, add, {"a": 2, "b": 3})
    assert (result.output, world.calls) == ({"sum": 5}, [(2, 3)])
    world.says = "a page"
    # Some versions of the protocol's library structure plain texts as well.
    assert "a page" in str((await call(services, page, {})).output)
    with pytest.raises(ValidationError):
        await call(services, add, {"a": "two", "b": 3})
    assert definition_problems(add, {}) == []


async def test_hints_are_believed_on_demand(run: Run, world: McpWorld) -> None:
    """A tool sends, whatever its server says, unless whoever imports it trusts the server."""
    for trusted, effects in ((False, {"sends"}), (True, {"sends", "reads"})):
        found = await imported(run, world, trust_hints=trusted, prefix="mine")
        kinds = [one.implementation for one in found.values() if isinstance(one, Definition)]
        assert {one.side_effect for one in kinds if one.type == "mcp_tool"} == effects


async def test_only_the_wanted_tools_are_taken(run: Run, world: McpWorld) -> None:
    """One that is not there is told; a schema that is none says why there is no agent."""
    assert set(await imported(run, world, tools=["add", "page"])) == {"add", "page"}
    with pytest.raises(ValueError, match="no tool multiply"):
        await imported(run, world, tools=["multiply"])
    odd = {"name": "odd", "description": "", "input_schema": {"type": "object", "properties": 7},
           "output_schema": None, "read_only": False}  # fmt: skip
    [(name, reason)] = tool_definitions({"server": "x", "tools": [odd]}, {"url": world.url})
    assert name == "odd"
    assert "JSON Schema" in str(reason)


async def test_a_secret_goes_to_its_hosts_alone(services: Services, world: McpWorld) -> None:
    """It stands in `auth` or `headers`, and is given to the server it is meant for."""
    tool = {"type": "mcp_tool", "url": world.url, "tool": "page",
            "auth": {"type": "bearer", "token": "{secrets.docs}"}}  # fmt: skip
    document = definition(tool)
    await run_custom(services, document, {}, secrets={"docs": "tok-of-the-docs"})
    assert {one.get("authorization") for one in world.headers} == {"Bearer tok-of-the-docs"}
    asked = len(world.headers)
    with pytest.raises(SecretRefused):
        await run_custom(
            services, document, {}, secrets={"docs": "tok-of-the-docs"}, hosts=("a.example",)
        )
    assert len(world.headers) == asked


async def test_an_error_of_the_tool_is_the_agents(services: Services, world: McpWorld) -> None:
    """It is final and says what the tool says."""
    document = definition({"type": "mcp_tool", "url": world.url, "tool": "broken"})
    with pytest.raises(AgentError, match="it is broken") as caught:
        await run_custom(services, document, {})
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"url": "ftp://mcp.example.com"}, "implementation.url"),
        ({"url": "https://mcp.example.com/{secrets.x}"}, "implementation.url"),
        ({"headers": {"X-City": "{city}"}}, "implementation.headers.X-City"),
    ],
)
def test_a_server_is_the_same_for_every_call(change: dict[str, Any], place: str) -> None:
    """A parameter in its place is refused at registration, by path."""
    tool = {"type": "mcp_tool", "url": "https://mcp.example.com", "tool": "x", **change}
    parameters = {"city": {"type": "string"}}
    document = Definition.model_validate(definition(tool, parameters))
    assert [one.path for one in definition_problems(document, {})] == [place]
