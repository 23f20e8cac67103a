"""What every execution of one process shares."""

import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson
import ray

from actors.beginnings import Beginnings
from actors.custom_agents import CustomAgents, reader
from actors.cutting import cut_off
from actors.fanout import Chunk, ItemResult, run_chunk, warm_up
from actors.journal import Journal
from actors.metrics import AGENT_SECONDS
from actors.secrets import Secrets, VaultPlace
from actors.telling import Say
from agents.errors import AgentError
from agents.gate import FairGate
from agents.registry import Registry
from agents.services import Services
from agents.settings import AgentSettings
from store.artifacts import ArtifactStore, PostgresArtifacts
from store.postgres import Pool

CHUNK_DEATHS = 2
"""How often a chunk's worker process may die before its items are run one by one."""
DIED = "The worker process died again and again, at last with this item alone."
BATCHES_AHEAD = 2
"""How many batches of results a chunk may be ahead of the journal."""


@dataclass(slots=True)
class Host:
    """The parts of an executor process that its executions use."""

    pool: Pool
    journal: Journal
    registry: Registry
    services: Services
    secrets: Secrets
    chunks_at_once: int = field(default_factory=lambda: max(2, os.cpu_count() or 2))
    """Chunks of all executions of this process that run at once, each in a process of its own."""
    draining: bool = False
    """Whether no further node is to begin in this process."""
    gate: FairGate = field(init=False)
    """What chunks of all executions of this process go through."""
    beginnings: Beginnings = field(default_factory=Beginnings)
    """What executions of this process go through until their first work begins."""
    artifacts: ArtifactStore = field(init=False)
    custom: CustomAgents = field(init=False)
    """What knows the agents that tenants registered."""
    say: Say | None = None
    """Shows texts that grow to those who watch; None: nobody can."""
    _warm: bool = False

    def __post_init__(self) -> None:
        self.gate = FairGate(self.chunks_at_once)
        self.artifacts = PostgresArtifacts(self.pool)
        self.custom = CustomAgents(self.registry, reader(self.pool))

    def count_attempt(
        self, tenant_id: UUID, agent: str, seconds: float, used: Iterable[str]
    ) -> None:
        """Count an attempt that has ended; custom agents share one name in the metrics.

        Args:
            tenant_id: Whose it was.
            agent: The node's agent.
            seconds: How long it took.
            used: The custom agents that it has run.
        """
        AGENT_SECONDS.record(seconds, agent if self.registry.knows(agent) else "custom")
        for name in used:
            self.custom.used(tenant_id, name)

    def warm_up(self) -> None:
        """Start the processes that chunks run in, once, while the nodes before a map run."""
        if not self._warm:
            self._warm = True
            for _ in range(self.chunks_at_once):
                warm_up.options(name="warm up").remote()

    async def fan_out(self, name: str, chunk: Chunk) -> AsyncGenerator[list[ItemResult]]:
        """Run a chunk as a Ray task of this name and yield its results as they come.

        When the task's process dies, what has not ended is run again by another; when that has
        happened as often as it may, each item by itself, so that the one to blame fails alone.

        Raises:
            AgentError: The task could not start its work.
        """
        left = dict(zip(chunk.indexes, chunk.items, strict=True))
        deaths = 0
        while left:
            alone = deaths >= CHUNK_DEATHS
            indexes = list(left)[: 1 if alone else None]
            part = replace(chunk, indexes=indexes, items=[left[index] for index in indexes])
            try:
                async with aclosing(
                    _results(name, part, self.services.settings, self.secrets.place)
                ) as results:
                    async for batch in results:
                        for result in batch:
                            del left[result.map_index]
                        yield batch
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
                deaths += 1
                if alone and indexes[0] in left:
                    del left[indexes[0]]
                    yield [ItemResult.failed(indexes[0], deaths, DIED)]
            except ray.exceptions.RayError as error:
                raise AgentError(f"The worker process failed: {error}") from error


async def _results(
    name: str, chunk: Chunk, settings: AgentSettings, place: VaultPlace | None
) -> AsyncGenerator[list[ItemResult]]:
    """Run a chunk once; a chunk whose results nobody takes any more is cut off.

    It ends with the last result: Ray's own word that a stream has ended takes another turn.
    """
    left = len(chunk.indexes)
    task = run_chunk.options(name=name, _generator_backpressure_num_objects=BATCHES_AHEAD)
    stream: Any = task.remote(orjson.dumps(chunk), settings, place)
    ended = False
    try:
        async for reference in stream:
            results = [ItemResult(**result) for result in orjson.loads(await reference)]
            left -= len(results)
            ended = left <= 0
            yield results
            if ended:
                return
        ended = True
    except ray.exceptions.RayError:
        ended = True
        raise
    finally:
        if not ended:
            await cut_off(stream)
