"""Inputs: defaults that are filled in, values that are fixed beforehand."""

from typing import Any

import pytest

from compiler.errors import SpecificationError
from compiler.inputs import fix_inputs, with_defaults
from compiler.specification import Specification
from compiler.text import load

TEXT = """
state_schema:
  input:
    properties:
      a: {type: integer, default: 1}
      b: {type: string}
      c: {type: object, properties: {d: {default: [2]}}}
      e: true
    required: [a, b]
    maxProperties: 3
nodes: [{id: x, agent: llm}]
"""


@pytest.fixture
def specification() -> Specification:
    """A workflow with an input schema."""
    return load(TEXT)


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        ({}, {"a": 1}),
        ({"a": None, "b": "x"}, {"a": None, "b": "x"}),
        ({"c": {}}, {"a": 1, "c": {"d": [2]}}),
        ({"c": {"d": 0}, "e": 1, "z": 2}, {"a": 1, "c": {"d": 0}, "e": 1, "z": 2}),
        ([1], [1]),
        (None, None),
    ],
)
def test_what_is_missing_has_its_default(
    specification: Specification, given: Any, filled: Any
) -> None:
    """Fields that are there stay, and an object that is not there is not made up."""
    assert with_defaults(specification, given) == filled


def test_without_a_schema_an_input_stays_as_it_is() -> None:
    """A workflow that takes anything changes nothing."""
    assert with_defaults(load("nodes: [{id: x, agent: llm}]"), {"a": 1}) == {"a": 1}


def test_a_fixed_value_is_a_default_that_nobody_has_to_give(specification: Specification) -> None:
    """It is asked for no more, and the specification that was given stays as it was."""
    fixed = fix_inputs(specification, {"b": "x", "a": 5})
    schema = fixed.state_schema.input
    assert "required" not in schema
    assert (schema["properties"]["a"]["default"], schema["properties"]["b"]["default"]) == (5, "x")
    assert with_defaults(fixed, {}) == {"a": 5, "b": "x"}
    assert specification == load(TEXT)


def test_nothing_fixed_changes_nothing(specification: Specification) -> None:
    """Without values the same specification comes back."""
    assert fix_inputs(specification, {}) == specification


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        ({"a": "x"}, ["inputs.a"]),
        ({"a": "x", "b": 2}, ["inputs.a", "inputs.b"]),
        ({"y": 1, "z": 1}, ["inputs.y", "inputs.z"]),
        ({"b": "a\x00b"}, ["inputs.b"]),
        ({"a": 1, "b": "", "c": {}, "e": 0}, ["inputs"]),
    ],
)
def test_values_that_do_not_fit_are_refused(
    specification: Specification, values: dict[str, Any], paths: list[str]
) -> None:
    """Each is named with its place."""
    with pytest.raises(SpecificationError) as raised:
        fix_inputs(specification, values)
    assert [problem.path for problem in raised.value.problems] == paths
