"""Each declared step of data_processing: joins, groups, pivots, order, names and kinds."""

from typing import Any

import pytest
from pydantic import ValidationError

from agents.errors import AgentError
from agents.registry import builtin_registry
from agents.tables.parameters import DataProcessingParameters
from compiler.check import check
from compiler.specification import Specification
from tests.agents.conftest import Run

ORDERS = [
    {"id": 1, "customer": "a", "total": 10},
    {"id": 2, "customer": "b", "total": 2.5},
    {"id": 3, "customer": "a", "total": None},
    {"id": 4, "customer": None, "total": 7},
]
CUSTOMERS = [{"customer": "a", "city": "Rome"}, {"customer": "c", "city": "Oslo"}]

pytestmark = pytest.mark.requirement("FR-3.3")


async def done(run: Run, rows: Any = ORDERS, /, **parameters: Any) -> Any:
    """Return what comes of some rows."""
    return (await run("data_processing", {**parameters, "data": rows})).output


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("inner", [(1, "Rome"), (3, "Rome")]),
        ("left", [(1, "Rome"), (2, None), (3, "Rome"), (4, None)]),
        ("outer", [(1, "Rome"), (2, None), (3, "Rome"), (4, None), (None, "Oslo")]),
        ("anti", [(2, "absent"), (4, "absent")]),
        ("semi", [(1, "absent"), (3, "absent")]),
    ],
)
async def test_lists_are_joined(run: Run, how: str, found: list[Any]) -> None:
    """Rows without a match are left out, kept with nulls, or all there is; null matches none."""
    join = {"rows": CUSTOMERS, "on": "customer", "how": how}
    result = await done(run, operation="join", join=join)
    assert [(row["id"], row.get("city", "absent")) for row in result] == found


async def test_join_on_several_keys_of_other_names(run: Run) -> None:
    """All keys must be equal; a number matches its text, as CSV has it."""
    right = [{"who": "a", "number": "1", "note": "x"}, {"who": "a", "number": "2", "note": "y"}]
    join = {"rows": right, "on": ["customer", "id"], "right_on": ["who", "number"]}
    [row] = await done(run, operation="join", join=join)
    assert (row["id"], row["note"]) == (1, "x")


async def test_join_keeps_both_values_under_a_suffix(run: Run) -> None:
    """Names that both have are told apart; without a suffix the second's value stands."""
    join: dict[str, Any] = {"rows": [{"id": 1, "total": 99}], "on": "id"}
    [row] = await done(run, operation="join", join={**join, "suffix": "_new"})
    assert (row["total"], row["total_new"]) == (10, 99)
    [row] = await done(run, operation="join", join=join)
    assert row["total"] == 99


async def test_second_input_is_joined(run: Run) -> None:
    """Without `rows` the second input key is the second list."""
    parameters = {"operation": "join", "join": {"on": "customer"}, "select": ["city"]}
    inputs = {"orders": ORDERS, "customers": CUSTOMERS}
    result = await run("data_processing", parameters, inputs=inputs)
    assert result.output == [{"city": "Rome"}, {"city": "Rome"}]


async def test_groups_by_several_fields(run: Run) -> None:
    """Each group has its keys and what is computed of its rows."""
    rows = [{"a": 1, "b": "x", "v": 2}, {"a": 1, "b": "y", "v": 4}, {"a": 1, "b": "x", "v": 6}]
    aggregates = {
        "n": "count", "sum": "sum(v)", "mean": "mean(v)", "median": "median(v)", "least": "min(v)",
        "most": "max(v)", "kinds": "count_distinct(v)", "first": "first(v)", "last": "last(v)",
        "all": "collect(v)",
    }  # fmt: skip
    result = await done(run, rows, operation="aggregate", by=["a", "b"], aggregates=aggregates)
    assert result == [
        {"a": 1, "b": "x", "n": 2, "sum": 8, "mean": 4, "median": 4, "least": 2, "most": 6,
         "kinds": 2, "first": 2, "last": 6, "all": [2, 6]},
        {"a": 1, "b": "y", "n": 1, "sum": 4, "mean": 4, "median": 4, "least": 4, "most": 4,
         "kinds": 1, "first": 4, "last": 4, "all": [4]},
    ]  # fmt: skip


async def test_sort_and_limit_follow_the_groups(run: Run) -> None:
    """The first of the groups by what was computed, as in a top ten."""
    result = await done(
        run, operation="aggregate", by="customer", aggregates={"total": "sum(total)"},
        sort_by="total", descending=True, limit=1,
    )  # fmt: skip
    assert result == [{"customer": "a", "total": 10}]


async def test_reduce_gives_one_object(run: Run) -> None:
    """Without `by` all rows are one group, and a reduce answers it by itself."""
    result = await done(
        run, operation="reduce", aggregates={"n": "count(total)", "s": "sum(total)"}
    )
    assert result == {"n": 3, "s": 19.5}


async def test_pivot_makes_columns_of_values(run: Run) -> None:
    """Each value of a field is a column; what is not there is null."""
    rows = [
        {"y": 1, "m": "jan", "v": 2},
        {"y": 1, "m": "feb", "v": 3},
        {"y": 2, "m": "jan", "v": 4},
    ]
    pivot = {"columns": "m", "values": "sum(v)"}
    result = await done(run, rows, operation="aggregate", by="y", pivot=pivot)
    assert result == [{"y": 1, "jan": 2, "feb": 3}, {"y": 2, "jan": 4, "feb": None}]


