"""The workflow agent: its parameters. The engine itself starts the other workflow and awaits it."""

from typing import Any, ClassVar

from pydantic import Field

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.errors import AgentError

YEAR_SECONDS = 31_536_000


class WorkflowParameters(Parameters):
    """Which workflow is started, and with what."""

    workflow: str = Field(
        min_length=1,
        max_length=255,
        description="The workflow to run: its id, `wf_…`, or its name. What it says when it is "
        "started is what is run.",
    )
    input: dict[str, Any] = Field(
        default_factory=dict, description="Its input, as its own state schema asks."
    )


class Workflow:
    """Runs another workflow to its end; its value is that workflow's output."""

    name: ClassVar[str] = "workflow"
    description: ClassVar[str] = "Runs another workflow and waits for its output."
    parameters: ClassVar[type[Parameters]] = WorkflowParameters
    side_effect: ClassVar[SideEffect] = "writes"
    default_timeout_seconds: ClassVar[float] = 10.0 * YEAR_SECONDS
    driven: ClassVar[bool] = True
    output_fields: ClassVar[tuple[str, ...]] = ()
    estimated_seconds: ClassVar[float] = 10.0

    async def run(self, parameters: WorkflowParameters, context: AgentContext) -> AgentResult:
        """Refuse: only the engine can start and await an execution, so nothing may call this.

        Raises:
            AgentError: Always.
        """
        raise AgentError(
            f"The node {context.node_id} runs another workflow and cannot be run by itself.",
            remedy="Start that workflow instead.",
        )
