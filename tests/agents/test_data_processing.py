"""Data is processed by scripts or by declaration, from and to JSON, CSV and text."""

from typing import Any

import pytest
from pydantic import ValidationError

from agents.errors import AgentError
from agents.tables.parameters import DataProcessingParameters
from tests.agents.conftest import Run

ROWS = [
    {"name": "pen", "price": 2, "kind": "office"},
    {"name": "desk", "price": 150.5, "kind": "furniture"},
    {"name": "lamp", "price": 30, "kind": "furniture"},
]


@pytest.mark.requirement("FR-3.3")
async def test_script_of_the_document(run: Run) -> None:
    """The document's filter script runs as it stands."""
    script = (
        "# Filter items where score > 0.5\nreturn [item for item in data if item['score'] > 0.5]"
    )
    rows = [{"score": 0.4}, {"score": 0.6}]
    result = await run(
        "data_processing", {"operation": "filter", "script": script}, inputs={"rows": rows}
    )
    assert result.output == [{"score": 0.6}]


@pytest.mark.requirement("FR-3.3")
@pytest.mark.parametrize(
    ("parameters", "output"),
    [
        (
            {"operation": "filter", "where": "item.price > 20", "select": ["name"]},
            [{"name": "desk"}, {"name": "lamp"}],
        ),
        ({"operation": "filter", "where": "item['kind'] == 'office'", "limit": 1}, [ROWS[0]]),
        (
            {"operation": "sort", "sort_by": "price", "descending": True, "select": ["price"]},
            [{"price": 150.5}, {"price": 30}, {"price": 2}],
        ),
        ({"operation": "map", "field": "name"}, ["pen", "desk", "lamp"]),
        ({"operation": "aggregate", "aggregation": "sum", "field": "price"}, 182.5),
        (
            {"operation": "aggregate", "aggregation": "count", "field": "kind"},
            {"office": 1, "furniture": 2},
        ),
        ({"operation": "reduce", "aggregation": "max", "field": "price"}, 150.5),
        (
            {"operation": "dedupe", "field": "kind", "select": ["kind"]},
            [{"kind": "office"}, {"kind": "furniture"}],
        ),
    ],
)
async def test_declared_operation(run: Run, parameters: dict[str, Any], output: object) -> None:
    """Operations work without a script."""
    result = await run("data_processing", parameters, inputs={"rows": ROWS})
    assert result.output == output


async def test_aggregation_groups(run: Run) -> None:
    """Groups hold their rows."""
    parameters = {"operation": "aggregate", "aggregation": "group", "field": "kind"}
    result = await run("data_processing", parameters, inputs={"rows": ROWS})
    assert {name: len(rows) for name, rows in result.output.items()} == {
        "office": 1,
        "furniture": 2,
    }


async def test_mixed_values_can_be_sorted(run: Run) -> None:
    """Numbers come before texts, and what is missing comes last."""
    rows = [{"v": "b"}, {}, {"v": 3}, {"v": None}, {"v": "a"}, {"v": 1}]
    parameters = {"operation": "sort", "sort_by": "v"}
    result = await run("data_processing", parameters, inputs={"rows": rows})
    assert [row.get("v") for row in result.output] == [1, 3, "a", "b", None, None]


async def test_lists_are_joined_on_a_field(run: Run) -> None:
    """Two lists make one, by equal values of a field."""
    inputs = {"a": [{"id": 1, "x": "a"}, {"id": 2, "x": "b"}], "b": [{"id": 2, "y": "c"}]}
    parameters = {"operation": "join", "field": "id"}
    result = await run("data_processing", parameters, inputs=inputs)
    assert result.output == [{"id": 2, "x": "b", "y": "c"}]


async def test_csv_in_and_out(run: Run) -> None:
    """CSV text becomes rows and rows become CSV text."""
    parameters = {
        "operation": "filter",
        "where": "int(item['price']) > 5",
        "input_format": "csv",
        "output_format": "csv",
        "data": 'name,price\npen,2\n"desk, large",150\n',
    }
    result = await run("data_processing", parameters)
    assert result.output == 'name,price\n"desk, large",150\n'


async def test_text_in_and_out(run: Run) -> None:
    """Text is processed line by line."""
    parameters = {
        "operation": "dedupe",
        "input_format": "text",
        "output_format": "text",
        "data": "b\na\nb",
    }
    assert (await run("data_processing", parameters)).output == "b\na"


async def test_broken_json_is_final(run: Run) -> None:
    """Text that should be JSON and is not is told so."""
    with pytest.raises(AgentError, match="is not JSON"):
        await run("data_processing", {"operation": "dedupe", "data": "[1, 2"})


async def test_no_data_is_final(run: Run) -> None:
    """Nothing to work on is an error with a remedy."""
    with pytest.raises(AgentError, match="input_keys"):
        await run("data_processing", {"operation": "dedupe"})


@pytest.mark.parametrize("operation", ["filter", "map", "reduce", "aggregate", "sort", "join"])
def test_operation_says_what_it_needs(operation: str) -> None:
    """An operation without its field is refused when it is checked."""
    with pytest.raises(ValidationError, match=f"{operation} needs `script` or"):
        DataProcessingParameters.model_validate({"operation": operation})


@pytest.mark.parametrize("value", [5, 0.5, True, None, "a text", {"a": 1}, []])
async def test_script_works_on_a_value_of_any_kind(run: Run, value: object) -> None:
    """What is no list is the data as it is."""
    result = await run("data_processing", {"script": "return [data]"}, inputs={"value": value})
    assert result.output == [value]
