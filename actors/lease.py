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

Load = Callable[[], tuple[int, float]]


def keep_lease(
    dsn: str,
    executor_id: UUID,
    lease_seconds: float,
    stopped: threading.Event,
    lost: Callable[[str], None],
    load: Load,
) -> None:
    """Renew a lease until told to stop; blocks the calling thread.

    Args:
        dsn: The database's address.
        executor_id: The lease's row.
        lease_seconds: How long a lease holds after it was renewed.
        stopped: Set from outside to end in good order.
        lost: Called, once, when the lease was taken away or could not be renewed in time.
        load: Returns how many executions run and how many milliseconds late the event loop is.
    """
    try:
        asyncio.run(_keep(dsn, executor_id, lease_seconds, stopped, lost, load))
    except Exception as error:
        # Nothing renews the lease any more, whatever the reason.
        lost(f"Renewing the lease failed: {error!r}")


async def _keep(
    dsn: str,
    executor_id: UUID,
    lease_seconds: float,
    stopped: threading.Event,
    lost: Callable[[str], None],
    load: Load,
) -> None:
    connection: asyncpg.Connection | None = None
    renewed = time.monotonic()
    try:
        while not stopped.is_set():
            begun = time.monotonic()
            # However slow the database is, the end of the lease is noticed when it comes.
            patience_seconds = max(0.1, min(3.0, renewed + lease_seconds - begun))
            try:
                async with asyncio.timeout(patience_seconds):
                    connection = connection or await connect(dsn, "weft_engine")
                    row = await connection.fetchval(
                        statement("beat_executor"), executor_id, *load()
                    )
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
            await _stop(connection, executor_id)
    finally:
        if connection is not None:
            connection.terminate()


async def _stop(connection: asyncpg.Connection, executor_id: UUID) -> None:
    """End the lease in good order; when that fails it ends by itself."""
    try:
        await connection.execute(statement("stop_executor"), executor_id, timeout=2)
        await connection.close(timeout=2)
    except UNREACHABLE as error:
        log.warning("lease.not_ended", error=repr(error))
