"""State of several sizes through chains: time and bytes a node, and how late the event loop is.

An engine of its own with embedded PostgreSQL and Redis drives one execution after the other; every
node's result is durable before the next begins.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from actors.config import ExecutorConfig
from actors.engine import Engine, open_engine
from actors.logs import configure_logs
from actors.memory import settle_memory
from agents.settings import AgentSettings
from benchmarks.figures import spread, write
from compiler.specification import Specification
from compiler.text import specification_hash, to_document
from serve.embedded import embedded_postgres, embedded_redis
from store.accounts import Principal, authenticate, create_account
from store.executions import Start, start_execution
from store.live import LiveView, open_live_view
from store.migrate import migrate
from store.postgres import Pool, open_pool
from store.statements import statement
from store.workflows import NewWorkflow, create_workflow

ROUNDS = 5
TABLES = ("execution_checkpoints", "execution_channel_values", "execution_writes",
          "execution_artifacts", "execution_node_logs", "execution_events",
          "workflow_executions")  # fmt: skip
STALL_SECONDS = 0.001


def chain(length: int) -> dict[str, Any]:
    """Nodes in a row, each passing on what the one before it had."""
    nodes = [
        {"id": f"n{number}", "agent": "data_processing",
         "parameters": {"operation": "transform",
                        "data": f"{{n{number - 1}}}" if number else "{input.value}"}}
        for number in range(length)
    ]  # fmt: skip
    edges = [{"from": a["id"], "to": b["id"]} for a, b in pairwise(nodes)]
    return {"name": f"A chain of {length}", "nodes": nodes, "edges": edges}


def records(size_bytes: int) -> list[dict[str, Any]]:
    """Rows as a scraper or a query gives them, of about this much JSON."""
    row = {"name": "a name of someone", "tags": ["a", "b"], "score": 0.25, "text": "lorem " * 8}
    return [{**row, "id": number} for number in range(size_bytes // 130)]


CASES: dict[str, tuple[int, Any]] = {
    "20 nodes, 10 KB of text": (20, "0123456789" * 1_000),
    "20 nodes, 1 MB of text": (20, "0123456789" * 100_000),
    "20 nodes, 1 MB of records": (20, records(1_000_000)),
    "50 nodes, a word": (50, "word"),
    "100 nodes, a word": (100, "word"),
    "200 nodes, a word": (200, "word"),
}


class Ran(NamedTuple):
    """An execution that ended; times a node."""

    execution_id: UUID
    took_ms: float
    cpu_ms: float
    stalled_ms: float
    """How late the event loop was at most meanwhile."""


class World:
    """An engine, and who starts executions for it."""

    def __init__(
        self, engine: Engine, executor_id: UUID, pool: Pool, live: LiveView, principal: Principal
    ) -> None:
        self._engine = engine
        self._executor_id = executor_id
        self._pool = pool
        self._live = live
        self._principal = principal

    async def run(self, length: int, value: Any, document: dict[str, Any] | None = None) -> Ran:
        """Drive one execution, of a chain unless a document says otherwise, to its end."""
        specification = Specification.model_validate(document or chain(length))
        who = self._principal
        workflow = await create_workflow(
            self._pool,
            NewWorkflow(
                tenant_id=who.tenant_id, organization_id=who.organization_id,
                user_id=who.user_id, name=specification.metadata.name, description="",
                version="1.0.0", pattern=specification.pattern,
                specification=to_document(specification),
                specification_sha256=specification_hash(specification), yaml_text="",
            ),
        )  # fmt: skip
        start = Start(
            tenant_id=who.tenant_id, organization_id=who.organization_id,
            workflow_id=workflow.id, workflow_name=workflow.name, user_id=who.user_id,
            specification_sha256=workflow.specification_sha256, input={"value": value},
            total_nodes=length,
        )  # fmt: skip
        started = await start_execution(self._pool, self._live, start, self._executor_id)
        ended = asyncio.Event()
        stalled = asyncio.create_task(longest_stall_ms(ended))
        begun, cpu_begun = time.perf_counter(), time.process_time()
        await self._engine.driver.drive(started.execution_id, self._executor_id)
        took_ms = (time.perf_counter() - begun) * 1000
        cpu_ms = (time.process_time() - cpu_begun) * 1000
        ended.set()
        status = await self._engine.pool.fetchval(statement("get_status"), started.execution_id)
        assert status == "completed", status
        return Ran(started.execution_id, took_ms / length, cpu_ms / length, await stalled)

    async def bytes_of(self, execution_id: UUID) -> int:
        """Return how much an execution left, as it is stored."""
        total = 0
        for table in TABLES:
            key = "id" if table == "workflow_executions" else "execution_id"
            found = f"FROM {table} AS t WHERE {key} = $1"
            size = f"SELECT sum(pg_column_size(t)) {found}"
            total += await self._engine.pool.fetchval(size, execution_id) or 0
        return total


@asynccontextmanager
async def open_world(home: Path) -> AsyncIterator[World]:
    """Open the engine on servers of its own."""
    async with AsyncExitStack() as stack:
        dsn = stack.enter_context(embedded_postgres(home, dict(os.environ)))
        redis_url = stack.enter_context(embedded_redis(home, dict(os.environ)))
        await migrate(dsn)
        token = await create_account(dsn, "Benchmark", "bench@localhost", "Bench")
        pool = await stack.enter_async_context(open_pool(dsn, "weft_api"))
        live = await stack.enter_async_context(open_live_view(redis_url))
        executor_id = uuid7()
        config = ExecutorConfig(dsn, redis_url, 600, AgentSettings(), {})
        engine = await stack.enter_async_context(open_engine(config, executor_id))
        await engine.pool.execute(
            statement("insert_executor"), executor_id, "one", "here", 1, False
        )
        principal = await authenticate(pool, token)
        assert principal is not None
        flushing = asyncio.create_task(engine.journal.run())
        try:
            yield World(engine, executor_id, pool, live, principal)
        finally:
            await engine.journal.drain()
            flushing.cancel()


async def longest_stall_ms(done: asyncio.Event) -> float:
    """Return how late the event loop was at most until the event is set."""
    loop, longest = asyncio.get_running_loop(), 0.0
    while not done.is_set():
        due = loop.time() + STALL_SECONDS
        await asyncio.sleep(STALL_SECONDS)
        longest = max(longest, loop.time() - due)
    return longest * 1000


async def measure(home: Path) -> dict[str, Any]:
    """Run every case and return its figures."""
    figures = {}
    async with open_world(home) as world:
        await world.run(3, "warm")
        settle_memory()
        for name, (length, value) in CASES.items():
            ran = [await world.run(length, value) for _ in range(ROUNDS)]
            left = await world.bytes_of(ran[-1].execution_id)
            figures[name] = {
                "a_node": spread([one.took_ms for one in ran]),
                "cpu_ms_a_node": round(median(one.cpu_ms for one in ran), 2),
                "longest_stall_ms": round(median(one.stalled_ms for one in ran), 1),
                "bytes": left,
                "bytes_a_node": round(left / length),
            }
    return figures


def main() -> None:
    """Measure and write."""
    configure_logs("WARNING")
    home = Path(tempfile.mkdtemp(prefix="weft-state-"))
    (home / "logs").mkdir()
    try:
        figures = asyncio.run(measure(home))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    claim = "A chain leaves as much for each node; 1 MB through 20 nodes is kept once"
    print(write("state", claim, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
