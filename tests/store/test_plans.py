"""Hot statements find their rows by an index, whatever values they are given."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from store.postgres import Role
from store.statements import statement
from tests.factories import Connect

ID, TEXT, NOW = UUID(int=1), "x", datetime(2026, 1, 1, tzinfo=UTC)
SMALL = {"executors", "api_keys", "users", "organizations", "organization_members"}
"""Tables that stay small enough to be read whole."""

HOT: list[tuple[Role, str, list[Any]]] = [
    ("weft_api", "get_workflow", [ID]),
    ("weft_api", "list_workflows", [None, None, 50, 0]),
    ("weft_api", "get_execution", [ID]),
    ("weft_api", "list_executions", [None, None, 100, 0, None]),
    ("weft_api", "list_executions", [ID, "failed", 100, 0, None]),
    ("weft_api", "list_events", [ID, 0, 500]),
    ("weft_api", "list_node_logs", [ID]),
    ("weft_api", "list_approvals", [ID]),
    ("weft_api", "list_items", [ID, TEXT, None, 100, 0, 1000]),
    ("weft_api", "count_items", [ID, TEXT, "failed"]),
    ("weft_api", "get_item", [ID, TEXT, 0]),
    ("weft_api", "count_active_executions", [ID]),
    ("weft_api", "decide_approval", [ID, ID, TEXT, "null", TEXT, TEXT, False]),
    ("weft_api", "fence_execution", [ID]),
    ("weft_engine", "wake_execution", [ID, None]),
    ("weft_engine", "list_children", [ID, TEXT]),
    ("weft_engine", "list_abandoned", [100]),
    ("weft_engine", "move_lines", [100]),
    ("weft_api", "list_unfinished_children", [ID]),
    ("weft_engine", "get_owned_execution", [ID, ID]),
    ("weft_engine", "list_owned_executions", [ID]),
    ("weft_engine", "take_over_executions", [[ID], 200, 5, 20]),
    ("weft_engine", "list_overdue_executions", [100]),
    ("weft_engine", "delete_old_executors", [3600.0]),
    ("weft_engine", "list_unhosted_executions", [10]),
    ("weft_engine", "claim_execution", [ID, ID]),
    ("weft_engine", "stop_executor", [ID]),
    ("weft_api", "get_queue_place", [ID, 10, 1000]),
    ("weft_engine", "list_due_approvals", [100]),
    ("weft_engine", "claim_webhook_deliveries", [15.0]),
    ("weft_engine", "get_checkpoint", [ID, "", None]),
    ("weft_engine", "list_channel_values", [ID, "", [TEXT], [TEXT]]),
    ("weft_engine", "list_writes", [ID, "", TEXT]),
    ("weft_engine", "list_answers", [ID]),
    ("weft_engine", "list_map_items", [ID, TEXT, 0, 50, None]),
    ("weft_engine", "list_ended_items", [ID, TEXT, 0, 50]),
    ("weft_engine", "list_failed_items", [ID, TEXT]),
    ("weft_engine", "sum_map_items", [ID, TEXT, 1000]),
    ("weft_engine", "count_map_items", [ID, TEXT]),
    ("weft_engine", "get_specification", [ID, TEXT]),
    ("weft_engine", "get_seed", [ID, TEXT, 1]),
    ("weft_engine", "count_visits", [ID]),
    ("weft_api", "list_results", [ID]),
    ("weft_api", "list_state", [ID, ID, 9, False]),
    ("weft_api", "page_checkpoints", [ID, 100, 0]),
    ("weft_api", "count_checkpoints", [ID]),
    ("weft_api", "find_checkpoint", [ID, 1]),
    ("weft_api", "find_executions", [["failed"], ID, NOW, NOW, 100]),
    ("weft_api", "find_executions", [["failed"], None, None, None, 100]),
    ("weft_engine", "list_expired_executions", [30.0, 500]),
    ("weft_engine", "get_artifact", [ID, ID, TEXT]),
    ("weft_api", "list_old_executions", [ID, 30.0, 500]),
    ("weft_api", "count_old_executions", [ID, 30.0]),
    ("weft_api", "get_artifact_part", [ID, ID, TEXT, 1, 1024]),
    ("weft_api", "summarize_runs", [ID, TEXT, [TEXT], 50, 100, 100, 50]),
    ("weft_api", "summarize_runs", [None, TEXT, [TEXT], 50, 100, 100, 50]),
]  # fmt: skip


@pytest.mark.requirement("NFR-2.1", "NFR-2.6")
@pytest.mark.parametrize("plans", ["force_generic_plan", "force_custom_plan"])
async def test_hot_statement_reads_no_table_whole(plans: str, shared: Connect) -> None:
    """With sequential scans made dear, none is left over a table that grows."""
    found = []
    for role, name, arguments in HOT:
        connection = await shared(role)
        async with connection.transaction():
            await connection.execute(statement("set_tenant"), str(ID))
            await connection.execute("SET LOCAL enable_seqscan = off")
            await connection.execute(f"SET LOCAL plan_cache_mode = {plans}")
            scanned = await _scanned(connection, statement(name), arguments)
        await connection.close()
        found += [(name, table) for table in scanned - SMALL]
    assert found == []


async def _scanned(connection: asyncpg.Connection, sql: str, arguments: list[Any]) -> set[str]:
    """Return the tables that a statement would read from end to end."""
    text = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
    waiting, found = [json.loads(text)[0]["Plan"]], set()
    while waiting:
        step = waiting.pop()
        waiting += step.get("Plans", [])
        if step["Node Type"] == "Seq Scan":
            found.add(step["Relation Name"])
        if step["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in step:
            # A whole index in order is as long as the table, unless the index is a partial one.
            name = step["Index Name"]
            definition = await connection.fetchval("SELECT pg_get_indexdef($1::regclass)", name)
            if " WHERE " not in definition:
                found.add(step["Relation Name"])
    return found


async def test_a_whole_table_would_be_noticed(shared: Connect) -> None:
    """The test above sees a scan where there is one."""
    connection = await shared("weft_engine")
    await connection.execute("SET enable_seqscan = off")
    sql = "SELECT id FROM workflow_executions WHERE error_message = $1"
    assert await _scanned(connection, sql, [TEXT]) == {"workflow_executions"}
