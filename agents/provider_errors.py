"""What a provider's error means: whether another attempt may help, and what a person can do.

Imported only when a provider is used; see `agents/models.py`.
"""

import re
from collections.abc import Iterator

from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelUnavailableError,
)

from agents.errors import AgentError

_RETRYABLE = frozenset({408, 409, 425, 429})
_FILTERS = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "safety"}
)
"""Codes of a request that was not answered because of what stands in it."""
_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|window|size)|maximum number of tokens|prompt is too long|"
    r"context limit|request_too_large",
    re.IGNORECASE,
)
_ASKED_AND_MOST = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Anthropic: "prompt is too long: 212345 tokens > 200000 maximum".
        r"(?P<asked>\d+) tokens? > (?P<most>\d+)",
        # Google: "The input token count (1200000) exceeds the maximum … allowed (1048576)."
        r"token count \(?(?P<asked>\d+)\)? exceeds .{0,60}?\(?(?P<most>\d+)",
        # OpenAI and vLLM: "maximum context length is 8192 tokens. However, … 10000 tokens".
        r"maximum context length is (?P<most>\d+) tokens.{0,80}?(?P<asked>\d+) tokens",
        # llama.cpp, which Ollama runs: "request (5000 tokens) exceeds the available context size
        # (4096 tokens)".
        r"\((?P<asked>\d+) tokens\) exceeds .{0,40}?\((?P<most>\d+) tokens\)",
        r"context (?:size|length|window).{0,20}?(?P<most>\d+)",
    )
)
_SHORTEN = "Shorten the prompt or its data, or name a model that takes more."


class ModelRefused(AgentError):
    """The provider answered that this request will not be answered: its content was refused."""


def provider_error(error: Exception, model: str, key_name: str) -> AgentError:
    """Return what a failed request to a model means for the node.

    Args:
        error: As pydantic-ai raises it.
        model: Which model was asked.
        key_name: The environment variable of its key, for the remedy.
    """
    for cause in _causes(error):
        if isinstance(cause, AgentError):
            return cause
    text = f"The model {model} did not answer: {_shown(error)}"
    if isinstance(error, ContentFilterError) or _code(error) in _FILTERS:
        return refusal(model)
    if isinstance(error, ModelContextWindowExceededError) or _is_too_long(error):
        return AgentError(_too_long(model, str(error)), remedy=_SHORTEN)
    retryable, remedy = _verdict(error, key_name)
    wait = error.retry_after if isinstance(error, ModelAPIError) else None
    return AgentError(text, retryable=retryable, retry_after_seconds=wait, remedy=remedy)


def refusal(model: str) -> ModelRefused:
    """Return the error for an answer that the provider's filter or the model itself withheld."""
    return ModelRefused(
        f"The model {model} refused to answer: its provider's rules forbid what is asked.",
        remedy="Ask otherwise, or name another model under `fallbacks`.",
    )


def _verdict(error: Exception, key_name: str) -> tuple[bool, str]:
    """Return whether another attempt may help, and what a person can do."""
    match error:
        case ModelQuotaExceededError():
            return False, f"The account behind {key_name} has no credit left; top it up."
        case ModelAuthenticationError():
            return False, f"Check {key_name}."
        case ModelNotFoundError():
            return False, "Check the model's name."
        case ModelRateLimitError() | ModelUnavailableError() | ModelServerError():
            return True, ""
        case ModelConnectionError():
            return True, ""
        case ModelHTTPError(status_code=status):
            return status in _RETRYABLE or status >= 500, ""
        case ModelRequestRejectedError():
            return False, ""
    return isinstance(error, AgentRunError), ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _code(error: Exception) -> str:
    code = error.provider_error_code if isinstance(error, ModelAPIError) else None
    return str(code or "").lower()


def _is_too_long(error: Exception) -> bool:
    """Whether a refused request was too long, as providers say it that have no code for it."""
    if not isinstance(error, ModelHTTPError) or error.status_code not in (400, 413, 422):
        return False
    return error.status_code == 413 or bool(_TOO_LONG.search(str(error)))


def _too_long(model: str, told: str) -> str:
    text = told.replace(",", "")
    for pattern in _ASKED_AND_MOST:
        if found := pattern.search(text):
            asked, most = found.groupdict().get("asked"), found["most"]
            begin = f"The prompt has {asked} tokens" if asked else "The prompt is too long"
            return f"{begin}, the model {model} takes {most}."
    return f"The prompt is too long for the model {model}."


def _shown(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 1000 else f"{text[:1000]}…"
