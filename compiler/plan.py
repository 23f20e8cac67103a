"""The plan: what a workflow would do, without doing it.

A plan is bound to the hash of its specification. It says per node with which parameters it would
be called, what is read and written outside, what it may take and cost, and what a person should
know before they start it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compiler.callees import Callees, callee_input, callee_name
from compiler.check import check, validate_input
from compiler.errors import Problem
from compiler.estimate import Estimator
from compiler.failures import Then, compensation, what_follows
from compiler.history import NOTHING, History
from compiler.inputs import with_defaults
from compiler.intervals import Estimate, Interval
from compiler.outside import Outside, node_outside, part_outside, together
from compiler.plan_warnings import plan_warnings
from compiler.preview import known, shown
from compiler.signature import AgentSignature
from compiler.specification import Node, OnItemError, Specification
from compiler.text import specification_hash
from compiler.topology import layout
from compiler.workers import worker_nodes


@dataclass(frozen=True, slots=True)
class Part:
    """One of a node's workers, or what undoes it."""

    agent: str
    parameters: Mapping[str, Any]
    outside: Outside

    def to_document(self) -> dict[str, Any]:
        """Return the part as JSON."""
        return {"agent": self.agent, "parameters": self.parameters, **_touched(self.outside)}


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What one node would do."""

    id: str
    agent: str
    level: int
    """How many nodes stand before it on the longest way."""
    key: str
    parameters: Mapping[str, Any]
    """With the values of the input; what comes later, and secrets, stand as references."""
    workers: Mapping[str, Part]
    """By name, those of a map whose items name them."""
    mapped: bool
    items: Interval | None
    """How many elements its list has; None: it is no map."""
    on_item_error: OnItemError | None
    """What failed items of a map mean; None: it is no map."""
    outside: Outside
    estimate: Estimate
    on_failure: Then
    """What follows when it fails for good."""
    compensation: Part | None
    """What undoes it; None: nothing does."""
    calls: "Plan | None"
    """What the workflow does that it runs, which counts to what it touches; None: it runs none,
    or one that is not known."""

    @property
    def touched(self) -> tuple[Outside, ...]:
        """What it touches, and what undoing it touches."""
        return (self.outside, *((self.compensation.outside,) if self.compensation else ()))

    def to_document(self) -> dict[str, Any]:
        """Return the node's part of the plan as JSON."""
        return {
            "id": self.id,
            "agent": self.agent,
            "level": self.level,
            "output_key": self.key,
            "parameters": self.parameters,
            "workers": {name: worker.to_document() for name, worker in self.workers.items()},
            "mapped": self.mapped,
            "items": self.items and self.items.to_document(),
            "on_item_error": self.on_item_error,
            **_touched(self.outside),
            "seconds": self.estimate.seconds.to_document(),
            "cost_usd": self.estimate.cost_usd.to_document(),
            "on_failure": self.on_failure,
            "compensation": self.compensation and self.compensation.to_document(),
            "calls": self.calls and {
                "name": self.calls.name,
                "specification_hash": self.calls.specification_hash,
            },
        }  # fmt: skip


