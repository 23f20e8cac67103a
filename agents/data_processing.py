"""The data_processing agent: scripts in the sandbox, and the same work declared without code."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self

import orjson
from pydantic import Field, model_validator

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect
from agents.arithmetic import AGGREGATIONS, aggregate
from agents.errors import AgentError
from agents.sandbox import Sandbox
from agents.scope import CODE, default_data, dig, script_scope

Operation = Literal["filter", "map", "reduce", "aggregate", "transform", "sort", "dedupe", "join"]
Format = Literal["json", "csv", "text"]
_JOIN_NEEDS = 2
_FILTER_SECONDS = 10.0
_NEEDS: dict[Operation, tuple[str, ...]] = {
    "filter": ("where",),
    "map": ("select", "field"),
    "reduce": ("aggregation",),
    "aggregate": ("aggregation",),
    "sort": ("sort_by", "field"),
    "join": ("field",),
}
"""What an operation needs when there is no script: one of these."""


class DataProcessingParameters(Parameters):
    """A `script`, or an operation with the declarative fields that it needs."""

    operation: Operation = "transform"
    script: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE,
        description="Python over `data`, `state` and `input`; `return` gives the result.",
    )
    input_format: Format = "json"
    output_format: Format = "json"
    where: str | None = Field(
        default=None,
        min_length=1,
        json_schema_extra=CODE,
        description="An expression over `item`: elements for which it holds are kept.",
    )
    select: tuple[str, ...] | None = Field(default=None, description="Fields to keep.")
    sort_by: str | None = Field(default=None, description="Field to sort by.")
    descending: bool = False
    field: str | None = Field(
        default=None, description="Field to aggregate, map to, dedupe by or join on."
    )
    aggregation: AGGREGATIONS | None = None
    limit: int | None = Field(default=None, ge=1, description="Keep the first elements only.")
    data: Any = Field(default=None, description="The data; the first input key when left out.")

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.script is not None:
            return self
        needs = _NEEDS.get(self.operation, ())
        if needs and all(getattr(self, name) is None for name in needs):
            wanted = " or ".join(f"`{name}`" for name in ("script", *needs))
            raise ValueError(f"{self.operation} needs {wanted}")
        return self


class DataProcessing:
    """Filters, maps, sorts, joins and aggregates JSON, CSV and text."""

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
        given = "data" in parameters.model_fields_set
        data = _read(parameters.data if given else default_data(context), parameters.input_format)
        sandbox = await context.services.sandbox()
        if parameters.script is not None:
            scope = script_scope(context, data=data)
            result = await sandbox.run(parameters.script, scope, whose=context.tenant_id)
        else:
            result = await _declared(parameters, data, context, sandbox)
        return AgentResult(_write(result, parameters.output_format))


async def _declared(
    parameters: DataProcessingParameters, data: Any, context: AgentContext, sandbox: Sandbox
) -> Any:
    """Apply the declarative fields in a fixed order: where, operation, sort, limit, select."""
    if parameters.operation == "join":
        rows: list[Any] = _join(list(context.inputs.values()), str(parameters.field))
    else:
        rows = _rows(data)
    if parameters.where is not None:
        source = f"[item for item in weft_rows if ({parameters.where})]"
        scope = script_scope(context, weft_rows=rows)
        rows = await sandbox.evaluate(
            source, scope, seconds=_FILTER_SECONDS, whose=context.tenant_id
        )
    if parameters.operation == "dedupe":
        rows = _dedupe(rows, parameters.field)
    if key := parameters.sort_by or (parameters.field if parameters.operation == "sort" else None):
        rows = sorted(rows, key=lambda row: _order(dig(row, key)), reverse=parameters.descending)
    rows = rows[: parameters.limit]
    if parameters.aggregation is not None:
        return aggregate(rows, parameters.aggregation, parameters.field)
    if parameters.select is not None:
        return [{name: dig(row, name) for name in parameters.select} for row in rows]
    if parameters.operation == "map" and parameters.field is not None:
        return [dig(row, parameters.field) for row in rows]
    return rows


def _rows(data: Any) -> list[Any]:
    if isinstance(data, list):
        return data
    if isinstance(data, str):
        return data.splitlines()
    if data is None:
        raise AgentError("There is no data to process.", remedy="Give `data` or input_keys.")
    return [data]


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers before texts, nothing last: values of any kind can be sorted together."""
    if isinstance(value, bool | int | float):
        return 0, float(value), ""
    return (2, 0.0, "") if value is None else (1, 0.0, str(value))


def _dedupe(rows: list[Any], field: str | None) -> list[Any]:
    kept: dict[bytes, Any] = {}
    for row in rows:
        value = dig(row, field) if field else row
        kept.setdefault(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), row)
    return list(kept.values())


def _join(tables: list[Any], field: str) -> list[Any]:
    """Inner join of the input lists on one field; later fields win."""
    if len(tables) < _JOIN_NEEDS or not all(isinstance(table, list) for table in tables):
        raise AgentError("A join needs two lists.", remedy="Name two input_keys that hold lists.")
    joined = [row for row in tables[0] if isinstance(row, Mapping)]
    for table in tables[1:]:
        index: dict[str, list[Mapping[str, Any]]] = {}
        for row in table:
            if isinstance(row, Mapping):
                index.setdefault(str(row.get(field)), []).append(row)
        joined = [
            {**left, **right} for left in joined for right in index.get(str(left.get(field)), ())
        ]
    return joined


def _read(data: Any, form: Format) -> Any:
    if not isinstance(data, str):
        return data
    if form == "csv":
        return [dict(row) for row in csv.DictReader(io.StringIO(data))]
    if form == "json" and data.strip()[:1] in ("[", "{"):
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise AgentError(
                f"The data is not JSON: {error}.", remedy="Set input_format to csv or text."
            ) from error
    return data


def _write(result: Any, form: Format) -> Any:
    if form == "json":
        return result
    if form == "text":
        lines = result if isinstance(result, list) else [result]
        return "\n".join(line if isinstance(line, str) else _compact(line) for line in lines)
    rows = [row if isinstance(row, Mapping) else {"value": row} for row in _rows(result)]
    return _csv(rows)


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    rows = list(rows)
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row.get(name)) for name in names})
    return out.getvalue()


def _cell(value: Any) -> Any:
    return _compact(value) if isinstance(value, Mapping | list) else value


def _compact(value: Any) -> str:
    return orjson.dumps(value).decode()
