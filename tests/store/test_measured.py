"""What former executions took: their own nodes, the tenant's agents, whole executions, maps."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from compiler.history import Counted, History, Spread
from store.measured import read_history
from store.postgres import Pool
from store.records import MapItemRecord, MoveRecord, NodeLogRecord, ProgressRecord
from store.status import Status
from store.workflows import Workflow
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution
from tests.store.rows import write

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def visit(
    account: Account, id: UUID, seconds: float, begin: float = 0, **fields: Any
) -> NodeLogRecord:
    """One attempt at a node; it begins so many seconds after the others and takes so long."""
    values: dict[str, Any] = {
        "node_id": "only", "task_id": "t1", "attempt": 1, "agent_name": "llm",
        "status": "completed", "input_json": "{}", "output_json": "1", "metadata_json": "{}",
        "started_at": BEGIN + timedelta(seconds=begin),
        "completed_at": BEGIN + timedelta(seconds=begin + seconds),
    }  # fmt: skip
    return NodeLogRecord(account.tenant_id, id, **{**values, **fields})


async def history(pool: Pool, account: Account, workflow: Workflow | None = None) -> History:
    """Read what is known of a workflow and of the agent `llm`."""
    return await read_history(
        pool, account.tenant_id, ["llm"],
        workflow_id=workflow.id if workflow else None,
        specification_sha256=workflow.specification_sha256 if workflow else "", nodes=1,
    )  # fmt: skip


@pytest.mark.requirement("FIRST.3")
async def test_history_is_from_the_tenth_to_the_ninetieth_percentile(
    api_pool: Pool, engine_pool: Pool, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """Eleven visits of 0 to 10 seconds give 1 to 9, for the node and for its agent."""
    workflow = await make_workflow()
    for seconds in range(11):
        id = (await start(workflow)).execution_id
        await write(engine_pool, visit(account, id, seconds, cost_usd=seconds / 10))
    found = await history(api_pool, account, workflow)
    node = found.nodes["only", "llm"]
    assert (node.samples, node.seconds) == (11, Spread(1, 9))
    assert node.cost_usd.low == pytest.approx(0.1)
    assert node.cost_usd.high == pytest.approx(0.9)
    assert found.agents == {"llm": node}
    assert (await history(api_pool, account)).nodes == {}


async def test_visit_takes_as_long_as_all_its_attempts(
    api_pool: Pool, engine_pool: Pool, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """What failed before it went well counts to it; what never went well is no sample."""
    workflow = await make_workflow()
    id = (await start(workflow)).execution_id
    await write(
        engine_pool,
        visit(account, id, 1, status="failed", cost_usd=0.25),
        visit(account, id, 2, begin=5, attempt=2, cost_usd=0.5),
        visit(account, id, 9, task_id="t2", status="failed"),
        visit(account, id, 9, task_id="t3", status="running", completed_at=None),
        visit(account, id, 3, task_id="t4", begin=20),
    )
    node = (await history(api_pool, account, workflow)).nodes["only", "llm"]
    assert (node.samples, node.seconds) == (2, Spread(3.4, 6.6))
    assert node.cost_usd.high == pytest.approx(0.675)


async def test_what_was_reused_or_undone_is_no_sample(
    api_pool: Pool, engine_pool: Pool, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """A result of another execution took no time, and a compensation is not its node."""
    workflow = await make_workflow()
    id = (await start(workflow)).execution_id
    await write(
        engine_pool,
        visit(account, id, 9, metadata_json='{"reused_from": "exec_1"}'),
        visit(account, id, 9, task_id="epilogue:compensate"),
    )
    found = await history(api_pool, account, workflow)
    assert (found.nodes, found.agents) == ({}, {})


async def test_map_tells_its_items_and_nothing_of_its_agent(
    api_pool: Pool, engine_pool: Pool, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """Its row is of all items together; a node that found many things is no map."""
    workflow = await make_workflow()
    for items in (10, 20):
        id = (await start(workflow)).execution_id
        row = visit(account, id, 60, metadata_json=f'{{"items": {items}}}')
        item = MapItemRecord(account.tenant_id, id, "only", "t1", 0, "completed", 1, "1", None)
        many = visit(account, id, 3, node_id="many", task_id="t2", metadata_json='{"items": 7}')
        await write(engine_pool, row, item, many)
    found = await history(api_pool, account, workflow)
    assert (found.items["only"].samples, found.items["only"].amount) == (2, Spread(11, 19))
    assert found.nodes["only", "llm"].seconds == Spread(60, 60)
    assert (found.agents["llm"].samples, found.agents["llm"].seconds) == (2, Spread(3, 3))


async def test_whole_executions_count_that_went_the_same_way(
    api_pool: Pool, engine_pool: Pool, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """Those that failed, or of another specification, say nothing of how long it takes."""
    workflow = await make_workflow()
    for status in (Status.COMPLETED, Status.FAILED, Status.RUNNING):
        id = (await start(workflow)).execution_id
        await write(engine_pool, MoveRecord(id, 1, Status.RUNNING))
        await write(engine_pool, ProgressRecord(id, cost_usd=0.5))
        if status.ended:
            await write(engine_pool, MoveRecord(id, 1, status))
    found = (await history(api_pool, account, workflow)).workflow
    assert found is not None
    assert (found.samples, found.cost_usd) == (1, Spread(0.5, 0.5))
    assert found.seconds.high > 0
    other = await read_history(api_pool, account.tenant_id, [], workflow_id=workflow.id)
    assert other.workflow is None


async def test_items_of_maps_cost_what_nodes_did_not(
    api_pool: Pool, engine_pool: Pool, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """The rest of an execution's cost is that of its maps' items; without a map there is none."""
    workflow = await make_workflow()
    for metadata, cost in (('{"items": 3}', 2.0), ("{}", 9.0)):
        id = (await start(workflow)).execution_id
        await write(engine_pool, MoveRecord(id, 1, Status.RUNNING))
        row = visit(account, id, 1, metadata_json=metadata, cost_usd=0.5)
        await write(engine_pool, row, ProgressRecord(id, cost_usd=cost))
        await write(engine_pool, MoveRecord(id, 1, Status.COMPLETED))
    found = await history(api_pool, account, workflow)
    assert found.maps_cost_usd == Counted(1, Spread(1.5, 1.5))


@pytest.mark.requirement("NFR-4.1")
async def test_history_is_the_tenant_s_own(
    api_pool: Pool, engine_pool: Pool, account: Account, make_account: MakeAccount,
    make_workflow: MakeWorkflow, start: StartExecution,
) -> None:  # fmt: skip
    """Nobody learns what another organization's agents take."""
    workflow = await make_workflow()
    id = (await start(workflow)).execution_id
    await write(engine_pool, visit(account, id, 1))
    other = await make_account("Other")
    assert await history(api_pool, other, workflow) == History()


async def test_only_the_newest_executions_are_looked_at(
    api_pool: Pool, engine_pool: Pool, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """Of more than fifty executions of a workflow, and of more rows of each, the first go."""
    workflow = await make_workflow()
    for number in range(60):
        id = (await start(workflow)).execution_id
        await write(engine_pool, visit(account, id, 100 if number < 10 else 1))
    node = (await history(api_pool, account, workflow)).nodes["only", "llm"]
    assert (node.samples, node.seconds) == (50, Spread(1, 1))
    rounds = [visit(account, id, 1, task_id=f"round {number}") for number in range(300)]
    await write(engine_pool, *rounds)
    assert (await history(api_pool, account, workflow)).nodes["only", "llm"].samples <= 150