def _touched(outside: Outside) -> dict[str, Any]:
    return {
        "side_effect": outside.side_effect,
        "hosts": list(outside.hosts),
        "recipients": list(outside.recipients),
        "databases": list(outside.databases),
        "secrets": list(outside.secrets),
    }


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
    missing_input: tuple[str, ...]
    """What its input still has to be given."""

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

    @property
    def touched(self) -> tuple[Outside, ...]:
        """What its nodes touch."""
        return tuple(touched for node in self.nodes for touched in node.touched)

    def to_document(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return {
            "specification_hash": self.specification_hash,
            "name": self.name,
            "pattern": self.pattern,
            "runnable": self.runnable,
            "missing_input": list(self.missing_input),
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
        return list(dict.fromkeys(name for touched in self.touched for name in names(touched)))


def plan(
    specification: Specification,
    agents: Mapping[str, AgentSignature],
    input: Mapping[str, Any] | None = None,
    history: History = NOTHING,
    callees: Callees | None = None,
    above: tuple[str, ...] = (),
    secrets: Collection[str] | None = None,
    refused: Callable[[str], bool] | None = None,
) -> Plan:
    """Return what a specification would do; with its problems when it could not run.

    Args:
        specification: As `load` gives it.
        agents: The agents that its nodes may name.
        input: An execution's input, or a part of it; the rest are its defaults.
        history: What executions of it, and its agents, took before.
        callees: The workflows that it may run; None: nobody looked, so none is missed.
        above: Those that run it, each by the name by which the one before it does.
        secrets: The secrets that are set; None: that is not known.
        refused: Whether a host may not be reached; None: that is not known.
    """
    problems = check(specification, agents)
    missing: list[str] = []
    given: Mapping[str, Any] = input or {}
    if not problems:
        given = with_defaults(specification, given)
        for problem in validate_input(specification, given):
            if problem.rule == "missing":
                missing.append(problem.path.removeprefix("input."))
            else:
                problems.append(problem)
    filled = known(specification, agents, given)
    calls = _calls(filled, agents, callees, above) if callees else {}
    times = {name: call.estimate for name, call in calls.items() if call.runnable}
    estimator = Estimator(filled, agents, history, given, times)
    levels = layout(specification)
    level = {node: number for number, nodes in enumerate(levels) for node in nodes}
    nodes = tuple(
        _node_plan(node, written, level[node.id], estimator, calls.get(node.id))
        for node, written in zip(filled.nodes, specification.nodes, strict=True)
        if node.agent in agents
    )
    return Plan(
        specification_hash=specification_hash(specification),
        name=specification.metadata.name,
        pattern=specification.pattern,
        nodes=nodes,
        levels=tuple(tuple(names) for names in levels),
        estimate=Estimate() if problems else estimator.workflow(),
        problems=tuple(problems),
        warnings=() if problems else (
            *plan_warnings(filled, agents, secrets, refused),
            *(callees.warnings(filled) if callees else ()),
            *_refusals(filled, calls),
        ),
        missing_input=tuple(missing),
    )  # fmt: skip


def _calls(
    specification: Specification,
    agents: Mapping[str, AgentSignature],
    callees: Callees,
    above: tuple[str, ...],
) -> dict[str, Plan]:
    """Plan the workflows that the nodes of a specification run, by node id."""
    found: dict[str, Plan] = {}
    for node in specification.nodes:
        callee = callees.follow(node, above)
        if callee is not None:
            path = (*above, str(callee_name(node)))
            found[node.id] = plan(callee, agents, callee_input(node), NOTHING, callees, path)
    return found


def _refusals(specification: Specification, calls: Mapping[str, Plan]) -> Iterator[Problem]:
    """Find the workflows that could not be run as their nodes do."""
    for index, node in enumerate(specification.nodes):
        call = calls.get(node.id)
        if call is not None and not call.runnable:
            first = call.problems[0]
            message = f"`{node.id}` runs `{call.name}`, which cannot start so: {first.message}"
            yield Problem(f"nodes[{index}].parameters", "refused_call", message, first.remedy)


def _node_plan(
    node: Node, written: Node, level: int, estimator: Estimator, calls: Plan | None
) -> NodePlan:
    """Plan a node in which the input is known; `written` is how it stands in the text."""
    agents, specification = estimator.agents, estimator.specification
    mapped = node.pattern == "map"
    workers = {
        name: _part(worker, worker_nodes(written)[name].parameters, estimator)
        for name, worker in worker_nodes(node).items()
        if worker.agent in agents
    }
    undo, undo_written = compensation(node), compensation(written)
    return NodePlan(
        id=node.id,
        agent=node.agent,
        level=level,
        key=node.key,
        parameters=shown(written.parameters, agents[node.agent], estimator.input),
        workers=workers,
        mapped=mapped,
        items=estimator.items(node) if mapped else None,
        on_item_error=(node.on_item_error or "fail") if mapped else None,
        outside=together([node_outside(node, agents), *(calls.touched if calls else ())]),
        estimate=estimator.node(node),
        on_failure="continue"
        if node.id in specification.final_ids
        else what_follows(specification, node),
        compensation=_part(undo, undo_written.parameters, estimator)
        if undo is not None and undo_written is not None and undo.agent in agents
        else None,
        calls=calls,
    )


def _part(node: Node, written: Mapping[str, Any], estimator: Estimator) -> Part:
    signature = estimator.agents[node.agent]
    return Part(
        node.agent, shown(written, signature, estimator.input), part_outside(node, estimator.agents)
    )
