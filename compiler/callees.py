"""The workflows that a workflow runs, as far as its text names them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.errors import Problem
from compiler.preview import known
from compiler.references import parse_template, references_in
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification

AGENT = "workflow"
"""What a node's `agent` says that runs another workflow."""
MOST_DEEP = 10
"""So deep executions may start one another."""
MOST_PLANNED = 30
"""So many nodes that run others are followed, all together; a plan is to be made in no time."""


def callee_names(
    specification: Specification, agents: Mapping[str, AgentSignature], input: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the names and ids of the workflows that a specification runs with an input."""
    filled = known(specification, agents, input)
    return tuple(dict.fromkeys(name for node in filled.nodes if (name := callee_name(node))))


def callee_name(node: Node) -> str | None:
    """Return which workflow a node runs; None: none, or it is known only at run time."""
    name = node.parameters.get("workflow") if node.agent == AGENT else None
    if not isinstance(name, str) or parse_template(name).references:
        return None
    return name


def callee_input(node: Node) -> dict[str, Any]:
    """Return what a node gives the workflow that it runs, as far as that is known."""
    given = node.parameters.get("input")
    if not isinstance(given, Mapping):
        return {}
    return {name: value for name, value in given.items() if not references_in(value)}


@dataclass(slots=True)
class Callees:
    """The workflows that may be run, by the names and ids under which they are known."""

    specifications: Mapping[str, Specification]
    missing: frozenset[str] = frozenset()
    """Names and ids under which there is none."""
    left: int = MOST_PLANNED

    def follow(self, node: Node, above: tuple[str, ...]) -> Specification | None:
        """Return what a node runs, unless it stands above it or too much was followed already."""
        name = callee_name(node)
        found = self.specifications.get(name) if name else None
        if found is None or name in above or len(above) >= MOST_DEEP or self.left <= 0:
            return None
        self.left -= 1
        return found

    def warnings(self, specification: Specification) -> Iterator[Problem]:
        """Find the nodes whose workflow is not there."""
        for index, node in enumerate(specification.nodes):
            name = callee_name(node)
            if name in self.missing:
                message = f"There is no active workflow `{name:.100}` that `{node.id}` could run."
                remedy = "Create it before this one is started, or name another."
                path = f"nodes[{index}].parameters.workflow"
                yield Problem(path, "unknown_callee", message, remedy)
