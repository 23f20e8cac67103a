"""Workflows and how people look at their executions."""

from decimal import Decimal
from uuid import uuid4

import pytest

from store import history
from store.errors import Conflict, NotFound
from store.executions import cancel_parked
from store.live import LiveView
from store.postgres import Pool
from store.records import MoveRecord
from store.status import Status
from store.workflows import (
    archive_workflow,
    delete_workflow,
    get_startable,
    get_workflow,
    list_workflows,
)
from tests.factories import ONE_NODE, Account, MakeWorkflow, StartExecution
from tests.store.rows import park, records_of_each_kind, write


async def test_stored_workflow_is_returned_as_it_was(
    make_workflow: MakeWorkflow, account: Account, api_pool: Pool
) -> None:
    """Name, specification and tags come back; a new workflow has no executions."""
    made = await make_workflow(name="Nights", tags=["b", "a"])
    found = await get_workflow(api_pool, account.tenant_id, made.id)
    assert found == made
    assert (found.name, found.tags, found.status) == ("Nights", ["b", "a"], "active")
    assert found.specification["nodes"] == ONE_NODE["nodes"]
    assert (found.executions_count, found.last_executed_at) == (0, None)


async def test_text_that_postgres_refuses_is_cleaned(make_workflow: MakeWorkflow) -> None:
    """U+0000 in a name, a description or a tag is replaced."""
    made = await make_workflow(name="a\x00", description="\ud800", tags=["t\x00"], yaml_text="\x00")
    assert (made.name, made.description, made.tags) == ("a\ufffd", "\ufffd", ["t\ufffd"])


@pytest.mark.requirement("API.5")
async def test_list_is_filtered_and_paged_newest_first(
    make_workflow: MakeWorkflow, account: Account, api_pool: Pool
) -> None:
    """Status and tags filter, the total counts all that match, the page is a part of it."""
    for number in range(5):
        await make_workflow(name=f"w{number}", tags=["odd" if number % 2 else "even", "all"])
    tenant = account.tenant_id
    [newest], _ = await list_workflows(api_pool, tenant, limit=1)
    await archive_workflow(api_pool, tenant, newest.id)
    page, total = await list_workflows(api_pool, tenant, limit=2, offset=1)
    assert ([one.name for one in page], total) == (["w3", "w2"], 5)
    page, total = await list_workflows(api_pool, tenant, tags=["even", "all"], status="active")
    assert ([one.name for one in page], total) == (["w2", "w0"], 2)
    assert await list_workflows(api_pool, tenant, tags=["even", "odd"]) == ([], 0)


@pytest.mark.requirement("USER.27")
async def test_workflow_in_use_is_not_deleted(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    api_pool: Pool,
    live: LiveView,
) -> None:
    """Deleting waits for executions to end, hides the workflow and keeps what they did."""
    workflow = await make_workflow()
    id = (await start(workflow)).execution_id
    with pytest.raises(Conflict, match="1 executions"):
        await delete_workflow(api_pool, account.tenant_id, workflow.id)
    await cancel_parked(api_pool, live, account.tenant_id, id, "over")
    await delete_workflow(api_pool, account.tenant_id, workflow.id)
    with pytest.raises(NotFound):
        await get_workflow(api_pool, account.tenant_id, workflow.id)
    kept = await history.get_execution(api_pool, account.tenant_id, id)
    assert (kept["workflow_name"], kept["status"]) == ("Workflow", "cancelled")


@pytest.mark.requirement("USER.27")
async def test_archiving_twice_is_as_once(
    make_workflow: MakeWorkflow, account: Account, api_pool: Pool
) -> None:
    """A repeated call answers the same."""
    workflow = await make_workflow()
    first = await archive_workflow(api_pool, account.tenant_id, workflow.id)
    assert first.status == "archived"
    assert await archive_workflow(api_pool, account.tenant_id, workflow.id) == first


@pytest.mark.requirement("FR-7.6", "API.8")
async def test_executions_are_listed_with_totals(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    api_pool: Pool,
    engine_pool: Pool,
) -> None:
    """A page is the newest first; totals count all that match the filters."""
    workflow, other = await make_workflow(), await make_workflow()
    ids = [(await start(workflow)).execution_id for _ in range(3)]
    await start(other)
    for id, status in zip(ids, (Status.COMPLETED, Status.FAILED), strict=False):
        await write(engine_pool, MoveRecord(id, 1, Status.RUNNING), MoveRecord(id, 1, status))
    rows, totals = await history.list_executions(
        api_pool, account.tenant_id, workflow_id=workflow.id, limit=2
    )
    assert [row["id"] for row in rows] == ids[:0:-1]
    assert (totals["total"], totals["completed"], totals["ended"]) == (3, 1, 2)
    rows, totals = await history.list_executions(api_pool, account.tenant_id, status="failed")
    assert [row["id"] for row in rows] == [ids[1]]
    startable = await get_startable(api_pool, account.tenant_id, workflow.id)
    assert startable.mean_seconds is not None
    assert startable.mean_seconds >= 0


@pytest.mark.requirement("FR-7.2", "API.3")
async def test_execution_is_shown_whole(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    api_pool: Pool,
    engine_pool: Pool,
) -> None:
    """Its row, the last attempt at each node, its questions and how far its maps are."""
    id = (await start(await make_workflow())).execution_id
    await write(engine_pool, *records_of_each_kind(account.tenant_id, id))
    await park(engine_pool, account.tenant_id, id, "only")
    found = await history.get_executions_whole(api_pool, account.tenant_id, [id, uuid4()])
    assert list(found) == [id]
    row, nodes, questions, maps, children = found[id]
    assert children == []
    assert (row["status"], row["waiting_reason"], row["llm_tokens_used"]) == (
        "waiting", "approval", 5,
    )  # fmt: skip
    assert row["cost_usd"] == Decimal("0.25")
    assert [(node["node_id"], node["status"]) for node in nodes] == [("only", "running")]
    assert [question["status"] for question in questions] == ["pending"]
    assert [(one["node_id"], one["ended"], one["failed"]) for one in maps] == [("only", 1, 0)]
    assert len(await history.list_node_logs(api_pool, account.tenant_id, id)) == 1


async def test_unknown_execution_is_not_found(account: Account, api_pool: Pool) -> None:
    """An id that nobody gave out is an error of ours."""
    with pytest.raises(NotFound, match="no execution exec_"):
        await history.get_execution(api_pool, account.tenant_id, uuid4())
