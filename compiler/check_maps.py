"""What a specification says of maps: fields that mean something on a map node only."""

from collections.abc import Iterator

from compiler.errors import Problem
from compiler.specification import Specification

_FIELDS = ("on_item_error", "item_concurrency")


def map_problems(specification: Specification) -> Iterator[Problem]:
    """Find what is said of the items of a node that has none."""
    for index, node in enumerate(specification.nodes):
        if node.pattern == "map":
            continue
        for field in _FIELDS:
            if getattr(node, field) is not None:
                message = f"`{node.id}` runs once, so `{field}` means nothing."
                remedy = f"Add `pattern: map` and `input_keys` with a list, or remove `{field}`."
                yield Problem(f"nodes[{index}].{field}", "map_field_without_map", message, remedy)
