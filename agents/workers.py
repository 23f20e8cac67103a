"""The workers agent: stands on a map node whose items name the workers that do them."""

from typing import ClassVar

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.errors import AgentError
from compiler.workers import WORKERS


class WorkersParameters(Parameters):
    """None: each of the node's workers has parameters of its own."""


class Workers:
    """Runs each item of a list with the worker that the item names in `worker`."""

    name: ClassVar[str] = WORKERS
    description: ClassVar[str] = "Runs each item of a list with the worker that the item names."
    parameters: ClassVar[type[Parameters]] = WorkersParameters
    side_effect: ClassVar[SideEffect] = "none"
    default_timeout_seconds: ClassVar[float] = 60.0
    output_fields: ClassVar[tuple[str, ...]] = ()

    async def run(self, parameters: WorkersParameters, context: AgentContext) -> AgentResult:
        """Refuse: an item is run by its worker, so nothing may call this.

        Raises:
            AgentError: Always.
        """
        raise AgentError(
            f"The node {context.node_id} has workers, and none of them was asked.",
            remedy="Write `pattern: map`, so that each item goes to the worker that it names.",
        )
