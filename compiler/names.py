"""Which names stand in the state at which node, and what to say of one that does not."""

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.errors import Problem
from compiler.failures import FINAL_FIELDS, survivable
from compiler.inflection import item_names
from compiler.references import Reference
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from compiler.suggestions import did_you_mean
from compiler.topology import Topology

RESERVED = frozenset(
    ("input", "state", "item", "workflow", "user", "secrets", "failures", "execution")
)
FIELDS = {"workflow": ("id", "name", "output"), "user": ("email", "name")}
"""What `{workflow.x}` and `{user.x}` may name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name is used."""

    path: str
    node: Node
    after: bool = False
    """Whether the node has run by then, as for the conditions on the edges that leave it."""
    items: tuple[str, ...] = ()
    """The names of the mapped element."""


class Names:
    """The names of one specification."""

    def __init__(
        self,
        specification: Specification,
        agents: Mapping[str, AgentSignature],
        order: Topology,
    ) -> None:
        self._order = order
        self._agents = agents
        self._writers: dict[str, list[Node]] = {}
        for node in specification.nodes:
            self._writers.setdefault(node.key, []).append(node)
        self._ids = {node.id: node for node in specification.nodes}
        self._final = {name: place for place, name in enumerate(specification.final_ids)}
        self._survivable = survivable(specification)
        self._failure_edges = {
            edge.source: edge.target for edge in specification.edges if edge.type == "failure"
        }
        schema = specification.state_schema.input
        properties = schema.get("properties")
        self._inputs = tuple(properties) if isinstance(properties, dict) else ()
        self._any_input = not self._inputs or bool(schema.get("additionalProperties"))

    def problem(self, reference: Reference, place: Place) -> Problem | None:
        """Return what is wrong with a reference where it stands; None if it is known there."""
        root = reference.root
        if root in place.items or (root == "state" and not reference.path):
            return None
        if root == "item":
            message = f"`{{{reference}}}` has a value only in a node with `pattern: map`."
            remedy = "Add `pattern: map` and `input_keys` with the list, or name the whole list."
            return Problem(place.path, "item_outside_map", message, remedy)
        if root == "input":
            return self._input_problem(reference, place)
        if root in FIELDS:
            return _field_problem(reference, FIELDS[root], place)
        if root == "failures" and root not in self._writers:
            return self._failure_problem(reference, place)
        if root == "execution" and root not in self._writers:
            return self._execution_problem(reference, place)
        if root == "secrets":
            return _secret_problem(reference, place)
        return self._key_problem(reference, place)

    def _input_problem(self, reference: Reference, place: Place) -> Problem | None:
        if not reference.path or self._any_input or str(reference.path[0]) in self._inputs:
            return None
        name = str(reference.path[0])
        message = f"The input has no field `{name}`."
        remedy = f"{did_you_mean(name, self._inputs)} Or add it to `state_schema.input.properties`."
        return Problem(place.path, "unknown_reference", message, remedy)

    def _failure_problem(self, reference: Reference, place: Place) -> Problem | None:
        """Check that a failure can have happened, and been survived, where it is spoken of."""
        name = str(reference.path[0]) if reference.path else ""
        if name not in self._ids:
            message = f"`{{{reference}}}` names no node."
            remedy = did_you_mean(name, self._ids) or "Write `{failures.node_id.message}`."
            return Problem(place.path, "unknown_reference", message, remedy)
        mapped = self._ids[name].pattern == "map"
        items = mapped and reference.path[1:2] == ("items",)
        if not items and reference.path[1:] != ("message",):
            message = f"`{{{reference}}}` names nothing."
            fields = ("message", "items") if mapped else ("message",)
            remedy = ", ".join(f"`failures.{name}.{field}`" for field in fields)
            return Problem(place.path, "unknown_reference", message, f"There is: {remedy}.")
        if self._may_have_failed(name, place) or (items and self._collected(name, place)):
            return None
        return self._impossible_failure(name, place)

    def _impossible_failure(self, name: str, place: Place) -> Problem:
        if name not in self._survivable:
            message = f"When `{name}` fails, nothing after it runs that could read why."
            remedy = (
                f"Add an edge with `type: failure` from `{name}`, or give it `default` or "
                "`on_failure: continue`."
            )
            if self._ids[name].pattern == "map":
                remedy += " With `on_item_error: collect` it goes on without its failed items."
        else:
            message = f"Where `{place.node.id}` runs, `{name}` cannot have failed."
            remedy = f"Name it in a node that stands after the failure of `{name}`."
        return Problem(place.path, "impossible_failure", message, remedy)

    def _may_have_failed(self, name: str, place: Place) -> bool:
        here = place.node.id
        if here in self._final:
            return True
        if name not in self._survivable:
            return False
        head = self._failure_edges.get(name)
        if head is not None:
            return here == head or self._order.precedes(head, here)
        return self._order.precedes(name, here) or (place.after and here == name)

    def _collected(self, name: str, place: Place) -> bool:
        """Whether a map that goes on without its failed items has ended by then."""
        return self._ids[name].on_item_error == "collect" and (
            self._order.precedes(name, place.node.id) or (place.after and place.node.id == name)
        )

    def _execution_problem(self, reference: Reference, place: Place) -> Problem | None:
        if place.node.id in self._final:
            return _field_problem(reference, FINAL_FIELDS, place)
        message = f"`{{{reference}}}` is known only when the execution has ended."
        remedy = "Use it in a node that `settings.error_handling.finally` names."
        return Problem(place.path, "unknown_reference", message, remedy)

    def _key_problem(self, reference: Reference, place: Place) -> Problem | None:
        key = reference.key
        writers = self._writers.get(key, [])
        earlier = [node for node in writers if self._stands(node, place)]
        if earlier:
            return self._output_problem(reference, place, earlier)
        if writers:
            return self._too_early(reference, place, writers[0])
        message = f"Nothing before `{place.node.id}` gives `{key}`."
        return Problem(place.path, "unknown_reference", message, self._remedy(key, place))

    def _stands(self, writer: Node, place: Place) -> bool:
        if writer.id == place.node.id and place.after:
            return True
        if place.node.id in self._final:
            before = self._final.get(writer.id, -1)
            return before < self._final[place.node.id]
        return writer.id not in self._final and self._order.precedes(writer.id, place.node.id)

    def _too_early(self, reference: Reference, place: Place, writer: Node) -> Problem:
        name = place.node.id
        if writer.id == name:
            message = f"`{reference.key}` is the output of `{name}` itself."
            remedy = "Name something that stands before it."
        elif writer.id in self._final:
            message = f"`{reference.key}` is written by `{writer.id}`, which runs at the end."
            remedy = "Name something that stands before it."
        elif self._order.precedes(name, writer.id):
            message = f"`{reference.key}` is written by `{writer.id}`, which runs after `{name}`."
            remedy = "Change the order of the edges, or name something that stands before it."
        else:
            message = (
                f"`{reference.key}` is written by `{writer.id}`, which no path to `{name}` passes."
            )
            remedy = f"Add an edge so that `{writer.id}` runs before `{name}`."
        return Problem(place.path, "not_yet_known", message, remedy)

    def _remedy(self, key: str, place: Place) -> str:
        if key in self._inputs:
            return f"It is a field of the input: write `input.{key}`."
        node = self._ids.get(key)
        if node is not None:
            return f"The output of `{key}` stands under `{node.key}`: write that."
        return self._known(place, key)

    def _known(self, place: Place, key: str = "") -> str:
        final = place.node.id in self._final
        before = self._order.nodes if final else self._order.before(place.node.id)
        known = [self._ids[node].key for node in before]
        if place.after:
            known.append(place.node.key)
        inputs = [f"input.{name}" for name in self._inputs]
        return did_you_mean(key, [*known, *place.items, *inputs]) or (
            "Give a node before it this `output_key`, or write `input.` before the name."
        )

    def _output_problem(
        self, reference: Reference, place: Place, writers: list[Node]
    ) -> Problem | None:
        """Check the field of an output whose shape is known."""
        if not reference.below:
            return None
        part = reference.below[0]
        fields: list[str] = []
        for writer in writers:
            signature = self._agents.get(writer.agent)
            if signature is None or (not signature.output_fields and writer.pattern != "map"):
                return None
            if writer.pattern == "map":
                if isinstance(part, int):
                    return None
                continue
            fields.extend(signature.output_fields)
        if part in fields:
            return None
        if not fields:
            message = f"`{reference.key}` is a list, one element for each mapped item."
            remedy = f"Name an element, such as `{reference.key}[0].{part}`, or map over it."
        else:
            message = f"The output of `{writers[0].id}` has no field `{part}`."
            remedy = did_you_mean(str(part), fields)
        return Problem(place.path, "unknown_field", message, remedy)


