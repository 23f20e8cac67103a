"""What a changed workflow may touch that it could not touch before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.outside import node_outside
from compiler.signature import AgentSignature
from compiler.specification import Compensation, Node, Specification
from compiler.tools import node_agents
from compiler.workers import worker_nodes

_EFFECTS = ("none", "reads", "writes", "sends")


@dataclass(frozen=True, slots=True)
class Widening:
    """One thing that comes within a workflow's reach."""

    kind: str
    """`agent`, `host`, `recipient`, `database`, `secret`, `workflow`, or `effect`: an agent that
    only read before, and now writes or sends."""
    value: str
    node_id: str | None
    """The node that brings it; None: the workflow's settings."""

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"kind": self.kind, "value": self.value, "node_id": self.node_id}


def widens(
    old: Specification, new: Specification, agents: Mapping[str, AgentSignature]
) -> list[Widening]:
    """Return what the new specification may touch and the old one may not.

    A text in braces is known only at run time, and counts as a value of its own. What a script or
    a model decides is not seen here; the egress guard and the sandbox bound these.
    """
    before = {(kind, value) for kind, value, _ in _touched(old, agents)}
    found: dict[tuple[str, str], Widening] = {}
    for kind, value, node_id in _touched(new, agents):
        if (kind, value) not in before:
            found.setdefault((kind, value), Widening(kind, value, node_id))
    come = {value for kind, value in found if kind == "agent"}
    return [one for one in found.values() if one.kind != "effect" or _says_more(one, found, come)]


def _says_more(
    effect: Widening, found: Mapping[tuple[str, str], Widening], new_agents: set[str]
) -> bool:
    """Whether an effect is told: of a new agent its name says enough, of effects the strongest."""
    agent, _, kind = effect.value.rpartition(" ")
    stronger = _EFFECTS[_EFFECTS.index(kind) + 1 :]
    return agent not in new_agents and not any(
        ("effect", f"{agent} {other}") in found for other in stronger
    )


def _touched(
    specification: Specification, agents: Mapping[str, AgentSignature]
) -> Iterator[tuple[str, str, str | None]]:
    for node in specification.nodes:
        yield from _by_node(node, node.id, agents)
        if node.compensate is not None:
            yield from _by_node(_as_node(node.id, node.compensate), node.id, agents)
    handling = specification.settings.error_handling
    if handling.notify_on_failure and handling.notification_channel:
        yield "recipient", handling.notification_channel, None
    if handling.error_workflow:
        yield "workflow", handling.error_workflow, None


def _as_node(id: str, compensation: Compensation) -> Node:
    return Node(id=id, agent=compensation.agent, parameters=compensation.parameters)


def _by_node(
    node: Node, node_id: str, agents: Mapping[str, AgentSignature]
) -> Iterator[tuple[str, str, str]]:
    for one in (node, *worker_nodes(node).values()):
        for name in node_agents(one):
            yield "agent", name, node_id
        if one.agent == "workflow":
            yield "workflow", str(one.parameters.get("workflow")), node_id
    if node.agent not in agents:
        return
    outside = node_outside(node, agents)
    for effect in _EFFECTS[2 : _EFFECTS.index(outside.side_effect) + 1]:
        yield "effect", f"{node.agent} {effect}", node_id
    for kind, values in (
        ("host", outside.hosts),
        ("recipient", outside.recipients),
        ("database", outside.databases),
        ("secret", outside.secrets),
    ):
        for value in values:
            yield kind, value, node_id
