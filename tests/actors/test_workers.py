"""Workers that the items of a map name."""

from typing import Any

import pytest

from tests.actors.conftest import Begin, Look
from tests.actors.process import Process
from tests.actors.workflows import Document, says, workflow

DOUBLE = {"agent": "data_processing", "parameters": {"script": "return item['n'] * 2"}}
SQUARE = {"agent": "step", "parameters": {"value": "{item.n} x {item.n}"}}
WORK: Document = {
    "id": "work",
    "pattern": "map",
    "input_keys": ["plan"],
    "workers": {"double": DOUBLE, "square": SQUARE},
}


def _orchestrated(work: Document, joined: str) -> Document:
    return workflow([says("plan", "{input.made}"), work, says("sum", joined)], "plan work sum")


@pytest.mark.requirement("USER.11")
async def test_orchestrator_decides_which_workers_run(
    begin: Begin, process: Process, look: Look
) -> None:
    """Each item goes to the worker that it names; what follows joins what they made."""
    made = [
        {"worker": "double", "n": 2},
        {"worker": "square", "n": 3},
        {"worker": "double", "n": 4},
    ]
    id = await begin(_orchestrated(WORK, "{work}"), {"made": made})
    await process.drive(id)
    assert await look.output(id) == {"sum": [4, "3 x 3", 8]}


@pytest.mark.requirement("USER.11")
async def test_item_that_names_no_worker_fails_by_itself(
    begin: Begin, process: Process, look: Look
) -> None:
    """Its error lists the workers there are."""
    made: list[Any] = [{"worker": "triple"}, {"n": 1}, 5, {"worker": "double", "n": 1}]
    document = _orchestrated({**WORK, "on_item_error": "collect"}, "{failures.work.items}")
    id = await begin(document, {"made": made})
    await process.drive(id)
    told = [item["message"] for item in (await look.output(id))["sum"]]
    assert told == [
        "There is no worker 'triple'. There are: double, square.",
        "The item names no worker in `worker`. There are: double, square.",
        "The item names no worker in `worker`. There are: double, square.",
    ]


async def test_workers_have_retries_of_their_own(
    begin: Begin, process: Process, look: Look
) -> None:
    """One that asks for another attempt gets it, beside one that does not."""
    parameters = {"value": "done", "fail": "Busy.", "failures": 1, "retryable": True}
    retry = {"max_attempts": 2, "backoff": "fixed", "initial_seconds": 0}
    once = {"agent": "step", "parameters": parameters, "retry": {"max_attempts": 1}}
    twice = {"agent": "step", "parameters": parameters, "retry": retry}
    work = {**WORK, "workers": {"once": once, "twice": twice}, "on_item_error": "collect"}
    id = await begin(_orchestrated(work, "{work}"), {"made": [{"worker": "once"},
                                                              {"worker": "twice"}]})  # fmt: skip
    await process.drive(id)
    assert await look.output(id) == {"sum": [None, "done"]}
