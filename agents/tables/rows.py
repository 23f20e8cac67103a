"""Operations on lists of rows: what each of them means, for values of every kind.

Over many rows `frames` works out the same faster, wherever a column's values are of one kind.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from agents.arithmetic import number_of, tidy
from agents.errors import AgentError
from agents.tables.steps import (
    AggregateParts,
    FieldFunction,
    Filter,
    Join,
    Kind,
    Pivot,
    SortKey,
    parse_aggregate,
)
from agents.tables.values import identity, is_nothing, join_key, order, values_of

_TRUE, _FALSE = frozenset({"true", "yes", "1", "t", "y"}), frozenset({"false", "no", "0", "f", "n"})


def sort_indexes(rows: list[Any], keys: Sequence[SortKey]) -> list[int]:
    """Return where the rows stand in order; rows that are alike stay in theirs."""
    indexes = list(range(len(rows)))
    for key in reversed(keys):
        values = values_of(rows, key.field)
        empty = [index for index in indexes if is_nothing(values[index])]
        full = [index for index in indexes if not is_nothing(values[index])]
        marks = [order(value) for value in values]
        full.sort(key=marks.__getitem__, reverse=bool(key.descending))
        indexes = empty + full if key.nulls == "first" else full + empty
    return indexes


def distinct_indexes(rows: list[Any], by: Sequence[str], keep: str) -> list[int]:
    """Return where the rows stand that differ from each other, in their order."""
    found: dict[Any, int] = {}
    for index, key in enumerate(_keys(rows, by)):
        if keep == "last":
            found[key] = index
        else:
            found.setdefault(key, index)
    return sorted(found.values())


def _keys(rows: list[Any], by: Sequence[str]) -> Iterable[Any]:
    if not by:
        return (identity(row) for row in rows)
    columns = [map(identity, values_of(rows, name)) for name in by]
    return zip(*columns, strict=True)


def grouped(
    rows: list[Any], by: Sequence[str], aggregates: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return a row for each group, in the order in which groups begin; without `by`, one."""
    groups: dict[Any, list[int]] = {}
    if by:
        for index, key in enumerate(_keys(rows, by)):
            groups.setdefault(key, []).append(index)
    else:
        groups[()] = list(range(len(rows)))
    keys = {name: values_of(rows, name) for name in by}
    wanted = {name: parse_aggregate(text) for name, text in aggregates.items()}
    columns = {one.field: values_of(rows, one.field) for one in wanted.values() if one.field}
    return [
        {name: values[indexes[0]] for name, values in keys.items()}
        | {
            name: _aggregate(one, columns[one.field], indexes) if one.field else len(indexes)
            for name, one in wanted.items()
        }
        for indexes in groups.values()
    ]


def of_field(rows: list[Any], function: FieldFunction, field: str | None) -> Any:
    """Return what a function makes of a field's values, or without a field of the elements."""
    one = parse_aggregate(f"{function}({field or 'item'})")
    values = values_of(rows, field) if field else rows
    return _aggregate(one, values, list(range(len(values))))


def _aggregate(one: AggregateParts, column: list[Any], indexes: list[int]) -> Any:
    values = [column[index] for index in indexes]
    if one.function == "concat":
        return one.separator.join(str(join_key(value)) for value in _there(values))
    return _FUNCTIONS[one.function](values)


def _numbers(values: list[Any]) -> list[float]:
    found = (number_of(value) for value in values)
    return [number for number in found if number is not None and number == number]


def total(numbers: Sequence[float]) -> float:
    """Return the sum; of whole numbers exactly."""
    whole = all(isinstance(number, int) for number in numbers)
    return sum(numbers) if whole else math.fsum(numbers)


def _sum(values: list[Any]) -> Any:
    return tidy(total(_numbers(values)))


def _mean(values: list[Any]) -> Any:
    numbers = _numbers(values)
    return tidy(total(numbers) / len(numbers)) if numbers else None


def _median(values: list[Any]) -> Any:
    numbers = _numbers(values)
    return tidy(statistics.median(numbers)) if numbers else None


