"""The graph: ids, edges, reachability, loops, and where routers lead."""

from collections.abc import Iterator

from compiler.errors import Problem
from compiler.regions import may_end
from compiler.specification import Node, Specification
from compiler.suggestions import did_you_mean
from compiler.topology import Topology, topology

ROUTER = "router"
_BESIDE = ("map_reduce", "orchestrator_worker")


def graph_problems(specification: Specification, order: Topology) -> list[Problem]:
    """Return what is wrong with the graph, beside its shape."""
    return [
        *_duplicate_ids(specification),
        *_edge_problems(specification, order),
        *_choice_problems(specification),
        *_router_problems(specification, order),
        *_reach_problems(specification, order),
        *_loop_problems(specification, order),
    ]


def _duplicate_ids(specification: Specification) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, node in enumerate(specification.nodes):
        if node.id in first:
            message = f"The id `{node.id}` is taken by nodes[{first[node.id]}]."
            yield Problem(f"nodes[{index}].id", "duplicate_id", message, "Give it another id.")
        first.setdefault(node.id, index)


def _edge_problems(specification: Specification, order: Topology) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for index, edge in enumerate(specification.edges):
        path = f"edges[{index}]"
        for name, node in (("from", edge.source), ("to", edge.target)):
            # An edge of a node of `finally` has a problem of its own.
            if node not in order.successors and node not in specification.final_ids:
                message = f"The edge leads {name} `{node}`, which is no node."
                remedy = did_you_mean(node, order.nodes)
                yield Problem(f"{path}.{name}", "dangling_edge", message, remedy)
        pair = (edge.source, edge.target)
        if pair in seen:
            message = f"edges[{seen[pair]}] leads from `{edge.source}` to `{edge.target}` already."
            remedy = "Remove one; join two conditions with `or`."
            if "failure" in (edge.type, specification.edges[seen[pair]].type):
                remedy = (
                    f"Remove the failure edge; write `on_failure: continue` or `default` on "
                    f"`{edge.source}` to go on the same way when it fails."
                )
            yield Problem(path, "duplicate_edge", message, remedy)
        seen.setdefault(pair, index)


def _choice_problems(specification: Specification) -> Iterator[Problem]:
    """Check the conditions on the edges of nodes that are no routers: the first that holds wins."""
    routers = {node.id for node in specification.nodes if node.agent == ROUTER}
    choosers = {edge.source for edge in specification.edges if edge.condition}
    always: dict[str, int] = {}
    for index, edge in enumerate(specification.edges):
        path = f"edges[{index}]"
        if edge.source in routers or edge.type == "failure":
            continue
        if edge.condition is not None and edge.type == "parallel":
            message = "A parallel edge is always taken, but this one has a condition."
            remedy = "Remove the condition, or write `type: conditional`."
            yield Problem(f"{path}.type", "contradictory_edge", message, remedy)
        if edge.type == "conditional" and edge.source not in choosers:
            message = f"The edge from `{edge.source}` is conditional but has no condition."
            remedy = "Add `condition`, such as `score > 0.8`, or remove the type."
            yield Problem(path, "missing_condition", message, remedy)
        if edge.source not in choosers:
            continue
        if edge.source in always:
            message = f"edges[{always[edge.source]}] has no condition, so this edge is never taken."
            remedy = "Put the edge without a condition last: it is the `else`."
            yield Problem(path, "edge_never_taken", message, remedy)
        elif not edge.condition:
            always[edge.source] = index


def _router_problems(specification: Specification, order: Topology) -> Iterator[Problem]:
    for index, node in enumerate(specification.nodes):
        if node.agent == ROUTER and node.id in order.successors:
            path = f"nodes[{index}].parameters"
            yield from _router_form(node, path)
            targets = dict(_router_targets(node, path))
            for place, target in targets.items():
                yield from _target_problem(node, target, place, order)
            yield from _unrouted(specification, node, set(targets.values()))


def _router_form(node: Node, path: str) -> Iterator[Problem]:
    parameters = node.parameters
    decides = parameters.get("condition") is not None
    if decides and parameters.get("routes"):
        message = "A router has either `condition` or `routes`, not both."
        yield Problem(path, "contradictory_router", message, "Remove one of the two.")
    elif decides:
        if not any(parameters.get(name) for name in ("if_true", "if_false")):
            message = f"The router `{node.id}` leads nowhere."
            remedy = "Add `if_true` and `if_false` with the ids of the nodes that follow."
            yield Problem(path, "missing_parameter", message, remedy)
    elif not parameters.get("routes"):
        message = f"The router `{node.id}` has nothing to decide by."
        remedy = "Add `condition` with `if_true` and `if_false`, or `routes`."
        yield Problem(path, "missing_parameter", message, remedy)


def _router_targets(node: Node, path: str) -> Iterator[tuple[str, str]]:
    for name in ("if_true", "if_false", "default"):
        target = node.parameters.get(name)
        if isinstance(target, str):
            yield f"{path}.{name}", target
    routes = node.parameters.get("routes")
    for index, route in enumerate(routes if isinstance(routes, list) else ()):
        if isinstance(route, dict) and isinstance(route.get("to"), str):
            yield f"{path}.routes[{index}].to", route["to"]


