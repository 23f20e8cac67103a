"""Taking from the queue: an executor looks there when something of it has ended.

Nothing is asked while nothing ends, and of many ends at once one look is made. What is missed (an
end that another process wrote, an executor that died) the supervisor's clock finds.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from store.postgres import UNREACHABLE, Pool
from store.queue import Bounds, admit

log = structlog.get_logger(__name__)

ADMITTED_AT_ONCE = 200


class Admission:
    """Takes queued executions for one executor; `run` must run meanwhile.

    Args:
        pool: A pool of role weft_engine.
        executor_id: Whose they become.
        bounds: The platform's.
        begin: Called with each, to drive it.
    """

    def __init__(
        self, pool: Pool, executor_id: UUID, bounds: Bounds, begin: Callable[[UUID], object]
    ) -> None:
        self._pool = pool
        self._executor_id = executor_id
        self._bounds = bounds
        self._begin = begin
        self._wake = asyncio.Event()

    def soon(self) -> None:
        """Look into the queue: there may be room for something in it."""
        self._wake.set()

    async def run(self) -> None:
        """Take what may run, whenever there is reason to look, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                admitted = await admit(
                    self._pool, [self._executor_id], self._bounds, ADMITTED_AT_ONCE
                )
            except UNREACHABLE as error:
                log.warning("admission.database_away", error=repr(error))
                continue
            for execution in admitted:
                self._begin(execution.execution_id)
            if len(admitted) == ADMITTED_AT_ONCE:
                self.soon()
