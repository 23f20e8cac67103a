"""The shape of a workflow: a tree of steps, parallel branches and choices.

LangGraph advances a flat graph in lock-step, so that a fast branch would wait for its slowest
sibling and branches of unequal length would run their join twice. A workflow is therefore read as
nested regions, each with one entry and one exit, found through post-dominators (Cooper, Harvey,
Kennedy: "A Simple, Fast Dominance Algorithm", 2001); what cannot be read so is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compiler.errors import Problem
from compiler.specification import Edge, Node, Specification

START = "__start__"
END = "__end__"


@dataclass(frozen=True, slots=True)
class Single:
    """One node."""

    node: Node
    back: str | None = None
    """Where a loop begins again, when this node does nothing but lead back to it."""


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches that all run, each at its own pace."""

    branches: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Branches of which the node before takes one."""

    branches: tuple[Block, ...]


Step = Single | Parallel | Choice
Block = tuple[Step, ...]


class ShapeError(Exception):
    """The graph cannot be read as nested regions; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def is_chooser(specification: Specification, node: Node) -> bool:
    """Whether the node takes one of its outgoing edges instead of all of them."""
    return node.agent == "router" or any(
        edge.condition or edge.type == "failure"
        for edge in specification.edges
        if edge.source == node.id
    )


def may_end(specification: Specification, node: Node) -> bool:
    """Whether a chooser may take none of its edges, which ends its path."""
    if node.agent == "router":
        names = ("default",) if "routes" in node.parameters else ("if_true", "if_false")
        return not node.parameters.get("default") and not all(
            node.parameters.get(name) for name in names
        )
    # Its failure edge says nothing of where it goes on when it succeeds.
    return all(
        edge.condition
        for edge in specification.edges
        if edge.source == node.id and edge.type != "failure"
    )


def decompose(specification: Specification) -> Block:
    """Read a specification's graph as nested regions.

    Raises:
        ShapeError: It has another shape; the problem says where and what to do.
    """
    return _Reader(specification).read()


def shape_problems(specification: Specification) -> list[Problem]:
    """Return what is wrong with the graph's shape: one problem or none.

    The graph must have no dangling edges and no unreachable nodes.
    """
    try:
        decompose(specification)
    except ShapeError as error:
        return [error.problem]
    return []


@dataclass(slots=True)
class _Reader:
    specification: Specification
    successors: dict[str, list[str]] = field(default_factory=dict)
    loops: list[tuple[str, str]] = field(default_factory=list)
    exits: dict[str, str] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self) -> Block:
        nodes = {node.id: node for node in self.specification.body}
        self.successors = _successors(self.specification)
        for source, targets in self.successors.items():
            if not targets and source != END:
                targets.append(END)
        # Ways back count here: what only leads back to a loop's beginning leaves where that does.
        self.exits = _dominators(_reversed(self.successors), END)
        dominators = _dominators(self.successors, START)
        for source, targets in self.successors.items():
            for target in list(targets):
                if _dominates(dominators, target, source):
                    self.loops.append((source, target))
                    targets.remove(target)
        self._refuse_tangled_loops()
        self._refuse_forked_loops(nodes)
        first = self.successors[START]
        if len(first) == 1:
            block = self._block(first[0], END, (), nodes)
        else:
            join = self.exits[START]
            block = (*self._parallel(START, join, (), nodes), *self._block(join, END, (), nodes))
        self._refuse_loops_across_branches()
        return block

    def _block(
        self, start: str, stop: str, level: tuple[str, ...], nodes: Mapping[str, Node]
    ) -> Block:
        steps: list[Step] = []
        current = start
        backs = dict(self.loops)
        while current != stop:
            if current == END or current in self.levels:
                raise self._tangled(start, stop)
            self.levels[current] = level
            following = self.successors[current]
            steps.append(Single(nodes[current], None if following else backs[current]))
            if not following:
                break
            if len(following) == 1:
                current = following[0]
                continue
            join = self.exits[current]
            if is_chooser(self.specification, nodes[current]):
                steps.append(
                    Choice(tuple(self._block(head, join, level, nodes) for head in following))
                )
            else:
                steps.extend(self._parallel(current, join, level, nodes))
            if join in self.levels:
                # All ways from here lead back to where a loop begins.
                break
            current = join
        return tuple(steps)

    def _parallel(
        self, fork: str, join: str, level: tuple[str, ...], nodes: Mapping[str, Node]
    ) -> Block:
        # An edge from the fork straight to the join says nothing: the join waits anyway.
        heads = [head for head in self.successors[fork] if head != join]
        if len(heads) == 1:
            return self._block(heads[0], join, level, nodes)
        return (Parallel(tuple(self._block(head, join, (*level, head), nodes) for head in heads)),)

    def _tangled(self, head: str, join: str) -> ShapeError:
        place = "the end" if join == END else f"`{join}`"
        return ShapeError(
            Problem(
                path="edges",
                rule="tangled_branches",
                message=f"The branch that begins at `{head}` meets another branch before {place}.",
                remedy="Let branches that start together join in one node, or keep them apart.",
            )
        )

    def _refuse_tangled_loops(self) -> None:
        seen: dict[str, int] = {}
        path: list[tuple[str, int]] = [(START, 0)]
        seen[START] = 1
        while path:
            node, place = path.pop()
            following = self.successors.get(node, [])
            if place == len(following):
                seen[node] = 2
                continue
            path.append((node, place + 1))
            target = following[place]
            if seen.get(target) == 1:
                raise self._loop_problem(node, target, "has more than one way in")
            if target not in seen:
                seen[target] = 1
                path.append((target, 0))

    def _refuse_forked_loops(self, nodes: Mapping[str, Node]) -> None:
        for source, target in self.loops:
            chooses = is_chooser(self.specification, nodes[source])
            ways = self.successors[source] + [to for origin, to in self.loops if origin == source]
            if len(ways) > 1 and not chooses:
                raise self._loop_problem(source, target, "goes on elsewhere at the same time")

    def _refuse_loops_across_branches(self) -> None:
        for source, target in self.loops:
            if self.levels[source] != self.levels[target]:
                raise self._loop_problem(source, target, "leaves its parallel branch")

    def _loop_problem(self, source: str, target: str, why: str) -> ShapeError:
        return ShapeError(
            Problem(
                path=f"edges[{_edge_index(self.specification.edges, source, target)}]",
                rule="tangled_loop",
                message=f"The loop from `{source}` back to `{target}` {why}.",
                remedy=(
                    "Let a loop return to a node that every path into it passes, from a node that "
                    "only leads back or that chooses."
                ),
            )
        )


