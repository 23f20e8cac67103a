"""How options of the command line become values."""

from typing import Any

import pytest
import typer

from serve.cli_options import parse_inputs, typed

SCHEMA = {
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "urls": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "texts": {"type": "array", "items": {"type": "string"}},
    }
}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (None, {}),
        (["name=5", "count=5"], {"name": "5", "count": 5}),
        (["count=five"], {"count": "five"}),
        (["name=a=b", "name=c"], {"name": "c"}),
        (['{"name": 1, "x": [2]}', "count=3"], {"name": 1, "x": [2], "count": 3}),
        (["urls=https://a.example, https://b.example"],
         {"urls": ["https://a.example", "https://b.example"]}),
        (['urls=["https://a.example/?x=1,2"]'], {"urls": ["https://a.example/?x=1,2"]}),
        (["texts=Good, but dear."], {"texts": ["Good, but dear."]}),
        (["other=5"], {"other": "5"}),
    ],
)  # fmt: skip
def test_inputs_are_what_their_schema_says(options: list[str] | None, found: Any) -> None:
    """Texts stay texts; lists may be written with commas where no element holds one."""
    assert parse_inputs(options, SCHEMA) == found


def test_without_a_schema_json_is_json() -> None:
    """Nobody knows better, so a number is one and the rest is text."""
    assert parse_inputs(["a=5", "b=x", 'c={"d": 1}']) == {"a": 5, "b": "x", "c": {"d": 1}}


@pytest.mark.parametrize("option", ["nothing", "{", "[1]", "@no-such-file"])
def test_what_is_no_input_is_refused(option: str) -> None:
    """It says what is expected."""
    with pytest.raises(typer.BadParameter):
        parse_inputs([option], SCHEMA)


def test_an_answer_of_unknown_type_stays_text() -> None:
    """A schema that says nothing changes nothing."""
    assert typed("5", {}) == "5"
