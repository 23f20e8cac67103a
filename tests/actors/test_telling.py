"""Texts of language models reach those who watch while they grow: in order, and without secrets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from actors.telling import MOST_CHARACTERS, Tokens
from agents.agent import AgentContext
from agents.redaction import Redaction
from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from store.live import LiveView, execution_channel
from tests.actors.conftest import Begin, OpenProcess
from tests.actors.process import Process
from tests.agents.conftest import context_of
from tests.agents.model_server import ModelServer, fails, open_model_server, says

POEM = "The sea is wide, the sea is deep. 🐳"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A server in the place of the providers."""
    async with open_model_server() as opened:
        yield opened


@pytest.fixture
async def services(server: ModelServer) -> AsyncIterator[Services]:
    """What agents share, with the server as the provider."""
    async with open_services(AgentSettings(openai_base_url=server.openai_url)) as opened:
        yield opened


@pytest.fixture
def registry() -> Registry:
    """All agents."""
    return builtin_registry()


@pytest.fixture
async def process(process_of: OpenProcess) -> Process:
    """A process with these."""
    return await process_of()


@pytest.fixture
def context(services: Services) -> AgentContext:
    """An attempt's context."""
    return context_of(services, node_id="write", attempt=2)


@pytest.mark.requirement("USER.17")
async def test_a_text_grows_before_the_eyes_of_those_who_watch(
    process: Process, begin: Begin, live: LiveView, server: ModelServer
) -> None:
    """Its pieces come between the node's events, numbered; another attempt begins it again."""
    server.script("openai", says("no JSON"), fails(503), says('{"poem": "sea"}'))
    retry = {"max_attempts": 2, "backoff": "fixed", "initial_seconds": 0}
    node = {"id": "write", "agent": "llm", "retry": retry,
            "parameters": {"prompt": "Write", "model": "m", "output_format": "json"}}  # fmt: skip
    execution_id = await begin({"name": "Poem", "nodes": [node]})
    async with live.redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(execution_channel(execution_id))
        await process.drive(execution_id)
        heard = await _until(pubsub, "workflow_completed")
    tokens = [message for message in heard if message["type"] == "token"]
    texts: dict[tuple[int, int], str] = {}
    for token in tokens:
        key = (token["attempt"], token["answer"])
        assert token["offset"] == len(texts.get(key, ""))
        texts[key] = texts.get(key, "") + token["text"]
    assert texts == {(1, 1): "no JSON", (2, 1): '{"poem": "sea"}'}
    assert {token["node_id"] for token in tokens} == {"write"}
    assert all("seq" not in token for token in tokens)
    types = [message["type"] for message in heard]
    assert types.index("token") < types.index("node_retrying") < types.index("node_completed")


async def _until(pubsub: Any, last: str) -> list[Any]:
    heard: list[Any] = []
    async with asyncio.timeout(20):
        while not heard or heard[-1]["type"] != last:
            if message := await pubsub.get_message(timeout=5):
                heard.append(orjson.loads(message["data"]))
    return heard


async def test_a_secret_that_pieces_cut_in_two_is_not_told(context: AgentContext) -> None:
    """As much as a secret may have is held back until it cannot be one."""
    said: list[Any] = []
    secret = Redaction({"key": "s3cret-token"})
    held = Tokens(lambda id, message: said.append(message), replace(context, redaction=secret))
    held.begin()
    for piece in ("the key is s3cret-", "token", ", do not", " tell"):
        held.say(piece)
        held._tell(held._held_back)
    held.end()
    assert "".join(one["text"] for one in said) == "the key is {secrets.key}, do not tell"
    assert len(said) > 1
    assert not any("s3cret" in one["text"] for one in said)


async def test_pieces_gather_and_are_bounded(context: AgentContext) -> None:
    """Many pieces are few messages; a text that never ends is told to a bound."""
    said: list[Any] = []
    tokens = Tokens(lambda id, message: said.append(message), context)
    tokens.begin()
    for _ in range(1000):
        tokens.say("x" * 1000)
    tokens.end()
    assert [one["part"] for one in said] == [1]
    assert len(said[0]["text"]) == MOST_CHARACTERS
    assert said[0]["attempt"] == 2
    assert said[0]["execution_id"] == f"exec_{UUID(int=7).hex}"
