"""Executions that nodes start and await."""

from typing import Any
from uuid import UUID

import pytest

from store.json_values import loads
from store.postgres import Pool
from tests.actors.conftest import Begin, Look
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, call, says, workflow
from tests.factories import MakeWorkflow


def named(name: str, document: Document) -> Document:
    """Return a workflow of this name."""
    return {**document, "metadata": {"name": name}}


CHILD = named("child", workflow([says("x", "{input.n}"), says("y", "{x}")], "x y"))


async def children(pool: Pool, id: UUID) -> list[Any]:
    """Return the executions that one started, in the order of their items."""
    return list(
        await pool.fetch(
            "SELECT * FROM workflow_executions WHERE parent_execution_id = $1 "
            "ORDER BY parent_map_index, id",
            id,
        )
    )


@pytest.mark.requirement("USER.11")
async def test_node_runs_another_workflow_and_answers_its_output(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool,
    step: Step,
) -> None:  # fmt: skip
    """Its parent waits without a process, and goes on at once with the child's end."""
    await make_workflow(CHILD, name="child")
    document = workflow(
        [says("a", 5), call("sub", "child", {"n": "{a}"}), says("b", "{sub.y}")], "a sub b"
    )
    id = await begin(document)
    await process.drive(id)
    await process.settle()
    assert await look.output(id) == {"b": 5}
    [child] = await children(engine_pool, id)
    assert (child["status"], child["parent_node_id"], child["depth"]) == ("completed", "sub", 1)
    assert step.ran == ["a", "x", "y", "b"]
    [log] = [log for log in await look.logs(id) if log["node_id"] == "sub"]
    assert loads(log["metadata"])["execution_id"] == f"exec_{child['id'].hex}"
    kinds = [kind for kind, node in await look.events(id) if node == "sub"]
    assert kinds == ["node_started", "children_started", "node_completed"]
    assert (await look.events(child["id"]))[0] == ("workflow_started", None)
