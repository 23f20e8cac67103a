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
from store.custom_agents import register_agent
from store.growing import growing_texts, text_name
from store.live import LiveView, execution_channel
from store.postgres import Pool
from tests.actors.conftest import Begin, OpenProcess
from tests.actors.process import Process
from tests.agents.conftest import context_of
from tests.agents.model_server import ModelServer, fails, open_model_server, says
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.store.agents import new_agent

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
    assert _texts(tokens) == {("write", 1, 1): "no JSON", ("write", 2, 1): '{"poem": "sea"}'}
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


def _texts(heard: list[Any]) -> dict[tuple[str, int, int], str]:
    """Put the texts together: by name, attempt and answer."""
    texts: dict[tuple[str, int, int], str] = {}
    for token in heard:
        if token["type"] == "token" and not token.get("last"):
            key = (text_name(token), token["attempt"], token["answer"])
            assert token["offset"] == len(texts.get(key, ""))
            texts[key] = texts.get(key, "") + token["text"]
    return texts


@pytest.mark.requirement("USER.17")
@pytest.mark.parametrize("agent", ["llm", "text_summarize", "a_chain"])
async def test_whatever_asks_a_model_tells_its_text(
    process: Process, live: LiveView, server: ModelServer, agent: str, api_pool: Pool,
    account: Account, make_workflow: MakeWorkflow, start: StartExecution,
) -> None:  # fmt: skip
    """Ready agents and chains do, the steps of a chain one after the other under its node."""
    steps = [
        {"id": name, "agent": "llm", "parameters": {"prompt": name, "model": "m"}}
        for name in ("first", "second")
    ]
    chain = new_agent(account, "a_chain", implementation={"type": "chain", "steps": steps},
                      tool_specification={"parameters": {"type": "object"}})  # fmt: skip
    await register_agent(api_pool, chain)
    parameters = {"llm": {"prompt": "Write", "model": "m"},
                  "text_summarize": {"text": "Sea. Sea.", "model": "m"}}  # fmt: skip
    server.script("openai", says("The sea"), says("is wide"))
    node = {"id": "write", "agent": agent, "parameters": parameters.get(agent, {})}
    workflow = await make_workflow({"name": "Poem", "nodes": [node]})
    execution_id = (await start(workflow, {}, process.id)).execution_id
    async with live.redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(execution_channel(execution_id))
        await process.drive(execution_id)
        heard = await _until(pubsub, "workflow_completed")
    second = {("write", 1, 2): "is wide"} if agent == "a_chain" else {}
    assert _texts(heard) == {("write", 1, 1): "The sea", **second}
    assert await growing_texts(live.redis, execution_id) == []


@pytest.mark.requirement("USER.17")
async def test_each_item_of_a_map_tells_its_text(
    process: Process, begin: Begin, live: LiveView, server: ModelServer
) -> None:
    """Its place in the list stands in each message; the last one ends it."""
    server.script("openai", *(says("The sea") for _ in range(3)))
    node = {"id": "write", "agent": "llm", "pattern": "map", "input_keys": ["input.words"],
            "parameters": {"prompt": "Write about {word}", "model": "m"}}  # fmt: skip
    execution_id = await begin({"name": "Poems", "nodes": [node]}, {"words": ["sea", "sky", "sun"]})
    async with live.redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(execution_channel(execution_id))
        await process.drive(execution_id)
        heard = await _until(pubsub, "workflow_completed")
    assert _texts(heard) == {(f"write[{index}]", 1, 1): "The sea" for index in range(3)}
    assert sorted(one["map_index"] for one in heard if one.get("last")) == [0, 1, 2]
    assert await growing_texts(live.redis, execution_id) == []


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
    tokens.close()
    assert (said[1]["text"], said[1]["last"]) == ("", True)
    assert len(said[0]["text"]) == MOST_CHARACTERS
    assert said[0]["attempt"] == 2
    assert said[0]["execution_id"] == f"exec_{UUID(int=7).hex}"
