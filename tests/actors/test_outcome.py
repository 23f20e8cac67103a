"""What an execution answers when it ends."""

from typing import Any

import pytest

from actors.outcome import execution_output
from compiler.specification import Specification
from tests.actors.workflows import chain, edges, says, workflow

EMAIL = {"id": "mail", "agent": "email", "input_keys": ["summary"]}


def _output(
    document: dict[str, Any], values: dict[str, Any], names: tuple[str, ...] = ()
) -> dict[str, Any]:
    schema = {"output": {"type": "object", "properties": {name: {} for name in names}}}
    return execution_output(
        Specification.model_validate({**document, "state_schema": schema if names else {}}), values
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"report": 1, "report_json": 2, "b": {"report": 3}}, 1),
        ({"report_json": 2, "b": {"report": 3}}, 2),
        ({"a": {"report": 3}, "b": {"report": 4}}, 4),
        ({"a": {"report": 3}, "b": "text"}, 3),
        ({"a": 1}, None),
        ({"report": None, "report_json": 2}, None),
    ],
)
def test_name_of_the_schema_is_looked_for_in_order(values: dict[str, Any], expected: Any) -> None:
    """The key itself, then its `_json` form, then a field of a node's object, the latest first."""
    assert _output(chain("a", "b"), values, ("report",)) == {"report": expected}


def test_schema_names_every_field_and_no_other() -> None:
    """What it does not name is left out; what is missing is null."""
    found = _output(chain("a", "b"), {"a": 1, "b": 2}, ("a", "missing"))
    assert found == {"a": 1, "missing": None}


def test_without_a_schema_the_last_nodes_answer() -> None:
    """Only what no other node that ran follows."""
    assert _output(chain("a", "b"), {"a": 1, "b": 2}) == {"b": 2}
    assert _output(chain("a", "b"), {"a": 1}) == {"a": 1}


def test_alternatives_answer_with_the_one_that_ran() -> None:
    """Each way's last node counts when it was taken."""
    document = workflow([says(name) for name in "rxy"])
    document["edges"] = edges("r x", "r y")
    assert _output(document, {"r": 0, "y": 2}) == {"y": 2}


def test_last_object_is_shown_with_what_it_was_made_of() -> None:
    """A node that sends shows its receipt beside what it sent."""
    document = workflow([says("summary"), EMAIL], "summary mail")
    values = {"summary": "All well.", "mail": {"email_sent": True}}
    assert _output(document, values) == {"summary": "All well.", "email_sent": True}
    named = workflow([says("summary"), {**EMAIL, "output_key": "receipt"}], "summary mail")
    values = {"summary": "All well.", "receipt": {"email_sent": True}}
    assert _output(named, values) == {"receipt": {"email_sent": True}}
