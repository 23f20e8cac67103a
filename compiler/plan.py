"""The plan: what a workflow would do, without doing it.

A plan is bound to the hash of its specification. It says per node what is read and written
outside, what it may take and cost, and what a person should know before they start it.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compiler.check import check
from compiler.errors import Problem
from compiler.estimate import Estimate, Interval, node_estimate, workflow_estimate
from compiler.failures import Then, compensation, what_follows
from compiler.outside import Outside, node_outside, outside
from compiler.plan_warnings import plan_warnings
from compiler.signature import AgentSignature
from compiler.specification import Node, OnItemError, Specification
from compiler.text import specification_hash
from compiler.topology import layout


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What one node would do."""

    id: str
    agent: str
    level: int
    """How many nodes stand before it on the longest way."""
    key: str
    mapped: bool
    on_item_error: OnItemError | None
    """What failed items of a map mean; None: it is no map."""
    outside: Outside
    estimate: Estimate
    on_failure: Then
    """What follows when it fails for good."""
    compensation: Outside | None
    """What undoing it touches outside; None: nothing undoes it."""

    def to_document(self) -> dict[str, Any]:
        """Return the node's part of the plan as JSON."""
        return {
            "id": self.id,
            "agent": self.agent,
            "level": self.level,
            "output_key": self.key,
            "mapped": self.mapped,
            "on_item_error": self.on_item_error,
            "side_effect": self.outside.side_effect,
            "hosts": list(self.outside.hosts),
            "recipients": list(self.outside.recipients),
            "databases": list(self.outside.databases),
            "secrets": list(self.outside.secrets),
            "seconds": self.estimate.seconds.to_document(),
            "cost_usd": self.estimate.cost_usd.to_document(),
            "on_failure": self.on_failure,
            "compensation": self.compensation and {
                "side_effect": self.compensation.side_effect,
                "hosts": list(self.compensation.hosts),
                "recipients": list(self.compensation.recipients),
                "databases": list(self.compensation.databases),
                "secrets": list(self.compensation.secrets),
            },
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What a whole workflow would do."""

    specification_hash: str
    name: str
    pattern: str
    nodes: tuple[NodePlan, ...]
    levels: tuple[tuple[str, ...], ...]
    estimate: Estimate
    problems: tuple[Problem, ...]
    """Why it cannot run; empty when it can."""
    warnings: tuple[Problem, ...]

    @property
    def runnable(self) -> bool:
        """Whether it could be executed as it is."""
        return not self.problems

    @property
    def seconds(self) -> Interval:
        """How long an execution takes."""
        return self.estimate.seconds

    @property
    def cost_usd(self) -> Interval:
        """What an execution costs."""
        return self.estimate.cost_usd

    def to_document(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return {
            "specification_hash": self.specification_hash,
            "name": self.name,
            "pattern": self.pattern,
            "runnable": self.runnable,
            "levels": [list(names) for names in self.levels],
            "nodes": [node.to_document() for node in self.nodes],
            "hosts": self._gathered(lambda outside: outside.hosts),
            "recipients": self._gathered(lambda outside: outside.recipients),
            "databases": self._gathered(lambda outside: outside.databases),
            "secrets": self._gathered(lambda outside: outside.secrets),
            "seconds": self.seconds.to_document(),
            "cost_usd": self.cost_usd.to_document(),
            "problems": [asdict(problem) for problem in self.problems],
            "warnings": [asdict(warning) for warning in self.warnings],
        }

    def _gathered(self, names: Callable[[Outside], tuple[str, ...]]) -> list[str]:
        found = (
            name
            for node in self.nodes
            for touched in (node.outside, node.compensation)
            if touched is not None
            for name in names(touched)
        )
        return list(dict.fromkeys(found))


def plan(specification: Specification, agents: Mapping[str, AgentSignature]) -> Plan:
    """Return what a specification would do; with its problems when it could not run."""
    problems = tuple(check(specification, agents))
    levels = layout(specification)
    level = {node: number for number, nodes in enumerate(levels) for node in nodes}
    nodes = tuple(
        _node_plan(node, level[node.id], agents, specification)
        for node in specification.nodes
        if node.agent in agents
    )
    warnings = () if problems else tuple(plan_warnings(specification, agents))
    return Plan(
        specification_hash=specification_hash(specification),
        name=specification.metadata.name,
        pattern=specification.pattern,
        nodes=nodes,
        levels=tuple(tuple(names) for names in levels),
        estimate=Estimate() if problems else workflow_estimate(specification, agents),
        problems=problems,
        warnings=warnings,
    )


def _node_plan(
    node: Node,
    level: int,
    agents: Mapping[str, AgentSignature],
    specification: Specification,
) -> NodePlan:
    signature = agents[node.agent]
    undo = compensation(node)
    return NodePlan(
        id=node.id,
        agent=node.agent,
        level=level,
        key=node.key,
        mapped=node.pattern == "map",
        on_item_error=(node.on_item_error or "fail") if node.pattern == "map" else None,
        outside=node_outside(node, agents),
        estimate=node_estimate(node, signature, specification),
        on_failure="continue"
        if node.id in specification.final_ids
        else what_follows(specification, node),
        compensation=outside(undo, agents[undo.agent])
        if undo is not None and undo.agent in agents
        else None,
    )
