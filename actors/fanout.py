"""Map fan-out: a chunk of items as one Ray task.

A task's process keeps its agents' services (browser, script workers, connections) for the next
chunk. It tells what has ended while it runs, a batch at a time. Payload and results are JSON text,
so nothing but text crosses between processes.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

import orjson
import ray

from actors.attempts import Attempt, Work, attempt_until_done
from actors.backoff import LONGEST_SLEEP_SECONDS
from agents.agent import AgentContext, Usage
from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from compiler.inflection import item_names
from compiler.specification import Node
from compiler.workers import worker_of
from store.json_values import dumps

ITEMS_AT_ONCE = 16
"""How many items of one chunk run at once, unless the node says otherwise."""
BATCH_SECONDS = 0.2
"""How long results gather before they are told; a chunk that ends earlier is told at once."""
BATCH_BYTES = 4 * 1024 * 1024
"""How much JSON is told at once, if it is not a single result."""
ITEM_BYTES = 32 * 1024 * 1024
"""The most JSON that an item's output may have."""
ERROR_CHARACTERS = 4_000
"""How much of an item's error is kept."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item."""

    map_index: int
    attempt: int
    output_json: str | None
    """JSON text; None when it failed."""
    error: str | None
    llm_tokens: int = 0
    api_calls: int = 0
    cost_usd: float = 0.0
    retry_in_seconds: float | None = None
    """When another attempt follows that the map has to wait for: after how long."""
    agent: str | None = None
    """Whose attempt it was; None: no agent began."""
    seconds: float = 0.0
    """How long the attempt took."""

    @classmethod
    def failed(cls, map_index: int, attempt: int, error: str) -> "ItemResult":
        """Make the result of an item that failed for good."""
        return cls(map_index, attempt, None, error[:ERROR_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some items of a mapped list, with what the node's parameters refer to."""

    node: Mapping[str, Any]
    """The node as a JSON document."""
    indexes: list[int]
    """Where the items stand in the list."""
    items: list[Any]
    attempts: Mapping[str, int]
    """The numbers of the attempts that are made first, by index; 1 where none stands."""
    scope: Mapping[str, Any]
    secrets: Mapping[str, str]
    tenant_id: str
    workflow_id: str
    execution_id: str


Told = Callable[[ItemResult], None]


class _Worker:
    """This process's event loop and services, started with the first chunk."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._registry = builtin_registry()
        self._services: Services | None = None
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        threading.Thread(target=self._loop.run_forever, name="chunks", daemon=True).start()

    def run(self, chunk: Chunk, settings: AgentSettings) -> Iterator[list[ItemResult]]:
        """Run a chunk on the loop and yield its results; blocks this thread only."""
        ended: SimpleQueue[ItemResult | None] = SimpleQueue()
        running = asyncio.run_coroutine_threadsafe(
            self._run(chunk, settings, ended.put), self._loop
        )
        running.add_done_callback(lambda _: ended.put(None))
        yield from batches(ended)
        running.result()

    async def _run(self, chunk: Chunk, settings: AgentSettings, ended: Told) -> None:
        async with self._opening:
            if self._services is None:
                # Closed with the process: Ray ends idle workers by a signal.
                self._services = await self._stack.enter_async_context(open_services(settings))
        await run_items(chunk, self._services, self._registry, ended)


_worker: _Worker | None = None


@ray.remote(num_cpus=0, max_retries=0, num_returns="streaming")
def run_chunk(chunk_json: bytes, settings: AgentSettings) -> Iterator[bytes]:
    """Run a chunk in a worker process.

    Args:
        chunk_json: A `Chunk` as JSON.
        settings: The agents' settings; the first chunk's stay for this process.

    Yields:
        JSON lists of `ItemResult`s, in the order in which the items end.
    """
    global _worker
    _worker = _worker or _Worker()
    for results in _worker.run(Chunk(**orjson.loads(chunk_json)), settings):
        yield orjson.dumps(results)


@ray.remote(num_cpus=0, max_retries=0)
def warm_up() -> None:
    """Start a worker process with everything imported that a chunk needs."""


def batches(ended: "SimpleQueue[ItemResult | None]") -> Iterator[list[ItemResult]]:
    """Yield what has ended, as lists that gathered for a while; None in the queue is the end."""
    more = True
    while more:
        batch: list[ItemResult] = []
        size_bytes = 0
        until = time.monotonic() + BATCH_SECONDS
        while size_bytes < BATCH_BYTES:
            try:
                result = ended.get(timeout=max(0.0, until - time.monotonic()) if batch else None)
            except Empty:
                break
            if result is None:
                more = False
                break
            batch.append(result)
            size_bytes += len(result.output_json or "")
        if batch:
            yield batch


async def run_items(chunk: Chunk, services: Services, registry: Registry, ended: Told) -> None:
    """Run a chunk's items, some at once, and tell each as it ends; a failure is its result."""
    node = Node.model_validate(chunk.node)
    gate = asyncio.Semaphore(node.item_concurrency or ITEMS_AT_ONCE)

    async def run_one(map_index: int, item: Any) -> None:
        async with gate:
            context = _context(chunk, node, services, map_index, item)
            ended(await _run_item(chunk, node, registry, context, item))

    async with asyncio.TaskGroup() as group:
        for map_index, item in zip(chunk.indexes, chunk.items, strict=True):
            group.create_task(run_one(map_index, item))


def _context(
    chunk: Chunk, node: Node, services: Services, map_index: int, item: Any
) -> AgentContext:
    return AgentContext(
        tenant_id=UUID(chunk.tenant_id),
        workflow_id=UUID(chunk.workflow_id),
        execution_id=UUID(chunk.execution_id),
        node_id=node.id,
        services=services,
        map_index=map_index,
        inputs={"item": item},
        variables={**chunk.scope, **dict.fromkeys(item_names(node.input_keys[0]), item)},
    )


async def _run_item(
    chunk: Chunk, node: Node, registry: Registry, context: AgentContext, item: Any
) -> ItemResult:
    map_index = context.map_index or 0
    if node.workers:
        worker = worker_of(node, item)
        if isinstance(worker, str):
            return ItemResult.failed(map_index, 1, worker)
        node = worker
    work = Work(
        node=node,
        agent=registry.get(node.agent),
        code=registry.signatures()[node.agent].code_parameters,
        scope=context.variables,
        secrets=chunk.secrets,
        context=context,
    )
    attempt = await attempt_until_done(
        work, _ignore, _ignore,
        first=chunk.attempts.get(str(map_index), 1), longest_sleep_seconds=LONGEST_SLEEP_SECONDS,
    )  # fmt: skip
    if attempt.result is None:
        failed = ItemResult.failed(map_index, attempt.number, attempt.error or "")
        return replace(failed, retry_in_seconds=attempt.retry_in_seconds,
                       agent=node.agent, seconds=attempt.seconds)  # fmt: skip
    output_json = dumps(attempt.result.output)
    usage = attempt.result.usage
    return ItemResult(
        map_index, attempt.number, *_bounded(output_json), **_used(usage),
        agent=node.agent, seconds=attempt.seconds,
    )  # fmt: skip


def _bounded(output_json: str) -> tuple[str | None, str | None]:
    """Return an output and no error, or why it cannot be kept."""
    if len(output_json) <= ITEM_BYTES // 4 or len(output_json.encode("utf-8")) <= ITEM_BYTES:
        return output_json, None
    size_mib = len(output_json) / 2**20
    error = (
        f"The output has {size_mib:.1f} MiB of JSON; at most {ITEM_BYTES // 2**20} MiB of an item "
        "can be kept. Let the item answer less, or store it and answer where."
    )
    return None, error


def _used(usage: Usage) -> dict[str, Any]:
    return {
        "llm_tokens": usage.llm_tokens,
        "api_calls": usage.api_calls,
        "cost_usd": usage.cost_usd,
    }


async def _ignore(_attempt: Attempt) -> None:
    """Attempts of single items are not told one by one."""
