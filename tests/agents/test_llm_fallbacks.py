"""Models that are away, limited or refuse, and those that are asked in their place."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from agents.errors import AgentError
from agents.settings import AgentSettings
from tests.agents.conftest import Run
from tests.agents.model_server import (
    Behaviour,
    ModelServer,
    fails,
    is_garbage,
    open_model_server,
    refuses,
    says,
    stalls,
)
from tests.agents.website import Reply, json_reply

REVIEW = "Stopped working after two weeks. Complete waste of money."
HI = {"prompt": "Say hello", "model": "gpt-4", "fallbacks": ["claude-sonnet"]}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A server in the place of the providers."""
    async with open_model_server() as opened:
        yield opened


@pytest.fixture
def settings(server: ModelServer) -> AgentSettings:
    """Settings whose providers are the server."""
    return AgentSettings(
        openai_api_key=SecretStr("sk-test"),
        openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr("sk-ant"),
        anthropic_base_url=server.anthropic_url,
        http_timeout_seconds=20,
    )


def tells(status: int, body: object) -> Behaviour:
    """An error of a provider with a body of its own."""
    return lambda format, model: json_reply(body, status)


@pytest.mark.requirement("FR-3.1", "FR-2.10")
@pytest.mark.parametrize(
    "behaviour", [fails(503), fails(429), fails(401), fails(404), refuses, is_garbage]
)
async def test_another_model_answers_in_the_place_of_one_that_does_not(
    run: Run, server: ModelServer, behaviour: Behaviour
) -> None:
    """What was used, and why the first one was left, stands in the metadata."""
    server.script("openai", behaviour)
    server.script("anthropic", says("Hello."))
    result = await run("llm", HI)
    assert result.output == "Hello."
    assert result.metadata["requested_model"] == "claude-sonnet"
    [left] = result.metadata["left"]
    assert left["model"] == "gpt-4"
    assert "gpt-4" in left["reason"]


@pytest.mark.requirement("FR-2.10")
async def test_a_model_that_stalls_leaves_time_for_the_next(run: Run, server: ModelServer) -> None:
    """A model with others after it gets two thirds of the attempt's time."""
    server.script("openai", stalls)
    server.script("anthropic", says("Hello."))
    result = await run("llm", HI, timeout_seconds=2.0)
    assert result.output == "Hello."
    assert "did not answer within 1 s" in result.metadata["left"][0]["reason"]


async def test_when_all_are_away_each_is_told(run: Run, server: ModelServer) -> None:
    """Another attempt may help if it may with one of them, after the shortest wait."""
    server.script("openai", fails(429, Retry_After="30"))
    server.script("anthropic", fails(401))
    with pytest.raises(AgentError, match=r"gpt-4: .* claude-sonnet: ") as caught:
        await run("llm", HI)
    assert caught.value.retryable
    assert caught.value.retry_after_seconds == 30


async def test_offline_answers_only_when_it_is_named(run: Run, server: ModelServer) -> None:
    """A provider that is away is an error, unless `offline` stands among the fallbacks."""
    server.script("openai", fails(503))
    parameters = {"prompt": f"Analyze sentiment of this review: {REVIEW}", "model": "gpt-4"}
    with pytest.raises(AgentError):
        await run("llm", parameters)
    result = await run("llm", {**parameters, "fallbacks": ["offline"]})
    assert result.metadata["is_llm"] is False
    assert result.metadata["left"][0]["model"] == "gpt-4"


async def test_a_model_is_asked_when_offline_cannot(run: Run, server: ModelServer) -> None:
    """The built-in model may stand first: what it cannot do is asked of the next."""
    server.script("openai", says("Waves."))
    parameters = {"prompt": "Write a poem about the sea", "model": "offline"}
    result = await run("llm", {**parameters, "fallbacks": ["gpt-4"]})
    assert result.output == "Waves."


class TestWithoutAKey:
    """One provider of two is configured."""

    @pytest.fixture
    def settings(self, server: ModelServer) -> AgentSettings:
        """Settings with Anthropic alone, and what the operator lets nodes fall back on."""
        return AgentSettings(
            anthropic_api_key=SecretStr("sk-ant"),
            anthropic_base_url=server.anthropic_url,
            fallback_models=("claude-sonnet",),
        )

    async def test_the_operators_fallback_takes_its_place(
        self, run: Run, server: ModelServer
    ) -> None:
        """A model without a key is passed over, and the reason is told."""
        server.script("anthropic", says("Hello."))
        result = await run("llm", {"prompt": "Say hello", "model": "gpt-4"})
        assert result.metadata["left"] == [
            {"model": "gpt-4", "reason": "OPENAI_API_KEY is not set"}
        ]

    async def test_a_node_may_want_no_fallback(self, run: Run) -> None:
        """An empty list is none, also where the operator has some."""
        with pytest.raises(AgentError, match="Set OPENAI_API_KEY"):
            await run("llm", {"prompt": "Write a poem", "model": "gpt-4", "fallbacks": []})


TOO_LONG = [
    (
        "openai",
        400,
        {"error": {"message": "This model's maximum context length is 8192 tokens. However, your "
                   "messages resulted in 10000 tokens.", "code": "context_length_exceeded",
                   "type": "invalid_request_error"}},
        "The prompt has 10000 tokens, the model gpt-4 takes 8192.",
    ),
    (
        "anthropic",
        400,
        {"type": "error", "error": {"type": "invalid_request_error",
         "message": "prompt is too long: 212345 tokens > 200000 maximum"}},
        "The prompt has 212345 tokens, the model claude-sonnet-5-5 takes 200000.",
    ),
    (
        "openai",
        400,
        [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "The input token count "
          "(1200000) exceeds the maximum number of tokens allowed (1048576)."}}],
        "The prompt has 1200000 tokens, the model gpt-4 takes 1048576.",
    ),
    (
        "openai",
        400,
        {"error": {"message": "the request (5000 tokens) exceeds the available context size "
                   "(4096 tokens), try increasing it", "type": "exceed_context_size_error"}},
        "The prompt has 5000 tokens, the model gpt-4 takes 4096.",
    ),
]  # fmt: skip


