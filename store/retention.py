"""The end of what is kept: ended executions, with everything that belongs to them.

Nothing here ever deletes an execution that runs or waits.
"""

from uuid import UUID

from store.errors import Conflict, NotFound
from store.postgres import Pool, tenant_transaction
from store.statements import statement
from store.status import Status

BATCH_EXECUTIONS = 500
"""How many executions are deleted in one transaction."""


async def delete_execution(pool: Pool, tenant_id: UUID, execution_id: UUID) -> None:
    """Delete one ended execution of a tenant.

    Args:
        pool: A pool of role weft_api.
        tenant_id: Whose execution it is.
        execution_id: The execution.

    Raises:
        NotFound: The tenant has no such execution.
        Conflict: It has not ended, nor has the one that started it, or somebody else holds it
            just now.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        if await connection.fetch(statement("delete_own_executions"), [execution_id]):
            return
        row = await connection.fetchrow(statement("get_status"), execution_id)
    if row is None:
        raise NotFound("execution", f"exec_{execution_id.hex}")
    if not Status(row["status"]).ended:
        raise Conflict(
            f"The execution is {row['status']}.", "Cancel it first, or wait for its end."
        )
    if row["awaited"]:
        raise Conflict(
            "The execution that started it is in progress.", "Delete it when that has ended."
        )
    raise Conflict("Somebody else holds the execution just now.", "Try again in a moment.")


async def delete_old_executions(pool: Pool, tenant_id: UUID, days: float) -> int:
    """Delete a batch of a tenant's executions that ended so long ago; return how many."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            statement("list_old_executions"), tenant_id, days, BATCH_EXECUTIONS
        )
        ids = [row["id"] for row in rows]
        gone = await connection.fetch(statement("delete_own_executions"), ids)
    return len(gone)


async def count_old_executions(pool: Pool, tenant_id: UUID, days: float) -> int:
    """Return how many of a tenant's executions ended so long ago."""
    async with tenant_transaction(pool, tenant_id) as connection:
        count: int = await connection.fetchval(statement("count_old_executions"), tenant_id, days)
    return count


async def delete_expired_executions(pool: Pool, days: float | None) -> int:
    """Delete a batch of executions of any tenant whose time is over.

    Args:
        pool: A pool of role weft_engine.
        days: How long those are kept whose workflow does not say; None: for good.

    Returns:
        How many were deleted.
    """
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(statement("list_expired_executions"), days, BATCH_EXECUTIONS)
        gone = await connection.fetch(statement("delete_executions"), [row["id"] for row in rows])
    return len(gone)


async def delete_unused_specifications(pool: Pool) -> int:
    """Delete a batch of specifications that no workflow and no execution has; return how many."""
    return len(await pool.fetch(statement("delete_unused_specifications"), BATCH_EXECUTIONS))
