"""Reading executions as people look at them: those asked for together are read together."""

import asyncio
from collections import defaultdict
from uuid import UUID

from store.errors import NotFound
from store.history import Whole, get_executions_whole
from store.postgres import Pool

READS_AT_ONCE = 4
"""Reads of one tenant that run at once; whoever comes meanwhile shares the next one."""
READ_AT_ONCE = 100
"""Executions in one read."""

_Waiting = tuple[UUID, asyncio.Future[Whole]]


class Readings:
    """Reads executions for the requests of one process.

    Executions end many at a time, and each of those who wait for them reads what became of one. A
    read that has begun takes nobody in any more, so what is read is never older than the call.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[UUID, list[_Waiting]] = defaultdict(list)
        self._reading: dict[UUID, set[asyncio.Task[None]]] = defaultdict(set)

    async def read(self, tenant_id: UUID, execution_id: UUID) -> Whole:
        """Return an execution as it stands.

        Raises:
            NotFound: The tenant has no such execution.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Whole] = loop.create_future()
        waiting = self._waiting[tenant_id]
        waiting.append((execution_id, found))
        if len(waiting) == 1:
            # All who ask in this turn of the loop are there before it begins.
            loop.call_soon(self._begin, tenant_id)
        return await found

    def _begin(self, tenant_id: UUID) -> None:
        """Read what is waited for, unless as many reads run as may; each that ends begins more."""
        reading = self._reading[tenant_id]
        while self._waiting[tenant_id] and len(reading) < READS_AT_ONCE:
            waiting = self._waiting[tenant_id]
            taken, self._waiting[tenant_id] = waiting[:READ_AT_ONCE], waiting[READ_AT_ONCE:]
            task = asyncio.create_task(self._read(tenant_id, taken))
            reading.add(task)
            task.add_done_callback(lambda done: self._ended(tenant_id, done))
        if not reading:
            del self._reading[tenant_id], self._waiting[tenant_id]

    def _ended(self, tenant_id: UUID, task: asyncio.Task[None]) -> None:
        self._reading[tenant_id].discard(task)
        self._begin(tenant_id)

    async def _read(self, tenant_id: UUID, waiting: list[_Waiting]) -> None:
        wanted = {execution_id for execution_id, _ in waiting}
        try:
            found = await get_executions_whole(self._pool, tenant_id, wanted)
        except Exception as error:
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for execution_id, future in waiting:
            if future.done():
                continue
            if whole := found.get(execution_id):
                future.set_result(whole)
            else:
                future.set_exception(NotFound("execution", f"exec_{execution_id.hex}"))
