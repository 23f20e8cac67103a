"""How often a workflow wants checkpoints: fewer commits, and more to repeat after a fault."""

from typing import Any

import pytest

from store.postgres import Pool
from store.statements import statement
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import ask, chain, does, says, workflow
from tests.eventually import eventually

ANSWER = """
UPDATE execution_approvals SET status = 'decided', decision = 'approve', decided_by = 'p'
"""


def often(document: dict[str, Any], frequency: str) -> dict[str, Any]:
    """Ask for checkpoints this often."""
    return {**document, "settings": {"checkpointing": {"frequency": frequency}}}


async def _resumed(
    document: dict[str, Any], begin: Begin, process_of: OpenProcess, pool: Pool, step: Step
) -> list[str]:
    """Kill the owner while `e` runs; return what its heir runs."""
    mortal, heir = await process_of(), await process_of()
    id = await begin(document, process=mortal)
    mortal.begin(id)
    await eventually(lambda: "e" in step.ran)
    await mortal.die()
    step.ran.clear()
    step.gates["e"].set()
    assert await take_over(pool, mortal, heir) == [id]
    await heir.drive(id)
    return step.ran


@pytest.mark.requirement("FR-2.5")
@pytest.mark.parametrize(
    ("frequency", "repeated"),
    [("every_node", "ef"), ("every_2_nodes", "ef"), ("every_3_nodes", "def"),
     ("on_failure", "abcdef")],
)  # fmt: skip
async def test_owner_that_dies_costs_what_was_not_committed(
    frequency: str,
    repeated: str,
    begin: Begin,
    process_of: OpenProcess,
    look: Look,
    engine_pool: Pool,
    step: Step,
) -> None:
    """The heir goes on behind the last checkpoint; each node is told as completed once."""
    nodes = [does(id, value=id, hold=id == "e") for id in "abcdef"]
    document = often(workflow(nodes, "a b c d e f"), frequency)
    assert await _resumed(document, begin, process_of, engine_pool, step) == list(repeated)
    row = await engine_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["status"], row["completed_nodes"]) == ("completed", 6)
    assert await look.nodes(row["id"], "node_completed") == list("abcdef")


async def test_failure_keeps_what_led_to_it(
    begin: Begin, process_of: OpenProcess, look: Look, engine_pool: Pool
) -> None:
    """With on_failure, too, the logs and the state up to the failed node are there."""
    process = await process_of()
    document = often(workflow([says("a"), says("b"), does("c", fail="no")], "a b c"), "on_failure")
    id = await begin(document, process=process)
    await process.drive(id)
    assert await look.status(id) == "failed"
    assert await look.nodes(id, "node_completed") == ["a", "b"]
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_checkpoints") > 2


async def test_question_commits_what_came_before(
    begin: Begin, process_of: OpenProcess, look: Look
) -> None:
    """An execution that waits is in no process, so all of it is stored."""
    process = await process_of()
    id = await begin(often(workflow([says("a"), says("b"), ask("ok")], "a b ok"), "on_failure"),
                     process=process)  # fmt: skip
    await process.drive(id)
    assert await look.status(id) == "waiting"
    assert await look.nodes(id, "node_completed") == ["a", "b"]


async def test_few_checkpoints_cost_few_flushes(begin: Begin, process_of: OpenProcess) -> None:
    """A chain that wants no checkpoint between is written in a few transactions."""
    process = await process_of()
    before = process.journal.flushes
    id = await begin(often(chain(*"abcdefghij"), "on_failure"), process=process)
    await process.drive(id)
    seldom = process.journal.flushes - before
    id = await begin(chain(*"abcdefghij"), process=process)
    await process.drive(id)
    assert seldom < process.journal.flushes - before - seldom


async def test_question_beside_a_node_that_was_not_committed(
    begin: Begin, process_of: OpenProcess, look: Look, engine_pool: Pool, step: Step
) -> None:
    """What the question commits says that the node completed, and keeps what it left, too."""
    nodes = [says("s"), says("a"), ask("ok"), says("j", "{a}")]
    owner, heir = await process_of(), await process_of()
    id = await begin(often(workflow(nodes, "s a j", "s ok j"), "every_9_nodes"), process=owner)
    await owner.drive(id)
    assert await look.status(id) == "waiting"
    await engine_pool.execute(ANSWER)
    await engine_pool.execute(statement("wake_execution"), id, heir.id)
    await heir.drive(id)
    assert await look.output(id) == {"j": "a"}
    assert sorted(await look.nodes(id, "node_completed")) == ["a", "j", "ok", "s"]
    assert step.ran == ["s", "a", "j"]
