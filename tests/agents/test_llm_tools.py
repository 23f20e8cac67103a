"""Agents as the tools of a model: which it is told of, what it may set, what comes of a call."""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import pytest
from pydantic import SecretStr

from actors.attempts import Attempt, Work, attempt_until_done
from actors.secrets import Secrets
from agents.registry import Registry
from agents.services import Services
from agents.settings import AgentSettings
from compiler.specification import Node
from store.secrets import OpenSecret
from tests.agents.conftest import context_of
from tests.agents.mcp_world import open_mcp_world
from tests.agents.model_server import (
    ModelServer,
    calls_tool,
    fails,
    open_model_server,
    says,
    stalls,
)
from tests.agents.website import Asked, Reply, Site, json_reply, page
from tests.mailbox import Mailbox

COUNT: dict[str, Any] = {
    "agent": "data_processing",
    "name": "count",
    "description": "Counts the words of a text.",
    "parameters": {"operation": "transform", "script": "return len(data.split())"},
}


class Ask(Protocol):
    """Makes one attempt of an llm node."""

    async def __call__(
        self, tools: list[Any], scope: Mapping[str, Any] | None = None, **parameters: Any
    ) -> Attempt:
        """Make it with these tools."""
        ...


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A server in the place of the providers."""
    async with open_model_server() as opened:
        yield opened


@pytest.fixture
def settings(server: ModelServer, mailbox: Mailbox) -> AgentSettings:
    """Settings whose providers are the server, and whose mail goes to a mailbox."""
    return AgentSettings(
        allow_loopback=True,
        openai_api_key=SecretStr("sk-test"),
        openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr("sk-ant"),
        anthropic_base_url=server.anthropic_url,
        smtp_url=mailbox.url,
        http_timeout_seconds=20,
    )


@pytest.fixture
def ask(services: Services, registry: Registry) -> Ask:
    """Make attempts as the engine does, with a secret of the operator's."""

    async def attempt(
        tools: list[Any], scope: Mapping[str, Any] | None = None, **parameters: Any
    ) -> Attempt:
        vault = parameters.pop("vault", None)
        given = {"prompt": "Do it", "model": "gpt-4", **parameters, "tools": tools}
        node = Node.model_validate(
            {"id": "think", "agent": "llm", "parameters": given, "timeout": given.pop("time", 30),
             "retry": {"max_attempts": 1}}
        )  # fmt: skip
        secrets = Secrets({"token": "s3cret-token"}, vault)
        work = Work.of(registry, node, scope or {}, secrets, context_of(services, node_id="think"))
        return await attempt_until_done(work, _ignore, _ignore)

    return attempt


async def _ignore(attempt: Attempt) -> None:
    pass


def told(attempt: Attempt) -> list[Any]:
    """Return what the log says of an attempt's calls."""
    assert attempt.result is not None, attempt.error
    calls: list[Any] = attempt.result.metadata.get("tools", [])
    return calls


@pytest.mark.requirement("FR-3.1")
@pytest.mark.parametrize(("format", "model"), [("openai", "gpt-4"), ("anthropic", "claude-sonnet")])
async def test_a_model_calls_an_agent(
    ask: Ask, server: ModelServer, format: Any, model: str
) -> None:
    """It sees what is left open, its call is done, and its answer follows the result."""
    server.script(format, calls_tool("count", '{"data": "a b c"}'), says("Three."))
    attempt = await ask([COUNT], model=model)
    first, second = server.of(format)
    shown = json.dumps(first["tools"])
    assert "Counts the words" in shown
    assert '"data"' in shown
    assert '"script"' not in shown
    assert "return len" not in shown
    assert attempt.result is not None, attempt.error
    assert attempt.result.output == "Three."
    assert attempt.result.usage.api_calls == 2
    assert '"3"' in json.dumps(second["messages"])
    [call] = told(attempt)
    assert (call["tool"], call["agent"]) == ("count", "data_processing")


@pytest.mark.requirement("FR-3.1")
async def test_fixed_parameters_are_resolved_and_never_shown(
    ask: Ask, server: ModelServer, site: Site
) -> None:
    """Secrets, addresses and inputs go to the tool's service, none of them to the model."""
    site.replies["/orders/7"] = json_reply({"state": "sent", "echo": "s3cret-token"})
    tool = {
        "agent": "api",
        "name": "order",
        "parameters": {
            "url": site.url("/orders/{order}"),
            "auth": {"type": "bearer", "token": "{secrets.token}"},
        },
    }
    server.script("openai", calls_tool("order", "{}"), says("Sent."))
    attempt = await ask([tool], {"order": 7})
    assert attempt.result is not None, attempt.error
    assert site.asked[0].headers["authorization"] == "Bearer s3cret-token"
    requests = json.dumps(server.of("openai"))
    assert "s3cret-token" not in requests
    assert "{secrets.token}" in requests
    assert site.url("") not in json.dumps(server.of("openai")[0])


