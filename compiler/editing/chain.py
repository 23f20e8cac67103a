"""The edges of a specification's document, led through steps that come and past those that go.

Routers name who took the place of a step, and what held before it still holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
_HELD = ("type", "condition")


class CannotEdit(Exception):
    """An edit does not fit the specification; the message says why."""


def node_of(document: Document, node_id: str) -> Document:
    """Return the node with an id.

    Raises:
        CannotEdit: There is none.
    """
    for node in document["nodes"]:
        if node["id"] == node_id:
            found: Document = node
            return found
    raise CannotEdit(f"There is no step `{node_id}`.")


def place_of(document: Document, node_id: str) -> int:
    """Return where a node stands in the list of nodes."""
    return int(document["nodes"].index(node_of(document, node_id)))


def last_steps(document: Document) -> list[str]:
    """Return the ids of the steps that nothing follows, those of `finally` aside."""
    sources = {edge["from"] for edge in document.get("edges", ())}
    final = final_steps(document)
    return [
        node["id"]
        for node in document["nodes"]
        if node["id"] not in sources and node["id"] not in final
    ]


def final_steps(document: Document) -> list[str]:
    """Return the ids in `finally`, as the list that the document holds."""
    handling = document.get("settings", {}).get("error_handling", {})
    found: list[str] = handling.get("finally", [])
    return found


def without(nodes: Sequence[Document], ids: set[str]) -> list[str]:
    """Return the ids of nodes that are not among some."""
    return [node["id"] for node in nodes if node["id"] not in ids]


@dataclass(frozen=True, slots=True)
class Part:
    """New steps, and which of them come first and last."""

    nodes: Sequence[Document]
    starts: Sequence[str]
    ends: Sequence[str]


def put_in(
    document: Document,
    part: Part,
    after: str | None,
    before: str | None,
    condition: str | None = None,
) -> None:
    """Lead the edges of a place in the chain through new steps.

    Raises:
        CannotEdit: They have several first or last steps, where one is needed.
    """
    edges: list[Document] = document["edges"]
    if after is not None and (condition or node_of(document, after)["agent"] == "router"):
        label = {"condition": condition} if condition else {}
        edges += [{"from": after, "to": start, **label} for start in _one(part.starts)]
    elif after is not None:
        _put_after(document, part, after)
    else:
        for edge in [edge for edge in edges if edge["to"] == before]:
            source = node_of(document, edge["from"])
            first, *others = _one(part.starts) if source["agent"] == "router" else part.starts
            edge["to"] = first
            edges += [{**edge, "to": start} for start in others]
            point(source, str(before), first)
        label = {"condition": condition} if condition else {}
        edges.extend({"from": end, "to": before, **label} for end in part.ends)
        if condition is None:
            _close_choices(document, part, str(before))


def _put_after(document: Document, part: Part, after: str) -> None:
    edges: list[Document] = document["edges"]
    # Who handles the failure of a step still handles that of the step alone.
    leaving = [edge for edge in edges if edge["from"] == after and not handles_failure(edge)]
    held = [leaving[0].pop(name, None) for name in _HELD] if len(leaving) == 1 else []
    for edge in leaving:
        first, *others = _one(part.ends) if len(leaving) > 1 else part.ends
        edge["from"] = first
        edges += [{**edge, "from": end} for end in others]
    # What holds before the next step holds before the new one.
    kept = {name: value for name, value in zip(_HELD, held, strict=False) if value}
    edges += [{"from": after, "to": start, **kept} for start in part.starts]
    if len(leaving) == 1:
        _close_choices(document, part, leaving[0]["to"])


def _one(ids: Sequence[str]) -> Sequence[str]:
    if len(ids) != 1:
        raise CannotEdit("New steps need one first and one last step to stand between others.")
    return ids


def _close_choices(document: Document, part: Part, following: str) -> None:
    """Let a new choice that does nothing otherwise go on with what follows it."""
    for node in part.nodes:
        parameters = node.get("parameters", {})
        left = [way for way in ("if_true", "if_false") if way not in parameters]
        if node["agent"] == "router" and "condition" in parameters and len(left) == 1:
            node["parameters"] = {**parameters, left[0]: following}
            document["edges"].append(
                {"from": node["id"], "to": following, "condition": "otherwise"}
            )


def handles_failure(edge: Document) -> bool:
    """Whether an edge is taken when its node fails."""
    return edge.get("type") == "failure"


def wait_for_approval(document: Document, node: Document) -> None:
    """Let what follows a question to a person go on only when the answer is yes."""
    if node["agent"] != "human_loop" or node.get("parameters", {}).get("approval_type") != (
        "approve_reject"
    ):
        return
    for edge in document["edges"]:
        if edge["from"] == node["id"] and not edge.get("condition") and not handles_failure(edge):
            edge |= {"type": "conditional",
                     "condition": f"{node.get('output_key', node['id'])}.approved"}  # fmt: skip


def point(node: Document, old: str, new: str | None) -> None:
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


def take_out(document: Document, node_id: str) -> None:
    """Lead the edges of a step past it."""
    node = node_of(document, node_id)
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
        point(node_of(document, edge["from"]), node_id, targets[0] if len(targets) == 1 else None)
    document["edges"] = [edge for place, edge in enumerate(mended) if edge not in mended[:place]]
