"""What a specification says of failures: what follows a failed node, and what runs at the end."""

from typing import Literal

from compiler.specification import Edge, Node, OnFailure, Specification

Then = Literal["branch", "default", "continue", "stop", "rollback"]
"""What follows a node that failed for good: its failure edge, its default, or `on_failure`."""

STOPPING: frozenset[Then] = frozenset(("stop", "rollback"))
"""After these the execution begins no further node and fails."""
FINAL_FIELDS = ("status", "error")
"""What `{execution.x}` may name in a node of `finally`."""


def failure_edge(specification: Specification, node_id: str) -> Edge | None:
    """Return the edge that is taken when a node fails for good; None if it has none."""
    for edge in specification.edges:
        if edge.source == node_id and edge.type == "failure":
            return edge
    return None


def on_failure(specification: Specification, node: Node) -> OnFailure:
    """Return a node's own `on_failure`, else the workflow's."""
    return node.on_failure or specification.settings.error_handling.on_failure


def what_follows(specification: Specification, node: Node) -> Then:
    """Return what follows when a node fails for good."""
    if node.default is not None:
        return "default"
    if failure_edge(specification, node.id):
        return "branch"
    return on_failure(specification, node)


def survivable(specification: Specification) -> tuple[str, ...]:
    """Return the nodes after whose failure the execution goes on."""
    edges = {edge.source for edge in specification.edges if edge.type == "failure"}
    return tuple(
        node.id
        for node in specification.body
        if node.default is not None
        or node.id in edges
        or on_failure(specification, node) == "continue"
    )


def rolls_back(specification: Specification) -> bool:
    """Whether some failure makes the execution undo what it did."""
    return specification.settings.error_handling.on_failure == "rollback" or any(
        node.on_failure == "rollback" for node in specification.body
    )


def compensation(node: Node) -> Node | None:
    """Return a node's compensation as a node of the same id; None if it has none."""
    if node.compensate is None:
        return None
    undo = node.compensate
    return Node(
        id=node.id,
        agent=undo.agent,
        description=node.description,
        parameters=undo.parameters,
        retry=undo.retry,
        timeout=undo.timeout,
    )


def final_nodes(specification: Specification) -> tuple[Node, ...]:
    """Return the nodes of `finally` in the order in which they run; unknown ids are left out."""
    nodes = {node.id: node for node in specification.nodes}
    return tuple(nodes[name] for name in specification.final_ids if name in nodes)
