"""HTTP connections of one client: as many pools as there are requests for, each of a bounded size.

What a pool does for one request grows with the requests that it holds (httpcore looks through all
of them), so ten thousand that wait in one pool would cost minutes of CPU time. A request goes to
the first pool that has room, so that a few requests share connections as in a single pool.
"""

import resource
from collections.abc import AsyncIterator, Callable
from typing import Self

import httpcore2

POOL_REQUESTS = 100
"""How many requests one pool holds."""
KEPT_CONNECTIONS = 20
"""How many idle connections one pool keeps."""
OTHER_FILES = 500
"""Files that a process has open beside its connections."""


class Pools:
    """Several connection pools behind the interface of one.

    Args:
        new_pool: Makes a pool for so many connections, of which so many are kept when idle.
        most: How many pools there may be; beyond that, requests wait for one another. None: as the
            process's limit of open files allows.
    """

    def __init__(
        self, new_pool: Callable[[int, int], httpcore2.AsyncConnectionPool], most: int | None = None
    ) -> None:
        self._new_pool = new_pool
        self._most = most or max(1, (_open_files_limit() - OTHER_FILES) // POOL_REQUESTS)
        self._pools: list[httpcore2.AsyncConnectionPool] = []
        self._held: list[int] = []

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a request through the first pool that has room."""
        place = self._place()
        self._held[place] += 1
        try:
            response = await self._pools[place].handle_async_request(request)
        except BaseException:
            self._held[place] -= 1
            raise
        response.stream = _Held(response.stream, lambda: self._release(place))
        return response

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            await pool.aclose()

    def _place(self) -> int:
        for place, held in enumerate(self._held):
            if held < POOL_REQUESTS:
                return place
        if len(self._pools) < self._most:
            self._pools.append(self._new_pool(POOL_REQUESTS, KEPT_CONNECTIONS))
            self._held.append(0)
            return len(self._pools) - 1
        return self._held.index(min(self._held))

    def _release(self, place: int) -> None:
        self._held[place] -= 1


class _Held:
    """A response's body; its request counts until this is closed."""

    def __init__(self, stream: object, release: Callable[[], None]) -> None:
        self._stream = stream
        self._release: Callable[[], None] | None = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:  # type: ignore[attr-defined]  # httpcore types it loosely
            yield part

    async def aclose(self) -> None:
        """Close the body and make room."""
        try:
            await self._stream.aclose()  # type: ignore[attr-defined]  # as above
        finally:
            if self._release is not None:
                self._release()
                self._release = None


def _open_files_limit() -> int:
    """Raise the limit of open files as far as the system lets us, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
