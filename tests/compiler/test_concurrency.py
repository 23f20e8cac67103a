"""Limits on executions at once: what may be written, and what bounds one execution."""

from typing import Any

import pytest

from compiler.concurrency import Limits, concurrency_problems, limits
from compiler.errors import SpecificationError
from compiler.specification import Specification
from compiler.text import load, to_document

NODES = "nodes: [{id: a, agent: llm}]"
CUSTOMER = "state_schema: {input: {properties: {customer: {type: string}}}}"


def _specification(rules: str, more: str = "") -> Specification:
    return load(f"settings: {{execution: {{concurrency: {rules}}}}}\n{more}\n{NODES}")


@pytest.mark.requirement("USER.10")
@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ("{limit: 3}", []),
        ("[{limit: 3}, {limit: 1, key: '{input.customer}'}]", []),
        ("{limit: 1, key: '{input.customer} of {user.email}'}", []),
        ("[{limit: 3}, {limit: 4}]", ["conflicting_limits"]),
        ("{limit: 1, key: fixed}", ["constant_key"]),
        ("{limit: 1, key: '{input.custumer}'}", ["unknown_reference"]),
        ("{limit: 1, key: '{user.tenant}'}", ["unknown_reference"]),
        ("{limit: 1, key: '{a} {secrets.x}'}", ["unknown_reference", "unknown_reference"]),
    ],
)
def test_limits_are_checked_when_they_are_written(rules: str, found: list[str]) -> None:
    """A key names what is known at the start and differs between executions."""
    problems = concurrency_problems(_specification(rules, CUSTOMER))
    assert [problem.rule for problem in problems] == found


def test_single_limit_is_kept_as_a_list_of_one() -> None:
    """Both ways of writing are the same specification."""
    one, listed = _specification("{limit: 3}"), _specification("[{limit: 3}]")
    assert to_document(one) == to_document(listed)


@pytest.mark.parametrize(
    ("input", "key"),
    [({"c": "A"}, "A/o@x"), ({"c": 7}, "7/o@x"), ({"c": {"b": 1}}, '{"b":1}/o@x')],
)
def test_key_is_a_text_whatever_its_values_are(input: dict[str, Any], key: str) -> None:
    """Numbers and objects count as well as texts."""
    rules = "[{limit: 5}, {limit: 2, key: '{input.c}/{user.email}'}]"
    found = limits(_specification(rules), input, user_email="o@x", user_name="O")
    assert found == Limits(5, 2, key)


def test_key_of_one_reference_is_its_text() -> None:
    """No space or type is left of it."""
    found = limits(_specification("{limit: 1, key: '{input.c}'}"), {"c": 1.5},
                   user_email="", user_name="")  # fmt: skip
    assert found == Limits(None, 1, "1.5")


def test_input_without_the_key_is_refused() -> None:
    """The problem names the field that is missing."""
    rules = "{limit: 1, key: '{input.customer}'}"
    with pytest.raises(SpecificationError) as caught:
        limits(_specification(rules), {}, user_email="", user_name="")
    [problem] = caught.value.problems
    assert (problem.path, problem.rule) == ("input.customer", "missing_key")
