"""Deleting what was kept long enough, a batch at a time."""

import asyncio

import structlog

from store.parser_calls import delete_old_parser_calls
from store.postgres import Pool
from store.retention import delete_expired_executions, delete_unused_specifications

log = structlog.get_logger(__name__)

PARSER_CALL_DAYS = 365.0
"""How long it is kept what models were asked to read, where nothing else is said."""
PAUSE_SECONDS = 0.2
"""What others have for themselves between two batches."""


async def retain(pool: Pool, days: float | None) -> int:
    """Delete ended executions whose time is over, until none is; then what nothing has any more.

    Calls of models that read texts go after the same time, or after a year.

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
    forgotten = 0
    while count := await delete_old_parser_calls(pool, days or PARSER_CALL_DAYS):
        forgotten += count
        await asyncio.sleep(PAUSE_SECONDS)
    if forgotten:
        log.info("retention.forgotten", parser_calls=forgotten)
    if deleted:
        # What is left of these goes with the next executions.
        specifications = await delete_unused_specifications(pool)
        log.info("retention.deleted", executions=deleted, specifications=specifications)
    return deleted
