"""Work on much data as Ray tasks, each in a process of its own."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import ray

from actors.cutting import cut_off
from agents.elsewhere import InThread, Work
from agents.errors import AgentError

AT_ONCE = 2
"""How many such tasks of one process run at once: each may need a gigabyte."""


@ray.remote(num_cpus=0, max_retries=0, num_returns="streaming")
def run_work(work: Work, *parts: bytes) -> Iterator[bytes]:
    """Run work in a worker process and yield its parts."""
    # Ray wants a generator that itself yields.
    for part in work(parts):  # noqa: UP028
        yield part


class RayTasks:
    """The place of an executor and of its chunks' processes; where Ray does not run, a thread."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self, name: str, work: Work, parts: Sequence[bytes]) -> list[bytes]:
        """See `agents.elsewhere.Elsewhere`."""
        if not ray.is_initialized():
            return await InThread().run(name, work, parts)
        async with self._places:
            try:
                return await _results(name, work, parts)
            except ray.exceptions.RayError as error:
                raise AgentError(
                    f"The worker process failed: {str(error)[:500]}", retryable=True
                ) from error


async def _results(name: str, work: Work, parts: Sequence[bytes]) -> list[bytes]:
    """Run the work once; when nobody waits for it any more it is cut off."""
    references = []
    for part in parts:
        references.append(ray.put(part))
        await asyncio.sleep(0)
    stream: Any = run_work.options(name=name).remote(work, *references)
    ended = False
    try:
        results = [await reference async for reference in stream]
        ended = True
        return results
    except ray.exceptions.RayError:
        ended = True
        raise
    finally:
        if not ended:
            await cut_off(stream)