@pytest.mark.requirement("FR-3.1")
async def test_a_tool_that_fails_is_told_to_the_model(ask: Ask, server: ModelServer) -> None:
    """It may go on without it, and the log says what happened."""
    broken = {**COUNT, "parameters": {"operation": "transform", "script": "return 1 / 0"}}
    server.script("openai", calls_tool("count", '{"data": "a"}'), says("I could not."))
    attempt = await ask([broken])
    [call] = told(attempt)
    assert "division" in call["error"]
    assert "division" in json.dumps(server.of("openai")[1]["messages"])


async def test_calls_are_bounded(ask: Ask, server: ModelServer) -> None:
    """A model that is told that there are no more calls and still wants one fails the attempt."""
    server.script("openai", calls_tool("count", '{"data": "a"}'))
    attempt = await ask([COUNT], max_tool_calls=2)
    assert "kept calling tools after its 2 calls" in str(attempt.error)
    assert len(server.of("openai")) == 4
    assert "used up" in json.dumps(server.of("openai")[3]["messages"])


async def test_tokens_are_bounded(ask: Ask, server: ModelServer) -> None:
    """No request is made beyond the node's tokens."""
    server.script("openai", calls_tool("count", '{"data": "a"}'))
    attempt = await ask([COUNT], max_total_tokens=2000)
    assert "may use 2000" in str(attempt.error)
    assert len(server.of("openai")) == 2


@pytest.mark.requirement("FR-2.10")
async def test_the_same_call_of_another_attempt_has_the_same_key(
    ask: Ask, server: ModelServer, site: Site
) -> None:
    """A service can tell that it has seen it; another call, or the same again, has another key."""
    site.replies["/"] = json_reply({})
    tool = {"agent": "api", "parameters": {"url": site.url("/"), "method": "POST"},
            "open": ["body"]}  # fmt: skip
    for _ in range(2):
        server.script(
            "openai",
            calls_tool("api", '{"body": 1}', ("api", '{"body": 2}'), ("api", '{"body": 1}')),
            says("Done."),
        )
        await ask([tool])
    keys = [asked.headers["idempotency-key"] for asked in site.asked]
    assert keys[:3] == keys[3:]
    assert len(set(keys[:3])) == 3
    assert all(":think.api." in key for key in keys)


@pytest.mark.requirement("FR-2.10")
async def test_what_was_sent_is_not_sent_again(
    ask: Ask, server: ModelServer, mailbox: Mailbox
) -> None:
    """Once a tool has sent something a model that is away is asked again within the attempt."""
    tool = {"agent": "email", "parameters": {"to": "boss@example.com"}, "open": ["body"]}
    sends = calls_tool("email", '{"body": "Hello"}')
    server.script("openai", sends, fails(503, Retry_After="0"), says("Sent."))
    attempt = await ask([tool])
    assert attempt.result is not None, attempt.error
    assert len(mailbox.mails) == 1
    server.script("openai", sends, fails(400))
    attempt = await ask([tool])
    assert attempt.retry_in_seconds is None
    assert "The model had called: email" in str(attempt.error)


async def test_a_late_attempt_that_has_sent_something_is_final(
    ask: Ask, server: ModelServer, mailbox: Mailbox, services: Services, registry: Registry
) -> None:
    """The attempt ends by itself before it is cut off, which would be tried again."""
    tool = {"agent": "email", "parameters": {"to": "boss@example.com"}, "open": ["body"]}
    server.script("openai", calls_tool("email", '{"body": "Hello"}'), stalls)
    attempt = await ask([tool], time=2)
    assert "The answer took too long" in str(attempt.error)
    assert "The model had called: email" in str(attempt.error)
    assert len(mailbox.mails) == 1


async def test_another_model_goes_on_with_the_conversation(ask: Ask, server: ModelServer) -> None:
    """What tools have given is not asked for again when the first model goes away."""
    server.script("openai", calls_tool("count", '{"data": "a b"}'), fails(503))
    server.script("anthropic", says("Two."))
    attempt = await ask([COUNT], fallbacks=["claude-sonnet"])
    assert attempt.result is not None, attempt.error
    assert attempt.result.output == "Two."
    assert len(told(attempt)) == 1
    assert "tool_result" in json.dumps(server.of("anthropic")[0]["messages"])


async def test_json_is_asked_for_after_the_tools(ask: Ask, server: ModelServer) -> None:
    """The form of the answer holds for the last one."""
    server.script("openai", calls_tool("count", '{"data": "a b"}'), says('{"n": 2}'))
    attempt = await ask([COUNT], output_format="json")
    assert attempt.result is not None, attempt.error
    assert attempt.result.output == {"n": 2}


