"""The llm agent against servers that speak the providers' protocols."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from agents import openai_provider
from agents.egress import Egress
from agents.errors import AgentError
from agents.llm_parameters import LlmParameters
from agents.models import Access
from agents.settings import AgentSettings
from tests.agents.conftest import Run
from tests.agents.website import Asked, Reply, Site, json_reply

REVIEW = "Stopped working after two weeks. Complete waste of money."
SKILLS = {"prompt": "Extract skills from: {x}", "model": "gpt-4", "output_format": "json_array"}


def openai_reply(text: str, model: str = "gpt-6.1-terra-2026-01-01") -> Reply:
    """Return an answer as OpenAI gives it."""
    return json_reply(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text},
                }
            ],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
        }
    )


def anthropic_reply(text: str) -> Reply:
    """Return an answer as Anthropic gives it."""
    return json_reply(
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 500, "output_tokens": 50},
        }
    )


def in_turn(*replies: Reply) -> Callable[[Asked], Reply]:
    """Return a handler that gives one answer after another."""
    waiting = list(replies)
    return lambda asked: waiting.pop(0)


@pytest.fixture
def settings(site: Site) -> AgentSettings:
    """Settings whose providers are the test's site; loopback itself is closed to agents."""
    return AgentSettings(
        openai_api_key=SecretStr("sk-test"),
        openai_base_url=site.url("/v1"),
        anthropic_api_key=SecretStr("sk-ant"),
        anthropic_base_url=site.url(),
        ollama_base_url=site.url(""),
        http_timeout_seconds=20,
    )


@pytest.mark.requirement("FR-3.1", "FR-7.7")
async def test_openai_answers(run: Run, site: Site) -> None:
    """The prompt arrives with its bounds and key; tokens and the model come back."""
    site.replies["/v1/chat/completions"] = openai_reply(" Hello. ")
    parameters = {
        "prompt": "Say hello",
        "model": "gpt-4o-mini",
        "temperature": 0.3,
        "system": "Be kind",
    }
    result = await run("llm", {**parameters, "max_tokens": 77})
    asked: Any = site.asked[0].json
    assert result.output == "Hello."
    assert result.usage.llm_tokens == 1100
    assert result.metadata["is_llm"] is True
    assert site.asked[0].headers["authorization"] == "Bearer sk-test"
    assert [m["content"] for m in asked["messages"]] == ["Be kind", "Say hello"]
    assert asked["temperature"] == 0.3
    assert 77 in (asked.get("max_tokens"), asked.get("max_completion_tokens"))


@pytest.mark.requirement("FR-3.1", "FR-7.7")
async def test_anthropic_answers_and_costs(run: Run, site: Site) -> None:
    """The alias claude-opus is served by its current model, and its cost is computed."""
    site.replies["/v1/messages"] = anthropic_reply("Hello.")
    result = await run("llm", {"prompt": "Say hello", "model": "claude-opus", "temperature": 1.8})
    asked: Any = site.asked[0].json
    assert result.output == "Hello."
    assert asked["model"] == "claude-opus-5-5"
    assert "temperature" not in asked
    assert result.usage.llm_tokens == 550
    assert result.usage.cost_usd == pytest.approx(500 * 4e-6 + 50 * 20e-6)


@pytest.mark.requirement("FR-3.1")
@pytest.mark.parametrize(
    "text",
    ['["Python", "SQL"]', '```json\n["Python", "SQL"]\n```', '{"skills": ["Python", "SQL"]}'],
)
async def test_json_is_read_from_the_answer(run: Run, site: Site, text: str) -> None:
    """An array is taken out of fences and wrappers."""
    site.replies["/v1/chat/completions"] = openai_reply(text)
    assert (await run("llm", SKILLS)).output == ["Python", "SQL"]