def _edge_index(edges: tuple[Edge, ...], source: str, target: str) -> int:
    for index, edge in enumerate(edges):
        if (edge.source, edge.target) == (source, target):
            return index
    return 0


def _successors(specification: Specification) -> dict[str, list[str]]:
    successors: dict[str, list[str]] = {node.id: [] for node in specification.body}
    entered = set()
    for edge in specification.edges:
        if edge.target not in successors[edge.source]:
            successors[edge.source].append(edge.target)
        entered.add(edge.target)
    for node in specification.body:
        if is_chooser(specification, node) and may_end(specification, node):
            successors[node.id].append(END)
    first = [node.id for node in specification.body if node.id not in entered]
    successors[START] = first or [specification.body[0].id]
    successors[END] = []
    return successors


def _reversed(successors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    reverse: dict[str, list[str]] = {node: [] for node in successors}
    for source, targets in successors.items():
        for target in targets:
            reverse[target].append(source)
    return reverse


def _dominators(successors: Mapping[str, list[str]], root: str) -> dict[str, str]:
    """Return each reachable node's immediate dominator; the root is its own."""
    order = _postorder(successors, root)
    number = {node: place for place, node in enumerate(order)}
    predecessors = _reversed(successors)
    immediate = {root: root}
    changed = True
    while changed:
        changed = False
        for node in reversed(order[:-1]):
            known = [p for p in predecessors[node] if p in immediate]
            new = known[0]
            for other in known[1:]:
                new = _intersect(immediate, number, new, other)
            if immediate.get(node) != new:
                immediate[node] = new
                changed = True
    return immediate


def _intersect(
    immediate: Mapping[str, str], number: Mapping[str, int], one: str, other: str
) -> str:
    while one != other:
        while number[one] < number[other]:
            one = immediate[one]
        while number[other] < number[one]:
            other = immediate[other]
    return one


def _postorder(successors: Mapping[str, list[str]], root: str) -> list[str]:
    order: list[str] = []
    seen = {root}
    path: list[tuple[str, int]] = [(root, 0)]
    while path:
        node, place = path.pop()
        if place == len(successors[node]):
            order.append(node)
            continue
        path.append((node, place + 1))
        target = successors[node][place]
        if target not in seen:
            seen.add(target)
            path.append((target, 0))
    return order


def _dominates(immediate: Mapping[str, str], above: str, node: str) -> bool:
    while node in immediate:
        if node == above:
            return True
        if immediate[node] == node:
            return False
        node = immediate[node]
    return False
