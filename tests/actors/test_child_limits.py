"""Executions that nodes start, under the limits of their own workflow."""

from typing import Any
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.executions import cancel_parked
from store.live import LiveView
from store.postgres import Pool
from store.queue import UNBOUNDED, Bounds, QueuePlace, admit, queue_place
from tests.actors.conftest import Begin, Look
from tests.actors.process import Process
from tests.actors.workflows import Document, ask, call, says, workflow
from tests.factories import Account, MakeWorkflow, StartExecution

pytestmark = [pytest.mark.requirement("USER.6", "USER.10")]


def limited(*nodes: Document, **rule: Any) -> Document:
    """A workflow whose executions are limited."""
    return workflow(nodes, "", execution={"concurrency": [rule]})


def each(name: str, input: Document) -> Document:
    """A node that runs a workflow for each of the input's rows."""
    return call("each", name, input, pattern="map", input_keys=["input.rows"])


async def children(pool: Pool, id: UUID, status: str) -> list[UUID]:
    """Return the executions in a status that one started, in the order of their items."""
    rows = await pool.fetch(
        "SELECT id FROM workflow_executions WHERE parent_execution_id = $1 AND status = $2"
        " AND waiting_reason IS DISTINCT FROM 'turn' ORDER BY parent_map_index",
        id, status,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def test_children_queue_for_places_of_their_workflow(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, account: Account,
    engine_pool: Pool, api_pool: Pool, live: LiveView,
) -> None:  # fmt: skip
    """Of seven five have their turn and two run; an end admits one and lets the line go on."""
    await make_workflow(limited(ask("q"), limit=2), name="child")
    id = await begin(workflow([each("child", {})], ""), {"rows": list(range(7))})
    await process.drive(id)
    queued = await children(engine_pool, id, "pending")
    assert len(queued) == 5
    admitted = await admit(engine_pool, [process.id], UNBOUNDED, 10)
    assert [one.execution_id for one in admitted] == queued[:2]
    place = await queue_place(api_pool, account.tenant_id, queued[2], None)
    assert place == QueuePlace("concurrency", 0, "workflow", 2)
    for one in queued[:2]:
        await process.drive(one)
    [question] = await engine_pool.fetch(
        "SELECT id FROM execution_approvals WHERE execution_id = $1", queued[0]
    )
    await decide_approval(
        api_pool, live, account.tenant_id, queued[0], question["id"], decision="approve",
        value=None, comment="", decided_by="me", owner_id=process.id,
    )  # fmt: skip
    await process.drive(queued[0])
    await process.settle()
    admitted = await admit(engine_pool, [process.id], UNBOUNDED, 10)
    assert [one.execution_id for one in admitted] == [queued[2]]
    assert len(await children(engine_pool, id, "pending")) == 3
    assert await look.status(id) == "waiting"


async def test_children_are_bounded_by_the_key_of_their_input(
    begin: Begin, process: Process, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """What one customer's wait for does not hold back another's."""
    await make_workflow(limited(ask("q"), limit=1, key="{input.customer}"), name="child")
    id = await begin(workflow([each("child", {"customer": "{item}"})], ""), {"rows": list("AAB")})
    await process.drive(id)
    queued = await children(engine_pool, id, "pending")
    admitted = await admit(engine_pool, [process.id], UNBOUNDED, 10)
    assert {one.execution_id for one in admitted} == {queued[0], queued[2]}


async def test_child_shares_its_key_with_executions_that_have_a_process_of_their_own(
    begin: Begin, process: Process, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """One of the same key is in progress, so it waits."""
    settings = {"isolation": "dedicated", "concurrency": [{"limit": 1, "key": "{input.customer}"}]}
    child = await make_workflow(workflow([ask("q")], "", execution=settings), name="child")
    first = await start(child, dedicated=True, key_limit=1, key="A")
    [admitted] = await admit(engine_pool, [process.id], Bounds(dedicated_most=1), 10)
    assert admitted.execution_id == first.execution_id
    id = await begin(workflow([call("sub", "child", {"customer": "A"})], ""))
    await process.drive(id)
    assert len(await children(engine_pool, id, "pending")) == 1
    assert await admit(engine_pool, [process.id], Bounds(dedicated_most=1), 10) == []


async def test_child_without_the_key_fails_its_node(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow
) -> None:
    """The message names the workflow and what it needs."""
    await make_workflow(limited(says("x"), limit=1, key="{input.customer}"), name="child")
    id = await begin(workflow([call("sub", "child")], ""))
    await process.drive(id)
    row = await look.row(id)
    assert row["status"] == "failed"
    assert "'child' cannot be started" in row["error_message"]
    assert "`{input.customer}`, which has no value" in row["error_message"]


@pytest.mark.parametrize("through", ["itself", "between"])
async def test_workflow_that_starts_itself_goes_under_its_own_place(
    process: Process, look: Look, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool, through: str,
) -> None:  # fmt: skip
    """Also by way of another; one that is started beside it waits for all of it."""
    recursive = limited(call("sub", through, default={"depth": 10}), limit=1)
    own = await make_workflow(recursive, name="itself")
    await make_workflow(workflow([call("sub", "itself")], ""), name="between")
    id = (await start(own, {}, process.id, workflow_limit=1)).execution_id
    beside = (await start(own, {}, process.id, workflow_limit=1)).execution_id
    await process.drive(id)
    assert await look.status(beside) == "pending"
    await process.settle()
    assert await look.status(id) == "completed"
    assert await engine_pool.fetchval("SELECT max(depth) FROM workflow_executions") == 10
    admitted = await admit(engine_pool, [process.id], UNBOUNDED, 10)
    assert [one.execution_id for one in admitted] == [beside]


async def test_child_needs_no_room_of_its_tenant_s(
    begin: Begin, process: Process, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool, account: Account, api_pool: Pool,
) -> None:  # fmt: skip
    """Its parent has the last of it and keeps it until the child has ended."""
    child = await make_workflow(limited(says("x"), limit=1), name="child")
    id = await begin(workflow([call("sub", "child")], ""))
    await process.drive(id)
    beside = (await start(child)).execution_id
    [queued] = await children(engine_pool, id, "pending")
    place = await queue_place(api_pool, account.tenant_id, queued, 1)
    assert place == QueuePlace("capacity", 0)
    admitted = await admit(engine_pool, [process.id], Bounds(tenant_most=1), 10)
    assert [one.execution_id for one in admitted] == [queued]
    place = await queue_place(api_pool, account.tenant_id, beside, 1)
    assert place == QueuePlace("concurrency", 0, "organization", 1)


async def test_queued_child_that_is_cancelled_fails_its_node(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, account: Account,
    engine_pool: Pool, api_pool: Pool, live: LiveView,
) -> None:  # fmt: skip
    """Its end in the queue reaches its parent as any other end does."""
    await make_workflow(limited(says("x"), limit=1), name="child")
    id = await begin(workflow([call("sub", "child")], ""))
    await process.drive(id)
    [queued] = await children(engine_pool, id, "pending")
    assert await cancel_parked(api_pool, live, account.tenant_id, queued, "Not needed.")
    await process.drive(id)
    assert (await look.row(id))["error_message"].endswith("was cancelled: Not needed.")
