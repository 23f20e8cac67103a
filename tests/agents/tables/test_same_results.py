"""Columns and rows, here and elsewhere: the same results for random data of every kind."""

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest

from agents.errors import AgentError
from agents.tables import frames, pipeline, rows
from agents.tables.parameters import DataProcessingParameters
from agents.tables.parcels import pack, unpack
from agents.tables.steps import Join, SortKey

KINDS: Mapping[str, Callable[[random.Random], Any]] = {
    "whole": lambda r: r.choice([None, r.randint(-5, 5), r.randint(-5, 5)]),
    "large": lambda r: r.choice([2**53 + 1, 2**53, -(2**63), 2**64 - 1, r.randint(0, 9)]),
    "beyond": lambda r: r.choice([2**80, -(2**90), 10**400, r.randint(0, 3)]),
    "floating": lambda r: r.choice([None, math.nan, -0.0, 0.0, r.random(), r.randint(0, 3) / 2]),
    "numbers": lambda r: r.choice([None, 1, 1.0, 2, 2.5, -3, math.nan]),
    "text": lambda r: r.choice(["", "a", "Z", "é", "ß", "日本", "🙂", "\u0000", "1", None]),
    "truth": lambda r: r.choice([True, False, None]),
    "nothing": lambda r: None,
    "mixed": lambda r: r.choice([1, "1", True, None, [1, 2], {"b": 1, "a": [None]}, 0.5, ""]),
}
BY = [("whole",), ("text",), ("floating",), ("numbers",), ("truth", "text"), ("mixed",),
      ("nothing", "whole"), ("large",), ("beyond",)]  # fmt: skip


def table(seed: int, length: int = 60) -> list[dict[str, Any]]:
    """Return random rows; some lack a field."""
    chance = random.Random(seed)  # noqa: S311
    made = []
    for number in range(length):
        row = {name: make(chance) for name, make in KINDS.items()} | {"number": number}
        if chance.random() < 0.1:
            del row[chance.choice(list(KINDS))]
        made.append(row)
    return made


def known(value: Any) -> str:
    """Return a text that tells values apart as people see them: 1 and 1.0, NaN and null."""
    return repr(value)


@pytest.mark.requirement("FR-3.3")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by", BY)
def test_columns_sort_and_dedupe_as_rows_do(by: tuple[str, ...], seed: int) -> None:
    """The order, and which rows differ, are the same by columns wherever they can tell."""
    data = table(seed)
    for descending in (False, True):
        for nulls in ("first", "last"):
            keys = [SortKey(field=n, descending=descending, nulls=nulls) for n in by]
            by_columns = frames.sort_indexes(data, keys)
            assert by_columns in (None, rows.sort_indexes(data, keys))
    for keep in ("first", "last"):
        by_columns = frames.distinct_indexes(data, by, keep)
        assert by_columns in (None, rows.distinct_indexes(data, by, keep))


FUNCTIONS = ("count", "count_distinct", "sum", "mean", "median", "min", "max", "first", "last")


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("field", KINDS)
def test_columns_aggregate_as_rows_do(field: str, by: tuple[str, ...]) -> None:
    """Groups and what is computed of them are the same by columns wherever they can tell."""
    for seed in range(8):
        data = table(seed)
        for function in FUNCTIONS:
            wanted = {"rows": "count", "value": f"{function}({field})"}
            by_columns = frames.grouped(data, by, wanted)
            assert by_columns is None or known(by_columns) == known(rows.grouped(data, by, wanted))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("on", BY)
def test_columns_join_as_rows_do(on: tuple[str, ...], seed: int) -> None:
    """The rows that match are the same by columns wherever they can tell."""
    left, right, join = table(seed), table(seed + 1000, 20), Join(on=on)
    by_columns = frames.join_pairs(left, right, join)
    assert by_columns in (None, rows.join_pairs(left, right, join))


def test_columns_of_one_kind_need_no_rows() -> None:
    """Numbers, texts and truth values, with nulls among them, are worked on by columns."""
    data = table(1)
    for name in ("whole", "floating", "numbers", "text", "truth"):
        assert frames.sort_indexes(data, [SortKey(field=name)]) is not None
        assert frames.grouped(data, (name,), {"n": "count"}) is not None
        assert frames.join_pairs(data, data, Join(on=(name,))) is not None


PARAMETERS: list[dict[str, Any]] = [
    {"operation": "sort", "sort_by": ["text", {"field": "numbers", "descending": True}]},
    {"operation": "dedupe", "by": ["truth", "whole"], "keep": "last"},
    {"operation": "dedupe"},
    {"operation": "aggregate", "by": "text", "aggregates": {"n": "count", "s": "sum(whole)",
     "all": "collect(mixed)"}},
    {"operation": "reduce", "aggregates": {"mean": "mean(numbers)", "last": "last(text)"}},
    {"operation": "join", "join": {"on": "text", "how": "outer", "suffix": "_2"}},
    {"operation": "join", "join": {"on": ["whole", "truth"], "how": "anti"}},
    {"operation": "aggregate", "by": "text", "pivot": {"columns": "truth", "values": "count"}},
    {"operation": "map", "rename": {"text": "words"}, "drop": ["large", "mixed"]},
    {"operation": "filter", "filters": [{"field": "numbers", "operator": ">=", "value": 1}]},
    {"operation": "transform", "output_format": "csv"},
    {"operation": "transform", "output_format": "jsonl", "limit": 3},
]  # fmt: skip


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("seed", range(5))
def test_much_data_gives_what_little_data_gives(
    parameters: dict[str, Any], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed, worked on by columns and unpacked, the result is that of the rows as they are."""
    # What a state holds: JSON, without the values that it cannot.
    left, right = (orjson.loads(orjson.dumps(
        [{n: v for n, v in row.items() if n != "beyond"} for row in table(one)])
    ) for one in (seed, seed + 1000))  # fmt: skip
    model = DataProcessingParameters.model_validate(parameters)
    here = pipeline.run_stage("whole", model, [left, right])
    monkeypatch.setattr(pipeline, "FRAME_ROWS", 0)
    packed = [list(pack(one)) for one in (left, right)]
    job = {"stage": "whole", "parameters": parameters, "counts": [len(one) for one in packed]}
    head, *answer = pipeline.work([orjson.dumps(job), *packed[0], *packed[1]])
    assert orjson.loads(head) == {}
    assert known(unpack(answer)) == known(here)


def test_error_of_work_elsewhere_says_what_is_wrong() -> None:
    """What the work refuses is told in the same words as here."""
    job = {"stage": "whole", "parameters": {"cast": {"price": "number"}}, "counts": [2]}
    head, *_ = pipeline.work([orjson.dumps(job), *pack([{"price": "much"}])])
    model = DataProcessingParameters.model_validate(job["parameters"])
    with pytest.raises(AgentError) as refused:
        pipeline.run_stage("whole", model, [[{"price": "much"}]])
    assert orjson.loads(head)["error"] == str(refused.value)
