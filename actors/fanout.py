"""Map fan-out: a chunk of items as one Ray task.

A task's process keeps its agents' services (browser, script workers, connections) for the next
chunk. It tells what has ended while it runs, a batch at a time. Payload and results are JSON text,
so nothing but text crosses between processes.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any
from uuid import UUID

import orjson
import ray

from actors.attempts import Attempt, Work, attempt_until_done
from actors.backoff import LONGEST_SLEEP_SECONDS
from actors.custom_agents import CustomAgent, extended
from actors.limits import open_shared_services
from actors.secrets import Secrets, VaultPlace, secrets_at
from actors.telling import Say
from agents.agent import AgentContext
from agents.registry import Registry, builtin_registry
from agents.services import Services
from agents.settings import AgentSettings
from compiler.inflection import item_names
from compiler.specification import Node
from compiler.tools import node_agents
from compiler.workers import worker_nodes, worker_of
from store.json_values import dumps
from store.live import open_live_view

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
    used: Sequence[str] = ()
    """The custom agents that it and those before it have run, each as often as it was."""

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
    """Those of the operator's that the node names; its tenant's are opened where they are used."""
    tenant_id: str
    workflow_id: str
    execution_id: str
    agents: list[dict[str, Any]] = field(default_factory=list)
    """The custom agents that the node names, as `CustomAgent`s."""


Hand = Callable[[list[ItemResult]], None]


class _Worker:
    """This process's event loop and services, started with the first chunk."""

    def __init__(self, place: VaultPlace | None) -> None:
        self._secrets = secrets_at(place) if place else Secrets()
        self._loop = asyncio.new_event_loop()
        self._registry = builtin_registry()
        self._services: Services | None = None
        self._say: Say | None = None
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        threading.Thread(target=self._loop.run_forever, name="chunks", daemon=True).start()

    def run(self, chunk: Chunk, settings: AgentSettings) -> Iterator[list[ItemResult]]:
        """Run a chunk on the loop and yield its results; blocks this thread only."""
        told: SimpleQueue[list[ItemResult] | None] = SimpleQueue()
        running = asyncio.run_coroutine_threadsafe(self._run(chunk, settings, told.put), self._loop)
        running.add_done_callback(lambda _: told.put(None))
        while (results := told.get()) is not None:
            yield results
        running.result()

    async def _run(self, chunk: Chunk, settings: AgentSettings, hand: Hand) -> None:
        async with self._opening:
            if self._services is None:
                # Closed with the process: Ray ends idle workers by a signal.
                if settings.redis_url is not None:
                    url = settings.redis_url.get_secret_value()
                    self._say = (await self._stack.enter_async_context(open_live_view(url))).say
                self._services = await self._stack.enter_async_context(
                    open_shared_services(settings)
                )
        await run_items(chunk, self._services, self._registry, hand, self._secrets, self._say)


_worker: _Worker | None = None


@ray.remote(num_cpus=0, max_retries=0, num_returns="streaming")
def run_chunk(
    chunk_json: bytes, settings: AgentSettings, place: VaultPlace | None
) -> Iterator[bytes]:
    """Run a chunk in a worker process.

    Args:
        chunk_json: A `Chunk` as JSON.
        settings: The agents' settings; the first chunk's stay for this process.
        place: Where tenants' secrets are; the first chunk's stays as well.

    Yields:
        JSON lists of `ItemResult`s, in the order in which the items end.
    """
    global _worker
    _worker = _worker or _Worker(place)
    for results in _worker.run(Chunk(**orjson.loads(chunk_json)), settings):
        yield orjson.dumps(results)


@ray.remote(num_cpus=0, max_retries=0)
def warm_up() -> None:
    """Start a worker process with everything imported that a chunk needs."""


