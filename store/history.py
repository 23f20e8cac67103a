"""Executions as people look at them: status, nodes, logs, lists."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from store.errors import NotFound
from store.postgres import Pool, tenant_transaction
from store.statements import statement

COMPENSATION = "epilogue:compensate"
"""The visit under which a compensation's log stands."""
LISTED_BYTES = 64 * 1024
"""An item's output with more JSON is left out of lists."""
Row = Any
"""A row of asyncpg, read by column name."""


class Whole(NamedTuple):
    """An execution with what people look at together with it."""

    execution: Row
    """Its row, with its workflow's name and its specification."""
    attempts: list[Row]
    """The last attempt at each node."""
    approvals: list[Row]
    """Its questions."""
    maps: list[Row]
    """How many items of its maps have ended."""
    children: list[Row]
    """The first of the executions that it started."""


async def get_execution(pool: Pool, tenant_id: UUID, execution_id: UUID) -> Row:
    """Return an execution's row with its workflow's name and specification.

    Raises:
        NotFound: The tenant has no such execution.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(statement("get_execution"), execution_id)
    if row is None:
        raise NotFound("execution", f"exec_{execution_id.hex}")
    return row


async def get_executions_whole(
    pool: Pool, tenant_id: UUID, execution_ids: Iterable[UUID]
) -> dict[UUID, Whole]:
    """Return those of the executions that the tenant has, in one read."""
    rows = await pool.fetch(statement("read_executions"), tenant_id, list(execution_ids))
    found: dict[UUID, Whole] = {}
    for row in rows:
        execution = dict(row["execution"]) | {
            "workflow_name": row["workflow_name"],
            "document": row["document"],
        }
        attempts = [
            dict(attempt) | {"compensates": attempt["task_id"] == COMPENSATION}
            for attempt in row["attempts"] or ()
        ]
        found[execution["id"]] = Whole(
            execution, attempts, row["approvals"] or [], row["maps"] or [], row["children"] or []
        )
    return found


async def list_node_logs(pool: Pool, tenant_id: UUID, execution_id: UUID) -> list[Row]:
    """Return every attempt at every node, in time order.

    Raises:
        NotFound: The tenant has no such execution.
    """
    await get_execution(pool, tenant_id, execution_id)
    async with tenant_transaction(pool, tenant_id) as connection:
        rows: list[Row] = await connection.fetch(statement("list_node_logs"), execution_id)
    return rows


async def list_items(
    pool: Pool,
    tenant_id: UUID,
    execution_id: UUID,
    node_id: str,
    *,
    status: str | None,
    limit: int,
    offset: int,
) -> tuple[list[Row], int]:
    """Return a page of the items of a map node's last visit that have ended, and their number.

    An output of more than 64 KiB of JSON is left out; its size is in the row.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            statement("list_items"), execution_id, node_id, status, limit, offset, LISTED_BYTES
        )
        total: int = await connection.fetchval(
            statement("count_items"), execution_id, node_id, status
        )
    return rows, total


async def get_item(
    pool: Pool, tenant_id: UUID, execution_id: UUID, node_id: str, map_index: int
) -> Row:
    """Return an item of a map node's last visit, its output whole.

    Raises:
        NotFound: It has not ended, or there is none.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(statement("get_item"), execution_id, node_id, map_index)
    if row is None:
        raise NotFound("ended item", f"{map_index} of {node_id}")
    return row


async def list_executions(
    pool: Pool,
    tenant_id: UUID,
    *,
    workflow_id: UUID | None = None,
    status: str | None = None,
    parent_id: UUID | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[Row], Row]:
    """Return a page of executions, the newest first, and the totals over all that match."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            statement("list_executions"), workflow_id, status, limit, offset, parent_id
        )
        totals = await connection.fetchrow(
            statement("sum_executions"), workflow_id, status, parent_id
        )
    return rows, totals


async def pending_approvals(pool: Pool, tenant_id: UUID, execution_id: UUID) -> list[Row]:
    """Return an execution's questions, the open ones and the decided ones."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows: list[Row] = await connection.fetch(statement("list_approvals"), execution_id)
    return rows
