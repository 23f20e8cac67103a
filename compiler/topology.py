"""Who follows whom: the order of a specification's nodes, as the checks, plan and diagram need it.

Lenient: edges that lead nowhere are left out, so that it can be built of a faulty specification.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from compiler.failures import final_nodes
from compiler.specification import Specification


@dataclass(frozen=True, slots=True)
class Topology:
    """The order of a specification's nodes; those of `finally` stand outside it."""

    nodes: tuple[str, ...]
    """Ids in the order in which they are written, each once."""
    successors: Mapping[str, tuple[str, ...]]
    predecessors: Mapping[str, tuple[str, ...]]
    starts: tuple[str, ...]
    """Nodes that no edge enters; the first node when every node is entered, as in a loop."""
    _numbers: Mapping[str, int]
    _above: Mapping[str, int]
    """Per node the set of nodes before it, one bit for each."""

    def precedes(self, one: str, other: str) -> bool:
        """Whether some path leads from one node to the other; in a loop a node precedes itself."""
        return bool(self._above[other] >> self._numbers[one] & 1)

    def before(self, node: str) -> tuple[str, ...]:
        """Return the nodes from which some path leads to this one."""
        above = self._above[node]
        return tuple(name for place, name in enumerate(self.nodes) if above >> place & 1)

    def reachable(self) -> frozenset[str]:
        """Return the nodes that some path from a start leads to."""
        seen = set(self.starts)
        waiting = list(self.starts)
        while waiting:
            for target in self.successors[waiting.pop()]:
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
        return frozenset(seen)


def topology(specification: Specification) -> Topology:
    """Read the order of a specification's nodes from its edges."""
    nodes = tuple(dict.fromkeys(node.id for node in specification.body))
    successors: dict[str, dict[str, None]] = {node: {} for node in nodes}
    predecessors: dict[str, dict[str, None]] = {node: {} for node in nodes}
    for edge in specification.edges:
        if edge.source in successors and edge.target in successors:
            successors[edge.source][edge.target] = None
            predecessors[edge.target][edge.source] = None
    numbers = {node: place for place, node in enumerate(nodes)}
    return Topology(
        nodes,
        {node: tuple(targets) for node, targets in successors.items()},
        {node: tuple(sources) for node, sources in predecessors.items()},
        tuple(node for node in nodes if not predecessors[node]) or nodes[:1],
        numbers,
        _above(successors, numbers),
    )


def _above(
    successors: Mapping[str, Mapping[str, None]], numbers: Mapping[str, int]
) -> dict[str, int]:
    above = dict.fromkeys(successors, 0)
    waiting = deque(successors)
    queued = set(successors)
    while waiting:
        node = waiting.popleft()
        queued.discard(node)
        reach = above[node] | 1 << numbers[node]
        for target in successors[node]:
            if above[target] | reach != above[target]:
                above[target] |= reach
                if target not in queued:
                    queued.add(target)
                    waiting.append(target)
    return above


def layout(specification: Specification) -> list[list[str]]:
    """Return the nodes in levels: each stands below all that lead to it; loops' ways back ignored.

    Within a level nodes keep the order in which they are written. The nodes of `finally` come
    last, one after the other.
    """
    order = topology(specification)
    backward = _ways_back(order)
    entries = {
        node: sum((source, node) not in backward for source in order.predecessors[node])
        for node in order.nodes
    }
    level = dict.fromkeys(order.nodes, 0)
    ready = [node for node in order.nodes if not entries[node]]
    while ready:
        node = ready.pop()
        for target in order.successors[node]:
            if (node, target) in backward:
                continue
            level[target] = max(level[target], level[node] + 1)
            entries[target] -= 1
            if not entries[target]:
                ready.append(target)
    levels: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for node in order.nodes:
        levels[level[node]].append(node)
    return [*levels, *([node.id] for node in final_nodes(specification))]


def _ways_back(order: Topology) -> frozenset[tuple[str, str]]:
    """Return the edges that lead back to a node of the path they came by."""
    backward: set[tuple[str, str]] = set()
    state: dict[str, bool] = {}
    for root in (*order.starts, *order.nodes):
        if root in state:
            continue
        state[root] = True
        path = [(root, iter(order.successors[root]))]
        while path:
            node, targets = path[-1]
            target = next(targets, None)
            if target is None:
                state[node] = False
                path.pop()
            elif target not in state:
                state[target] = True
                path.append((target, iter(order.successors[target])))
            elif state[target]:
                backward.add((node, target))
    return frozenset(backward)
