"""What an executor keeps of executions that have parked or ended: nothing."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator

import pytest
from langgraph.types import PregelExecutableTask

from actors.loop import _Loop
from actors.run import Run
from tests.actors.conftest import Begin
from tests.actors.process import Process
from tests.actors.workflows import Document, ask, does, says, wait, workflow
from tests.eventually import eventually

EXECUTIONS = 20
OF_AN_EXECUTION = (Run, _Loop, PregelExecutableTask)
FAR = "2100-01-01T00:00:00Z"
WORKFLOWS: dict[str, Document] = {
    "a person": workflow([says("a"), ask("ok"), says("b")], "a ok b"),
    "a time": workflow([says("a"), wait("w", until=FAR), says("b")], "a w b"),
    "a person in one of two branches": workflow(
        [says("s"), ask("ok"), says("a"), says("j")], "s ok j", "s a j"
    ),
    "nothing any more": workflow([says("a"), says("b")], "a b"),
    "nothing after a failure": workflow([does("a", fail="no", retry={"max_attempts": 1})]),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    """No garbage collection: what stays then is held, or names itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _kept() -> Counter[str]:
    return Counter(
        type(one).__name__ for one in gc.get_objects() if isinstance(one, OF_AN_EXECUTION)
    )


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("waits_for", WORKFLOWS)
async def test_nothing_is_kept_of_an_execution_that_is_not_driven(
    begin: Begin, process: Process, waits_for: str
) -> None:
    """Its objects are freed as it parks or ends, not when garbage is next collected."""
    await asyncio.gather(
        *[process.drive(await begin(WORKFLOWS[waits_for])) for _ in range(EXECUTIONS)]
    )
    assert process.runs == {}
    await eventually(lambda: not _kept())
