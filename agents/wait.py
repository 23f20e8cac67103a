"""The wait agent: its parameters. The engine itself suspends the execution for it."""

from typing import ClassVar, Self

from pydantic import AwareDatetime, Field, model_validator

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.errors import AgentError

YEAR_SECONDS = 31_536_000


class WaitParameters(Parameters):
    """What is waited for: a duration, a moment, an event, or an event for no longer than that."""

    seconds: float | None = Field(
        default=None, ge=0, le=10 * YEAR_SECONDS, description="How long to wait, in seconds."
    )
    until: AwareDatetime | None = Field(
        default=None, description="Until when to wait: ISO 8601 with its offset from UTC."
    )
    event: str | None = Field(
        default=None, min_length=1, max_length=200,
        description="The name of the event or signal to wait for.",
    )  # fmt: skip
    key: str | None = Field(
        default=None, max_length=500,
        description="Which of the events of that name: only one that carries this key.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.seconds is not None and self.until is not None:
            raise ValueError("give `seconds` or `until`, not both")
        if self.seconds is None and self.until is None and self.event is None:
            raise ValueError("give `seconds`, `until` or `event`")
        if self.key is not None and self.event is None:
            raise ValueError("`key` belongs to an `event`")
        return self


class Wait:
    """Waits for a time or an event; its value is {event, timed_out, payload, at}."""

    name: ClassVar[str] = "wait"
    description: ClassVar[str] = "Waits for a duration, until a moment, or for an event."
    parameters: ClassVar[type[Parameters]] = WaitParameters
    side_effect: ClassVar[SideEffect] = "none"
    default_timeout_seconds: ClassVar[float] = 10.0 * YEAR_SECONDS
    driven: ClassVar[bool] = True
    output_fields: ClassVar[tuple[str, ...]] = ("event", "timed_out", "payload", "at")
    estimated_seconds: ClassVar[float] = 60.0

    async def run(self, parameters: WaitParameters, context: AgentContext) -> AgentResult:
        """Refuse: only the engine can suspend an execution, so nothing may call this.

        Raises:
            AgentError: Always.
        """
        raise AgentError(
            f"The node {context.node_id} waits and cannot be run by itself.",
            remedy="Send the event that it waits for, or let its time pass.",
        )
