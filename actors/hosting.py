"""What every execution of one process shares."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
import ray

from actors.fanout import Chunk, ItemResult, run_chunk, warm_up
from actors.journal import Journal
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import Services
from store.artifacts import ArtifactStore, PostgresArtifacts
from store.postgres import Pool

CHUNK_ATTEMPTS = 3
"""How often a chunk is tried whose worker process dies."""


@dataclass(slots=True)
class Host:
    """The parts of an executor process that its executions use."""

    pool: Pool
    journal: Journal
    registry: Registry
    services: Services
    secrets: Mapping[str, str]
    chunks_at_once: int = field(default_factory=lambda: max(2, os.cpu_count() or 2))
    """Chunks of all executions of this process that run at once, each in a process of its own."""
    artifacts: ArtifactStore = field(init=False)
    _gate: asyncio.Semaphore = field(init=False)
    _warm: bool = False

    def __post_init__(self) -> None:
        self.artifacts = PostgresArtifacts(self.pool)
        self._gate = asyncio.Semaphore(self.chunks_at_once)

    def warm_up(self) -> None:
        """Start the processes that chunks run in, once, while the nodes before a map run."""
        if not self._warm:
            self._warm = True
            for _ in range(self.chunks_at_once):
                warm_up.options(name="warm up").remote()

    async def fan_out(self, name: str, chunk: Chunk) -> list[ItemResult]:
        """Run a chunk as a Ray task of this name; again when its worker process dies.

        Raises:
            AgentError: It died as often as it may, or could not start its work.
        """
        payload = orjson.dumps(chunk)
        async with self._gate:
            for attempt in range(1, CHUNK_ATTEMPTS + 1):
                reference = run_chunk.options(name=name).remote(payload, self.services.settings)
                try:
                    results = orjson.loads(await reference)
                except asyncio.CancelledError:
                    ray.cancel(reference, force=True)
                    raise
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError) as error:
                    if attempt == CHUNK_ATTEMPTS:
                        message = f"The worker process died {CHUNK_ATTEMPTS} times."
                        raise AgentError(message) from error
                except ray.exceptions.RayError as error:
                    raise AgentError(f"The worker process failed: {error}") from error
                else:
                    return [ItemResult(**result) for result in results]
        raise AssertionError("unreachable")
