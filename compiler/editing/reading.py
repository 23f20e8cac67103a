"""Who reads the result of a step, and how it reads another one instead."""

import re
from collections.abc import Iterator
from typing import Any

from compiler.editing.operations import SetField
from compiler.editing.renaming import EXPRESSIONS
from compiler.english.ready_agents import value_path
from compiler.inflection import item_names
from compiler.specification import Node


def reads(value: object, key: str, name: str = "") -> bool:
    """Whether parameters read a key, in templates or in code."""
    if isinstance(value, dict):
        return any(reads(item, key, str(name)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return any(reads(item, key, name) for item in value)
    if not isinstance(value, str):
        return False
    pattern = rf"\b{key}\b" if name in EXPRESSIONS else rf"\{{{key}(?=[.\[}}])"
    return re.search(pattern, value) is not None


def read_instead(node: Node, old: str, new: str) -> list[SetField]:
    """Return the edits that let a step read another result, items of a map included."""
    edits = list(_reading(node.id, node.parameters, ("parameters",), old, new))
    if node.pattern == "map" and node.input_keys[:1] == (old,):
        edits += [
            SetField(edit.node_id, edit.path, edit.value)
            for name in item_names(old)
            if name != "item"
            for edit in _reading(node.id, node.parameters, ("parameters",), name, "item")
        ]
    keys = [new if name.split(".")[0] == old else name for name in node.input_keys]
    if keys != list(node.input_keys):
        edits.append(SetField(node.id, ("input_keys",), keys))
    return edits


def without_part(node: Node, key: str) -> list[SetField]:
    """Return the edits that take a result out of the list of those which a step gathers.

    Empty when it reads the result elsewhere, or nothing else.
    """
    for name, value in node.parameters.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            continue
        left = [item for item in value if not reads(item, key)]
        others = {other: item for other, item in node.parameters.items() if other != name}
        if left and left != value and not reads(others, key):
            keys = [one for one in node.input_keys if one.split(".")[0] != key]
            return [SetField(node.id, ("parameters", name), left),
                    SetField(node.id, ("input_keys",), keys or None)]  # fmt: skip
    return []


def with_part(node: Node, beside: str, new: Node) -> list[SetField]:
    """Return the edits that add a result to the list in which a step gathers another one."""
    reference = f"{{{new.key}{_VALUE.get(new.agent) or value_path(new.agent)}}}"
    edits = [
        SetField(node.id, ("parameters", name), [*value, reference])
        for name, value in node.parameters.items()
        if isinstance(value, list) and reads(value, beside)
    ]
    if node.agent == "aggregator" and beside in node.input_keys:
        edits.append(SetField(node.id, ("input_keys",), [*node.input_keys, new.key]))
    return edits


_VALUE = {"api": ".body", "database": ".rows"}
"""Where in the result of an agent its content stands."""


def _reading(
    id: str, value: Any, path: tuple[str, ...], old: str, new: str
) -> Iterator[SetField]:  # fmt: skip
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _reading(id, item, (*path, name), old, new)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _reading(id, item, (*path, str(place)), old, new)
    elif isinstance(value, str):
        changed = re.sub(rf"\{{{old}(?:[.\[][^}}]*)?\}}", f"{{{new}}}", value)
        if changed != value:
            yield SetField(id, path, changed)