async def test_a_model_chooses_among_hosts(ask: Ask, server: ModelServer, site: Site) -> None:
    """An address that it sets leads to the hosts that are listed, redirects included."""
    site.replies["/good"] = page("<p>Fine</p>")

    def away(asked: Asked) -> Reply:
        return Reply(status=302, headers={"Location": site.url("/good", host="localhost")})

    site.replies["/away"] = away
    tool = {"agent": "web_scraping", "parameters": {"mode": "http"}, "hosts": ["127.0.0.1"]}
    urls = [site.url("/good"), site.url("/good", host="localhost"), site.url("/away")]
    wanted = [("web_scraping", json.dumps({"url": url})) for url in urls]
    server.script("openai", calls_tool(*wanted[0], *wanted[1:]), says("Done."))
    good, other, redirected = told(await ask([tool]))
    assert "error" not in good
    assert "not among the hosts" in other["refused"]
    assert "does not go to localhost" in redirected["error"]
    assert site.pages() == ["/good", "/away"]


@pytest.mark.parametrize(
    "address",
    ["boss@example.com\nBcc: evil@example.com", "boss@example.com,evil@example.com", 7, {"a": 1}],
)
async def test_a_recipient_that_hides_another_is_refused(
    ask: Ask, server: ModelServer, mailbox: Mailbox, address: Any
) -> None:
    """What is no address of the list, as a whole, is none."""
    tool = {"agent": "email", "open": ["to"], "recipients": ["boss@example.com"]}
    server.script("openai", calls_tool("email", json.dumps({"to": address})), says("Done."))
    [call] = told(await ask([tool]))
    assert "refused" in call
    assert mailbox.mails == []


@dataclass
class OneSecret:
    """Opens one secret of the tenant's that is meant for some hosts."""

    hosts: tuple[str, ...]

    async def open(self, tenant_id: UUID, names: Collection[str]) -> dict[str, OpenSecret]:
        """Open it."""
        return {name: OpenSecret(name, "s3cret-token", self.hosts) for name in names}


@pytest.mark.requirement("FR-3.1")
async def test_requests_to_the_model_hold_no_secret_of_a_tool(
    ask: Ask, server: ModelServer, site: Site
) -> None:
    """One that is meant for the tool's host goes there, while the model's host is another."""
    site.replies["/"] = json_reply({"state": "sent"})
    fixed = {"url": site.url("/", host="localhost"), "headers": {"X-Key": "{secrets.shop}"}}
    server.script("openai", calls_tool("api", "{}"), says("Sent."))
    attempt = await ask([{"agent": "api", "parameters": fixed}], vault=OneSecret(("localhost",)))
    assert "error" not in told(attempt)[0]
    assert site.asked[0].headers["x-key"] == "s3cret-token"


async def test_a_tool_that_calls_nobody_gets_no_secret_of_hosts(
    ask: Ask, server: ModelServer
) -> None:
    """It could do nothing with it but give it to the model, written in some other way."""
    fixed = {**COUNT["parameters"], "data": "{secrets.shop}"}
    attempt = await ask([{**COUNT, "parameters": fixed}], vault=OneSecret(("localhost",)))
    assert "the tool `count` calls none" in str(attempt.error)
    assert server.asked == []


async def test_offline_calls_no_tools(ask: Ask) -> None:
    """The built-in model says that it cannot."""
    attempt = await ask([COUNT], model="offline", prompt="Summarize: a b c. d e f.")
    assert "a job that calls tools" in str(attempt.error)


@pytest.mark.requirement("USER.18", "FR-3.1")
async def test_a_model_calls_a_tool_of_an_mcp_server(ask: Ask, server: ModelServer) -> None:
    """It is told what the server says of the tool, and sets its arguments alone."""
    async with open_mcp_world() as world:
        tool = {"agent": "mcp", "name": "add", "parameters": {"url": world.url, "tool": "add"},
                "open": ["arguments"]}  # fmt: skip
        wanted = ("add", '{"arguments": {"a": 2, "b": 3}}')
        other = ("add", '{"arguments": {}, "tool": "broken"}')
        server.script("openai", calls_tool(*wanted, other), says("Five."))
        first, second = told(await ask([tool]))
    assert "error" not in first
    assert "not yours to set" in second["refused"]
    [function] = server.of("openai")[0]["tools"]
    shown = function["function"]
    assert shown["description"] == "Adds two numbers."
    assert shown["parameters"]["required"] == ["arguments"]
    assert set(shown["parameters"]["properties"]["arguments"]["properties"]) == {"a", "b"}
    assert world.calls == [(2, 3)]
