"""Typed edits of a specification: each mends what it would otherwise leave broken.

A step that comes or goes is taken into the chain of edges around it, routers and `finally`
included; a step that is renamed keeps its name in every reference. What no rule can mend, such as
a reference to the result of a step that is gone, the checks report.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.editing.renaming import in_expression, renamed_references
from compiler.specification import Specification
from compiler.text import load_document, to_document

Document = dict[str, Any]


class CannotEdit(Exception):
    """An edit does not fit the specification; the message says why."""


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
    AddSteps | RemoveStep | ReplaceStep | MoveStep | RenameStep | SetField | AddEdge | RemoveEdge
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
        match operation:
            case AddSteps():
                _add(document, operation)
            case RemoveStep():
                _take_out(document, operation.node_id)
                _forget(document, operation.node_id)
            case ReplaceStep():
                _replace(document, operation)
            case MoveStep():
                _move(document, operation)
            case RenameStep():
                _rename(document, operation)
            case SetField():
                _set(document, operation)
            case AddEdge():
                _lead(document, operation)
            case RemoveEdge():
                _part(document, operation)
    return load_document(document)


def _node(document: Document, node_id: str) -> Document:
    for node in document["nodes"]:
        if node["id"] == node_id:
            found: Document = node
            return found
    raise CannotEdit(f"There is no step `{node_id}`.")


def _place(document: Document, node_id: str) -> int:
    return int(document["nodes"].index(_node(document, node_id)))


def last_steps(document: Document) -> list[str]:
    """Return the ids of the steps that nothing follows, those of `finally` aside."""
    sources = {edge["from"] for edge in document.get("edges", ())}
    final = _final(document)
    return [
        node["id"]
        for node in document["nodes"]
        if node["id"] not in sources and node["id"] not in final
    ]


def _final(document: Document) -> list[str]:
    handling = document.get("settings", {}).get("error_handling", {})
    found: list[str] = handling.get("finally", [])
    return found


def _add(document: Document, operation: AddSteps) -> None:
    nodes = [copy.deepcopy(node) for node in operation.nodes]
    after, before = operation.after, operation.before
    if after is None and before is None:
        ends = last_steps(document)
        if len(ends) != 1:
            raise CannotEdit("The workflow has several ends.")
        [after] = ends
    place = _place(document, after) + 1 if after is not None else _place(document, str(before))
    document["nodes"][place:place] = nodes
    inner = [dict(edge) for edge in operation.edges]
    starts = _without(nodes, {edge["to"] for edge in inner})
    ends = _without(nodes, {edge["from"] for edge in inner})
    if len(starts) != 1 or (len(ends) != 1 and not _ends_the_chain(document, after, before)):
        raise CannotEdit("New steps need one first and one last step to stand between others.")
    _put_in(document, starts[0], ends, after, before, operation.condition)
    document["edges"] += inner
    _declare(document, operation.inputs)


def _without(nodes: Sequence[Document], ids: set[str]) -> list[str]:
    return [node["id"] for node in nodes if node["id"] not in ids]


def _ends_the_chain(document: Document, after: str | None, before: str | None) -> bool:
    return before is None and after in last_steps(document)


def _put_in(
    document: Document,
    first: str,
    lasts: Sequence[str],
    after: str | None,
    before: str | None,
    condition: str | None = None,
) -> None:
    """Lead the edges of a place in the chain through new steps."""
    edges: list[Document] = document["edges"]
    if after is not None and (condition or _node(document, after)["agent"] == "router"):
        edges.append(
            {"from": after, "to": first, **({"condition": condition} if condition else {})}
        )
    elif after is not None:
        for edge in edges:
            # Who handles the failure of a step still handles that of the step alone.
            if edge["from"] == after and edge.get("type") != "failure":
                edge["from"] = lasts[0]
        edges.append({"from": after, "to": first})
    else:
        for edge in edges:
            if edge["to"] == before:
                edge["to"] = first
                _point(_node(document, edge["from"]), str(before), first)
        label = {"condition": condition} if condition else {}
        edges.extend({"from": last, "to": before, **label} for last in lasts)


def _point(node: Document, old: str, new: str | None) -> None:
    """Let a router name another step; None: none in its place."""
    if node["agent"] != "router":
        return
    parameters = node.get("parameters", {})
    for name in ("if_true", "if_false", "default"):
        if parameters.get(name) == old:
            parameters[name] = new
            if new is None:
                del parameters[name]
    routes = [
        {**route, "to": new} if route.get("to") == old else route
        for route in parameters.get("routes", ())
    ]
    if routes:
        parameters["routes"] = [route for route in routes if route["to"] is not None]


def _take_out(document: Document, node_id: str) -> None:
    """Lead the edges of a step past it."""
    node = _node(document, node_id)
    edges: list[Document] = document["edges"]
    leaving = [edge for edge in edges if edge["from"] == node_id and edge.get("type") != "failure"]
    targets = list(dict.fromkeys(edge["to"] for edge in leaving))
    entering = [edge for edge in edges if edge["to"] == node_id]
    if len(targets) > 1 and (node["agent"] == "router" or any("condition" in e for e in leaving)):
        raise CannotEdit(f"`{node_id}` chooses between {len(targets)} ways. Say which one stays.")
    mended: list[Document] = []
    for edge in edges:
        if edge["to"] == node_id:
            mended += [{**edge, "to": target} for target in targets]
        elif edge["from"] == node_id and not entering:
            continue
        elif edge["from"] != node_id:
            mended.append(edge)
    for edge in entering:
        # A router names one step a way: with several the edges alone say where it goes.
        _point(_node(document, edge["from"]), node_id, targets[0] if len(targets) == 1 else None)
    document["edges"] = [edge for place, edge in enumerate(mended) if edge not in mended[:place]]


def _forget(document: Document, node_id: str) -> None:
    document["nodes"].remove(_node(document, node_id))
    if not document["nodes"]:
        raise CannotEdit(f"`{node_id}` is the only step; a workflow has at least one.")
    final = _final(document)
    if node_id in final:
        final.remove(node_id)


def _replace(document: Document, operation: ReplaceStep) -> None:
    place = _place(document, operation.node_id)
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
    node = _node(document, operation.node_id)
    kept = [
        edge
        for edge in document["edges"]
        if edge["from"] == operation.node_id and edge.get("type") == "failure"
    ]
    _take_out(document, operation.node_id)
    document["nodes"].remove(node)
    _add(document, AddSteps((node,), (), operation.after, operation.before))
    document["edges"] += kept


def _rename(document: Document, operation: RenameStep) -> None:
    old, new = operation.node_id, operation.new_id
    node = _node(document, old)
    if any(other["id"] == new for other in document["nodes"]):
        raise CannotEdit(f"There is a step `{new}` already.")
    node["id"] = new
    for edge in document["edges"]:
        for end in ("from", "to"):
            if edge[end] == old:
                edge[end] = new
    final = _final(document)
    final[:] = [new if id == old else id for id in final]
    by_key = "output_key" not in node
    for other in document["nodes"]:
        _point(other, old, new)
        if by_key:
            other.update(renamed_references(other, old, new))
    if by_key:
        for edge in document["edges"]:
            if edge.get("condition"):
                edge["condition"] = in_expression(edge["condition"], old, new)


def _set(document: Document, operation: SetField) -> None:
    place: Any = document if operation.node_id is None else _node(document, operation.node_id)
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
        _node(document, id)
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