def _unique(values: list[Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for value in _there(values):
        found.setdefault(identity(value), value)
    return list(found.values())


def _there(values: list[Any]) -> list[Any]:
    return [value for value in values if not is_nothing(value)]


_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "count": lambda values: len(_there(values)),
    "count_distinct": lambda values: len({identity(value) for value in _there(values)}),
    "sum": _sum,
    "mean": _mean,
    "median": _median,
    "min": lambda values: min(_there(values), key=order, default=None),
    "max": lambda values: max(_there(values), key=order, default=None),
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "collect": list,
    "unique": _unique,
}


def pivoted(rows: list[Any], by: Sequence[str], pivot: Pivot) -> list[dict[str, Any]]:
    """Return a row for each value of `by`, with a column for each value of the pivot's field."""
    columns = [str(join_key(value)) for value in values_of(rows, pivot.columns)]
    names = list(dict.fromkeys(columns))
    members: dict[Any, dict[str, list[Any]]] = {}
    for row, key, column in zip(rows, _keys(rows, by), columns, strict=True):
        members.setdefault(key, {}).setdefault(column, []).append(row)
    result = []
    for cells in members.values():
        first = next(iter(cells.values()))[0]
        line = {name: values_of([first], name)[0] for name in by}
        for name in names:
            found = grouped(cells[name], (), {"": pivot.values})[0][""] if name in cells else None
            line[name] = found
        result.append(line)
    return result


def join_pairs(left: list[Any], right: list[Any], join: Join) -> list[tuple[int, int | None]]:
    """Return which rows match, in the left's order; None stands for no match."""
    index: dict[Any, list[int]] = {}
    for place, key in enumerate(_join_keys(right, join.right_names)):
        if None not in key:
            index.setdefault(key, []).append(place)
    pairs: list[tuple[int, int | None]] = []
    for place, key in enumerate(_join_keys(left, join.on)):
        matches: Sequence[int | None] = index.get(key) or (None,)
        pairs.extend((place, match) for match in matches)
    return pairs


def _join_keys(rows: list[Any], names: Sequence[str]) -> Iterable[tuple[str | None, ...]]:
    return zip(*(map(join_key, values_of(rows, name)) for name in names), strict=True)


def joined(
    left: list[Any], right: list[Any], join: Join, pairs: list[tuple[int, int | None]]
) -> list[Any]:
    """Return the joined rows of matches as `join_pairs` gives them."""
    if join.how == "anti":
        return [left[place] for place, match in pairs if match is None]
    if join.how == "semi":
        matched = dict.fromkeys(place for place, match in pairs if match is not None)
        return [left[place] for place in matched]
    left_names, right_names = _names(left), _names(right)
    shared = set(join.on) if join.on == join.right_names else set()
    named = {
        name: name + join.suffix if name in left_names and name not in shared else name
        for name in right_names
    }
    nothing = dict.fromkeys(name for name in named.values() if name not in left_names)
    rows: list[Any] = []
    for place, match in pairs:
        if match is not None:
            added = {named[name]: value for name, value in right[match].items()}
            rows.append({**left[place], **added})
        elif join.how != "inner":
            rows.append({**left[place], **nothing})
    if join.how == "outer":
        taken = {match for _, match in pairs}
        blank = dict.fromkeys(left_names)
        alone = (row for place, row in enumerate(right) if place not in taken)
        rows += [{**blank, **{named[name]: row[name] for name in row}} for row in alone]
    return rows


def _names(rows: list[Any]) -> dict[str, None]:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return names


def filtered(rows: list[Any], conditions: Sequence[Filter]) -> list[Any]:
    """Return the rows that fulfil every condition."""
    for condition in conditions:
        values = values_of(rows, condition.field)
        rows = [row for row, value in zip(rows, values, strict=True) if fulfils(value, condition)]
    return rows


def fulfils(value: Any, condition: Filter) -> bool:
    """Whether a value fulfils a condition; values of different kinds are in no order."""
    wanted = condition.value
    match condition.operator:
        case "=" | "!=" as operator:
            return bool(identity(value) == identity(wanted)) == (operator == "=")
        case "is empty" | "is not empty" as operator:
            empty = is_nothing(value) or value in ("", [], {})
            return bool(empty) == (operator == "is empty")
        case "in" | "not in" as operator:
            among = wanted if isinstance(wanted, list | tuple) else [wanted]
            known = {identity(one) for one in among}
            return (identity(value) in known) == (operator == "in")
        case "contains":
            if isinstance(value, list):
                return identity(wanted) in {identity(one) for one in value}
            return isinstance(value, str) and str(wanted) in value
        case "starts with":
            return isinstance(value, str) and value.startswith(str(wanted))
        case "ends with":
            return isinstance(value, str) and value.endswith(str(wanted))
        case operator:
            return _in_order(value, operator, wanted)


def _in_order(value: Any, operator: str, wanted: Any) -> bool:
    if is_nothing(value) or is_nothing(wanted):
        return False
    one, other = order(value), order(wanted)
    if one[0] != other[0]:
        return False
    if operator in ("<", "<="):
        return one < other or (operator == "<=" and one == other)
    return one > other or (operator == ">=" and one == other)


def cast(rows: list[Any], kinds: Mapping[str, Kind], *, lenient: bool) -> list[Any]:
    """Return the rows with fields in the kinds that are asked for; empty text becomes null.

    Raises:
        AgentError: A value does not fit, and that is not to become null; names row and field.
    """
    result = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise AgentError(f"Row {number} is no object, so no field of it can be cast.")
        changed = dict(row)
        for name, kind in kinds.items():
            if name not in changed:
                continue
            try:
                changed[name] = _as(kind, changed[name])
            except (ValueError, OverflowError):
                if not lenient:
                    shown = str(changed[name])[:100]
                    raise AgentError(
                        f"Row {number}: `{name}` is {shown!r}, which is no {kind}.",
                        remedy="Clean it first, or set cast_errors to null.",
                    ) from None
                changed[name] = None
        result.append(changed)
    return result


def _as(kind: Kind, value: Any) -> Any:
    if is_nothing(value):
        return None
    if kind == "text":
        return value if isinstance(value, str) else join_key(value)
    text = join_key(value) or ""
    text = text.strip()
    if not text:
        return None
    if kind == "boolean":
        return _boolean(text.lower())
    text = {"true": "1", "false": "0"}.get(text, text)
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    if kind == "integer":
        if not number.is_integer():
            raise ValueError(text)
        return int(number)
    return number


def _boolean(text: str) -> bool:
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ValueError(text)
