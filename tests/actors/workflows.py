"""Specifications for tests, in few words."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

Document = dict[str, Any]


def does(id: str, **parameters: Any) -> Document:
    """A node of the test's agent; what every node may say is the node's own."""
    names = ("retry", "timeout", "on_failure", "default", "compensate", "pattern", "input_keys")
    own: Document = {name: parameters.pop(name) for name in names if name in parameters}
    return own | {"id": id, "agent": "step", "parameters": parameters}


def says(id: str, value: Any = None) -> Document:
    """A node that answers a value, or its own name."""
    return does(id, value=id if value is None else value)


def undo(**parameters: Any) -> Document:
    """A compensation by the test's agent; `retry` and `timeout` are its own."""
    names = ("retry", "timeout")
    own: Document = {name: parameters.pop(name) for name in names if name in parameters}
    return {"agent": "step", "parameters": parameters, **own}


def failing(document: Document, *paths: str) -> Document:
    """Add failure edges along paths: `failing(workflow(…), "a c")`."""
    added = [{**edge, "type": "failure"} for edge in edges(*paths)]
    return {**document, "edges": [*document["edges"], *added]}


def ask(id: str, **parameters: Any) -> Document:
    """A node that asks a person."""
    return {"id": id, "agent": "human_loop", "parameters": {"message": f"{id}?", **parameters}}


def wait(id: str, **parameters: Any) -> Document:
    """A node that waits for a time or an event."""
    return {"id": id, "agent": "wait", "parameters": parameters}


def call(id: str, name: str, input: Any = None, **fields: Any) -> Document:
    """A node that runs another workflow."""
    parameters = {"workflow": name, "input": {} if input is None else input}
    return {"id": id, "agent": "workflow", "parameters": parameters, **fields}


def edges(*paths: str) -> list[Document]:
    """Edges along paths: `edges("a b d", "a c d")`."""
    pairs = {pair: None for path in paths for pair in pairwise(path.split())}
    return [{"from": source, "to": target} for source, target in pairs]


def workflow(nodes: Iterable[Document], *paths: str, **settings: Mapping[str, Any]) -> Document:
    """A workflow of nodes along paths."""
    return {"nodes": list(nodes), "edges": edges(*paths), "settings": settings}


def chain(*ids: str, **settings: Mapping[str, Any]) -> Document:
    """Nodes in a row, each answering its own name."""
    return workflow([says(id) for id in ids], " ".join(ids), **settings)
