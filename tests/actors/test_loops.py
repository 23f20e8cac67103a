"""Loops of every form that the check accepts: they turn as often as their conditions say."""

from typing import Any

import pytest

from tests.actors.conftest import Begin, Look
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, says, workflow

COUNT = {
    "id": "count",
    "agent": "data_processing",
    "parameters": {"script": "return (state.get('count') or 0) + 1"},
}


def router(id: str, condition: str, if_true: str, if_false: str) -> Document:
    """A node that takes one of two ways."""
    parameters = {"condition": condition, "if_true": if_true, "if_false": if_false}
    return {"id": id, "agent": "router", "parameters": parameters}


MORE = "(state.get('count') or 0) < 3"
FORMS: dict[str, tuple[list[Any], tuple[str, ...]]] = {
    "asks first": (
        [says("s"), router("r", MORE, "count", "j"), COUNT, says("j", "{count}")],
        ("s r count r", "r j"),
    ),
    "asks first, with a body of two": (
        [says("s"), router("r", MORE, "count", "j"), COUNT, says("x"), says("j", "{count}")],
        ("s r count x r", "r j"),
    ),
    "asks last": (
        [COUNT, says("x"), router("r", MORE, "count", "j"), says("j", "{count}")],
        ("count x r count", "r j"),
    ),
    "chooses inside, each way leads back": (
        [
            says("s"), router("r", MORE, "count", "j"), COUNT,
            router("odd", "count % 2 == 1", "x", "y"), says("x"), says("y"), says("j", "{count}"),
        ],
        ("s r count odd x r", "odd y r", "r j"),
    ),
    "in a parallel branch": (
        [
            says("s"), says("beside"), router("r", MORE, "count", "out"), COUNT, says("out"),
            says("j", "{count}"),
        ],
        ("s beside j", "s r count r", "r out j"),
    ),
}  # fmt: skip


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize("form", FORMS)
async def test_loop_turns_until_its_condition_ends_it(
    form: str, begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """The body runs three times, and what follows the loop runs once."""
    nodes, paths = FORMS[form]
    id = await begin(workflow(nodes, *paths))
    await process.drive(id)
    assert await look.output(id) == {"j": 3}
    assert step.ran.count("j") == 1
