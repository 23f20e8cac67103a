"""What a specification says of failures: failure edges, defaults, compensations, last nodes."""

import re
from collections.abc import Iterator

from compiler.errors import Problem
from compiler.failures import rolls_back
from compiler.specification import Edge, Node, Specification
from compiler.suggestions import did_you_mean

_ROUTER = "router"
_ENGINE = {
    "human_loop": "waits for a person",
    "wait": "waits",
    "workflow": "waits for another workflow",
    "workers": "needs a list to run over",
    _ROUTER: "only chooses a way",
}
"""Agents that make no sense outside the graph, and why."""
_CHANNEL = re.compile(r"(?:slack:)?https?://[^\s/]+\S*|mailto:[^\s@]+@[^\s@]+")
_CHANNEL_REMEDY = (
    "Write `https://…`, `slack:https://…` with the address of an incoming webhook, or "
    "`mailto:ops@example.com`."
)


def has_address(channel: str) -> bool:
    """Whether a notification channel says where to: `slack` alone does not."""
    return _CHANNEL.fullmatch(channel) is not None


def failure_problems(specification: Specification) -> list[Problem]:
    """Return what is wrong with how failures are handled."""
    return [
        *_failure_edges(specification),
        *_defaults(specification),
        *_compensations(specification),
        *_final_nodes(specification),
        *_channel(specification),
    ]


def _failure_edges(specification: Specification) -> Iterator[Problem]:
    nodes = {node.id: node for node in specification.nodes}
    leaving: dict[str, list[Edge]] = {}
    for index, edge in enumerate(specification.edges):
        others = leaving.setdefault(edge.source, [])
        if edge.type == "failure" and edge.source in nodes:
            path = f"edges[{index}]"
            yield from _failure_edge(edge, nodes[edge.source], path)
            if any(other.type == "failure" for other in others):
                message = f"`{edge.source}` has another edge of type `failure` already."
                remedy = "Keep one; what has to run beside it can follow its first node."
                yield Problem(path, "second_failure_edge", message, remedy)
        others.append(edge)
    for index, edge in enumerate(specification.edges):
        if edge.type == "failure":
            yield from _other_ways(edge, leaving[edge.source], f"edges[{index}]")


def _failure_edge(edge: Edge, node: Node, path: str) -> Iterator[Problem]:
    if node.agent == _ROUTER:
        message = f"`{node.id}` is a router, which has no failure edge."
        remedy = "Set the router's `default` to the node it should lead to when a condition fails."
        yield Problem(path, "failure_edge_of_router", message, remedy)
    if edge.condition is not None:
        message = "A failure edge is always taken when its node fails, but this one has a condition"
        remedy = "Remove the condition; put a router first on the failure branch to tell failures."
        yield Problem(f"{path}.condition", "contradictory_edge", f"{message}.", remedy)
    if node.default is not None or node.on_failure is not None:
        field = "default" if node.default is not None else "on_failure"
        message = f"`{node.id}` has both `{field}` and a failure edge, and both say what follows."
        remedy = f"Remove `{field}`, or the edge."
        yield Problem(path, "contradictory_failure", message, remedy)


def _other_ways(failure: Edge, leaving: list[Edge], path: str) -> Iterator[Problem]:
    others = [edge for edge in leaving if edge.type != "failure"]
    name = failure.source
    if any(edge.condition for edge in others):
        message = f"`{name}` has conditions on its edges and a failure edge."
        remedy = f"Let one edge lead from `{name}` to a router that decides by these conditions."
        yield Problem(path, "failure_edge_of_chooser", message, remedy)
    elif len(others) > 1:
        message = f"`{name}` has a failure edge and {len(others)} other ways on."
        remedy = f"Let one edge lead from `{name}` to a node from which the others go on."
        yield Problem(path, "failure_edge_of_fork", message, remedy)


def _defaults(specification: Specification) -> Iterator[Problem]:
    for index, node in enumerate(specification.nodes):
        if node.agent == _ROUTER and node.default is not None:
            message = f"`{node.id}` is a router: its output is where it leads."
            remedy = "Write the node to go on with under `parameters.default`."
            yield Problem(f"nodes[{index}].default", "default_of_router", message, remedy)


