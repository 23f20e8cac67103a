"""Trying a node until it succeeds, fails for good, or has no attempts left."""

import asyncio
import math
import random
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from actors.errors import ExecutionError
from agents.agent import Agent, AgentContext, AgentResult, Parameters
from agents.errors import AgentError
from compiler.references import UnresolvedReference, resolve_twice
from compiler.specification import Node, Retry
from store.json_values import clean_text, jsonable

TRACE_CHARACTERS = 8_000
OUTPUT_LEVELS = 200
"""How deep an output may be nested; what is recorded of it wraps it a few times."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a node, ended or not."""

    number: int
    started_at: datetime
    shown_parameters: Any
    """The resolved parameters with secrets left as references: what logs may hold."""
    ended_at: datetime | None = None
    result: AgentResult | None = None
    error: str | None = None
    trace: str | None = None
    retry_in_seconds: float | None = None
    """When another attempt follows: after how long."""

    @property
    def seconds(self) -> float:
        """How long it took; 0 before its end."""
        return ((self.ended_at or self.started_at) - self.started_at).total_seconds()


def delay_seconds(retry: Retry, attempt: int, spread: float) -> float:
    """Return how long to wait after a failed attempt.

    Args:
        retry: The node's policy.
        attempt: The number of the attempt that failed, from 1.
        spread: Where in the jitter the delay falls, from -1 to 1.
    """
    return retry.delay_seconds(attempt + 1) * (1 + retry.jitter * spread)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done: a node's agent with everything that its parameters may refer to."""

    node: Node
    agent: Agent[Any]
    code: frozenset[str]
    """Places among the parameters that hold code and are not templates."""
    scope: Mapping[str, Any]
    secrets: Mapping[str, str]
    context: AgentContext

    def resolved(self) -> tuple[Any, Any]:
        """Resolve the parameters: without secrets, to be shown, and with them.

        Raises:
            UnresolvedReference: A reference names nothing.
        """
        return resolve_twice(self.node.parameters, self.scope, self.secrets, skip=self.code)

    def parameters(self, values: Any) -> Parameters:
        """Validate resolved parameters.

        Raises:
            AgentError: A value has the wrong form.
        """
        try:
            return self.agent.parameters.model_validate(values)
        except ValidationError as error:
            lines = [
                f"parameters.{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors(include_input=False, include_url=False)
            ]
            raise AgentError("; ".join(lines)) from None


Told = Callable[[Attempt], Awaitable[None]]


async def attempt_until_done(
    work: Work,
    started: Told,
    retrying: Told,
    *,
    first: int = 1,
    longest_sleep_seconds: float = math.inf,
) -> Attempt:
    """Run a node's agent under its timeout and retry policy.

    Args:
        work: What is to be done.
        started: Called before each attempt.
        retrying: Called after a failed attempt that another follows, before the wait.
        first: The number of the attempt that is made first.
        longest_sleep_seconds: Before a wait that is longer it returns.

    Returns:
        The last attempt: with a result, or with an error; when another is to follow that the
        caller has to wait for, with `retry_in_seconds`.

    Raises:
        ExecutionError: The owner may not go on; never a failure of the agent.
    """
    number = first
    while True:
        attempt = await _attempt(work, number, started)
        wait = attempt.retry_in_seconds
        if wait is None or wait > longest_sleep_seconds:
            return attempt
        await retrying(attempt)
        await asyncio.sleep(wait)
        number += 1


async def _attempt(work: Work, number: int, started: Told) -> Attempt:
    begun = Attempt(number, datetime.now(UTC), None)
    timeout_seconds = work.node.timeout or work.agent.default_timeout_seconds
    try:
        shown, values = work.resolved()
        begun = Attempt(number, begun.started_at, shown)
        await started(begun)
        parameters = work.parameters(values)
        context = work.context
        if number != context.attempt:
            context = replace(context, attempt=number)
        async with asyncio.timeout(timeout_seconds):
            result = await work.agent.run(parameters, context)
        output = jsonable(result.output, OUTPUT_LEVELS)
        kept = AgentResult(output, result.usage, result.metadata)
        return Attempt(number, begun.started_at, shown, datetime.now(UTC), kept)
    except ExecutionError:
        raise
    except TimeoutError:
        late = AgentError(f"The attempt took longer than {timeout_seconds:g} s.", retryable=True)
        return _failed(begun, work, late, None)
    except (AgentError, UnresolvedReference) as error:
        return _failed(begun, work, error, None)
    except Exception as error:
        return _failed(begun, work, error, traceback.format_exc()[-TRACE_CHARACTERS:])


def _failed(begun: Attempt, work: Work, error: Exception, trace: str | None) -> Attempt:
    retry = work.node.retry
    wait: float | None = None
    if isinstance(error, AgentError) and error.retryable and begun.number < retry.max_attempts:
        spread = random.uniform(-1, 1)  # noqa: S311 - spreads load, guards nothing
        wait = max(delay_seconds(retry, begun.number, spread), error.retry_after_seconds or 0)
    text = str(error) or type(error).__name__
    if trace:
        text = f"{type(error).__name__}: {text}"
    return replace(
        begun,
        ended_at=datetime.now(UTC),
        error=_without_secrets(text, work.secrets),
        trace=_without_secrets(trace, work.secrets) if trace else None,
        retry_in_seconds=wait,
    )


def _without_secrets(text: str, secrets: Mapping[str, str]) -> str:
    # The longest first: one secret may be the beginning of another.
    for name, value in sorted(secrets.items(), key=lambda secret: -len(secret[1])):
        if value:
            text = text.replace(value, f"{{secrets.{name}}}")
    return clean_text(text)
