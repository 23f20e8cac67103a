"""The check: every problem of a specification at once, each with path, rule and remedy.

A specification without problems can be compiled and executed. What it finds is grouped in the
`check_…` modules; none of them stops at its first problem.
"""

from collections.abc import Mapping

from compiler.check_agents import agent_problems
from compiler.check_failures import failure_problems
from compiler.check_graph import graph_problems
from compiler.check_maps import map_problems
from compiler.check_names import key_conflicts, name_problems
from compiler.check_schemas import state_schema_problems, validate_input
from compiler.check_settings import settings_problems
from compiler.errors import Problem
from compiler.regions import shape_problems
from compiler.signature import AgentSignature
from compiler.specification import Specification
from compiler.topology import topology

__all__ = ["check", "validate_input"]


def check(specification: Specification, agents: Mapping[str, AgentSignature]) -> list[Problem]:
    """Return every problem of a specification, in the order of the document's parts.

    Args:
        specification: As `load` gives it.
        agents: The agents that its nodes may name.
    """
    order = topology(specification)
    # What comes later here can only be asked of a graph without the faults before it.
    failures = failure_problems(specification)
    graph = graph_problems(specification, order)
    if not failures:
        graph = graph or shape_problems(specification)
    return [
        *state_schema_problems(specification),
        *agent_problems(specification, agents),
        *map_problems(specification),
        *name_problems(specification, agents, order),
        *failures,
        *(graph or ([] if failures else key_conflicts(specification))),
        *settings_problems(specification),
    ]
