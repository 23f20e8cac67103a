"""One request to a model through pydantic-ai: messages, tools, tokens, cost.

Imported only when a provider is used; see `agents/models.py`.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, cast

import httpx2
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from agents.agent import Usage
from agents.bounded_answers import BoundedAnswers
from agents.egress import USER_AGENT, Egress, Endpoint, split_url
from agents.models import Completion, Conversation, Heard, Tokens, ToolCall, Turn
from agents.provider_errors import provider_error, refusal

_MODEL_TIMEOUT_SECONDS = 300.0
_THINKING_TOKENS = 4000
"""Room beside the answer for models that cannot but think first."""


def open_client(egress: Egress, base_url: str | None) -> httpx2.AsyncClient:
    """Return the HTTP client for a provider; the operator's own base address is trusted."""
    trusted: list[Endpoint] = [split_url(base_url)] if base_url else []
    return httpx2.AsyncClient(
        transport=BoundedAnswers(egress.transport(trusted), egress.max_response_bytes),
        trust_env=False,
        timeout=_MODEL_TIMEOUT_SECONDS,
        headers={"User-Agent": USER_AGENT},
    )


async def complete(
    model: Model, conversation: Conversation, *, key_name: str, heard: Heard | None = None
) -> Completion:
    """Ask a model once.

    Args:
        model: The model, bound to its provider.
        conversation: What it is asked.
        key_name: The environment variable of its key, for the remedy.
        heard: Called with each piece of the answer as it comes; None: nobody listens.

    Raises:
        AgentError: The provider refused (final) or failed for now (retryable).
    """
    settings = settings_of(model, conversation.max_tokens, conversation.temperature)
    messages = list(_messages(conversation.turns))
    tools = [
        ToolDefinition(
            name=tool.name,
            parameters_json_schema=dict(tool.schema),
            description=tool.description,
            strict=False,
        )
        for tool in conversation.tools
    ]
    parameters = ModelRequestParameters(function_tools=tools)
    try:
        if heard is None:
            response = await model_request(
                model, messages, model_settings=settings, model_request_parameters=parameters
            )
        else:
            response = await _streamed(model, messages, settings, parameters, heard)
    except (AgentRunError, UserError) as error:
        raise provider_error(error, model.model_name, key_name) from error
    if response.finish_reason == "content_filter" and not response.tool_calls:
        raise refusal(model.model_name)
    cost_usd = _cost_usd(response)
    tokens = _tokens(response)
    return Completion(
        text=response.text or "",
        usage=Usage(tokens.input + tokens.output, 1, cost_usd or 0.0),
        model=response.model_name or model.model_name,
        tokens=tokens,
        priced=cost_usd is not None,
        cut_short=response.finish_reason == "length",
        calls=tuple(
            ToolCall(part.tool_call_id, part.tool_name, part.args_as_json_str())
            for part in response.tool_calls
        ),
        response=response,
    )


async def _streamed(
    model: Model,
    messages: list[ModelMessage],
    settings: ModelSettings,
    parameters: ModelRequestParameters,
    heard: Heard,
) -> ModelResponse:
    opened = model_request_stream(
        model, messages, model_settings=settings, model_request_parameters=parameters
    )
    async with opened as stream:
        async for event in stream:
            match event:
                case PartStartEvent(part=TextPart(content=text)):
                    heard(text)
                case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                    heard(text)
        return stream.get()


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
    for role, group in groupby(turns, key=lambda turn: turn.role):
        match role:
            case "tool":
                # All results of one answer's calls belong into one message.
                yield ModelRequest(parts=[_returned(turn) for turn in group])
            case "system":
                yield ModelRequest(parts=[SystemPromptPart(turn.text) for turn in group])
            case "user":
                yield ModelRequest(parts=[UserPromptPart(turn.text) for turn in group])
            case "assistant":
                yield from map(_answered, group)


def _answered(turn: Turn) -> ModelResponse:
    if turn.response is not None:
        return cast("ModelResponse", turn.response)
    return ModelResponse(parts=[TextPart(turn.text)])


def _returned(turn: Turn) -> ToolReturnPart:
    if turn.call is None:
        raise ValueError("a tool's turn names no call")
    return ToolReturnPart(turn.call.name, turn.text, turn.call.id)


def _tokens(response: ModelResponse) -> Tokens:
    usage = response.usage
    return Tokens(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)


def _cost_usd(response: ModelResponse) -> float | None:
    """Return what an answer cost; None for a model whose price is not known."""
    if not response.model_name:
        return None
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        return None
