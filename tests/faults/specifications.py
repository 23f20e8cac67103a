"""Specifications whose nodes have effects in the outside world."""

from collections.abc import Sequence
from typing import Any

from tests.actors.workflows import Document, ask, edges

__all__ = ["Document", "ask", "edges", "mapped", "posts", "row", "says", "shapes"]

NODES = ("a", "target", "c")
"""The nodes of `shapes` that have effects."""
TARGET_DONE = '"output":{"target":'
"""What the event carries that tells of the target's result."""
ITEMS = 6
"""How many elements the list has that `shapes` map over."""


def posts(id: str, url: str, **fields: Any) -> Document:
    """A node that has an effect; it tells which process has it."""
    return {
        "id": id,
        "agent": "api",
        "parameters": {
            "url": f"{url}/{id}",
            "method": "POST",
            "body": {"node": id},
            "headers": {"X-Worker": "{secrets.worker}"},
        },
        **fields,
    }


def mapped(id: str, url: str, source: str, batch_size: int) -> Document:
    """A node that has an effect for each element of a list."""
    node = posts(id, url, pattern="map", input_keys=[source], batch_size=batch_size)
    node["parameters"]["body"] = {"node": id}
    return node


def says(id: str, value: Any = None) -> Document:
    """A node that answers a value, or its own name, and has no effect."""
    return {
        "id": id,
        "agent": "data_processing",
        "parameters": {"data": id if value is None else value},
    }


def row(nodes: Sequence[Document], **settings: Any) -> Document:
    """Nodes one after the other."""
    ids = " ".join(node["id"] for node in nodes)
    return {"nodes": list(nodes), "edges": edges(ids), "settings": settings}


def shapes(url: str) -> dict[str, Document]:
    """Return a workflow of each shape; each has a node `target` in its middle."""
    a, target, c = (posts(name, url) for name in NODES)
    return {
        "chain": row([a, target, c]),
        "branches": {
            "nodes": [a, target, says("x"), says("y"), c],
            "edges": edges("a target c", "a x y c"),
            "settings": {},
        },
        "map": row([a, mapped("target", url, "input.numbers", 3), c]),
        "person": row([a, ask("ok"), target, c]),
    }