def _target_problem(node: Node, target: str, place: str, order: Topology) -> Iterator[Problem]:
    if target not in order.successors:
        message = f"The router `{node.id}` leads to `{target}`, which is no node."
        yield Problem(place, "wrong_router_target", message, did_you_mean(target, order.nodes))
    elif target not in order.successors[node.id]:
        message = f"The router `{node.id}` leads to `{target}`, but no edge does."
        remedy = f"Add an edge from `{node.id}` to `{target}`."
        yield Problem(place, "wrong_router_target", message, remedy)


def _unrouted(specification: Specification, node: Node, targets: set[str]) -> Iterator[Problem]:
    for index, edge in enumerate(specification.edges):
        if edge.source == node.id and edge.type != "failure" and edge.target not in targets:
            message = f"The router `{node.id}` never takes its edge to `{edge.target}`."
            remedy = "Name that node in the router's parameters, or remove the edge."
            yield Problem(f"edges[{index}]", "edge_never_taken", message, remedy)


def _reach_problems(specification: Specification, order: Topology) -> Iterator[Problem]:
    reached = order.reachable()
    indexes = {node.id: index for index, node in enumerate(specification.nodes)}
    entered = all(order.predecessors[node] for node in order.nodes)
    lost = [node for node in order.nodes if node not in reached]
    if lost and entered:
        message = "Every node is entered by an edge, so the workflow has no beginning."
        remedy = "Remove the edge that leads back to the node it should begin with."
        yield Problem("edges", "no_start_node", message, remedy)
        return
    for node in lost:
        message = f"No path from the beginning leads to `{node}`."
        remedy = "Add an edge that leads to it, or remove it."
        yield Problem(f"nodes[{indexes[node]}]", "unreachable_node", message, remedy)
    if specification.pattern not in _BESIDE and len(order.nodes) > 1:
        yield from _unconnected(specification, order, indexes)


def _unconnected(
    specification: Specification, order: Topology, indexes: dict[str, int]
) -> Iterator[Problem]:
    """A node without edges runs beside all others, which these patterns do not mean."""
    if not specification.edges:
        message = f"There are {len(order.nodes)} nodes but no edges."
        remedy = (
            "Add `edges` in the order in which the nodes follow each other, or write "
            "`pattern: orchestrator_worker` if they run beside each other."
        )
        yield Problem("edges", "unreachable_node", message, remedy)
        return
    for node in order.nodes:
        if not order.predecessors[node] and not order.successors[node]:
            message = f"No edge leads to `{node}` or from it."
            remedy = (
                "Add an edge, or write `pattern: orchestrator_worker` if it runs beside the others."
            )
            yield Problem(f"nodes[{indexes[node]}]", "unreachable_node", message, remedy)


def _loop_problems(specification: Specification, order: Topology) -> Iterator[Problem]:
    leaving = _nodes_that_leave(specification, order)
    trapped: set[str] = set()
    for index, loop in _loops(specification, order):
        if not loop & leaving:
            trapped |= loop
            names = ", ".join(f"`{node}`" for node in order.nodes if node in loop)
            yield _endless(index, f"The loop of {names} has no way out.")
    # Inside a larger loop that ends there may be one that never passes a node that chooses.
    choosers = _choosers(specification)
    plain = tuple(
        edge
        if not {edge.source, edge.target} & choosers
        else edge.model_copy(update={"target": ""})
        for edge in specification.edges
    )
    inner = specification.model_copy(update={"edges": plain})
    for index, loop in _loops(inner, topology(inner)):
        if not loop & trapped:
            source = specification.edges[index].source
            yield _endless(index, f"The loop through `{source}` never passes a node that chooses.")


def _endless(index: int, message: str) -> Problem:
    remedy = "Let a router or a conditional edge lead out of it."
    return Problem(f"edges[{index}]", "cycle_without_exit", message, remedy)


def _loops(specification: Specification, order: Topology) -> Iterator[tuple[int, set[str]]]:
    """Yield the sets of nodes that lie on loops together, with one edge of each."""
    examined: set[str] = set()
    for index, edge in enumerate(specification.edges):
        node = edge.source
        if node in examined or node not in order.successors:
            continue
        examined.add(node)
        if order.precedes(node, node):
            loop = {other for other in order.before(node) if order.precedes(node, other)}
            examined |= loop
            yield index, loop


def _choosers(specification: Specification) -> set[str]:
    routers = {node.id for node in specification.body if node.agent == ROUTER}
    return routers | {
        edge.source for edge in specification.edges if edge.condition or edge.type == "failure"
    }


def _nodes_that_leave(specification: Specification, order: Topology) -> set[str]:
    """Return the choosers that can end a loop: one of their ways leads out of it or ends."""
    leaving = set()
    choosers = _choosers(specification)
    for node in specification.body:
        if node.id not in choosers or not order.precedes(node.id, node.id):
            continue
        outside = any(not order.precedes(to, node.id) for to in order.successors[node.id])
        if outside or may_end(specification, node):
            leaving.add(node.id)
    return leaving
