"""Aggregation of lists: concat, sum, average, max, min, count, group."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from agents.errors import AgentError
from agents.scope import dig

AGGREGATIONS = Literal["concat", "sum", "average", "max", "min", "count", "group"]
_USUAL_NUMBERS = ("score", "value", "amount", "price", "total", "count", "rating")


def aggregate(rows: list[Any], aggregation: AGGREGATIONS, field: str | None = None) -> Any:
    """Aggregate a list; `field` is a dotted path into its objects.

    Raises:
        AgentError: There are no numbers where numbers are needed, or no field to group by.
    """
    if aggregation == "concat":
        return concat([dig(row, field) for row in rows] if field else rows)
    if aggregation == "count":
        return dict(Counter(_label(dig(row, field)) for row in rows)) if field else len(rows)
    if aggregation == "group":
        return _group(rows, field)
    numbers = numbers_in(rows, field)
    if aggregation == "sum":
        return tidy(sum(numbers))
    if not numbers:
        raise AgentError(
            f"There are no numbers to take the {aggregation} of.",
            remedy="Give `field` the name of a numeric field.",
        )
    if aggregation == "average":
        return tidy(sum(numbers) / len(numbers))
    return tidy(max(numbers) if aggregation == "max" else min(numbers))


def concat(rows: list[Any]) -> Any:
    """Join lists into one list and texts into one text; anything else becomes a list."""
    present = [row for row in rows if row is not None]
    if present and all(isinstance(row, str) for row in present):
        return list(present)
    joined: list[Any] = []
    for row in present:
        joined.extend(row) if isinstance(row, list) else joined.append(row)
    return joined


def numbers_in(rows: list[Any], field: str | None = None) -> list[float]:
    """Return the numbers of a list, or of one field of its objects (found when not named)."""
    if field is None and any(isinstance(row, Mapping) for row in rows):
        field = _numeric_field(rows)
    values = [dig(row, field) if field else row for row in rows]
    return [number for value in values if (number := number_of(value)) is not None]


def _numeric_field(rows: list[Any]) -> str | None:
    first = next((row for row in rows if isinstance(row, Mapping)), {})
    numeric = [str(name) for name, value in first.items() if number_of(value) is not None]
    usual = [name for name in _USUAL_NUMBERS if name in numeric]
    return next(iter(usual or numeric), None)


def number_of(value: Any) -> float | None:
    """Return a number, or the number that a text writes; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            value = float(value.replace(",", "")) if value.strip() else None
        except ValueError:
            return None
    return value if isinstance(value, float) and math.isfinite(value) else None


def _group(rows: list[Any], field: str | None) -> dict[str, list[Any]]:
    if field is None:
        raise AgentError("Grouping needs a field.", remedy="Give `field` the name of one.")
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(_label(dig(row, field)), []).append(row)
    return groups


def _label(value: Any) -> str:
    return "none" if value is None else str(value)


def tidy(number: float) -> float | int:
    """Return a computed number without the noise of its last digits; whole ones as integers."""
    rounded = round(number, 10)
    return int(rounded) if float(rounded).is_integer() and abs(rounded) < 1e15 else rounded
