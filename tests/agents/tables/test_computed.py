"""Columns, conditions and reductions by expression: what they see, and what they say of faults."""

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
    {"id": 1, "first": "Ada", "last": "L", "price": 2, "quantity": 3, "tags": ["a", "b"]},
    {"id": 2, "first": "Alan", "last": "T", "price": 1.5, "quantity": 2, "tags": []},
]

pytestmark = pytest.mark.requirement("FR-3.3")


async def done(run: Run, rows: Any = ORDERS, /, **parameters: Any) -> Any:
    """Return what comes of some rows."""
    inputs = parameters.pop("inputs", {})
    return (await run("data_processing", {**parameters, "data": rows}, inputs=inputs)).output


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("price * quantity", [6, 3.0]),
        ("first + ' ' + last", ["Ada L", "Alan T"]),
        ("'high' if price > 1.8 else 'low'", ["high", "low"]),
        ("len(tags)", [2, 0]),
        ("item['price'] + item.quantity", [5, 3.5]),
        ("max(price, quantity)", [3, 2]),
        ("[tag.upper() for tag in tags]", [["A", "B"], []]),
        ("price * rate", [20, 15.0]),
        ("price * state.rate", [20, 15.0]),
        ("missing", [None, None]),
        ("42  # the answer", [42, 42]),
    ],
)
async def test_columns_are_computed(run: Run, expression: str, values: list[Any]) -> None:
    """An expression sees the row's fields by name, the row, and the state."""
    rows = [*ORDERS]
    if expression == "missing":
        rows = [*ORDERS, {"missing": 7}]
        values = [*values, 7]
    result = await done(run, rows, operation="map", compute={"new": expression},
                        inputs={"rate": 10})  # fmt: skip
    assert [row["new"] for row in result] == values
    assert [{**row} for row in rows] == [
        {name: value for name, value in row.items() if name != "new"} for row in result
    ]


async def test_columns_see_those_before_them(run: Run) -> None:
    """A column may use one that was computed before it, change a field, and have any name."""
    compute = {
        "price": "price * 2", "total": "price * quantity", "with tax": "total + 1",
        "again": "item['with tax'] + item.total",
    }  # fmt: skip
    first, _ = await done(run, operation="transform", compute=compute)
    assert (first["price"], first["total"], first["with tax"], first["again"]) == (4, 12, 13, 25)


async def test_computed_columns_are_filtered_grouped_and_sorted(run: Run) -> None:
    """What comes later in the order works on computed columns; other filters come before them."""
    rows = [*ORDERS, {"id": 3, "price": None, "quantity": 1, "last": "T"},
            {"id": 4, "price": 9, "quantity": 9, "last": "T"}]  # fmt: skip
    result = await done(
        run, rows, operation="aggregate", compute={"total": "price * quantity"},
        filters=[{"field": "price", "operator": "is not empty"},
                 {"field": "total", "operator": ">", "value": 3}],
        where="total < 80 or id == 4", by="last", aggregates={"sum": "sum(total)"}, sort_by="sum",
    )  # fmt: skip
    assert result == [{"last": "L", "sum": 6}, {"last": "T", "sum": 81}]


async def test_a_failing_column_names_its_row(run: Run) -> None:
    """The error has the row, the column, the reason, and what is null there."""
    rows: list[dict[str, Any]] = [{"price": 1, "n": number} for number in range(1_500)]
    rows[1_200] = {"n": None, "price": 3}
    match = r"Row 1201 \(.*\): `total` cannot be computed: TypeError.*; `n` is null there"
    with pytest.raises(AgentError, match=match):
        await done(run, rows, operation="map", compute={"total": "price * n"})


async def test_values_that_cannot_be_computed_become_null(run: Run) -> None:
    """`compute_errors: null` leaves the others as they are."""
    rows = [{"a": 4, "b": 2}, {"a": 1, "b": 0}, {"a": "x", "b": 1}]
    result = await done(run, rows, operation="map", compute={"share": "a / b", "twice": "a * 2"},
                        compute_errors="null", select=["share", "twice"])  # fmt: skip
    assert result == [{"share": 2.0, "twice": 8}, {"share": None, "twice": 2},
                      {"share": None, "twice": "xx"}]  # fmt: skip


async def test_only_objects_have_columns(run: Run) -> None:
    """A list of numbers has no fields to add to."""
    with pytest.raises(AgentError, match=r"Row 1 is no object"):
        await done(run, [1, 2], operation="map", compute={"a": "item"})


