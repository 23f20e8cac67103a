"""What an agent works on: the names that its scripts see, and the data it is given by default."""

from collections.abc import Mapping
from typing import Any

from pydantic.config import JsonDict

from agents.agent import AgentContext

CODE: JsonDict = {"weft": "code"}
"""Marks a parameter as code: its braces are never references."""
STATEMENT: JsonDict = {"x-statement": "$1"}
"""Marks a parameter as SQL: values stand in `params`, no reference within its text."""
RARE: JsonDict = {"x-rare": True}
"""Marks a parameter that descriptions hardly speak of: a model that reads one is not told of it."""

_NOT_STATE = frozenset(
    {"input", "item", "state", "workflow", "user", "secrets", "failures", "execution"}
)


def script_scope(context: AgentContext, **extra: Any) -> dict[str, Any]:
    """Return the names for a script or condition: state keys, `state`, `input`, `item` and more."""
    variables = context.variables
    state = variables.get("state")
    if not isinstance(state, Mapping):
        state = {name: value for name, value in variables.items() if name not in _NOT_STATE}
    return {**context.inputs, **variables, "state": state, **extra}


def default_data(context: AgentContext) -> Any:
    """Return the map item, or the value of the first input key; None when there is neither."""
    if context.map_index is not None or "item" in context.inputs:
        return context.inputs.get("item", context.variables.get("item"))
    return next(iter(context.inputs.values()), None)


def dig(value: Any, path: str) -> Any:
    """Return the value at a dotted path (`user.name`, `tags.0`); None when there is none.

    A key that has the whole path as its name goes before.
    """
    if isinstance(value, Mapping) and path in value:
        return value[path]
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.lstrip("-").isdigit():
            index = int(part)
            value = value[index] if -len(value) <= index < len(value) else None
        else:
            return None
    return value
