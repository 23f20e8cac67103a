"""The guarded connections of the MCP library, with bounds and with what went wrong on them."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import httpx2

from agents.errors import AgentError

_RETRYABLE = frozenset({408, 409, 425, 429})


class LoginRefused(AgentError):
    """The server does not accept what was logged in with."""


class Watched(httpx2.AsyncBaseTransport):
    """The guarded transport with a bound of bytes; it notes what the library tells others less of.

    Args:
        inner: The guarded one.
        most_bytes: The bound of one answer.
        listens: Whether answers come by a stream that is listened to.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, most_bytes: int, *, listens: bool) -> None:
        self.fault: AgentError | None = None
        self._inner = inner
        self._most_bytes = most_bytes
        self._listens = listens

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request."""
        host = request.url.host
        try:
            response = await self._inner.handle_async_request(request)
        except AgentError as error:
            self.fault = error
            raise httpx2.ConnectError(str(error)) from error
        except httpx2.TransportError as error:
            reason = f"{type(error).__name__}: {error}".strip(": ")
            self.fault = AgentError(
                f"The MCP server at {host} does not answer: {reason}.", retryable=True
            )
            raise
        if response.headers.get("content-encoding", "identity") != "identity":
            self.fault = AgentError(f"The MCP server at {host} answers compressed, unasked.")
            await response.aclose()
            raise httpx2.ReadError(str(self.fault))
        if response.status_code >= 400 and self._counts(request):
            self.fault = _refused(host, response)
        response.stream = self._bounded(response.stream)
        return response

    def _counts(self, request: httpx2.Request) -> bool:
        """Whether a refusal means something: a stream to listen to and a farewell are no matter."""
        return request.method == "POST" or (self._listens and request.method == "GET")

    def _bounded(self, stream: Any) -> "_Bounded":
        return _Bounded(stream, self._most_bytes, self)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: Any, most_bytes: int, watched: Watched) -> None:
        self._inner = inner
        self._most_bytes = most_bytes
        self._watched = watched

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > self._most_bytes:
                self._watched.fault = AgentError(
                    f"The MCP server answers with more than {self._most_bytes} bytes.",
                    remedy="Ask for a smaller part of it.",
                )
                raise httpx2.ReadError(str(self._watched.fault))
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _refused(host: str, response: httpx2.Response) -> AgentError:
    status = response.status_code
    kind = LoginRefused if status == HTTPStatus.UNAUTHORIZED else AgentError
    wait = response.headers.get("retry-after", "")
    retryable = status >= 500 or status in _RETRYABLE
    login = status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    remedy = "Check `auth` and `headers`." if login else ""
    return kind(
        f"The MCP server at {host} answers with status {status}.",
        retryable=retryable,
        retry_after_seconds=float(wait) if wait.isdecimal() else None,
        remedy=remedy or ("" if retryable else "Check its `url`."),
    )
