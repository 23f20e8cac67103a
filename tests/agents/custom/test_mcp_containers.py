"""MCP servers that are programs in containers, on a real engine where one runs."""

from __future__ import annotations

from typing import Any

import pytest

from agents.custom.definition import Definition
from agents.custom.mcp_tool import tool_definitions
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from compiler.outside import outside
from compiler.specification import Node
from tests.agents.conftest import context_of
from tests.agents.custom.engine import IMAGE, containers_of
from tests.agents.custom.making import run_custom
from tests.agents.website import Reply, Site

SERVER = r"""
field() { [[ $line =~ \"$1\":(\"[^\"]*\"|[0-9]+) ]] && found=${BASH_REMATCH[1]//\"/}; }
echo "this program says something first" >&2
while IFS= read -r line; do
  [[ $line =~ \"id\":(\"[^\"]*\"|[0-9]+) ]] || continue
  id=${BASH_REMATCH[1]}
  field method; method=$found
  result=
  case $method in
    initialize) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},
      "serverInfo":{"name":"Shell","version":"1"}}';;
    tools/list) result='{"tools":[
      {"name":"greet","description":"Greets.","inputSchema":{"type":"object",
        "properties":{"who":{"type":"string"}},"required":["who"]}},
      {"name":"fetch","description":"Fetches.","inputSchema":{"type":"object",
        "properties":{"address":{"type":"string"}}}},
      {"name":"die","inputSchema":{"type":"object"}},
      {"name":"hang","inputSchema":{"type":"object"}}]}';;
    tools/call)
      field name
      case $found in
        greet) field who; text="Hello $found";;
        fetch) field address; text=$(curl -s "$found" 2>&1);;
        die) echo "out of order" >&2; exit 3;;
        hang) sleep 100;;
      esac
      result="{\"content\":[{\"type\":\"text\",\"text\":\"$text\"}]}";;
  esac
  if [ "$result" ]; then
    echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":${result//$'\n'/ }}"
  else
    echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no\"}}"
  fi
done
"""
CONTAINER: dict[str, Any] = {"image": IMAGE, "command": ["/bin/bash", "-c", SERVER]}


async def call(services: Services, registry: Registry, **parameters: Any) -> Any:
    """Call a tool of the server, or list its tools."""
    agent = registry.get("mcp")
    given = {"container": CONTAINER, "timeout": 30, **parameters}
    checked = agent.parameters.model_validate(given)
    return (await agent.run(checked, context_of(services))).output


@pytest.mark.requirement("USER.18")
async def test_a_program_in_a_container_is_spoken_with(
    contained: Services, registry: Registry, engine: str
) -> None:
    """Its tools are listed and called; nothing of it is left afterwards."""
    listed = await call(contained, registry, operation="list_tools")
    assert listed["server"] == "Shell"
    assert [one["name"] for one in listed["tools"]] == ["greet", "fetch", "die", "hang"]
    told = await call(contained, registry, tool="greet", arguments={"who": "Ada"})
    assert told["text"] == "Hello Ada"
    assert containers_of(engine) == []


@pytest.mark.requirement("USER.18", "FR-3.10")
async def test_its_tools_become_agents(
    contained: Services, registry: Registry, engine: str
) -> None:
    """As those of a server that has an address."""
    listed = await call(contained, registry, operation="list_tools")
    [(_, greet)] = tool_definitions(listed, {"container": CONTAINER}, tools=["greet"])
    assert isinstance(greet, Definition)
    assert greet.agent_name == "shell_greet"
    result = await run_custom(contained, greet.model_dump(exclude_none=True), {"who": "Ada"})
    assert result.output["text"] == "Hello Ada"


@pytest.mark.requirement("NFR-4.5")
async def test_it_reaches_its_hosts_alone(engine: str, registry: Registry, site: Site) -> None:
    """Through the egress guard; without hosts it has no network."""
    site.replies["/page"] = Reply("a page")
    settings = AgentSettings(containers_url=engine, allow_loopback=True)
    fetch = {"tool": "fetch", "arguments": {"address": site.url("/page")}}
    async with open_services(settings) as services:
        allowed = {**CONTAINER, "hosts": ["127.0.0.1"]}
        assert (await call(services, registry, container=allowed, **fetch))["text"] == "a page"
        other = {**CONTAINER, "hosts": ["a.example"]}
        refused = (await call(services, registry, container=other, **fetch))["text"]
        assert "does not go to 127.0.0.1" in refused
        assert (await call(services, registry, **fetch))["text"] == ""


@pytest.mark.requirement("FR-2.10")
async def test_a_program_that_fails_says_why(
    contained: Services, registry: Registry, engine: str
) -> None:
    """By what it wrote to standard error; one that hangs is ended in time."""
    with pytest.raises(AgentError, match=r"status 3: (.|\n)*out of order") as caught:
        await call(contained, registry, tool="die")
    assert not caught.value.retryable
    with pytest.raises(AgentError, match=r"within 2 s|longer than 2 s"):
        await call(contained, registry, tool="hang", timeout=2)
    assert containers_of(engine) == []
    nothing = {"image": IMAGE, "command": ["/bin/echo", "no protocol"]}
    with pytest.raises(AgentError, match="ended"):
        await call(contained, registry, tool="greet", container=nothing)
    missing = {"image": "weft.test/none"}
    with pytest.raises(AgentError, match=r"has no image weft\.test/none"):
        await call(contained, registry, tool="greet", container=missing)


def test_a_plan_lists_its_hosts(registry: Registry) -> None:
    """They are the container's own."""
    place = {"image": "mcp/weather", "hosts": ["api.example.com"]}
    node = Node(id="w", agent="mcp", parameters={"container": place, "tool": "forecast"})
    assert outside(node, registry.signatures()["mcp"]).hosts == ("api.example.com",)
