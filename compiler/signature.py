"""What the compiler knows of an agent: its parameters, its side effects, its cost.

The registry that builds these from the agents' own models lives above, in `agents`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

SideEffect = Literal["none", "reads", "writes", "sends"]
"""What an agent does to the outside world at most."""


@dataclass(frozen=True, slots=True)
class AgentSignature:
    """One agent as the checks and the plan see it."""

    name: str
    """What a node's `agent` says."""
    description: str
    """One sentence for people."""
    parameters_schema: Mapping[str, Any]
    """JSON Schema of the parameters."""
    code_parameters: frozenset[str]
    """Places that hold code and are never templated: `script`, `routes[].when`."""
    side_effect: SideEffect
    """What one run does to the outside world at most."""
    output_fields: tuple[str, ...]
    """Fields of the output object; empty when its shape is not known."""
    default_timeout_seconds: float
    """The bound of one attempt when the node names none."""
    output_type: str = ""
    """What the output is, as JSON Schema says it: `array`; empty: not known, or one of several."""
    estimated_seconds: float = 1.0
    """What one run usually takes."""
    estimated_cost_usd: float = 0.0
    """What one run usually costs."""
    mappable: bool = True
    """Whether a node with this agent may have `pattern: map`."""
    driven: bool = False
    """Whether the engine itself does its work: it waits, for a person, a time or a workflow."""
    hosts: tuple[str, ...] = ()
    """The hosts that it calls whatever its parameters are; references name parameters."""
    service: str = ""
    """The service that it is for, as people call it; empty: its parameters say where it goes."""
    secrets: tuple[str, ...] = ()
    """The secrets that it takes whatever its parameters are."""
    chain: bool = False
    """Whether it is a chain of other agents."""
    closed: tuple[str, ...] = ()
    """The parameters that no model sets when the agent is a tool: where and how it acts."""
    unavailable: str = ""
    """Why no workflow may use it that is made now, in one sentence; empty: it may."""
    deprecated: str = ""
    """Why another one should be used, in one sentence; empty: no reason is known."""
    parameter_faults: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] | None = None
    """What the schema cannot say: pairs of a dotted place and a sentence, for parameters that fit
    the schema and hold no references."""
