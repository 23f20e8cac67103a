"""The human_loop agent: its parameters. The engine itself suspends the execution for it."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.errors import AgentError
from agents.scope import CODE
from compiler.check_schemas import validator


class HumanLoopParameters(Parameters):
    """What a person is asked, and what happens when nobody answers."""

    message: str = Field(min_length=1, description="What the person reads.")
    approval_type: Literal["approve_reject", "text_input", "multiple_choice", "form"] = (
        "approve_reject"
    )
    options: tuple[str, ...] = Field(default=(), description="The choices of multiple_choice.")
    form: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        json_schema_extra=CODE,
        description="The JSON Schema of the object that answers a form.",
    )
    timeout: float = Field(
        default=3600, gt=0, le=31_536_000, description="Seconds to wait for an answer."
    )
    on_timeout: Literal["reject", "approve", "cancel"] = "reject"
    approvers: tuple[str, ...] = Field(
        default=(), max_length=1000,
        description="Who may answer: e-mail addresses or ids of users. Empty: whoever may write.",
    )  # fmt: skip
    required: int = Field(
        default=1, ge=1, le=1000,
        description="How many must approve; one rejection is enough to reject.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _choices(self) -> Self:
        if self.approval_type == "multiple_choice" and len(self.options) < 2:
            raise ValueError("multiple_choice needs at least two `options`")
        if (self.approval_type == "form") != (self.form is not None):
            raise ValueError("`schema` and the approval_type form go together")
        if self.form is not None:
            _check_form(self.form)
        people = len(set(self.approvers))
        if people and self.required > people:
            raise ValueError(f"`required` is {self.required}, but there are {people} `approvers`")
        return self


def _check_form(schema: dict[str, Any]) -> None:
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        raise ValueError("the `schema` of a form is of type object and has properties")
    try:
        validator(schema)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"`schema` is not a valid JSON Schema: {reason}") from None


class HumanLoop:
    """Waits for a person; its value is {approved, decision, value, comment, by, votes}."""

    name: ClassVar[str] = "human_loop"
    description: ClassVar[str] = "Pauses until a person approves, rejects or answers."
    parameters: ClassVar[type[Parameters]] = HumanLoopParameters
    side_effect: ClassVar[SideEffect] = "none"
    default_timeout_seconds: ClassVar[float] = 31_536_000.0
    driven: ClassVar[bool] = True
    output_fields: ClassVar[tuple[str, ...]] = (
        "approved", "decision", "value", "comment", "by", "votes",
    )  # fmt: skip
    estimated_seconds: ClassVar[float] = 3600.0

    async def run(self, parameters: HumanLoopParameters, context: AgentContext) -> AgentResult:
        """Refuse: only the engine can suspend an execution, so nothing may call this.

        Raises:
            AgentError: Always.
        """
        raise AgentError(
            f"The node {context.node_id} waits for a person and cannot be run by itself.",
            remedy="Answer it through the approval of its execution.",
        )
