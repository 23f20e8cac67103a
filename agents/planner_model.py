"""A conversation with a model until its answer passes the check, through pydantic-ai.

Imported only when a model is asked; see `agents/models.py`.
"""

from decimal import Decimal
from functools import cache
from typing import Any, Generic

import structlog
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from pydantic_ai import Agent, ModelRetry, RunContext, ToolOutput
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelHTTPError,
    ModelRequestRejectedError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
    UserError,
)
from pydantic_ai.models import Model
from pydantic_ai.usage import RunUsage, UsageLimits

from agents.completion import settings_of
from agents.errors import AgentError
from agents.planner_output import Answered
from agents.planner_reading import A, Job, Left, T, Unfit, Used

log = structlog.get_logger(__name__)

MAX_FAULT_CHARACTERS = 300
MAX_OUTPUT_TOKENS = 6000
"""Of one answer; a specification of forty nodes has about so many."""


class Talk(Generic[A, T]):
    """One conversation with one model."""

    def __init__(self, model: Model, job: Job[A, T]) -> None:
        self._model = model
        self._job = job
        self._made: list[T] = []
        self._last_fault = ""
        self._usage = RunUsage()

    @property
    def used(self) -> Used:
        """What it has used up so far, also when it was left or cancelled."""
        usage = self._usage
        return Used(usage.requests, usage.input_tokens, usage.output_tokens, float(usage.cost or 0))

    async def lead(self, repairs: int, max_tokens: int, cost_usd: float) -> T:
        """Ask until an answer can be used.

        Args:
            repairs: How often the model may mend its answer.
            max_tokens: Bound of all rounds together, what is sent included.
            cost_usd: Bound of all rounds together, where the model's price is known.

        Raises:
            Left: It gave none.
        """
        limits = UsageLimits(
            request_limit=repairs + 1,
            total_tokens_limit=max_tokens,
            cost_limit=Decimal(str(cost_usd)) if _has_price(self._model) else None,
        )
        try:
            await agent_for(self._job.answer).run(
                self._job.message,
                deps=self,
                model=self._model,
                instructions=self._job.instructions,
                model_settings=settings_of(self._model, MAX_OUTPUT_TOKENS, 0.0),
                usage_limits=limits,
                usage=self._usage,
                retries={"output": repairs},
            )
        except (AgentRunError, UserError) as error:
            raise self._left(error) from error
        except Exception as error:
            # An answer of another shape than the provider's own makes its library trip over
            # anything; whoever is next in the chain shall have a turn all the same.
            log.warning("planner.unexpected", model=self._model.model_name, error=repr(error)[:500])
            raise Left("failed", "gave no answer that can be read") from error
        return self._made[-1]

    def accept(self, answer: A) -> A:
        """Take an answer that can be used, or send it back."""
        try:
            self._made.append(self._job.accept(answer))
        except Unfit as unfit:
            self._last_fault = str(unfit)
            raise ModelRetry(str(unfit)) from unfit
        return answer

    def _left(self, error: Exception) -> Left:
        refused = _refused_connection(error)
        if refused is not None:
            return Left("denied", str(refused))
        match error:
            case ModelHTTPError(status_code=status) if status == 429:
                return Left("limited", "has no room just now (429)", error.retry_after)
            case ModelHTTPError(status_code=status) if status >= 500 or status == 408:
                return Left("failed", f"failed with {status}", error.retry_after)
            case ModelHTTPError(status_code=status):
                return Left("denied", f"refused the request with {status}")
            case ModelRequestRejectedError() | UserError():
                return Left("denied", "cannot take the request")
            case ContentFilterError():
                return Left("refused", "refused to answer")
            case UsageLimitExceeded():
                return Left("costly", "came to the bound of its tokens or its cost")
            case OutputTokenLimitExceeded():
                return Left("invalid", f"gave an answer of more than {MAX_OUTPUT_TOKENS} tokens")
            case UnexpectedModelBehavior():
                fault = self._last_fault.splitlines()[-1:] or ["it has not the form asked for"]
                told = fault[0].strip("- ")[:MAX_FAULT_CHARACTERS]
                return Left("invalid", f"gave no answer that can be used: {told}")
        return Left("failed", "gave no answer that can be read")


@cache
def agent_for(answer: type[Answered]) -> Agent[Talk[Any, Any], Any]:
    """Return what leads conversations that end with such an answer.

    Its schema takes longer to make than all the rest of a conversation's work here.
    """
    agent = Agent[Talk[Any, Any], Any](output_type=ToolOutput(answer, name="answer"))

    @agent.output_validator
    def accept(context: RunContext[Talk[Any, Any]], answer: Answered) -> Answered:
        accepted: Answered = context.deps.accept(answer)
        return accepted

    return agent


def _refused_connection(error: BaseException) -> AgentError | None:
    """Return our own refusal of a connection, where an error was caused by one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AgentError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _has_price(model: Model) -> bool:
    """Whether what a model costs is known; a bound of an unknown cost would only warn."""
    for place in ({"provider_api_url": model.base_url}, {"provider_id": model.system}):
        try:
            calc_price(PricedUsage(), model.model_name, **place)
        except LookupError:
            continue
        return True
    return False
