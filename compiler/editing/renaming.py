"""Another name for a key, wherever values refer to it: in templates and in code."""

import re
from typing import Any

EXPRESSIONS = ("condition", "when", "script", "code", "expression")
"""Parameters that hold code, in which names stand without braces."""


def renamed_references(value: Any, old: str, new: str, name: str = "") -> Any:
    """Return parameters, or a whole node, that refer to a key by another name.

    Args:
        value: Any JSON value.
        old: The former key.
        new: The key.
        name: The field in which the value stands.
    """
    if isinstance(value, dict):
        return {
            key: item if key in ("id", "agent") else renamed_references(item, old, new, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        if name == "input_keys":
            return [re.sub(rf"^{old}\b", new, item) for item in value]
        return [renamed_references(item, old, new, name) for item in value]
    if not isinstance(value, str):
        return value
    if name in EXPRESSIONS:
        return in_expression(value, old, new)
    return re.sub(
        rf"(?<!\{{)((?:\{{\{{)*\{{(?:failures\.)?){old}(?=[.\[}}])", rf"\g<1>{new}", value
    )


def in_expression(text: str, old: str, new: str) -> str:
    """Rename a name in an expression, and as a key of `state`; never an attribute or a text."""
    text = re.sub(rf"(\bstate\[)(['\"]){old}\2", rf"\g<1>\g<2>{new}\g<2>", text)
    return re.sub(rf"(?<![\w.'\"]){old}(?![\w'\"(])", new, text)
