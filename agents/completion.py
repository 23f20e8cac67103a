"""One request to a model through pydantic-ai: messages, tokens, cost, errors.

Imported only when a provider is used; see `agents/models.py`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelHTTPError,
    ModelQuotaExceededError,
    UserError,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    UserPromptPart,
)
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from agents.agent import Usage
from agents.egress import Egress, Endpoint, split_url
from agents.errors import AgentError
from agents.models import Completion, Conversation, Turn

_RETRYABLE = frozenset({408, 409, 425, 429})
_MODEL_TIMEOUT_SECONDS = 300.0
_THINKING_TOKENS = 4000
"""Room beside the answer for models that cannot but think first."""


def open_client(egress: Egress, base_url: str | None) -> httpx2.AsyncClient:
    """Return the HTTP client for a provider; the operator's own base address is trusted."""
    trusted: list[Endpoint] = [split_url(base_url)] if base_url else []
    return egress.client(trusted=trusted, timeout_seconds=_MODEL_TIMEOUT_SECONDS)


async def complete(model: Model, conversation: Conversation, *, key_name: str) -> Completion:
    """Ask a model once.

    Args:
        model: The model, bound to its provider.
        conversation: What it is asked.
        key_name: The environment variable of its key, for the remedy.

    Raises:
        AgentError: The provider refused (final) or failed for now (retryable).
    """
    settings = settings_of(model, conversation.max_tokens, conversation.temperature)
    messages = list(_messages(conversation.turns))
    try:
        response = await model_request(model, messages, model_settings=settings)
    except (AgentRunError, UserError) as error:
        raise _failure(error, model.model_name, key_name) from error
    return Completion(
        text=response.text or "",
        usage=_usage(response),
        model=response.model_name or model.model_name,
    )


def settings_of(model: Model, max_tokens: int, temperature: float) -> ModelSettings:
    """Keep a model to answering: what it thinks would use up `max_tokens` unseen."""
    profile: Mapping[str, Any] = dict(model.profile)
    thinks = profile.get("supports_thinking", False)
    always = profile.get("thinking_always_enabled", False)
    settings = ModelSettings(max_tokens=max_tokens)
    if always:
        settings["max_tokens"] = max_tokens + _THINKING_TOKENS
    elif thinks:
        settings["thinking"] = False
    refuses = profile.get("anthropic_disallows_sampling_settings") or (
        profile.get("openai_supports_reasoning")
        and not profile.get("openai_supports_reasoning_effort_none")
    )
    if not refuses:
        settings["temperature"] = temperature
    return settings


def _messages(turns: tuple[Turn, ...]) -> Iterator[ModelMessage]:
    for turn in turns:
        if turn.role == "system":
            yield ModelRequest(parts=[SystemPromptPart(turn.text)])
        elif turn.role == "user":
            yield ModelRequest(parts=[UserPromptPart(turn.text)])
        else:
            yield ModelResponse(parts=[TextPart(turn.text)])


def _usage(response: ModelResponse) -> Usage:
    tokens = response.usage.input_tokens + response.usage.output_tokens
    try:
        cost = float(response.cost().total_price)
    except LookupError:
        cost = 0.0
    return Usage(llm_tokens=tokens, api_calls=1, cost_usd=cost)


def _failure(error: Exception, model: str, key_name: str) -> AgentError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AgentError):
            return cause
        cause = cause.__cause__ or cause.__context__
    text = f"The model {model} did not answer: {error}"
    if isinstance(error, ModelHTTPError):
        return _http_failure(error, key_name, text)
    return AgentError(text, retryable=isinstance(error, AgentRunError))


def _http_failure(error: ModelHTTPError, key_name: str, text: str) -> AgentError:
    remedy = ""
    if error.status_code in (401, 403):
        remedy = f"Check {key_name}."
    elif error.status_code == 404:
        remedy = "Check the model's name."
    retryable = error.status_code in _RETRYABLE or error.status_code >= 500
    return AgentError(
        text,
        retryable=retryable and not isinstance(error, ModelQuotaExceededError),
        retry_after_seconds=_seconds((error.headers or {}).get("retry-after")),
        remedy=remedy,
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d+(\.\d+)?", text) else None
