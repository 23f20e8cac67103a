"""What runs in the API's process beside its requests."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)

EXIT_BROKEN = 71
AGAIN_SECONDS = 0.2


@asynccontextmanager
async def running(name: str, loop: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run an endless loop meanwhile; when it fails the process ends, and Serve starts another."""
    task = asyncio.create_task(loop, name=name)
    task.add_done_callback(_end_loudly)
    try:
        yield
    finally:
        while not task.done():
            # A library may swallow the first one, as Redis's client does while it connects.
            task.cancel()
            await asyncio.wait([task], timeout=AGAIN_SECONDS)


def _end_loudly(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("api.loop_ended", loop=task.get_name(), exc_info=error)
        sys.stdout.flush()
        os._exit(EXIT_BROKEN)
