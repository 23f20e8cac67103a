"""The declared steps of data_processing in their order, as pure functions of the data.

`work` does the same on parts of JSON text, wherever it runs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from agents.arithmetic import AGGREGATIONS, aggregate
from agents.errors import AgentError
from agents.scope import dig
from agents.tables import formats, frames, rows
from agents.tables.parameters import DataProcessingParameters
from agents.tables.parcels import pack, unpack
from agents.tables.steps import FieldFunction, Join, SortKey

Stage = Literal["read", "prepare", "finish", "write", "whole"]
FRAME_ROWS = 10_000
"""From how many rows on columns are worth their making."""


def run_stage(stage: Stage, parameters: DataProcessingParameters, tables: list[Any]) -> Any:
    """Do one stage of the work; the data comes first, other lists to join after it.

    Raises:
        AgentError: The data is not what the parameters need; always final.
    """
    if stage in ("read", "prepare", "whole"):
        tables = [formats.read(one, parameters.input_format, parameters.csv) for one in tables]
    if stage in ("prepare", "whole"):
        tables = [_prepared(parameters, tables)]
    [result, *_] = tables
    if stage in ("finish", "whole"):
        result = _finished(parameters, result)
    if stage in ("finish", "whole") and parameters.reduce is not None:
        return result
    if stage in ("finish", "whole", "write"):
        result = formats.write(result, parameters.output_format, parameters.csv)
    return result


def work(parts: Sequence[bytes]) -> list[bytes]:
    """Do a stage on parts: what is to be done, then the packed tables; the answer is packed.

    An error that people are to read is the answer, too, since it must cross between processes.
    """
    job = orjson.loads(parts[0])
    parameters = DataProcessingParameters.model_validate(job["parameters"])
    tables, rest = [], list(parts[1:])
    for count in job["counts"]:
        tables.append(unpack(rest[:count]))
        del rest[:count]
    try:
        result = run_stage(job["stage"], parameters, tables)
    except AgentError as error:
        return [orjson.dumps({"error": str(error)})]
    return [b"{}", *pack(result)]


def _prepared(parameters: DataProcessingParameters, tables: list[Any]) -> list[Any]:
    found = as_rows(tables[0])
    if parameters.cast:
        found = rows.cast(found, parameters.cast, lenient=parameters.cast_errors == "null")
    if parameters.join is not None:
        found = _joined(found, _second(tables), parameters.join)
    elif parameters.operation == "join":
        for table in tables[1:] or [_second(tables)]:
            found = _joined(found, table, Join(on=(str(parameters.field),)))
    return rows.filtered(found, parameters.early_filters)


def _second(tables: list[Any]) -> Any:
    if len(tables) < 2:
        raise AgentError(
            "A join needs two lists.",
            remedy="Name two input_keys that hold lists, or give `join.rows`.",
        )
    return tables[1]


def _joined(left: list[Any], right: Any, join: Join) -> list[Any]:
    if not isinstance(right, list):
        raise AgentError("A join needs two lists.", remedy="Name what holds the second list.")
    left = [row for row in left if isinstance(row, Mapping)]
    right = [row for row in right if isinstance(row, Mapping)]
    pairs = frames.join_pairs(left, right, join) if _many(left, right) else None
    return rows.joined(
        left, right, join, rows.join_pairs(left, right, join) if pairs is None else pairs
    )


def _many(*tables: list[Any]) -> bool:
    return sum(map(len, tables)) >= FRAME_ROWS


def as_rows(data: Any) -> list[Any]:
    """Return data as a list: a text by its lines, anything else as the only element.

    Raises:
        AgentError: There is none.
    """
    if isinstance(data, list):
        return data
    if isinstance(data, str):
        return data.splitlines()
    if data is None:
        raise AgentError("There is no data to process.", remedy="Give `data` or input_keys.")
    return [data]


def _finished(parameters: DataProcessingParameters, found: list[Any]) -> Any:
    if parameters.operation == "dedupe":
        found = _distinct(parameters, found)
    if parameters.pivot is not None:
        found = rows.pivoted(found, parameters.by, parameters.pivot)
    elif parameters.aggregates is not None:
        found = _grouped(parameters, found)
    if keys := parameters.sort_keys:
        found = _sorted(keys, found)
    found = found[: parameters.limit]
    if parameters.aggregation is not None:
        return _reduced(parameters.aggregation, found, parameters.field)
    found = _renamed(parameters, found)
    if parameters.operation == "map" and parameters.field is not None and not parameters.select:
        return [dig(row, parameters.field) for row in found]
    whole = parameters.operation == "reduce" and parameters.aggregates and not parameters.by
    return found[0] if whole else found


def _reduced(aggregation: AGGREGATIONS | FieldFunction, found: list[Any], field: str | None) -> Any:
    match aggregation:
        case "avg" | "median" | "first" | "last" | "list" | "unique":
            return rows.of_field(found, aggregation, field)
    return aggregate(found, aggregation, field)


def _distinct(parameters: DataProcessingParameters, found: list[Any]) -> list[Any]:
    by = parameters.by or ((parameters.field,) if parameters.field else ())
    places = frames.distinct_indexes(found, by, parameters.keep) if _many(found) else None
    if places is None:
        places = rows.distinct_indexes(found, by, parameters.keep)
    return [found[place] for place in places]


def _grouped(parameters: DataProcessingParameters, found: list[Any]) -> list[Any]:
    aggregates = parameters.aggregates or {}
    groups = frames.grouped(found, parameters.by, aggregates) if _many(found) else None
    return rows.grouped(found, parameters.by, aggregates) if groups is None else groups


def _sorted(keys: Sequence[SortKey], found: list[Any]) -> list[Any]:
    places = frames.sort_indexes(found, keys) if _many(found) else None
    if places is None:
        places = rows.sort_indexes(found, keys)
    return [found[place] for place in places]


def _renamed(parameters: DataProcessingParameters, found: list[Any]) -> list[Any]:
    """Rename, drop and select fields, in this order."""
    names = parameters.rename or {}
    dropped = frozenset(parameters.drop)
    if names or dropped:
        found = [
            {names.get(name, name): value for name, value in row.items() if name not in dropped}
            if isinstance(row, Mapping)
            else row
            for row in found
        ]
    if parameters.select is not None:
        found = [{name: dig(row, name) for name in parameters.select} for row in found]
    return found
