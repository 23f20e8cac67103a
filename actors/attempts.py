"""Trying a node until it succeeds, fails for good, or has no attempts left."""

import asyncio
import math
import random
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from actors.errors import ExecutionError
from actors.secrets import NOTHING, Held, Secrets, secret_names
from actors.telling import Say, telling
from agents.agent import Agent, AgentContext, AgentResult, checked_parameters
from agents.bound import holding, reaching
from agents.catalog.call import SECRETS
from agents.errors import AgentError
from agents.redaction import Redaction
from agents.registry import Registry
from agents.tools import Toolset
from compiler.references import UnresolvedReference, resolve_twice
from compiler.specification import Node, Retry
from compiler.tools import LLM, TOOLS
from store.json_values import clean_text, jsonable

TRACE_CHARACTERS = 8_000
OUTPUT_LEVELS = 200
"""How deep an output may be nested; what is recorded of it wraps it a few times."""
LIST_PART = 5_000
"""How many elements of a long list are written or read before others have their turn."""


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
    used: tuple[str, ...] = ()
    """The custom agents that it has run, each as often as it was."""

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
    secrets: Secrets
    context: AgentContext
    say: Say | None = None
    """Shows texts that grow to those who watch; None: nobody can."""

    @classmethod
    def of(
        cls,
        registry: Registry,
        node: Node,
        scope: Mapping[str, Any],
        secrets: Secrets,
        context: AgentContext,
        say: Say | None = None,
    ) -> "Work":
        """Make it with an agent of a registry; a custom one may name secrets of its own.

        What a model may call is read here, from what is written: never from what is resolved.
        """
        agent = registry.get(node.agent)
        if node.agent == LLM and TOOLS in node.parameters:
            tools = Toolset.of(registry, node)
            node, context = tools.with_own_secrets(node), replace(context, tools=tools)
        if own := getattr(agent, "own_secrets", ()):
            named = {name: f"{{secrets.{name}}}" for name in own}
            node = node.model_copy(update={"parameters": {**node.parameters, SECRETS: named}})
        code = registry.code_parameters(node.agent)
        return cls(node, agent, code, scope, secrets, context, say)

    async def hold(self) -> Held:
        """Open the secrets that the parameters name, and look which hosts may be reached.

        Raises:
            AgentError: One cannot be opened, or is not meant for what the agent does.
        """
        names = secret_names(self.node.parameters, self.code)
        held = await self.secrets.hold(self.context.tenant_id, names)
        if self.agent.side_effect != "none":
            hosts = await self.secrets.hosts(self.context.tenant_id)
            return held if hosts is None else replace(held, reachable=hosts)
        if held.bound:
            raise AgentError(
                f"The secret `{held.bound[0].name}` is for calls of its hosts, and "
                f"`{self.node.agent}` calls none.",
                remedy="Use it in the node that logs in there.",
            )
        return held

    def resolved(self, held: Held) -> tuple[Any, Any]:
        """Resolve the parameters: without secrets, to be shown, and with them.

        Raises:
            UnresolvedReference: A reference names nothing.
        """
        return resolve_twice(self.node.parameters, self.scope, held.values, skip=self.code)


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
        used: list[str] = []
        context = replace(work.context, attempt=number, used=used)
        attempt = await _attempt(replace(work, context=context), number, started)
        attempt = replace(attempt, used=tuple(used))
        wait = attempt.retry_in_seconds
        if wait is None or wait > longest_sleep_seconds:
            return attempt
        await retrying(attempt)
        await asyncio.sleep(wait)
        number += 1


async def _attempt(work: Work, number: int, started: Told) -> Attempt:
    begun = Attempt(number, datetime.now(UTC), None)
    timeout_seconds = work.node.timeout or work.agent.default_timeout_seconds
    held = NOTHING
    try:
        held = await work.hold()
        shown, values = work.resolved(held)
        begun = Attempt(number, begun.started_at, shown)
        await started(begun)
        parameters = checked_parameters(work.agent.parameters, values)
        context = replace(
            work.context,
            timeout_seconds=timeout_seconds,
            redaction=Redaction(held.values) if held.values else None,
        )
        with holding(held.bound), reaching(held.reachable), telling(context, work.say) as told:
            async with asyncio.timeout(timeout_seconds):
                result = await work.agent.run(parameters, replace(context, telling=told))
        # Looking through a large output takes seconds; nobody else is to wait for it.
        if held.values:
            kept = await asyncio.to_thread(_kept, result, held)
        else:
            kept = replace(result, output=await as_json(result.output))
        return Attempt(number, begun.started_at, shown, datetime.now(UTC), kept)
    except ExecutionError:
        raise
    except TimeoutError:
        late = AgentError(f"The attempt took longer than {timeout_seconds:g} s.", retryable=True)
        return _failed(begun, work, held, late)
    except (AgentError, UnresolvedReference) as error:
        return _failed(begun, work, held, error)
    except Exception as error:
        return _failed(begun, work, held, error, traceback.format_exc())


async def as_json(output: Any) -> Any:
    """Return an output as JSON data; of a long list a part at a time, so that nobody waits."""
    if not isinstance(output, list) or len(output) <= LIST_PART:
        return jsonable(output, OUTPUT_LEVELS)
    whole: list[Any] = []
    for start in range(0, len(output), LIST_PART):
        whole += jsonable(output[start : start + LIST_PART], OUTPUT_LEVELS)
        await asyncio.sleep(0)
    return whole


def _kept(result: AgentResult, held: Held) -> AgentResult:
    """Return what is recorded of a result: JSON without the secrets that the agent was given."""
    output = jsonable(result.output, OUTPUT_LEVELS)
    redaction = Redaction(held.values)
    metadata = redaction.value(jsonable(result.metadata, OUTPUT_LEVELS))
    return replace(result, output=redaction.value(output), metadata=metadata)


def _failed(
    begun: Attempt, work: Work, held: Held, error: Exception, trace: str | None = None
) -> Attempt:
    retry = work.node.retry
    wait: float | None = None
    if isinstance(error, AgentError) and error.retryable and begun.number < retry.max_attempts:
        spread = random.uniform(-1, 1)  # noqa: S311 - spreads load, guards nothing
        wait = max(delay_seconds(retry, begun.number, spread), error.retry_after_seconds or 0)
    text = str(error) or type(error).__name__
    if trace:
        text = f"{type(error).__name__}: {text}"
    redaction = Redaction(held.values)
    return replace(
        begun,
        ended_at=datetime.now(UTC),
        error=clean_text(redaction.text(text)),
        # Cut afterwards: half a secret is not found.
        trace=clean_text(redaction.text(trace))[-TRACE_CHARACTERS:] if trace else None,
        retry_in_seconds=wait,
    )