@pytest.mark.requirement("FR-3.1")
async def test_broken_json_is_repaired_once(run: Run, site: Site) -> None:
    """A model that errs is told what is wrong and asked again; both requests are counted."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    site.replies["/v1/chat/completions"] = in_turn(
        openai_reply('{"n": "seven"}'), openai_reply('{"n": 7}')
    )
    parameters = {"prompt": "Count", "model": "gpt-4", "output_format": "json"}
    result = await run("llm", {**parameters, "json_schema": schema})
    assert result.output == {"n": 7}
    assert result.usage.api_calls == 2
    assert result.usage.llm_tokens == 2200
    second: Any = site.asked[1].json
    assert '"seven" is not of type "integer"' in second["messages"][-1]["content"]


async def test_json_that_stays_broken_is_an_error(run: Run, site: Site) -> None:
    """After the repair round the node fails, with a remedy."""
    site.replies["/v1/chat/completions"] = in_turn(openai_reply("no"), openai_reply("still no"))
    with pytest.raises(AgentError, match="did not answer in the form"):
        await run("llm", SKILLS)


async def test_input_that_the_prompt_leaves_out_is_sent(run: Run, site: Site) -> None:
    """The data of the node's input reaches the model although no reference names it."""
    site.replies["/v1/chat/completions"] = openai_reply('{"sentiment": "negative", "score": -1}')
    parameters = {"prompt": "Analyze the sentiment", "model": "gpt-4", "output_format": "json"}
    result = await run("llm", parameters, inputs={"item": REVIEW})
    asked: Any = site.asked[0].json
    assert REVIEW in asked["messages"][-1]["content"]
    assert result.output == {"sentiment": "negative", "score": -1, "text": REVIEW}


@pytest.mark.requirement("FR-2.10")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize(
    ("status", "retryable"), [(401, False), (400, False), (429, True), (500, True), (503, True)]
)
async def test_provider_errors(
    run: Run, site: Site, path: str, status: int, retryable: bool
) -> None:
    """Errors are final or retryable by their status, and Retry-After is kept."""
    site.replies[path] = Reply(
        '{"error": {"message": "no", "type": "x"}}',
        status,
        {"Content-Type": "application/json", "Retry-After": "12"},
    )
    model = "gpt-4" if "chat" in path else "claude-sonnet"
    with pytest.raises(AgentError) as caught:
        await run("llm", {"prompt": "Hi", "model": model})
    assert caught.value.retryable is retryable
    assert caught.value.retry_after_seconds == 12
    assert len(site.asked) == 1
    if status == 401:
        assert "_API_KEY" in caught.value.remedy


@pytest.mark.parametrize("prompt", ["", None])
def test_prompt_is_needed(prompt: str | None) -> None:
    """A node without a prompt is refused."""
    with pytest.raises(ValidationError):
        LlmParameters.model_validate({"prompt": prompt})


async def test_schema_cannot_fetch(run: Run, site: Site) -> None:
    """A schema that points to another document is refused without a request."""
    schema = {"$ref": site.url("/schema.json")}
    site.replies["/v1/chat/completions"] = openai_reply("{}")
    with pytest.raises(AgentError, match="not a usable JSON Schema"):
        await run("llm", {"prompt": "x", "model": "gpt-4", "json_schema": schema})
    assert "/schema.json" not in site.paths()


async def test_ollama_answers_without_a_key(run: Run, site: Site, settings: AgentSettings) -> None:
    """Its models are named with a prefix, and asked under its own address."""
    site.replies["/v1/chat/completions"] = openai_reply("Hello.", "llama3.2")
    result = await run("llm", {"prompt": "Say hello", "model": "ollama:llama3.2"})
    asked: Any = site.asked[0].json
    assert (result.output, asked["model"]) == ("Hello.", "llama3.2")


async def test_google_is_asked_at_its_own_address() -> None:
    """Gemini is reached by its provider's endpoint for OpenAI's protocol, with known prices."""
    access = Access(SecretStr("k"))
    async with openai_provider.open_provider(Egress(), "google", access) as provider:
        model = provider.model("gemini-3.8-flash")
    assert model.base_url == "https://generativelanguage.googleapis.com/v1beta/openai/"
    assert model.system == "google"
    assert model.profile["openai_supports_strict_tool_definition"] is False


