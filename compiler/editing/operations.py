"""Typed edits of a specification: each mends what it would otherwise leave broken.

A step that comes or goes is taken into the chain of edges around it, routers and `finally`
included; a step that is renamed keeps its name in every reference. What no rule can mend, such as
a reference to the result of a step that is gone, the checks report.
"""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.editing.chain import (
    CannotEdit,
    Document,
    Part,
    final_steps,
    handles_failure,
    last_steps,
    node_of,
    place_of,
    point,
    put_in,
    take_out,
    wait_for_approval,
    without,
)
from compiler.editing.renaming import in_expression, renamed_references
from compiler.specification import Specification
from compiler.text import load_document, to_document


@dataclass(frozen=True, slots=True)
class AddSteps:
    """New steps, which follow each other as their own edges say, in one place of the chain."""

    nodes: tuple[Document, ...]
    edges: tuple[Document, ...] = ()
    after: str | None = None
    """The step that they follow."""
    before: str | None = None
    """The step that follows them; neither: they come at the end."""
    condition: str | None = None
    """The label of the way from a router: from the one before, or the new one to the next."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The JSON Schema of the inputs that they need."""
    on_failure: bool = False
    """Whether they follow when the step before fails for good, and only then."""


@dataclass(frozen=True, slots=True)
class AddBeside:
    """A new step that runs at the same time as another, between the same others."""

    node: Document
    beside: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SwapWays:
    """The two ways of a choice change places."""

    node_id: str


@dataclass(frozen=True, slots=True)
class RemoveStep:
    """A step that goes; what came before it leads to what came after it."""

    node_id: str


@dataclass(frozen=True, slots=True)
class ReplaceStep:
    """Another step in the place of one, read under the former one's key."""

    node_id: str
    node: Document
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoveStep:
    """A step that comes somewhere else in the chain."""

    node_id: str
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class RenameStep:
    """Another id for a step, everywhere."""

    node_id: str
    new_id: str


@dataclass(frozen=True, slots=True)
class SetField:
    """Another value for a field: of a node by its path, or of the workflow (`trigger`)."""

    node_id: str | None
    path: tuple[str, ...]
    value: Any
    """None takes the field away."""


@dataclass(frozen=True, slots=True)
class AddEdge:
    """A way from one step to another that was not there."""

    source: str
    target: str
    type: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveEdge:
    """A way that goes."""

    source: str
    target: str


Operation = (
    AddSteps
    | AddBeside
    | RemoveStep
    | ReplaceStep
    | MoveStep
    | RenameStep
    | SetField
    | SwapWays
    | AddEdge
    | RemoveEdge
)


def apply(specification: Specification, operations: Sequence[Operation]) -> Specification:
    """Return the specification with edits made, one after the other.

    Raises:
        CannotEdit: One of them does not fit.
        SpecificationError: What comes out is no specification.
    """
    document = copy.deepcopy(to_document(specification))
    document.setdefault("edges", [])
    for operation in operations:
        _MAKERS[type(operation)](document, operation)
    return load_document(document)


def _add(document: Document, operation: AddSteps) -> None:
    nodes = [copy.deepcopy(node) for node in operation.nodes]
    after, before = operation.after, operation.before
    if after is None and before is None:
        ends = last_steps(document)
        if len(ends) != 1:
            raise CannotEdit("The workflow has several ends.")
        [after] = ends
    place = place_of(document, after) + 1 if after is not None else place_of(document, str(before))
    document["nodes"][place:place] = nodes
    edges = [dict(edge) for edge in operation.edges]
    ids = {node["id"] for node in nodes}
    inner = [edge for edge in edges if edge["from"] in ids and edge["to"] in ids]
    part = Part(
        nodes,
        without(nodes, {edge["to"] for edge in inner}),
        without(nodes, {edge["from"] for edge in inner}),
    )
    if operation.on_failure:
        document["edges"].append({"from": after, "to": part.starts[0], "type": "failure"})
    else:
        put_in(document, part, after, before, operation.condition)
    document["edges"] += edges
    if operation.condition is None:
        for node in nodes:
            if node["id"] in part.ends:
                wait_for_approval(document, node)
    _declare(document, operation.inputs)


def _add_beside(document: Document, operation: AddBeside) -> None:
    node, beside = copy.deepcopy(operation.node), operation.beside
    edges: list[Document] = document["edges"]
    entering = [edge for edge in edges if edge["to"] == beside]
    leaving = [edge for edge in edges if edge["from"] == beside and not handles_failure(edge)]
    for edge in entering:
        if node_of(document, edge["from"])["agent"] == "router":
            raise CannotEdit(f"`{beside}` stands on a way of a choice, which leads to one step.")
    document["nodes"].insert(place_of(document, beside) + 1, node)
    edges += [{**edge, "to": node["id"]} for edge in entering]
    edges += [{"from": node["id"], "to": edge["to"]} for edge in leaving]
    _declare(document, operation.inputs)


def _swap_ways(document: Document, operation: SwapWays) -> None:
    node = node_of(document, operation.node_id)
    parameters = node.get("parameters", {})
    first, second = parameters.get("if_true"), parameters.get("if_false")
    if node["agent"] != "router" or not first or not second:
        raise CannotEdit(f"`{operation.node_id}` has no two ways that could change places.")
    parameters |= {"if_true": second, "if_false": first}
    other = {first: second, second: first}
    for edge in document["edges"]:
        if edge["from"] == operation.node_id:
            edge["to"] = other.get(edge["to"], edge["to"])