async def test_conditions_see_fields(run: Run) -> None:
    """`where` names fields, the element, and the state; elements may be of any kind."""
    assert await done(run, operation="filter", where="price > 1.5 and 'a' in tags") == [ORDERS[0]]
    assert await done(run, [1, 5], operation="filter", where="item > least",
                      inputs={"least": 2}) == [5]  # fmt: skip
    with pytest.raises(AgentError, match=r"Row 2 .*: `where` cannot be evaluated: KeyError"):
        await done(run, [{"a": 1}, {}], operation="filter", where="item['a'] == 1")


@pytest.mark.parametrize(
    ("parameters", "value"),
    [
        ({"reduce": "accumulator + price * quantity", "initial": 0}, 9.0),
        ({"reduce": "accumulator + [item.id]", "initial": []}, [1, 2]),
        ({"reduce": "item if item.price > accumulator.price else accumulator"}, ORDERS[0]),
        ({"reduce": "{**accumulator, last: price}", "initial": {}}, {"L": 2, "T": 1.5}),
        ({"reduce": "accumulator + total", "initial": 0, "compute": {"total": "price * 2"}}, 7.0),
        ({"aggregates": {"sum": "sum(price)", "n": "count"}}, {"sum": 3.5, "n": 2}),
        ({"aggregates": {"v": "avg(quantity)"}}, {"v": 2.5}),
        ({"aggregation": "avg", "field": "quantity"}, 2.5),
        ({"aggregation": "median", "field": "price"}, 1.75),
        ({"aggregation": "first", "field": "last"}, "L"),
        ({"aggregation": "last"}, ORDERS[1]),
        ({"aggregation": "list", "field": "id"}, [1, 2]),
        ({"aggregation": "unique", "field": "missing"}, []),
        ({"aggregates": {"v": 'concat(first, "; ")', "w": "concat(last)"}},
         {"v": "Ada; Alan", "w": "L, T"}),
        ({"aggregates": {"v": "list(last)", "u": "unique(last)"}},
         {"v": ["L", "T"], "u": ["L", "T"]}),
    ],
)  # fmt: skip
async def test_rows_are_reduced(run: Run, parameters: dict[str, Any], value: Any) -> None:
    """By an expression over what there is so far and the next row, or by named functions."""
    assert await done(run, operation="reduce", **parameters) == value


async def test_nothing_is_reduced_to_the_initial_value(run: Run) -> None:
    """Without rows the first accumulator stands, or null."""
    assert await done(run, [], operation="reduce", reduce="accumulator + item", initial=5) == 5
    assert await done(run, [], operation="reduce", reduce="accumulator + item") is None
    assert await done(run, [3], operation="reduce", reduce="accumulator + item") == 3


async def test_long_lists_are_reduced_as_short_ones(run: Run) -> None:
    """What has been added goes on from part to part; a failure names its row."""
    numbers: list[int | None] = [*range(25_000)]
    assert await done(run, numbers, operation="reduce", reduce="accumulator + item") == 312_487_500
    numbers[2_400] = None
    with pytest.raises(AgentError, match=r"Row 2401 \(null\): `reduce` cannot be evaluated"):
        await done(run, numbers, operation="reduce", reduce="accumulator + item")


async def test_unique_values_stay_in_their_order(run: Run) -> None:
    """Each value once, null left out."""
    rows = [{"k": 1, "v": value} for value in ("b", "a", None, "b", 1, 1.0, True)]
    [row] = await done(run, rows, operation="aggregate", by="k", aggregates={"v": "unique(v)"})
    assert row["v"] == ["b", "a", 1, True]


async def test_many_rows_are_computed_elsewhere(run: Run) -> None:
    """A table that is prepared in parts has the same columns."""
    rows = [{"a": number, "b": 2} for number in range(25_000)]
    result = await done(run, rows, operation="map", compute={"c": "a * b"}, sort_by="c",
                        descending=True, limit=2, select=["c"])  # fmt: skip
    assert result == [{"c": 49_998}, {"c": 49_996}]


@pytest.mark.parametrize(
    "expression",
    ["price *", "x = 1", "1)) or ((2", "import os", "price; 1"],
)
def test_a_column_is_one_expression(expression: str) -> None:
    """Anything else is refused, and a specification with it is, too."""
    with pytest.raises(ValidationError, match="is not an expression"):
        DataProcessingParameters(operation="map", compute={"x": expression})
    node = {
        "id": "a",
        "agent": "data_processing",
        "parameters": {"operation": "map", "data": [{}], "compute": {"x": expression}},
    }
    specification = Specification.model_validate({"name": "W", "nodes": [node], "edges": []})
    [problem] = check(specification, builtin_registry().signatures())
    assert problem.path.startswith("nodes[0].parameters.compute")


async def test_braces_are_no_references(run: Run) -> None:
    """What stands in an expression is Python: braces make a set."""
    [row, _] = await done(run, operation="map", compute={"x": "{price}"}, select=["x"])
    assert row == {"x": [2]}
