"""Asking one model after another until one answers, and keeping count of what all of them cost."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.agent import Telling, Usage
from agents.errors import AgentError
from agents.models import OFFLINE, Choice, Completion, Conversation, Models, Tokens

_SHARE = 2 / 3
"""Of the time that is left, what a model may take that has others after it."""


class ModelAway(Exception):
    """A model did not answer, for whatever reason; another one may."""

    def __init__(self, error: AgentError) -> None:
        self.error = error
        super().__init__(str(error))


def chain(
    models: Models, requested: str, fallbacks: Sequence[str] | None
) -> tuple[list[Choice], list[dict[str, str]]]:
    """Return the models to ask in their order, and which are left out, with the reason.

    Args:
        models: Those of this installation.
        requested: The model that the node names.
        fallbacks: Those that it names for when that one is away; None: the operator's.

    Raises:
        AgentError: No provider is known for a name.
    """
    names = dict.fromkeys([requested, *(models.fallbacks if fallbacks is None else fallbacks)])
    choices = [models.choose(name) for name in names]
    ready = [choice for choice in choices if not choice.missing_key]
    left = [
        {"model": choice.requested, "reason": f"{choice.missing_key} is not set"}
        for choice in choices if choice.missing_key
    ]  # fmt: skip
    # Without any key the built-in model does what it can, and says so.
    return (ready, left) if ready else (choices[:1], [])


@dataclass(slots=True)
class _Spent:
    tokens: Tokens = field(default_factory=Tokens)
    requests: int = 0
    cost_usd: float = 0.0
    priced: bool = True


@dataclass(slots=True)
class Asking:
    """The requests of one attempt, to whichever models."""

    models: Models
    seconds: float | None
    """How long the attempt may take; None: that is not known."""
    telling: Telling | None = None
    """Told the answers as they grow; None: nobody watches."""
    usage: Usage = field(default_factory=Usage)
    left: list[dict[str, str]] = field(default_factory=list)
    """The models that gave no answer, each with the reason."""
    _spent: dict[str, _Spent] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    async def ask(self, choice: Choice, conversation: Conversation, *, last: bool) -> Completion:
        """Ask a model once.

        Args:
            choice: Which.
            conversation: What.
            last: Whether no other model is asked after it.

        Raises:
            ModelAway: It did not answer.
        """
        share = None if last or self.seconds is None else self._seconds_left(self.seconds) * _SHARE
        try:
            async with asyncio.timeout(share):
                completion = await self._complete(choice, conversation)
        except TimeoutError as error:
            late = f"The model {choice.model} did not answer within {share or 0:.0f} s."
            raise ModelAway(AgentError(late, retryable=True)) from error
        except AgentError as error:
            raise ModelAway(error) from error
        self._count(completion)
        return completion

    async def _complete(self, choice: Choice, conversation: Conversation) -> Completion:
        if self.telling is None:
            return await self.models.complete(choice, conversation)
        self.telling.begin()
        try:
            return await self.models.complete(choice, conversation, self.telling.say)
        finally:
            self.telling.end()

    def _seconds_left(self, seconds: float) -> float:
        return max(1.0, seconds - (time.monotonic() - self._began))

    def _count(self, completion: Completion) -> None:
        self.usage += completion.usage
        spent = self._spent.setdefault(completion.model, _Spent())
        spent.tokens += completion.tokens
        spent.requests += 1
        spent.cost_usd += completion.usage.cost_usd
        spent.priced = spent.priced and completion.priced

    def metadata(self) -> dict[str, Any]:
        """Return which models were asked, what each took, and which gave no answer."""
        found: dict[str, Any] = {"models": [*self._told()]} if self._spent else {}
        unknown = [name for name, spent in self._spent.items() if not spent.priced]
        if unknown:
            names = " and ".join(unknown)
            found["price"] = f"not known for {names}, and counted as nothing"
        if self.left:
            found["left"] = self.left
        return found

    def _told(self) -> Iterator[dict[str, Any]]:
        for name, spent in self._spent.items():
            yield {
                "model": name,
                "requests": spent.requests,
                "input_tokens": spent.tokens.input,
                "output_tokens": spent.tokens.output,
                "cached_tokens": spent.tokens.cached,
                "cost_usd": spent.cost_usd if spent.priced else None,
            }


def none_answered(failures: Sequence[tuple[Choice, AgentError]]) -> AgentError:
    """Return the error of a chain; another attempt may help if it may with one of its models."""
    if len(failures) == 1:
        return failures[0][1]
    waits = [
        error.retry_after_seconds for _, error in failures
        if error.retryable and error.retry_after_seconds is not None
    ]  # fmt: skip
    told = " ".join(f"{choice.requested or OFFLINE}: {error}" for choice, error in failures)
    return AgentError(
        f"No model answered. {told}",
        retryable=any(error.retryable for _, error in failures),
        retry_after_seconds=min(waits, default=None),
    )
