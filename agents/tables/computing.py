"""What expressions make of rows: computed columns, rows for which one holds, reductions.

They are evaluated in the sandbox, many rows at a time, so that a table of any length neither
fills a worker nor holds up whoever waits for it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from agents.agent import AgentContext
from agents.errors import AgentError
from agents.sandbox import Sandbox
from agents.scope import script_scope
from agents.tables.expressions import (
    Program,
    column_program,
    condition_program,
    fields_among,
    possible_fields,
    reduction_program,
)
from agents.tables.parameters import DataProcessingParameters
from agents.tables.rows import filtered
from agents.tables.values import compact

ROWS_A_RUN = 1_000
"""How many rows the sandbox is given at once: some milliseconds of work for both sides."""
_SEARCHED_ROWS = 50_000
_SHOWN_CHARACTERS = 100


class Computing:
    """Evaluates the expressions of one node over its rows.

    Args:
        parameters: The node's.
        context: Its attempt.
        sandbox: Where expressions are evaluated.
    """

    def __init__(
        self, parameters: DataProcessingParameters, context: AgentContext, sandbox: Sandbox
    ) -> None:
        self._parameters = parameters
        self._context = context
        self._sandbox = sandbox
        self._scope = script_scope(context)

    async def columns_and_conditions(self, rows: list[Any]) -> list[Any]:
        """Return the rows with their computed columns, those that the conditions keep.

        Raises:
            AgentError: A value cannot be computed; says of which row and column.
        """
        parameters = self._parameters
        columns, where = parameters.compute or {}, parameters.where
        texts = [*columns.values(), *([where] if where else [])]
        fields = await _fields(rows, possible_fields(texts))
        lenient = parameters.compute_errors == "null"
        columns_of = column_program(columns, fields, lenient=lenient) if columns else None
        keeps = condition_program(where, fields | columns.keys()) if where else None
        found: list[Any] = []
        for start, part in _parts(rows):
            if columns_of is not None:
                part = await self._computed(columns_of, columns, part, start)
            part = filtered(part, parameters.late_filters)
            if keeps is not None and part:
                part = await self._kept(keeps, part, start)
            found += part
        return found

    async def _computed(
        self, program: Program, columns: Mapping[str, str], rows: list[Any], start: int
    ) -> list[Any]:
        for number, row in enumerate(rows, start + 1):
            if not isinstance(row, Mapping):
                raise AgentError(f"Row {number} is no object, so nothing can be computed of it.")
        values, column, reason = await self._run(program, rows)
        if column is not None:
            name = list(columns)[column]
            raise _failure(
                start + len(values) + 1, f"`{name}` cannot be computed: {reason}",
                program, rows[len(values)], "set compute_errors to null",
            )  # fmt: skip
        names = tuple(columns)
        return [
            {**row, **dict(zip(names, computed, strict=True))}
            for row, computed in zip(rows, values, strict=True)
        ]

    async def _kept(self, program: Program, rows: list[Any], start: int) -> list[Any]:
        held, failed, reason = await self._run(program, rows)
        if failed is not None:
            raise _failure(
                start + len(held) + 1, f"`where` cannot be evaluated: {reason}",
                program, rows[len(held)], "leave such rows out by `filters`",
            )  # fmt: skip
        return [row for row, holds in zip(rows, held, strict=True) if holds]

    async def reduced(self, rows: list[Any]) -> Any:
        """Return what the node's reduction makes of the rows.

        Raises:
            AgentError: A row cannot be added; says which.
        """
        expression = self._parameters.reduce or ""
        program = reduction_program(expression, await _fields(rows, possible_fields([expression])))
        accumulator, first = self._parameters.initial, 0
        if "initial" not in self._parameters.model_fields_set and rows:
            accumulator, first = rows[0], 1
        for start, part in _parts(rows[first:]):
            accumulator, failed, reason = await self._run(
                program, part, weft_accumulator=accumulator
            )
            if failed is not None:
                raise _failure(
                    first + start + failed + 1, f"`reduce` cannot be evaluated: {reason}",
                    program, part[failed], "give `initial` what the first row is added to",
                )  # fmt: skip
        return accumulator

    async def _run(
        self, program: Program, rows: list[Any], **extra: Any
    ) -> tuple[Any, int | None, str]:
        scope = {name: value for name, value in self._scope.items() if name in program.outer}
        scope |= {"weft_rows": program.rows(rows), **extra}
        value, failed, reason = await self._sandbox.run(
            program.code, scope, whose=self._context.tenant_id
        )
        return value, failed, reason


def _parts(rows: list[Any]) -> Iterator[tuple[int, list[Any]]]:
    for start in range(0, len(rows), ROWS_A_RUN):
        yield start, rows[start : start + ROWS_A_RUN]


async def _fields(rows: list[Any], names: frozenset[str]) -> frozenset[str]:
    """Return which names any row has as a field, looked for a part after the other."""
    found: frozenset[str] = frozenset()
    for start in range(0, len(rows), _SEARCHED_ROWS):
        if found == names:
            break
        found |= fields_among(rows[start : start + _SEARCHED_ROWS], names - found)
        await asyncio.sleep(0)
    return found


def _failure(number: int, message: str, program: Program, row: Any, otherwise: str) -> AgentError:
    """Return the error of a row, with its beginning and the fields that are null in it."""
    message = f"Row {number} ({compact(row)[:_SHOWN_CHARACTERS]}): {message.rstrip('.')}"
    fields = row if isinstance(row, Mapping) else {}
    empty = [name for name in program.takes if name != "item" and fields.get(name) is None]
    if not empty:
        return AgentError(f"{message}.")
    named = ", ".join(f"`{name}`" for name in empty)
    return AgentError(
        f"{message}; {named} {'is' if len(empty) == 1 else 'are'} null there.",
        remedy=f"Say what stands for it, as in `({empty[0]} or 0)`, or {otherwise}.",
    )
