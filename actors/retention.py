"""Deleting what was kept long enough, a batch at a time."""

import asyncio

import structlog

from store.postgres import Pool
from store.retention import delete_expired_executions, delete_unused_specifications

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.2
"""What others have for themselves between two batches."""


async def retain(pool: Pool, days: float | None) -> int:
    """Delete ended executions whose time is over, until none is; then what nothing has any more.

    Args:
        pool: A pool of role weft_engine.
        days: How long those are kept whose workflow does not say; None: for good.

    Returns:
        How many executions were deleted.
    """
    deleted = 0
    while count := await delete_expired_executions(pool, days):
        deleted += count
        await asyncio.sleep(PAUSE_SECONDS)
    if deleted:
        # What is left of these goes with the next executions.
        specifications = await delete_unused_specifications(pool)
        log.info("retention.deleted", executions=deleted, specifications=specifications)
    return deleted
