"""A custom agent that is a chain of others, run one after the other within one attempt."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from agents.agent import (
    Agent,
    AgentContext,
    AgentResult,
    SideEffect,
    Usage,
    checked_parameters,
    patience_seconds,
)
from agents.bound import held, holding
from agents.catalog.call import SECRETS
from agents.catalog.rendering import filled
from agents.custom.definition import Chain, Step
from agents.custom.runner import secrets_in, strongest
from agents.errors import AgentError
from agents.redaction import Redaction
from compiler.specification import Retry

_RETRY = Retry(max_attempts=3)
"""How a step is tried that fails for now after one before it has written or sent something."""


class Known(Protocol):
    """An agent of a chain with what is known of it."""

    @property
    def agent(self) -> Agent[Any]:
        """The agent."""
        ...

    @property
    def code(self) -> frozenset[str]:
        """Places among its parameters that hold code and are no templates."""
        ...


class ChainRunner:
    """Runs the steps; the whole chain is one attempt, and steps are not recorded one by one."""

    def __init__(self, implementation: Chain, find: Callable[[str], Known]) -> None:
        self._implementation = implementation
        self._known = {step.id: find(step.agent) for step in implementation.steps}
        agents = {id: known.agent for id, known in self._known.items()}
        self.side_effect: SideEffect = strongest([one.side_effect for one in agents.values()])
        hosts = [host for one in agents.values() for host in getattr(one, "hosts", ())]
        self.hosts = tuple(dict.fromkeys(hosts))
        self.timeout_seconds = sum(one.default_timeout_seconds for one in agents.values())
        self._secrets = {step.id: self._secrets_of(step) for step in implementation.steps}
        named = [name for names in self._secrets.values() for name in names]
        self.own_secrets = tuple(dict.fromkeys(named))

    def _secrets_of(self, step: Step) -> tuple[str, ...]:
        known = self._known[step.id]
        beside: tuple[str, ...] = getattr(known.agent, "own_secrets", ())
        return tuple(dict.fromkeys((*secrets_in(step.parameters, known.code), *beside)))

    async def run(self, values: Mapping[str, Any], context: AgentContext) -> AgentResult:
        """Return the chain's output.

        Raises:
            AgentError: A step failed; says which. It is final once a step before it has written
                or sent something, which another attempt would do again.
        """
        found = dict(values)
        own = found.pop(SECRETS, {})
        usage, told, done = Usage(), [], False
        output: Any = None
        until = asyncio.get_running_loop().time() + (
            patience_seconds(context.timeout_seconds) or self.timeout_seconds
        )
        for step in self._implementation.steps:
            began = time.monotonic()
            writes = self._known[step.id].agent.side_effect in ("writes", "sends")
            try:
                async with asyncio.timeout_at(until):
                    result = await self._step(step, found, own, context, again=done)
            except TimeoutError as error:
                late = f"Step `{step.id}` ({step.agent}) did not end in the chain's time."
                raise AgentError(late, retryable=not (done or writes)) from error
            except AgentError as error:
                raise AgentError(
                    f"Step `{step.id}` ({step.agent}): {error}",
                    retryable=error.retryable and not done,
                    retry_after_seconds=error.retry_after_seconds,
                ) from error
            done = done or writes
            usage += result.usage
            seconds = round(time.monotonic() - began, 3)
            told.append({"step": step.id, "agent": step.agent, "seconds": seconds})
            output = found[step.id] = _without_secrets(result.output)
        if self._implementation.output is not None:
            output = filled(self._implementation.output, found)
        return AgentResult(output, usage, {"steps": told})

    async def _step(
        self,
        step: Step,
        found: Mapping[str, Any],
        own: Mapping[str, str],
        context: AgentContext,
        *,
        again: bool,
    ) -> AgentResult:
        """Run a step; `again`: try it again here when it fails for now."""
        agent, code = self._known[step.id].agent, self._known[step.id].code
        names = self._secrets[step.id]
        secrets = {name: own[name] for name in names if name in own}
        parameters = filled(step.parameters, {**found, SECRETS: secrets}, skip=code) or {}
        if getattr(agent, "own_secrets", ()):
            parameters[SECRETS] = secrets
        # What the node itself passes on goes along; the other steps' secrets do not.
        kept = [one for one in held() if one.name in names or one.name not in own]
        last = list(found)[-1:]
        inside = replace(
            context,
            node_id=f"{context.node_id}.{step.id}",
            inputs={name: found[name] for name in last},
            variables=found,
        )
        checked = checked_parameters(agent.parameters, parameters)
        number = 1
        with holding(kept):
            while True:
                try:
                    return await agent.run(checked, replace(inside, attempt=number))
                except AgentError as error:
                    number += 1
                    if not (again and error.retryable and number <= _RETRY.max_attempts):
                        raise
                    wait = error.retry_after_seconds or 0
                    await asyncio.sleep(max(wait, _RETRY.delay_seconds(number)))


def _without_secrets(output: Any) -> Any:
    """Return an output that the next step may be given: a service may tell what it was sent."""
    values = {one.name: one.value for one in held()}
    return Redaction(values).value(output) if values else output
