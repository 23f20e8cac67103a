"""Starting executions: those that come while others are being written share the next transaction.

A tenant's starts are written one transaction after the other, each with all that has gathered;
several tenants' at once. Then each executor is told, in one call, what it was given. A call costs
an executor as much as a node, so the more starts come at once the longer the next ones gather.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from uuid import UUID

import structlog

from actors.handed import Handed
from serve.handover import Handover
from store.errors import StoreError
from store.executions import Start, Started, start_executions
from store.live import LiveView
from store.postgres import Pool

log = structlog.get_logger(__name__)

TENANTS_AT_ONCE = 4
STARTS_AT_ONCE = 200
GATHER_SECONDS = 0.004
"""How long a tenant's next starts gather for each start of the transaction before."""
GATHER_MOST_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Waiting:
    start: Start
    done: asyncio.Future[Started]


class Starter:
    """Accepts starts; `run` must run meanwhile."""

    def __init__(
        self, pool: Pool, live: LiveView, handover: Handover, tenant_most: int | None
    ) -> None:
        self._tenant_most = tenant_most
        self._pool = pool
        self._live = live
        self._handover = handover
        self._waiting: dict[UUID, deque[_Waiting]] = {}
        self._tenants: asyncio.Queue[UUID] = asyncio.Queue()

    async def start(self, start: Start) -> Started:
        """Start an execution; durable when this returns, and on its way or in the queue.

        Raises:
            Conflict: The idempotency key was used for another request.
            NotFound: The workflow is gone, not active or has changed.
        """
        waiting = _Waiting(start, asyncio.get_running_loop().create_future())
        if start.tenant_id in self._waiting:
            self._waiting[start.tenant_id].append(waiting)
        else:
            self._waiting[start.tenant_id] = deque([waiting])
            self._tenants.put_nowait(start.tenant_id)
        return await waiting.done

    async def run(self) -> None:
        """Write what gathers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(TENANTS_AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            tenant_id = await self._tenants.get()
            gathered = self._waiting[tenant_id]
            begun = time.monotonic()
            batch = [gathered.popleft() for _ in range(min(len(gathered), STARTS_AT_ONCE))]
            try:
                await self._write(batch)
                if len(batch) > 1:
                    until = begun + min(GATHER_SECONDS * len(batch), GATHER_MOST_SECONDS)
                    await asyncio.sleep(until - time.monotonic())
            finally:
                # Whoever comes now waits for a transaction of its own.
                if gathered:
                    self._tenants.put_nowait(tenant_id)
                else:
                    del self._waiting[tenant_id]

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            owners = await self._handover.choose(len(batch))
            starts = [
                (waiting.start, owner_id) for waiting, owner_id in zip(batch, owners, strict=True)
            ]
            outcomes = await start_executions(
                self._pool, self._live, starts, tenant_most=self._tenant_most
            )
        except Exception as error:
            if len(batch) > 1:
                # One of them may be to blame for all.
                for waiting in batch:
                    await self._write([waiting])
            elif not batch[0].done.done():
                batch[0].done.set_exception(error)
            return
        await self._hand_over(batch, outcomes)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.done.done():
                continue
            if isinstance(outcome, StoreError):
                waiting.done.set_exception(outcome)
            else:
                waiting.done.set_result(outcome)

    async def _hand_over(self, batch: list[_Waiting], outcomes: list[Started | StoreError]) -> None:
        given: dict[UUID, list[Handed]] = {}
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Started) and outcome.created and outcome.owner_id:
                handed = Handed.started(waiting.start, outcome)
                given.setdefault(outcome.owner_id, []).append(handed)
        for owner_id, executions in given.items():
            try:
                await self._handover.start(owner_id, executions)
            except Exception:
                # Its rows are the queue: the executor finds what it was not told of.
                log.exception("starter.not_handed_over", executions=len(executions))
