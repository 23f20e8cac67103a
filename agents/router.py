"""The router agent: which of several nodes comes next."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.errors import AgentError
from agents.scope import CODE, script_scope
from compiler.conditions import ConditionError, parse_condition


class Route(Parameters):
    """A target, and the condition under which it is taken."""

    when: str = Field(min_length=1, json_schema_extra=CODE)
    to: str = Field(min_length=1)


class RouterParameters(Parameters):
    """Two ways by `condition`, or several by `routes`; `default` when nothing holds or fails."""

    condition: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE,
        description="A Python expression over the state, such as `state['score'] > 0.8`.",
    )
    if_true: str | None = Field(default=None, description="Node taken when the condition holds.")
    if_false: str | None = Field(default=None, description="Node taken when it does not.")
    default: str | None = Field(
        default=None, description="Node taken when no way applies or a condition fails."
    )
    routes: tuple[Route, ...] = Field(
        default=(), description="Ways in order: the first whose `when` holds is taken."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.condition is None) == (not self.routes):
            raise ValueError("give either `condition` or `routes`")
        if self.condition and not (self.if_true or self.if_false):
            raise ValueError("a `condition` needs `if_true` or `if_false`")
        return self


class Router:
    """Evaluates conditions in the sandbox and names the node to go on with."""

    name: ClassVar[str] = "router"
    description: ClassVar[str] = "Chooses the next node by conditions on the state."
    parameters: ClassVar[type[Parameters]] = RouterParameters
    side_effect: ClassVar[SideEffect] = "none"
    default_timeout_seconds: ClassVar[float] = 30.0
    output_fields: ClassVar[tuple[str, ...]] = ("route",)
    estimated_seconds: ClassVar[float] = 0.01
    mappable: ClassVar[bool] = False

    async def run(self, parameters: RouterParameters, context: AgentContext) -> AgentResult:
        """Return `{"route": node_id}`; null when no way applies, which ends the path.

        Raises:
            AgentError: A condition fails and there is no default.
        """
        metadata: dict[str, Any] = {}
        try:
            route = await self._route(parameters, context)
        except AgentError as error:
            if parameters.default is None or error.retryable:
                raise
            route, metadata = None, {"condition_error": str(error)}
        route = route or parameters.default
        return AgentResult({"route": route}, metadata=metadata)

    async def _route(self, parameters: RouterParameters, context: AgentContext) -> str | None:
        sandbox = await context.services.sandbox()
        scope = script_scope(context)
        if parameters.condition is not None:
            holds = await sandbox.evaluate(
                _source(parameters.condition), scope, whose=context.tenant_id
            )
            return parameters.if_true if holds else parameters.if_false
        for way in parameters.routes:
            if await sandbox.evaluate(_source(way.when), scope, whose=context.tenant_id):
                return way.to
        return None


def _source(condition: str) -> str:
    """Return a condition as the sandbox evaluates it: names, fields and spellings made plain."""
    try:
        return parse_condition(condition).source
    except ConditionError as error:
        raise AgentError(error.message, remedy=error.remedy) from None
