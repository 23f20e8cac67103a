"""Map fan-out: a chunk of items as one Ray task.

A task's process keeps its agents' services (browser, script workers, connections) for the next
chunk. Payload and results are JSON text, so nothing but text crosses between processes.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import ray

from actors.attempts import Attempt, Work, attempt_until_done
from actors.metrics import show_in_ray
from agents.agent import AgentContext
from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from compiler.inflection import item_names
from compiler.specification import Node

ITEMS_AT_ONCE = 16
"""How many items of one chunk run at once."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item."""

    map_index: int
    attempt: int
    output: Any
    error: str | None
    llm_tokens: int
    api_calls: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some items of a mapped list, with what the node's parameters refer to."""

    node: Mapping[str, Any]
    """The node as a JSON document."""
    start: int
    items: list[Any]
    scope: Mapping[str, Any]
    secrets: Mapping[str, str]
    tenant_id: str
    workflow_id: str
    execution_id: str


class _Worker:
    """This process's event loop and services, started with the first chunk."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._registry = builtin_registry()
        self._services: Services | None = None
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        show_in_ray()
        threading.Thread(target=self._loop.run_forever, name="chunks", daemon=True).start()

    def run(self, chunk: Chunk, settings: AgentSettings) -> list[ItemResult]:
        """Run a chunk on the loop; blocks this thread only."""
        future: Future[list[ItemResult]] = asyncio.run_coroutine_threadsafe(
            self._run(chunk, settings), self._loop
        )
        return future.result()

    async def _run(self, chunk: Chunk, settings: AgentSettings) -> list[ItemResult]:
        async with self._opening:
            if self._services is None:
                # Closed with the process: Ray ends idle workers by a signal.
                self._services = await self._stack.enter_async_context(open_services(settings))
        return await run_items(chunk, self._services, self._registry)


_worker: _Worker | None = None


@ray.remote(num_cpus=0, max_retries=0)
def run_chunk(chunk_json: bytes, settings: AgentSettings) -> bytes:
    """Run a chunk in a worker process.

    Args:
        chunk_json: A `Chunk` as JSON.
        settings: The agents' settings; the first chunk's stay for this process.

    Returns:
        A JSON list of `ItemResult`s, in item order.
    """
    global _worker
    _worker = _worker or _Worker()
    return orjson.dumps(_worker.run(Chunk(**orjson.loads(chunk_json)), settings))


@ray.remote(num_cpus=0, max_retries=0)
def warm_up() -> None:
    """Start a worker process with everything imported that a chunk needs."""


async def run_items(chunk: Chunk, services: Services, registry: Registry) -> list[ItemResult]:
    """Run a chunk's items, some at once; an item's failure is its result."""
    node = Node.model_validate(chunk.node)
    gate = asyncio.Semaphore(ITEMS_AT_ONCE)

    async def run_one(offset: int, item: Any) -> ItemResult:
        async with gate:
            context = _context(chunk, node, services, chunk.start + offset, item)
            return await _run_item(chunk, node, registry, context)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run_one(n, item)) for n, item in enumerate(chunk.items)]
    return [task.result() for task in tasks]


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
    chunk: Chunk, node: Node, registry: Registry, context: AgentContext
) -> ItemResult:
    work = Work(
        node=node,
        agent=registry.get(node.agent),
        code=registry.signatures()[node.agent].code_parameters,
        scope=context.variables,
        secrets=chunk.secrets,
        context=context,
    )
    attempt = await attempt_until_done(work, _ignore, _ignore)
    usage = attempt.result.usage if attempt.result else None
    return ItemResult(
        map_index=context.map_index or 0,
        attempt=attempt.number,
        output=attempt.result.output if attempt.result else None,
        error=attempt.error,
        llm_tokens=usage.llm_tokens if usage else 0,
        api_calls=usage.api_calls if usage else 0,
        cost_usd=usage.cost_usd if usage else 0.0,
    )


async def _ignore(_attempt: Attempt) -> None:
    """Attempts of single items are not told one by one."""
