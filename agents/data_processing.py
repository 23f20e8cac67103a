"""The data_processing agent: scripts in the sandbox, and the same work declared without code.

Little data is worked on at once; much of it elsewhere, and goes there and back a part at a time, so
that nothing else in this process waits for it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.errors import AgentError
from agents.scope import default_data, script_scope
from agents.tables.computing import Computing
from agents.tables.parameters import DataProcessingParameters
from agents.tables.parcels import is_list, pack, unpacked_slices
from agents.tables.pipeline import Stage, as_rows, run_stage, work

QUICK_ROWS = 2_000
"""What is worked on without leaving the event loop: some milliseconds of work."""
THREAD_ROWS = 20_000
"""What is worked on in a thread."""
_CHARACTERS_A_ROW = 100


class DataProcessing:
    """Filters, maps, sorts, joins and aggregates JSON, CSV, text and Parquet."""

    name: ClassVar[str] = "data_processing"
    description: ClassVar[str] = "Filters, maps, sorts, joins and aggregates data."
    parameters: ClassVar[type[Parameters]] = DataProcessingParameters
    side_effect: ClassVar[SideEffect] = "none"
    default_timeout_seconds: ClassVar[float] = 60.0
    output_fields: ClassVar[tuple[str, ...]] = ()
    estimated_seconds: ClassVar[float] = 0.05

    async def run(self, parameters: DataProcessingParameters, context: AgentContext) -> AgentResult:
        """Return the processed data in its output format.

        Raises:
            AgentError: The data or the script is not what the operation needs; always final.
        """
        tables = _tables(parameters, context)
        if parameters.script is not None:
            [data] = await _stage("read", parameters, tables[:1], context)
            sandbox = await context.services.sandbox()
            scope = script_scope(context, data=data)
            result = await sandbox.run(parameters.script, scope, whose=context.tenant_id)
            [output] = await _stage("write", parameters, [result], context)
            return AgentResult(output)
        return AgentResult(await _declared(parameters, tables, context))


async def _declared(
    parameters: DataProcessingParameters, tables: list[Any], context: AgentContext
) -> Any:
    """Return what the declared steps make; what expressions say is evaluated in the sandbox."""
    if not (parameters.compute or parameters.where or parameters.reduce):
        [output] = await _stage("whole", parameters, tables, context)
        return output
    [result] = await _stage("prepare", parameters, tables, context)
    computing = Computing(parameters, context, await context.services.sandbox())
    if parameters.compute or parameters.where:
        result = await computing.columns_and_conditions(result)
    [result] = await _stage("finish", parameters, [result], context)
    if parameters.reduce:
        result = await computing.reduced(as_rows(result))
        [result] = await _stage("write", parameters, [result], context)
    return result


def _tables(parameters: DataProcessingParameters, context: AgentContext) -> list[Any]:
    """Return the data, and after it what it is joined with."""
    given = "data" in parameters.model_fields_set
    data = parameters.data if given else default_data(context)
    join = parameters.join
    if join is not None and join.rows is not None:
        return [data, join.rows]
    if join is None and parameters.operation != "join":
        return [data]
    others = list(context.inputs.values())
    return [data, *(others if given else others[1:])]


async def _stage(
    stage: Stage, parameters: DataProcessingParameters, tables: list[Any], context: AgentContext
) -> list[Any]:
    """Do a stage where its size lets it: here, in a thread, or elsewhere."""
    rows = sum(map(_row_count, tables))
    if stage != "finish" and parameters.input_format == "parquet":
        # A small file can hold very much.
        rows = THREAD_ROWS + 1
    if rows <= QUICK_ROWS:
        return [run_stage(stage, parameters, tables)]
    if rows <= THREAD_ROWS:
        return [await asyncio.to_thread(run_stage, stage, parameters, tables)]
    return [await _elsewhere(stage, parameters, tables, context)]


def _row_count(table: Any) -> int:
    """Return how many rows a table has, of a text or file about."""
    if isinstance(table, Mapping):
        table = table.get("base64")
    if isinstance(table, str):
        return len(table) // _CHARACTERS_A_ROW
    return len(table) if isinstance(table, list) else 1


async def _elsewhere(
    stage: Stage, parameters: DataProcessingParameters, tables: list[Any], context: AgentContext
) -> Any:
    job: dict[str, Any] = {
        "stage": stage,
        "parameters": parameters.model_dump(
            mode="json", exclude={"data": True, "join": {"rows"}}, exclude_unset=True
        ),
        "counts": [],
    }
    parts: list[bytes] = []
    for table in tables:
        before = len(parts)
        for part in pack(table):
            parts.append(part)
            await asyncio.sleep(0)
        job["counts"].append(len(parts) - before)
    name = f"{context.node_id} (data)"
    head, *answer = await context.services.elsewhere.run(name, work, [orjson.dumps(job), *parts])
    if error := orjson.loads(head).get("error"):
        raise AgentError(error)
    result: list[Any] = []
    for rows in unpacked_slices(answer):
        result += rows
        await asyncio.sleep(0)
    return result if is_list(answer) else result[0]
