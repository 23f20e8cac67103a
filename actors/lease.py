"""Renewing an executor's lease, from a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Callable
from uuid import UUID

import asyncpg
import structlog

from store.errors import DatabaseUnavailable
from store.postgres import UNREACHABLE, connect
from store.statements import statement

log = structlog.get_logger(__name__)


def keep_lease(
    dsn: str,
    executor_id: UUID,
    lease_seconds: float,
    stopped: threading.Event,
    lost: Callable[[str], None],
) -> None:
    """Renew a lease until told to stop; blocks the calling thread.

    Args:
        dsn: The database's address.
        executor_id: The lease's row.
        lease_seconds: How long a lease holds after it was renewed.
        stopped: Set from outside to end in good order.
        lost: Called, once, when the lease was taken away or could not be renewed in time.
    """
    asyncio.run(_keep(dsn, executor_id, lease_seconds, stopped, lost))


async def _keep(
    dsn: str,
    executor_id: UUID,
    lease_seconds: float,
    stopped: threading.Event,
    lost: Callable[[str], None],
) -> None:
    connection: asyncpg.Connection | None = None
    renewed = time.monotonic()
    try:
        while not stopped.is_set():
            begun = time.monotonic()
            try:
                if connection is None:
                    connection = await connect(dsn, "weft_engine", timeout_seconds=3)
                row = await connection.fetchval(statement("beat_executor"), executor_id, timeout=3)
                if row is None:
                    lost("The lease was taken away.")
                    return
                renewed = begun
            except (*UNREACHABLE, DatabaseUnavailable) as error:
                log.warning("lease.not_renewed", error=repr(error))
                if connection is not None:
                    connection.terminate()
                connection = None
            if time.monotonic() - renewed > lease_seconds:
                lost(f"The lease was not renewed for {lease_seconds:g} s.")
                return
            await asyncio.to_thread(stopped.wait, lease_seconds / 5)
        if connection is not None:
            await connection.execute(statement("stop_executor"), executor_id)
    finally:
        if connection is not None:
            await connection.close(timeout=2)
