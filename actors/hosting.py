"""What every execution of one process shares."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
import ray

from actors.fanout import Chunk, ItemResult, run_chunk
from actors.journal import Journal
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import Services
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
    chunks_at_once: int = 4
    _gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._gate = asyncio.Semaphore(self.chunks_at_once)

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