class TestChoice:
    """Which model a name means, by what is configured."""

    @pytest.fixture
    def settings(self, request: pytest.FixtureRequest) -> AgentSettings:
        """Settings with the changes that a test names."""
        return replace(AgentSettings(), **getattr(request, "param", {}))

    @pytest.mark.requirement("FR-3.1")
    async def test_default_without_keys_is_offline(self, run: Run) -> None:
        """Without a key the built-in model works, and says that it is no LLM."""
        parameters = {"prompt": f"Analyze sentiment of this review: {REVIEW}"}
        result = await run("llm", {**parameters, "output_format": "json"}, inputs={"item": REVIEW})
        assert result.output["sentiment"] == "negative"
        assert result.output["text"] == REVIEW
        assert result.metadata == {"model": "offline", "is_llm": False, "task": "sentiment"}
        assert result.usage.cost_usd == 0

    @pytest.mark.requirement("FR-3.1")
    async def test_named_model_without_key_is_offline_when_it_can(self, run: Run) -> None:
        """The document's sentiment node runs without its model, and the log says why."""
        parameters = {"prompt": f"Analyze sentiment of this review: {REVIEW}", "model": "gpt-3.5"}
        result = await run("llm", parameters)
        assert result.output.startswith("negative (")
        assert result.metadata["requested_model"] == "gpt-3.5"
        assert result.metadata["reason"] == "OPENAI_API_KEY is not set"

    @pytest.mark.requirement("FR-3.1")
    @pytest.mark.parametrize(
        ("model", "key"),
        [
            ("gpt-4", "OPENAI_API_KEY"),
            ("claude-opus", "ANTHROPIC_API_KEY"),
            ("default", "OPENAI_API_KEY or ANTHROPIC_API_KEY"),
            ("offline", "OPENAI_API_KEY or ANTHROPIC_API_KEY"),
        ],
    )
    async def test_job_that_needs_a_model_names_the_key(
        self, run: Run, model: str, key: str
    ) -> None:
        """A job that offline cannot do fails with the key to set."""
        with pytest.raises(AgentError, match=f"Set {key}") as caught:
            await run("llm", {"prompt": "Write a poem about the sea", "model": model})
        assert not caught.value.retryable

    async def test_unknown_model_is_told(self, run: Run) -> None:
        """A name that no provider has is an error that lists the aliases."""
        with pytest.raises(AgentError, match="claude-sonnet, gemini, offline"):
            await run("llm", {"prompt": "Summarize: x", "model": "llama-3"})

    @pytest.mark.parametrize(
        ("settings", "name", "provider", "model"),
        [
            ({}, "default", None, "offline"),
            ({"anthropic_api_key": SecretStr("k")}, "default", "anthropic", "claude-sonnet-5-5"),
            ({"openai_api_key": SecretStr("k")}, "default", "openai", "gpt-6.1-terra"),
            ({"openai_api_key": SecretStr("k")}, "gpt-3.5", "openai", "gpt-6-luna"),
            ({"openai_api_key": SecretStr("k")}, "openai:o9", "openai", "o9"),
            ({"google_api_key": SecretStr("k")}, "default", "google", "gemini-3.8-flash"),
            ({"google_api_key": SecretStr("k")}, "gemini-4-argon", "google", "gemini-4-argon"),
            ({"ollama_base_url": "http://h"}, "ollama:qwen3:8b", "ollama", "qwen3:8b"),
            ({"ollama_base_url": "http://h"}, "default", None, "offline"),
            ({"openai_base_url": "http://h/v1"}, "llama-3", "openai", "llama-3"),
            ({"openai_base_url": "http://h/v1"}, "gpt-4", "openai", "gpt-4"),
            (
                {"openai_base_url": "http://h/v1", "default_model": "qwen"},
                "default",
                "openai",
                "qwen",
            ),
            (
                {"default_model": "offline", "openai_api_key": SecretStr("k")},
                "default",
                None,
                "offline",
            ),
        ],
        indirect=["settings"],
    )
    async def test_names(self, services: Any, name: str, provider: str | None, model: str) -> None:
        """Names, prefixes and defaults lead to a provider and its model."""
        choice = (await services.models()).choose(name)
        assert (choice.provider, choice.model) == (provider, model)
