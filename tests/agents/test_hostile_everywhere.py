"""Every way of an agent to call somebody by HTTP, against every hostile server."""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from pydantic import SecretStr

from agents.errors import AgentError
from agents.registry import builtin_registry
from agents.services import open_services
from agents.settings import AgentSettings
from tests.agents.conftest import context_of
from tests.agents.custom.making import definition, run_custom
from tests.agents.test_hostile_servers import BOUND_SECONDS, MOST_BYTES, SERVERS, open_hostile
from tests.agents.website import Reply, Site

ATTEMPT_SECONDS = 1.0
"""What the engine gives the attempts at servers that say little, or nothing that counts."""
ENDLESS = ("endless body", "endless chunk", "endless headers", "huge header", "endless chunk size")
"""What comes from these passes a bound, so that the call ends before its attempt would."""
LOUD = (*ENDLESS, "endless informational", "endless trailers")
"""They are asked one after the other: together they would take the processor from each other."""
LATE = "late"
"""Stands for the engine's own error of an attempt that is cut off."""
DOCUMENT = "openapi: 3.1.0\npaths: {/: {get: {responses: {}}}}"

WAYS: dict[str, tuple[str, Any]] = {
    "api": ("api", lambda url: {"url": url, "timeout": 0.5}),
    "api by TLS": ("api", lambda url: {"url": url.replace("http", "https"), "timeout": 0.5}),
    "pages of a list": (
        "api",
        lambda url: {
            "url": url, "timeout": 0.5,
            "pagination": {"type": "page", "parameter": "page", "max_pages": 100},
        },
    ),
    "web_scraping": ("web_scraping", lambda url: {"url": url, "mode": "http", "timeout": 0.5}),
    "llm": ("llm", lambda url: {"prompt": "Hi", "model": "gpt-4o-mini"}),
    "mcp": ("mcp", lambda url: {"url": url, "operation": "list_tools", "timeout": 0.5}),
    "mcp by events": (
        "mcp",
        lambda url: {"url": url, "operation": "list_tools", "timeout": 0.5, "transport": "sse"},
    ),
    "SendGrid": ("email", lambda url: {"to": "a@example.com", "subject": "s", "body": "b"}),
    "ready agent": (
        "slack_post_message", lambda url: {"token": "t", "channel": "c", "text": "hello"}
    ),
    "OpenAPI document": ("api", lambda url: {"openapi": url, "operation": "GET /"}),
    "operation of a document": (
        "api", lambda url: {"openapi": DOCUMENT, "operation": "GET /", "server_url": url,
                            "timeout": 0.5}
    ),
    "token": (
        "api",
        lambda url: {
            "url": url,
            "auth": {"type": "oauth2", "token_url": url, "client_id": "i", "client_secret": "s"},
        },
    ),
    "token of a document": (
        "api",
        lambda url: {
            "openapi": f"{url}openapi.json", "operation": "GET /",
            "document_auth": {"type": "oauth2", "token_url": url, "client_id": "i",
                              "client_secret": "s"},
        },
    ),
}  # fmt: skip


def _settings(url: str) -> AgentSettings:
    """Return settings whose services and models are at an address."""
    return AgentSettings(
        allow_loopback=True, max_response_bytes=MOST_BYTES, http_timeout_seconds=1,
        openai_api_key=SecretStr("sk-test"), openai_base_url=f"{url}v1",
        sendgrid_api_key=SecretStr("SG.key"), email_sender="a@example.org",
        service_urls={"Slack": url, "SendGrid": url},
    )  # fmt: skip


def _told(output: Any) -> str:
    """Return the error that an answer is, where errors are answers."""
    assert isinstance(output, Mapping), output
    assert output["status_code"] == 0
    return str(output["error"])


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Models' and MCP's libraries take a second to load, which no attempt is to pay for here."""
    for name in ("agents.openai_provider", "agents.mcp_servers"):
        import_module(name)


async def _ending(way: str, server: str, seconds: float) -> str:
    """Call a hostile server as the engine would, and return what is told of it."""
    async with open_hostile(SERVERS[server]) as hostile:
        settings = _settings(hostile.url())
        async with open_services(settings) as services:
            try:
                async with asyncio.timeout(seconds):
                    if way == "custom endpoint":
                        made = definition({"type": "api_endpoint", "url": hostile.url()})
                        await run_custom(services, made, {})
                        return ""
                    name, parameters = WAYS[way]
                    agent = builtin_registry().get(name)
                    given = agent.parameters.model_validate(parameters(hostile.url()))
                    context = replace(context_of(services), timeout_seconds=seconds)
                    return _told((await agent.run(given, context)).output)
            except TimeoutError:
                return LATE
            except AgentError as error:
                return str(error)
            finally:
                # While the services are open: what a call leaves would stay with them.
                async with asyncio.timeout(BOUND_SECONDS):
                    while hostile.open:
                        hostile.closed.clear()
                        await hostile.closed.wait()


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("way", [*WAYS, "custom endpoint"])
async def test_every_call_ends_in_words_and_leaves_no_connection(way: str) -> None:
    """Whoever is called however: an error that says something, and the server is let go of."""
    quiet = [server for server in SERVERS if server not in LOUD]
    told = await asyncio.gather(*(_ending(way, server, ATTEMPT_SECONDS) for server in quiet))
    words = dict(zip(quiet, told, strict=True))
    for server in LOUD:
        seconds = BOUND_SECONDS if server in ENDLESS else ATTEMPT_SECONDS
        words[server] = await _ending(way, server, seconds)
    assert words.keys() == SERVERS.keys()
    for server, text in words.items():
        assert text == LATE or len(text.split()) >= 2, f"{server}: {text!r}"
        assert "Traceback" not in text
    assert [server for server in ENDLESS if words[server] == LATE] == []


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
async def test_a_models_answer_is_not_unpacked(site: Site, encoding: str) -> None:
    """A small answer could become any size in the library that reads it; none is asked for."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    site.replies["/v1/chat/completions"] = Reply(bomb, headers={"Content-Encoding": encoding})
    agent = builtin_registry().get("llm")
    given = agent.parameters.model_validate({"prompt": "Hi", "model": "gpt-4o-mini"})
    async with open_services(_settings(site.url("/"))) as services:
        with pytest.raises(AgentError, match="answers compressed, unasked"):
            await agent.run(given, context_of(services))
    assert site.asked[0].headers["accept-encoding"] == "identity"
