"""What a question to a person may be; the engine itself asks it."""

from typing import Any

import pytest
from pydantic import ValidationError

from agents.errors import AgentError
from agents.human_loop import HumanLoopParameters
from agents.registry import builtin_registry
from tests.agents.conftest import Run

FORM = {"type": "object", "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}}}


@pytest.mark.requirement("FR-3.7")
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"approval_type": "text_input", "timeout": 1800, "on_timeout": "approve"},
        {"approval_type": "multiple_choice", "options": ["a", "b"], "on_timeout": "cancel"},
        {"approval_type": "form", "schema": FORM},
        {"approvers": ["ann@example.com", "bob@example.com"], "required": 2},
    ],
)
def test_question_of_every_kind(parameters: dict[str, Any]) -> None:
    """Each kind of the document is taken, with an hour to answer and then a rejection."""
    asked = HumanLoopParameters.model_validate({"message": "May we?", **parameters})
    assert asked.timeout == parameters.get("timeout", 3600)
    assert asked.on_timeout == parameters.get("on_timeout", "reject")


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"approval_type": "multiple_choice", "options": ["a"]}, "at least two `options`"),
        ({"approval_type": "form"}, "go together"),
        ({"schema": FORM}, "go together"),
        ({"approval_type": "form", "schema": {"type": "string"}}, "of type object"),
        ({"approval_type": "form", "schema": {**FORM, "required": "zip"}}, "not a valid JSON"),
        (
            {"approval_type": "form",
             "schema": {**FORM, "allOf": [{"$ref": "https://example.com/a.json"}]}},
            "not a valid JSON",
        ),
        ({"timeout": 0}, "greater than 0"),
        ({"on_timeout": "wait"}, "on_timeout"),
        ({"approvers": ["ann@example.com"], "required": 2}, "1 `approvers`"),
    ],
)  # fmt: skip
def test_question_that_nobody_can_answer_is_refused(
    parameters: dict[str, Any], problem: str
) -> None:
    """What is wrong is said when the workflow is checked."""
    with pytest.raises(ValidationError, match=problem):
        HumanLoopParameters.model_validate({"message": "May we?", **parameters})


def test_braces_of_a_form_are_its_own() -> None:
    """A pattern such as `{5}` in a schema is no reference."""
    assert "schema" in builtin_registry().code_parameters("human_loop")


async def test_question_cannot_be_run_by_itself(run: Run) -> None:
    """Only the engine can suspend an execution."""
    with pytest.raises(AgentError, match="waits for a person"):
        await run("human_loop", {"message": "May we?"})
