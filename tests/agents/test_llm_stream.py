"""Answers that are told while they grow."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from agents.settings import AgentSettings
from tests.agents.conftest import Run
from tests.agents.model_server import ModelServer, fails, open_model_server, says

POEM = "The sea is wide, the sea is deep."


@dataclass
class Listener:
    """Keeps what it is told."""

    texts: list[list[str]] = field(default_factory=list)
    ended: int = 0

    def begin(self) -> None:
        """Begin a text."""
        self.texts.append([])

    def say(self, piece: str) -> None:
        """Keep a piece."""
        self.texts[-1].append(piece)

    def end(self) -> None:
        """Count an end."""
        self.ended += 1


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A server in the place of the providers."""
    async with open_model_server() as opened:
        yield opened


@pytest.fixture
def settings(server: ModelServer) -> AgentSettings:
    """Settings whose providers are the server."""
    return AgentSettings(
        openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr("sk-ant"),
        anthropic_base_url=server.anthropic_url,
    )


@pytest.mark.requirement("USER.17")
@pytest.mark.parametrize(("format", "model"), [("openai", "m"), ("anthropic", "claude-sonnet")])
async def test_an_answer_is_told_piece_by_piece(
    run: Run, server: ModelServer, format: Any, model: str
) -> None:
    """The pieces are the answer; tokens and model come with its end."""
    server.script(format, says(POEM))
    listener = Listener()
    result = await run("llm", {"prompt": "Write", "model": model}, telling=listener)
    [pieces] = listener.texts
    assert len(pieces) > 3
    assert "".join(pieces) == POEM == result.output
    assert listener.ended == 1
    assert result.usage.llm_tokens == 1100


async def test_an_answer_that_is_given_anew_begins_anew(run: Run, server: ModelServer) -> None:
    """What is repaired, and what another model answers, are texts of their own."""
    server.script("openai", says("no JSON"), fails(503))
    server.script("anthropic", says('{"n": 1}'))
    listener = Listener()
    await run(
        "llm",
        {"prompt": "Count", "model": "m", "output_format": "json", "fallbacks": ["claude-sonnet"]},
        telling=listener,
    )
    assert ["".join(pieces) for pieces in listener.texts] == ["no JSON", "", '{"n": 1}']
    assert listener.ended == 3


async def test_a_node_may_keep_its_answer_to_itself(run: Run, server: ModelServer) -> None:
    """Without `stream` nothing is told, and the answer comes at once."""
    server.script("openai", says(POEM))
    listener = Listener()
    parameters = {"prompt": "Write", "model": "m", "stream": False}
    await run("llm", parameters, telling=listener)
    assert listener.texts == []
    assert not server.of("openai")[0].get("stream")
