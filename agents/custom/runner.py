"""What the kinds of custom agents have in common: checked values in, a checked value out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.catalog.call import SECRETS
from agents.catalog.given import Given, given
from agents.custom.definition import Definition
from agents.errors import AgentError
from compiler.check_schemas import schema_errors, validator
from compiler.references import references_in


class Runner(Protocol):
    """Does what one kind of custom agent does."""

    @property
    def side_effect(self) -> SideEffect:
        """What one run does to the outside world at most."""
        ...

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it calls, perhaps with references to parameters."""
        ...

    @property
    def own_secrets(self) -> tuple[str, ...]:
        """The secrets that the definition itself names."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """The bound of one run."""
        ...

    async def run(self, values: Mapping[str, Any], context: AgentContext) -> AgentResult:
        """Do the work once with checked parameters; own secrets stand under `secrets`.

        Raises:
            AgentError: It could not be done.
        """
        ...


class Custom:
    """One version of a custom agent."""

    deprecated = ""
    """Why another agent should be used, in one sentence."""

    def __init__(self, definition: Definition, version: int, runner: Runner) -> None:
        tool = definition.tool_specification
        self.name = definition.agent_name
        self.version = version
        self.kind = definition.implementation.type
        self.description = definition.description
        self.side_effect: SideEffect = runner.side_effect
        self.default_timeout_seconds = runner.timeout_seconds
        self.hosts = runner.hosts
        self.own_secrets = runner.own_secrets
        beside = (SECRETS,) if self.own_secrets else ()
        self.parameters: type[Parameters] = given(tool.parameters, beside)
        returned = tool.returns.get("properties", {})
        self.output_fields = tuple(returned) if isinstance(returned, Mapping) else ()
        kind = tool.returns.get("type")
        self.output_type = kind if isinstance(kind, str) else ""
        self._returns = validator(tool.returns) if tool.returns else None
        self._runner = runner

    async def run(self, parameters: Given, context: AgentContext) -> AgentResult:
        """Do the work once.

        Raises:
            AgentError: It could not be done, or what came out does not fit `returns`.
        """
        context.used.append(self.name)
        result = await self._runner.run(parameters.model_dump(), context)
        if self._returns is not None and (faults := schema_errors(self._returns, result.output)):
            first = faults[0]
            place = f"`{first.path}`: " if first.path else ""
            raise AgentError(
                f"{self.name} returned what its `returns` does not allow: {place}{first.message}",
                remedy="Correct the agent, or what its tool specification says.",
            )
        return replace(result, metadata={**result.metadata, "agent_version": self.version})


def secrets_in(template: Any, skip: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the secrets that a definition's texts name, each once."""
    names = (
        str(reference.path[0])
        for _, reference in references_in(template, skip)
        if reference.root == SECRETS and reference.path
    )
    return tuple(dict.fromkeys(names))


def strongest(effects: Sequence[SideEffect]) -> SideEffect:
    """Return what several agents together do to the outside world at most."""
    order: tuple[SideEffect, ...] = ("none", "reads", "writes", "sends")
    return max(effects, key=order.index, default="none")