def _remove(document: Document, operation: RemoveStep) -> None:
    take_out(document, operation.node_id)
    _forget(document, operation.node_id)


def _forget(document: Document, node_id: str) -> None:
    document["nodes"].remove(node_of(document, node_id))
    if not document["nodes"]:
        raise CannotEdit(f"`{node_id}` is the only step; a workflow has at least one.")
    final = final_steps(document)
    if node_id in final:
        final.remove(node_id)


def _replace(document: Document, operation: ReplaceStep) -> None:
    place = place_of(document, operation.node_id)
    former, node = document["nodes"][place], copy.deepcopy(operation.node)
    new_id = node["id"]
    node["id"] = operation.node_id
    # Others read the result under the name that it had.
    node["output_key"] = former.get("output_key", operation.node_id)
    for name in ("pattern", "input_keys"):
        if "pattern" in former and name in former:
            node.setdefault(name, former[name])
    document["nodes"][place] = node
    if new_id != operation.node_id:
        _rename(document, RenameStep(operation.node_id, new_id))
    unread = not _mentions(document, node["output_key"], new_id)
    if node["output_key"] == new_id or (unread and "output_key" not in operation.node):
        del node["output_key"]
    _declare(document, operation.inputs)


def _mentions(document: Document, key: str, own: str) -> bool:
    others = [node for node in document["nodes"] if node["id"] != own]
    return re.search(rf"\b{re.escape(key)}\b", repr([others, document["edges"]])) is not None


def _move(document: Document, operation: MoveStep) -> None:
    if operation.node_id in (operation.after, operation.before):
        raise CannotEdit(f"`{operation.node_id}` cannot stand next to itself.")
    node = node_of(document, operation.node_id)
    kept = [
        edge
        for edge in document["edges"]
        if edge["from"] == operation.node_id and edge.get("type") == "failure"
    ]
    take_out(document, operation.node_id)
    document["nodes"].remove(node)
    _add(document, AddSteps((node,), (), operation.after, operation.before))
    document["edges"] += kept


def _rename(document: Document, operation: RenameStep) -> None:
    old, new = operation.node_id, operation.new_id
    node = node_of(document, old)
    if any(other["id"] == new for other in document["nodes"]):
        raise CannotEdit(f"There is a step `{new}` already.")
    node["id"] = new
    for edge in document["edges"]:
        for end in ("from", "to"):
            if edge[end] == old:
                edge[end] = new
    final = final_steps(document)
    final[:] = [new if id == old else id for id in final]
    by_key = "output_key" not in node
    for other in document["nodes"]:
        point(other, old, new)
        if by_key:
            other.update(renamed_references(other, old, new))
    if by_key:
        for edge in document["edges"]:
            if edge.get("condition"):
                edge["condition"] = in_expression(edge["condition"], old, new)


def _set(document: Document, operation: SetField) -> None:
    place: Any = document if operation.node_id is None else node_of(document, operation.node_id)
    *above, last = operation.path
    try:
        for part in above:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        if isinstance(place, list):
            place[int(last) : int(last) + 1] = [] if operation.value is None else [operation.value]
        elif operation.value is None:
            place.pop(last, None)
        else:
            place[last] = operation.value
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise CannotEdit(f"There is no field `{'.'.join(operation.path)}`.") from error


def _lead(document: Document, operation: AddEdge) -> None:
    ends = (operation.source, operation.target)
    for id in ends:
        node_of(document, id)
    if any((edge["from"], edge["to"]) == ends for edge in document["edges"]):
        raise CannotEdit(f"There is an edge from `{ends[0]}` to `{ends[1]}` already.")
    more = {"type": operation.type, "condition": operation.condition}
    told = {name: value for name, value in more.items() if value is not None}
    document["edges"].append({"from": ends[0], "to": ends[1], **told})


def _part(document: Document, operation: RemoveEdge) -> None:
    ends = (operation.source, operation.target)
    kept = [edge for edge in document["edges"] if (edge["from"], edge["to"]) != ends]
    if len(kept) == len(document["edges"]):
        raise CannotEdit(f"There is no edge from `{ends[0]}` to `{ends[1]}`.")
    document["edges"][:] = kept


def _declare(document: Document, inputs: Mapping[str, Any]) -> None:
    """Add the inputs that new steps need to those of the workflow."""
    if not inputs:
        return
    schema = document.setdefault("state_schema", {}).setdefault("input", {"type": "object"})
    known = schema.setdefault("properties", {})
    come = [name for name in inputs.get("properties", {}) if name not in known]
    known.update({name: inputs["properties"][name] for name in come})
    required = [name for name in inputs.get("required", ()) if name in come]
    if required:
        schema["required"] = [*schema.get("required", ()), *required]


_MAKERS: Mapping[type[Any], Callable[[Document, Any], None]] = {
    AddSteps: _add,
    AddBeside: _add_beside,
    RemoveStep: _remove,
    ReplaceStep: _replace,
    MoveStep: _move,
    RenameStep: _rename,
    SetField: _set,
    SwapWays: _swap_ways,
    AddEdge: _lead,
    RemoveEdge: _part,
}
