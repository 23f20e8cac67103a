"""Names: references, input keys, output keys and conditions against what stands in the state.

A name is known at a node when some path to the node passes one that writes it. What the check
accepts can still be absent at run time, when another path was taken.
"""

import re
from collections.abc import Iterator, Mapping

from compiler.check_graph import ROUTER
from compiler.conditions import ConditionError, parse_condition
from compiler.errors import Problem
from compiler.failures import compensation
from compiler.names import Names, Place, mapped_items, reserved_problem
from compiler.references import parse_reference, references_in
from compiler.regions import Block, Parallel, Single, decompose
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from compiler.tools import LLM, TOOLS
from compiler.topology import Topology
from compiler.workers import worker_nodes

_SEEN_BY_OTHERS = {
    "llm": "A prompt goes to the model's provider",
    "human_loop": "A question is shown to people",
    "workflow": "The input of an execution is stored",
}
_OF_A_TOOL = re.compile(rf"{TOOLS}\[\d+\]\.parameters\.")
"""Where the fixed parameters of an llm node's tools stand, which its model never sees."""
_NO_CODE: frozenset[str] = frozenset()


def name_problems(
    specification: Specification, agents: Mapping[str, AgentSignature], order: Topology
) -> list[Problem]:
    """Return every name that is not known where it is used, and every name that may not be."""
    names = Names(specification, agents, order)
    problems: list[Problem] = []
    for index, node in enumerate(specification.nodes):
        path = f"nodes[{index}]"
        problems += _reserved_names(node, path)
        problems += _input_keys(names, node, path)
        problems += _references(names, node, path, agents.get(node.agent))
        for name, worker in worker_nodes(node).items():
            problems += _references(
                names, worker, f"{path}.workers.{name}", agents.get(worker.agent)
            )
        undo = compensation(node)
        if undo is not None:
            path = f"{path}.compensate"
            problems += _references(names, undo, path, agents.get(undo.agent), after=True)
        if node.agent == ROUTER:
            problems += _router_conditions(names, node, f"nodes[{index}]")
    problems += _edge_conditions(names, specification)
    return problems


def _reserved_names(node: Node, path: str) -> Iterator[Problem]:
    for field, name in (("id", node.id), ("output_key", node.output_key)):
        problem = reserved_problem(name, f"{path}.{field}") if name else None
        if problem:
            yield problem


def _input_keys(names: Names, node: Node, path: str) -> Iterator[Problem]:
    if node.pattern == "map" and not node.input_keys:
        message = f"The map node `{node.id}` does not say over which list it runs."
        remedy = "Add `input_keys` with the key of a list, such as `input_keys: [reviews]`."
        yield Problem(f"{path}.input_keys", "map_without_list", message, remedy)
    for index, key in enumerate(node.input_keys):
        place = Place(f"{path}.input_keys[{index}]", node)
        reference = parse_reference(key)
        if reference is None:
            message = f"`{key:.60}` is no name of a value."
            remedy = "Write a key such as `reviews`, or a path such as `input.urls`, no braces."
            yield Problem(place.path, "unknown_input_key", message, remedy)
            continue
        problem = names.problem(reference, place)
        if problem:
            rule = problem.rule.replace("unknown_reference", "unknown_input_key")
            yield Problem(problem.path, rule, problem.message, problem.remedy)


def _references(
    names: Names,
    node: Node,
    path: str,
    signature: AgentSignature | None,
    *,
    after: bool = False,
) -> Iterator[Problem]:
    code = signature.code_parameters if signature else _NO_CODE
    for place, reference in references_in(node.parameters, code):
        where = Place(f"{path}.parameters.{place}", node, after, mapped_items(node))
        problem = names.problem(reference, where)
        if problem:
            yield problem
        elif (
            reference.root == "secrets"
            and node.agent in _SEEN_BY_OTHERS
            and not (node.agent == LLM and _OF_A_TOOL.match(place))
        ):
            message = f"{_SEEN_BY_OTHERS[node.agent]}, so it cannot hold a secret."
            remedy = "Remove the reference; use secrets in the nodes that log in somewhere."
            yield Problem(where.path, "exposed_secret", message, remedy)


def _router_conditions(names: Names, node: Node, path: str) -> Iterator[Problem]:
    condition = node.parameters.get("condition")
    if isinstance(condition, str):
        place = Place(f"{path}.parameters.condition", node)
        yield from _condition_problems(names, condition, place)
    routes = node.parameters.get("routes")
    for index, route in enumerate(routes if isinstance(routes, list) else ()):
        if isinstance(route, dict) and isinstance(route.get("when"), str):
            place = Place(f"{path}.parameters.routes[{index}].when", node)
            yield from _condition_problems(names, route["when"], place)


def _edge_conditions(names: Names, specification: Specification) -> Iterator[Problem]:
    """Check conditions on edges; on a router's edges they are labels, and free."""
    nodes = {node.id: node for node in specification.nodes}
    for index, edge in enumerate(specification.edges):
        source = nodes.get(edge.source)
        if source is None or source.agent == ROUTER or edge.condition is None:
            continue
        place = Place(f"edges[{index}].condition", source, after=True)
        yield from _condition_problems(names, edge.condition, place)


def _condition_problems(names: Names, text: str, place: Place) -> Iterator[Problem]:
    try:
        condition = parse_condition(text)
    except ConditionError as error:
        yield Problem(place.path, "condition_syntax", error.message, error.remedy)
        return
    for reference in condition.references:
        if reference.root == "secrets":
            message = "A condition cannot read secrets."
            remedy = "Compare something that a node has found out."
            yield Problem(place.path, "exposed_secret", message, remedy)
            continue
        problem = names.problem(reference, place)
        if problem:
            yield problem


def key_conflicts(specification: Specification) -> list[Problem]:
    """Return the output keys that two nodes may write at the same time.

    The specification's graph must be one that `decompose` can read.
    """
    indexes = {node.id: index for index, node in enumerate(specification.nodes)}
    conflicts: list[tuple[Node, Node]] = []
    _written(decompose(specification), conflicts)
    return [
        Problem(
            f"nodes[{indexes[node.id]}].output_key",
            "conflicting_output_key",
            f"`{node.key}` is also written by `{other.id}`, which may run at the same time.",
            f"Give `{node.id}` an `output_key` of its own.",
        )
        for other, node in conflicts
    ]


def _written(block: Block, conflicts: list[tuple[Node, Node]]) -> dict[str, Node]:
    """Return who writes which key in a block; note the keys written twice side by side."""
    keys: dict[str, Node] = {}
    for step in block:
        if isinstance(step, Single):
            keys[step.node.key] = step.node
            continue
        beside: dict[str, Node] = {}
        for branch in step.branches:
            below = _written(branch, conflicts)
            if isinstance(step, Parallel):
                both = [key for key in below if key in beside]
                conflicts.extend((beside[key], below[key]) for key in both)
            beside |= below
        keys |= beside
    return keys
