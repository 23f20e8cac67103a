"""What lets waiting executions go on: events, times, and turns in a line."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from store.errors import Conflict, NotFound
from store.json_values import clean_text, dumps
from store.postgres import Pool, tenant_transaction
from store.statements import statement
from store.writing import Woken


async def send_signal(
    pool: Pool,
    tenant_id: UUID,
    event: str,
    *,
    execution_id: UUID | None,
    key: str | None,
    payload: Any,
    owners: Sequence[UUID],
) -> tuple[list[Woken], bool]:
    """Tell an execution, or all of a tenant, that an event has happened.

    A signal to one execution that does not wait for it yet is kept for it.

    Args:
        pool: A pool of role weft_api.
        tenant_id: Whose executions are told.
        event: The event's name.
        execution_id: The one execution; None: all that wait for it.
        key: Which of the events of that name it is.
        payload: Any JSON value; the wait's output carries it.
        owners: The executors to go on under, in turn.

    Returns:
        The executions that were told, and whether the signal was kept for later.

    Raises:
        NotFound: The tenant has no such execution.
        Conflict: The execution has ended.
    """
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            statement("send_signal"), tenant_id, execution_id, uuid7(), clean_text(event),
            None if key is None else clean_text(key), dumps(payload), list(owners),
        )  # fmt: skip
    if not rows and execution_id is not None:
        async with tenant_transaction(pool, tenant_id) as connection:
            if await connection.fetchrow(statement("lock_execution"), execution_id) is None:
                raise NotFound("execution", f"exec_{execution_id.hex}")
        raise Conflict("The execution has ended.", "Send signals to executions that run or wait.")
    kept = any(row["kept"] for row in rows)
    woken = [Woken(row["execution_id"], row["owner_id"]) for row in rows if not row["kept"]]
    return woken, kept


async def end_due_waits(pool: Pool, owners: Sequence[UUID], most: int) -> list[Woken]:
    """End waits whose time has come and wake their executions.

    Args:
        pool: A pool of role weft_engine.
        owners: The executors to go on under, in turn; at least one.
        most: How many waits at once.
    """
    rows = await pool.fetch(statement("end_due_waits"), list(owners), most)
    return [Woken(row["execution_id"], row["owner_id"]) for row in rows]


async def move_lines(pool: Pool, most: int) -> list[Woken]:
    """Let executions in line run whose turn nobody gave them.

    Args:
        pool: A pool of role weft_engine.
        most: For how many parents at once.
    """
    rows = await pool.fetch(statement("move_lines"), most)
    return [Woken(row["execution_id"], row["owner_id"]) for row in rows]
