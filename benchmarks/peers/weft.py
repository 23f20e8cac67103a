"""Weft in this process: starter, engine, journal and driver as the platform has them, without HTTP.

A map runs as in the product: its chunks are Ray tasks, so a local Ray is started for it. Redis and
Ray are children of this process, so what they use counts.
"""

import asyncio
import os
import shutil
import tempfile
from asyncio import Task, TaskGroup
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import ray
from uuid_utils.compat import uuid7

from actors.config import ExecutorConfig
from actors.driver import Driven
from actors.engine import Engine, open_engine
from actors.handed import Handed
from actors.logs import configure_logs
from actors.memory import settle_memory
from agents.registry import builtin_registry
from agents.settings import AgentSettings
from benchmarks.peers.load import Execute, main
from benchmarks.peers.servers import open_redis
from benchmarks.peers.works import ITEMS, Work
from compiler.check import check
from compiler.specification import Specification
from compiler.text import specification_hash, to_document
from serve.handover import Handover
from serve.starter import Starter
from store.accounts import Principal, authenticate, create_account
from store.executions import Start
from store.history import list_executions
from store.live import open_live_view
from store.migrate import migrate
from store.postgres import Pool, open_pool
from store.statements import statement
from store.workflows import NewWorkflow, create_workflow

API_CONNECTIONS = 10
"""With the engine's own that is as many as the others have."""
LEASE_SECONDS = 60.0
OBJECT_STORE_BYTES = 256 * 1024 * 1024
RAY_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_idle_worker_killing_time_threshold_ms": "60000",
}
"""As a platform sets them for its chunk workers."""


def specification(work: Work) -> dict[str, Any]:
    """Return the work as Weft's own specification."""
    if work == "sequence":
        nodes = [_node("one", [1, 2, 3]), _node("two", [1, 2, 3]), _node("three", [1, 2, 3])]
        edges = [{"from": "one", "to": "two"}, {"from": "two", "to": "three"}]
        return {"name": "Three trivial nodes", "nodes": nodes, "edges": edges}
    mapped = {**_node("each", "{item}"), "pattern": "map", "input_keys": ["input.items"]}
    return {"name": "A hundred trivial items", "nodes": [mapped], "edges": []}


def input_of(work: Work) -> dict[str, Any]:
    """Return what an execution of the work is given."""
    return {"items": ITEMS} if work == "map" else {}


def _node(id: str, data: Any) -> dict[str, Any]:
    parameters = {"operation": "transform", "data": data}
    return {"id": id, "agent": "data_processing", "parameters": parameters}


@asynccontextmanager
async def open_weft(dsn: str, work: Work) -> AsyncIterator[Execute]:
    """Open an engine that owns an executor's lease, and a workflow that does the work."""
    configure_logs("WARNING")
    async with AsyncExitStack() as stack:
        redis_url = stack.enter_context(open_redis())
        if work == "map":
            stack.enter_context(_local_ray())
        await migrate(dsn)
        token = await create_account(dsn, "Peers", "peers@localhost", "Peers")
        pool = await stack.enter_async_context(open_pool(dsn, "weft_api", size=API_CONNECTIONS))
        live = await stack.enter_async_context(open_live_view(redis_url))
        executor_id = uuid7()
        config = ExecutorConfig(dsn, redis_url, LEASE_SECONDS, AgentSettings(), {})
        engine = await stack.enter_async_context(open_engine(config, executor_id))
        await engine.pool.execute(
            statement("insert_executor"), executor_id, "peers", "peers", os.getpid(), False
        )
        handover = OneExecutor(pool, engine, executor_id)
        starter = Starter(pool, live, handover, None)
        await stack.enter_async_context(_running(engine, starter))
        principal = await authenticate(pool, token)
        assert principal is not None
        start = await _store_workflow(pool, principal, work)
        settle_memory()
        done = 0

        async def execute() -> None:
            nonlocal done
            started = await starter.start(replace(start, id=uuid7()))
            await handover.driving.pop(started.execution_id)
            done += 1

        yield execute
        _, totals = await list_executions(pool, principal.tenant_id, status="completed", limit=1)
        assert totals["total"] == done, f"{totals['total']} of {done} executions completed"


class OneExecutor(Handover):
    """Hands executions to the engine of this process."""

    def __init__(self, pool: Pool, engine: Engine, executor_id: UUID) -> None:
        super().__init__(pool, LEASE_SECONDS, capacity=1_000_000)
        self._engine = engine
        self._executor_id = executor_id
        self.driving: dict[UUID, Task[Driven]] = {}

    async def choose(self, count: int = 1) -> list[UUID | None]:
        """Choose the one that there is."""
        return [self._executor_id] * count

    async def start(self, owner_id: UUID, executions: Sequence[Handed]) -> None:
        """Drive what was just started."""
        for handed in executions:
            driving = asyncio.create_task(self._engine.driver.drive_handed(handed))
            self.driving[handed.execution_id] = driving


@asynccontextmanager
async def _running(engine: Engine, starter: Starter) -> AsyncIterator[None]:
    """Run an engine's journal and the starter for as long as the context lasts."""
    async with TaskGroup() as group:
        loops = [
            group.create_task(engine.journal.run(), name="journal"),
            group.create_task(starter.run(), name="starts"),
        ]
        try:
            yield
            await engine.journal.drain()
        finally:
            for loop in loops:
                loop.cancel()


async def _store_workflow(pool: Pool, principal: Principal, work: Work) -> Start:
    """Store the work's workflow; return the start of one execution of it."""
    checked = Specification.model_validate(specification(work))
    assert check(checked, builtin_registry().signatures()) == []
    sha256 = specification_hash(checked)
    workflow = await create_workflow(
        pool,
        NewWorkflow(
            tenant_id=principal.tenant_id,
            organization_id=principal.organization_id,
            user_id=principal.user_id,
            name=checked.metadata.name,
            description="",
            version=checked.metadata.version,
            pattern=checked.pattern,
            specification=to_document(checked),
            specification_sha256=sha256,
            yaml_text="",
        ),
    )
    return Start(
        tenant_id=principal.tenant_id,
        organization_id=principal.organization_id,
        workflow_id=workflow.id,
        workflow_name=workflow.name,
        user_id=principal.user_id,
        specification_sha256=sha256,
        input=input_of(work),
        total_nodes=len(checked.nodes),
    )


@contextmanager
def _local_ray() -> Iterator[None]:
    os.environ |= RAY_VARIABLES
    # Its sockets' paths have 107 bytes at most.
    folder = tempfile.mkdtemp(prefix="wp", dir="/tmp")
    ray.init(
        address="local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES,
        log_to_driver=False, configure_logging=False, _temp_dir=folder,
    )  # fmt: skip
    try:
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main("weft", open_weft)
