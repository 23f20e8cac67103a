"""How single values compare: one rule for rows and for frames."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from agents.scope import dig


def is_nothing(value: Any) -> bool:
    """Whether a value is null, or no number."""
    return value is None or value != value


def compact(value: Any) -> str:
    """Return a value's JSON text, the same for equal values."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        # Whole numbers beyond 64 bits.
        return json.dumps(value, default=str, sort_keys=True, separators=(",", ":"))


def order(value: Any) -> tuple[int, Any]:
    """Return what values of any kind are sorted by: numbers, then texts, then the rest."""
    if isinstance(value, bool | int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, compact(value))


def identity(value: Any) -> Any:
    """Return what tells values apart: 1 and 1.0 are one value, true and 1 are two."""
    if is_nothing(value):
        return None
    if isinstance(value, bool):
        return (value,)
    return value if isinstance(value, int | float | str) else compact(value).encode()


def join_key(value: Any) -> str | None:
    """Return what rows of two lists are matched by: a number and its text match, null nothing."""
    if is_nothing(value):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return compact(value)


def values_of(rows: list[Any], field: str) -> list[Any]:
    """Return a field of each row; null where there is none."""
    if "." not in field:
        return [row.get(field) if isinstance(row, Mapping) else None for row in rows]
    return [dig(row, field) for row in rows]
