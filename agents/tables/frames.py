"""The operations of `rows` over many rows, worked out by columns.

Each function tells places of rows or values of groups, and the rows themselves stay as they are;
None means that a column holds values of several kinds, so that `rows` has to do it.
"""

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any

from agents.arithmetic import tidy
from agents.tables.steps import Join, SortKey, parse_aggregate
from agents.tables.values import values_of

if TYPE_CHECKING:
    import polars

_EXACT = 2**53
"""Whole numbers up to this are the same as floating ones."""
_MOST = 2**63
_INDEX = "\0index"


def column(values: list[Any]) -> "polars.Series | None":
    """Return values of one kind as a column; None when they are of several."""
    # Large, and most processes never need it.
    import polars  # noqa: PLC0415

    kinds = set(map(type, values)) - {NoneType}
    try:
        if kinds <= {int}:
            return polars.Series(values=values, dtype=polars.Int64, strict=True)
        if kinds == {str}:
            return polars.Series(values=values, dtype=polars.String, strict=True)
        if kinds == {bool}:
            return polars.Series(values=values, dtype=polars.Boolean, strict=True)
        if kinds <= {int, float}:
            if any(type(value) is int and not -_EXACT <= value <= _EXACT for value in values):
                return None
            floats = [None if value is None else float(value) for value in values]
            series = polars.Series(values=floats, dtype=polars.Float64, strict=True)
            return series.fill_nan(None)
    except (OverflowError, TypeError, UnicodeEncodeError):
        return None
    return None


def _frame(rows: list[Any], names: Sequence[str]) -> "polars.DataFrame | None":
    """Return columns under their numbers, and the places of the rows."""
    import polars  # noqa: PLC0415

    columns = []
    for number, name in enumerate(names):
        series = column(values_of(rows, name))
        if series is None:
            return None
        columns.append(series.alias(str(number)))
    return polars.DataFrame([*columns, polars.arange(0, len(rows), eager=True).alias(_INDEX)])


def _numbered(names: Sequence[str]) -> list[str]:
    return [str(number) for number in range(len(names))]


def sort_indexes(rows: list[Any], keys: Sequence[SortKey]) -> list[int] | None:
    """See `rows.sort_indexes`."""
    names = [key.field for key in keys]
    frame = _frame(rows, names)
    if frame is None:
        return None
    ordered = frame.sort(
        _numbered(names),
        descending=[bool(key.descending) for key in keys],
        nulls_last=[key.nulls == "last" for key in keys],
        maintain_order=True,
    )
    return ordered[_INDEX].to_list()


def distinct_indexes(rows: list[Any], by: Sequence[str], keep: str) -> list[int] | None:
    """See `rows.distinct_indexes`."""
    frame = _frame(rows, by) if by else None
    if frame is None:
        return None
    kept = frame.unique(
        subset=_numbered(by), keep="last" if keep == "last" else "first", maintain_order=True
    )
    return sorted(kept[_INDEX].to_list())


def grouped(
    rows: list[Any], by: Sequence[str], aggregates: Mapping[str, str]
) -> list[dict[str, Any]] | None:
    """See `rows.grouped`."""
    wanted = {name: parse_aggregate(text) for name, text in aggregates.items()}
    fields = list(dict.fromkeys([*by, *(one.field for one in wanted.values() if one.field)]))
    frame = _frame(rows, fields) if by else None
    if frame is None:
        return None
    places = {field: str(number) for number, field in enumerate(fields)}
    expressions = []
    for number, one in enumerate(wanted.values()):
        expression = _expression(one.function, places.get(one.field or ""), frame)
        if expression is None:
            return None
        expressions.append(expression.alias(f"a{number}"))
    groups = frame.group_by([places[name] for name in by], maintain_order=True).agg(
        _first_place(), *expressions
    )
    firsts = groups[_INDEX].to_list()
    result: dict[str, list[Any]] = {}
    for name in by:
        values = values_of(rows, name)
        result[name] = [values[place] for place in firsts]
    for number, (name, (function, field, _)) in enumerate(wanted.items()):
        found = groups[f"a{number}"].to_list()
        if function in ("sum", "mean", "median"):
            found = [None if value is None else tidy(value) for value in found]
        elif function in ("min", "max", "first", "last"):
            values = values_of(rows, field or "")
            found = [None if place is None else values[place] for place in found]
        result[name] = found
    return [dict(zip(result, line, strict=True)) for line in zip(*result.values(), strict=True)]


def _first_place() -> "polars.Expr":
    import polars  # noqa: PLC0415

    return polars.col(_INDEX).first()


def _expression(
    function: str, place: str | None, frame: "polars.DataFrame"
) -> "polars.Expr | None":
    """Return what computes an aggregate; None when this column's is none for frames."""
    import polars  # noqa: PLC0415

    if place is None:
        return polars.len()
    value, index = polars.col(place), polars.col(_INDEX)
    numeric = frame[place].dtype in (polars.Int64, polars.Float64)
    if function in ("sum", "mean", "median"):
        if not numeric or (function != "median" and not _sums_exactly(frame[place])):
            return None
        return {"sum": value.sum(), "mean": value.mean(), "median": value.median()}[function]
    if function in ("min", "max"):
        mark = value.min() if function == "min" else value.max()
        return index.filter(value == mark).first()
    known = {
        "count": value.count(),
        "count_distinct": value.drop_nulls().n_unique(),
        "first": index.first(),
        "last": index.last(),
    }
    return known.get(function)


def _sums_exactly(series: "polars.Series") -> bool:
    """Whether no sum of whole numbers can pass what a column holds."""
    if series.dtype.is_float() or not len(series):
        return True
    largest = max(abs(int(series.min() or 0)), abs(int(series.max() or 0)))  # type: ignore[arg-type]
    return largest * len(series) < min(_MOST, _EXACT)


def join_pairs(
    left: list[Any], right: list[Any], join: Join
) -> list[tuple[int, int | None]] | None:
    """See `rows.join_pairs`."""
    one, other = _frame(left, join.on), _frame(right, join.right_names)
    if one is None or other is None:
        return None
    names = _numbered(join.on)
    if [one[name].dtype for name in names] != [other[name].dtype for name in names]:
        return None
    found = one.join(other, on=names, how="left", maintain_order="left_right", suffix="\0")
    return list(zip(found[_INDEX].to_list(), found[f"{_INDEX}\0"].to_list(), strict=True))
