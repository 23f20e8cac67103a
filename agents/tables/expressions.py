"""Programs for the sandbox that evaluate expressions over many rows in one run.

An expression names a row's fields as they are (`price * quantity`), the row itself as `item`, and
whatever else its node may see. What a field is called decides nothing but which value it stands
for: names that are called (`max(…)`) are never fields, and `state` and `input` always the node's.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agents.sandbox import PRELUDE, with_fields
from agents.tables.values import values_of

ITEM, ACCUMULATOR = "item", "accumulator"
_NEVER_FIELDS = frozenset({ITEM, ACCUMULATOR, "state", "input"})
_ROW = "_weft_row"


@dataclass(frozen=True, slots=True)
class Program:
    """What the sandbox runs on some rows.

    Attributes:
        code: Its text; the rows are `weft_rows`, and of a reduction `weft_accumulator` is there.
        takes: What it is given of each row, in this order; `item` is the row.
        outer: The names that are neither, for which their node's scope may have values.
    """

    code: str
    takes: tuple[str, ...]
    outer: frozenset[str]

    def rows(self, rows: list[Any]) -> list[list[Any]]:
        """Return of each row what the program takes; null where a field is missing."""
        if not self.takes:
            return [[] for _ in rows]
        columns = (rows if name == ITEM else values_of(rows, name) for name in self.takes)
        return list(map(list, zip(*columns, strict=True)))


@lru_cache(maxsize=256)
def names_in(expression: str) -> frozenset[str]:
    """Return the names that an expression reads, without those that it only calls.

    Raises:
        AgentError: It is no expression.
    """
    with_fields(expression)
    tree = ast.parse(f"(\n{expression}\n)", mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called
    )


def possible_fields(expressions: Iterable[str]) -> frozenset[str]:
    """Return the names in expressions that may be fields of rows."""
    return _names(expressions) - _NEVER_FIELDS


def fields_among(rows: list[Any], names: frozenset[str]) -> frozenset[str]:
    """Return those names that are a field of any row."""
    left = set(names)
    for row in rows:
        if not left:
            break
        if isinstance(row, Mapping):
            left -= row.keys()
    return names - left


def column_program(
    columns: Mapping[str, str], fields: frozenset[str], *, lenient: bool = False
) -> Program:
    """Make what computes columns; its value is `[rows of values, failing column, reason]`.

    A column sees those before it. Without a failure the failing column is null.

    Args:
        columns: Names and expressions.
        fields: The names that stand for fields of a row.
        lenient: Whether a value that cannot be computed becomes null.
    """
    names = _names(columns.values())
    takes = _takes(names, fields)
    places = {name: place for place, name in enumerate(takes)}
    functions: list[str] = []
    steps: list[str] = []
    for number, (column, expression) in enumerate(columns.items()):
        sees = [name for name in places if name in names_in(expression)]
        functions.append(_function(number, expression, sees))
        given = ", ".join(f"{_ROW}[{places[name]}]" for name in sees)
        failed = "_weft_value = None" if lenient else _failed("_weft_done", number)
        steps += [
            "try:",
            f"    _weft_value = _weft_{number}({given})",
            "except Exception as _weft_error:",
            f"    {failed}",
            f"{_ROW}[{places[column]}] = _weft_value" if column in places
            else f"{_ROW}.append(_weft_value)",
        ]  # fmt: skip
        places.setdefault(column, len(places))
        if ITEM in takes:
            steps.append(f"{_ROW}[{places[ITEM]}][{column!r}] = _weft_value")
    values = ", ".join(f"{_ROW}[{places[column]}]" for column in columns)
    steps.append(f"_weft_done.append([{values}])")
    code = _looping(functions, steps, "_weft_done", "[]")
    return Program(code, takes, names.difference(takes, columns))


def condition_program(condition: str, fields: frozenset[str]) -> Program:
    """Make what tells of which rows a condition holds; its value is as `column_program`'s."""
    names = names_in(condition)
    takes = _takes(names, fields)
    given = ", ".join(f"{_ROW}[{place}]" for place in range(len(takes)))
    steps = [
        "try:",
        f"    _weft_done.append(True if _weft_0({given}) else False)",
        "except Exception as _weft_error:",
        f"    {_failed('_weft_done', 0)}",
    ]
    code = _looping([_function(0, condition, takes)], steps, "_weft_done", "[]")
    return Program(code, takes, names.difference(takes))


def reduction_program(expression: str, fields: frozenset[str]) -> Program:
    """Make what reduces rows; its value is `[accumulator, failing row, reason]`."""
    names = names_in(expression)
    takes = _takes(names, fields)
    given = "".join(f", {_ROW}[{place}]" for place in range(len(takes)))
    steps = [
        "try:",
        f"    _weft_done = _weft_0(_weft_done{given})",
        "except Exception as _weft_error:",
        f"    {_failed('None', '_weft_number')}",
        "_weft_number += 1",
    ]
    function = _function(0, expression, (ACCUMULATOR, *takes))
    code = _looping([function], steps, "_weft_done", "weft_accumulator")
    return Program(code, takes, names.difference(takes, {ACCUMULATOR}))


def _names(expressions: Iterable[str]) -> frozenset[str]:
    return frozenset[str]().union(*map(names_in, expressions))


def _takes(names: frozenset[str], fields: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names & (fields | {ITEM})))


def _function(number: int, expression: str, sees: Sequence[str]) -> str:
    return f"_weft_{number} = lambda {', '.join(sees)}: ({with_fields(expression)})"


def _failed(done: str, place: int | str) -> str:
    reason = 'type(_weft_error).__name__ + ": " + str(_weft_error)'
    return f"return [{done}, {place}, {reason}]"


def _looping(functions: Sequence[str], steps: Sequence[str], done: str, begins: str) -> str:
    lines = [
        *functions,
        "def _weft_rows():",
        f"    {done} = {begins}",
        "    _weft_number = 0",
        f"    for {_ROW} in weft_rows:",
        *(f"        {step}" for step in steps),
        f'    return [{done}, None, ""]',
        "_weft_rows()",
    ]
    return f"{PRELUDE}\n" + "\n".join(lines)