def _compensations(specification: Specification) -> Iterator[Problem]:
    for index, node in enumerate(specification.nodes):
        undo = node.compensate
        if undo is not None and undo.agent in _ENGINE:
            message = f"The agent `{undo.agent}` {_ENGINE[undo.agent]}, so it can undo nothing."
            remedy = "Name an agent that undoes what the node did."
            path = f"nodes[{index}].compensate.agent"
            yield Problem(path, "wrong_final_agent", message, remedy)


def _final_nodes(specification: Specification) -> Iterator[Problem]:
    place = "settings.error_handling.finally"
    indexes = {node.id: index for index, node in enumerate(specification.nodes)}
    for position, name in enumerate(specification.final_ids):
        path = f"{place}[{position}]"
        if name not in indexes:
            message = f"`{name}` is no node."
            yield Problem(path, "unknown_node", message, did_you_mean(name, indexes))
        elif name in specification.final_ids[:position]:
            message = f"`{name}` stands in the list already."
            yield Problem(path, "duplicate_id", message, "Remove it; it runs once.")
        else:
            node = specification.node(name)
            yield from _final_node(specification, node, f"nodes[{indexes[name]}]")
    if not specification.body:
        message = "Every node runs at the end, so there is nothing to do before it."
        yield Problem(
            place, "no_start_node", message, "Leave the nodes of the workflow itself out."
        )


def _final_node(specification: Specification, node: Node, path: str) -> Iterator[Problem]:
    for index, edge in enumerate(specification.edges):
        if node.id in (edge.source, edge.target):
            message = f"`{node.id}` runs at the end, in the order of `finally`, so it has no edges."
            remedy = "Remove the edge, or take the node out of `settings.error_handling.finally`."
            yield Problem(f"edges[{index}]", "edge_of_final_node", message, remedy)
    if node.agent in _ENGINE:
        message = f"The agent `{node.agent}` {_ENGINE[node.agent]}, so it cannot run at the end."
        remedy = "Put it into the workflow itself, with edges."
        yield Problem(f"{path}.agent", "wrong_final_agent", message, remedy)
    if node.pattern == "map":
        message = f"`{node.id}` runs at the end, where nothing is mapped."
        remedy = "Remove `pattern: map`; give the whole list to the agent."
        yield Problem(f"{path}.pattern", "map_at_the_end", message, remedy)
    for field in ("on_failure", "default", "compensate"):
        if getattr(node, field) is not None:
            message = f"`{node.id}` runs at the end, where `{field}` means nothing."
            remedy = f"Remove `{field}`: a failure at the end is recorded and changes nothing."
            yield Problem(f"{path}.{field}", "unused_at_the_end", message, remedy)


def _channel(specification: Specification) -> Iterator[Problem]:
    place = "settings.error_handling.notification_channel"
    handling = specification.settings.error_handling
    channel = handling.notification_channel
    if handling.notify_on_failure and channel is None:
        message = "Someone is to be told of failures, but not who."
        yield Problem(place, "missing_channel", message, _CHANNEL_REMEDY)
    # A plain word names a channel that this installation has no address of: the plan warns.
    if channel is not None and not has_address(channel) and not channel.isidentifier():
        message = f"`{channel:.100}` is no address of a notification channel."
        yield Problem(place, "invalid_channel", message, _CHANNEL_REMEDY)


def unheard_failures(specification: Specification) -> Iterator[Problem]:
    """Find what is written about failures and never used; warnings, for the plan."""
    place = "settings.error_handling"
    handling = specification.settings.error_handling
    channel = handling.notification_channel
    if handling.notify_on_failure and channel is not None and not has_address(channel):
        message = f"The notification channel `{channel}` has no address, so nobody is told."
        path = f"{place}.notification_channel"
        yield Problem(path, "unknown_channel", message, _CHANNEL_REMEDY)
    if rolls_back(specification):
        return
    for index, node in enumerate(specification.nodes):
        if node.compensate is not None:
            message = f"Nothing rolls back, so `{node.id}` is never undone."
            remedy = "Write `on_failure: rollback` in `settings.error_handling` or on a node."
            yield Problem(f"nodes[{index}].compensate", "never_compensated", message, remedy)
