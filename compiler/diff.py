"""What differs between two specifications, field by field, and how much of a version that is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from compiler.specification import Specification
from compiler.text import to_document

Increment = Literal["patch", "minor", "major"]

_ORDER: tuple[Increment, ...] = ("patch", "minor", "major")
_OF_THE_STORE = ("id", "version", "created_by", "created_at", "updated_at")
"""Fields of `metadata` that say nothing of what the workflow does."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    node_id: str | None
    """The node, by its former id if it was renamed; None: the workflow itself."""
    field: str
    """A dotted path in the node or the workflow: `parameters.model`, `trigger.cron`; `node` for a
    whole node, `edges.<target>` for an edge that leaves the node."""
    old_value: Any
    """None when the field is new."""
    new_value: Any
    """None when the field is gone."""

    def to_document(self) -> dict[str, Any]:
        """Return the change as JSON."""
        return {
            "node_id": self.node_id,
            "field": self.field,
            "old_value": self.old_value,
            "new_value": self.new_value,
        }


def diff(old: Specification, new: Specification) -> list[Change]:
    """Return every change between two specifications: nodes, edges, then the rest.

    It is computed from the two documents alone, so it says what differs whoever made the new one.
    A node that only has another id was renamed. Fields that say their default make no difference.
    """
    before, after = to_document(old), to_document(new)
    was = {node["id"]: node for node in before.pop("nodes")}
    now = {node["id"]: node for node in after.pop("nodes")}
    renamed = _renamed(was, now)
    changes = [
        *_node_changes(was, now, renamed),
        *_edge_changes(before.pop("edges", []), after.pop("edges", []), renamed),
    ]
    for document in (before, after):
        for name in _OF_THE_STORE:
            document["metadata"].pop(name, None)
    return [*changes, *_field_changes(None, before, after, "")]


def _renamed(
    was: Mapping[str, dict[str, Any]], now: Mapping[str, dict[str, Any]]
) -> dict[str, str]:
    """Return the new ids of the nodes that have another one, though nothing else of them does."""
    gone = [id for id in was if id not in now]
    come = [id for id in now if id not in was]
    found: dict[str, str] = {}
    for id in gone:
        same = [other for other in come if {**now[other], "id": id} == was[id]]
        if len(same) == 1 and same[0] not in found.values():
            found[id] = same[0]
    return found


def _node_changes(
    was: Mapping[str, dict[str, Any]],
    now: Mapping[str, dict[str, Any]],
    renamed: Mapping[str, str],
) -> Iterator[Change]:
    for id, node in was.items():
        if id in renamed:
            yield Change(id, "id", id, renamed[id])
        elif id not in now:
            yield Change(id, "node", node, None)
        else:
            yield from _field_changes(id, node, now[id], "")
    for id, node in now.items():
        if id not in was and id not in renamed.values():
            yield Change(id, "node", None, node)
    kept = [renamed.get(id, id) for id in was if renamed.get(id, id) in now]
    order = [id for id in now if id in kept]
    if kept != order:
        yield Change(None, "nodes", kept, order)


def _edge_changes(
    before: Sequence[dict[str, Any]],
    after: Sequence[dict[str, Any]],
    renamed: Mapping[str, str],
) -> Iterator[Change]:
    was = [{**edge, **{end: renamed.get(edge[end], edge[end]) for end in ("from", "to")}}
           for edge in before]  # fmt: skip
    former = {new: old for old, new in renamed.items()}
    gone = [edge for edge in was if edge not in after]
    come = [edge for edge in after if edge not in was]
    for edge in list(gone):
        same = [other for other in come if _ends(other) == _ends(edge)]
        if len(same) == 1:
            gone.remove(edge)
            come.remove(same[0])
            source, target = _ends(edge)
            yield from _field_changes(former.get(source, source), edge, same[0], f"edges.{target}.")
    for edge in gone:
        yield Change(former.get(edge["from"], edge["from"]), f"edges.{edge['to']}", edge, None)
    for edge in come:
        yield Change(former.get(edge["from"], edge["from"]), f"edges.{edge['to']}", None, edge)
    for source in dict.fromkeys(edge["from"] for edge in was):
        old = [edge["to"] for edge in was if edge["from"] == source and edge in after]
        new = [edge["to"] for edge in after if edge["from"] == source and edge in was]
        if old != new:
            yield Change(former.get(source, source), "edges", old, new)


def _ends(edge: Mapping[str, Any]) -> tuple[str, str]:
    return edge["from"], edge["to"]


def _field_changes(
    node_id: str | None, old: Mapping[str, Any], new: Mapping[str, Any], prefix: str
) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was == now and type(was) is type(now):
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _field_changes(node_id, was, now, f"{prefix}{name}.")
        else:
            yield Change(node_id, f"{prefix}{name}", was, now)


def increment_of(old: Specification, new: Specification) -> Increment:
    """Return which part of the version the step between two specifications raises.

    major: a node is gone, an order between two nodes is lost, or an input is gone or newly
    required. minor: nodes, edges or inputs came, an agent is another one, a node was renamed, or
    the shape of the output changed. patch: only values changed.
    """
    found: Increment = "patch"
    for change in diff(old, new):
        found = max(found, _weight(change), key=_ORDER.index)
    if _required(new) - _required(old) or _inputs(old) - _inputs(new) or _loses_order(old, new):
        return "major"
    return found


def _weight(change: Change) -> Increment:
    if change.field == "node" and change.new_value is None:
        return "major"
    if change.field in ("node", "id", "agent", "pattern"):
        return "minor"
    if change.node_id is None:
        return "minor" if change.field.startswith("state_schema.") else "patch"
    edge_itself = change.field.startswith("edges.") and change.field.count(".") == 1
    return "minor" if edge_itself and change.old_value is None else "patch"


def _required(specification: Specification) -> frozenset[str]:
    return frozenset(specification.state_schema.input.get("required", ()))


def _inputs(specification: Specification) -> frozenset[str]:
    return frozenset(specification.state_schema.input.get("properties", {}))


def _loses_order(old: Specification, new: Specification) -> bool:
    """Whether a node no longer comes after one that it came right after; a step between is fine."""
    was = {node["id"]: node for node in to_document(old)["nodes"]}
    now = {node["id"]: node for node in to_document(new)["nodes"]}
    renamed = _renamed(was, now)
    targets: dict[str, list[str]] = {}
    for edge in new.edges:
        targets.setdefault(edge.source, []).append(edge.target)
    for edge in old.edges:
        source = renamed.get(edge.source, edge.source)
        target = renamed.get(edge.target, edge.target)
        if source in now and target in now and target not in _after(source, targets):
            return True
    return False


def _after(source: str, targets: Mapping[str, Sequence[str]]) -> frozenset[str]:
    seen: set[str] = set()
    waiting = list(targets.get(source, ()))
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(targets.get(node, ()))
    return frozenset(seen)


def next_version(latest: str, increment: Increment) -> str:
    """Return the version after the latest one."""
    major, minor, patch = map(int, latest.split("."))
    if increment == "major":
        return f"{major + 1}.0.0"
    if increment == "minor":
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
