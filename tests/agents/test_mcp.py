"""The mcp agent against a real server of the protocol's own library."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from agents.bound import BoundSecret, SecretRefused, holding
from agents.egress import EgressRefused
from agents.errors import AgentError
from agents.mcp import McpParameters
from agents.settings import AgentSettings
from tests.agents.conftest import Run
from tests.agents.mcp_world import PIXEL, McpWorld, open_mcp_world
from tests.agents.website import Asked, Reply, Site, json_reply

ADD: dict[str, Any] = {"tool": "add", "arguments": {"a": 2, "b": 3}}


@pytest.fixture
async def world() -> AsyncIterator[McpWorld]:
    """A server."""
    async with open_mcp_world() as opened:
        yield opened


@pytest.mark.requirement("USER.18")
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_tool_is_called(run: Run, world: McpWorld, transport: str) -> None:
    """Text and structure come back, by both transports."""
    url = world.url if transport == "http" else world.sse_url
    result = await run("mcp", {**ADD, "url": url, "transport": transport})
    assert world.calls == [(2, 3)]
    assert result.output["structured"] == {"sum": 5}
    assert '"sum"' in result.output["text"]
    assert result.usage.api_calls == 1


@pytest.mark.requirement("USER.18")
async def test_the_tools_of_a_server_are_listed(run: Run, world: McpWorld) -> None:
    """Each with its description and the schema of its arguments."""
    result = await run("mcp", {"url": world.url, "operation": "list_tools"})
    tools = {tool["name"]: tool for tool in result.output["tools"]}
    assert set(tools) == {"add", "page", "picture", "broken", "endless"}
    assert tools["add"]["description"] == "Adds two numbers."
    assert tools["add"]["input_schema"]["required"] == ["a", "b"]


async def test_an_image_is_base64(run: Run, world: McpWorld) -> None:
    """What is no text stands beside it."""
    result = await run("mcp", {"url": world.url, "tool": "picture"})
    [image] = result.output["images"]
    assert image["mime_type"] == "image/png"
    assert base64.b64decode(image["base64"]) == PIXEL


@pytest.mark.requirement("FR-2.10")
async def test_an_error_of_the_tool_is_final(run: Run, world: McpWorld) -> None:
    """It says what the tool says."""
    with pytest.raises(AgentError, match="it is broken") as caught:
        await run("mcp", {"url": world.url, "tool": "broken"})
    assert not caught.value.retryable


async def test_arguments_are_checked_before_the_call(run: Run, world: McpWorld) -> None:
    """What does not fit the tool's schema never reaches it."""
    wrong = {"url": world.url, "tool": "add", "arguments": {"a": "two", "b": 3}}
    with pytest.raises(AgentError, match=r"arguments\.a: .*whole number"):
        await run("mcp", wrong)
    with pytest.raises(AgentError, match=r"arguments\.b: .*missing"):
        await run("mcp", {**wrong, "arguments": {"a": 2}})
    assert world.calls == []


async def test_a_tool_that_is_not_there_is_told(run: Run, world: McpWorld) -> None:
    """With those that are."""
    with pytest.raises(AgentError, match=r"no tool multiply\. There are: add, page"):
        await run("mcp", {"url": world.url, "tool": "multiply"})


@pytest.mark.requirement("FR-2.10")
async def test_a_server_that_does_not_answer_is_tried_again(
    run: Run, world: McpWorld, dead_port: int
) -> None:
    """Neither in time nor at all."""
    with pytest.raises(AgentError, match="within 1 s") as caught:
        await run("mcp", {"url": world.url, "tool": "endless", "timeout": 1})
    assert caught.value.retryable
    with pytest.raises(AgentError, match="does not answer") as caught:
        await run("mcp", {**ADD, "url": f"http://127.0.0.1:{dead_port}/mcp"})
    assert caught.value.retryable


@pytest.mark.requirement("FR-2.10")
@pytest.mark.parametrize(
    ("status", "retryable"), [(401, False), (404, False), (429, True), (503, True)]
)
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_statuses_say_whether_another_attempt_helps(
    run: Run, site: Site, status: int, retryable: bool, transport: str
) -> None:
    """A refused login says what to check."""
    site.replies["/mcp"] = Reply("no", status, {"Retry-After": "7"})
    with pytest.raises(AgentError, match=f"status {status}") as caught:
        await run("mcp", {**ADD, "url": site.url("/mcp"), "transport": transport})
    assert caught.value.retryable is retryable
    assert caught.value.retry_after_seconds == 7
    assert ("auth" in caught.value.remedy) is (status == 401)


