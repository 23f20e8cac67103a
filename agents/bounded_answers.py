"""Answers of bounded size for clients of others: libraries that read whatever comes.

What a library reads by itself is not compressed: it would unpack a small answer into any memory.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx2

from agents.errors import AgentError


class BoundedAnswers(httpx2.AsyncBaseTransport):
    """A transport whose answers end at a bound.

    Args:
        inner: What makes the connections.
        most_bytes: The bound of one answer's body.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, most_bytes: int) -> None:
        self._inner = inner
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request.

        Raises:
            AgentError: The answer is compressed; final.
        """
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            await response.aclose()
            raise AgentError(f"{request.url.host} answers compressed, unasked.")
        response.stream = _Bounded(response.stream, self._most_bytes, request.url.host)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: Any, most_bytes: int, host: str) -> None:
        self._inner = inner
        self._most_bytes = most_bytes
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > self._most_bytes:
                raise AgentError(f"{self._host} answers with more than {self._most_bytes} bytes.")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