class Gathering:
    """Results that are handed over together: after a while, when they are many, and at the end.

    Args:
        hand: Takes them, in the order in which they came.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._results: list[ItemResult] = []
        self._size_bytes = 0
        self._due_seconds = 0.0
        self._later: asyncio.TimerHandle | None = None

    def add(self, result: ItemResult) -> None:
        """Take a result; from the event loop's thread."""
        if not self._results:
            self._due_seconds = time.monotonic() + BATCH_SECONDS
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(BATCH_SECONDS, self.hand_over)
        self._results.append(result)
        self._size_bytes += len(result.output_json or "")
        # Items that never wait leave the timer no turn.
        if self._size_bytes >= BATCH_BYTES or time.monotonic() >= self._due_seconds:
            self.hand_over()

    def hand_over(self) -> None:
        """Hand over what there is."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._results:
            results, self._results, self._size_bytes = self._results, [], 0
            self._hand(results)


async def run_items(
    chunk: Chunk,
    services: Services,
    registry: Registry,
    hand: Hand,
    secrets: Secrets,
    say: Say | None,
) -> None:
    """Run a chunk's items, some at once, and hand over their results; a failure is one."""
    items = _Items(chunk, services, registry, secrets, say)
    gathering = Gathering(hand)
    left = zip(chunk.indexes, chunk.items, strict=True)

    async def run_some() -> None:
        for map_index, item in left:
            gathering.add(await items.run(map_index, item))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(len(chunk.items), items.at_once)):
            group.create_task(run_some())
    gathering.hand_over()


class _Items:
    """The items of one chunk, and what they share."""

    def __init__(
        self,
        chunk: Chunk,
        services: Services,
        registry: Registry,
        secrets: Secrets,
        say: Say | None,
    ) -> None:
        self._chunk = chunk
        self._say = say
        self._secrets = replace(secrets, operator=chunk.secrets)
        self._services = services
        self._node = Node.model_validate(chunk.node)
        custom = [CustomAgent(**one) for one in chunk.agents]
        parts = (self._node, *worker_nodes(self._node).values())
        self._registry = extended(
            registry, custom, [name for one in parts for name in node_agents(one)]
        )
        self._names = item_names(self._node.input_keys[0])
        self._ids = UUID(chunk.tenant_id), UUID(chunk.workflow_id), UUID(chunk.execution_id)
        self.at_once = self._node.item_concurrency or ITEMS_AT_ONCE

    async def run(self, map_index: int, item: Any) -> ItemResult:
        """Run an item to its end, or to where its next attempt is to be waited for."""
        chunk, node = self._chunk, self._node
        if node.workers:
            worker = worker_of(node, item)
            if isinstance(worker, str):
                return ItemResult.failed(map_index, 1, worker)
            node = worker
        context = AgentContext(
            *self._ids,
            node_id=node.id,
            services=self._services,
            map_index=map_index,
            inputs={"item": item},
            variables={**chunk.scope, **dict.fromkeys(self._names, item)},
        )
        work = Work.of(self._registry, node, context.variables, self._secrets, context, self._say)
        used: list[str] = []

        async def retrying(attempt: Attempt) -> None:
            used.extend(attempt.used)

        attempt = await attempt_until_done(
            work,
            _ignore,
            retrying,
            first=chunk.attempts.get(str(map_index), 1),
            longest_sleep_seconds=LONGEST_SLEEP_SECONDS,
        )
        used.extend(attempt.used)
        if attempt.result is None:
            failed = ItemResult.failed(map_index, attempt.number, attempt.error or "")
            return replace(failed, retry_in_seconds=attempt.retry_in_seconds,
                           agent=node.agent, seconds=attempt.seconds, used=used)  # fmt: skip
        output_json, error = _bounded(dumps(attempt.result.output))
        usage = attempt.result.usage
        return ItemResult(
            map_index, attempt.number, output_json, error,
            usage.llm_tokens, usage.api_calls, usage.cost_usd,
            agent=node.agent, seconds=attempt.seconds, used=used,
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


async def _ignore(_attempt: Attempt) -> None:
    """That attempts of single items begin is not told one by one."""
