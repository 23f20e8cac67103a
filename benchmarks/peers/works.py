"""The work that every engine does, and what its answer must be."""

from typing import Literal, get_args

Work = Literal["sequence", "map"]
"""Three trivial nodes in a row, durable after each; or one trivial node for each of 100 items."""

WORKS: tuple[Work, ...] = get_args(Work)
ITEMS = list(range(100))


def succeed(value: int) -> int:
    """Do the work of one node: as little as can be, so that what is left is the engine's own."""
    return value + 1
