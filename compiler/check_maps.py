"""What a specification says of maps: fields that mean something on a map node only."""

from collections.abc import Iterator

from compiler.errors import Problem
from compiler.specification import Node, Specification
from compiler.workers import WORKERS

_FIELDS = ("on_item_error", "item_concurrency")
_WORKERS_REMEDY = (
    "Write `agent: workers`, `pattern: map` and `workers` with a name, an agent and parameters for "
    "each."
)


def map_problems(specification: Specification) -> Iterator[Problem]:
    """Find what is said of the items of a node that has none."""
    for index, node in enumerate(specification.nodes):
        yield from _worker_problems(node, f"nodes[{index}]")
        if node.pattern == "map":
            continue
        for field in _FIELDS:
            if getattr(node, field) is not None:
                message = f"`{node.id}` runs once, so `{field}` means nothing."
                remedy = f"Add `pattern: map` and `input_keys` with a list, or remove `{field}`."
                yield Problem(f"nodes[{index}].{field}", "map_field_without_map", message, remedy)


def _worker_problems(node: Node, path: str) -> Iterator[Problem]:
    if node.agent == WORKERS and not node.workers:
        message = f"`{node.id}` has no workers."
        yield Problem(f"{path}.workers", "missing_workers", message, _WORKERS_REMEDY)
    if node.workers and node.agent != WORKERS:
        message = f"`{node.id}` has an agent of its own, `{node.agent}`, beside its workers."
        remedy = "Remove `agent`; each worker has its own."
        yield Problem(f"{path}.agent", "contradictory_workers", message, remedy)
    if node.workers and node.pattern != "map":
        message = f"`{node.id}` runs once, so no item names one of its workers."
        yield Problem(f"{path}.workers", "map_field_without_map", message, _WORKERS_REMEDY)
