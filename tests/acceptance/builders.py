"""Short ways to write specifications for tests."""

import itertools
from typing import Any


def api_node(node_id: str, url: str, **fields: Any) -> dict[str, Any]:
    """A node that posts its own name to a server."""
    return {
        "id": node_id,
        "agent": "api",
        "parameters": {"url": f"{url}/{node_id}", "method": "POST", "body": {"node": node_id}},
        "output": f"{node_id}_result",
        **fields,
    }


def trivial_node(node_id: str) -> dict[str, Any]:
    """A node that needs nothing from outside."""
    return {
        "id": node_id,
        "agent": "aggregator",
        "parameters": {"aggregation": "count", "data": [1, 2, 3]},
        "output": f"{node_id}_count",
    }


def workflow(
    nodes: list[dict[str, Any]], edges: list[str], pattern: str = "sequential", **fields: Any
) -> dict[str, Any]:
    """A specification; an edge is written `a>b`."""
    pairs = [edge.split(">") for edge in edges]
    return {
        "name": "Test",
        "pattern": pattern,
        "nodes": nodes,
        "edges": [{"from": source, "to": target} for source, target in pairs],
        **fields,
    }


def chain(nodes: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A specification whose nodes run one after the other."""
    ids = [node["id"] for node in nodes]
    return workflow(nodes, [f"{a}>{b}" for a, b in itertools.pairwise(ids)], **fields)
