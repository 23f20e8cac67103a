"""The exported JSON Schema."""

import json
from collections.abc import Callable

import pytest
from jsonschema_rs import validator_for

from compiler.schema import fields_at, json_schema
from compiler.text import load, to_document


@pytest.mark.requirement("FR-4.6")
@pytest.mark.parametrize(
    "name", ["linkedin_skills.json", "customer_feedback.json", "uptime_monitor.json"]
)
def test_the_documents_fit_the_schema(name: str, document: Callable[[str], str]) -> None:
    """The contract's examples are valid in their own form and as we write them."""
    validator = validator_for(json_schema(), offline=True)
    validator.validate(json.loads(document(name)))
    validator.validate(to_document(load(document(name))))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"nodes": []},
        {"nodes": [{"id": "a"}]},
        {"nodes": [{"id": "a b", "agent": "x"}]},
        {"nodes": [{"id": "a", "agent": "x", "more": 1}]},
        {"nodes": [{"id": "a", "agent": "x", "input": "k", "input_keys": ["k"]}]},
        {"nodes": [{"id": "a", "agent": "x"}], "name": "x", "metadata": {"name": "x"}},
        {"nodes": [{"id": "a", "agent": "x"}], "edges": [{"from": "a"}]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(wrong: dict[str, object]) -> None:
    """Missing, unknown and contradicting fields are invalid."""
    assert not validator_for(json_schema(), offline=True).is_valid(wrong)


def test_each_call_gives_its_own_schema() -> None:
    """A caller may change the schema that it got."""
    json_schema().clear()
    assert json_schema()["title"] == "Workflow specification"


def test_fields_are_known_by_path() -> None:
    """The known names at a path serve suggestions; author's own JSON has none."""
    assert "agent" in fields_at(("nodes", 0))
    assert "backoff" in fields_at(("nodes", 3, "retry"))
    assert "cron" in fields_at(("trigger",))
    assert fields_at(("nodes", 0, "parameters")) == ()
