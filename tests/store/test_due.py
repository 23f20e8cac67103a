"""What a supervisor may have to do: each kind is seen when there is some, and nothing else is."""

from dataclasses import fields
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from store.due import Due, see_due
from store.postgres import Pool
from store.statements import statement
from tests.factories import MakeWorkflow, StartExecution

LEASE_SECONDS = 10.0

CASES = {
    "stale": "UPDATE executors SET heartbeat_at = now() - interval '1 minute'",
    "orphans": "UPDATE workflow_executions SET status = 'running', owner_id = NULL",
    "queued": "UPDATE workflow_executions SET status = 'pending'",
    "lines": """UPDATE workflow_executions SET status = 'waiting', waiting_reason = 'turn',
        parent_execution_id = id, parent_node_id = 'x'""",
    "abandoned": "UPDATE workflow_executions SET abandons = true",
    "questions": """INSERT INTO execution_approvals (id, tenant_id, execution_id, node_id,
        interrupt_id, approval_type, message, on_timeout, expires_at)
        SELECT gen_random_uuid(), tenant_id, id, 'only', 'i', 'approve_reject', 'x', 'reject', now()
        FROM workflow_executions""",
    "overdue": """UPDATE workflow_executions SET status = 'waiting', waiting_reason = 'event',
        deadline_at = now()""",
    "deliveries": """INSERT INTO webhook_deliveries (id, tenant_id, execution_id, url, body)
        SELECT gen_random_uuid(), tenant_id, id, 'http://localhost', '{}'
        FROM workflow_executions""",
}


@pytest.fixture
async def executor_id(engine_pool: Pool) -> UUID:
    """An executor that holds its lease."""
    id = uuid7()
    await engine_pool.execute(
        statement("insert_executor"), id, "executor-0", "executor-0", 1, False
    )
    return id


@pytest.fixture
async def execution_id(
    executor_id: UUID, make_workflow: MakeWorkflow, start: StartExecution
) -> UUID:
    """An execution that the executor runs."""
    return (await start(await make_workflow(), owner_id=executor_id)).execution_id


def _seen(due: Due) -> set[str]:
    return {field.name for field in fields(due) if getattr(due, field.name) is True}


async def test_nothing_is_due_while_all_goes_well(
    execution_id: UUID, executor_id: UUID, engine_pool: Pool
) -> None:
    """A running execution with a living owner is nobody's business; the living are told."""
    due = await see_due(engine_pool, LEASE_SECONDS)
    assert _seen(due) == set()
    assert due.next_wait_seconds is None
    assert [(one.id, one.slot) for one in due.living] == [(executor_id, "executor-0")]


@pytest.mark.parametrize("kind", CASES)
async def test_what_is_due_is_seen(
    kind: str, execution_id: UUID, engine_pool: Pool, administrator: asyncpg.Connection
) -> None:
    """One kind of work, and only that."""
    await administrator.execute(CASES[kind])
    due = await see_due(engine_pool, LEASE_SECONDS)
    assert _seen(due) == {kind}
    assert bool(due.living) == (kind != "stale")


async def test_execution_of_a_stopped_executor_is_an_orphan(
    execution_id: UUID, engine_pool: Pool
) -> None:
    """It is seen until it has another owner; the executor's row is kept as long."""
    await engine_pool.execute("UPDATE executors SET stopped_at = now()")
    assert _seen(await see_due(engine_pool, LEASE_SECONDS)) == {"orphans"}
    await engine_pool.execute(statement("delete_old_executors"), 0.0)
    assert await engine_pool.fetchval("SELECT count(*) FROM executors") == 1
    heir = uuid7()
    await engine_pool.execute(
        statement("insert_executor"), heir, "executor-1", "executor-1", 1, False
    )
    await engine_pool.fetch(statement("take_over_executions"), [heir], 10, 5, 20)
    assert _seen(await see_due(engine_pool, LEASE_SECONDS)) == set()
    await engine_pool.execute(statement("delete_old_executors"), 0.0)
    assert await engine_pool.fetch("SELECT id FROM executors") == [(heir,)]


@pytest.mark.parametrize("due_seconds", [-30, 90])
async def test_next_wait_is_told_in_seconds(
    due_seconds: int, execution_id: UUID, engine_pool: Pool, administrator: asyncpg.Connection
) -> None:
    """Of several the first one; it is negative when it is due."""
    await administrator.execute(
        "INSERT INTO execution_waits (tenant_id, execution_id, interrupt_id, node_id, due_at)"
        " SELECT tenant_id, id, wait, 'only', now() + make_interval(secs => due)"
        " FROM workflow_executions, (VALUES ('a', $1), ('b', $1 + 100)) AS w (wait, due)",
        due_seconds,
    )
    due = await see_due(engine_pool, LEASE_SECONDS)
    assert due.next_wait_seconds == pytest.approx(due_seconds, abs=10)
