"""The agent protocol: what a node calls, what it is given, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.errors import AgentError

if TYPE_CHECKING:
    from agents.redaction import Redaction
    from agents.services import Services
    from agents.tools import Toolset

SideEffect = Literal["none", "reads", "writes", "sends"]
"""What an agent does to the outside world at most."""


class Parameters(BaseModel):
    """Base of every agent's parameter model: frozen, unknown parameters refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Parameters)
P_contra = TypeVar("P_contra", bound=Parameters, contravariant=True)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one attempt used up."""

    llm_tokens: int = 0
    api_calls: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.llm_tokens + other.llm_tokens,
            self.api_calls + other.api_calls,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class AgentResult:
    """What an agent answers: any JSON value, what it cost, and how it was made."""

    output: Any
    usage: Usage = Usage()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Facts about the work itself (model, pages read, message id); shown in the node's log."""


class Telling(Protocol):
    """Takes the texts of an attempt while they grow, for those who watch; it never fails."""

    def begin(self) -> None:
        """Begin a text; what was said before counts no more."""
        ...

    def say(self, piece: str) -> None:
        """Add a piece to the text."""
        ...

    def end(self) -> None:
        """End the text, whole or not."""
        ...


@dataclass(frozen=True, slots=True)
class AgentContext:
    """What an agent may know about the attempt that it serves."""

    tenant_id: UUID
    workflow_id: UUID
    execution_id: UUID
    node_id: str
    services: Services
    map_index: int | None = None
    attempt: int = 1
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The values of the node's input_keys, whole; a map item's value is under `item`."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """The whole scope by name (state keys, `input`, `item`), for scripts and conditions."""
    timeout_seconds: float | None = None
    """How long the attempt may take; None: that is not known."""
    tools: Toolset | None = None
    """Of an llm node: the agents that its model may call."""
    redaction: Redaction | None = None
    """What takes the attempt's secrets out of texts; None: it holds none."""
    used: list[str] = field(default_factory=list)
    """The custom agents that the attempt has run, as tools and steps of a chain too; they add
    themselves."""
    telling: Telling | None = None
    """Tells the attempt's texts to those who watch; None: nobody can, or may."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at the same work."""
        index = "" if self.map_index is None else str(self.map_index)
        return f"{self.execution_id}:{self.node_id}:{index}"


class Agent(Protocol, Generic[P_contra]):
    """One kind of work."""

    @property
    def name(self) -> str:
        """What a specification's `agent` says."""
        ...

    @property
    def description(self) -> str:
        """One sentence for people."""
        ...

    @property
    def parameters(self) -> type[Parameters]:
        """What parameters are validated with after references are resolved."""
        ...

    @property
    def side_effect(self) -> SideEffect:
        """What one run does to the outside world at most."""
        ...

    @property
    def default_timeout_seconds(self) -> float:
        """The bound of one attempt when the node names none."""
        ...

    @property
    def output_fields(self) -> tuple[str, ...]:
        """The fields of the output object; empty when its shape is not known."""
        ...

    async def run(self, parameters: P_contra, context: AgentContext) -> AgentResult:
        """Do the work once.

        Raises:
            AgentError: It could not be done; says whether another attempt may help.
        """
        ...


def patience_seconds(timeout_seconds: float | None) -> float | None:
    """Return when work that must not be made again gives up by itself; None: never.

    An attempt that is cut off from outside is made again, whatever it has written.
    """
    if timeout_seconds is None:
        return None
    return max(timeout_seconds * 0.95, timeout_seconds - 1)


def checked_parameters(model: type[Parameters], values: Any) -> Parameters:
    """Validate resolved parameters.

    Raises:
        AgentError: A value has the wrong form; says which.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, ('parameters', *problem['loc'])))}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise AgentError("; ".join(lines)) from None
