"""The ExecutionActor: one Ray actor that hosts many executions.

Its lease is a row in `executors`, renewed from a thread with a connection of its own, so that
nothing on the event loop can make it late. A process that could not renew its lease in time ends
itself: by then its executions belong to others.
"""

import asyncio
import os
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import ray
import structlog
from uuid_utils.compat import uuid7

from actors.checkpointer import JournalSaver
from actors.driver import Driver
from actors.graphs import GraphCache
from actors.hosting import Host
from actors.journal import Journal
from actors.lease import keep_lease
from actors.logs import configure_logs
from actors.run import Run
from agents.registry import builtin_registry
from agents.services import AgentSettings, open_services
from store.live import open_live_view
from store.postgres import UNREACHABLE, Pool, open_pool
from store.statements import statement

log = structlog.get_logger(__name__)

ADOPT_SECONDS = 2.0
"""How often an executor looks for executions that were given to it but never handed over."""
EXIT_LEASE_LOST = 70
EXIT_BROKEN = 71


@dataclass(frozen=True, slots=True)
class ExecutorConfig:
    """What an executor needs: plain values that travel to its process."""

    database_url: str
    redis_url: str
    lease_seconds: float
    agents: AgentSettings
    secrets: dict[str, str]
    log_level: str = "INFO"


class ExecutionActor:
    """Hosts executions; `RemoteExecutionActor` is it as a Ray actor."""

    def __init__(self, slot: str, config: ExecutorConfig) -> None:
        configure_logs(config.log_level)
        self.slot = slot
        self.id: UUID = uuid7()
        self._config = config
        self._stack = AsyncExitStack()
        self._starting = asyncio.Lock()
        self._runs: dict[UUID, Run] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._cancelling: dict[UUID, str] = {}
        self._driver: Driver | None = None
        self._journal: Journal | None = None
        self._background: list[asyncio.Task[None]] = []
        self._lease_stopped = threading.Event()

    async def ready(self) -> str:
        """Start what is not started yet; returns the executor's id."""
        async with self._starting:
            if self._driver is None:
                await self._start()
        return str(self.id)

    async def _start(self) -> None:
        config = self._config
        pool = await self._stack.enter_async_context(
            open_pool(config.database_url, "weft_engine", size=8)
        )
        live = await self._stack.enter_async_context(open_live_view(config.redis_url))
        services = await self._stack.enter_async_context(open_services(config.agents))
        await pool.execute(statement("insert_executor"), self.id, self.slot, self.slot, os.getpid())
        threading.Thread(
            target=keep_lease,
            args=(config.database_url, self.id, config.lease_seconds, self._lease_stopped,
                  lambda reason: _end_process(EXIT_LEASE_LOST, reason)),
            name="lease", daemon=True,
        ).start()  # fmt: skip
        journal = Journal(pool, self.id, live.publish)
        host = Host(pool, journal, builtin_registry(), services, config.secrets)
        saver = JournalSaver(pool, journal, self._runs.__getitem__)
        self._journal = journal
        self._driver = Driver(host, GraphCache(saver), self._runs)
        self._watch(asyncio.create_task(journal.run(), name="journal"))
        self._watch(asyncio.create_task(self._adopt(pool), name="adopt"))
        # Whoever held this slot before is gone: its executions need not wait for its lease to end.
        await pool.execute(statement("stop_former_executors"), self.slot, self.id)

    def _watch(self, task: asyncio.Task[None]) -> None:
        def ended(done: asyncio.Task[None]) -> None:
            if not done.cancelled() and (error := done.exception()):
                _end_process(EXIT_BROKEN, f"{done.get_name()} ended: {error!r}")

        task.add_done_callback(ended)
        self._background.append(task)

    async def _adopt(self, pool: Pool) -> None:
        while True:
            await asyncio.sleep(ADOPT_SECONDS)
            try:
                rows = await pool.fetch(statement("list_owned_executions"), self.id)
            except UNREACHABLE as error:
                # How long the database may stay away is the journal's and the lease's to say.
                log.warning("executor.database_away", error=repr(error))
                continue
            for row in rows:
                self._begin(row["id"])

    async def host(self, execution_id: str) -> None:
        """Drive an execution that was given to this executor, until it ends or waits."""
        await self.ready()
        await asyncio.wait([self._begin(UUID(execution_id))])

    def _begin(self, execution_id: UUID) -> asyncio.Task[None]:
        task = self._tasks.get(execution_id)
        if task is None:
            if self._driver is None:
                raise RuntimeError("The executor has not started.")
            task = asyncio.create_task(
                self._driver.drive(execution_id, self.id), name=f"execution {execution_id}"
            )
            self._tasks[execution_id] = task
            task.add_done_callback(lambda _done: self._tasks.pop(execution_id, None))
        return task

    async def cancel(self, execution_id: str, reason: str) -> bool:
        """Stop an execution; when this returns True nothing of it will start any more.

        Returns:
            False when this executor does not drive it.
        """
        id = UUID(execution_id)
        task, run = self._tasks.get(id), self._runs.get(id)
        if task is None or run is None or self._driver is None:
            return False
        task.cancel()
        await asyncio.wait([task])
        await self._driver.cancel(run, reason)
        return True

    async def stats(self) -> dict[str, int]:
        """Return counters for metrics: executions hosted, journal flushes and rows."""
        journal = self._journal
        return {
            "hosted": len(self._runs),
            "flushes": journal.flushes if journal else 0,
            "rows": journal.rows if journal else 0,
        }

    async def stop(self) -> None:
        """Stop in good order: what runs is left at its last checkpoint for the next owner."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        if self._journal is not None:
            try:
                await asyncio.wait_for(self._journal.drain(), 5)
            except TimeoutError:
                log.warning("executor.journal_not_drained")
        self._lease_stopped.set()
        for background in self._background:
            background.cancel()
        await self._stack.aclose()

    def __repr__(self) -> str:
        return f"ExecutionActor({self.slot})"


def _end_process(code: int, reason: str) -> None:
    log.critical("executor.ends", reason=reason)
    os._exit(code)


RemoteExecutionActor: Any = ray.remote(ExecutionActor)
"""The ExecutionActor as Ray starts it; its type is Ray's own, made at run time."""
