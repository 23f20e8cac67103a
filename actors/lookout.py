"""The supervisor's look at what is due, which all of its loops go by."""

import asyncio
import time
from contextlib import suppress

from store.due import Due, see_due
from store.postgres import Pool

TICK_SECONDS = 1.0
"""How long after a look the next one comes, unless somebody wants it sooner."""


class Lookout:
    """Looks what there is to do, every second, and tells all who wait.

    Args:
        pool: A pool of role weft_engine.
        lease_seconds: How long a lease holds.
    """

    def __init__(self, pool: Pool, lease_seconds: float) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[tuple[Due, float]]] = []

    async def look(self) -> None:
        """Look and tell; then wait until it is time for the next look."""
        self._wanted.clear()
        begun = time.monotonic()
        due = await see_due(self._pool, self._lease_seconds)
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            if not told.done():
                told.set_result((due, begun))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), TICK_SECONDS)

    async def next(self) -> Due:
        """Return what the next look sees; one that has begun counts."""
        due, _ = await self._next()
        return due

    async def next_wait_seconds(self) -> float | None:
        """Return in how many seconds the next wait is due, as the next look sees it.

        Negative when it is; None when none has a time.
        """
        due, begun = await self._next()
        if due.next_wait_seconds is None:
            return None
        return due.next_wait_seconds - (time.monotonic() - begun)

    def soon(self) -> None:
        """Have it look at once: something has changed what there is."""
        self._wanted.set()

    async def _next(self) -> tuple[Due, float]:
        told: asyncio.Future[tuple[Due, float]] = asyncio.get_running_loop().create_future()
        self._waiting.append(told)
        return await told