async def test_sort_by_several_fields(run: Run) -> None:
    """Each key has its direction; nulls are last, also downwards, unless they are to be first."""
    keys = ["customer", {"field": "total", "descending": True}]
    result = await done(run, operation="sort", sort_by=keys)
    assert [row["id"] for row in result] == [1, 3, 2, 4]
    result = await done(run, operation="sort", sort_by="total", descending=True)
    assert [row["id"] for row in result] == [1, 4, 2, 3]
    first = {"field": "total", "nulls": "first"}
    result = await done(run, operation="sort", sort_by=first)
    assert [row["id"] for row in result] == [3, 2, 4, 1]


async def test_dedupe_keeps_the_first_or_the_last(run: Run) -> None:
    """Of rows with the same keys one stays, where it stood."""
    for keep, ids in (("first", [1, 2, 4]), ("last", [2, 3, 4])):
        result = await done(run, operation="dedupe", by=["customer"], keep=keep)
        assert [row["id"] for row in result] == ids


@pytest.mark.parametrize(
    ("operator", "field", "value", "ids"),
    [
        ("=", "customer", "a", [1, 3]),
        ("!=", "customer", "a", [2, 4]),
        ("<", "total", 7, [2]),
        ("<=", "total", 7, [2, 4]),
        (">", "total", 7, [1]),
        (">=", "total", "7", []),
        ("in", "id", [1, 4], [1, 4]),
        ("not in", "id", [1, 4], [2, 3]),
        ("contains", "customer", "b", [2]),
        ("starts with", "customer", "a", [1, 3]),
        ("ends with", "customer", "b", [2]),
        ("is empty", "total", None, [3]),
        ("is not empty", "customer", None, [1, 2, 3]),
    ],
)
async def test_rows_are_filtered_without_code(
    run: Run, operator: str, field: str, value: Any, ids: list[int]
) -> None:
    """Each operator keeps the rows that fulfil it; kinds that differ are in no order."""
    filters = [{"field": field, "operator": operator, "value": value}]
    result = await done(run, operation="filter", filters=filters)
    assert [row["id"] for row in result] == ids


async def test_filters_and_an_expression_all_hold(run: Run) -> None:
    """Several conditions are all fulfilled, and `where` as well."""
    result = await done(
        run, operation="filter", where="item.id < 3",
        filters=[{"field": "total", "operator": ">", "value": 1},
                 {"field": "customer", "value": "b"}],
    )  # fmt: skip
    assert [row["id"] for row in result] == [2]


async def test_fields_are_renamed_and_dropped(run: Run) -> None:
    """Names change, fields go, and `select` sees the new names."""
    result = await done(run, ORDERS[:1], operation="map", rename={"id": "order"}, drop="total")
    assert result == [{"order": 1, "customer": "a"}]
    result = await done(run, ORDERS[:1], rename={"id": "order"}, select=["order"])
    assert result == [{"order": 1}]


async def test_fields_are_cast(run: Run) -> None:
    """Texts become the kinds that are asked for; empty text becomes null."""
    rows = [
        {"n": " 12 ", "f": "1e3", "b": "Yes", "t": 5},
        {"n": "", "f": "0.5", "b": "0", "t": None},
    ]
    kinds = {"n": "integer", "f": "number", "b": "boolean", "t": "text"}
    assert await done(run, rows, cast=kinds) == [
        {"n": 12, "f": 1000.0, "b": True, "t": "5"},
        {"n": None, "f": 0.5, "b": False, "t": None},
    ]


async def test_what_cannot_be_cast_is_named(run: Run) -> None:
    """The error names the row, the field and the value; or the value becomes null."""
    rows = [{"n": "1"}, {"n": "many"}]
    with pytest.raises(AgentError, match="Row 2: `n` is 'many', which is no integer"):
        await done(run, rows, cast={"n": "integer"})
    lenient = await done(run, rows, cast={"n": "integer"}, cast_errors="null")
    assert lenient == [{"n": 1}, {"n": None}]


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"operation": "aggregate", "aggregates": {"x": "average(v)"}}, "`average\\(v\\)` is none"),
        ({"operation": "aggregate", "aggregates": {"x": "sum"}}, "`sum` needs a field"),
        ({"pivot": {"columns": "m", "values": "count"}}, "a pivot needs `by`"),
        ({"join": {"on": ["a", "b"], "right_on": "a"}}, "as many fields"),
        ({"filters": [{"field": "a", "operator": "~"}]}, "filters.0.operator"),
        ({"cast": {"a": "money"}}, "cast.a"),
    ],
)
def test_wrong_steps_are_refused_when_checked(parameters: dict[str, Any], problem: str) -> None:
    """What cannot be done is said before anything runs."""
    with pytest.raises(ValidationError, match=problem):
        DataProcessingParameters.model_validate(parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"operation": "sort", "sort_by": "total"},
        {"operation": "sort", "sort_by": {"field": "total", "nulls": "first"}},
        {"operation": "sort", "sort_by": ["customer", {"field": "total", "descending": True}]},
        {"operation": "dedupe", "by": "customer", "drop": "total"},
        {"operation": "dedupe", "by": ["customer", "id"], "drop": ["total"]},
        {"operation": "join", "join": {"rows": "{input.rows}", "on": "id", "right_on": ["number"]}},
        {"operation": "aggregate", "by": "id", "aggregates": {"n": "count", "s": "sum(total)"}},
    ],
)
def test_one_name_or_several_pass_the_check(parameters: dict[str, Any]) -> None:
    """A workflow may write what the agent takes."""
    node = {"id": "only", "agent": "data_processing", "parameters": parameters}
    schema = {"input": {"type": "object", "properties": {"rows": {"type": "array"}}}}
    document = {"name": "Check", "state_schema": schema, "nodes": [
        {**node, "parameters": {**parameters, "data": "{input.rows}"}}]}  # fmt: skip
    specification = Specification.model_validate(document)
    assert check(specification, builtin_registry().signatures()) == []
