"""The graph while it is written: nodes, edges, and the open ends to which the next node goes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.english.draft import Output
from compiler.english.placing import Place, Written

MAX_NODES = 300
"""More than one description can mean: ways that are copied could grow without end."""


class TooManyNodes(Exception):
    """A description asks for more nodes than one workflow should have."""


@dataclass(frozen=True, slots=True)
class NodeText:
    """Which words of the text became which node."""

    node_id: str
    agent: str
    """The building block that the words ask for; the node may name a ready agent instead."""
    text: str


@dataclass(frozen=True, slots=True)
class Exit:
    """An open end of the graph: the next node is connected to it."""

    node_id: str
    label: str | None = None
    slot: str | None = None
    """The router's parameter that takes the next node's id, or `route <n>`."""
    gate: str | None = None
    """The expression that must hold for the next node to run."""
    apart: str | None = None
    """The way of a choice that cannot meet the others: what follows is copied for it."""


Exits = tuple[Exit, ...]


@dataclass(slots=True)
class GraphDraft:
    """Nodes and edges in the form of a specification's document."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: list[dict[str, Any]] = field(default_factory=list)
    texts: list[NodeText] = field(default_factory=list)

    def add(
        self, place: Place, written: Written, output: Output | None, ready: str | None = None
    ) -> None:
        """Add the node of one step, with the ready agent that does it if there is one.

        Raises:
            TooManyNodes: The graph is full.
        """
        step, reading = place.step, place.reading
        text = step.text.removeprefix("approval: ")
        node: dict[str, Any] = {
            "id": place.node_id,
            "agent": ready or step.agent,
            "description": f"{text[:1].upper()}{text[1:]}"[:200],
        }
        if reading.mapped:
            node["pattern"] = "map"
        node["parameters"] = dict(written.parameters)
        if keys := [*reading.keys, *(key for key in written.keys if key not in reading.keys)]:
            node["input_keys"] = keys
        if output:
            node["output_key"] = output.key
        self._keep(node, step.agent, step.text)

    def add_router(
        self, node_id: str, parameters: dict[str, Any], keys: Sequence[str], text: str
    ) -> None:
        """Add a router; its targets are filled in when its ways are connected.

        Raises:
            TooManyNodes: The graph is full.
        """
        node: dict[str, Any] = {"id": node_id, "agent": "router", "description": text[:200]}
        node["parameters"] = parameters
        if keys:
            node["input_keys"] = list(dict.fromkeys(keys))
        self._keep(node, "router", text)

    def _keep(self, node: dict[str, Any], agent: str, text: str) -> None:
        if len(self.nodes) >= MAX_NODES:
            raise TooManyNodes
        self.nodes[node["id"]] = node
        self.texts.append(NodeText(node["id"], agent, text))

    def connect(self, exits: Exits, target: str) -> None:
        """Lead open ends to a node."""
        for end in exits:
            self._point(end, target)
            if any(edge["from"] == end.node_id and edge["to"] == target for edge in self.edges):
                continue
            edge: dict[str, Any] = {"from": end.node_id, "to": target}
            condition = end.gate or end.label
            if condition:
                edge["condition"] = condition
            if end.gate:
                edge["type"] = "conditional"
            self.edges.append(edge)

    def _point(self, end: Exit, target: str) -> None:
        """Name the next node in the router's own parameters."""
        parameters = self.nodes[end.node_id]["parameters"]
        if end.slot and end.slot.startswith("route "):
            parameters["routes"][int(end.slot[6:])]["to"] = target
        elif end.slot:
            parameters[end.slot] = target

    def finish(self) -> None:
        """Take out routes and routers that lead nowhere."""
        for node in list(self.nodes.values()):
            if node["agent"] != "router":
                continue
            if "routes" in node["parameters"]:
                _drop_open_routes(node["parameters"])
            if not any(edge["from"] == node["id"] for edge in self.edges):
                self._remove(node["id"])

    def _remove(self, node_id: str) -> None:
        del self.nodes[node_id]
        self.edges = [edge for edge in self.edges if edge["to"] != node_id]
        self.texts = [text for text in self.texts if text.node_id != node_id]


def _drop_open_routes(parameters: dict[str, Any]) -> None:
    """Take out routes that lead nowhere; the routes after them then exclude their condition."""
    routes: list[dict[str, str]] = parameters["routes"]
    if all(route["to"] for route in routes):
        return
    if parameters.get("default"):
        routes.append({"when": "True", "to": parameters.pop("default")})
    kept: list[dict[str, str]] = []
    excluded: list[str] = []
    for route in routes:
        if route["to"]:
            when = " and ".join([*excluded, f"({route['when']})"])
            kept.append({"when": when, "to": route["to"]})
        else:
            excluded.append(f"not ({route['when']})")
    parameters["routes"] = kept