def _field_problem(reference: Reference, fields: tuple[str, ...], place: Place) -> Problem | None:
    if reference.path and reference.path[0] in fields:
        return None
    message = f"`{{{reference}}}` names nothing."
    known = ", ".join(f"`{reference.root}.{field}`" for field in fields)
    return Problem(place.path, "unknown_reference", message, f"There is: {known}.")


def _secret_problem(reference: Reference, place: Place) -> Problem | None:
    if len(reference.path) == 1 and isinstance(reference.path[0], str):
        return None
    message = f"`{{{reference}}}` names no secret."
    return Problem(place.path, "unknown_reference", message, "Write `{secrets.name}`.")


def reserved_problem(name: str, path: str) -> Problem | None:
    """Return what is wrong with a node's id or output key; None if it may be used."""
    if name not in RESERVED and not name.startswith("__"):
        return None
    message = f"The name `{name}` has a meaning of its own."
    remedy = f"Choose another, such as `{name.strip('_') or 'step'}_result`."
    return Problem(path, "reserved_name", message, remedy)


def mapped_items(node: Node) -> tuple[str, ...]:
    """Return the names under which a map node may refer to one element; none for other nodes."""
    if node.pattern != "map" or not node.input_keys:
        return ()
    return item_names(node.input_keys[0])
