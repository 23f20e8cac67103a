"""Named workers: each item of a map says which of them does it."""

from collections.abc import Mapping
from typing import Any

from compiler.failures import compensation
from compiler.specification import Node, Specification
from compiler.tools import node_agents

WORKERS = "workers"
"""What a node's `agent` says whose items name their workers."""
FIELD = "worker"
"""Where an item names one."""


def agent_names(specification: Specification) -> tuple[str, ...]:
    """Return the agents that a specification names: also of workers, of undoing, and tools."""
    names = (
        name
        for node in specification.nodes
        for part in (node, *worker_nodes(node).values(), *filter(None, (compensation(node),)))
        for name in node_agents(part)
    )
    return tuple(dict.fromkeys(names))


def worker_nodes(node: Node) -> dict[str, Node]:
    """Return a node for each worker: as if all items were its own."""
    return {
        name: node.model_copy(
            update={
                "agent": worker.agent,
                "parameters": worker.parameters,
                "retry": worker.retry,
                "timeout": worker.timeout,
                "workers": {},
            }
        )
        for name, worker in node.workers.items()
    }


def worker_of(node: Node, item: Any) -> Node | str:
    """Return the node of the worker that an item names, or why there is none."""
    there_are = f"There are: {', '.join(node.workers)}."
    if not isinstance(item, Mapping) or FIELD not in item:
        return f"The item names no worker in `{FIELD}`. {there_are}"
    name = item[FIELD]
    if not isinstance(name, str) or name not in node.workers:
        return f"There is no worker {str(name)[:100]!r}. {there_are}"
    return worker_nodes(node)[name]
