"""The number that a choice compares with: where it stands in a condition, and another one."""

import re
from collections.abc import Iterable

from compiler.specification import Node

_NUMBER = re.compile(r"(?P<sign><=|>=|<|>) *(?P<number>-?\d+(?:\.\d+)?)(?![\w.]*['\"\w])")
"""Only what has a size is a threshold: `== 200` tells things apart."""


def threshold(node: Node) -> float | int | None:
    """Return the only number that a choice compares a size with, or None."""
    found = _found(node)
    if found is None:
        return None
    return float(found["number"]) if "." in found["number"] else int(found["number"])


def sign(node: Node) -> str:
    """Return how a choice compares: `>`; empty when it has no threshold."""
    found = _found(node)
    return found["sign"] if found else ""


def with_threshold(node: Node, number: float | int) -> str:
    """Return the condition of a choice with another number in the place of its own."""
    found = _found(node)
    condition = str(node.parameters["condition"])
    if found is None:
        return condition
    return f"{condition[: found.start('number')]}{number}{condition[found.end('number') :]}"


def bounded(nodes: Iterable[Node]) -> list[str]:
    """Return the ids of the choices that compare with one number."""
    return [node.id for node in nodes if _found(node)]


def _found(node: Node) -> re.Match[str] | None:
    if node.agent != "router":
        return None
    found = list(_NUMBER.finditer(str(node.parameters.get("condition", ""))))
    return found[0] if len(found) == 1 else None