@pytest.mark.requirement("FR-2.10")
@pytest.mark.parametrize(("format", "status", "body", "said"), TOO_LONG)
async def test_a_prompt_that_is_too_long_says_so(
    run: Run, server: ModelServer, format: Any, status: int, body: object, said: str
) -> None:
    """However a provider says it: how many tokens there are, how many fit, and what to do."""
    server.script(format, tells(status, body))
    model = "gpt-4" if format == "openai" else "claude-sonnet"
    with pytest.raises(AgentError) as caught:
        await run("llm", {"prompt": "Say hello", "model": model})
    assert str(caught.value).startswith(said)
    assert "Shorten the prompt" in caught.value.remedy
    assert not caught.value.retryable


@pytest.mark.requirement("FR-2.10")
@pytest.mark.parametrize(
    ("format", "status", "body", "retryable", "said"),
    [
        ("openai", 429, {"error": {"code": "insufficient_quota", "message": "x"}}, False, "credit"),
        ("openai", 429, {"error": {"code": "rate_limit_exceeded", "message": "x"}}, True, ""),
        ("openai", 408, {"error": {"message": "x"}}, True, ""),
        ("openai", 403, {"error": {"message": "x"}}, False, "Check OPENAI_API_KEY"),
        ("openai", 404, {"error": {"code": "model_not_found", "message": "x"}}, False, "name"),
        ("openai", 400, {"error": {"code": "content_filter", "message": "x"}}, False, "refused"),
        ("openai", 404, {"error": "model 'qwen' not found"}, False, "name"),
        ("anthropic", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}},
         True, ""),
        ("anthropic", 401, {"type": "error", "error": {"type": "authentication_error",
         "message": "x"}}, False, "Check ANTHROPIC_API_KEY"),
        ("openai", 503, [{"error": {"code": 503, "status": "UNAVAILABLE", "message": "x"}}],
         True, ""),
    ],
)  # fmt: skip
async def test_errors_are_final_or_not_by_what_they_say(
    run: Run, server: ModelServer, format: Any, status: int, body: object, retryable: bool,
    said: str,
) -> None:  # fmt: skip
    """The providers' own codes decide, where the status alone does not."""
    server.script(format, tells(status, body))
    model = "gpt-4" if format == "openai" else "claude-sonnet"
    with pytest.raises(AgentError) as caught:
        await run("llm", {"prompt": "Say hello", "model": model})
    assert caught.value.retryable is retryable
    assert said in str(caught.value)


async def test_a_refusal_of_the_model_is_an_error(run: Run, server: ModelServer) -> None:
    """A model that will not answer has given no output."""
    server.script("anthropic", refuses)
    with pytest.raises(AgentError, match="refused to answer"):
        await run("llm", {"prompt": "Say hello", "model": "claude-sonnet"})


@pytest.mark.requirement("FR-7.7")
async def test_tokens_are_told_by_model(run: Run, server: ModelServer) -> None:
    """Those of the input, of the output, and those that the provider had already."""

    def cached(format: Any, model: str) -> Reply:
        usage = {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 900,
                 "cache_creation_input_tokens": 0}  # fmt: skip
        return json_reply(
            {"id": "m1", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
             "content": [{"type": "text", "text": "Hi."}], "stop_reason": "end_turn",
             "stop_sequence": None, "usage": usage}
        )  # fmt: skip

    server.script("anthropic", cached)
    result = await run("llm", {"prompt": "Say hello", "model": "claude-opus"})
    [told] = result.metadata["models"]
    assert (told["input_tokens"], told["output_tokens"], told["cached_tokens"]) == (1000, 20, 900)
    assert told["cost_usd"] == pytest.approx(result.usage.cost_usd)
    assert 0 < told["cost_usd"] < 1020 * 20e-6
    assert "price" not in result.metadata


@pytest.mark.requirement("FR-7.7")
async def test_a_model_of_unknown_price_costs_nothing_and_says_so(
    run: Run, server: ModelServer
) -> None:
    """The cost is not guessed."""
    server.script("openai", says("Hello."))
    result = await run("llm", {"prompt": "Say hello", "model": "my-own-llama"})
    assert result.usage.cost_usd == 0
    assert result.metadata["models"][0]["cost_usd"] is None
    assert "my-own-llama" in result.metadata["price"]


async def test_an_answer_that_ended_at_max_tokens_says_so(run: Run, server: ModelServer) -> None:
    """A text that was cut short is marked; JSON that was is asked for again."""

    def cut(format: Any, model: str) -> Reply:
        reply = says('{"n": ')(format, model)
        body = reply.body if isinstance(reply.body, bytes) else reply.body.encode()
        return replace(reply, body=body.replace(b'"stop"', b'"length"'))

    server.script("openai", cut)
    result = await run("llm", {"prompt": "Say hello", "model": "gpt-4"})
    assert result.metadata["cut_short"] is True
    with pytest.raises(AgentError, match="ended at max_tokens"):
        await run("llm", {"prompt": "Count", "model": "gpt-4", "output_format": "json"})