async def test_what_is_no_mcp_is_an_error(run: Run, site: Site) -> None:
    """A page instead of the protocol fails the node, without a hang."""
    site.replies["/mcp"] = json_reply({"hello": "world"})
    with pytest.raises(AgentError):
        await run("mcp", {**ADD, "url": site.url("/mcp"), "timeout": 5})


async def test_the_list_is_kept_for_a_login(run: Run, world: McpWorld) -> None:
    """Another call needs no list; another login or organization has its own."""
    parameters = {**ADD, "url": world.url, "auth": {"type": "bearer", "token": "t1"}}
    await run("mcp", parameters)
    first = len(world.methods)
    await run("mcp", parameters)
    second = len(world.methods) - first
    assert second < first
    await run("mcp", {**parameters, "auth": {"type": "bearer", "token": "t2"}})
    assert len(world.methods) - first - second == first
    await run("mcp", parameters, tenant_id=UUID(int=2))
    assert len(world.methods) - first - second == 2 * first
    assert {one.get("authorization") for one in world.headers} == {"Bearer t1", "Bearer t2"}


async def test_client_credentials_log_in(run: Run, world: McpWorld, site: Site) -> None:
    """The access token is asked for and kept; one that holds no more is asked for anew, once."""
    given: list[str] = []

    def token(asked: Asked) -> Reply:
        given.append(f"token-{len(given) + 1}")
        return json_reply({"access_token": given[-1], "token_type": "bearer", "expires_in": 600})

    site.replies["/token"] = token
    auth = {"type": "oauth2", "token_url": site.url("/token"), "client_id": "weft",
            "client_secret": "s3cret"}  # fmt: skip
    parameters = {**ADD, "url": world.url, "auth": auth}
    world.accepts = {"Bearer token-1"}
    assert (await run("mcp", parameters)).output["structured"] == {"sum": 5}
    await run("mcp", parameters)
    assert given == ["token-1"]
    world.accepts = {"Bearer token-2"}
    assert (await run("mcp", parameters)).output["structured"] == {"sum": 5}
    assert given == ["token-1", "token-2"]
    world.accepts = {"nothing"}
    with pytest.raises(AgentError, match="status 401") as caught:
        await run("mcp", parameters)
    assert not caught.value.retryable
    assert given == ["token-1", "token-2", "token-3"]


class TestGuard:
    """The connections are the guarded ones."""

    @pytest.fixture
    def settings(self, settings: AgentSettings) -> AgentSettings:
        """Settings that close loopback."""
        return replace(settings, allow_loopback=False)

    async def test_addresses_within_are_refused(self, run: Run, world: McpWorld) -> None:
        """As for every agent, and final."""
        with pytest.raises(EgressRefused, match="loopback"):
            await run("mcp", {**ADD, "url": world.url})
        assert world.methods == []


async def test_a_secret_goes_to_its_hosts_only(run: Run, world: McpWorld) -> None:
    """Nothing is sent to another one."""
    secret = BoundSecret("key", ("mcp.example.com",), "s3cret")
    with holding([secret]), pytest.raises(SecretRefused):
        await run("mcp", {**ADD, "url": world.url, "headers": {"X-Key": "s3cret"}})
    assert world.methods == []


async def test_a_redirect_to_another_host_is_not_followed(
    run: Run, site: Site, inner: Site
) -> None:
    """It would take the login with it."""

    def away(asked: Asked) -> Reply:
        return Reply(status=307, headers={"Location": inner.url("/mcp")})

    site.replies["/mcp"] = away
    with pytest.raises(AgentError):
        await run("mcp", {**ADD, "url": site.url("/mcp"), "timeout": 5})
    assert inner.asked == []


class TestBound:
    """Answers have a bound."""

    @pytest.fixture
    def settings(self) -> AgentSettings:
        """Settings with a low one."""
        return AgentSettings(allow_loopback=True, max_response_bytes=20_000)

    async def test_a_long_answer_is_refused(self, run: Run, world: McpWorld) -> None:
        """It is not read to its end."""
        world.says = "x" * 50_000
        with pytest.raises(AgentError, match="more than 20000 bytes"):
            await run("mcp", {"url": world.url, "tool": "page", "timeout": 10})


def test_a_call_names_a_tool() -> None:
    """No server is started, and no tool is guessed."""
    with pytest.raises(ValidationError, match="names the tool"):
        McpParameters.model_validate({"url": "https://mcp.example.com"})
    with pytest.raises(ValidationError):
        McpParameters.model_validate({"command": "sh", "tool": "x"})
