"""An agent for tests: it answers, fails or waits as it is told, and remembers every attempt."""

import asyncio
from collections import defaultdict
from typing import Any, ClassVar

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.errors import AgentError


class StepParameters(Parameters):
    """What a step does."""

    value: Any = None
    """What it answers."""
    depth: int = 0
    """How deep its answer is wrapped in lists."""
    fail: str | None = None
    """The message with which it fails."""
    failures: int = 1_000_000
    """How many attempts fail."""
    retryable: bool = False
    hold: bool = False
    """Whether it waits until the test opens its gate."""
    crash: str | None = None
    """The message of an error that no agent should raise."""


class Step:
    """Does what its parameters say; a gate per node holds it."""

    name: ClassVar[str] = "step"
    description: ClassVar[str] = "Does what a test wants."
    parameters: ClassVar[type[Parameters]] = StepParameters
    side_effect: ClassVar[SideEffect] = "none"
    default_timeout_seconds: ClassVar[float] = 30.0
    output_fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.ran: list[str] = []
        """The nodes whose attempts began, in order; of a map `node[index]`."""
        self.ended: list[str] = []
        self.answers: dict[str, Any] = {}
        """What it answers instead of its value, by the name of the attempt's node."""
        self.gates: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def run(self, parameters: StepParameters, context: AgentContext) -> AgentResult:
        """Answer, fail or wait."""
        index = "" if context.map_index is None else f"[{context.map_index}]"
        name = f"{context.node_id}{index}"
        self.ran.append(name)
        if parameters.hold:
            await self.gates[context.node_id].wait()
        if parameters.crash is not None:
            raise RuntimeError(parameters.crash)
        if parameters.fail is not None and context.attempt <= parameters.failures:
            raise AgentError(parameters.fail, retryable=parameters.retryable)
        self.ended.append(name)
        value = self.answers.get(name, parameters.value)
        for _ in range(parameters.depth):
            value = [value]
        return AgentResult(value, Usage(llm_tokens=3, api_calls=1, cost_usd=0.5))
